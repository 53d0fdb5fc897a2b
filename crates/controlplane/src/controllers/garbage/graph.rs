//! Who owns what: what there is to know of an object, and how it changes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pintle_endpoints::cache::{Entry, Snapshot};
use pintle_endpoints::metadata::Metadata;
use pintle_endpoints::store::finalizers::{FOREGROUND, ORPHAN};
use pintle_runtime::meta::OwnerReference;
use pintle_runtime::status::ApiError;
use pintle_storage::Revision;

use super::Place;

/// An owner as an object names it.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
    pub blocks: bool,
}

/// What is known of an object with owners, or on its way out.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub revision: Revision,
    pub uid: String,
    pub namespace: String,
    pub name: String,
    pub owners: Vec<Owner>,
    pub is_going: bool,
    pub orphans: bool,
    pub is_foreground: bool,
}

/// Of one kind what has owners or is on its way out.
#[derive(Default)]
pub(super) struct Seen {
    /// Which past of the cache this is of: see [`Cache::beginning`](pintle_endpoints::cache::Cache::beginning).
    pub beginning: u64,
    /// Everything up to there was looked at.
    pub revision: Revision,
    /// What there is to know, by key.
    pub nodes: HashMap<String, Node>,
}

/// Brings the graph of one kind up to date.
pub(super) struct News<'a> {
    pub prefix: &'a [u8],
    pub nodes: &'a mut HashMap<String, Node>,
    pub changed: &'a mut HashSet<Place>,
    pub affected: &'a mut HashSet<String>,
}

impl News<'_> {
    /// One change of an object.
    pub(super) fn take_in(
        &mut self,
        old: Option<&Arc<Entry>>,
        new: Option<&Arc<Entry>>,
    ) -> Result<(), ApiError> {
        // Another object of the same name: the one before is gone.
        let gone = old.filter(|old| new.is_none_or(|new| new.uid() != old.uid()));
        self.affected.extend(gone.map(|gone| gone.uid().to_owned()));
        match (old, new) {
            (_, Some(new)) => self.look_at(new),
            (Some(old), None) => {
                self.nodes.remove(old.key());
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    /// Every object that there is, where some of the changes after `seen` are forgotten.
    pub(super) fn take_in_all(
        &mut self,
        snapshot: &Snapshot,
        seen: Revision,
    ) -> Result<(), ApiError> {
        let mut before = std::mem::take(self.nodes);
        let mut outcome = Ok(());
        for entry in snapshot.iter() {
            match before.remove_entry(entry.key()) {
                Some((key, node)) if node.revision == entry.revision() => {
                    self.nodes.insert(key, node);
                }
                // It was looked at, and there is nothing to know of it.
                None if entry.revision() <= seen => {}
                _ => outcome = outcome.and(self.look_at(entry)),
            }
        }
        outcome
    }

    fn look_at(&mut self, entry: &Entry) -> Result<(), ApiError> {
        let Some(node) = node_of(entry)? else {
            self.nodes.remove(entry.key());
            return Ok(());
        };
        if node.is_going && node.is_foreground {
            self.affected.insert(node.uid.clone());
        }
        self.changed
            .insert((self.prefix.to_vec(), entry.key().to_owned()));
        self.nodes.insert(entry.key().to_owned(), node);
        Ok(())
    }
}

/// What there is to know of an object. Most have neither owners nor an end, which their text tells without decoding.
fn node_of(entry: &Entry) -> Result<Option<Node>, ApiError> {
    if !entry.mentions("\"ownerReferences\"") && !entry.mentions("\"deletionTimestamp\"") {
        return Ok(None);
    }
    let object = entry.glance()?;
    let metadata = Metadata::of(&object);
    let owners = metadata.owner_references().map(|owner| {
        let owner = OwnerReference::from_record(owner);
        Owner {
            api_version: owner.api_version().to_owned(),
            kind: owner.kind().to_owned(),
            name: owner.name().to_owned(),
            uid: owner.uid().to_owned(),
            blocks: owner.block_owner_deletion() == Some(true),
        }
    });
    Ok(Some(Node {
        revision: entry.revision(),
        uid: entry.uid().to_owned(),
        namespace: entry.namespace().to_owned(),
        name: entry.name().to_owned(),
        owners: owners.collect(),
        is_going: metadata.deletion_timestamp().is_some(),
        orphans: metadata.has_finalizer(ORPHAN),
        is_foreground: metadata.has_finalizer(FOREGROUND),
    }))
}
