use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::value::Record;

use super::convert;

fn object(name: &str, text: &str) -> Record {
    let ty = crate::type_by_name(name).unwrap();
    json::decode(
        &ty,
        &Bytes::copy_from_slice(text.as_bytes()),
        &mut Problems::ignored(),
    )
    .unwrap()
}

#[track_caller]
fn check(from: (&str, &str), to: (&str, &str)) {
    let converted = convert(object(from.0, from.1), &crate::type_by_name(to.0).unwrap()).unwrap();
    assert_eq!(converted, object(to.0, to.1));
    let back = convert(converted, &crate::type_by_name(from.0).unwrap()).unwrap();
    assert_eq!(back, object(from.0, from.1), "and back");
}

#[test]
fn an_event_is_the_same_under_either_set_of_names() {
    check(
        (
            "io.k8s.api.core.v1.Event",
            r#"{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p"},"message":"m","source":{"component":"c"},"count":3,"series":{"count":2},"reportingComponent":"r","type":"Normal"}"#,
        ),
        (
            "io.k8s.api.events.v1.Event",
            r#"{"metadata":{"name":"e"},"regarding":{"kind":"Pod","name":"p"},"note":"m","deprecatedSource":{"component":"c"},"deprecatedCount":3,"series":{"count":2},"reportingController":"r","type":"Normal"}"#,
        ),
    );
}

#[test]
fn a_cpu_target_is_a_field_in_v1() {
    check(
        (
            super::hpa::V1,
            r#"{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"minReplicas":2,"maxReplicas":5,"targetCPUUtilizationPercentage":70},"status":{"currentReplicas":1,"desiredReplicas":1}}"#,
        ),
        (
            super::hpa::V2,
            r#"{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"minReplicas":2,"maxReplicas":5,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":70}}}]},"status":{"currentReplicas":1,"desiredReplicas":1}}"#,
        ),
    );
}

#[test]
fn what_v1_cannot_say_travels_in_annotations() {
    let v2 = object(
        super::hpa::V2,
        r#"{"metadata":{"name":"h"},"spec":{"maxReplicas":5,"metrics":[{"type":"Pods","pods":{"metric":{"name":"qps"},"target":{"type":"AverageValue","averageValue":"10"}}}],"behavior":{"scaleDown":{"selectPolicy":"Min"}}}}"#,
    );
    let v1 = convert(v2.clone(), &crate::type_by_name(super::hpa::V1).unwrap()).unwrap();
    let mut text = Vec::new();
    json::encode(&v1, &mut text);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains(r#"autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":\"Pods\",\"pods\":{\"metricName\":\"qps\",\"targetAverageValue\":\"10\"}}]""#), "{text}");
    let mut back = convert(v1, v2.type_ref()).unwrap();
    // The emptied map of annotations is not written.
    pintle_runtime::codec::normalize(&mut back);
    assert_eq!(back, v2);
}

#[test]
fn the_average_over_an_object_needs_no_value_in_v2() {
    let aims = |target: &str| {
        object(
            super::hpa::V2,
            &format!(
                r#"{{"spec":{{"maxReplicas":5,"metrics":[{{"type":"Object","object":{{"describedObject":{{"kind":"Service","name":"s"}},"metric":{{"name":"qps"}},"target":{target}}}}}]}}}}"#
            ),
        )
    };
    let v1 = crate::type_by_name(super::hpa::V1).unwrap();
    for target in [
        r#"{"type":"AverageValue","averageValue":"10"}"#,
        r#"{"type":"AverageValue","averageValue":"10","value":"5"}"#,
        r#"{"type":"Value","value":"0"}"#,
    ] {
        let v2 = aims(target);
        let mut back = convert(convert(v2.clone(), &v1).unwrap(), v2.type_ref()).unwrap();
        pintle_runtime::codec::normalize(&mut back);
        let metrics = |record: &Record| super::path::get(record, "spec.metrics").cloned();
        assert_eq!(metrics(&back), metrics(&v2), "{target}");
    }
}

#[test]
fn what_is_measured_is_told_twice_in_v1_and_the_annotation_wins() {
    let convert_to = |record: &Record, name: &str| {
        convert(record.clone(), &crate::type_by_name(name).unwrap()).unwrap()
    };
    let v1 = object(
        super::hpa::V1,
        r#"{"metadata":{"name":"h"},"status":{"currentReplicas":1,"desiredReplicas":1,"currentCPUUtilizationPercentage":40}}"#,
    );
    let v2 = convert_to(&v1, super::hpa::V2);
    let metrics = |record: &Record| super::path::get(record, "status.currentMetrics").cloned();
    let expected = object(
        super::hpa::V2,
        r#"{"status":{"currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":40}}}]}}"#,
    );
    assert_eq!(metrics(&v2), metrics(&expected));
    let again = convert_to(&v2, super::hpa::V1);
    let mut text = Vec::new();
    json::encode(&again, &mut text);
    let text = String::from_utf8(text).unwrap();
    let annotation = r#"autoscaling.alpha.kubernetes.io/current-metrics":"[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"currentAverageUtilization\":40,\"currentAverageValue\":\"0\"}}]""#;
    assert!(text.contains(annotation), "{text}");
    let back = convert_to(&again, super::hpa::V2);
    let expected = object(
        super::hpa::V2,
        r#"{"status":{"currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":40,"averageValue":"0"}}}]}}"#,
    );
    assert_eq!(metrics(&back), metrics(&expected));
}
