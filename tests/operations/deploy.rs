//! What is in `deploy/` fits the server that it is for.

use std::collections::BTreeSet;
use std::process::Command;

use bytes::Bytes;
use pintle_tests::http::Headers;
use pintle_tests::server::TestServer;
use regex::Regex;

fn deployed(name: &str) -> String {
    let path = pintle_tests::folder().join("../deploy").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test]
async fn the_static_pod_is_a_pod_and_its_flags_are_known() {
    let server = TestServer::start().await;
    let manifest = deployed("pintle.static-pod.yaml");
    let mut headers: Headers = server.authorization();
    headers.push(("content-type".into(), "application/yaml".into()));
    // What a controller sees to in a cluster.
    let account = Bytes::from_static(b"metadata: {name: default}");
    let path = "/api/v1/namespaces/kube-system/serviceaccounts";
    let answer = server
        .client()
        .request("POST", path, &headers, Some(account))
        .await;
    assert_eq!(answer.expect("an answer").status, 201);
    let path = "/api/v1/namespaces/kube-system/pods?dryRun=All&fieldValidation=Strict";
    let body = Bytes::from(manifest.clone());
    let answer = server
        .client()
        .request("POST", path, &headers, Some(body))
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.text());

    let help = Command::new(pintle_tests::server::binary())
        .arg("--help")
        .output()
        .expect("the server's program can be started");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let flag = Regex::new(r"(?m)^\s+- (--[a-z-]+)=").expect("an expression");
    let flags: BTreeSet<&str> = flag
        .captures_iter(&manifest)
        .filter_map(|found| Some(found.get(1)?.as_str()))
        .collect();
    assert!(flags.len() > 10, "{flags:?}");
    for flag in flags {
        let is_told = |end| help.contains(&format!("{flag}{end}"));
        assert!([' ', '['].into_iter().any(is_told), "{flag}");
    }
}

#[tokio::test]
async fn rules_and_dashboard_speak_of_metrics_that_there_are() {
    let server = TestServer::start().await;
    let answer = server
        .client()
        .request("GET", "/metrics", &server.authorization(), None)
        .await;
    let metrics = answer.expect("an answer").text();
    let name = Regex::new(r"\b(apiserver|process)_[a-z_]+").expect("an expression");
    // Those that begin with the first such request are told of by the suites that provoke it.
    let later = ["apiserver_flowcontrol_rejected_requests_total"];
    for file in ["prometheus-rules.yaml", "grafana-dashboard.json"] {
        let text = deployed(file);
        // Names that a rule gives are not the server's.
        let given = text.replace("cluster:apiserver_", "cluster:");
        let names: BTreeSet<&str> = name.find_iter(&given).map(|found| found.as_str()).collect();
        assert!(names.len() > 4, "{names:?}");
        for name in names.iter().filter(|name| !later.contains(name)) {
            let family = name.strip_suffix("_bucket").unwrap_or(name);
            assert!(
                metrics.contains(&format!("# TYPE {family} ")),
                "{file}: {name}"
            );
        }
    }
    let dashboard = serde_json::from_str::<serde_json::Value>(&deployed("grafana-dashboard.json"));
    assert!(dashboard.expect("JSON")["panels"].is_array());
}
