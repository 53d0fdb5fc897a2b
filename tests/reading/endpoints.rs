//! Paths that are no resource: health, what the server says of itself, OpenAPI.

use super::Reader;

/// Names of kube-apiserver's checks in the order in which it tells them, without `poststarthook/`.
const HOOKS: &[&str] = &[
    "start-apiserver-admission-initializer",
    "generic-apiserver-start-informers",
    "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter",
    "storage-object-count-tracker-hook",
    "start-apiextensions-informers",
    "start-apiextensions-controllers",
    "crd-informer-synced",
    "start-system-namespaces-controller",
    "peer-endpoint-reconciler-controller",
    "start-cluster-authentication-info-controller",
    "start-kube-apiserver-identity-lease-controller",
    "start-kube-apiserver-identity-lease-garbage-collector",
    "storage-readiness",
    "start-legacy-token-tracking-controller",
    "start-service-ip-repair-controllers",
    "rbac/bootstrap-roles",
    "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer",
    "bootstrap-controller",
    "start-kubernetes-service-cidr-controller",
    "aggregator-reload-proxy-client-cert",
    "start-kube-aggregator-informers",
    "apiservice-status-local-available-controller",
    "apiservice-status-remote-available-controller",
    "apiservice-registration-controller",
    "apiservice-wait-for-first-sync",
    "apiservice-discovery-controller",
    "kube-apiserver-autoregistration",
    "autoregister-completion",
    "apiservice-openapi-controller",
    "apiservice-openapiv3-controller",
];

fn verbose(endpoint: &str, before: &[&str], after: &[&str]) -> String {
    let hooks = HOOKS.iter().map(|name| match *name {
        "autoregister-completion" => (*name).to_owned(),
        name => format!("poststarthook/{name}"),
    });
    let before = before.iter().map(|name| (*name).to_owned());
    let after = after.iter().map(|name| (*name).to_owned());
    let lines: String = before
        .chain(hooks)
        .chain(after)
        .map(|name| format!("[+]{name} ok\n"))
        .collect();
    format!("{lines}{endpoint} check passed\n")
}

#[tokio::test]
async fn health_is_told_check_by_check_in_upstreams_order() {
    let mut reader = Reader::start(&[]).await;
    let live = ["ping", "log", "loopback-serving-certificate", "etcd"];
    let ready = ["ping", "log", "etcd", "etcd-readiness", "informer-sync"];
    for endpoint in ["livez", "healthz"] {
        let text = reader.get(&format!("/{endpoint}?verbose")).await.text();
        assert_eq!(text, verbose(endpoint, &live, &[]));
    }
    let text = reader.get("/readyz?verbose").await.text();
    assert_eq!(text, verbose("readyz", &ready, &["shutdown"]));
    let text = reader.get("/metrics/slis").await.text();
    for sample in [
        "kubernetes_healthcheck{name=\"etcd\",type=\"readyz\"} 1",
        "kubernetes_healthchecks_total{name=\"etcd\",status=\"success\",type=\"livez\"} 1",
    ] {
        assert!(text.contains(sample), "{text}");
    }
}

#[tokio::test]
async fn the_server_says_what_it_was_started_with_and_how_it_is() {
    let mut reader = Reader::start(&["--event-ttl=2h"]).await;
    let text = reader.get("/flagz").await.text();
    assert!(
        text.starts_with("\napiserver flagz\nWarning: ") && text.contains("event-ttl"),
        "{text}"
    );
    let accept = |kind: &str| format!("application/json;g=config.k8s.io;v=v1beta1;as={kind}");
    let flags = reader
        .send("GET", "/flagz", &[("accept", &accept("Flagz"))], None)
        .await;
    assert_eq!(flags.json().expect("an object")["flags"]["event-ttl"], "2h");
    let status = reader
        .send("GET", "/statusz", &[("accept", &accept("Statusz"))], None)
        .await;
    let status = status.json().expect("an object");
    assert_eq!(status["emulationVersion"], "1.36");
    assert!(
        status["paths"]
            .as_array()
            .is_some_and(|paths| paths.contains(&"/healthz".into())),
        "{status}"
    );
    let bare = reader
        .send("GET", "/statusz", &[("accept", "application/json")], None)
        .await;
    assert_eq!(bare.status, 406);
}

#[tokio::test]
async fn every_openapi_document_of_the_index_is_there_under_its_hash_for_good() {
    let mut reader = Reader::start(&[]).await;
    let index = reader.json("/openapi/v3").await;
    let documents = index["paths"].as_object().expect("an index");
    assert!(documents.len() > 40, "{index}");
    for (name, document) in documents {
        let url = document["serverRelativeURL"].as_str().expect("a URL");
        if !matches!(name.as_str(), "version" | "apis/batch/v1") {
            continue;
        }
        let answer = reader.get(url).await;
        let header = |name: &str| {
            answer
                .headers
                .iter()
                .find(|(found, _)| found == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(
            (answer.status, header("cache-control")),
            (200, Some("public, immutable")),
            "{url}"
        );
        let (path, _) = url.split_once('?').expect("a hash");
        let moved = reader.get(&format!("{path}?hash=0")).await;
        assert_eq!(moved.status, 301, "{url}");
        assert!(
            moved
                .headers
                .contains(&("location".to_owned(), url.to_owned())),
            "{:?}",
            moved.headers
        );
    }
}
