//! Values that are sealed in etcd.

use std::time::Duration;

use pintle_tests::server::TestServer;
use serde_json::json;

use super::server::{TestEtcd, is_installed};
use super::{ask, fill, get, on, raw, raw_value, text};

const ONE: &str = "cGludGxlLXRlc3Qta2V5LW9uZS0zMi1ieXRlcy1hYWE=";
const TWO: &str = "dHdvLXR3by10d28tdHdvLXR3by10d28tdHdvLXR3byE=";

/// A file with keys of a provider, the first of which is written with.
fn configuration(provider: &str, keys: &[(&str, &str)]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|(name, secret)| json!({"name": name, "secret": secret}))
        .collect();
    json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{
            "resources": ["secrets", "configmaps"],
            "providers": [{provider: {"keys": keys}}, {"identity": {}}],
        }],
    })
    .to_string()
}

/// The value of the first sample that begins so; zero if there is none.
pub(crate) fn counts(metrics: &str, sample: &str) -> f64 {
    let found = metrics.lines().find_map(|line| line.strip_prefix(sample));
    let value = found.and_then(|rest| rest.rsplit(' ').next());
    value.and_then(|value| value.parse().ok()).unwrap_or(0.0)
}

async fn check(provider: &str, lines: &str) {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let objects = fill(&etcd, lines).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("encryption.yaml");
    let write = |keys| std::fs::write(&file, configuration(provider, keys)).expect("it is written");
    write(&[("key1", ONE)]);
    let flags = [
        on(&etcd),
        format!("--encryption-provider-config={}", file.display()),
        "--encryption-provider-config-automatic-reload".to_owned(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = TestServer::start_with(&flags).await;
    let recorded = objects.iter().find(|object| object["kind"] == "Secret");
    let recorded = recorded.expect("there is a secret");
    let path = "/api/v1/namespaces/dump/secrets/aaa";
    let found = get(&server, path).await;
    assert_eq!(found["data"], recorded["data"]);
    assert_eq!(
        text(&found, "/metadata/uid"),
        text(recorded, "/metadata/uid")
    );

    // Written back under the first key, and under the new one as soon as there is one, though nothing changes.
    let store = raw(&etcd);
    let key = "/registry/secrets/dump/aaa";
    let sealed_with = async |name: &str| {
        let prefix = format!("k8s:enc:{provider}:v1:{name}:");
        let value = raw_value(&store, key).await.expect("it is stored");
        value.starts_with(prefix.as_bytes())
    };
    let mut client = server.client();
    let namespace = json!({"metadata": {"name": "dump"}});
    let made = ask(&mut client, "POST", "/api/v1/namespaces", Some(&namespace)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let unchanged = ask(&mut client, "PUT", path, Some(&found)).await;
    assert_eq!(unchanged.status, 200, "{}", unchanged.text());
    let revision =
        |object: &serde_json::Value| text(object, "/metadata/resourceVersion").to_owned();
    assert_eq!(
        revision(&unchanged.json().expect("an object")),
        revision(&found)
    );
    assert!(sealed_with("key1").await);
    write(&[("key2", TWO), ("key1", ONE)]);
    let rotated = async {
        while !sealed_with("key2").await {
            let found = get(&server, path).await;
            assert_eq!(found["data"], recorded["data"]);
            ask(&mut client, "PUT", path, Some(&found)).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), rotated)
        .await
        .expect("the file is read again");
    assert_eq!(get(&server, path).await["data"], recorded["data"]);
    for check in [
        "kms-providers",
        "poststarthook/start-encryption-provider-config-automatic-reload",
    ] {
        let path = format!("/healthz/{check}");
        let health = ask(&mut client, "GET", &path, None).await;
        assert_eq!(health.status, 200, "{check}: {}", health.text());
    }
    let metrics = ask(&mut client, "GET", "/metrics", None).await.text();
    for (kind, status) in [("to_storage", "OK"), ("from_storage", "OK")] {
        let sample = format!(
            "apiserver_storage_transformation_operations_total{{resource=\"secrets\",status=\"{status}\",transformation_type=\"{kind}\",transformer_prefix=\"k8s:enc:{provider}:v1:\"}}"
        );
        assert!(counts(&metrics, &sample) > 0.0, "{sample}");
    }
    let reloads = "apiserver_encryption_config_controller_automatic_reloads_total{";
    assert!(counts(&metrics, reloads) > 0.0, "{reloads}");
    for operation in ["create", "update", "list"] {
        let sample = format!(
            "etcd_requests_total{{group=\"\",operation=\"{operation}\",resource=\"secrets\"}}"
        );
        let happened = operation != "create";
        assert_eq!(counts(&metrics, &sample) > 0.0, happened, "{sample}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aesgcm_is_kube_apiservers() {
    check("aesgcm", include_str!("fixtures/aesgcm.jsonl")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aescbc_is_kube_apiservers() {
    check("aescbc", include_str!("fixtures/aescbc.jsonl")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secretbox_is_kube_apiservers() {
    check("secretbox", include_str!("fixtures/secretbox.jsonl")).await;
}
