//! An etcd that kube-apiserver filled is served as it is.

use std::collections::BTreeMap;

use pintle_tests::server::TestServer;
use serde_json::Value;

use super::server::{TestEtcd, is_installed};
use super::{fill, get, on, text};

/// What belongs to the server that runs, and so is not as the other one left it.
const OWN: [&str; 5] = [
    "v1 ConfigMap kube-system/extension-apiserver-authentication",
    "v1 Endpoints default/kubernetes",
    "discovery.k8s.io/v1 EndpointSlice default/kubernetes",
    "v1 Service default/kubernetes",
    "networking.k8s.io/v1 ServiceCIDR /kubernetes",
];

fn recorded() -> String {
    let file = pintle_tests::folder().join("../crates/api/tests/fixtures/stored.jsonl");
    std::fs::read_to_string(file).expect("what was recorded is there")
}

/// The collection of each kind that the server serves.
async fn collections(server: &TestServer) -> BTreeMap<(String, String), (String, bool)> {
    let mut found = BTreeMap::new();
    let groups = get(server, "/apis").await;
    let versions = groups["groups"].as_array().into_iter().flatten();
    let versions = versions.flat_map(|group| group["versions"].as_array().into_iter().flatten());
    let paths = versions.map(|version| format!("/apis/{}", text(version, "/groupVersion")));
    for path in std::iter::once("/api/v1".to_owned()).chain(paths) {
        let list = get(server, &path).await;
        for resource in list["resources"].as_array().into_iter().flatten() {
            let name = text(resource, "/name");
            if !name.contains('/') {
                let kind = (
                    text(&list, "/groupVersion").to_owned(),
                    text(resource, "/kind").to_owned(),
                );
                let namespaced = resource["namespaced"] == true;
                found
                    .entry(kind)
                    .or_insert((format!("{path}/{name}"), namespaced));
            }
        }
    }
    found
}

fn without_revision(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    object
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_etcd_of_kube_apiserver_is_served_as_it_is() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let objects = fill(&etcd, &recorded()).await;
    let server =
        TestServer::start_with(&[&on(&etcd), "--service-cluster-ip-range=10.0.0.0/16"]).await;
    let collections = collections(&server).await;
    let (mut served, mut differ) = (0, Vec::new());
    for expected in objects {
        let (version, kind) = (text(&expected, "/apiVersion"), text(&expected, "/kind"));
        let (namespace, name) = (
            text(&expected, "/metadata/namespace"),
            text(&expected, "/metadata/name"),
        );
        let place = format!("{version} {kind} {namespace}/{name}");
        let Some((collection, namespaced)) =
            collections.get(&(version.to_owned(), kind.to_owned()))
        else {
            continue;
        };
        let is_renewed = kind == "Lease" && namespace == "kube-system";
        if OWN.contains(&place.as_str()) || is_renewed {
            continue;
        }
        let path = if *namespaced {
            let (group, resource) = collection.rsplit_once('/').expect("a path has slashes");
            format!("{group}/namespaces/{namespace}/{resource}/{name}")
        } else {
            format!("{collection}/{name}")
        };
        let found = get(&server, &path.replace(':', "%3A")).await;
        let (found, expected) = (without_revision(found), without_revision(expected));
        if found != expected {
            differ.push(format!(
                "{place}\n  found    {found}\n  expected {expected}"
            ));
        }
        served += 1;
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(served > 200, "only {served}");
}
