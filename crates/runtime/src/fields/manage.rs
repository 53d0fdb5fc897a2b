//! `metadata.managedFields` across a write.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::codec::{Problems, json};
use crate::schema::{FieldType, TypeRef};
use crate::text::Text;
use crate::time::Time;
use crate::value::{Map, Record, Value};

use super::compare;
use super::element::PathElement;
use super::field_set;
use super::fields_v1::FieldsError;
use super::normal;
use super::set::Set;
use super::update::{Conflict, Manager, Managers, Owned, Updater, Versions};

/// The annotation in which `kubectl apply` without `--server-side` keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Update entries beyond this many are merged, oldest first.
const MAX_UPDATERS: usize = 10;

/// Keeps the books of one endpoint: a kind in one version, or a subresource of it.
pub struct FieldManager<'a> {
    /// The versions of the kind.
    pub versions: &'a dyn Versions,
    /// `apiVersion` of the request.
    pub version: Text,
    /// The subresource written through, empty for the object itself.
    pub subresource: Text,
    /// The time of entries that this write changes.
    pub now: Time,
}

/// Why an apply failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Others own what it sets.
    #[error("Apply failed with {} conflict{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Conflicts(Vec<Conflict>),
    /// The books of the live object cannot be read.
    #[error("failed to decode managed fields")]
    ManagedFields(#[from] FieldsError),
}

#[derive(Debug, Default, Clone)]
struct Books {
    managers: Managers,
    times: BTreeMap<Manager, Time>,
}

impl FieldManager<'_> {
    /// `manager` writes `new` over `live` (`None` for a create): brings `new`'s managed fields up to date.
    /// What the request says of them counts only if it is well-formed, and not through a subresource; an
    /// empty list, or one empty entry, makes the server forget.
    pub fn update(&self, live: Option<&Record>, new: &mut Record, manager: &str) {
        let live_books = || {
            live.and_then(|live| Books::read(live).ok())
                .unwrap_or_default()
        };
        let mut books = if !self.subresource.is_empty() {
            live_books()
        } else if is_reset(new) {
            Books::default()
        } else {
            match Books::read(new) {
                Ok(books) if !books.managers.is_empty() => books,
                _ => live_books(),
            }
        };
        take_entries(new);
        // An object that nobody kept books of stays so until it is applied to.
        if live.is_none() || !books.managers.is_empty() {
            self.record_update(live, new, &mut books, manager);
        }
        books.write(new);
    }

    /// `manager` applies `config` to `live` and gives the object with its books; the object is as `live`, times
    /// included, if nothing changed.
    ///
    /// # Errors
    /// [`ApplyError::Conflicts`] unless `force`.
    pub fn apply(
        &self,
        live: &Record,
        config: &Record,
        manager: &str,
        force: bool,
    ) -> Result<Record, ApplyError> {
        let mut books = Books::read(live)?;
        let mut bare = live.clone();
        take_entries(&mut bare);
        if books.managers.is_empty() && has_uid(live) {
            self.record_update(None, &bare, &mut books, "before-first-apply");
        }
        let id = self.manager(manager, true);
        let before = books.clone();
        let updater = Updater::new(self.versions);
        let mut outcome = updater.apply(
            &bare,
            config,
            &self.version,
            &mut books.managers,
            &id,
            force,
        );
        if let (Err(conflicts), "kubectl") = (&mut outcome, manager) {
            let allowed = self.last_applied(&bare);
            conflicts.retain(|conflict| !allowed.contains(&conflict.path));
            if conflicts.is_empty() {
                books = before;
                outcome =
                    updater.apply(&bare, config, &self.version, &mut books.managers, &id, true);
            }
        }
        let mut new = match outcome.map_err(ApplyError::Conflicts)? {
            Some(new) => {
                books.times.insert(id.clone(), self.now);
                new
            }
            None => bare,
        };
        books.strip(&id);
        if manager == "kubectl" {
            renew_last_applied(&mut new, config);
        }
        books.write(&mut new);
        Ok(new)
    }

    fn manager(&self, name: &str, applied: bool) -> Manager {
        let name = if name.is_empty() { "unknown" } else { name };
        Manager {
            applied,
            name: name.to_owned().into(),
            version: if applied {
                Text::default()
            } else {
                self.version.clone()
            },
            subresource: self.subresource.clone(),
        }
    }

    fn record_update(&self, live: Option<&Record>, new: &Record, books: &mut Books, manager: &str) {
        // A name that no request can have: what this operation changed, before it joins its manager's entry.
        let operation = Manager {
            name: "\0".into(),
            ..Manager::default()
        };
        Updater::new(self.versions).update(
            live,
            new,
            &self.version,
            &mut books.managers,
            &operation,
        );
        books.strip(&operation);
        if let Some(mut owned) = books.managers.remove(&operation) {
            let id = self.manager(manager, false);
            if let Some(before) = books.managers.remove(&id) {
                owned.set = owned.set.union(before.set);
            }
            books.managers.insert(id.clone(), owned);
            books.times.insert(id, self.now);
        }
        books.cap();
    }

    /// The paths that `kubectl apply` set and that still have its values.
    fn last_applied(&self, live: &Record) -> Vec<Vec<PathElement>> {
        let text = live
            .get_by_name("metadata")
            .and_then(Value::as_record)
            .and_then(|metadata| {
                metadata
                    .get_by_name("annotations")?
                    .as_map()?
                    .get(LAST_APPLIED)?
                    .as_str()
            });
        let Some(Ok(applied)) = text.map(|text| {
            json::decode(
                live.type_ref(),
                &Bytes::copy_from_slice(text.as_bytes()),
                &mut Problems::ignored(),
            )
        }) else {
            return Vec::new();
        };
        if applied.get_by_name("apiVersion").and_then(Value::as_str) != Some(&self.version) {
            return Vec::new();
        }
        let differs = compare::records(&applied, &normal::normal(live));
        field_set::of_record(&applied)
            .difference(&differs.modified)
            .difference(&differs.added)
            .difference(&differs.removed)
            .paths()
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

impl Books {
    fn read(object: &Record) -> Result<Self, FieldsError> {
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

    fn write(&self, object: &mut Record) {
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
    fn strip(&mut self, manager: &Manager) {
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
    fn cap(&mut self) {
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

/// Rewrites the annotation of client-side apply, where there is one, to what was applied now.
fn renew_last_applied(object: &mut Record, config: &Record) {
    let Some(metadata) = metadata_mut(object) else {
        return;
    };
    let Some(at) = metadata.ty().field_index("annotations") else {
        return;
    };
    let Some(Value::Map(annotations)) = metadata.get_mut(at) else {
        return;
    };
    if annotations
        .get(LAST_APPLIED)
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return;
    }
    let mut config = config.clone();
    if let Some(metadata) = metadata_mut(&mut config)
        && let Some(Value::Map(annotations)) = metadata.get_mut(at)
    {
        annotations.remove(LAST_APPLIED);
    }
    // Unstructured JSON: keys sorted, what was given and nothing else.
    let mut text = Vec::new();
    json::encode_value(&open(&Value::Record(config)), &mut text);
    text.push(b'\n');
    annotations.insert(
        LAST_APPLIED,
        Value::String(String::from_utf8_lossy(&text).into_owned().into()),
    );
}

/// A value without its tables.
fn open(value: &Value) -> Value {
    match value {
        Value::Record(record) => Value::Map(
            record
                .iter()
                .map(|(_, field, value)| (Text::from(field.name.to_string()), open(value)))
                .collect::<Map>(),
        ),
        Value::List(items) => Value::List(items.iter().map(open).collect()),
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|(key, value)| (key.clone(), open(value)))
                .collect::<Map>(),
        ),
        _ => value.clone(),
    }
}

fn metadata_mut(object: &mut Record) -> Option<&mut Record> {
    let at = object.ty().field_index("metadata")?;
    match object.get_mut(at) {
        Some(Value::Record(metadata)) => Some(metadata),
        _ => None,
    }
}

fn entries(object: &Record) -> Option<&[Value]> {
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

fn take_entries(object: &mut Record) {
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

fn is_reset(object: &Record) -> bool {
    match entries(object) {
        Some([]) => true,
        Some([Value::Record(only)]) => only.is_empty(),
        _ => false,
    }
}

fn has_uid(object: &Record) -> bool {
    let uid = object
        .get_by_name("metadata")
        .and_then(Value::as_record)
        .and_then(|metadata| metadata.get_by_name("uid"));
    uid.and_then(Value::as_str)
        .is_some_and(|uid| !uid.is_empty())
}
