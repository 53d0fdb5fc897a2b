//! What every backend promises, as tests that every backend runs.
//!
//! ```ignore
//! storage_conformance!(rocksdb, RocksStore::open_temporary());
//! ```
//!
//! makes one test per promise, in a module of that name. Each gets a store of its own, which has to
//! be empty and used by nobody else.

mod compaction;
mod leases;
mod observers;
mod reads;
mod watches;
mod writes;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

pub use self::{compaction::*, leases::*, observers::*, reads::*, watches::*, writes::*};
use crate::{
    Event, EventStream, Expect, Key, KeyRange, Page, Record, Revision, Storage, StorageError,
};

/// Makes a module with all tests of [`conformance`](crate::conformance) for a backend. The second
/// argument is evaluated once per test, in an async function, to a `Result` of the store. With a third,
/// tests are skipped where that is not true: where what the backend needs is not installed.
#[macro_export]
macro_rules! storage_conformance {
    ($backend:ident, $open:expr) => {
        $crate::storage_conformance! { $backend, $open, true }
    };
    ($backend:ident, $open:expr, $present:expr) => {
        $crate::storage_conformance! { @each $backend, $open, $present;
            an_empty_store_is_at_revision_one
            each_write_takes_the_next_revision_and_each_refusal_none
            what_was_put_is_what_is_got
            a_create_of_what_exists_is_told_what_exists
            an_update_is_refused_unless_it_knows_the_newest
            a_delete_is_refused_unless_it_knows_the_newest
            a_deleted_key_can_be_created_again
            any_bytes_can_be_a_value
            a_value_beyond_the_limit_is_refused_alone
            one_of_many_concurrent_creates_wins
            concurrent_updates_lose_nothing
            an_update_from_an_old_record_is_decided_on_the_newest
            a_read_can_ask_for_a_revision_and_is_refused_the_future
            a_list_is_its_range_in_the_order_of_keys
            a_range_with_neighbours_holds_none_of_them
            pages_are_of_one_revision_while_others_write
            an_old_revision_reads_as_it_was
            a_count_is_the_length_of_the_list
            a_watch_replays_history_and_goes_on
            a_watch_tells_what_was_before
            a_watch_is_told_of_its_range_alone
            a_watch_from_the_future_is_refused
            history_is_a_watch_with_an_end
            watches_have_no_gap_under_concurrent_writers
            compaction_keeps_its_revision_and_forgets_those_before
            compaction_wants_a_new_revision_that_exists
            compaction_leaves_watches_their_events
            a_list_survives_compaction_under_writers
            a_lease_ends_in_a_delete
            a_put_replaces_the_lease_before_it
            an_observer_gets_each_event_in_order
            an_observer_hears_of_commits_outside_its_range
            a_dropped_subscription_is_called_no_more
            a_feed_continues_where_its_records_end
        }
    };
    (@each $backend:ident, $open:expr, $present:expr; $($check:ident)*) => {
        mod $backend {
            #[allow(unused_imports, reason = "what the constructor needs")]
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    if !$present {
                        return;
                    }
                    let storage = $open.expect("the store opens");
                    $crate::conformance::$check(std::sync::Arc::new(storage)).await;
                }
            )*
        }
    };
}

type Store = Arc<dyn Storage>;

/// Longer than any answer takes, on a machine busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

fn key(name: impl std::fmt::Display) -> Key {
    Key::from(format!("/registry/{name}"))
}

async fn create(storage: &Store, name: &str, value: &str) -> Revision {
    let value = Bytes::copy_from_slice(value.as_bytes());
    storage
        .put(&key(name), Expect::Absent, value, None)
        .await
        .expect("the key is new")
}

async fn update(storage: &Store, name: &str, from: Revision, value: &str) -> Revision {
    let value = Bytes::copy_from_slice(value.as_bytes());
    storage
        .put(&key(name), Expect::At(from), value, None)
        .await
        .expect("the revision is the newest")
}

async fn delete(storage: &Store, name: &str, from: Revision) -> Revision {
    storage
        .delete(&key(name), from)
        .await
        .expect("the revision is the newest")
}

async fn current(storage: &Store) -> Revision {
    storage.current().await.expect("the store answers")
}

async fn get(storage: &Store, name: &str) -> Option<Record> {
    storage
        .get(&key(name), Revision::ZERO)
        .await
        .expect("the store answers")
        .value
}

/// The whole range, now or then, as `name=value` without the common prefix.
async fn list(
    storage: &Store,
    range: &KeyRange,
    at: Option<Revision>,
) -> Result<Vec<String>, StorageError> {
    let listing = storage
        .list(
            range,
            Page {
                at,
                ..Page::default()
            },
        )
        .await?;
    assert!(!listing.value.more, "a list without a limit is complete");
    Ok(listing.value.records.iter().map(show).collect())
}

fn show(record: &Record) -> String {
    format!(
        "{}={}",
        record.key.to_string().trim_start_matches("/registry/"),
        record.value.escape_ascii()
    )
}

/// `+name=value`, `*name=value (old)` or `-name (old)`.
fn tell(event: &Event) -> String {
    let name = event.key.to_string();
    let name = name.trim_start_matches("/registry/");
    let value = |bytes: &Bytes| bytes.escape_ascii().to_string();
    match (&event.value, &event.previous) {
        (Some(new), None) => format!("+{name}={}", value(new)),
        (Some(new), Some(old)) => format!("*{name}={} ({})", value(new), value(&old.value)),
        (None, Some(old)) => format!("-{name} ({})", value(&old.value)),
        (None, None) => format!("-{name} of nothing"),
    }
}

/// The next `count` events.
async fn take(stream: &mut EventStream, count: usize) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    while events.len() < count {
        let batch = tokio::time::timeout(PATIENCE, stream.next()).await;
        let batch = batch
            .expect("an event comes")
            .expect("the stream has no end")
            .expect("the watch goes on");
        assert!(!batch.is_empty(), "a batch is never empty");
        events.extend(batch.iter().cloned());
    }
    assert_eq!(events.len(), count, "no more events than were waited for");
    events
}

async fn told(stream: &mut EventStream, count: usize) -> Vec<String> {
    take(stream, count).await.iter().map(tell).collect()
}
