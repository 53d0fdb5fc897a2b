//! What is kept, and who watches it.

use std::sync::Arc;

use futures_util::FutureExt;

use super::Collector;
use super::text::{Kind, Samples};
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
        let objects = |store: &Store| store.cache().newest().0.len() as f64;
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
        let help =
            "[ALPHA] Counter of watchers closed due to unresponsiveness broken by resource type.";
        let terminated = |store: &Store| store.cache().terminated_watchers() as f64;
        each(
            samples,
            "apiserver_terminated_watchers_total",
            help,
            Kind::Counter,
            &terminated,
        );
        let help = "[ALPHA] Counter of events dispatched in watch cache broken by resource type.";
        each(
            samples,
            "apiserver_watch_cache_events_dispatched_total",
            help,
            Kind::Counter,
            &|store| store.cache().dispatched_events() as f64,
        );
        let help = "Number of watchers of the cache by resource type.";
        each(
            samples,
            "apiserver_watch_cache_watchers",
            help,
            Kind::Gauge,
            &|store| store.cache().watchers() as f64,
        );
    }
}
