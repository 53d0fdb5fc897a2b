//! Values whose keys a key management service keeps: KMS v2, with a service of the test's own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pintle_tests::grpc;
use pintle_tests::server::TestServer;
use prost::Message;
use serde_json::json;

use super::server::{TestEtcd, is_installed};
use super::{ask, get, on, raw, raw_value};

#[derive(Clone, PartialEq, Message)]
struct StatusResponse {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(string, tag = "2")]
    healthz: String,
    #[prost(string, tag = "3")]
    key_id: String,
}

/// The first field of both requests, and of the answer to a decryption.
#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(bytes = "bytes", tag = "1")]
    bytes: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct EncryptResponse {
    #[prost(bytes = "bytes", tag = "1")]
    ciphertext: Bytes,
    #[prost(string, tag = "2")]
    key_id: String,
    #[prost(map = "string, bytes", tag = "3")]
    annotations: HashMap<String, Vec<u8>>,
}

/// What the service knows and was asked.
struct Service {
    key_id: Mutex<String>,
    asked: Mutex<Vec<String>>,
}

/// What the service does to keys: no secret, but not the same bytes either.
fn turned(bytes: &[u8]) -> Bytes {
    bytes.iter().map(|byte| byte ^ 0x5A).collect()
}

impl Service {
    fn start(socket: &Path) -> Arc<Self> {
        let service = Arc::new(Self {
            key_id: Mutex::new("one".to_owned()),
            asked: Mutex::default(),
        });
        let serving = Arc::clone(&service);
        grpc::serve(socket, move |method, body| Ok(serving.answer(method, body)));
        service
    }

    fn answer(&self, method: &str, body: Bytes) -> Vec<u8> {
        let text = Text::decode(body).unwrap_or_default().bytes;
        let key_id = self.key_id.lock().expect("nobody panics").clone();
        let mut asked = self.asked.lock().expect("nobody panics");
        asked.push(method.to_owned());
        match method {
            "Status" => StatusResponse {
                version: "v2".to_owned(),
                healthz: "ok".to_owned(),
                key_id,
            }
            .encode_to_vec(),
            "Encrypt" => EncryptResponse {
                ciphertext: turned(&text),
                key_id,
                annotations: HashMap::from([("kms.example.com/by".to_owned(), b"test".to_vec())]),
            }
            .encode_to_vec(),
            _ => Text {
                bytes: turned(&text),
            }
            .encode_to_vec(),
        }
    }

    fn asked(&self, method: &str) -> usize {
        let asked = self.asked.lock().expect("nobody panics");
        asked.iter().filter(|asked| *asked == method).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_management_service_keeps_the_keys() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("kms.sock");
    let service = Service::start(&socket);
    let file = folder.path().join("encryption.yaml");
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{
            "resources": ["*.*"],
            "providers": [{"kms": {
                "apiVersion": "v2", "name": "vault", "endpoint": format!("unix://{}", socket.display()),
            }}],
        }],
    });
    std::fs::write(&file, configuration.to_string()).expect("it is written");
    let encryption = format!("--encryption-provider-config={}", file.display());
    let mut server = TestServer::start_with(&[&on(&etcd), &encryption]).await;
    let secrets = "/api/v1/namespaces/default/secrets";
    let path = "/api/v1/namespaces/default/secrets/web";
    let secret = json!({"metadata": {"name": "web"}, "stringData": {"password": "correct horse"}});
    let made = ask(&mut server.client(), "POST", secrets, Some(&secret)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let store = raw(&etcd);
    let stored = async || {
        let stored = raw_value(&store, "/registry/secrets/default/web").await;
        stored.expect("it is stored")
    };
    let sealed = stored().await;
    let contains = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|found| found == part);
    assert!(sealed.starts_with(b"k8s:enc:kms:v2:vault:"));
    assert!(!contains(&sealed, b"correct horse") && contains(&sealed, b"one"));
    assert_eq!(service.asked("Encrypt"), 1, "one seed is for all values");
    let health = ask(&mut server.client(), "GET", "/healthz/kms-providers", None).await;
    assert_eq!(health.status, 200, "{}", health.text());
    for (endpoint, told) in [("healthz", true), ("readyz", true), ("livez", false)] {
        let all = ask(
            &mut server.client(),
            "GET",
            &format!("/{endpoint}?verbose"),
            None,
        )
        .await;
        assert_eq!(
            all.text().contains("[+]kms-providers ok"),
            told,
            "{}",
            all.text()
        );
    }

    let metrics = ask(&mut server.client(), "GET", "/metrics", None).await;
    let metrics = metrics.text();
    for told in [
        "apiserver_envelope_encryption_dek_source_cache_size{provider_name=\"vault\"} 1",
        "apiserver_envelope_encryption_kms_operations_latency_seconds_count{provider_name=\"vault\",\
         method_name=\"/v2.KeyManagementService/Encrypt\",grpc_status_code=\"OK\"} 1",
        "apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds{provider_name=\"vault\",\
         key_id_hash=\"sha256:",
        "apiserver_envelope_encryption_key_id_hash_total{transformation_type=\"to_storage\",provider_name=\"vault\",\
         key_id_hash=\"sha256:",
    ] {
        assert!(metrics.contains(told), "{told}");
    }
    assert!(!metrics.contains("correct horse"), "no secret is told");

    // Another process has the service open what this one's seed has sealed: once, not for each value.
    server.kill();
    server.restart().await;
    let found = get(&server, path).await;
    assert_eq!(found["data"]["password"], "Y29ycmVjdCBob3JzZQ==");
    assert_eq!(service.asked("Decrypt"), 1);

    // With another key what the old one sealed is stale, and an update that changes nothing writes it.
    *service.key_id.lock().expect("nobody panics") = "two".to_owned();
    server.kill();
    server.restart().await;
    let found = get(&server, path).await;
    let unchanged = ask(&mut server.client(), "PUT", path, Some(&found)).await;
    assert_eq!(unchanged.status, 200, "{}", unchanged.text());
    let sealed = stored().await;
    assert!(contains(&sealed, b"two") && !contains(&sealed, b"one"));
    assert_eq!(get(&server, path).await["data"], found["data"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_keeps_from_being_read_can_be_read_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("kms.sock");
    let file = folder.path().join("encryption.yaml");
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{
            "resources": ["secrets"],
            "providers": [{"kms": {
                "apiVersion": "v2", "name": "vault", "endpoint": format!("unix://{}", socket.display()),
            }}],
        }],
    });
    std::fs::write(&file, configuration.to_string()).expect("it is written");
    let _service = Service::start(&socket);
    let encryption = format!("--encryption-provider-config={}", file.display());
    let mut server = TestServer::start_with(&[&encryption]).await;
    let secrets = "/api/v1/namespaces/default/secrets";
    for name in ["one", "two"] {
        let secret = json!({"metadata": {"name": name}, "stringData": {"password": "horse"}});
        let made = ask(&mut server.client(), "POST", secrets, Some(&secret)).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    server.kill();
    // Nobody finds it any more.
    std::fs::remove_file(&socket).expect("it is there");

    // It starts, serves everything else, and says what is wrong.
    server.restart_unready().await;
    get(&server, "/api/v1/namespaces").await;
    for path in [secrets.to_owned(), format!("{secrets}/one")] {
        let answer = ask(&mut server.client(), "GET", &path, None).await;
        assert_eq!(answer.status, 500, "{}", answer.text());
        let says = "/registry/secrets/default/one";
        assert!(answer.text().contains(says), "{}", answer.text());
    }
    let secret = json!({"metadata": {"name": "three"}});
    let refused = ask(&mut server.client(), "POST", secrets, Some(&secret)).await;
    assert_eq!(refused.status, 500, "{}", refused.text());
    for (endpoint, status) in [("healthz", 500), ("readyz", 500), ("livez", 200)] {
        let health = ask(&mut server.client(), "GET", &format!("/{endpoint}"), None).await;
        assert_eq!(health.status, status, "{endpoint}: {}", health.text());
    }

    let _service = Service::start(&socket);
    let readable = async {
        while ask(&mut server.client(), "GET", secrets, None).await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        while ask(&mut server.client(), "GET", "/readyz", None)
            .await
            .status
            != 200
        {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), readable)
        .await
        .expect("they can be read, and the server is ready");
    let listed = get(&server, secrets).await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
}
