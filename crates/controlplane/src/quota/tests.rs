use bytes::Bytes;
use pintle_endpoints::admission::{Attributes, Operation};
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::resource::Resource;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::{Charge, Evaluator, Limited, Quota, Scope};
use crate::admission::amounts::{Amounts, quantity};

fn row(group: &str, resource: &str) -> &'static Resource {
    let groups = pintle_api::groups().iter().filter(|it| it.name == group);
    let mut rows = groups
        .flat_map(|it| it.versions.iter())
        .flat_map(|it| it.resources.iter());
    rows.find(|it| it.name == resource).unwrap()
}

fn object(kind: &str, text: &str) -> Record {
    let ty = pintle_api::type_by_kind("", "v1", kind).unwrap();
    let body = Bytes::copy_from_slice(text.as_bytes());
    json::decode(&ty, &body, &mut Problems::ignored()).unwrap()
}

fn amounts(list: &[(&str, &str)]) -> Amounts {
    list.iter()
        .map(|(name, amount)| ((*name).to_owned(), quantity(amount)))
        .collect()
}

fn shown(amounts: &Amounts) -> String {
    let parts: Vec<_> = amounts
        .iter()
        .map(|(name, it)| format!("{name}={it}"))
        .collect();
    parts.join(" ")
}

#[track_caller]
fn check_usage(resource: &str, kind: &str, text: &str, expected: &str) {
    let usage = Evaluator::of("", resource)
        .unwrap()
        .usage(&object(kind, text), Time::from_seconds(0));
    assert_eq!(shown(&usage), expected, "{text}");
}

#[test]
fn objects_use_what_they_ask_for() {
    check_usage(
        "configmaps",
        "ConfigMap",
        "{}",
        "configmaps=1 count/configmaps=1",
    );
    check_usage("limitranges", "LimitRange", "{}", "count/limitranges=1");
    check_usage(
        "services",
        "Service",
        r#"{"spec":{"type":"LoadBalancer","ports":[{"port":1},{"port":2}]}}"#,
        "count/services=1 services=1 services.loadbalancers=1 services.nodeports=2",
    );
    check_usage(
        "services",
        "Service",
        r#"{"spec":{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"ports":[{"port":1,"nodePort":30000},{"port":2}]}}"#,
        "count/services=1 services=1 services.loadbalancers=1 services.nodeports=1",
    );
    check_usage(
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        r#"{"spec":{"storageClassName":"gold","resources":{"requests":{"storage":"1Gi"}}}}"#,
        "count/persistentvolumeclaims=1 gold.storageclass.storage.k8s.io/persistentvolumeclaims=1 \
         gold.storageclass.storage.k8s.io/requests.storage=1Gi persistentvolumeclaims=1 requests.storage=1Gi",
    );
}

#[test]
fn pods_use_what_their_containers_need_together_or_one_after_the_other() {
    check_usage(
        "pods",
        "Pod",
        r#"{"spec":{"initContainers":[{"name":"i","resources":{"requests":{"cpu":"3"}}}],"containers":[{"name":"a","resources":{"requests":{"cpu":"1","example.com/gpu":"2"},"limits":{"memory":"1Gi"}}},{"name":"b","resources":{"requests":{"cpu":"500m"}}}]}}"#,
        "count/pods=1 cpu=3 limits.memory=1Gi pods=1 requests.cpu=3 requests.example.com/gpu=2",
    );
    check_usage(
        "pods",
        "Pod",
        r#"{"status":{"phase":"Failed"}}"#,
        "count/pods=1",
    );
}

#[test]
fn quotas_measure_what_is_named_after_it() {
    let pods = Evaluator::of("", "pods").unwrap();
    for (name, measured) in [
        ("pods", true),
        ("count/pods", true),
        ("requests.example.com/gpu", true),
        ("hugepages-2Mi", true),
        ("services", false),
        ("limits.example.com/gpu", false),
        ("requests.deviceclass.resource.kubernetes.io/gpu", true),
        ("requests.kubernetes.io/gpu", false),
    ] {
        assert_eq!(pods.measures(name), measured, "{name}");
    }
    let jobs = Evaluator::of("batch", "jobs").unwrap();
    assert!(jobs.measures("count/jobs.batch") && !jobs.measures("jobs"));
    assert!(Evaluator::of("", "events").is_none());
}

#[track_caller]
fn check_devices(annotations: &str, requests: &str, expected: &str) {
    let ty = pintle_api::type_by_kind("resource.k8s.io", "v1", "ResourceClaim").unwrap();
    let owner = r#"[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u","controller":true}]"#;
    let body = Bytes::from(format!(
        r#"{{"metadata":{{"name":"c","annotations":{{{annotations}}},"ownerReferences":{owner}}},"spec":{{"devices":{{"requests":[{requests}]}}}}}}"#
    ));
    let claim = json::decode(&ty, &body, &mut Problems::ignored()).unwrap();
    let mut evaluator = Evaluator::of("resource.k8s.io", "resourceclaims").unwrap();
    let classes = [("gpu".to_owned(), "example.com/gpu".to_owned())];
    evaluator.classes = classes.into_iter().collect();
    let usage = evaluator.usage(&claim, Time::from_seconds(0));
    for name in usage.keys() {
        assert!(evaluator.measures(name), "{name}");
    }
    let expected = format!("count/resourceclaims.resource.k8s.io=1 {expected}");
    assert_eq!(shown(&usage), expected, "{requests}");
}

#[test]
fn devices_are_counted_by_their_class_and_by_the_resources_for_it() {
    let exactly = |class: &str, rest: &str| {
        format!(r#"{{"name":"r","exactly":{{"deviceClassName":"{class}",{rest}}}}}"#)
    };
    let two = r#""allocationMode":"ExactCount","count":2"#;
    check_devices(
        "",
        &exactly("gpu", two),
        "gpu.deviceclass.resource.k8s.io/devices=2 requests.deviceclass.resource.kubernetes.io/gpu=2 requests.example.com/gpu=2",
    );
    check_devices(
        "",
        &exactly("nic", r#""allocationMode":"All""#),
        "nic.deviceclass.resource.k8s.io/devices=32 requests.deviceclass.resource.kubernetes.io/nic=32",
    );
    check_devices(
        r#""resource.kubernetes.io/extended-resource-claim":"true""#,
        &exactly("gpu", two),
        "gpu.deviceclass.resource.k8s.io/devices=2",
    );
    let choice = |count: i32| {
        format!(
            r#"{{"name":"r{count}","deviceClassName":"nic","allocationMode":"ExactCount","count":{count}}}"#
        )
    };
    check_devices(
        "",
        &format!(
            r#"{{"name":"r","firstAvailable":[{},{}]}}"#,
            choice(2),
            choice(1)
        ),
        "nic.deviceclass.resource.k8s.io/devices=2 requests.deviceclass.resource.kubernetes.io/nic=2",
    );
}

#[test]
fn a_pod_that_is_to_end_from_now_on_is_counted_again() {
    let pods = Evaluator::of("", "pods").unwrap();
    let (ends, stays) = (
        object("Pod", r#"{"spec":{"activeDeadlineSeconds":5}}"#),
        object("Pod", "{}"),
    );
    assert!(pods.is_moved(&ends, &stays));
    assert!(!pods.is_moved(&ends, &ends));
}

#[test]
fn a_pod_that_asks_as_a_whole_may_have_containers_that_do_not() {
    let pods = Evaluator::of("", "pods").unwrap();
    let pod = |resources: &str| {
        object(
            "Pod",
            &format!(r#"{{"spec":{{"resources":{resources},"containers":[{{"name":"c"}}]}}}}"#),
        )
    };
    let required = ["cpu".to_owned()];
    let unsaid = |resources: &str| pods.unsaid(&required, &pod(resources));
    assert_eq!(unsaid("{}").as_deref(), Some("must specify cpu for: c"));
    assert_eq!(unsaid(r#"{"limits":{"memory":"1Gi"}}"#), None);
}

#[track_caller]
fn check_scope(name: &str, operator: &str, values: &[&str], pod: &str, expected: bool) {
    let scope = Scope {
        name: name.to_owned(),
        operator: operator.to_owned(),
        values: values.iter().map(|it| (*it).to_owned()).collect(),
    };
    let pods = Evaluator::of("", "pods").unwrap();
    assert_eq!(
        pods.is_in(&scope, &object("Pod", pod)),
        expected,
        "{scope} {pod}"
    );
}

#[test]
fn scopes_tell_pods_apart() {
    let ends = r#"{"spec":{"activeDeadlineSeconds":5}}"#;
    check_scope("Terminating", "Exists", &[], ends, true);
    check_scope("NotTerminating", "Exists", &[], ends, false);
    let asks = r#"{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"1"}}}]}}"#;
    check_scope("BestEffort", "Exists", &[], asks, false);
    check_scope("NotBestEffort", "Exists", &[], asks, true);
    check_scope("BestEffort", "Exists", &[], "{}", true);
    let high = r#"{"spec":{"priorityClassName":"high"}}"#;
    check_scope("PriorityClass", "In", &["high", "low"], high, true);
    check_scope("PriorityClass", "NotIn", &["high"], high, false);
    check_scope("PriorityClass", "Exists", &[], "{}", false);
    check_scope("PriorityClass", "DoesNotExist", &[], "{}", true);
    let elsewhere = r#"{"spec":{"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"k","namespaces":["x"]}]}}}}"#;
    check_scope("CrossNamespacePodAffinity", "Exists", &[], elsewhere, true);
    check_scope("CrossNamespacePodAffinity", "Exists", &[], "{}", false);
}

fn quota(hard: &[(&str, &str)], used: &[(&str, &str)]) -> Quota {
    Quota {
        name: "q".to_owned(),
        scopes: Vec::new(),
        hard: amounts(hard),
        used: amounts(used),
    }
}

/// What a create of a pod adds, or why it may not be.
fn charged(quotas: &[Quota], limited: &[Limited], pod: &str) -> String {
    let pod = object("Pod", pod);
    let attributes = Attributes::create(row("", "pods"), "", "blue", &pod);
    let pods = Evaluator::of("", "pods").unwrap();
    let now = Time::from_seconds(0);
    match Charge::of_request(quotas, &pods, limited, &attributes, &pod, now) {
        Ok(charges) => {
            let shown: Vec<_> = charges.iter().map(|it| shown(&it.more)).collect();
            shown.join("; ")
        }
        Err(error) => error.to_string(),
    }
}

const ASKS: &str = r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"2"}}}]}}"#;
const SILENT: &str =
    r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"},{"name":"b"}]}}"#;

#[test]
fn a_pod_is_charged_or_refused() {
    let cpu = [("requests.cpu", "3"), ("pods", "5")];
    let fresh = quota(&cpu, &[("requests.cpu", "0"), ("pods", "0")]);
    assert_eq!(
        charged(std::slice::from_ref(&fresh), &[], ASKS),
        "pods=1 requests.cpu=2"
    );
    assert_eq!(
        charged(&[fresh], &[], SILENT),
        "pods \"p\" is forbidden: failed quota: q: must specify requests.cpu for: b,c"
    );
    let nearly = quota(&cpu, &[("requests.cpu", "1500m"), ("pods", "0")]);
    assert_eq!(
        charged(&[nearly], &[], ASKS),
        "pods \"p\" is forbidden: exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=1500m, limited: \
         requests.cpu=3"
    );
    let unseen = quota(&cpu, &[("pods", "0")]);
    assert_eq!(
        charged(&[unseen], &[], ASKS),
        "pods \"p\" is forbidden: status unknown for quota: q, resources: pods,requests.cpu"
    );
    assert_eq!(
        charged(&[quota(&[("configmaps", "0")], &[])], &[], ASKS),
        ""
    );
}

#[test]
fn what_is_limited_by_default_needs_a_quota() {
    let limited = Limited {
        group: String::new(),
        resource: "pods".to_owned(),
        contains: vec!["requests.cpu".to_owned()],
        scopes: Vec::new(),
    };
    assert_eq!(
        charged(&[], std::slice::from_ref(&limited), ASKS),
        "pods \"p\" is forbidden: insufficient quota to consume: requests.cpu"
    );
    assert_eq!(charged(&[], &[limited], SILENT), "");
}

#[test]
fn an_update_is_charged_with_what_is_more() {
    let service = |kind: &str| {
        let text = format!(
            r#"{{"metadata":{{"name":"s"}},"spec":{{"type":"{kind}","ports":[{{"port":1}}]}}}}"#
        );
        object("Service", &text)
    };
    let (old, new) = (service("ClusterIP"), service("NodePort"));
    let attributes = Attributes::of_old(Operation::Update, row("", "services"), "", "blue", &old);
    let services = Evaluator::of("", "services").unwrap();
    let both = [("services", "1"), ("services.nodeports", "1")];
    let quotas = [quota(
        &both,
        &[("services", "1"), ("services.nodeports", "0")],
    )];
    let charges = Charge::of_request(
        &quotas,
        &services,
        &[],
        &attributes,
        &new,
        Time::from_seconds(0),
    );
    let charges: Vec<_> = charges.unwrap().iter().map(|it| shown(&it.more)).collect();
    assert_eq!(charges, ["services.nodeports=1"]);
}
