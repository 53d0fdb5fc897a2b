//! What watchers are told.

use std::sync::Arc;
use std::time::Duration;

use pintle_endpoints::cache::CacheOptions;
use pintle_endpoints::watch::{Watch, WatchItem};
use pintle_runtime::status::ApiError;
use pintle_storage::RocksStore;
use serde_json::{Value, json};

use crate::fixture::{Fixture, Resourceful, configmap, options, permit, pod};

pub(crate) async fn try_watch(of: &Resourceful<'_>, query: &str) -> Result<Watch, ApiError> {
    of.store
        .watch(
            &permit(),
            &of.cx(),
            &options(query, true)?,
            Duration::from_secs(1800),
        )
        .await
}

pub(crate) async fn watch(of: &Resourceful<'_>, query: &str) -> Watch {
    try_watch(of, query).await.expect(query)
}

/// The next `count` items as `TYPE name@revision`.
pub(crate) async fn told(watch: &mut Watch, count: usize) -> Vec<String> {
    let mut items = Vec::new();
    while items.len() < count {
        let more = tokio::time::timeout(Duration::from_secs(20), watch.next(&mut items)).await;
        if !more.expect("an item in time") {
            break;
        }
    }
    items.iter().map(text).collect()
}

fn text(item: &WatchItem) -> String {
    let line = match item {
        WatchItem::Event(event) => event.json().expect("a line"),
        WatchItem::Bookmark(bookmark) => bookmark.json(),
        WatchItem::Error(error) => return format!("ERROR {error}"),
    };
    assert_eq!(line.last(), Some(&b'\n'));
    let line: Value = serde_json::from_slice(&line).expect("JSON");
    let metadata = &line["object"]["metadata"];
    let mut shown = line["type"].as_str().expect("a type").to_owned();
    for text in [
        &metadata["name"],
        &metadata["labels"]["show"],
        &metadata["annotations"]["k8s.io/initial-events-end"],
    ] {
        if let Some(text) = text.as_str() {
            shown = format!("{shown} {text}");
        }
    }
    shown
}

#[tokio::test]
async fn events_come_in_order_and_once() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    configmaps.create(configmap("before")).await;
    let mut live = watch(&configmaps, "").await;
    assert_eq!(told(&mut live, 1).await, ["ADDED before"]);
    let created = configmaps.create(configmap("a")).await;
    configmaps
        .change("a", |object| object["data"] = json!({"k": "v"}))
        .await
        .expect("a change");
    configmaps.create(configmap("b")).await;
    configmaps.delete("a").await;
    let expected = ["ADDED a", "MODIFIED a", "ADDED b", "DELETED a"];
    assert_eq!(told(&mut live, 4).await, expected);
    let revision = created["metadata"]["resourceVersion"]
        .as_str()
        .expect("a revision");
    let mut replayed = watch(&configmaps, &format!("resourceVersion={revision}")).await;
    assert_eq!(told(&mut replayed, 3).await, expected[1..]);
    let mut elsewhere = watch(&configmaps.within("green"), "resourceVersion=1").await;
    let mut single = watch(
        &configmaps,
        "fieldSelector=metadata.name=b&resourceVersion=1",
    )
    .await;
    configmaps.within("green").create(configmap("g")).await;
    assert_eq!(told(&mut elsewhere, 1).await, ["ADDED g"]);
    configmaps.delete("b").await;
    assert_eq!(told(&mut single, 2).await, ["ADDED b", "DELETED b"]);
}

#[tokio::test]
async fn the_past_that_the_cache_has_forgotten_is_read_from_the_storage() {
    let storage = Arc::new(RocksStore::open_temporary().expect("a store"));
    let fixture = Fixture::over(
        storage,
        CacheOptions {
            history_bytes: 0,
            ..CacheOptions::default()
        },
    )
    .await;
    let configmaps = fixture.configmaps();
    for number in 0..100 {
        configmaps.create(configmap(&format!("a{number:03}"))).await;
    }
    configmaps.delete("a007").await;
    let mut replayed = watch(&configmaps, "resourceVersion=1").await;
    configmaps.create(configmap("b")).await;
    let mut expected: Vec<_> = (0..100)
        .map(|number| format!("ADDED a{number:03}"))
        .collect();
    expected.extend(["DELETED a007".to_owned(), "ADDED b".to_owned()]);
    assert_eq!(told(&mut replayed, 102).await, expected);

    let current = fixture.storage.current().await.expect("a revision");
    fixture
        .storage
        .compact(current)
        .await
        .expect("a compaction");
    let mut late = watch(&configmaps, "resourceVersion=2").await;
    assert_eq!(
        told(&mut late, 2).await,
        [format!("ERROR too old resource version: 2 ({current})")]
    );
}

#[tokio::test]
async fn a_selection_is_entered_and_left() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let mut selected = watch(&configmaps, "labelSelector=show=yes").await;
    configmaps
        .create(json!({"metadata": {"name": "a", "labels": {"show": "no"}}}))
        .await;
    let show = |show: &'static str| {
        move |object: &mut Value| object["metadata"]["labels"]["show"] = show.into()
    };
    configmaps.change("a", show("yes")).await.expect("a change");
    configmaps
        .change("a", |object| object["data"] = json!({"k": "v"}))
        .await
        .expect("a change");
    let left = configmaps
        .change("a", show("no"))
        .await
        .expect("a change")
        .object
        .entry()
        .revision();
    configmaps
        .change("a", |object| object["data"] = json!({"k": "w"}))
        .await
        .expect("a change");
    configmaps.change("a", show("yes")).await.expect("a change");
    configmaps.delete("a").await;
    let mut items = Vec::new();
    while items.len() < 5 {
        assert!(selected.next(&mut items).await);
    }
    let shown: Vec<_> = items.iter().map(text).collect();
    assert_eq!(
        shown,
        [
            "ADDED a yes",
            "MODIFIED a yes",
            "DELETED a yes",
            "ADDED a yes",
            "DELETED a yes"
        ]
    );
    let WatchItem::Event(event) = &items[2] else {
        panic!("an event")
    };
    assert_eq!(event.revision(), left);
    assert_eq!(event.object().expect("an object").entry().revision(), left);
}

#[tokio::test]
async fn a_change_visits_the_watchers_of_its_node() {
    let fixture = Fixture::start().await;
    let pods = fixture.pods();
    let mut first = watch(&pods.within(""), "fieldSelector=spec.nodeName=n1").await;
    let mut second = watch(&pods.within(""), "fieldSelector=spec.nodeName=n2").await;
    pods.create(pod("a", "")).await;
    pods.change("a", |object| object["spec"]["nodeName"] = "n1".into())
        .await
        .expect("a change");
    pods.change("a", |object| object["spec"]["nodeName"] = "n2".into())
        .await
        .expect("a change");
    pods.delete("a").await;
    assert_eq!(told(&mut first, 2).await, ["ADDED a", "DELETED a"]);
    assert_eq!(told(&mut second, 2).await, ["ADDED a", "DELETED a"]);
}

#[tokio::test]
async fn initial_events_end_with_a_bookmark() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    configmaps.create(configmap("a")).await;
    configmaps.create(configmap("b")).await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let mut listed = watch(&configmaps, &format!("{query}&allowWatchBookmarks=true")).await;
    assert_eq!(
        told(&mut listed, 3).await,
        ["ADDED a", "ADDED b", "BOOKMARK true"]
    );
    let mut unmarked = watch(&configmaps, query).await;
    let mut fresh = watch(
        &configmaps,
        "sendInitialEvents=false&resourceVersionMatch=NotOlderThan",
    )
    .await;
    configmaps.create(configmap("c")).await;
    assert_eq!(told(&mut listed, 1).await, ["ADDED c"]);
    assert_eq!(
        told(&mut unmarked, 3).await,
        ["ADDED a", "ADDED b", "ADDED c"]
    );
    assert_eq!(told(&mut fresh, 1).await, ["ADDED c"]);
}

#[tokio::test]
async fn a_bookmark_is_of_the_watched_kind_and_nothing_more() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let mut marked = watch(
        &configmaps,
        "resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=3",
    )
    .await;
    fixture.pods().create(pod("p", "")).await;
    let current = fixture.storage.current().await.expect("a revision");
    let mut items = Vec::new();
    assert!(marked.next(&mut items).await);
    let [WatchItem::Bookmark(bookmark)] = items.as_slice() else {
        panic!("a bookmark: {items:?}")
    };
    let expected = format!(
        r#"{{"type":"BOOKMARK","object":{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"resourceVersion":"{current}"}}}}}}"#
    );
    assert_eq!(
        String::from_utf8(bookmark.json().to_vec()).expect("JSON"),
        expected + "\n"
    );
    items.clear();
    assert!(!marked.next(&mut items).await, "the watch ends by itself");
    assert!(items.is_empty());
}

#[tokio::test]
async fn a_slow_watcher_is_cut_off_and_costs_the_others_nothing() {
    let storage = Arc::new(RocksStore::open_temporary().expect("a store"));
    let fixture = Fixture::over(
        storage,
        CacheOptions {
            watcher_capacity: 8,
            ..CacheOptions::default()
        },
    )
    .await;
    let configmaps = fixture.configmaps();
    let mut slow = watch(&configmaps, "").await;
    let mut quick = watch(&configmaps, "").await;
    for number in 0..20 {
        configmaps.create(configmap(&format!("a{number:02}"))).await;
        assert_eq!(told(&mut quick, 1).await, [format!("ADDED a{number:02}")]);
    }
    let mut items = Vec::new();
    while slow.next(&mut items).await {}
    assert_eq!(items.len(), 8, "what was in its buffer, and then the end");
    assert_eq!(configmaps.store.cache().terminated_watchers(), 1);
    drop((slow, quick));
    assert_eq!(configmaps.store.cache().watchers(), 0);
}

#[tokio::test]
async fn a_revision_that_is_no_number_is_refused_as_upstream_does() {
    let fixture = Fixture::start().await;
    let error = try_watch(&fixture.configmaps(), "resourceVersion=abc")
        .await
        .expect_err("no number");
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (
            500,
            "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax"
        )
    );
}

#[tokio::test]
async fn encodings_are_made_once_and_shared() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let mut watchers = [watch(&configmaps, "").await, watch(&configmaps, "").await];
    configmaps.create(configmap("a")).await;
    let mut lines = Vec::new();
    for watch in &mut watchers {
        let mut items = Vec::new();
        assert!(watch.next(&mut items).await);
        let [WatchItem::Event(event)] = items.as_slice() else {
            panic!("an event")
        };
        let object = event.object().expect("an object");
        lines.push((
            object.json().expect("JSON").as_ptr(),
            event.protobuf().expect("a frame").as_ptr(),
        ));
    }
    assert_eq!(lines[0], lines[1]);
}
