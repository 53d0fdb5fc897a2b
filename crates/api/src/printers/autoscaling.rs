//! HorizontalPodAutoscalers.

use std::borrow::Cow;

use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::Cells;
use super::age::age_cell;
use super::cell::{Cell, cells};
use super::text::{NONE, UNKNOWN, UNSET, first_of};
use crate::autoscaling::{v1, v2};
use crate::convert::convert;
use v2::{HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus};

/// How many metrics are shown.
const SHOWN: usize = 2;

/// What Go makes of a quantity that is not there.
const NIL: &str = "<nil>";

pub(super) fn v2(object: &Record, now: Time) -> Cells<'_> {
    row(object, false, now)
}

/// An autoscaler of v1. Upstream shows what is stored, and so the metrics that v1 has in annotations,
/// too. Of where the processors were among them v1 does not tell: they are shown first.
pub(super) fn v1(object: &Record, now: Time) -> Cells<'_> {
    let has_processors = v1::HorizontalPodAutoscaler::from_record(object)
        .spec()
        .target_cpu_utilization_percentage()
        .is_some();
    let stored = crate::type_by_kind("autoscaling", "v2", "HorizontalPodAutoscaler")
        .and_then(|ty| convert(object.clone(), &ty).ok());
    let Some(stored) = stored else {
        return Cells::new();
    };
    let cells = row(&stored, has_processors, now);
    cells.into_iter().map(Cell::into_owned).collect()
}

fn row(object: &Record, is_last_first: bool, now: Time) -> Cells<'_> {
    let object = HorizontalPodAutoscaler::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let current = status.current_metrics();
    let metrics = spec.metrics().iter().enumerate();
    let mut metrics: Vec<_> = metrics
        .map(|(at, metric)| (metric, current.get(at)))
        .collect();
    if is_last_first && !metrics.is_empty() {
        metrics.rotate_right(1);
    }
    let targets = if metrics.is_empty() {
        NONE.to_owned()
    } else {
        let shown = metrics.iter().map(|(spec, status)| metric(*spec, *status));
        first_of(shown, SHOWN, ", ")
    };
    let target = spec.scale_target_ref();
    cells![
        meta.name(),
        format!("{}/{}", target.kind(), target.name()),
        targets,
        min_pods(spec.min_replicas()),
        spec.max_replicas(),
        status.current_replicas(),
        age_cell(meta.creation_timestamp(), now),
    ]
}

fn min_pods(replicas: Option<i32>) -> Cow<'static, str> {
    replicas.map_or(Cow::Borrowed(UNSET), |replicas| {
        Cow::Owned(replicas.to_string())
    })
}

fn percent(utilization: Option<i32>, otherwise: &'static str) -> Cow<'static, str> {
    utilization.map_or(Cow::Borrowed(otherwise), |percent| {
        Cow::Owned(format!("{percent}%"))
    })
}

/// What is measured, and what it should be.
fn metric(spec: MetricSpec<'_>, status: Option<MetricStatus<'_>>) -> String {
    match spec.type_() {
        "External" => {
            let target = spec.external().map(|external| external.target());
            let current = status
                .and_then(|status| status.external())
                .map(|external| external.current());
            amount_or_average(target, current)
        }
        "Object" => {
            let target = spec.object().map(|object| object.target());
            let current = status
                .and_then(|status| status.object())
                .map(|object| object.current());
            amount_or_average(target, current)
        }
        "Pods" => {
            let current = status.and_then(|status| status.pods());
            let current = current.map_or(UNKNOWN, |pods| {
                pods.current().average_value().unwrap_or(NIL)
            });
            let target = spec.pods().and_then(|pods| pods.target().average_value());
            format!("{current}/{}", target.unwrap_or(NIL))
        }
        "Resource" => {
            let resource = spec
                .resource()
                .map(|resource| (resource.name(), resource.target()));
            let current = status
                .and_then(|status| status.resource())
                .map(|resource| resource.current());
            resource_use(resource, current)
        }
        "ContainerResource" => {
            let resource = spec
                .container_resource()
                .map(|resource| (resource.name(), resource.target()));
            let current = status.and_then(|status| status.container_resource());
            resource_use(resource, current.map(|resource| resource.current()))
        }
        _ => "<unknown type>".to_owned(),
    }
}

fn amount_or_average(
    target: Option<MetricTarget<'_>>,
    current: Option<MetricValueStatus<'_>>,
) -> String {
    if let Some(target) = target.and_then(|target| target.average_value()) {
        let current = current.and_then(|current| current.average_value());
        return format!("{}/{target} (avg)", current.unwrap_or(UNKNOWN));
    }
    let current = current.map_or(UNKNOWN, |current| current.value().unwrap_or(NIL));
    let target = target.and_then(|target| target.value());
    format!("{current}/{}", target.unwrap_or(NIL))
}

fn resource_use(
    resource: Option<(&str, MetricTarget<'_>)>,
    current: Option<MetricValueStatus<'_>>,
) -> String {
    let (name, target) = resource.unwrap_or_else(|| ("", MetricTarget::empty()));
    if let Some(target) = target.average_value() {
        let current = current.map_or(UNKNOWN, |current| current.average_value().unwrap_or(NIL));
        return format!("{name}: {current}/{target}");
    }
    let current = percent(
        current.and_then(|current| current.average_utilization()),
        UNKNOWN,
    );
    let target = percent(target.average_utilization(), "<auto>");
    format!("{name}: {current}/{target}")
}

#[cfg(test)]
mod tests {
    use crate::printers::tests::check;

    #[track_caller]
    fn check_targets(metrics: &str, current: &str, expected: &str) {
        let object = format!(
            r#"{{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{{"name":"a"}},
            "spec":{{"scaleTargetRef":{{"kind":"Deployment","name":"d"}},"maxReplicas":5,"metrics":[{metrics}]}},
            "status":{{"currentReplicas":3,"currentMetrics":[{current}]}}}}"#
        );
        let expected = format!(r#"["a","Deployment/d","{expected}","<unset>",5,3,"<unknown>"]"#);
        check(&object, &expected);
    }

    const CPU: &str = r#"{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}"#;

    #[test]
    fn without_metrics_there_are_no_targets() {
        check_targets("", "", "<none>");
    }

    #[test]
    fn what_is_not_measured_yet_is_unknown() {
        check_targets(CPU, "", "cpu: <unknown>/80%");
        let current = r#"{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":50,"averageValue":"10m"}}}"#;
        check_targets(CPU, current, "cpu: 50%/80%");
    }

    #[test]
    fn amounts_are_shown_as_they_are() {
        let memory = r#"{"type":"ContainerResource","containerResource":{"name":"memory","container":"c","target":{"type":"AverageValue","averageValue":"1Gi"}}}"#;
        check_targets(memory, "", "memory: <unknown>/1Gi");
        let external = r#"{"type":"External","external":{"metric":{"name":"q"},"target":{"type":"AverageValue","averageValue":"30"}}}"#;
        check_targets(external, "", "<unknown>/30 (avg)");
        let object = r#"{"type":"Object","object":{"describedObject":{"kind":"K","name":"n"},"metric":{"name":"q"},"target":{"type":"Value","value":"2k"}}}"#;
        let current = r#"{"type":"Object","object":{"describedObject":{"kind":"K","name":"n"},"metric":{"name":"q"},"current":{"value":"1500"}}}"#;
        check_targets(object, current, "1500/2k");
        let pods = r#"{"type":"Pods","pods":{"metric":{"name":"q"},"target":{"type":"AverageValue","averageValue":"100m"}}}"#;
        check_targets(pods, "", "<unknown>/100m");
    }

    #[test]
    fn only_two_metrics_are_shown() {
        check_targets(
            &format!("{CPU},{CPU},{CPU}"),
            "",
            "cpu: <unknown>/80%, cpu: <unknown>/80% + 1 more...",
        );
    }

    #[test]
    fn v1_shows_what_it_has_in_annotations_after_the_processors() {
        check(
            r#"{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{"name":"a","annotations":{
            "autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":\"Pods\",\"pods\":{\"metricName\":\"q\",\"targetAverageValue\":\"10\"}}]"}},
            "spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"minReplicas":1,"maxReplicas":5,"targetCPUUtilizationPercentage":60}}"#,
            r#"["a","Deployment/d","cpu: <unknown>/60%, <unknown>/10","1",5,0,"<unknown>"]"#,
        );
        check(
            r#"{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{"name":"aaa"},
            "spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"minReplicas":1,"maxReplicas":5,"targetCPUUtilizationPercentage":60}}"#,
            r#"["aaa","Deployment/d","cpu: <unknown>/60%","1",5,0,"<unknown>"]"#,
        );
    }
}
