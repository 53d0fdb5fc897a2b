//! Values that do not decode: each an error of its own, on either backend, that names the key.

use std::time::Duration;

use bytes::Bytes;
use pintle_storage::{Expect, Key, Options, RocksStore, Storage};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::server::{TestEtcd, is_installed};
use super::{ask, configmap, get, on, raw, raw_value, text};

const BROKEN: &str = "/registry/configmaps/default/broken";
const OLD: &str = "/registry/cronjobs/default/old";
const SEALED: &str = "/registry/secrets/default/sealed";

/// One that is no object, one of a version that was served once, and one that nobody has the key to.
async fn spoil(store: &dyn Storage) {
    let old = json!({
        "apiVersion": "batch/v2alpha1", "kind": "CronJob",
        "metadata": {"name": "old", "namespace": "default"}, "spec": {},
    });
    for (key, value) in [
        (BROKEN, Bytes::from_static(b"k8s\0\xff\xff\xff")),
        (OLD, Bytes::from(old.to_string())),
        (
            SEALED,
            Bytes::from_static(b"k8s:enc:aescbc:v1:key1:xxxxxxxx"),
        ),
    ] {
        let key = Key::from(key);
        let put = store.put(&key, Expect::Absent, value, None);
        put.await.expect("the key is new");
    }
}

/// Asks for something that can not be read: 500, and the message says these things.
async fn fails(server: &TestServer, method: &str, path: &str, says: &[&str]) {
    let body = (method == "PUT").then(|| configmap("broken", 1));
    let answer = ask(&mut server.client(), method, path, body.as_ref()).await;
    assert_eq!(answer.status, 500, "{method} {path}: {}", answer.text());
    let status: Value = answer.json().expect("a Status");
    for part in says {
        assert!(
            text(&status, "/message").contains(part),
            "{method} {path}: {status}"
        );
    }
}

async fn check(server: &TestServer) {
    let core = "/api/v1/namespaces/default";
    let names = [
        ("configmaps", "broken", [BROKEN, ""]),
        (
            "secrets",
            "sealed",
            [SEALED, "identity transformer tried to read encrypted data"],
        ),
    ];
    for (resource, name, says) in names {
        fails(server, "GET", &format!("{core}/{resource}"), &says).await;
        fails(server, "GET", &format!("/api/v1/{resource}"), &says).await;
        fails(
            server,
            "GET",
            &format!("/api/v1/{resource}?resourceVersion=0"),
            &says,
        )
        .await;
        fails(server, "GET", &format!("{core}/{resource}/{name}"), &says).await;
        fails(
            server,
            "DELETE",
            &format!("{core}/{resource}/{name}"),
            &says,
        )
        .await;
    }
    fails(
        server,
        "PUT",
        &format!("{core}/configmaps/broken"),
        &[BROKEN],
    )
    .await;
    let path = format!("{core}/configmaps");
    let taken = ask(
        &mut server.client(),
        "POST",
        &path,
        Some(&configmap("broken", 1)),
    )
    .await;
    assert_eq!(taken.status, 409, "{}", taken.text());
    let says = [OLD, "batch/v2alpha1"];
    fails(server, "GET", "/apis/batch/v1/cronjobs", &says).await;
    fails(
        server,
        "GET",
        "/apis/batch/v1/namespaces/default/cronjobs/old",
        &says,
    )
    .await;
    let ignoring = "?ignoreStoreReadErrorWithClusterBreakingPotential=true";
    let path = format!("{core}/configmaps/broken{ignoring}");
    fails(server, "DELETE", &path, &[BROKEN]).await;

    // Nobody else notices.
    let mut client = server.client();
    for namespace in ["default", "kube-system"] {
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        let made = ask(&mut client, "POST", &path, Some(&configmap("well", 1))).await;
        assert_eq!(made.status, 201, "{}", made.text());
        get(server, &format!("{path}/well")).await;
    }
    get(server, "/api/v1/namespaces/kube-system/configmaps").await;
    get(server, "/api/v1/namespaces").await;
    get(server, "/apis/batch/v1/jobs").await;
    let ready = ask(&mut client, "GET", "/readyz", None).await;
    assert_eq!(ready.status, 200, "{}", ready.text());
    let events = ask(
        &mut client,
        "GET",
        &format!("{core}/configmaps?watch=true&timeoutSeconds=1"),
        None,
    )
    .await;
    let event: Value = events.json().expect("one event");
    assert_eq!(event["type"], "ERROR", "{event}");
    assert!(text(&event, "/object/message").contains(BROKEN), "{event}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_etcd_they_are_errors_of_their_own() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    spoil(&raw(&etcd)).await;
    let server = TestServer::start_with(&[&on(&etcd)]).await;
    check(&server).await;
    let kept = raw_value(&raw(&etcd), BROKEN).await;
    assert_eq!(kept.as_deref(), Some(&b"k8s\0\xff\xff\xff"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_rocksdb_they_are_errors_of_their_own() {
    let mut server = TestServer::start().await;
    server.terminate();
    assert!(server.ended().await.success());
    let folder = server.data_dir().join("store");
    let store = RocksStore::open(&folder, Options::default()).expect("nobody has it open");
    spoil(&store).await;
    store.close();
    drop(store);
    server.restart().await;
    check(&server).await;
}

/// A server that seals Secrets, by a file of keys that it reads again when it changes.
struct Sealing {
    server: TestServer,
    folder: TempDir,
}

impl Sealing {
    async fn start(keys: &[&str], flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_keys(&folder, keys);
        let mut flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let file = folder.path().join(KEYS);
        flags.push(format!("--encryption-provider-config={}", file.display()));
        flags.push("--encryption-provider-config-automatic-reload".to_owned());
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let server = TestServer::start_with(&flags).await;
        Self { server, folder }
    }

    /// Starts again, in a moment, with other keys.
    async fn restart_with(&mut self, keys: &[&str]) {
        self.server.kill();
        write_keys(&self.folder, keys);
        self.server.restart().await;
    }

    async fn make(&self, path: &str, object: &Value) -> Value {
        let made = ask(&mut self.server.client(), "POST", path, Some(object)).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json().expect("an object")
    }

    /// Asks until there is this answer.
    async fn until(&self, method: &str, path: &str, body: Option<&Value>, status: u16) {
        let asking = async {
            while ask(&mut self.server.client(), method, path, body)
                .await
                .status
                != status
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), asking)
            .await
            .unwrap_or_else(|_| panic!("{method} {path} is never answered with {status}"));
    }
}

const KEYS: &str = "encryption.yaml";

fn write_keys(folder: &TempDir, names: &[&str]) {
    let key = |name: &&str| json!({"name": name, "secret": "cGludGxlLXRlc3Qta2V5LW9uZS0zMi1ieXRlcy1hYWE="});
    let keys: Vec<_> = names.iter().map(key).collect();
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [{"secretbox": {"keys": keys}}]}],
    });
    let file = folder.path().join(KEYS);
    std::fs::write(&file, configuration.to_string()).expect("it is written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_unreadable_when_its_owner_went_goes_when_it_can_be_read() {
    let mut sealing = Sealing::start(&["one"], &["--builtin-controllers=*"]).await;
    let (maps, secrets) = (
        "/api/v1/namespaces/default/configmaps",
        "/api/v1/namespaces/default/secrets",
    );
    let owner = sealing.make(maps, &configmap("owner", 1)).await;
    let reference = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
    });
    let dependent = json!({"metadata": {"name": "dependent", "ownerReferences": [reference]}});
    sealing.make(secrets, &dependent).await;
    let stays = json!({"metadata": {"name": "stays"}});
    sealing.make(secrets, &stays).await;
    sealing.restart_with(&["two"]).await;
    fails(&sealing.server, "GET", secrets, &["/registry/secrets/"]).await;
    let owner = format!("{maps}/owner");
    sealing.until("DELETE", &owner, None, 200).await;
    sealing.until("GET", &owner, None, 404).await;
    write_keys(&sealing.folder, &["two", "one"]);
    sealing
        .until("GET", &format!("{secrets}/stays"), None, 200)
        .await;
    // Controllers look again when something is written.
    let another = sealing.make(maps, &configmap("another", 1)).await;
    assert_eq!(text(&another, "/metadata/name"), "another");
    let dependent = format!("{secrets}/dependent");
    sealing.until("GET", &dependent, None, 404).await;
    get(&sealing.server, &format!("{secrets}/stays")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_new_key_opens_can_be_read_without_being_written() {
    let mut sealing = Sealing::start(&["one"], &[]).await;
    let secrets = "/api/v1/namespaces/default/secrets";
    let secret = json!({"metadata": {"name": "web"}, "stringData": {"password": "correct horse"}});
    sealing.make(secrets, &secret).await;
    sealing.restart_with(&["two"]).await;
    let server = &sealing.server;
    let says = [
        "/registry/secrets/default/web",
        "no matching key was found for the provided Secretbox transformer",
    ];
    fails(server, "GET", secrets, &says).await;
    fails(server, "GET", &format!("{secrets}/web"), &says).await;
    write_keys(&sealing.folder, &["two", "one"]);
    let path = format!("{secrets}/web");
    sealing.until("GET", &path, None, 200).await;
    let listed = get(server, secrets).await;
    assert_eq!(
        text(&listed, "/items/0/data/password"),
        "Y29ycmVjdCBob3JzZQ=="
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_may_be_deleted_where_the_gate_for_that_is_open() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    spoil(&raw(&etcd)).await;
    let gate = "--feature-gates=AllowUnsafeMalformedObjectDeletion=true";
    let server = TestServer::start_with(&[&on(&etcd), gate]).await;
    let core = "/api/v1/namespaces/default";
    let option = "ignoreStoreReadErrorWithClusterBreakingPotential";
    let mut client = server.client();
    let made = ask(
        &mut client,
        "POST",
        &format!("{core}/configmaps"),
        Some(&configmap("well", 1)),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let refused = [
        (
            format!("{core}/configmaps/well?{option}=true"),
            "is exclusively used to delete corrupt object(s)",
        ),
        (
            format!("{core}/configmaps/broken?{option}=true&dryRun=All"),
            "cannot be set together with .dryRun",
        ),
        (
            format!("{core}/configmaps?{option}=true"),
            "is not allowed with DELETECOLLECTION",
        ),
    ];
    for (path, says) in refused {
        let answer = ask(&mut client, "DELETE", &path, None).await;
        assert_eq!(answer.status, 422, "{path}: {}", answer.text());
        assert!(answer.text().contains(says), "{}", answer.text());
    }
    fails(
        &server,
        "DELETE",
        &format!("{core}/configmaps/broken"),
        &[BROKEN],
    )
    .await;
    // Whoever may delete it may not do so unseen.
    let role = json!({
        "metadata": {"name": "deleter"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["delete"]}],
    });
    let binding = json!({
        "metadata": {"name": "deleter"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deleter"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
    });
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    for (resource, object) in [("roles", role), ("rolebindings", binding)] {
        let made = ask(
            &mut client,
            "POST",
            &format!("{rbac}/{resource}"),
            Some(&object),
        )
        .await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let path = format!("{core}/configmaps/broken?{option}=true");
    let alice = vec![("authorization".into(), "Bearer alicetoken".into())];
    let answer = client.request("DELETE", &path, &alice, None).await;
    let answer = answer.expect("the server answers");
    assert_eq!(answer.status, 403, "{}", answer.text());
    let says = "not permitted to do \\\"unsafe-delete-ignore-read-errors\\\"";
    assert!(answer.text().contains(says), "{}", answer.text());

    let gone = ask(&mut client, "DELETE", &path, None).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(raw_value(&raw(&etcd), BROKEN).await, None);
    let listed = get(&server, &format!("{core}/configmaps")).await;
    assert_eq!(text(&listed, "/items/0/metadata/name"), "well");
}
