//! Lists and their pages.

use pintle_endpoints::cache::CacheOptions;
use pintle_storage::Revision;
use serde_json::json;

use crate::fixture::{Fixture, configmap, names, pod};

async fn with_letters(fixture: &Fixture, letters: &str) {
    for letter in letters.chars() {
        fixture
            .configmaps()
            .create(configmap(&letter.to_string()))
            .await;
    }
}

#[tokio::test]
async fn pages_are_of_one_revision_whatever_is_written_meanwhile() {
    for history_bytes in [CacheOptions::default().history_bytes, 0] {
        let options = CacheOptions {
            history_bytes,
            ..CacheOptions::default()
        };
        let storage =
            std::sync::Arc::new(pintle_storage::RocksStore::open_temporary().expect("a store"));
        let fixture = Fixture::over(storage, options).await;
        let configmaps = fixture.configmaps();
        with_letters(&fixture, "abcde").await;
        let first = configmaps.list("limit=2").await;
        let (revision, token) = (
            first.revision,
            first.continue_token.clone().expect("a token"),
        );
        assert_eq!(first.remaining, Some(3));
        assert_eq!(names(first), ["a", "b"]);
        configmaps.delete("d").await;
        // More than the cache remembers when it has no bytes for it.
        for number in 0..60 {
            configmaps.create(configmap(&format!("c{number}"))).await;
        }
        let second = configmaps.list(&format!("limit=2&continue={token}")).await;
        assert_eq!((second.revision, second.remaining), (revision, Some(1)));
        let token = second.continue_token.clone().expect("a token");
        assert_eq!(names(second), ["c", "d"]);
        let last = configmaps.list(&format!("limit=2&continue={token}")).await;
        assert_eq!(
            (last.revision, last.remaining, &last.continue_token),
            (revision, None, &None)
        );
        assert_eq!(names(last), ["e"]);
        let exact = configmaps
            .list(&format!(
                "resourceVersion={revision}&resourceVersionMatch=Exact"
            ))
            .await;
        assert_eq!(exact.revision, revision);
        assert_eq!(names(exact), ["a", "b", "c", "d", "e"]);
    }
}

#[tokio::test]
async fn every_past_revision_is_as_it_was() {
    // More changes than lie between two snapshots that are kept; with few bytes, most are asked of the storage.
    for history_bytes in [CacheOptions::default().history_bytes, 64 << 10] {
        let options = CacheOptions {
            history_bytes,
            ..CacheOptions::default()
        };
        let storage =
            std::sync::Arc::new(pintle_storage::RocksStore::open_temporary().expect("a store"));
        let fixture = Fixture::over(storage, options).await;
        let configmaps = fixture.configmaps();
        let mut past = Vec::new();
        for number in 0..150 {
            let name = format!("c{}", number % 7);
            if number % 14 < 7 {
                configmaps.create(configmap(&name)).await;
            } else {
                configmaps.delete(&name).await;
            }
            let list = configmaps.list("").await;
            past.push((list.revision, names(list)));
        }
        for (revision, expected) in past {
            let query = format!("resourceVersion={revision}&resourceVersionMatch=Exact");
            let found = names(configmaps.list(&query).await);
            assert_eq!(found, expected, "{revision}");
        }
    }
}

#[tokio::test]
async fn a_page_with_a_selector_does_not_say_how_many_remain() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    for (name, tier) in [("a", "web"), ("b", "db"), ("c", "web"), ("d", "db")] {
        configmaps
            .create(json!({"metadata": {"name": name, "labels": {"tier": tier}}}))
            .await;
    }
    let first = configmaps.list("labelSelector=tier=web&limit=1").await;
    assert_eq!(first.remaining, None);
    let token = first.continue_token.clone().expect("a token");
    assert_eq!(names(first), ["a"]);
    let second = configmaps
        .list(&format!("labelSelector=tier=web&limit=1&continue={token}"))
        .await;
    assert_eq!(names(second), ["c"]);
    assert_eq!(
        configmaps.names("labelSelector=tier!=web").await,
        ["b", "d"]
    );
    assert_eq!(
        configmaps.names("fieldSelector=metadata.name=c").await,
        ["c"]
    );
    assert_eq!(
        configmaps.names("fieldSelector=metadata.name!=c").await,
        ["a", "b", "d"]
    );
}

#[tokio::test]
async fn namespaces_do_not_mix_and_come_in_order() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    for namespace in ["a", "a-b", "a0", "b"] {
        configmaps.within(namespace).create(configmap("x")).await;
    }
    assert_eq!(
        configmaps.within("a").list("").await.into_objects().len(),
        1
    );
    let all = configmaps.within("").list("").await.into_objects();
    let namespaces: Vec<_> = all
        .iter()
        .map(|object| object.entry().namespace())
        .collect();
    assert_eq!(namespaces, ["a-b", "a", "a0", "b"], "the order of the keys");
    assert_eq!(
        configmaps
            .within("")
            .list("fieldSelector=metadata.namespace=a0")
            .await
            .into_objects()
            .len(),
        1
    );
    let first = configmaps.within("").list("limit=2").await;
    let token = first.continue_token.clone().expect("a token");
    assert_eq!(first.remaining, Some(2));
    let rest = configmaps
        .within("")
        .list(&format!("continue={token}"))
        .await
        .into_objects();
    assert_eq!(
        rest.iter()
            .map(|object| object.entry().namespace())
            .collect::<Vec<_>>(),
        ["a0", "b"]
    );
}

#[tokio::test]
async fn an_indexed_field_selects_what_a_search_would() {
    let fixture = Fixture::start().await;
    let pods = fixture.pods();
    for number in 0..30 {
        let namespace = if number % 2 == 0 { "blue" } else { "green" };
        let node = if number % 5 == 0 {
            String::new()
        } else {
            format!("n{}", number % 3)
        };
        pods.within(namespace)
            .create(pod(&format!("p{number:02}"), &node))
            .await;
    }
    for query in [
        "fieldSelector=spec.nodeName=n1",
        "fieldSelector=spec.host=n1",
        "fieldSelector=spec.nodeName=",
    ] {
        for namespace in ["", "blue"] {
            let node = if query.ends_with("n1") { "n1" } else { "" };
            let all = pods.within(namespace).list("").await.into_objects();
            let expected: Vec<_> = all
                .iter()
                .filter(|pod| pod.entry().field("spec.nodeName") == node)
                .map(|pod| pod.entry().name())
                .collect();
            assert!(!expected.is_empty());
            assert_eq!(
                pods.within(namespace).names(query).await,
                expected,
                "{query} in {namespace:?}"
            );
        }
    }
    assert_eq!(
        pods.within("")
            .names("fieldSelector=spec.nodeName=n1,spec.restartPolicy=Never")
            .await,
        [""; 0]
    );
    pods.within("blue").delete("p04").await;
    assert!(
        !pods
            .within("")
            .names("fieldSelector=spec.nodeName=n1")
            .await
            .contains(&"p04".to_owned())
    );
}

#[tokio::test]
async fn an_unknown_field_is_refused_in_the_words_of_the_kind() {
    let fixture = Fixture::start().await;
    let error = fixture
        .configmaps()
        .try_list("fieldSelector=data.x=1")
        .await
        .expect_err("an unknown field");
    assert_eq!(
        error.to_string(),
        r#""data.x" is not a known field selector: only "metadata.name", "metadata.namespace""#
    );
    let error = fixture
        .pods()
        .try_list("fieldSelector=spec.priority=1")
        .await
        .expect_err("an unknown field");
    assert_eq!(
        error.to_string(),
        "field label not supported: spec.priority"
    );
}

#[tokio::test]
async fn a_compacted_page_says_where_an_inconsistent_list_goes_on() {
    let storage =
        std::sync::Arc::new(pintle_storage::RocksStore::open_temporary().expect("a store"));
    let options = CacheOptions {
        history_bytes: 0,
        ..CacheOptions::default()
    };
    let fixture = Fixture::over(storage, options).await;
    let configmaps = fixture.configmaps();
    with_letters(&fixture, "abc").await;
    let first = configmaps.list("limit=1").await;
    let token = first.continue_token.clone().expect("a token");
    for number in 0..60 {
        configmaps.create(configmap(&format!("d{number}"))).await;
    }
    let current = fixture.storage.current().await.expect("a revision");
    fixture
        .storage
        .compact(current)
        .await
        .expect("a compaction");
    let error = configmaps
        .try_list(&format!("limit=1&continue={token}"))
        .await
        .expect_err("a page that is gone");
    assert_eq!(error.code(), 410);
    assert!(error.to_string().starts_with("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use"));
    let status = error.to_status();
    let rest = configmaps
        .list(&format!("limit=1&continue={}", status.continue_token))
        .await;
    assert_eq!(rest.revision, current);
    assert_eq!(names(rest), ["b"]);
    let exact = format!(
        "resourceVersion={}&resourceVersionMatch=Exact",
        first.revision
    );
    let error = configmaps
        .try_list(&exact)
        .await
        .expect_err("a revision that is gone");
    assert_eq!(
        error.to_string(),
        "The resourceVersion for the provided list is too old."
    );
}

#[tokio::test]
async fn a_list_is_of_the_stores_revision_not_of_its_last_change() {
    let fixture = Fixture::start().await;
    with_letters(&fixture, "a").await;
    fixture.pods().create(pod("p", "")).await;
    let current = fixture.storage.current().await.expect("a revision");
    let list = fixture.configmaps().list("").await;
    assert_eq!(list.revision, current);
    assert_eq!(
        fixture
            .configmaps()
            .list("resourceVersion=0&limit=1")
            .await
            .revision,
        current
    );
    assert!(current > Revision(1));
    let error = fixture
        .configmaps()
        .try_list("resourceVersion=900000000")
        .await
        .expect_err("the future");
    assert_eq!(
        (error.code(), error.to_string()),
        (
            504,
            format!("Timeout: Too large resource version: 900000000, current: {current}")
        )
    );
}
