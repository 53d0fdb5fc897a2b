//! Streams of changes.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use super::{Store, create, current, delete, key, take, tell, told, update};
use crate::{Change, KeyRange, Revision, StorageError};

/// From any revision on, first what was and then what comes.
pub async fn a_watch_replays_history_and_goes_on(storage: Store) {
    let a = create(&storage, "a", "1").await;
    let b = create(&storage, "b", "1").await;
    let a2 = update(&storage, "a", a, "2").await;
    let everything = ["+a=1", "+b=1", "*a=2 (1)", "-b (1)", "+c=1"];
    let mut streams = Vec::new();
    for (from, skip) in [(Revision(1), 0), (a, 1), (b, 2), (a2, 3)] {
        let stream = storage
            .watch(&KeyRange::all(), from)
            .await
            .expect("the revision is kept");
        streams.push((stream, skip));
    }
    delete(&storage, "b", b).await;
    create(&storage, "c", "1").await;
    for (mut stream, skip) in streams {
        let expected = &everything[skip..];
        assert_eq!(told(&mut stream, expected.len()).await, expected);
    }
}

/// What a watch would tell between two revisions, in as many steps as it takes, and then no more.
pub async fn history_is_a_watch_with_an_end(storage: Store) {
    let blue = KeyRange::prefix("/registry/blue/");
    for number in 0..300 {
        for place in ["blue", "red"] {
            create(&storage, &format!("{place}/{number:03}"), "1").await;
        }
    }
    let (after, up_to) = (Revision(11), Revision(current(&storage).await.0 - 11));
    let mut stream = storage.watch(&blue, after).await.expect("kept");
    let mut expected = take(&mut stream, 295).await;
    expected.retain(|event| event.revision <= up_to);
    let (mut found, mut read_to) = (Vec::new(), after);
    while read_to < up_to {
        let step = storage.history(&blue, read_to, up_to).await.expect("kept");
        assert!(step.revision > read_to && step.revision <= up_to);
        read_to = step.revision;
        found.extend(step.value);
    }
    assert_eq!(found, expected);
    let future = Revision(current(&storage).await.0 + 1);
    let refused = storage.history(&blue, up_to, future).await;
    assert!(matches!(refused, Err(StorageError::FutureRevision { .. })));
    storage.compact(up_to).await.expect("a compaction");
    let refused = storage.history(&blue, after, up_to).await;
    assert!(matches!(refused, Err(StorageError::Compacted { .. })));
}

/// Each event has the record that it replaced, with its revision.
pub async fn a_watch_tells_what_was_before(storage: Store) {
    let mut stream = storage
        .watch(&KeyRange::all(), Revision(1))
        .await
        .expect("the revision is kept");
    let put = create(&storage, "a", "1").await;
    let put2 = update(&storage, "a", put, "2").await;
    let gone = delete(&storage, "a", put2).await;
    let back = create(&storage, "a", "3").await;
    let events = take(&mut stream, 4).await;
    let changes: Vec<_> = events
        .iter()
        .map(|event| (event.revision, event.change()))
        .collect();
    let expected = [
        (put, Change::Created),
        (put2, Change::Updated),
        (gone, Change::Deleted),
        (back, Change::Created),
    ];
    assert_eq!(changes, expected);
    let before = |event: &crate::Event| event.previous.as_ref().map(|record| record.mod_revision);
    assert_eq!(
        events.iter().map(before).collect::<Vec<_>>(),
        [None, Some(put), Some(put2), None]
    );
    assert_eq!(events[0].record(), events[1].previous);
    assert_eq!(events[2].record(), None);
}

/// Others' events do not show, whether they are replayed or new.
pub async fn a_watch_is_told_of_its_range_alone(storage: Store) {
    let blue = KeyRange::prefix("/registry/blue/");
    let mut early = storage
        .watch(&blue, Revision(1))
        .await
        .expect("the revision is kept");
    for name in ["blue/a", "red/a", "blue/b", "bluest/a", "blue"] {
        create(&storage, name, "1").await;
    }
    let mut late = storage
        .watch(&blue, Revision(1))
        .await
        .expect("the revision is kept");
    let mut one = storage
        .watch(&KeyRange::one(&key("red/a")), Revision(1))
        .await
        .expect("the revision is kept");
    create(&storage, "blue/c", "1").await;
    let expected = ["+blue/a=1", "+blue/b=1", "+blue/c=1"];
    assert_eq!(told(&mut early, 3).await, expected);
    assert_eq!(told(&mut late, 3).await, expected);
    assert_eq!(told(&mut one, 1).await, ["+red/a=1"]);
}

/// There is nothing to wait for: revisions that were seen are in the past.
pub async fn a_watch_from_the_future_is_refused(storage: Store) {
    let put = create(&storage, "a", "1").await;
    let error = storage.watch(&KeyRange::all(), put.next()).await;
    assert!(
        matches!(error, Err(StorageError::FutureRevision { .. })),
        "{error:?}"
    );
}

/// Whenever a watch begins, it gets what was acknowledged, all of it, once, in order.
pub async fn watches_have_no_gap_under_concurrent_writers(storage: Store) {
    const WRITERS: usize = 6;
    const ROUNDS: usize = 40;
    const EVENTS: u64 = (WRITERS * ROUNDS * 3) as u64;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let storage = storage.clone();
        writers.spawn(async move {
            let mut acknowledged = Vec::new();
            for round in 0..ROUNDS {
                let name = format!("{writer}/{round}");
                let put = create(&storage, &name, "1").await;
                acknowledged.push((put, format!("+{name}=1")));
                let put = update(&storage, &name, put, "2").await;
                acknowledged.push((put, format!("*{name}=2 (1)")));
                acknowledged.push((delete(&storage, &name, put).await, format!("-{name} (2)")));
            }
            acknowledged
        });
    }
    let last = Revision(1 + EVENTS);
    let mut watchers = JoinSet::new();
    while current(&storage).await < last {
        let from = current(&storage).await;
        let storage = storage.clone();
        // Some from the beginning of the history, some from its end, some in between.
        let from = [Revision(1), from, Revision(from.0.div_ceil(2))][watchers.len() % 3];
        watchers.spawn(async move {
            let mut stream = storage
                .watch(&KeyRange::all(), from)
                .await
                .expect("the revision is kept");
            let events = take(&mut stream, (last.0 - from.0) as usize).await;
            let told: Vec<_> = events
                .iter()
                .map(|event| (event.revision, tell(event)))
                .collect();
            (from, told)
        });
        tokio::task::yield_now().await;
        if watchers.len() >= 60 {
            break;
        }
    }
    let acknowledged: BTreeMap<_, _> = writers.join_all().await.into_iter().flatten().collect();
    assert_eq!(
        acknowledged.len() as u64,
        EVENTS,
        "each write has a revision of its own"
    );
    for (from, told) in watchers.join_all().await {
        let expected = acknowledged
            .iter()
            .filter(|(revision, _)| **revision > from);
        let expected: Vec<_> = expected
            .map(|(revision, event)| (*revision, event.clone()))
            .collect();
        assert!(told == expected, "watching from {from}");
    }
}
