//! Forgetting.

use tokio::task::JoinSet;

use super::{PATIENCE, Store, create, current, delete, get, list, told, update};
use crate::{KeyRange, Page, Revision, StorageError};

/// The compacted revision can be read, the ones before it can not, the present is as it was.
pub async fn compaction_keeps_its_revision_and_forgets_those_before(storage: Store) {
    let a = create(&storage, "a", "1").await;
    let b = create(&storage, "b", "1").await;
    let a2 = update(&storage, "a", a, "2").await;
    let gone = delete(&storage, "b", b).await;
    let a3 = update(&storage, "a", a2, "3").await;
    storage.compact(gone).await.expect("the revision exists");
    for forgotten in [Revision(1), a, b, a2] {
        let error = list(&storage, &KeyRange::all(), Some(forgotten)).await;
        let Err(StorageError::Compacted {
            requested,
            compacted,
        }) = error
        else {
            panic!("{error:?}")
        };
        assert_eq!((requested, compacted), (forgotten, gone));
    }
    let then = list(&storage, &KeyRange::all(), Some(gone))
        .await
        .expect("it is kept");
    assert_eq!(then, ["a=2"]);
    let now = list(&storage, &KeyRange::all(), None)
        .await
        .expect("the store answers");
    assert_eq!(now, ["a=3"]);
    assert_eq!(current(&storage).await, a3, "compaction is no write");
    assert_eq!(
        get(&storage, "b").await,
        None,
        "what was deleted stays deleted"
    );
    create(&storage, "b", "2").await;
}

/// Twice the same, backwards, and into the future are refused.
pub async fn compaction_wants_a_new_revision_that_exists(storage: Store) {
    let a = create(&storage, "a", "1").await;
    let b = create(&storage, "b", "1").await;
    let error = storage.compact(b.next()).await;
    assert!(
        matches!(error, Err(StorageError::FutureRevision { .. })),
        "{error:?}"
    );
    storage.compact(b).await.expect("the revision exists");
    for again in [a, b] {
        let error = storage.compact(again).await;
        assert!(
            matches!(error, Err(StorageError::Compacted { .. })),
            "{error:?}"
        );
    }
    let now = list(&storage, &KeyRange::all(), None)
        .await
        .expect("the store answers");
    assert_eq!(
        now,
        ["a=1", "b=1"],
        "what nobody overwrote is kept for ever"
    );
}

/// Watches from the compacted revision on lose no event, and no value that was before.
pub async fn compaction_leaves_watches_their_events(storage: Store) {
    let a = create(&storage, "a", "1").await;
    let a2 = update(&storage, "a", a, "2").await;
    let mut running = storage
        .watch(&KeyRange::all(), a2)
        .await
        .expect("the revision is kept");
    let a3 = update(&storage, "a", a2, "3").await;
    storage.compact(a2).await.expect("the revision exists");
    let error = storage.watch(&KeyRange::all(), Revision(1)).await;
    let error = match error {
        // A remote store may only say so on the stream.
        Ok(mut stream) => tokio::time::timeout(PATIENCE, stream.next())
            .await
            .expect("it ends")
            .map(|end| end.map(drop)),
        Err(error) => Some(Err(error)),
    };
    assert!(
        matches!(error, Some(Err(StorageError::Compacted { .. }))),
        "{error:?}"
    );
    let mut late = storage
        .watch(&KeyRange::all(), a2)
        .await
        .expect("the revision is kept");
    delete(&storage, "a", a3).await;
    let expected = ["*a=3 (2)", "-a (3)"];
    assert_eq!(told(&mut running, 2).await, expected);
    assert_eq!(told(&mut late, 2).await, expected);
}

/// Lists of the present are complete at any moment of a compaction.
pub async fn a_list_survives_compaction_under_writers(storage: Store) {
    const KEYS: usize = 20;
    let mut writers = JoinSet::new();
    for name in 0..KEYS {
        let storage = storage.clone();
        writers.spawn(async move {
            let name = format!("{name:02}");
            let mut put = create(&storage, &name, "x").await;
            for _ in 0..60 {
                put = update(&storage, &name, put, "x").await;
            }
        });
    }
    let mut seen = 0;
    while !writers.is_empty() {
        let now = current(&storage).await;
        match storage.compact(now).await {
            Ok(()) | Err(StorageError::Compacted { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
        for limit in [None, Some(KEYS)] {
            let page = Page {
                limit,
                ..Page::default()
            };
            let found = storage
                .list(&KeyRange::all(), page)
                .await
                .expect("the present is never compacted");
            let found = found.value.records.len();
            assert!(
                found >= seen,
                "no key was deleted, but there were {seen} and are {found}"
            );
            seen = found;
        }
        while writers.try_join_next().is_some() {}
    }
    assert_eq!(
        seen.max(
            list(&storage, &KeyRange::all(), None)
                .await
                .expect("the store answers")
                .len()
        ),
        KEYS
    );
}
