//! What is kept, and who watches it.

use std::sync::Arc;

use futures_util::FutureExt;

use super::Collector;
use super::text::{Kind, Samples};
use crate::cache::Lists;
use crate::registry::Registry;
use crate::store::Store;

/// Objects and watchers of every stored resource, and the size of the store.
pub(crate) struct Stores(pub(crate) Arc<Registry>);

impl Collector for Stores {
    fn collect(&self, samples: &mut Samples<'_>) {
        let stores = self.0.stores();
        // Versions of a kind share what is stored; it is told once.
        let mut kinds: Vec<&Arc<Store>> = Vec::new();
        for store in stores.iter() {
            if !kinds
                .iter()
                .any(|known| Arc::ptr_eq(known.cache(), store.cache()))
            {
                kinds.push(store);
            }
        }
        let objects = |store: &Store| store.cache().newest().0.held() as f64;
        let each = |samples: &mut Samples<'_>, name, help, kind, value: &dyn Fn(&Store) -> f64| {
            samples.family(name, help, kind);
            for store in &kinds {
                let row = store.row();
                samples.sample(
                    &[("group", &row.group), ("resource", &row.name)],
                    value(store),
                );
            }
        };
        let help = "[ALPHA] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value \
                    will be -1.";
        each(
            samples,
            "apiserver_resource_objects",
            help,
            Kind::Gauge,
            &objects,
        );
        let help = "[STABLE] (Deprecated since 1.34.0) [DEPRECATED, consider using apiserver_resource_objects instead] Number of \
                    stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.";
        samples.family("apiserver_storage_objects", help, Kind::Gauge);
        for store in &kinds {
            samples.sample(
                &[("resource", &store.row().group_resource())],
                objects(store),
            );
        }
        if let Some(Ok(bytes)) = self.0.storage().size_on_disk().now_or_never() {
            let help = "[STABLE] Size of the storage database file physically allocated in bytes.";
            samples.family("apiserver_storage_size_bytes", help, Kind::Gauge);
            samples.sample(&[("storage_cluster_id", "etcd-0")], bytes as f64);
        }
        for (name, help, kind, value) in EACH {
            each(samples, *name, *help, *kind, value);
        }
        lists(samples, &kinds);
        reads(samples, &kinds);
    }
}

/// A family with a sample for each resource: name, help text, kind, value.
type Each = (&'static str, &'static str, Kind, fn(&Store) -> f64);

const EACH: &[Each] = &[
    (
        "apiserver_terminated_watchers_total",
        "[ALPHA] Counter of watchers closed due to unresponsiveness broken by resource type.",
        Kind::Counter,
        |store| store.cache().terminated_watchers() as f64,
    ),
    (
        "apiserver_watch_cache_events_dispatched_total",
        "[ALPHA] Counter of events dispatched in watch cache broken by resource type.",
        Kind::Counter,
        |store| store.cache().dispatched_events() as f64,
    ),
    (
        "apiserver_watch_cache_events_received_total",
        "[ALPHA] Counter of events received in watch cache broken by resource type.",
        Kind::Counter,
        |store| store.cache().counts().received.value() as f64,
    ),
    (
        "apiserver_storage_events_received_total",
        "[BETA] Number of etcd events received split by kind.",
        Kind::Counter,
        |store| store.cache().counts().received.value() as f64,
    ),
    (
        "apiserver_init_events_total",
        "[ALPHA] Counter of init events processed in watch cache broken by resource type.",
        Kind::Counter,
        |store| store.cache().counts().initial.value() as f64,
    ),
    (
        "etcd_bookmark_total",
        "[ALPHA] Number of etcd bookmarks (progress notify events) split by kind.",
        Kind::Counter,
        |store| store.cache().counts().bookmarks.value() as f64,
    ),
    (
        "etcd_bookmark_counts",
        "[ALPHA] (Deprecated since 1.36.0) Number of etcd bookmarks (progress notify events) split by kind.",
        Kind::Gauge,
        |store| store.cache().counts().bookmarks.value() as f64,
    ),
    (
        "apiserver_resource_size_estimate_bytes",
        "[ALPHA] Estimated size of stored objects in database. Estimate is based on sum of last observed sizes of serialized \
         objects. In case of a fetching error, the value will be -1.",
        Kind::Gauge,
        |store| store.cache().newest().0.estimated_size() as f64,
    ),
    (
        "apiserver_watch_cache_initializations_total",
        "[ALPHA] Counter of watch cache initializations broken by resource type.",
        Kind::Counter,
        |store| store.cache().counts().initializations.value() as f64,
    ),
    (
        // Of the newest state; where a store is shared, the difference between servers is how far one is behind.
        "apiserver_watch_cache_resource_version",
        "[ALPHA] Current resource version of watch cache broken by resource type. This is truncated to the 15 least \
         significant digits.",
        Kind::Gauge,
        |store| (store.cache().newest().1.0 % 1_000_000_000_000_000) as f64,
    ),
    (
        // It grows and shrinks with the size of the objects.
        "watch_cache_capacity",
        "[ALPHA] Total capacity of watch cache broken by resource type.",
        Kind::Gauge,
        |store| store.cache().capacity() as f64,
    ),
    (
        "apiserver_watch_cache_watchers",
        "Number of watchers of the cache by resource type.",
        Kind::Gauge,
        |store| store.cache().watchers() as f64,
    ),
    (
        "apiserver_storage_decode_errors_total",
        "[ALPHA] Number of stored object decode errors split by object type",
        Kind::Counter,
        |store| store.cache().counts().undecodable.value() as f64,
    ),
    (
        "apiserver_storage_list_total",
        "[ALPHA] Number of LIST requests served from storage",
        Kind::Counter,
        |store| store.cache().counts().storage_lists.total.value() as f64,
    ),
    (
        "apiserver_storage_list_fetched_objects_total",
        "[ALPHA] Number of objects read from storage in the course of serving a LIST request",
        Kind::Counter,
        |store| store.cache().counts().storage_lists.fetched.value() as f64,
    ),
    (
        // Whatever is read is looked at.
        "apiserver_storage_list_evaluated_objects_total",
        "[ALPHA] Number of objects tested in the course of serving a LIST request from storage",
        Kind::Counter,
        |store| store.cache().counts().storage_lists.fetched.value() as f64,
    ),
    (
        "apiserver_storage_list_returned_objects_total",
        "[ALPHA] Number of objects returned for a LIST request from storage",
        Kind::Counter,
        |store| store.cache().counts().storage_lists.returned.value() as f64,
    ),
    (
        "apiserver_cache_list_returned_objects_total",
        "[ALPHA] Number of objects returned for a LIST request from watch cache",
        Kind::Counter,
        |store| {
            let counts = store.cache().counts();
            (counts.lists.returned.value() + counts.indexed_lists.returned.value()) as f64
        },
    ),
];

/// Of lists: name, help text, value.
type OfLists = (&'static str, &'static str, fn(&Lists) -> u64);

/// Lists from the cache, by index.
fn lists(samples: &mut Samples<'_>, kinds: &[&Arc<Store>]) {
    let families: [OfLists; 2] = [
        (
            "apiserver_cache_list_total",
            "[ALPHA] Number of LIST requests served from watch cache",
            |lists| lists.total.value(),
        ),
        (
            "apiserver_cache_list_fetched_objects_total",
            "[ALPHA] Number of objects read from watch cache in the course of serving a LIST request",
            |lists| lists.fetched.value(),
        ),
    ];
    for (name, help, value) in families {
        samples.family(name, help, Kind::Counter);
        for store in kinds {
            let (row, counts) = (store.row(), store.cache().counts());
            let forms = store.forms();
            let index = forms.indexed().next();
            let index = index.map(|at| format!("f:{}", forms.label(at)));
            let mut sample = |index: &str, lists: &Lists| {
                // What never happened is not told of.
                if lists.total.value() > 0 {
                    let labels = [
                        ("group", &*row.group),
                        ("index", index),
                        ("resource", &*row.name),
                    ];
                    samples.sample(&labels, value(lists) as f64);
                }
            };
            sample("", &counts.lists);
            sample(&index.unwrap_or_default(), &counts.indexed_lists);
        }
    }
}

/// Reads of what is true now.
fn reads(samples: &mut Samples<'_>, kinds: &[&Arc<Store>]) {
    let name = "apiserver_watch_cache_consistent_read_total";
    let help = "[ALPHA] Counter for consistent reads from cache.";
    samples.family(name, help, Kind::Counter);
    for store in kinds {
        let row = store.row();
        let of = store.cache().counts().consistent.iter();
        for (count, success) in of.zip(["true", "false"]) {
            if count.value() > 0 {
                let labels = [
                    ("fallback", "false"),
                    ("group", &*row.group),
                    ("resource", &*row.name),
                    ("success", success),
                ];
                samples.sample(&labels, count.value() as f64);
            }
        }
    }
    let name = "apiserver_watch_cache_read_wait_seconds";
    let help = "[ALPHA] Histogram of time spent waiting for a watch cache to become fresh.";
    samples.family(name, help, Kind::Histogram);
    for store in kinds {
        let (row, waits) = (store.row(), &store.cache().counts().waits);
        if waits.snapshot().1 > 0 {
            samples.histogram(&[("group", &*row.group), ("resource", &*row.name)], waits);
        }
    }
}
