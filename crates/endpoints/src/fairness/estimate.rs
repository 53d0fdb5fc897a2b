//! How many seats a request takes.

use std::time::Duration;

use pintle_authz::{Attributes, ResourceAttributes};

use super::{Flow, Work};
use crate::query::Query;
use crate::registry::Registry;
use crate::store::Store;

/// A list takes a seat for so many bytes…
const BYTES_PER_SEAT: usize = 100_000;
/// …of at most so many: it is streamed, and never in memory as a whole.
const STREAMED: usize = 1_000_000;
/// The most seats of a list, and of a write.
const LARGEST_LIST: u32 = 100;
const LARGEST_WRITE: u32 = 10;
/// A write takes a seat more for so many watchers, for so long each.
const WATCHERS_PER_SEAT: usize = 10;
const TELLING: Duration = Duration::from_millis(5);

/// What a request of a flow takes.
pub(crate) fn estimate(
    registry: &Registry,
    flow: &Flow,
    attributes: &Attributes,
    query: Query<'_>,
) -> Work {
    let Some(target) = &attributes.resource else {
        return Work::of(1);
    };
    let store = || registry.store(&target.group, &target.version, &target.resource);
    match attributes.verb.as_str() {
        "list" => store().map_or(Work::of(1), |store| list(flow, target, &store, query)),
        "watch" if sends_everything(query) => {
            store().map_or(Work::of(1), |store| list(flow, target, &store, query))
        }
        "create" | "update" | "patch" | "delete" => {
            // A token is nothing that can be watched.
            let is_token = target.resource == "serviceaccounts" && target.subresource == "token";
            match store() {
                Some(store) if !is_token => write(flow, target, &store),
                _ => Work::of(1),
            }
        }
        _ => Work::of(1),
    }
}

/// Whether a watch begins with all objects.
fn sends_everything(query: Query<'_>) -> bool {
    let initial = query.first("sendInitialEvents");
    let revision = query.first("resourceVersion").unwrap_or_default();
    matches!(initial.as_deref(), Some("true" | "1")) || matches!(&*revision, "" | "0")
}

fn list(flow: &Flow, target: &ResourceAttributes, store: &Store, query: Query<'_>) -> Work {
    let most = flow.largest.unwrap_or(LARGEST_LIST).min(LARGEST_LIST);
    let (snapshot, _) = store.cache().newest();
    let average = snapshot.average_size();
    let limit = query.first("limit").and_then(|limit| limit.parse().ok());
    let objects = match limit {
        _ if !target.name.is_empty() => 1,
        Some(limit @ 1..) => snapshot.len().min(limit),
        _ => snapshot.len(),
    };
    let bytes = objects.saturating_mul(average).min(STREAMED);
    let seats = u32::try_from(bytes.div_ceil(BYTES_PER_SEAT)).unwrap_or(most);
    Work::of(seats.clamp(1, most))
}

fn write(flow: &Flow, target: &ResourceAttributes, store: &Store) -> Work {
    let most = flow.largest.unwrap_or(LARGEST_WRITE).min(LARGEST_WRITE);
    let watchers = store.cache().interested(&target.namespace, &target.name);
    flow.note_watchers(watchers);
    if watchers < WATCHERS_PER_SEAT {
        return Work::of(1);
    }
    let wanted = u32::try_from(watchers.div_ceil(WATCHERS_PER_SEAT)).unwrap_or(u32::MAX);
    let last_seats = wanted.min(most);
    Work {
        seats: 1,
        last_seats,
        linger: TELLING.mul_f64(f64::from(wanted) / f64::from(last_seats)),
    }
}
