//! Update, and everything that is one: patch, apply, subresources.

use std::sync::Arc;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::fields::keep_times_if_same;
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::meta::{METADATA, ObjectMeta};
use pintle_runtime::object_meta::{validate_update, validate_well_formed};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_storage::{Expect, StorageError};

use super::metadata::Found;
use super::{Store, metadata};
use crate::admission::{Attributes, Operation};
use crate::allocation::Claim;
use crate::cache::{Draft, Entry, Object, Version};
use crate::context::RequestContext;
use crate::delete_options::Preconditions;
use crate::list_options::parse_resource_version;
use crate::metadata::{Metadata, MetadataMut};
use crate::permit::Permit;
use crate::strategy::{Generation, Look};

/// What a write ended in.
#[derive(Clone, Debug)]
pub struct Written {
    /// The object as it is now, or would be after a dry run; its last state if the update took away
    /// what held it.
    pub object: Object,
    /// It was not there before.
    pub created: bool,
}

/// How an update treats what it finds.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What the existing object must be.
    pub preconditions: Preconditions,
    /// An object that is not there is created, whatever the kind's rule is: apply.
    pub creates: bool,
    /// Who keeps the books of who set what: the maker of an apply does, and its object brings them.
    pub books: Duty,
    /// Who asks admission: the maker does where that sees something else than the object.
    pub admission: Duty,
}

/// Who does a part of a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duty {
    /// The store, as in most writes.
    #[default]
    Store,
    /// Whoever makes the new object.
    Maker,
}

/// The object that a change begins with.
#[derive(Clone, Copy, Debug)]
pub struct Existing<'a> {
    /// It in the version of the store.
    pub record: &'a Record,
    /// It as it is kept, with its JSON.
    pub object: &'a Object,
}

/// What the old object and a change make.
enum Next {
    /// The same object: nothing is written.
    Same,
    /// This object.
    Write { draft: Draft, hub: Record },
    /// Nothing holds the object any more: it is deleted, and this was its last state.
    Delete { draft: Draft },
}

impl Store {
    /// Replaces the object called `name` by `new`, which is in the version of this store.
    ///
    /// # Errors
    /// 400 for another name or namespace than the request's, 404, 409 if the client's revision or uid
    /// is not the object's, 422 if the object is not valid, and what the strategy says.
    pub async fn update(
        &self,
        permit: &Permit,
        cx: &RequestContext,
        name: &str,
        mut new: Record,
    ) -> Result<Written, ApiError> {
        self.agree(cx, name, &mut new)?;
        metadata::name_owners_once(cx, &mut metadata::of(&mut new)?, Found::Sent);
        let uid = Metadata::of(&new).uid();
        let uid = (!uid.is_empty()).then(|| uid.to_owned());
        let change = Change {
            preconditions: Preconditions {
                uid,
                resource_version: None,
            },
            ..Change::default()
        };
        // An object that names a revision is computed once; without one it may have to be again.
        let is_blind = matches!(Metadata::of(&new).resource_version(), "" | "0");
        let mut given = Some(new);
        let make = |_: Option<&Record>| {
            let again = if is_blind {
                given.clone()
            } else {
                given.take()
            };
            again.ok_or_else(|| ApiError::modified(&self.resource, name))
        };
        self.update_with(permit, cx, name, &change, make).await
    }

    /// Replaces the object called `name` by what `make` makes of it, both in the version of this
    /// store. `make` gets `None` if the object is not there and may be created.
    ///
    /// Where someone else writes meanwhile, `make` is asked again with the newer object. If the object
    /// that it makes names a revision, that has to be the one of the object that it got.
    ///
    /// # Errors
    /// Those of `make` and those of [`Store::update`].
    pub async fn update_with(
        &self,
        permit: &Permit,
        cx: &RequestContext,
        name: &str,
        change: &Change,
        mut make: impl FnMut(Option<&Record>) -> Result<Record, ApiError> + Send,
    ) -> Result<Written, ApiError> {
        let make = |existing: Option<Existing<'_>>| make(existing.map(|existing| existing.record));
        self.update_from(permit, cx, name, change, make).await
    }

    /// The same for who wants more of the existing object than its record.
    ///
    /// # Errors
    /// Those of `make` and those of [`Store::update`].
    pub async fn update_from(
        &self,
        _permit: &Permit,
        cx: &RequestContext,
        name: &str,
        change: &Change,
        mut make: impl FnMut(Option<Existing<'_>>) -> Result<Record, ApiError> + Send,
    ) -> Result<Written, ApiError> {
        let key = self.key(cx, name)?;
        loop {
            let Some(entry) = self.find(&key).await? else {
                if !self.strategy.traits().create_on_update && !change.creates {
                    return Err(self.not_found(name));
                }
                self.check_preconditions(name, &key, &change.preconditions, "", "")?;
                let mut new = make(None)?;
                self.agree(cx, name, &mut new)?;
                match self
                    .create_once(cx, without_revision(new), change.books)
                    .await
                {
                    // Someone else created it in between, so there is something to update now.
                    Err(ApiError::AlreadyExists(_))
                        if !cx.dry_run && self.find_newest(&key).await?.is_some() =>
                    {
                        continue;
                    }
                    result => return result,
                }
            };
            match self
                .update_existing(cx, name, &key, change, &mut make, &entry)
                .await
            {
                Ok(Some(written)) => return Ok(written),
                Ok(None) => {}
                // The reason may be an old one.
                Err(error) if self.is_newest(&entry).await? => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// One attempt, which begins with `entry`; `None` if that is no longer the newest.
    async fn update_existing(
        &self,
        cx: &RequestContext,
        name: &str,
        key: &str,
        change: &Change,
        make: &mut (impl FnMut(Option<Existing<'_>>) -> Result<Record, ApiError> + Send),
        entry: &Arc<Entry>,
    ) -> Result<Option<Written>, ApiError> {
        let version = entry.revision().to_string();
        self.check_preconditions(name, key, &change.preconditions, entry.uid(), &version)?;
        let old = entry.record()?;
        let converted;
        let seen = if self.version == Version::HUB {
            &old
        } else {
            converted = self.forms().from_hub(old.clone(), self.version)?;
            &converted
        };
        let object = Object::new(Arc::clone(entry), self.version);
        let existing = Existing {
            record: seen,
            object: &object,
        };
        let mut new = make(Some(existing))?;
        self.agree(cx, name, &mut new)?;
        self.forms().form(self.version).name(&mut new);
        self.strategy.default(&mut new);
        if change.books == Duty::Store {
            self.manage_fields(cx, &mut new, Some(seen));
        }
        let mut hub = self
            .begin_update(cx, name, new, entry, &old, change.admission)
            .await?;
        if let Some(check) = self.strategy.check_rights(cx, &hub, Some(&old)) {
            check.await?;
        }
        let claim = match self.strategy.allocation() {
            Some(allocation) => allocation.begin_update(cx, &mut hub, &old).await?,
            None => Claim::nothing(),
        };
        let result = match self
            .prepare_update(cx, hub, entry, &old, change.admission)
            .await
        {
            Ok(next) => self.write(cx, next, entry, change.books).await,
            Err(error) => Err(error),
        };
        match &result {
            Ok(Some(_)) => claim.keep().await,
            Ok(None) => claim.give_back().await,
            Err(error) => claim.fail(error).await,
        }
        result
    }

    /// Writes an object that was computed from `entry`, unless it is the same; `None` if `entry` is no
    /// longer the newest.
    pub(super) async fn write_draft(
        &self,
        cx: &RequestContext,
        draft: Draft,
        hub: Record,
        entry: &Arc<Entry>,
    ) -> Result<Option<Written>, ApiError> {
        let next = if draft.is_same_as(entry) {
            Next::Same
        } else {
            Next::Write { draft, hub }
        };
        self.write(cx, next, entry, Duty::Maker).await
    }

    /// Writes what was computed from `entry`; `None` if that is no longer the newest.
    async fn write(
        &self,
        cx: &RequestContext,
        next: Next,
        entry: &Arc<Entry>,
        books: Duty,
    ) -> Result<Option<Written>, ApiError> {
        let written = |entry| {
            Some(Written {
                object: Object::new(entry, self.version),
                created: false,
            })
        };
        let key = self.cache.storage_key(entry.key());
        let next = match next {
            Next::Same if !cx.dry_run && self.is_stale(&key).await? => {
                let mut hub = entry.record()?;
                metadata::of(&mut hub)?.set_resource_version("");
                let draft = Draft::new(self.forms(), &hub)?;
                Next::Write { draft, hub }
            }
            next => next,
        };
        let result = match next {
            Next::Same | Next::Write { .. } | Next::Delete { .. }
                if (cx.dry_run || matches!(next, Next::Same)) && !self.is_newest(entry).await? =>
            {
                return Ok(None);
            }
            Next::Same => return Ok(written(Arc::clone(entry))),
            Next::Write { draft, .. } | Next::Delete { draft } if cx.dry_run => {
                return Ok(written(Arc::new(draft.at(entry.revision()))));
            }
            Next::Write { mut draft, mut hub } => loop {
                let stored = self.forms().encode_stored(&hub)?;
                let lease = self.strategy.time_to_live(&hub);
                let known = draft.with_stored(stored.clone()).with_record(hub);
                let announcement = self.cache.announce(&stored, known);
                let put =
                    self.storage
                        .put(&key, Expect::At(entry.revision()), stored.clone(), lease);
                match put.await {
                    Err(error @ StorageError::TooLarge { .. }) => {
                        hub = self.smaller(&stored, books, error)?;
                        draft = Draft::new(self.forms(), &hub)?;
                    }
                    put => break put.map(|revision| written(announcement.written(revision))),
                }
            },
            // The answer is the last state, at the revision that it was computed from.
            Next::Delete { draft } => {
                let delete = self.storage.delete(&key, entry.revision()).await;
                if delete.is_ok() {
                    self.after_delete(cx, entry).await?;
                }
                delete.map(|_| written(Arc::new(draft.at(entry.revision()))))
            }
        };
        match result {
            Ok(written) => Ok(written),
            Err(StorageError::Conflict { current, .. }) => {
                self.cache.progress().reach(current.mod_revision).await?;
                Ok(None)
            }
            Err(StorageError::NotFound { .. }) => {
                self.catch_up().await?;
                Ok(None)
            }
            Err(error) => Err(self.storage_error(error)),
        }
    }

    /// Waits until the cache has everything that the storage has now.
    pub(super) async fn catch_up(&self) -> Result<(), ApiError> {
        let revision = self
            .storage
            .current()
            .await
            .map_err(|error| self.storage_error(error))?;
        self.cache.progress().reach(revision).await
    }

    /// From what was made, with its books, to the hub form: the first half of an update.
    async fn begin_update(
        &self,
        cx: &RequestContext,
        name: &str,
        new: Record,
        entry: &Entry,
        old: &Record,
        admission: Duty,
    ) -> Result<Record, ApiError> {
        let mut hub = self.forms().to_hub(new, self.version)?;
        if admission == Duty::Store && self.interested().cares(Operation::Update) {
            let attributes = self.change(cx, old);
            self.interested()
                .mutate(cx, &attributes, Some(&mut hub))
                .await?;
        }
        metadata::name_owners_once(cx, &mut metadata::of(&mut hub)?, Found::Admitted);
        self.check_revision(name, Metadata::of(&hub), entry)?;
        metadata::of(&mut hub)?.set_generation(Metadata::of(old).generation());
        Ok(hub)
    }

    /// From there to what is written: the second half.
    async fn prepare_update(
        &self,
        cx: &RequestContext,
        mut hub: Record,
        entry: &Entry,
        old: &Record,
        admission: Duty,
    ) -> Result<Next, ApiError> {
        let old_metadata = Metadata::of(old);
        self.strategy.prepare_for_update(cx, &mut hub, old);
        let mut metadata = metadata::of(&mut hub)?;
        metadata::carry_over(&mut metadata, old_metadata);
        metadata.set_resource_version(entry.revision().to_string());
        metadata.clear_self_link();
        self.forms().normalize(&mut hub);
        if self.counts_as_change(&hub, old) {
            metadata::of(&mut hub)?.set_generation(old_metadata.generation() + 1);
        }
        self.check_update(cx, &hub, old)?;
        for warning in self.strategy.warnings(cx, &hub, Some(old)) {
            cx.warn(warning);
        }
        self.strategy.canonicalize(&mut hub);
        if admission == Duty::Store && self.interested().cares(Operation::Update) {
            let attributes = self.change(cx, old);
            self.interested()
                .validate(cx, &attributes, Some(&hub))
                .await?;
        }
        keep_times_if_same(old, &mut hub);
        metadata::of(&mut hub)?.set_resource_version("");
        let draft = Draft::new(self.forms(), &hub)?;
        Ok(if self.strategy.is_deleted_by_update(&hub, old) {
            Next::Delete { draft }
        } else if draft.is_same_as(entry) {
            Next::Same
        } else {
            Next::Write { draft, hub }
        })
    }

    fn change<'a>(&'a self, cx: &'a RequestContext, old: &'a Record) -> Attributes<'a> {
        let namespace = if self.row.namespaced {
            cx.namespace.as_str()
        } else {
            ""
        };
        let (row, subresource) = (&self.row, &self.subresource);
        Attributes::of_old(Operation::Update, row, subresource, namespace, old)
    }

    fn check_update(
        &self,
        cx: &RequestContext,
        hub: &Record,
        old: &Record,
    ) -> Result<(), ApiError> {
        let (new_metadata, old_metadata) = (metadata::record(hub)?, metadata::record(old)?);
        let (new_metadata, old_metadata) = (
            ObjectMeta::from_record(new_metadata),
            ObjectMeta::from_record(old_metadata),
        );
        let mut errors = self.check_metadata(new_metadata, old_metadata);
        errors.extend(self.strategy.validate_update(cx, hub, old));
        if errors.is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid(
            &self.kind,
            Metadata::of(hub).name(),
            &errors,
        ))
    }

    /// What is wrong with the metadata of a changed object. It is looked at for all kinds, and then by the kind: what
    /// is wrong is told as often as it is seen.
    fn check_metadata(&self, new: ObjectMeta<'_>, old: ObjectMeta<'_>) -> ErrorList {
        let path = Path::new("metadata");
        let (mut as_new, mut changes, mut own) =
            (ErrorList::new(), ErrorList::new(), ErrorList::new());
        validate_well_formed(new, &path, &mut as_new);
        validate_update(new, old, &path, &mut changes);
        self.strategy.validate_metadata(new, &mut own);
        if as_new.is_empty() && changes.is_empty() && own.is_empty() {
            return ErrorList::new();
        }
        let mut errors = as_new.clone();
        errors.extend(changes.clone());
        for look in self.strategy.looks() {
            errors.extend(match look {
                Look::AsNew => as_new.clone(),
                Look::AtChanges => changes.clone(),
            });
            errors.extend(own.clone());
        }
        errors
    }

    /// Has name and namespace be those of the request.
    fn agree(&self, cx: &RequestContext, name: &str, new: &mut Record) -> Result<(), ApiError> {
        let expected = if self.row.namespaced {
            cx.namespace.as_str()
        } else {
            ""
        };
        let mut metadata = metadata::of(new)?;
        metadata::agree_on_namespace(&mut metadata, expected)?;
        metadata::agree_on_name(metadata.read(), name)
    }

    /// Refuses a revision that is not the object's, or none where the kind wants one.
    fn check_revision(&self, name: &str, new: Metadata<'_>, entry: &Entry) -> Result<(), ApiError> {
        let given = parse_resource_version(new.resource_version()).map_err(ApiError::unknown)?;
        if given == 0 {
            if self.strategy.traits().unconditional_update {
                return Ok(());
            }
            let mut errors = ErrorList::new();
            errors.invalid(
                &Path::new("metadata.resourceVersion"),
                0,
                "must be specified for an update",
            );
            // Upstream puts the resource where the kind belongs.
            let kind = GroupKind::new(self.resource.group.clone(), self.resource.resource.clone());
            return Err(ApiError::invalid(&kind, name, &errors));
        }
        if given == entry.revision().0 {
            Ok(())
        } else {
            Err(ApiError::modified(&self.resource, name))
        }
    }

    /// Upstream's storage checks these, and its words name the storage's key.
    pub(super) fn check_preconditions(
        &self,
        name: &str,
        key: &str,
        required: &Preconditions,
        uid: &str,
        revision: &str,
    ) -> Result<(), ApiError> {
        let mismatch = |what: &str, required: &str, found: &str| {
            let key = self.cache.storage_key(key);
            let why = format!(
                "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
                 Precondition failed: {what} in precondition: {required}, {what} in object meta: {found}"
            );
            Err(ApiError::conflict(&self.resource, name, why))
        };
        match required {
            Preconditions {
                uid: Some(required),
                ..
            } if required != uid => mismatch("UID", required, uid),
            Preconditions {
                resource_version: Some(required),
                ..
            } if required != revision => mismatch("ResourceVersion", required, revision),
            _ => Ok(()),
        }
    }

    /// Whether the kind counts the change as a new generation.
    fn counts_as_change(&self, new: &Record, old: &Record) -> bool {
        let differs = |index: usize| {
            let (new, old) = (new.get(index), old.get(index));
            new != old && !(new.is_none_or(is_nothing) && old.is_none_or(is_nothing))
        };
        let ty = new.ty();
        let mut fields = 0..ty.fields.len();
        match self.strategy.traits().generation {
            Generation::Never | Generation::Fixed => false,
            Generation::Spec => ty.field_index("spec").is_some_and(differs),
            Generation::SpecOrAnnotations => {
                let annotations = |record| Metadata::of(record).annotations();
                ty.field_index("spec").is_some_and(differs)
                    || (self.subresource.is_empty() && !annotations(new).eq(annotations(old)))
            }
            Generation::AllButStatus | Generation::AllButStatusFromNone => {
                let status = ty.field_index("status");
                fields.any(|index| index > METADATA && Some(index) != status && differs(index))
            }
            Generation::AllAndLabels => {
                let labels = |object| Metadata::of(object).labels();
                fields.any(|index| index > METADATA && differs(index))
                    || !labels(new).eq(labels(old))
            }
        }
    }
}

/// What JSON can not tell from an absent field.
fn is_nothing(value: &pintle_runtime::value::Value) -> bool {
    value.is_empty() || value.as_record().is_some_and(Record::is_empty)
}

/// An update that creates names no revision to the create.
fn without_revision(mut new: Record) -> Record {
    if let Some(mut metadata) = MetadataMut::of(&mut new) {
        metadata.set_resource_version("");
    }
    new
}
