//! `metadata.managedFields` across a write.

use bytes::Bytes;

use crate::codec::{Problems, json};
use crate::text::Text;
use crate::time::Time;
use crate::value::{Map, Record, Value};

use super::atom::Lens;
use super::books::{Books, entries, has_uid, is_reset, metadata_mut, nobodys, take_entries};
use super::compare;
use super::element::PathElement;
use super::field_set;
use super::fields_v1::FieldsError;
use super::first;
use super::normal;
use super::typed::Config;
use super::update::{Conflict, Manager, Owned, Updater, Versions};

/// The annotation in which `kubectl apply` without `--server-side` keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Who takes over what was applied that way.
const KUBECTL: &str = "kubectl";

/// Keeps the books of one endpoint: a kind in one version, or a subresource of it.
pub struct FieldManager<'a> {
    /// The versions of the kind.
    pub versions: &'a (dyn Versions + Sync),
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

impl FieldManager<'_> {
    /// `manager` writes `new` over `live` (`None` for a create): brings `new`'s managed fields up to date.
    /// What the request says of them counts only if it is well-formed, and not through a subresource; an
    /// empty list, or one empty entry, makes the server forget.
    pub fn update(&self, live: Option<&Record>, new: &mut Record, manager: &str) {
        // The server has written those itself.
        let known = live.and_then(entries).unwrap_or_default();
        let live_books = || {
            live.and_then(|live| Books::read_after(known, live).ok())
                .unwrap_or_default()
        };
        let mut books = if !self.subresource.is_empty() {
            live_books()
        } else if is_reset(new) {
            Books::default()
        } else {
            match Books::read_after(known, new) {
                Ok(books) if !books.managers.is_empty() => books,
                _ => live_books(),
            }
        };
        take_entries(new);
        // An object that nobody kept books of stays so until it is applied to.
        match live {
            None if books.managers.is_empty() => self.record_create(new, &mut books, manager),
            Some(_) if books.managers.is_empty() => {}
            _ => self.record_update(live, new, &mut books, manager),
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
        config: &Config,
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
        let before = (manager == KUBECTL).then(|| books.clone());
        let updater = Updater::new(self.versions);
        let mut outcome = updater.apply(
            &bare,
            config,
            &self.version,
            &mut books.managers,
            &id,
            force,
        );
        if let (Err(conflicts), Some(before)) = (&mut outcome, before) {
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
        if manager == KUBECTL {
            renew_last_applied(&mut new, config.record());
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

    /// The same as [`Self::record_update`] where there is neither an object nor anybody else.
    fn record_create(&self, new: &Record, books: &mut Books, manager: &str) {
        let fields = first::fields(new, self.versions.reset_fields(&self.version), nobodys());
        let owned = Owned::trust(&fields, self.version.clone(), false);
        if !owned.is_empty() {
            let id = self.manager(manager, false);
            books.times.insert(id.clone(), self.now);
            books.managers.insert(id, owned);
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
                owned = before.and(owned.into_set());
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
        let differs = compare::records(&applied, &normal::normal(live), Lens::Plain);
        field_set::of_record(&applied)
            .difference(&differs.modified)
            .difference(&differs.added)
            .difference(&differs.removed)
            .paths()
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
