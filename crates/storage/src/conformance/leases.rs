//! Values for a time.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Store, create, get, key, told};
use crate::{Expect, KeyRange};

/// The shortest that all backends can tell apart.
const LEASE: Duration = Duration::from_secs(2);

/// Not before its time, and as an event like any other.
pub async fn a_lease_ends_in_a_delete(storage: Store) {
    let begin = Instant::now();
    let put = storage
        .put(
            &key("a"),
            Expect::Absent,
            Bytes::from_static(b"1"),
            Some(LEASE),
        )
        .await;
    let put = put.expect("the key is new");
    create(&storage, "b", "1").await;
    let mut stream = storage
        .watch(&KeyRange::one(&key("a")), put)
        .await
        .expect("the revision is kept");
    assert!(
        get(&storage, "a").await.is_some(),
        "it is there as long as its lease"
    );
    assert_eq!(told(&mut stream, 1).await, ["-a (1)"]);
    assert!(begin.elapsed() >= LEASE, "after {:?}", begin.elapsed());
    assert_eq!(get(&storage, "a").await, None);
    assert!(
        get(&storage, "b").await.is_some(),
        "what has no lease stays"
    );
}

/// The lease belongs to the value, not to the key.
pub async fn a_put_replaces_the_lease_before_it(storage: Store) {
    let short = |name| {
        let storage = storage.clone();
        async move {
            let put = storage
                .put(
                    &key(name),
                    Expect::Absent,
                    Bytes::from_static(b"1"),
                    Some(LEASE),
                )
                .await;
            put.expect("the key is new")
        }
    };
    let (kept, renewed, short) = (
        short("kept").await,
        short("renewed").await,
        short("short").await,
    );
    let value = Bytes::from_static(b"2");
    storage
        .put(&key("kept"), Expect::At(kept), value.clone(), None)
        .await
        .expect("the revision is the newest");
    let renewal = storage
        .put(&key("renewed"), Expect::At(renewed), value, Some(2 * LEASE))
        .await;
    let mut stream = storage
        .watch(
            &KeyRange::all(),
            renewal.expect("the revision is the newest"),
        )
        .await
        .expect("it is kept");
    assert_eq!(
        told(&mut stream, 2).await,
        ["-short (1)", "-renewed (2)"],
        "{short}"
    );
    assert!(get(&storage, "kept").await.is_some());
}
