//! The swap of `deploy/swap.md`, with its own commands, on a manifest as kubeadm writes it.

use std::path::Path;
use std::process::Command;

use pintle_tests::http::Headers;
use pintle_tests::server::{TestServer, binary};
use serde_json::Value;

use super::steps;

const KUBEADMS: &str = include_str!("fixtures/kube-apiserver.yaml");

/// A manifest as the server reads it.
async fn read(server: &TestServer, manifest: &Path) -> Value {
    let manifest = std::fs::read_to_string(manifest).expect("the manifest is there");
    let mut headers: Headers = server.authorization();
    headers.push(("content-type".into(), "application/yaml".into()));
    let path = "/api/v1/namespaces/kube-system/pods?dryRun=All&fieldValidation=Strict";
    let body = Some(manifest.into());
    let answer = server.client().request("POST", path, &headers, body).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json().expect("a pod")
}

#[tokio::test]
async fn the_commands_swap_kubeadms_static_pod_and_swap_it_back() {
    let server = TestServer::start_with(&["--disable-admission-plugins=ServiceAccount"]).await;
    let folder = tempfile::tempdir().expect("there is room");
    let (manifests, kept) = (folder.path().join("manifests"), folder.path().join("kept"));
    std::fs::create_dir(&manifests).expect("it can be made");
    let manifest = manifests.join("kube-apiserver.yaml");
    std::fs::write(&manifest, KUBEADMS).expect("it can be written");
    let perform = |step| {
        steps::perform(
            "swap.md",
            step,
            &[("MANIFESTS", manifests.as_path()), ("KEPT", kept.as_path())],
        )
    };
    let before = read(&server, &manifest).await;

    perform("1");
    perform("2");
    let swapped = read(&server, &manifest).await;
    let spec = &swapped["spec"];
    assert_eq!(spec["containers"][0]["image"], "localhost/pintle:latest");
    assert_eq!(spec["securityContext"]["runAsUser"], 0);
    let command = |pod: &Value| {
        let words = pod["spec"]["containers"][0]["command"].as_array();
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let (was, is) = (command(&before), command(&swapped));
    assert_eq!((&*was[0], &*is[0]), ("kube-apiserver", "pintle"));
    assert_eq!(was[1..], is[1..]);
    let help = Command::new(binary())
        .arg("--help")
        .output()
        .expect("the server's program can be started");
    let help = String::from_utf8_lossy(&help.stdout);
    for flag in &is[1..] {
        let name = flag.split('=').next().unwrap_or_default();
        let is_told = |end| help.contains(&format!("{name}{end}"));
        assert!([' ', '['].into_iter().any(is_told), "{name}");
    }

    perform("3");
    let back = std::fs::read_to_string(&manifest).expect("the manifest is there");
    assert_eq!(back, KUBEADMS);
    let left = std::fs::read_dir(&manifests).expect("it is a folder");
    assert_eq!(left.count(), 1, "nothing else is left");
}
