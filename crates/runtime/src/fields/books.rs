//! `metadata.managedFields`, decoded: who owns what, and since when.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::schema::{FieldType, TypeRef};
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
        let mut books = Self::default();
        for entry in entries(object)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_record)
        {
            let text = |name: &str| match entry.get_by_name(name) {
                Some(Value::String(text)) => text.clone(),
                _ => Text::default(),
            };
            let applied = match text("operation").as_str() {
                "Apply" => true,
                "Update" => false,
                _ => return Err(FieldsError::new("operation must be `Apply` or `Update`")),
            };
            let version = text("apiVersion");
            if version.is_empty() {
                return Err(FieldsError::new("apiVersion must not be empty"));
            }
            if text("fieldsType").as_str() != "FieldsV1" {
                return Err(FieldsError::new(
                    "missing or invalid fieldsType in managed fields entry",
                ));
            }
            let set = match entry.get_by_name("fieldsV1") {
                Some(Value::Raw(raw)) => Set::from_fields_v1(raw)?,
                _ => Set::new(),
            };
            let id = Manager {
                applied,
                name: text("manager"),
                version: if applied {
                    Text::default()
                } else {
                    version.clone()
                },
                subresource: text("subresource"),
            };
            if let Some(Value::Time(time)) = entry.get_by_name("time") {
                books.times.insert(id.clone(), *time);
            }
            books.managers.insert(
                id,
                Owned {
                    set,
                    version,
                    applied,
                },
            );
        }
        Ok(books)
    }

    /// Has `object` carry these books, in upstream's order.
    pub(super) fn write(&self, object: &mut Record) {
        let Some(metadata) = metadata_mut(object) else {
            return;
        };
        let Some((index, entry)) = entry_type(metadata) else {
            return;
        };
        if self.managers.is_empty() {
            metadata.remove(index);
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
                let mut record = Record::new(entry.clone());
                let mut set = |name: &str, value: Value| {
                    if let Some(at) = entry.field_index(name) {
                        record.set(at, value);
                    }
                };
                set("manager", Value::String(id.name.clone()));
                set(
                    "operation",
                    Value::String(if id.applied { "Apply" } else { "Update" }.into()),
                );
                set("apiVersion", Value::String(owned.version.clone()));
                if let Some(time) = time_of(id) {
                    set("time", Value::Time(Time { nanos: 0, ..time }));
                }
                set("fieldsType", Value::String("FieldsV1".into()));
                set(
                    "fieldsV1",
                    Value::Raw(Bytes::from(owned.set.to_fields_v1())),
                );
                if !id.subresource.is_empty() {
                    set("subresource", Value::String(id.subresource.clone()));
                }
                Value::Record(record)
            })
            .collect();
        metadata.set(index, Value::List(list));
    }

    /// Takes from `manager` what nobody owns: identity and what the server sets.
    pub(super) fn strip(&mut self, manager: &Manager) {
        let Some(owned) = self.managers.get_mut(manager) else {
            return;
        };
        static NOBODYS: OnceLock<Set> = OnceLock::new();
        let nobodys = NOBODYS.get_or_init(|| {
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
        });
        owned.set = std::mem::take(&mut owned.set).difference(nobodys);
        if owned.set.is_empty() {
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
                into.set = std::mem::take(&mut into.set).union(owned.set);
            }
            if let Some(time) = self.times.get(&id).copied() {
                self.times.insert(bucket, time);
            }
            left -= 1;
        }
    }
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
    let at = object.ty().field_index("metadata")?;
    match object.get_mut(at) {
        Some(Value::Record(metadata)) => Some(metadata),
        _ => None,
    }
}

pub(super) fn entries(object: &Record) -> Option<&[Value]> {
    object
        .get_by_name("metadata")?
        .as_record()?
        .get_by_name("managedFields")?
        .as_list()
}

fn entries_mut(object: &mut Record) -> Option<&mut Vec<Value>> {
    let metadata = metadata_mut(object)?;
    let at = metadata.ty().field_index("managedFields")?;
    match metadata.get_mut(at) {
        Some(Value::List(entries)) => Some(entries),
        _ => None,
    }
}

pub(super) fn take_entries(object: &mut Record) {
    if let Some(metadata) = metadata_mut(object)
        && let Some(at) = metadata.ty().field_index("managedFields")
    {
        metadata.remove(at);
    }
}

fn entry_type(metadata: &Record) -> Option<(usize, TypeRef)> {
    let index = metadata.ty().field_index("managedFields")?;
    match &metadata.ty().fields[index].ty {
        FieldType::List(element) => match &**element {
            FieldType::Object(ty) => Some((index, ty.clone())),
            _ => None,
        },
        _ => None,
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
    let uid = object
        .get_by_name("metadata")
        .and_then(Value::as_record)
        .and_then(|metadata| metadata.get_by_name("uid"));
    uid.and_then(Value::as_str)
        .is_some_and(|uid| !uid.is_empty())
}
