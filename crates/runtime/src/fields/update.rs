//! What everybody owns after a write.

use std::collections::BTreeMap;
use std::fmt;

use crate::text::Text;
use crate::value::Record;

use super::compare::{self, Comparison};
use super::element::{PathElement, quoted};
use super::set::Set;
use super::{field_set, merge, normal, remove};

/// What one manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The fields, in the manager's version.
    pub set: Set,
    /// The `apiVersion` that the fields are of.
    pub version: Text,
    /// Whether they were applied, and not updated.
    pub applied: bool,
}

/// Who writes: what tells one entry of `metadata.managedFields` from another.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// Whether it applies, and does not update.
    pub applied: bool,
    /// Its name.
    pub name: Text,
    /// The version that it updates in; empty for an applier, who is one whatever the version.
    pub version: Text,
    /// The subresource through which it writes, empty for the object itself.
    pub subresource: Text,
}

impl fmt::Display for Manager {
    /// As conflicts name it: `"kubectl" using v1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", quoted(&self.name))?;
        if !self.subresource.is_empty() {
            write!(f, " with subresource {}", quoted(&self.subresource))?;
        }
        if !self.applied {
            write!(f, " using {}", self.version)?;
        }
        Ok(())
    }
}

/// What all managers own.
pub type Managers = BTreeMap<Manager, Owned>;

/// A field that somebody else owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The owner.
    pub manager: Manager,
    /// The field.
    pub path: Vec<PathElement>,
}

/// The same object in other versions.
pub trait Versions {
    /// `record` in `version`; `None` if there is no such version any more.
    fn convert(&self, record: &Record, version: &str) -> Option<Record>;
    /// Fields that a write in `version` through this endpoint resets, and that nobody comes to own by it.
    fn reset_fields(&self, version: &str) -> &Set;
}

/// The rules of ownership for one endpoint.
#[derive(Debug)]
pub struct Updater<'a, V: ?Sized> {
    versions: &'a V,
}

impl<'a, V: Versions + ?Sized> Updater<'a, V> {
    /// With the versions of the endpoint's kind.
    pub fn new(versions: &'a V) -> Self {
        Self { versions }
    }

    /// `manager` replaced `live` by `new`, both of `version`: it owns what it changed and nobody
    /// else does. `live` is `None` for a create.
    pub fn update(
        &self,
        live: Option<&Record>,
        new: &Record,
        version: &Text,
        managers: &mut Managers,
        manager: &Manager,
    ) {
        let new = normal::normal(new);
        let live = live.map_or_else(|| normal::empty(new.type_ref()), normal::normal);
        let Ok(compare) = self.settle(&live, &new, version, managers, manager, true) else {
            return;
        };
        let before = managers
            .remove(manager)
            .map(|owned| owned.set)
            .unwrap_or_default();
        let set = before
            .difference(&compare.removed)
            .union(compare.modified)
            .union(compare.added)
            .recursive_difference(self.versions.reset_fields(version));
        if !set.is_empty() {
            managers.insert(
                manager.clone(),
                Owned {
                    set,
                    version: version.clone(),
                    applied: false,
                },
            );
        }
    }

    /// `manager` applies `config`, which has exactly the fields that it cares for, to `live`. Gives the new
    /// object, or `None` if nothing changed.
    ///
    /// # Errors
    /// The fields which others own with another value, unless `force` takes them.
    pub fn apply(
        &self,
        live: &Record,
        config: &Record,
        version: &Text,
        managers: &mut Managers,
        manager: &Manager,
        force: bool,
    ) -> Result<Option<Record>, Vec<Conflict>> {
        let live = normal::normal(live);
        let config = &normal::opened(config);
        let merged = merge::records(&live, config);
        let last = managers.get(manager).cloned();
        let set =
            field_set::of_record(config).recursive_difference(self.versions.reset_fields(version));
        managers.insert(
            manager.clone(),
            Owned {
                set,
                version: version.clone(),
                applied: true,
            },
        );
        let new = match last.filter(|last| !last.set.is_empty()) {
            Some(last) => self.prune(&merged, &last, version, managers),
            None => merged,
        };
        // What a configuration leaves out of a list that is one value is missing from that value, default or not.
        let compare = self.settle(&live, &new, version, managers, manager, force)?;
        Ok((!compare.is_same()).then(|| normal::denormal(new)))
    }

    /// Takes from others what changed, or says that they mind.
    fn settle(
        &self,
        live: &Record,
        new: &Record,
        version: &Text,
        managers: &mut Managers,
        manager: &Manager,
        force: bool,
    ) -> Result<Comparison, Vec<Conflict>> {
        let ours = compare::records(live, new).without(self.versions.reset_fields(version));
        let mut known: BTreeMap<Text, Option<Comparison>> = BTreeMap::new();
        let mut conflicts = Vec::new();
        let mut left = Vec::new();
        for (name, owned) in managers.iter().filter(|(name, _)| *name != manager) {
            let compare = if owned.version == *version {
                Some(&ours)
            } else {
                known
                    .entry(owned.version.clone())
                    .or_insert_with(|| self.compare_in(live, new, &owned.version))
                    .as_ref()
            };
            let Some(compare) = compare else {
                // The version is gone, and what was owned in it.
                left.push((name.clone(), Set::new()));
                continue;
            };
            let set = &owned.set;
            let lost = set
                .intersection(&compare.modified)
                .union(set.intersection(&compare.added));
            conflicts.extend(lost.paths().into_iter().map(|path| Conflict {
                manager: name.clone(),
                path,
            }));
            left.push((
                name.clone(),
                set.clone().difference(&lost).difference(&compare.removed),
            ));
        }
        if !force && !conflicts.is_empty() {
            return Err(conflicts);
        }
        for (name, set) in left {
            if set.is_empty() {
                managers.remove(&name);
            } else if let Some(owned) = managers.get_mut(&name) {
                owned.set = set;
            }
        }
        if managers
            .get(manager)
            .is_some_and(|owned| owned.set.is_empty())
        {
            managers.remove(manager);
        }
        Ok(ours)
    }

    fn compare_in(&self, live: &Record, new: &Record, version: &Text) -> Option<Comparison> {
        let live = self.convert(live, version)?;
        let new = self.convert(new, version)?;
        Some(compare::records(&live, &new).without(self.versions.reset_fields(version)))
    }

    fn convert(&self, record: &Record, version: &str) -> Option<Record> {
        let plain = normal::denormal(record.clone());
        self.versions
            .convert(&plain, version)
            .map(|converted| normal::normal(&converted))
    }

    /// Removes what the applier owned and does not apply any more, as far as nobody else owns it.
    fn prune(&self, merged: &Record, last: &Owned, version: &Text, managers: &Managers) -> Record {
        let at_last = if last.version == *version {
            Some(merged.clone())
        } else {
            self.convert(merged, &last.version)
        };
        let Some(at_last) = at_last else {
            return merged.clone();
        };
        let ty = at_last.type_ref().clone();
        let pruned = remove::from_record(&at_last, &last.set.with_named_fields(&ty));
        let pruned = self.restore_owned(&at_last, pruned, &last.version, managers);
        let pruned = restore_dangling(&at_last, &pruned, &last.set);
        if last.version == *version {
            pruned
        } else {
            self.convert(&pruned, version)
                .unwrap_or_else(|| merged.clone())
        }
    }

    /// Puts back what was pruned and is owned by anybody, the applier included.
    fn restore_owned(
        &self,
        merged: &Record,
        pruned: Record,
        version: &Text,
        managers: &Managers,
    ) -> Record {
        let mut by_version: BTreeMap<&Text, Set> = BTreeMap::new();
        for owned in managers.values() {
            let set = by_version.entry(&owned.version).or_default();
            *set = std::mem::take(set).union(owned.set.clone());
        }
        // The version at hand first: what it restores may be needed to convert.
        let mut versions: Vec<_> = by_version.iter().collect();
        versions.sort_by_key(|(other, _)| (**other != version, Text::clone(other)));
        let mut pruned = pruned;
        for (other, owned) in versions {
            let same = *other == version;
            let converted = if same {
                Some((merged.clone(), pruned.clone()))
            } else {
                self.convert(merged, other)
                    .zip(self.convert(&pruned, other))
            };
            let Some((whole, part)) = converted else {
                continue;
            };
            let ty = whole.type_ref().clone();
            let have = field_set::of_record(&part).with_named_fields(&ty);
            let gone = field_set::of_record(&whole)
                .with_named_fields(&ty)
                .difference(&have.union(owned.with_named_fields(&ty)));
            let restored = remove::from_record(&whole, &gone);
            let back = if same {
                Some(restored)
            } else {
                self.convert(&restored, version)
            };
            pruned = back.unwrap_or(pruned);
        }
        pruned
    }
}

/// Puts back what fell because it stood under something pruned, without ever having been owned by the applier.
fn restore_dangling(merged: &Record, pruned: &Record, last: &Set) -> Record {
    let ty = merged.type_ref().clone();
    let gone = field_set::of_record(merged)
        .with_named_fields(&ty)
        .difference(&field_set::of_record(pruned).with_named_fields(&ty))
        .intersection(&last.with_named_fields(&ty));
    remove::from_record(merged, &gone)
}
