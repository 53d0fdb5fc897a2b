//! Owners that are there, but in another namespace: an event says so, as nothing else would.

use std::sync::Arc;

use pintle_endpoints::store::Store;
use pintle_runtime::status::ApiError;

use super::graph::{Node, Owner};
use super::{Collector, Place, store_of};
use crate::controllers::event::About;

impl Collector {
    /// Tells once of each owner of an object that is in another namespace.
    pub(super) async fn tell_of_strays(
        &mut self,
        stores: &[Arc<Store>],
        place: &Place,
        node: &Node,
    ) -> Result<(), ApiError> {
        for owner in &node.owners {
            let key = (node.uid.clone(), owner.uid.clone());
            if self.told.contains(&key) || !self.is_stray(owner, &node.namespace)? {
                continue;
            }
            let Some(store) = store_of(stores, place) else {
                return Ok(());
            };
            let row = store.row();
            let about = About {
                api_version: row.api_version(),
                kind: row.kind.to_string(),
                namespace: &node.namespace,
                name: &node.name,
                uid: &node.uid,
            };
            let namespace = &node.namespace;
            let Owner {
                api_version,
                kind,
                name,
                uid,
                ..
            } = owner;
            let message = format!(
                "ownerRef [{api_version}/{kind}, namespace: {namespace}, name: {name}, uid: {uid}] does not exist in \
                 namespace \"{namespace}\""
            );
            self.told.insert(key);
            let told = self
                .tools
                .warn(&about, "OwnerRefInvalidNamespace", message)
                .await;
            super::tolerate(told)?;
        }
        Ok(())
    }

    /// Whether an owner is in a namespace, and that is not `namespace`.
    fn is_stray(&mut self, owner: &Owner, namespace: &str) -> Result<bool, ApiError> {
        let (group, version) = owner
            .api_version
            .split_once('/')
            .unwrap_or(("", &owner.api_version));
        let registry = self.tools.registry.stores();
        let store = registry.iter().find(|store| {
            let row = store.row();
            row.group == group && row.version == version && row.kind == owner.kind
        });
        let Some(store) = store.filter(|store| store.row().namespaced) else {
            return Ok(false);
        };
        let own = store.cache().find(&format!("{namespace}/{}", owner.name));
        if own.is_ok_and(|entry| entry.is_some_and(|entry| entry.uid() == owner.uid)) {
            return Ok(false);
        }
        if let Some(is_there) = self.anywhere.get(&owner.uid) {
            return Ok(*is_there);
        }
        let mut all = store.cache().all(None)?.into_iter();
        let is_there = all.any(|entry| entry.uid() == owner.uid);
        self.anywhere.insert(owner.uid.clone(), is_there);
        Ok(is_there)
    }
}
