//! `metadata.managedFields`, decoded: who owns what, and since when.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::meta::positions::{managed_fields_entry as field, object_meta};
use crate::meta::{METADATA, tables};
use crate::schema::Ref;
use crate::text::Text;
use crate::time::Time;
use crate::value::{Record, Value};

use super::fields_v1::FieldsError;
use super::set::Set;
use super::update::{Manager, Managers, Owned};

/// Update entries beyond this many are merged, oldest first.
const MAX_UPDATERS: usize = 10;

/// The entries of `metadata.managedFields`, decoded.
#[derive(Debug, Default, Clone)]
pub(super) struct Books {
    pub(super) managers: Managers,
    /// When an entry last changed, for those that say so.
    pub(super) times: BTreeMap<Manager, Time>,
}

impl Books {
    /// The books that an object carries.
    ///
    /// # Errors
    /// Where an entry is not what it should be.
    pub(super) fn read(object: &Record) -> Result<Self, FieldsError> {
        Self::read_after(&[], object)
    }

    /// The books that an object carries, of which the entries `known` are well-formed.
    ///
    /// # Errors
    /// Where another entry is not what it should be.
    pub(super) fn read_after(known: &[Value], object: &Record) -> Result<Self, FieldsError> {
        let mut books = Self::default();
        for value in entries(object).unwrap_or_default() {
            let Value::Record(entry) = value else {
                continue;
            };
            let text = |at: usize| match entry.get(at) {
                Some(Value::String(text)) => text.clone(),
                _ => Text::default(),
            };
            let applied = match text(field::OPERATION).as_str() {
                "Apply" => true,
                "Update" => false,
                _ => return Err(FieldsError::new("operation must be `Apply` or `Update`")),
            };
            let version = text(field::API_VERSION);
            if version.is_empty() {
                return Err(FieldsError::new("apiVersion must not be empty"));
            }
            if text(field::FIELDS_TYPE).as_str() != "FieldsV1" {
                return Err(FieldsError::new(
                    "missing or invalid fieldsType in managed fields entry",
                ));
            }
            let owned = match entry.get(field::FIELDS_V1) {
                Some(Value::Raw(raw)) if known.contains(value) => {
                    Owned::trust(raw, version, applied)
                }
                Some(Value::Raw(raw)) => Owned::read(raw, version, applied)?,
                _ => Owned::new(Set::new(), version, applied),
            };
            let id = Manager {
                applied,
                name: text(field::MANAGER),
                version: if applied {
                    Text::default()
                } else {
                    owned.version.clone()
                },
                subresource: text(field::SUBRESOURCE),
            };
            if let Some(Value::Time(time)) = entry.get(field::TIME) {
                books.times.insert(id.clone(), *time);
            }
            books.managers.insert(id, owned);
        }
        Ok(books)
    }

    /// Has `object` carry these books, in upstream's order.
    pub(super) fn write(&self, object: &mut Record) {
        let Some(metadata) = metadata_mut(object) else {
            return;
        };
        if self.managers.is_empty() {
            metadata.remove(object_meta::MANAGED_FIELDS);
            return;
        }
        let time_of = |id: &Manager| self.times.get(id).copied();
        let mut order: Vec<(&Manager, &Owned)> = self.managers.iter().collect();
        order.sort_by(|(a, owned_a), (b, owned_b)| {
            let key = |id: &Manager| time_of(id).map_or(0, |time| time.seconds);
            // "Apply" stands before "Update".
            b.applied
                .cmp(&a.applied)
                .then_with(|| key(a).cmp(&key(b)))
                .then_with(|| a.name.cmp(&b.name))
                .then_with(|| owned_a.version.cmp(&owned_b.version))
                .then_with(|| a.subresource.cmp(&b.subresource))
        });
        let list = order
            .into_iter()
            .map(|(id, owned)| {
                let mut record = Record::new(Ref::Static(&tables::MANAGED_FIELDS_ENTRY));
                let operation = if id.applied { "Apply" } else { "Update" };
                record.set(field::MANAGER, Value::String(id.name.clone()));
                record.set(field::OPERATION, Value::String(operation.into()));
                record.set(field::API_VERSION, Value::String(owned.version.clone()));
                if let Some(time) = time_of(id) {
                    record.set(field::TIME, Value::Time(Time { nanos: 0, ..time }));
                }
                record.set(field::FIELDS_TYPE, Value::String("FieldsV1".into()));
                record.set(field::FIELDS_V1, Value::Raw(owned.to_fields_v1()));
                if !id.subresource.is_empty() {
                    let subresource = Value::String(id.subresource.clone());
                    record.set(field::SUBRESOURCE, subresource);
                }
                Value::Record(record)
            })
            .collect();
        metadata.set(object_meta::MANAGED_FIELDS, Value::List(list));
    }

    /// Takes from `manager` what nobody owns.
    pub(super) fn strip(&mut self, manager: &Manager) {
        let Some(owned) = self.managers.get_mut(manager) else {
            return;
        };
        owned.change(|set| set.difference(nobodys()));
        if owned.is_empty() {
            self.managers.remove(manager);
        }
    }

    /// Merges the oldest update entries of a version into `ancient-changes` while there are too many.
    pub(super) fn cap(&mut self) {
        let mut updaters: Vec<Manager> = self
            .managers
            .keys()
            .filter(|id| !id.applied)
            .cloned()
            .collect();
        let mut left = updaters.len();
        if left <= MAX_UPDATERS {
            return;
        }
        updaters.sort_by_cached_key(|id| {
            (
                self.times.get(id).map_or(0, |time| time.seconds),
                id.clone(),
            )
        });
        let mut first_of: BTreeMap<Text, Manager> = BTreeMap::new();
        for id in updaters {
            if left <= MAX_UPDATERS {
                break;
            }
            let Some(version) = self.managers.get(&id).map(|owned| owned.version.clone()) else {
                continue;
            };
            let Some(first) = first_of.get(&version) else {
                first_of.insert(version, id);
                continue;
            };
            let bucket = Manager {
                name: "ancient-changes".into(),
                version: version.clone(),
                ..Manager::default()
            };
            if !self.managers.contains_key(&bucket)
                && let Some(owned) = self.managers.remove(first)
            {
                self.managers.insert(bucket.clone(), owned);
            }
            if let Some(owned) = self.managers.remove(&id)
                && let Some(into) = self.managers.get_mut(&bucket)
            {
                into.change(|set| set.union(owned.into_set()));
            }
            if let Some(time) = self.times.get(&id).copied() {
                self.times.insert(bucket, time);
            }
            left -= 1;
        }
    }
}

/// What nobody owns: identity and what the server sets.
pub(super) fn nobodys() -> &'static Set {
    static NOBODYS: OnceLock<Set> = OnceLock::new();
    NOBODYS.get_or_init(|| {
        Set::of_fields(&[
            &["apiVersion"],
            &["kind"],
            &["metadata"],
            &["metadata", "name"],
            &["metadata", "namespace"],
            &["metadata", "creationTimestamp"],
            &["metadata", "selfLink"],
            &["metadata", "uid"],
            &["metadata", "clusterName"],
            &["metadata", "generation"],
            &["metadata", "managedFields"],
            &["metadata", "resourceVersion"],
        ])
    })
}

/// Gives `new` the times of `live`'s managed fields if nothing but those times differs.
pub fn keep_times_if_same(live: &Record, new: &mut Record) {
    let (Some(kept), Some(found)) = (entries(live), entries(new)) else {
        return;
    };
    if kept == found || kept.len() != found.len() || !kept.iter().zip(found).all(same_but_time) {
        return;
    }
    let kept = kept.to_vec();
    let swap = |new: &mut Record, with: Vec<Value>| {
        entries_mut(new).map(|entries| std::mem::replace(entries, with))
    };
    if let Some(found) = swap(new, kept)
        && *new != *live
    {
        swap(new, found);
    }
}

fn same_but_time((a, b): (&Value, &Value)) -> bool {
    let (Value::Record(a), Value::Record(b)) = (a, b) else {
        return a == b;
    };
    let timeless = |record: &Record| {
        let time = record.ty().field_index("time");
        let entries = record.entries().iter();
        entries
            .filter(|(at, _)| Some(usize::from(*at)) != time)
            .cloned()
            .collect::<Vec<_>>()
    };
    timeless(a) == timeless(b)
}

pub(super) fn metadata_mut(object: &mut Record) -> Option<&mut Record> {
    if !has_metadata(object) {
        return None;
    }
    match object.get_mut(METADATA) {
        Some(Value::Record(metadata)) => Some(metadata),
        _ => None,
    }
}

fn metadata(object: &Record) -> Option<&Record> {
    object
        .get(METADATA)
        .filter(|_| has_metadata(object))?
        .as_record()
}

/// Every kind that is kept has metadata, and has it in this place.
fn has_metadata(object: &Record) -> bool {
    let field = object.ty().fields.get(METADATA);
    field.is_some_and(|field| field.name == "metadata")
}

pub(super) fn entries(object: &Record) -> Option<&[Value]> {
    metadata(object)?
        .get(object_meta::MANAGED_FIELDS)?
        .as_list()
}

fn entries_mut(object: &mut Record) -> Option<&mut Vec<Value>> {
    match metadata_mut(object)?.get_mut(object_meta::MANAGED_FIELDS) {
        Some(Value::List(entries)) => Some(entries),
        _ => None,
    }
}

pub(super) fn take_entries(object: &mut Record) {
    if let Some(metadata) = metadata_mut(object) {
        metadata.remove(object_meta::MANAGED_FIELDS);
    }
}

pub(super) fn is_reset(object: &Record) -> bool {
    match entries(object) {
        Some([]) => true,
        Some([Value::Record(only)]) => only.is_empty(),
        _ => false,
    }
}

pub(super) fn has_uid(object: &Record) -> bool {
    let uid = metadata(object).and_then(|metadata| metadata.get(object_meta::UID));
    uid.and_then(Value::as_str)
        .is_some_and(|uid| !uid.is_empty())
}
