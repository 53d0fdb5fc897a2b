//! State goes from RocksDB to etcd and back, through a file and without; and a resource has an etcd of its own.

use std::path::Path;
use std::process::Command;

use pintle_storage::{KeyRange, Page, Storage};
use pintle_tests::server::{TestServer, binary, run};

use super::server::{TestEtcd, is_installed};
use super::{CONFIGMAPS, ask, configmap, get, on, raw, raw_value, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_moves_to_etcd_and_back() {
    if !is_installed() {
        return;
    }
    let mut server = TestServer::start().await;
    let mut client = server.client();
    for name in ["one", "two"] {
        let made = ask(&mut client, "POST", CONFIGMAPS, Some(&configmap(name, 1))).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let uid = |object: &serde_json::Value| text(object, "/metadata/uid").to_owned();
    let before = uid(&get(&server, &format!("{CONFIGMAPS}/one")).await);
    let data = server.data_dir();
    let data = data.to_str().expect("a path is text");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("state.snapshot");
    let file = file.to_str().expect("a path is text");
    let refused = run(&["snapshot", "save", data, file]);
    assert!(refused.is_err(), "the server runs: {refused:?}");
    server.terminate();
    assert!(server.ended().await.success());
    run(&["snapshot", "save", data, file]).expect("it is saved");
    let shown = run(&["snapshot", "inspect", file]).expect("the file is whole");
    assert!(
        shown.contains("configmaps") && shown.contains("services/specs"),
        "{shown}"
    );

    let etcd = TestEtcd::start(1, &[]);
    let address = etcd.addresses().join(",");
    run(&["snapshot", "restore", file, &address, "--dry-run"]).expect("it could be");
    let count = async || {
        let found = raw(&etcd).list(&KeyRange::all(), Page::default()).await;
        found.expect("etcd answers").value.records.len()
    };
    assert_eq!(count().await, 0, "a dry run writes nothing");
    run(&["snapshot", "restore", file, &address]).expect("it is restored");
    let again = run(&["snapshot", "copy", data, &address]);
    assert!(again.is_err_and(|why| why.contains("not empty")));
    let mut on_etcd = TestServer::start_with(&[&on(&etcd)]).await;
    assert_eq!(
        uid(&get(&on_etcd, &format!("{CONFIGMAPS}/one")).await),
        before
    );
    let made = ask(
        &mut on_etcd.client(),
        "POST",
        CONFIGMAPS,
        Some(&configmap("three", 1)),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text());
    on_etcd.terminate();
    assert!(on_etcd.ended().await.success());

    std::fs::remove_dir_all(server.data_dir().join("store")).expect("it is there");
    run(&["snapshot", "copy", &address, data]).expect("it is copied");
    server.restart().await;
    assert_eq!(
        uid(&get(&server, &format!("{CONFIGMAPS}/one")).await),
        before
    );
    get(&server, &format!("{CONFIGMAPS}/three")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resource_may_have_an_etcd_of_its_own() {
    if !is_installed() {
        return;
    }
    let (main, other) = (TestEtcd::start(1, &[]), TestEtcd::start(1, &[]));
    let overrides = format!(
        "--etcd-servers-overrides=/configmaps#{}",
        other.addresses().join(";")
    );
    let server = TestServer::start_with(&[&on(&main), &overrides]).await;
    let mut client = server.client();
    let made = ask(&mut client, "POST", CONFIGMAPS, Some(&configmap("one", 1))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let listed = get(&server, CONFIGMAPS).await;
    assert_eq!(text(&listed, "/items/0/metadata/name"), "one");
    let key = "/registry/configmaps/default/one";
    assert!(raw_value(&raw(&other), key).await.is_some());
    assert!(raw_value(&raw(&main), key).await.is_none());
    let health = ask(&mut client, "GET", "/readyz?verbose", None)
        .await
        .text();
    for check in ["etcd-override-0 ok", "etcd-override-readiness-0 ok"] {
        assert!(health.contains(check), "{health}");
    }
    let gone = ask(&mut client, "DELETE", &format!("{CONFIGMAPS}/one"), None).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
}

/// Runs the script that the README names.
fn drill(from: &str, work: &Path) {
    let script = pintle_tests::folder().join("../deploy/backup-drill.sh");
    let done = Command::new(script)
        .arg(from)
        .arg(work)
        .env("PINTLE_BIN", binary())
        .env("PORT", "0")
        .output()
        .expect("there is a shell");
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() && said.contains("the backup can be restored"),
        "{said}\n{complained}"
    );
    assert!(said.contains("configmaps"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_backup_drill_restores_everything() {
    let mut server = TestServer::start().await;
    let mut client = server.client();
    let made = ask(&mut client, "POST", CONFIGMAPS, Some(&configmap("one", 1))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let path = format!("{CONFIGMAPS}/one");
    let uid = |object: &serde_json::Value| text(object, "/metadata/uid").to_owned();
    let before = uid(&get(&server, &path).await);
    let account = "/api/v1/namespaces/default/serviceaccounts";
    let made = ask(&mut client, "POST", account, Some(&configmap("robot", 1))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let request = serde_json::json!({"spec": {}});
    let token = ask(
        &mut client,
        "POST",
        &format!("{account}/robot/token"),
        Some(&request),
    )
    .await;
    let token: serde_json::Value = token.json().expect("a TokenRequest");
    let token = format!("Bearer {}", text(&token, "/status/token"));
    server.terminate();
    assert!(server.ended().await.success());

    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = server.data_dir();
    drill(data.to_str().expect("a path is text"), folder.path());
    // The machine is lost, and what was restored takes its place.
    std::fs::remove_dir_all(&data).expect("it is there");
    std::fs::rename(folder.path().join("restored"), &data).expect("both are on one disk");
    server.restart().await;
    assert_eq!(uid(&get(&server, &path).await), before);
    let review = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let headers = vec![
        ("authorization".into(), token),
        ("content-type".into(), "application/json".into()),
    ];
    let body = Some(bytes::Bytes::from_static(b"{}"));
    let known = server
        .client()
        .request("POST", review, &headers, body)
        .await;
    let known = known.expect("the server answers").text();
    assert!(
        known.contains("system:serviceaccount:default:robot"),
        "{known}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_etcd_that_is_in_use_can_be_backed_up() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let server = TestServer::start_with(&[&on(&etcd)]).await;
    let mut client = server.client();
    let made = ask(&mut client, "POST", CONFIGMAPS, Some(&configmap("one", 1))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let folder = tempfile::tempdir().expect("a temporary folder");
    drill(&etcd.addresses().join(","), folder.path());
}
