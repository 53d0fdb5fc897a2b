//! Puts and deletes, and what refuses them.

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Store, create, current, delete, get, key, update};
use crate::{Expect, Key, Revision, StorageError, Update, guaranteed_update};

/// An empty store has a revision, as etcd's does.
pub async fn an_empty_store_is_at_revision_one(storage: Store) {
    assert_eq!(current(&storage).await, Revision(1));
    let found = storage
        .get(&key("a"), Revision::ZERO)
        .await
        .expect("the store answers");
    assert_eq!((found.revision, found.value), (Revision(1), None));
}

/// Numbers go up by one, whatever the key, and only for what was written.
pub async fn each_write_takes_the_next_revision_and_each_refusal_none(storage: Store) {
    let a = create(&storage, "a", "1").await;
    let b = create(&storage, "b", "1").await;
    storage
        .put(&key("a"), Expect::Absent, Bytes::new(), None)
        .await
        .expect_err("it exists");
    storage
        .delete(&key("c"), b)
        .await
        .expect_err("it does not exist");
    let c = update(&storage, "a", a, "2").await;
    let d = delete(&storage, "a", c).await;
    assert_eq!([a, b, c, d], [2, 3, 4, 5].map(Revision));
    assert_eq!(current(&storage).await, d);
}

/// A value comes back with the revision of its own write, under the store's.
pub async fn what_was_put_is_what_is_got(storage: Store) {
    let put = create(&storage, "a", "blue").await;
    let later = create(&storage, "b", "red").await;
    let found = storage
        .get(&key("a"), put)
        .await
        .expect("the store answers");
    assert_eq!(found.revision, later);
    let record = found.value.expect("it is there");
    assert_eq!(
        (record.key, &record.value[..], record.mod_revision),
        (key("a"), &b"blue"[..], put)
    );
    assert_eq!(get(&storage, "").await, None, "a prefix is not the key");
    assert_eq!(get(&storage, "ab").await, None, "nor is an extension");
}

/// The loser of a create sees the winner.
pub async fn a_create_of_what_exists_is_told_what_exists(storage: Store) {
    let put = create(&storage, "a", "blue").await;
    let error = storage
        .put(&key("a"), Expect::Absent, Bytes::from_static(b"red"), None)
        .await;
    let Err(StorageError::Exists { current }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (current.key, &current.value[..], current.mod_revision),
        (key("a"), &b"blue"[..], put)
    );
    assert_eq!(get(&storage, "a").await.expect("it is there").value, "blue");
}

/// An update names the revision that it was computed from, and a conflict brings the newest along.
pub async fn an_update_is_refused_unless_it_knows_the_newest(storage: Store) {
    let old = create(&storage, "a", "1").await;
    let new = update(&storage, "a", old, "2").await;
    for expected in [old, Revision(new.0 + 1), Revision::ZERO] {
        let error = storage
            .put(
                &key("a"),
                Expect::At(expected),
                Bytes::from_static(b"3"),
                None,
            )
            .await;
        let Err(StorageError::Conflict {
            expected: told,
            current,
        }) = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            (told, current.mod_revision, &current.value[..]),
            (expected, new, &b"2"[..])
        );
    }
    let error = storage
        .put(&key("b"), Expect::At(new), Bytes::new(), None)
        .await;
    assert!(
        matches!(&error, Err(StorageError::NotFound { key: told }) if *told == key("b")),
        "{error:?}"
    );
}

/// So does a delete.
pub async fn a_delete_is_refused_unless_it_knows_the_newest(storage: Store) {
    let old = create(&storage, "a", "1").await;
    let new = update(&storage, "a", old, "2").await;
    let error = storage.delete(&key("a"), old).await;
    assert!(
        matches!(&error, Err(StorageError::Conflict { current, .. }) if current.mod_revision == new),
        "{error:?}"
    );
    delete(&storage, "a", new).await;
    assert_eq!(get(&storage, "a").await, None);
    let error = storage.delete(&key("a"), new).await;
    assert!(
        matches!(error, Err(StorageError::NotFound { .. })),
        "{error:?}"
    );
}

/// A delete leaves nothing that a create could stumble over.
pub async fn a_deleted_key_can_be_created_again(storage: Store) {
    for round in 0..3 {
        let put = create(&storage, "a", "1").await;
        delete(&storage, "a", put).await;
        assert_eq!(get(&storage, "a").await, None, "round {round}");
    }
}

/// No byte of a value means anything, and few of a key.
pub async fn any_bytes_can_be_a_value(storage: Store) {
    let all: Vec<u8> = (0..=255).collect();
    let values = [
        Bytes::new(),
        Bytes::from_static(b"\0"),
        all.into(),
        vec![7; 1 << 20].into(),
    ];
    for (name, value) in ["empty", "nul", "all", "big"].iter().zip(values) {
        storage
            .put(&key(name), Expect::Absent, value.clone(), None)
            .await
            .expect("it is stored");
        assert_eq!(
            get(&storage, name).await.expect("it is there").value,
            value,
            "{name}"
        );
    }
    for name in [&b"\x01"[..], b"\xFF\xFF", b"a b", "ä".as_bytes(), b"/"] {
        let name = Key::from(name);
        storage
            .put(&name, Expect::Absent, Bytes::from_static(b"x"), None)
            .await
            .expect("it is stored");
        let found = storage
            .get(&name, Revision::ZERO)
            .await
            .expect("the store answers")
            .value;
        assert_eq!(found.expect("it is there").key, name);
    }
}

/// One huge object is one failed request.
pub async fn a_value_beyond_the_limit_is_refused_alone(storage: Store) {
    let huge = Bytes::from(vec![0; 4 << 20]);
    let error = storage.put(&key("a"), Expect::Absent, huge, None).await;
    assert!(
        matches!(error, Err(StorageError::TooLarge { .. })),
        "{error:?}"
    );
    assert_eq!(get(&storage, "a").await, None);
    create(&storage, "a", "small").await;
}

/// Writes of the same moment are in some order, and the first has it.
pub async fn one_of_many_concurrent_creates_wins(storage: Store) {
    for round in 0..20 {
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let storage = storage.clone();
            writers.spawn(async move {
                let value = Bytes::from(writer.to_string());
                storage
                    .put(&key(round), Expect::Absent, value.clone(), None)
                    .await
                    .map(|put| (put, value))
            });
        }
        let outcomes = writers.join_all().await;
        let won: Vec<_> = outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().ok())
            .collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        let found = get(&storage, &round.to_string())
            .await
            .expect("it is there");
        assert_eq!((found.mod_revision, found.value), *won[0]);
        for outcome in &outcomes {
            if let Err(error) = outcome {
                let StorageError::Exists { current } = error else {
                    panic!("{error:?}")
                };
                assert_eq!(current.mod_revision, won[0].0, "the losers see the winner");
            }
        }
    }
}

/// Read, add one, write, on conflict again: as many times as there were additions.
pub async fn concurrent_updates_lose_nothing(storage: Store) {
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let storage = storage.clone();
        writers.spawn(async move {
            for _ in 0..25 {
                let increment = |found: Option<&crate::Record>| {
                    let old = found.map_or("0", |record| {
                        std::str::from_utf8(&record.value).expect("digits")
                    });
                    let new = old.parse::<u32>().expect("a number") + 1;
                    Ok::<_, StorageError>(Update::Put(new.to_string().into(), None))
                };
                guaranteed_update(&*storage, &key("count"), None, increment)
                    .await
                    .expect("it is written");
            }
        });
    }
    writers.join_all().await;
    assert_eq!(
        get(&storage, "count").await.expect("it is there").value,
        "200"
    );
    assert_eq!(
        current(&storage).await,
        Revision(201),
        "a conflict writes nothing"
    );
}

/// A record at hand saves a read, but nothing is refused or kept because of it.
pub async fn an_update_from_an_old_record_is_decided_on_the_newest(storage: Store) {
    let old = create(&storage, "a", "1").await;
    let seen = get(&storage, "a").await;
    let new = update(&storage, "a", old, "2").await;
    let keep = |_: Option<&crate::Record>| Ok::<_, StorageError>(Update::Keep);
    let kept = guaranteed_update(&*storage, &key("a"), seen.clone(), keep)
        .await
        .expect("it is kept");
    assert_eq!(kept.value.expect("it is there").mod_revision, new);
    let take_away = |_: Option<&crate::Record>| Ok::<_, StorageError>(Update::Delete);
    let gone = guaranteed_update(&*storage, &key("a"), seen.clone(), take_away)
        .await
        .expect("it is deleted");
    assert_eq!((gone.revision, gone.value), (new.next(), None));
    let again = guaranteed_update(&*storage, &key("a"), seen, take_away)
        .await
        .expect("it is gone already");
    assert_eq!((again.revision, again.value), (new.next(), None));
}
