//! Create.

use std::sync::Arc;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::object_meta::{Scope, validate_create};
use pintle_runtime::status::{ApiError, RetryAfter};
use pintle_runtime::value::Record;
use pintle_storage::{Expect, StorageError};

use super::metadata::Found;
use super::{Duty, Store, Written, metadata};
use crate::admission::{Attributes, Operation};
use crate::allocation::Claim;
use crate::cache::{Draft, Object};
use crate::context::RequestContext;
use crate::metadata::Metadata;
use crate::permit::Permit;
use crate::strategy::Generation;

/// How many generated names are tried before the client is told to try again.
const ATTEMPTS: usize = 8;

impl Store {
    /// Makes a new object of `new`, which is in the version of this store.
    ///
    /// # Errors
    /// 400 for another namespace than the request's, 409 if the name is taken, 422 if the object is
    /// not valid, and what the strategy says.
    pub async fn create(
        &self,
        _permit: &Permit,
        cx: &RequestContext,
        new: Record,
    ) -> Result<Written, ApiError> {
        let read = Metadata::of(&new);
        if read.generate_name().is_empty() || !read.name().is_empty() {
            return self.create_once(cx, new, Duty::Store).await;
        }
        for _ in 1..ATTEMPTS {
            match self.create_once(cx, new.clone(), Duty::Store).await {
                Err(ApiError::AlreadyExists(_)) => {}
                result => return result,
            }
        }
        self.create_once(cx, new, Duty::Store).await
    }

    pub(super) async fn create_once(
        &self,
        cx: &RequestContext,
        new: Record,
        books: Duty,
    ) -> Result<Written, ApiError> {
        let mut hub = self.begin_create(cx, new, books).await?;
        if let Some(check) = self.strategy.check_rights(cx, &hub, None) {
            check.await?;
        }
        let claim = match self.strategy.allocation() {
            Some(allocation) => allocation.begin_create(cx, &mut hub).await?,
            None => Claim::nothing(),
        };
        let result = self.put_new(cx, hub, books).await;
        match &result {
            Ok(_) => claim.keep().await,
            Err(error) => claim.fail(error).await,
        }
        result
    }

    /// Writes a new object that has what it shares with others.
    async fn put_new(
        &self,
        cx: &RequestContext,
        hub: Record,
        books: Duty,
    ) -> Result<Written, ApiError> {
        let mut hub = self.prepare_create(cx, hub).await?;
        let read = Metadata::of(&hub);
        let (name, generated) = (read.name().to_owned(), !read.generate_name().is_empty());
        loop {
            let draft = Draft::new(self.forms(), &hub)?;
            if cx.dry_run {
                if let Some(existing) = self.find_newest(draft.key()).await? {
                    return Err(self.exists(&name, generated, Some(&existing.record()?)));
                }
                return Ok(Written {
                    object: Object::new(Arc::new(draft.unwritten()), self.version),
                    created: true,
                });
            }
            let stored = self.forms().encode_stored(&hub)?;
            let key = self.cache.storage_key(draft.key());
            let lease = self.strategy.time_to_live(&hub);
            let draft = draft.with_stored(stored.clone()).with_record(hub);
            let announcement = self.cache.announce(&stored, draft);
            let put = self
                .storage
                .put(&key, Expect::Absent, stored.clone(), lease);
            match put.await {
                Ok(revision) => {
                    let object = Object::new(announcement.written(revision), self.version);
                    return Ok(Written {
                        object,
                        created: true,
                    });
                }
                Err(StorageError::Exists { current }) => {
                    let existing = self.forms().decode_stored(&current.value).ok();
                    return Err(self.exists(&name, generated, existing.as_ref()));
                }
                Err(error) => hub = self.smaller(&stored, books, error)?,
            }
        }
    }

    /// From what the client sent to the hub form, with the server's metadata: the first half of a create.
    async fn begin_create(
        &self,
        cx: &RequestContext,
        mut new: Record,
        books: Duty,
    ) -> Result<Record, ApiError> {
        self.forms().form(self.version).name(&mut new);
        metadata::wipe(&mut metadata::of(&mut new)?);
        self.strategy.default(&mut new);
        if books == Duty::Store {
            metadata::name_owners_once(cx, &mut metadata::of(&mut new)?, Found::Sent);
            self.manage_fields(cx, &mut new, None);
        }
        let mut hub = self.forms().to_hub(new, self.version)?;
        let expected = if self.row.namespaced {
            cx.namespace.as_str()
        } else {
            ""
        };
        let mut metadata = metadata::of(&mut hub)?;
        metadata::agree_on_namespace(&mut metadata, expected)?;
        if self.interested().cares(Operation::Create) {
            let attributes = self.creation(&hub, expected);
            self.interested()
                .mutate(cx, &attributes, Some(&mut hub))
                .await?;
        }
        let mut metadata = metadata::of(&mut hub)?;
        metadata::name_owners_once(cx, &mut metadata, Found::Admitted);
        metadata::initialize(cx, &mut metadata);
        metadata.set_generation(match self.strategy.traits().generation {
            Generation::Never | Generation::AllButStatusFromNone => metadata.read().generation(),
            _ => 1,
        });
        Ok(hub)
    }

    /// From there to what is written: the second half.
    async fn prepare_create(
        &self,
        cx: &RequestContext,
        mut hub: Record,
    ) -> Result<Record, ApiError> {
        let mut metadata = metadata::of(&mut hub)?;
        let has_revision = !matches!(metadata.read().resource_version(), "" | "0");
        metadata.set_resource_version("");
        self.strategy.prepare_for_create(cx, &mut hub);
        self.forms().normalize(&mut hub);
        self.check_create(cx, &hub)?;
        for warning in self.strategy.warnings(cx, &hub, None) {
            cx.warn(warning);
        }
        self.strategy.canonicalize(&mut hub);
        if self.interested().cares(Operation::Create) {
            let namespace = if self.row.namespaced {
                cx.namespace.as_str()
            } else {
                ""
            };
            let attributes = self.creation(&hub, namespace);
            self.interested()
                .validate(cx, &attributes, Some(&hub))
                .await?;
        }
        if has_revision {
            return Err(ApiError::unknown(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        Ok(hub)
    }

    fn creation<'a>(&'a self, hub: &Record, namespace: &'a str) -> Attributes<'a> {
        Attributes::create(&self.row, &self.subresource, namespace, hub)
    }

    fn check_create(&self, cx: &RequestContext, hub: &Record) -> Result<(), ApiError> {
        let mut errors = ErrorList::new();
        let scope = if self.row.namespaced {
            Scope::Namespaced
        } else {
            Scope::Cluster
        };
        let names = self.strategy.traits().name;
        let read = ObjectMeta::from_record(metadata::record(hub)?);
        validate_create(read, scope, names, &Path::new("metadata"), &mut errors);
        self.strategy.validate_metadata(read, &mut errors);
        errors.extend(self.strategy.validate(cx, hub));
        if errors.is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid(
            &self.kind,
            Metadata::of(hub).name(),
            &errors,
        ))
    }

    fn exists(&self, name: &str, generated: bool, existing: Option<&Record>) -> ApiError {
        let error = if generated {
            ApiError::generate_name_conflict(&self.resource, name, RetryAfter::SOON)
        } else {
            ApiError::already_exists(&self.resource, name)
        };
        match existing {
            Some(existing) if Metadata::of(existing).deletion_timestamp().is_some() => {
                let message = format!("object is being deleted: {error}");
                error.with_message(message)
            }
            _ => error,
        }
    }
}
