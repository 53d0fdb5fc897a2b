//! `/metrics` speaks of what dashboards and alerts for kube-apiserver read, with the same names and labels.

use std::collections::BTreeSet;

use pintle_tests::http::Headers;
use pintle_tests::server::TestServer;
use serde_json::json;

const REQUEST: &str = "verb group version resource subresource scope component";

/// Names, kinds and labels of those that are read most.
const READ: &[(&str, &str, &str)] = &[
    (
        "apiserver_request_total",
        "counter",
        "verb dry_run group version resource subresource scope component code",
    ),
    (
        "apiserver_request_duration_seconds",
        "histogram",
        "verb dry_run group version resource subresource scope component",
    ),
    (
        "apiserver_request_sli_duration_seconds",
        "histogram",
        REQUEST,
    ),
    ("apiserver_response_sizes", "histogram", REQUEST),
    (
        "apiserver_current_inflight_requests",
        "gauge",
        "request_kind",
    ),
    ("apiserver_longrunning_requests", "gauge", REQUEST),
    (
        "apiserver_watch_events_total",
        "counter",
        "group version resource",
    ),
    (
        "apiserver_watch_events_sizes",
        "histogram",
        "group version resource",
    ),
    ("apiserver_resource_objects", "gauge", "group resource"),
    ("apiserver_storage_objects", "gauge", "resource"),
    (
        "apiserver_storage_size_bytes",
        "gauge",
        "storage_cluster_id",
    ),
    (
        "etcd_request_duration_seconds",
        "histogram",
        "operation group resource",
    ),
    ("etcd_requests_total", "counter", "operation group resource"),
    (
        "apiserver_flowcontrol_rejected_requests_total",
        "counter",
        "flow_schema priority_level reason",
    ),
    (
        "apiserver_flowcontrol_dispatched_requests_total",
        "counter",
        "flow_schema priority_level",
    ),
    (
        "apiserver_flowcontrol_current_inqueue_requests",
        "gauge",
        "flow_schema priority_level",
    ),
    (
        "apiserver_flowcontrol_current_executing_requests",
        "gauge",
        "flow_schema priority_level",
    ),
    (
        "apiserver_flowcontrol_request_wait_duration_seconds",
        "histogram",
        "flow_schema priority_level execute",
    ),
    (
        "apiserver_flowcontrol_nominal_limit_seats",
        "gauge",
        "priority_level",
    ),
    (
        "apiserver_flowcontrol_current_limit_seats",
        "gauge",
        "priority_level",
    ),
    (
        "apiserver_admission_controller_admission_duration_seconds",
        "histogram",
        "name type operation rejected",
    ),
    (
        "apiserver_requested_deprecated_apis",
        "gauge",
        "group version resource subresource removed_release",
    ),
    (
        "apiserver_client_certificate_expiration_seconds",
        "histogram",
        "",
    ),
    (
        "apiserver_request_body_size_bytes",
        "histogram",
        "group resource verb",
    ),
    ("apiserver_init_events_total", "counter", "group resource"),
    (
        "apiserver_terminated_watchers_total",
        "counter",
        "group resource",
    ),
    (
        "apiserver_watch_cache_events_dispatched_total",
        "counter",
        "group resource",
    ),
    ("apiserver_storage_list_total", "counter", "group resource"),
    (
        "apiserver_cache_list_total",
        "counter",
        "group resource index",
    ),
    (
        "apiserver_resource_size_estimate_bytes",
        "gauge",
        "group resource",
    ),
    (
        "apiserver_watch_list_duration_seconds",
        "histogram",
        "group version resource scope",
    ),
    (
        "apiserver_flowcontrol_target_seats",
        "gauge",
        "priority_level",
    ),
    ("aggregator_unavailable_apiservice", "gauge", "name"),
    (
        "kubernetes_build_info",
        "gauge",
        "major minor git_version git_commit git_tree_state build_date go_version compiler platform",
    ),
    ("kubernetes_feature_enabled", "gauge", "name stage"),
    (
        "pod_security_evaluations_total",
        "counter",
        "decision policy_level policy_version mode request_operation resource subresource",
    ),
    (
        "kube_apiserver_clusterip_allocator_allocated_ips",
        "gauge",
        "cidr",
    ),
    (
        "kube_apiserver_clusterip_allocator_allocation_total",
        "counter",
        "cidr scope",
    ),
    (
        "kube_apiserver_nodeport_allocator_allocation_total",
        "counter",
        "scope",
    ),
    (
        "kube_apiserver_nodeport_allocator_available_ports",
        "gauge",
        "",
    ),
    ("process_max_fds", "gauge", ""),
    ("process_network_receive_bytes_total", "counter", ""),
    (
        "apiserver_current_inqueue_requests",
        "gauge",
        "request_kind",
    ),
    ("watch_cache_capacity", "gauge", "group resource"),
    ("workqueue_adds_total", "counter", "name"),
    ("workqueue_depth", "gauge", "name"),
    ("workqueue_queue_duration_seconds", "histogram", "name"),
    ("workqueue_work_duration_seconds", "histogram", "name"),
    ("workqueue_unfinished_work_seconds", "gauge", "name"),
    ("workqueue_retries_total", "counter", "name"),
    ("rest_client_requests_total", "counter", "code method host"),
    (
        "rest_client_request_duration_seconds",
        "histogram",
        "verb host",
    ),
    ("serviceaccount_valid_tokens_total", "counter", ""),
    (
        "registered_metrics_total",
        "counter",
        "stability_level deprecated_version",
    ),
    ("authentication_attempts", "counter", "result"),
    ("authenticated_user_requests", "counter", "username"),
    (
        "apiserver_authorization_decisions_total",
        "counter",
        "type name decision",
    ),
    ("apiserver_audit_event_total", "counter", ""),
    ("apiserver_audit_requests_rejected_total", "counter", ""),
    (
        "apiserver_request_terminations_total",
        "counter",
        "verb group version resource subresource scope component code",
    ),
];

const WEBHOOK: &str = "\
apiVersion: v1
kind: Config
clusters: [{name: audit, cluster: {server: 'http://127.0.0.1:1/audit'}}]
contexts: [{name: audit, context: {cluster: audit}}]
current-context: audit
";
const POLICY: &str = "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}";

/// The labels of a line, but for the bound of a bucket.
fn labels(line: &str) -> BTreeSet<&str> {
    let Some((_, rest)) = line.split_once('{') else {
        return BTreeSet::new();
    };
    let rest = rest.rsplit_once('}').map_or(rest, |(labels, _)| labels);
    let names = rest.split("\",").filter_map(|pair| pair.split_once("=\""));
    let names = names.map(|(name, _)| name);
    names.filter(|name| *name != "le").collect()
}

#[tokio::test]
async fn what_dashboards_read_is_there() {
    // Somebody to ask who is not there.
    let folder = tempfile::tempdir().expect("there is room");
    let (webhook, policy) = (
        folder.path().join("webhook.yaml"),
        folder.path().join("policy.yaml"),
    );
    std::fs::write(&webhook, WEBHOOK).expect("it can be written");
    std::fs::write(&policy, POLICY).expect("it can be written");
    let server = TestServer::start_with(&[
        "--client-requests-per-second=1000",
        "--max-requests-inflight=2",
        "--max-mutating-requests-inflight=1",
        "--builtin-controllers=*",
        &format!("--audit-webhook-config-file={}", webhook.display()),
        &format!("--audit-policy-file={}", policy.display()),
        "--audit-webhook-batch-max-wait=10ms",
        "--audit-webhook-initial-backoff=10ms",
    ])
    .await;
    let mut headers: Headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    let mut client = server.client();
    let configmaps = "/api/v1/namespaces/default/configmaps";
    let body = json!({"metadata": {"name": "a"}}).to_string();
    let service =
        json!({"metadata": {"name": "a"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let service = service.to_string();
    for (method, path, body) in [
        ("POST", configmaps.to_owned(), Some(body.into())),
        (
            "GET",
            format!("{configmaps}?watch=1&timeoutSeconds=1"),
            None,
        ),
        (
            "GET",
            format!(
                "{configmaps}?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&\
                 allowWatchBookmarks=true"
            ),
            None,
        ),
        (
            "POST",
            "/api/v1/namespaces/default/services".to_owned(),
            Some(service.into()),
        ),
        ("GET", configmaps.to_owned(), None),
        ("GET", "/api/v1/componentstatuses".to_owned(), None),
    ] {
        let answer = client.request(method, &path, &headers, body).await;
        assert!(answer.expect("there is an answer").status < 300, "{path}");
    }
    // Somebody who may do little, and more of them than there are seats.
    let own: Headers = vec![("authorization".into(), "Bearer bobtoken".into())];
    let (endpoint, own) = (&server.endpoint(), &own);
    let is_refused = async || {
        let crowd = (0..40).map(|_| async move {
            let mut connection = endpoint.connect().await.expect("a connection");
            let discovery = connection.request("GET", "/openapi/v2", own, None).await;
            discovery.expect("there is an answer").status == 429
        });
        let refused = futures_util::future::join_all(crowd).await;
        refused.contains(&true)
    };
    let mut was_refused = false;
    for _ in 0..20 {
        was_refused = was_refused || is_refused().await;
    }
    let metrics = client.request("GET", "/metrics", &headers, None).await;
    let metrics = metrics.expect("there is an answer").text();
    let told = metrics.lines().filter(|line| line.starts_with("# TYPE "));
    let mut families = BTreeSet::new();
    for line in told {
        assert!(families.insert(line), "told twice: {line}");
    }
    let mut missing = Vec::new();
    for (name, kind, expected) in READ {
        // These begin with the first refusal, which a fast server may not need.
        let of_refusals = name.contains("rejected_requests") || name.contains("terminations");
        if of_refusals && !was_refused && !metrics.contains(name) {
            continue;
        }
        if !metrics.contains(&format!("# TYPE {name} {kind}\n")) {
            missing.push(format!("{name} is not told as a {kind}"));
            continue;
        }
        let own = |line: &&str| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']) || rest.starts_with("_bucket{"))
        };
        let Some(line) = metrics.lines().find(own) else {
            missing.push(format!("{name} has no sample"));
            continue;
        };
        let expected: BTreeSet<&str> = expected.split_whitespace().collect();
        if labels(line) != expected {
            missing.push(format!("{name} has other labels: {line}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
