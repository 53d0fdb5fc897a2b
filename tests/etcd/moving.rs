//! State goes from RocksDB to etcd and back, through a file and without; and a resource has an etcd of its own.

use pintle_storage::{KeyRange, Page, Storage};
use pintle_tests::server::{TestServer, run};

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
    let gone = ask(&mut client, "DELETE", &format!("{CONFIGMAPS}/one"), None).await;
    assert_eq!(gone.status, 200, "{}", gone.text());
}
