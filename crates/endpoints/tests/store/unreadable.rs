//! A value that does not decode is an error of its own: for who asks for it, and for each list and watch
//! that it could be in. Others never notice.

use std::sync::Arc;

use bytes::Bytes;
use pintle_endpoints::cache::CacheOptions;
use pintle_storage::{Expect, Key, Revision, RocksStore};
use serde_json::json;

use crate::fixture::{Fixture, Resourceful, configmap, pod};
use crate::watch::{told, watch};

const KEY: &str = "/registry/configmaps/blue/bad";

/// Has the store hold, under the key of a ConfigMap or a Pod, what nobody can read.
async fn spoil(fixture: &Fixture, key: &str) -> Revision {
    put(fixture, key, b"k8s\0\xff\xff\xff").await
}

async fn put(fixture: &Fixture, key: &str, value: &'static [u8]) -> Revision {
    let key = Key::from(key.to_owned());
    let found = fixture.storage.get(&key, Revision::ZERO).await;
    let expect = match found.expect("the store answers").value {
        Some(record) => Expect::At(record.mod_revision),
        None => Expect::Absent,
    };
    let put = fixture
        .storage
        .put(&key, expect, Bytes::from_static(value), None);
    put.await.expect("nobody else writes")
}

#[track_caller]
fn is_unreadable<T>(answer: Result<T, pintle_runtime::status::ApiError>, key: &str) {
    let status = answer.err().expect("it can not be read").to_status();
    assert_eq!(status.code, 500, "{status:?}");
    assert!(status.message.contains(key), "{status:?}");
}

async fn lists(of: &Resourceful<'_>, query: &str, expected: &[&str]) {
    assert_eq!(of.names(query).await, expected, "{query}");
}

#[tokio::test]
async fn lists_that_it_could_be_in_fail_and_name_the_key() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    configmaps.create(configmap("a")).await;
    configmaps.create(configmap("bad")).await;
    configmaps.create(configmap("c")).await;
    configmaps.within("red").create(configmap("d")).await;
    fixture.pods().create(pod("web", "one")).await;
    spoil(&fixture, KEY).await;

    is_unreadable(configmaps.try_get("bad", "").await, KEY);
    for query in [
        "",
        "resourceVersion=0",
        "labelSelector=app=web",
        "limit=2",
        "fieldSelector=metadata.name=bad",
        "fieldSelector=metadata.name!=a",
    ] {
        is_unreadable(configmaps.try_list(query).await, KEY);
        is_unreadable(configmaps.within("").try_list(query).await, KEY);
    }
    lists(&configmaps, "limit=1", &["a"]).await;
    lists(&configmaps, "fieldSelector=metadata.name=a", &["a"]).await;
    lists(&configmaps, "fieldSelector=metadata.name!=bad", &["a", "c"]).await;
    lists(&configmaps.within("red"), "", &["d"]).await;
    lists(&fixture.pods(), "", &["web"]).await;

    // Neither written over nor taken away by who does not know what it is.
    is_unreadable(configmaps.try_update("bad", &configmap("bad")).await, KEY);
    is_unreadable(configmaps.try_delete("bad", &Default::default()).await, KEY);
    let taken = configmaps.try_create(&configmap("bad")).await;
    let taken = taken.expect_err("it is there");
    assert_eq!(taken.to_status().code, 409);

    // Somebody puts it right.
    put(
        &fixture,
        KEY,
        br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"bad","namespace":"blue"}}"#,
    )
    .await;
    lists(&configmaps, "", &["a", "bad", "c"]).await;
}

#[tokio::test]
async fn the_state_before_it_can_be_read_and_the_one_with_it_can_not() {
    for history_bytes in [0, 4 << 20] {
        let options = CacheOptions {
            history_bytes,
            ..CacheOptions::default()
        };
        let store = RocksStore::open_temporary().expect("a temporary store");
        let fixture = Fixture::over(Arc::new(store), options).await;
        let configmaps = fixture.configmaps();
        let before = configmaps.create(configmap("bad")).await;
        let before = before["metadata"]["resourceVersion"].as_str().expect("one");
        let spoiled = spoil(&fixture, KEY).await;
        put(&fixture, KEY, br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"bad","namespace":"blue"}}"#).await;
        // So many that a cache without room for it forgets what was.
        for at in 0..40 {
            configmaps
                .within("red")
                .create(configmap(&format!("other-{at}")))
                .await;
        }
        let exact =
            |revision: &str| format!("resourceVersion={revision}&resourceVersionMatch=Exact");
        lists(&configmaps, &exact(before), &["bad"]).await;
        is_unreadable(configmaps.try_list(&exact(&spoiled.to_string())).await, KEY);
        lists(&configmaps, "", &["bad"]).await;
        let query = format!("resourceVersion={before}");
        let mut late = watch(&configmaps, &query).await;
        let told = told(&mut late, 2).await;
        assert!(told.len() == 1 && told[0].contains(KEY), "{told:?}");
    }
}

#[tokio::test]
async fn watches_that_it_could_be_in_end_with_an_error() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    configmaps.create(configmap("bad")).await;
    let affected = [
        "",
        "labelSelector=app=web",
        "fieldSelector=metadata.name=bad",
    ];
    let mut ending = Vec::new();
    for query in affected {
        ending.push(watch(&configmaps, query).await);
        ending.push(watch(&configmaps.within(""), query).await);
    }
    let mut other = watch(&configmaps.within("red"), "").await;
    let mut named = watch(&configmaps, "fieldSelector=metadata.name=c").await;
    spoil(&fixture, KEY).await;
    for mut watch in ending {
        let items = told(&mut watch, 9).await;
        let last = items.last().expect("an error");
        assert!(last.starts_with("ERROR") && last.contains(KEY), "{items:?}");
        assert!(!items.iter().any(|item| item.starts_with("DELETED")));
    }
    configmaps.within("red").create(configmap("d")).await;
    configmaps.create(configmap("c")).await;
    assert_eq!(told(&mut other, 1).await, ["ADDED d"]);
    assert_eq!(told(&mut named, 1).await, ["ADDED c"]);

    // One that begins with what is there can not begin; one that begins now is told what comes.
    let items = told(&mut watch(&configmaps, "").await, 9).await;
    assert!(items.len() == 1 && items[0].contains(KEY), "{items:?}");
    let now = configmaps.within("red").list("").await.revision;
    let mut from_now = watch(&configmaps, &format!("resourceVersion={now}")).await;
    put(
        &fixture,
        KEY,
        br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"bad","namespace":"blue"}}"#,
    )
    .await;
    assert_eq!(told(&mut from_now, 1).await, ["ADDED bad"]);
}

#[tokio::test]
async fn a_watch_by_an_indexed_field_ends_too() {
    let fixture = Fixture::start().await;
    let pods = fixture.pods();
    pods.create(pod("web", "one")).await;
    let mut on_one = watch(&pods, "fieldSelector=spec.nodeName=one").await;
    let mut on_two = watch(&pods.within(""), "fieldSelector=spec.nodeName=two").await;
    spoil(&fixture, "/registry/pods/blue/web").await;
    assert_eq!(told(&mut on_one, 9).await.len(), 2);
    let items = told(&mut on_two, 9).await;
    assert!(
        items.len() == 1 && items[0].starts_with("ERROR"),
        "{items:?}"
    );
}

#[tokio::test]
async fn a_store_that_holds_one_begins_all_the_same() {
    let store = RocksStore::open_temporary().expect("a temporary store");
    let fixture = Fixture::over(Arc::new(store), CacheOptions::default()).await;
    let old = json!({"kind": "ConfigMap", "apiVersion": "v0alpha", "metadata": {"name": "bad"}});
    put(&fixture, KEY, old.to_string().leak().as_bytes()).await;
    let again = Fixture::over(Arc::clone(&fixture.storage), CacheOptions::default()).await;
    is_unreadable(again.configmaps().try_list("").await, KEY);
    is_unreadable(again.configmaps().try_get("bad", "").await, "v0alpha");
    // Taken away past the server.
    let key = Key::from(KEY);
    let found = fixture.storage.get(&key, Revision::ZERO).await;
    let found = found
        .expect("the store answers")
        .value
        .expect("it is there");
    let deleted = fixture.storage.delete(&key, found.mod_revision).await;
    deleted.expect("nobody else writes");
    lists(&again.configmaps(), "", &[]).await;
    assert_eq!(again.configmaps().get("bad").await, None);
}
