//! Delete: at once, later, or when nothing holds the object any more.

use std::sync::Arc;

use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::{ApiError, Status};
use pintle_runtime::value::Record;
use pintle_storage::{Expect, StorageError};

use super::{Store, finalizers, gone, metadata};
use crate::admission::{Attributes, Operation};
use crate::cache::{Draft, Entry, Object};
use crate::context::RequestContext;
use crate::delete_options::DeleteOptions;
use crate::metadata::Metadata;
use crate::permit::Permit;
use crate::strategy::Hold;

/// What a delete ended in.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// The object is still there: something holds it, or its time has not come.
    Kept(Object),
    /// The object is gone, and this was its last state: for kinds that answer with it.
    Gone(Object),
    /// The object is gone: for kinds that say only that. Also the answer to a delete that was asked
    /// for before and is still going on, where the kind answers so.
    Status(Box<Status>, Object),
}

impl Deleted {
    /// The object in its last state.
    pub fn object(&self) -> &Object {
        match self {
            Self::Kept(object) | Self::Gone(object) | Self::Status(_, object) => object,
        }
    }

    /// Whether the object is still there.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}

/// What the first step of a delete is.
enum Step {
    /// It was asked for before, and goes on.
    Pending,
    /// The object says from now on that it is being deleted; then it goes, or stays until it may.
    Mark { hub: Record, then_delete: bool },
    /// It goes at once.
    Delete,
}

/// When an object goes.
enum Timing {
    /// Its time runs already.
    Pending,
    /// Its time has been set, in the record; so many seconds.
    Set(i64),
    /// Now, unless finalizers hold it.
    Now,
}

impl Store {
    /// Deletes the object called `name`, or begins to.
    ///
    /// # Errors
    /// 404, 409 if the object is not what the preconditions say, 422 for options that do not go
    /// together, and what the strategy says.
    pub async fn delete(
        &self,
        _permit: &Permit,
        cx: &RequestContext,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        self.strategy.on_delete(cx, options);
        self.strategy.check_deletion(name)?;
        let key = self.key(cx, name)?;
        let Some(entry) = self.find_newest(&key).await? else {
            return Err(self.not_found(name));
        };
        self.delete_entry(cx, entry, options).await
    }

    pub(super) async fn delete_entry(
        &self,
        cx: &RequestContext,
        entry: Arc<Entry>,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        options.validate()?;
        let dry_run = cx.dry_run || options.is_dry_run();
        let (key, name) = (entry.key().to_owned(), entry.name().to_owned());
        let mut entry = entry;
        loop {
            let old = entry.record()?;
            self.check_delete_preconditions(&entry, options)?;
            self.admit_deletion(cx, &old, options).await?;
            match self.first_step(cx, old, options)? {
                Step::Pending => return Ok(self.answer(&entry)),
                Step::Delete if dry_run => return Ok(self.answer(&entry)),
                Step::Delete => {
                    if let Some(last) = self.remove(cx, &entry).await? {
                        return Ok(self.answer(&last));
                    }
                }
                Step::Mark { hub, then_delete } => {
                    let draft = Draft::new(self.forms(), &hub)?;
                    let marked = if dry_run {
                        Some(Arc::new(draft.at(entry.revision())))
                    } else {
                        self.mark(&entry, draft, hub).await?
                    };
                    match marked {
                        Some(marked) if !then_delete => {
                            return Ok(Deleted::Kept(Object::new(marked, self.version)));
                        }
                        Some(marked) if dry_run => return Ok(self.answer(&marked)),
                        Some(marked) => match self.remove(cx, &marked).await? {
                            Some(last) => return Ok(self.answer(&last)),
                            // Whoever was faster has deleted it, or changed it and it is tried again.
                            None if self.cache.get(&key).is_none() => {
                                return Ok(self.answer(&marked));
                            }
                            None => {}
                        },
                        None => {}
                    }
                }
            }
            entry = self.cache.get(&key).ok_or_else(|| self.not_found(&name))?;
        }
    }

    /// Has both passes of admission look at the object that is to be deleted.
    async fn admit_deletion(
        &self,
        cx: &RequestContext,
        old: &Record,
        options: &DeleteOptions,
    ) -> Result<(), ApiError> {
        let interested = self.interested();
        if !interested.cares(Operation::Delete) {
            return Ok(());
        }
        let namespace = Metadata::of(old).namespace();
        let (row, subresource) = (&self.row, &self.subresource);
        let attributes = Attributes::of_old(Operation::Delete, row, subresource, namespace, old)
            .with_delete_options(options);
        interested.mutate(cx, &attributes, None).await?;
        interested.validate(cx, &attributes, None).await
    }

    fn first_step(
        &self,
        cx: &RequestContext,
        old: Record,
        options: &DeleteOptions,
    ) -> Result<Step, ApiError> {
        let mut hub = old;
        if self.strategy.hold(cx, &mut hub) == Hold::Kept {
            unversioned(&mut hub)?;
            return Ok(Step::Mark {
                hub,
                then_delete: false,
            });
        }
        let timing = self.timing(cx, &mut hub, options)?;
        if matches!(timing, Timing::Pending) {
            return Ok(Step::Pending);
        }
        let default = self.strategy.default_garbage_collection(cx, &hub);
        let changed = finalizers::on_deletion(Metadata::of(&hub), options, default);
        let mut metadata = metadata::of(&mut hub)?;
        if let Some(changed) = changed {
            metadata.set_finalizers(changed);
        }
        let is_held = metadata.read().finalizers().next().is_some();
        match timing {
            Timing::Set(seconds) => {
                unversioned(&mut hub)?;
                Ok(Step::Mark {
                    hub,
                    then_delete: !is_held && seconds == 0,
                })
            }
            _ if is_held => {
                let now = cx.now().truncate_to_seconds();
                let begun = metadata.read().deletion_timestamp();
                if begun.is_none() && metadata.read().generation() > 0 {
                    let generation = metadata.read().generation() + 1;
                    metadata.set_generation(generation);
                }
                if begun.is_none_or(|begun| begun > now) {
                    metadata.set_deletion_timestamp(Some(now));
                }
                metadata.set_deletion_grace_period(Some(0));
                unversioned(&mut hub)?;
                Ok(Step::Mark {
                    hub,
                    then_delete: false,
                })
            }
            _ => Ok(Step::Delete),
        }
    }

    /// When the object goes. A time that is set is written into `hub`.
    fn timing(
        &self,
        cx: &RequestContext,
        hub: &mut Record,
        options: &DeleteOptions,
    ) -> Result<Timing, ApiError> {
        // A negative grace is one second.
        let at_least = |seconds: i64| if seconds < 0 { 1 } else { seconds };
        let requested = options.grace_period_seconds.map(at_least);
        let options = DeleteOptions {
            grace_period_seconds: requested,
            ..options.clone()
        };
        let grace = self.strategy.graceful_deletion(cx, hub, &options);
        let now = cx.now().truncate_to_seconds();
        let mut metadata = metadata::of(hub)?;
        let Some(begun) = metadata.read().deletion_timestamp() else {
            let Some(grace) = grace else {
                return Ok(Timing::Now);
            };
            metadata.set_deletion_timestamp(Some(now.plus_seconds(grace.seconds)));
            metadata.set_deletion_grace_period(Some(grace.seconds));
            let generation = metadata.read().generation();
            metadata.set_generation(if generation > 0 { generation + 1 } else { 0 });
            return Ok(Timing::Set(grace.seconds));
        };
        if grace.is_none() && !self.strategy.is_graceful() {
            return Ok(Timing::Now);
        }
        let running = match metadata.read().deletion_grace_period().map(at_least) {
            None | Some(0) => return Ok(Timing::Now),
            Some(running) => running,
        };
        // The time that runs can be shortened and nothing else.
        let Some(shorter) = requested.filter(|requested| *requested < running) else {
            return Ok(Timing::Pending);
        };
        let end = begun.plus_seconds(shorter - running);
        let (end, shorter) = if end < now {
            (now, shorter.min(1))
        } else {
            (end, shorter)
        };
        metadata.set_deletion_timestamp(Some(end));
        metadata.set_deletion_grace_period(Some(shorter));
        Ok(Timing::Set(shorter))
    }

    /// Writes that the object is being deleted; `None` if it is no longer as it was.
    async fn mark(
        &self,
        entry: &Arc<Entry>,
        draft: Draft,
        hub: Record,
    ) -> Result<Option<Arc<Entry>>, ApiError> {
        if draft.is_same_as(entry) {
            return Ok(Some(Arc::clone(entry)));
        }
        let stored = self.forms().encode_stored(&hub)?;
        let lease = self.strategy.time_to_live(&hub);
        let key = self.cache.storage_key(entry.key());
        let draft = draft.with_stored(stored.clone()).with_record(hub);
        let announcement = self.cache.announce(&stored, draft);
        match self
            .storage
            .put(&key, Expect::At(entry.revision()), stored, lease)
            .await
        {
            Ok(revision) => Ok(Some(announcement.written(revision))),
            Err(error) => self.lost_race(error).await.map(|()| None),
        }
    }

    /// Takes the object away; `None` if it is no longer as it was.
    async fn remove(
        &self,
        cx: &RequestContext,
        entry: &Arc<Entry>,
    ) -> Result<Option<Arc<Entry>>, ApiError> {
        let key = self.cache.storage_key(entry.key());
        match self.storage.delete(&key, entry.revision()).await {
            Ok(revision) => {
                self.after_delete(cx, entry).await?;
                Ok(Some(Arc::new(entry.at(revision))))
            }
            Err(error) => self.lost_race(error).await.map(|()| None),
        }
    }

    /// Gives back what an object had that is gone.
    pub(super) async fn after_delete(
        &self,
        cx: &RequestContext,
        entry: &Entry,
    ) -> Result<(), ApiError> {
        if let Some(allocation) = self.strategy.allocation() {
            allocation.after_delete(cx, &entry.record()?).await;
        }
        Ok(())
    }

    /// Waits for the cache to have what someone else wrote in between.
    async fn lost_race(&self, error: StorageError) -> Result<(), ApiError> {
        match error {
            StorageError::Conflict { current, .. } => {
                self.cache.progress().reach(current.mod_revision).await
            }
            StorageError::NotFound { .. } => self.catch_up().await,
            error => Err(self.storage_error(error)),
        }
    }

    fn answer(&self, last: &Arc<Entry>) -> Deleted {
        let object = Object::new(Arc::clone(last), self.version);
        if self.strategy.traits().returns_deleted_object {
            return Deleted::Gone(object);
        }
        Deleted::Status(
            Box::new(gone(&self.resource, last.name(), last.uid())),
            object,
        )
    }

    fn check_delete_preconditions(
        &self,
        entry: &Entry,
        options: &DeleteOptions,
    ) -> Result<(), ApiError> {
        // Upstream puts the kind where the resource belongs.
        let conflict = |why: String| {
            let kind = GroupResource::new(self.kind.group.clone(), self.kind.kind.clone());
            Err(ApiError::conflict(&kind, entry.name(), why))
        };
        if let Some(uid) = options
            .preconditions
            .uid
            .as_deref()
            .filter(|uid| *uid != entry.uid())
        {
            return conflict(format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been \
                 deleted and then recreated",
                entry.uid()
            ));
        }
        let found = entry.revision().to_string();
        if let Some(version) = options
            .preconditions
            .resource_version
            .as_deref()
            .filter(|version| *version != found)
        {
            return conflict(format!(
                "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record \
                 ({found}). The object might have been modified"
            ));
        }
        Ok(())
    }
}

fn unversioned(hub: &mut Record) -> Result<(), ApiError> {
    metadata::of(hub)?.set_resource_version("");
    Ok(())
}
