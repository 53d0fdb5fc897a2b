//! Gets and lists, now and then.

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Store, create, current, delete, key, list, show, update};
use crate::{Expect, Key, KeyRange, Page, Revision, StorageError, count};

/// `not_before` is a lower bound on the answer's revision.
pub async fn a_read_can_ask_for_a_revision_and_is_refused_the_future(storage: Store) {
    let put = create(&storage, "a", "1").await;
    storage
        .get(&key("a"), put)
        .await
        .expect("the store is there");
    let future = put.next();
    let error = storage.get(&key("a"), future).await;
    let is_future = |error: &StorageError| matches!(error, StorageError::FutureRevision { requested, current } if (*requested, *current) == (future, put));
    assert!(error.as_ref().is_err_and(is_future), "{error:?}");
    let error = list(&storage, &KeyRange::all(), Some(future)).await;
    assert!(error.as_ref().is_err_and(is_future), "{error:?}");
}

/// Bytewise order, not that of the writes.
pub async fn a_list_is_its_range_in_the_order_of_keys(storage: Store) {
    for name in ["b/2", "a", "b/10", "c", "b/1"] {
        create(&storage, name, "x").await;
    }
    let check = async |range: KeyRange, expected: &[&str]| {
        let found = list(&storage, &range, None)
            .await
            .expect("the store answers");
        let found: Vec<_> = found
            .iter()
            .map(|record| record.trim_end_matches("=x"))
            .collect();
        assert_eq!(found, expected, "{range:?}");
    };
    check(KeyRange::all(), &["a", "b/1", "b/10", "b/2", "c"]).await;
    check(KeyRange::prefix("/registry/b/"), &["b/1", "b/10", "b/2"]).await;
    check(
        KeyRange::between("/registry/b", "/registry/b/2"),
        &["b/1", "b/10"],
    )
    .await;
    check(KeyRange::one(&key("b/1")), &["b/1"]).await;
    check(KeyRange::between("/registry/c", "/registry/a"), &[]).await;
    check(KeyRange::prefix("/other/"), &[]).await;
}

/// `pods` are not `podtemplates`, `web` is not `web-1`, and bytes around the separator are not it.
pub async fn a_range_with_neighbours_holds_none_of_them(storage: Store) {
    for name in [
        "pods/web",
        "pods/web-1",
        "pods/web/x",
        "podtemplates/web",
        "pods.example/web",
        "pods",
        "pods\u{1}",
    ] {
        create(&storage, name, "1").await;
        let put = create(&storage, &format!("{name}!"), "1").await;
        delete(&storage, &format!("{name}!"), put).await;
    }
    let one = list(&storage, &KeyRange::one(&key("pods/web")), None)
        .await
        .expect("the store answers");
    assert_eq!(one, ["pods/web=1"]);
    let pods = list(&storage, &KeyRange::prefix("/registry/pods/"), None)
        .await
        .expect("the store answers");
    assert_eq!(pods, ["pods/web=1", "pods/web-1=1", "pods/web/x=1"]);
    let from = Page {
        from: Some(key("pods/web").next()),
        ..Page::default()
    };
    let rest = storage
        .list(&KeyRange::prefix("/registry/pods/"), from)
        .await
        .expect("the store answers");
    assert_eq!(
        rest.value.records.iter().map(show).collect::<Vec<_>>(),
        ["pods/web-1=1", "pods/web/x=1"]
    );
}

/// The pages of a list are its parts, and no write between them shows.
pub async fn pages_are_of_one_revision_while_others_write(storage: Store) {
    const KEYS: usize = 57;
    for name in 0..KEYS {
        create(&storage, &format!("{name:03}"), "old").await;
    }
    let then = current(&storage).await;
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let storage = storage.clone();
        writers.spawn(async move {
            for name in (writer..KEYS).step_by(4) {
                let (name, put) = (format!("{name:03}"), Revision(name as u64 + 2));
                let put = update(&storage, &name, put, "new").await;
                create(&storage, &format!("{name}x"), "new").await;
                delete(&storage, &name, put).await;
            }
        });
    }
    let whole = list(&storage, &KeyRange::all(), Some(then))
        .await
        .expect("the revision is kept");
    assert_eq!(whole.len(), KEYS);
    for limit in [1, 10, 19, KEYS, KEYS + 1] {
        let mut page = Page {
            limit: Some(limit),
            from: None,
            at: Some(then),
        };
        let mut pages = Vec::new();
        loop {
            let listing = storage
                .list(&KeyRange::all(), page.clone())
                .await
                .expect("the revision is kept");
            assert_eq!(
                listing.revision, then,
                "the page is of the revision that was asked for"
            );
            let records = listing.value.records;
            assert!(
                records.len() == limit || !listing.value.more,
                "a page with another after it is full"
            );
            page.from = records.last().map(|record| record.key.next());
            pages.extend(records.iter().map(show));
            if !listing.value.more {
                break;
            }
        }
        assert_eq!(pages, whole, "in pages of {limit}");
    }
    writers.join_all().await;
    let none = Page {
        limit: Some(0),
        ..Page::default()
    };
    let none = storage
        .list(&KeyRange::all(), none)
        .await
        .expect("the store answers")
        .value;
    assert!(none.records.is_empty() && none.more, "{none:?}");
}

/// Every revision can be read again, exactly.
pub async fn an_old_revision_reads_as_it_was(storage: Store) {
    let a = create(&storage, "a", "1").await;
    let b = create(&storage, "b", "1").await;
    let a2 = update(&storage, "a", a, "2").await;
    let gone = delete(&storage, "b", b).await;
    let back = create(&storage, "b", "2").await;
    let history: &[(Revision, &[&str])] = &[
        (Revision(1), &[]),
        (a, &["a=1"]),
        (b, &["a=1", "b=1"]),
        (a2, &["a=2", "b=1"]),
        (gone, &["a=2"]),
        (back, &["a=2", "b=2"]),
    ];
    for (revision, expected) in history {
        let found = list(&storage, &KeyRange::all(), Some(*revision))
            .await
            .expect("the revision is kept");
        assert_eq!(found, *expected, "at {revision}");
    }
}

/// Also over more keys than are read at once.
pub async fn a_count_is_the_length_of_the_list(storage: Store) {
    let mut writers = JoinSet::new();
    for writer in 0..10 {
        let storage = storage.clone();
        writers.spawn(async move {
            for name in 0..110 {
                let name = Key::from(format!("/many/{writer}/{name}"));
                storage
                    .put(&name, Expect::Absent, Bytes::new(), None)
                    .await
                    .expect("the key is new");
            }
        });
    }
    writers.join_all().await;
    let all = count(&*storage, &KeyRange::all(), None)
        .await
        .expect("the store answers");
    assert_eq!((all.revision, all.value), (Revision(1101), 1100));
    let some = count(&*storage, &KeyRange::prefix("/many/3/"), None)
        .await
        .expect("the store answers");
    assert_eq!(some.value, 110);
    let then = count(&*storage, &KeyRange::all(), Some(Revision(501)))
        .await
        .expect("the revision is kept");
    assert_eq!((then.revision, then.value), (Revision(501), 500));
}
