//! What everybody owns after a write.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::text::Text;
use crate::value::Record;

use super::atom::Lens;
use super::canonical;
use super::compare::{self, Comparison};
use super::element::{PathElement, quoted};
use super::fields_v1::FieldsError;
use super::set::Set;
use super::typed::Config;
use super::{field_set, merge, normal, remove};

/// What one manager owns.
#[derive(Debug, Clone)]
pub struct Owned {
    /// The fields, in the manager's version; made of the text when someone asks.
    set: OnceLock<Set>,
    /// The fields as `fieldsV1`, as long as they are those that were read.
    text: Option<Bytes>,
    /// The `apiVersion` that the fields are of.
    pub version: Text,
    /// Whether they were applied, and not updated.
    pub applied: bool,
}

impl Owned {
    /// Ownership of `set`.
    pub fn new(set: Set, version: Text, applied: bool) -> Self {
        Self {
            set: set.into(),
            text: None,
            version,
            applied,
        }
    }

    /// Ownership of the fields that a `fieldsV1` says.
    ///
    /// # Errors
    /// Where the text is none.
    pub fn read(text: &Bytes, version: Text, applied: bool) -> Result<Self, FieldsError> {
        let (set, canonical) = Set::read(text)?;
        Ok(Self {
            text: canonical.then(|| text.clone()),
            ..Self::new(set, version, applied)
        })
    }

    /// The same of a `fieldsV1` that a server has written. Most of it is never looked at.
    pub(super) fn trust(text: &Bytes, version: Text, applied: bool) -> Self {
        Self {
            set: OnceLock::new(),
            text: Some(text.clone()),
            version,
            applied,
        }
    }

    /// The fields, in the manager's version.
    pub fn set(&self) -> &Set {
        let read = |text| Set::from_fields_v1(text).unwrap_or_default();
        self.set
            .get_or_init(|| self.text.as_ref().map(read).unwrap_or_default())
    }

    /// The fields that are in `other` too.
    pub(super) fn within(&self, other: &Set) -> Set {
        let read = || match (self.set.get(), &self.text) {
            (None, Some(text)) => canonical::read_within(text, other),
            _ => None,
        };
        if other.is_empty() {
            return Set::new();
        }
        read().unwrap_or_else(|| self.set().intersection(other))
    }

    /// Whether no field is owned.
    pub(super) fn is_empty(&self) -> bool {
        match (self.set.get(), &self.text) {
            (None, Some(text)) if text.len() > 2 => false,
            _ => self.set().is_empty(),
        }
    }

    /// The fields alone.
    pub(super) fn into_set(self) -> Set {
        self.set();
        self.set.into_inner().unwrap_or_default()
    }

    /// The fields as `fieldsV1`.
    pub fn to_fields_v1(&self) -> Bytes {
        match &self.text {
            Some(text) => text.clone(),
            None => self.set().to_fields_v1().into(),
        }
    }

    /// Puts another set in the place of this one.
    pub fn change(&mut self, change: impl FnOnce(Set) -> Set) {
        self.set();
        let set = change(self.set.take().unwrap_or_default());
        self.set = set.into();
        self.text = None;
    }

    /// What is owned here and by a later write of the same manager.
    #[must_use]
    pub(super) fn and(mut self, set: Set) -> Self {
        if !self.within(&set).has_all(&set) {
            self.change(|before| set.union(before));
        }
        self
    }
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

/// What differs between two objects, and all of it together.
struct Touched {
    compare: Comparison,
    all: Set,
}

impl Touched {
    fn by(compare: Comparison) -> Self {
        let all = compare.modified.clone().union(compare.added.clone());
        Self {
            all: all.union(compare.removed.clone()),
            compare,
        }
    }
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
        let empty;
        let live = if let Some(live) = live {
            live
        } else {
            empty = Record::new(new.type_ref().clone());
            &empty
        };
        let sides = (live, new, Lens::Reflected);
        let Ok(compare) = self.settle(sides, version, managers, manager, true) else {
            return;
        };
        let before = managers
            .remove(manager)
            .map(Owned::into_set)
            .unwrap_or_default();
        let set = before
            .difference(&compare.removed)
            .union(compare.modified)
            .union(compare.added)
            .recursive_difference(self.versions.reset_fields(version));
        if !set.is_empty() {
            managers.insert(manager.clone(), Owned::new(set, version.clone(), false));
        }
    }

    /// `manager` applies `config`, which has exactly the fields that it cares for, to `live`. Gives the new
    /// object, or `None` if nothing changed.
    ///
    /// What is applied is compared as it was written: what comes to the same once it is read is a change all the same.
    ///
    /// # Errors
    /// The fields which others own with another value, unless `force` takes them.
    pub fn apply(
        &self,
        live: &Record,
        config: &Config,
        version: &Text,
        managers: &mut Managers,
        manager: &Manager,
        force: bool,
    ) -> Result<Option<Record>, Vec<Conflict>> {
        let live = normal::normal(live);
        let opened = normal::opened(config.record());
        let reset = self.versions.reset_fields(version);
        let set = field_set::of_record(&opened).recursive_difference(reset);
        let last = managers.insert(manager.clone(), Owned::new(set, version.clone(), true));
        let last = last.filter(|last| !last.is_empty());
        let lay = |managers: &Managers, config: &Record| {
            let merged = merge::records(&live, config);
            match &last {
                Some(last) => self.prune(&merged, last, version, managers),
                None => merged,
            }
        };
        let new = lay(managers, &opened);
        let written = config
            .written()
            .map(|written| lay(managers, &normal::opened(written)));
        // What a configuration leaves out of a list that is one value is missing from that value, default or not.
        let compared = written.as_ref().unwrap_or(&new);
        let comparison = self.settle(
            (&live, compared, Lens::Plain),
            version,
            managers,
            manager,
            force,
        )?;
        Ok((!comparison.is_same()).then(|| normal::denormal(new)))
    }

    /// Takes from others what changed between two objects, or says that they mind.
    fn settle(
        &self,
        (live, new, lens): (&Record, &Record, Lens),
        version: &Text,
        managers: &mut Managers,
        manager: &Manager,
        force: bool,
    ) -> Result<Comparison, Vec<Conflict>> {
        let reset = self.versions.reset_fields(version);
        let all = compare::records(live, new, lens);
        // Most often there is nobody else.
        let mut ours: Option<Touched> = None;
        let mut known: BTreeMap<Text, Option<Touched>> = BTreeMap::new();
        let mut conflicts = Vec::new();
        let mut losers = Vec::new();
        for (name, owned) in managers.iter().filter(|(name, _)| *name != manager) {
            let touched = if owned.version == *version {
                let compare = || Touched::by(all.clone().without(reset));
                Some(&*ours.get_or_insert_with(compare))
            } else {
                let compare = || self.compare_in(live, new, &owned.version).map(Touched::by);
                known
                    .entry(owned.version.clone())
                    .or_insert_with(compare)
                    .as_ref()
            };
            let Some(touched) = touched else {
                // The version is gone, and what was owned in it.
                losers.push((name.clone(), None));
                continue;
            };
            let lost = owned.within(&touched.all);
            let minded = lost
                .intersection(&touched.compare.modified)
                .union(lost.intersection(&touched.compare.added));
            conflicts.extend(minded.paths().into_iter().map(|path| Conflict {
                manager: name.clone(),
                path,
            }));
            if !lost.is_empty() || owned.is_empty() {
                losers.push((name.clone(), Some(lost)));
            }
        }
        if !force && !conflicts.is_empty() {
            return Err(conflicts);
        }
        for (name, lost) in losers {
            let Some(owned) = managers.get_mut(&name) else {
                continue;
            };
            match lost {
                Some(lost) => owned.change(|set| set.difference(&lost)),
                None => owned.change(|_| Set::new()),
            }
            if owned.is_empty() {
                managers.remove(&name);
            }
        }
        if managers.get(manager).is_some_and(Owned::is_empty) {
            managers.remove(manager);
        }
        Ok(all)
    }

    fn compare_in(&self, live: &Record, new: &Record, version: &Text) -> Option<Comparison> {
        let live = self.convert(live, version)?;
        let new = self.convert(new, version)?;
        let reset = self.versions.reset_fields(version);
        Some(compare::records(&live, &new, Lens::Reflected).without(reset))
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
        let pruned = remove::from_record(&at_last, &last.set().with_named_fields(&ty));
        let pruned = self.restore_owned(&at_last, pruned, &last.version, managers);
        let pruned = restore_dangling(&at_last, &pruned, last.set());
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
            *set = std::mem::take(set).union(owned.set().clone());
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
