//! `garbage-collector-controller`: takes away what has lost its owners, in the way that a delete asked for.
//!
//! It keeps a graph of who owns what, and brings it up to date by what has changed, so an object is decoded once per
//! change, and not at all if it has neither owners nor an end. Where it comes too late for the changes that the cache
//! remembers, it looks at everything that is newer; and at everything where the cache's past has begun anew. Of what has changed, and of what belongs to something
//! that has gone,
//!
//! - what has only owners that are gone is deleted, and owners that are gone are struck out where others remain;
//! - of an owner with the finalizer `orphan` on its way out, dependents lose the reference before it goes;
//! - of an owner with the finalizer `foregroundDeletion`, dependents that block it go first; where owners go round in a
//!   circle, they cease to block.
//!
//! Who names an owner that lives in another namespace is told so by an event.

mod graph;
mod strays;

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;

use pintle_endpoints::delete_options::{DeleteOptions, Propagation};
use pintle_endpoints::metadata::MetadataMut;
use pintle_endpoints::store::finalizers::{FOREGROUND, ORPHAN};
use pintle_endpoints::store::{Change, Store};
use pintle_runtime::meta::ObjectMetaMut;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;
use pintle_storage::Revision;

use self::graph::{News, Node, Owner, Seen};
use super::{Controller, Tools};

/// Where an object is: the prefix of its kind's keys, and its key below that.
type Place = (Vec<u8>, String);

/// The controller.
pub(super) struct Collector {
    tools: Tools,
    /// What is known of each kind, by the prefix of its keys.
    seen: HashMap<Vec<u8>, Seen>,
    /// What has changed and is still to be looked at.
    changed: HashSet<Place>,
    /// Owners that are gone, or have begun to wait for their dependents, since those were looked at.
    affected: HashSet<String>,
    /// When everything was looked at, whether or not it had changed.
    swept: Option<tokio::time::Instant>,
    /// Owners that were found missing, so that each is looked for once a pass.
    missing: HashSet<String>,
    /// Dependents and owners in another namespace of which an event has told.
    told: HashSet<(String, String)>,
    /// Owners that were looked for in all namespaces, and whether they are in one, so that each is once a pass.
    anywhere: HashMap<String, bool>,
}

/// What an owner is to its dependents.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is there, and stays as far as dependents are concerned.
    Solid,
    /// It is gone, or another object has its name.
    Gone,
    /// It waits for its dependents to go.
    Waiting,
}

impl Collector {
    pub(super) fn new(tools: Tools) -> Self {
        Self {
            tools,
            seen: HashMap::new(),
            changed: HashSet::new(),
            affected: HashSet::new(),
            swept: None,
            missing: HashSet::new(),
            told: HashSet::new(),
            anywhere: HashMap::new(),
        }
    }

    /// Brings the graph up to date.
    fn refresh(&mut self, stores: &[Arc<Store>]) -> Result<(), ApiError> {
        let prefixes: HashSet<&[u8]> = stores.iter().map(|store| store.cache().prefix()).collect();
        self.seen
            .retain(|prefix, _| prefixes.contains(prefix.as_slice()));
        for store in stores {
            let cache = store.cache();
            let Seen {
                beginning,
                revision: seen,
                nodes,
            } = self.seen.entry(cache.prefix().to_vec()).or_default();
            let news = &mut News {
                prefix: cache.prefix(),
                nodes,
                changed: &mut self.changed,
                affected: &mut self.affected,
            };
            // Before the state: a past that begins anew in between is noticed the next time.
            let current = cache.beginning();
            let newest = cache.newest().0;
            let is_same_past = *beginning == current;
            if is_same_past && *seen == newest.revision() {
                continue;
            }
            let changes = is_same_past.then(|| cache.changes(*seen)).flatten();
            if let Some(changes) = changes {
                for change in changes {
                    news.take_in(change.old_entry(), change.new_entry())?;
                    *seen = change.revision();
                }
            } else {
                // What could not be read before was never looked at, however old it is.
                let looked_at = if is_same_past { *seen } else { Revision::ZERO };
                news.take_in_all(&newest, looked_at)?;
                // Owners that are gone may have left no trace.
                self.swept = None;
                (*beginning, *seen) = (current, newest.revision());
            }
        }
        Ok(())
    }

    /// Everything in the graph: what has owners or is on its way out.
    fn nodes(&self) -> impl Iterator<Item = ((&[u8], &str), &Node)> {
        self.seen.iter().flat_map(|(prefix, seen)| {
            seen.nodes
                .iter()
                .map(move |(key, node)| ((prefix.as_slice(), key.as_str()), node))
        })
    }

    fn dependents(&self, uid: &str) -> Vec<(Place, Node)> {
        let owned = |node: &&Node| node.owners.iter().any(|owner| owner.uid == uid);
        self.nodes()
            .filter(|(_, node)| owned(node))
            .map(owned_node)
            .collect()
    }

    /// What has become of an owner, as its dependent in `namespace` sees it.
    fn state(&mut self, stores: &[Arc<Store>], owner: &Owner, namespace: &str) -> State {
        if self.missing.contains(&owner.uid) {
            return State::Gone;
        }
        let (group, version) = owner
            .api_version
            .split_once('/')
            .unwrap_or(("", &owner.api_version));
        let registry = self.tools.registry.stores();
        let row = registry.iter().find(|store| {
            let row = store.row();
            row.group == group && row.version == version && row.kind == owner.kind
        });
        // A kind that is not served may be served again: nothing is concluded from its absence.
        let Some(store) = row else {
            return State::Solid;
        };
        let key = match (store.row().namespaced, namespace) {
            // What is in no namespace can not have an owner in one; upstream reports it and leaves it.
            (true, "") => return State::Solid,
            (true, namespace) => format!("{namespace}/{}", owner.name),
            (false, _) => owner.name.clone(),
        };
        // What can not be read is there.
        let Ok(found) = store.cache().find(&key) else {
            return State::Solid;
        };
        if found.is_none_or(|entry| entry.uid() != owner.uid) {
            self.missing.insert(owner.uid.clone());
            return State::Gone;
        }
        let hub = stores
            .iter()
            .find(|hub| Arc::ptr_eq(hub.cache(), store.cache()));
        let node = hub
            .and_then(|hub| self.seen.get(hub.cache().prefix()))
            .and_then(|seen| seen.nodes.get(&key));
        if node.is_some_and(|node| node.is_going && node.is_foreground) {
            State::Waiting
        } else {
            State::Solid
        }
    }

    async fn collect(&mut self, stores: &[Arc<Store>]) -> Result<(), ApiError> {
        self.missing.clear();
        self.anywhere.clear();
        let going: Vec<(Place, Node)> = self
            .nodes()
            .filter(|(_, node)| node.is_going && (node.orphans || node.is_foreground))
            .map(owned_node)
            .collect();
        for (place, node) in going {
            let dependents = self.dependents(&node.uid);
            if node.orphans {
                for (place, dependent) in &dependents {
                    self.strike_owners(stores, place, dependent, &[node.uid.as_str()])
                        .await?;
                }
                self.drop_finalizer(stores, &place, &node, ORPHAN).await?;
                continue;
            }
            let blocks = |dependent: &Node| {
                let mut owners = dependent.owners.iter();
                owners.any(|owner| owner.uid == node.uid && owner.blocks)
            };
            if !dependents.iter().any(|(_, dependent)| blocks(dependent)) {
                self.drop_finalizer(stores, &place, &node, FOREGROUND)
                    .await?;
            }
        }
        let now = tokio::time::Instant::now();
        let sweeps = self.swept.is_none_or(|at| now - at > super::RESYNC);
        let concerned = |place: (&[u8], &str), node: &Node| {
            let is_affected = |owner: &Owner| self.affected.contains(&owner.uid);
            !node.owners.is_empty()
                && (sweeps
                    || node.owners.iter().any(is_affected)
                    || self
                        .changed
                        .contains(&(place.0.to_vec(), place.1.to_owned())))
        };
        let owned: Vec<(Place, Node)> = self
            .nodes()
            .filter(|(place, node)| concerned(*place, node))
            .map(owned_node)
            .collect();
        for (place, node) in owned {
            self.look_at(stores, &place, &node).await?;
        }
        self.changed.clear();
        self.affected.clear();
        if sweeps {
            self.swept = Some(now);
        }
        Ok(())
    }

    /// Deletes a dependent that has nobody left, and strikes out owners that it has lost.
    async fn look_at(
        &mut self,
        stores: &[Arc<Store>],
        place: &Place,
        node: &Node,
    ) -> Result<(), ApiError> {
        // What goes already goes by its own rules; what has changed, maybe by this very pass, is looked at in the next.
        let current = store_of(stores, place).and_then(|store| store.cache().get(&place.1));
        let is_same = current.is_some_and(|entry| entry.revision() == node.revision);
        if !is_same || (node.is_going && !node.is_foreground) {
            return Ok(());
        }
        let mut lost = Vec::new();
        let (mut solid, mut waiting) = (false, false);
        self.tell_of_strays(stores, place, node).await?;
        for owner in &node.owners {
            match self.state(stores, owner, &node.namespace) {
                State::Solid => solid = true,
                State::Gone => lost.push(owner.uid.as_str()),
                State::Waiting => {
                    waiting = true;
                    lost.push(owner.uid.as_str());
                }
            }
        }
        if lost.is_empty() || (node.is_going && !waiting) {
            return Ok(());
        }
        if solid {
            return self.strike_owners(stores, place, node, &lost).await;
        }
        if node.is_going {
            return Ok(());
        }
        let dependents = self.dependents(&node.uid);
        let propagation = if waiting && !dependents.is_empty() {
            let waits = |(_, node): &(Place, Node)| node.is_going && node.is_foreground;
            if dependents.iter().any(waits) {
                // It would wait for what waits for it.
                self.unblock(stores, place, node).await?;
            }
            Propagation::Foreground
        } else if node.orphans {
            Propagation::Orphan
        } else if node.is_foreground {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        self.delete(stores, place, node, propagation).await
    }

    async fn delete(
        &self,
        stores: &[Arc<Store>],
        place: &Place,
        node: &Node,
        propagation: Propagation,
    ) -> Result<(), ApiError> {
        let Some(store) = store_of(stores, place) else {
            return Ok(());
        };
        let mut options = DeleteOptions {
            propagation_policy: Some(propagation),
            ..DeleteOptions::default()
        };
        options.preconditions.uid = Some(node.uid.clone());
        let cx = self.tools.context(&node.namespace);
        let permit = self.tools.permit();
        tolerate(store.delete(&permit, &cx, &node.name, &options).await)
    }

    async fn strike_owners(
        &self,
        stores: &[Arc<Store>],
        place: &Place,
        node: &Node,
        lost: &[&str],
    ) -> Result<(), ApiError> {
        self.update(stores, place, node, |object| {
            if let Some(record) = metadata_of(object) {
                let mut metadata = ObjectMetaMut::from_record(record);
                let mut owners = metadata.owner_references_mut();
                owners.retain(|owner| !lost.contains(&owner.uid()));
            }
        })
        .await
    }

    /// Whatever owns an object need not wait for it any more.
    async fn unblock(
        &self,
        stores: &[Arc<Store>],
        place: &Place,
        node: &Node,
    ) -> Result<(), ApiError> {
        self.update(stores, place, node, |object| {
            if let Some(record) = metadata_of(object) {
                let mut metadata = ObjectMetaMut::from_record(record);
                for mut owner in metadata.owner_references_mut().iter_mut() {
                    if owner.view().block_owner_deletion() == Some(true) {
                        owner.set_block_owner_deletion(false);
                    }
                }
            }
        })
        .await
    }

    async fn drop_finalizer(
        &self,
        stores: &[Arc<Store>],
        place: &Place,
        node: &Node,
        finalizer: &str,
    ) -> Result<(), ApiError> {
        self.update(stores, place, node, |object| {
            if let Some(mut metadata) = MetadataMut::of(object) {
                let left = metadata.read().finalizers();
                let left = left.filter(|it| *it != finalizer);
                let left: Vec<Text> = left.map(|it| Text::from(it.to_owned())).collect();
                metadata.set_finalizers(left);
            }
        })
        .await
    }

    async fn update(
        &self,
        stores: &[Arc<Store>],
        place: &Place,
        node: &Node,
        edit: impl Fn(&mut Record) + Send + Sync,
    ) -> Result<(), ApiError> {
        let Some(store) = store_of(stores, place) else {
            return Ok(());
        };
        let make = |old: Option<&Record>| {
            let mut object = old
                .cloned()
                .ok_or_else(|| ApiError::internal("the object is gone"))?;
            edit(&mut object);
            Ok(object)
        };
        let mut change = Change::default();
        change.preconditions.uid = Some(node.uid.clone());
        let cx = self.tools.context(&node.namespace);
        let permit = self.tools.permit();
        tolerate(
            store
                .update_with(&permit, &cx, &node.name, &change, make)
                .await,
        )
    }
}

/// A node that outlives the graph as it is now.
fn owned_node((place, node): ((&[u8], &str), &Node)) -> (Place, Node) {
    ((place.0.to_vec(), place.1.to_owned()), node.clone())
}

fn store_of<'s>(stores: &'s [Arc<Store>], place: &Place) -> Option<&'s Arc<Store>> {
    stores
        .iter()
        .find(|store| store.cache().prefix() == place.0)
}

fn metadata_of(object: &mut Record) -> Option<&mut Record> {
    match object.get_mut(pintle_runtime::meta::METADATA)? {
        pintle_runtime::value::Value::Record(record) => Some(record),
        _ => None,
    }
}

/// What is gone, or another object by now, is looked at again when the graph says so; and what may not be deleted, such
/// as the namespace `default`, stays.
fn tolerate<T>(result: Result<T, ApiError>) -> Result<(), ApiError> {
    match result {
        Ok(_)
        | Err(
            ApiError::NotFound(_)
            | ApiError::Conflict(_)
            | ApiError::Forbidden(_)
            | ApiError::Invalid(_),
        ) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Controller for Collector {
    fn pass(&mut self) -> Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + '_>> {
        Box::pin(async move {
            let stores = self.tools.stores();
            self.refresh(&stores)?;
            self.collect(&stores).await
        })
    }
}
