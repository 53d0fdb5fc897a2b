//! What is particular to a resource. Everything else is the [`Store`](crate::store::Store)'s.

use std::time::Duration;

use futures_util::future::BoxFuture;
use pintle_runtime::field_path::ErrorList;
use pintle_runtime::meta::ObjectMeta;
pub use pintle_runtime::name::NameRule;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use crate::allocation::Allocation;
use crate::context::RequestContext;
use crate::delete_options::DeleteOptions;

/// What is particular to a resource.
///
/// Objects come in the hub form (see [`Forms`](crate::cache::Forms)). The hooks of a write run in the
/// order in which they stand here; that order is in one function of the store. Each has a meaning for
/// a resource with nothing particular, so a strategy says only what differs.
pub trait Strategy: Send + Sync {
    /// The rules that are facts and not code.
    fn traits(&self) -> &Traits;

    /// Canonical labels of the selectable fields by which lists and watches are looked up rather
    /// than searched, such as `spec.nodeName`.
    fn indexed_fields(&self) -> &[&str] {
        &[]
    }

    /// What is said of a field label that the kind does not know, where it is not what most say.
    fn unknown_field_label(&self, _label: &str) -> Option<String> {
        None
    }

    /// Fills in what the client left out. The object is in the version that it came in, from a
    /// client or from the storage.
    fn default(&self, _object: &mut Record) {}

    /// What objects take from a stock that they share with others, if they do. It comes first of all:
    /// before anything else is set or looked at.
    fn allocation(&self) -> Option<&dyn Allocation> {
        None
    }

    /// Clears and sets what is not the client's to say on a create. Metadata has been dealt with.
    fn prepare_for_create(&self, _cx: &RequestContext, _new: &mut Record) {}

    /// Clears and sets what is not the client's to say on an update: `status` on the main resource,
    /// `spec` on the status subresource.
    fn prepare_for_update(&self, _cx: &RequestContext, _new: &mut Record, _old: &Record) {}

    /// What else the kind asks of metadata, after the server has looked at it; asked again with every [`Look`].
    fn validate_metadata(&self, _metadata: ObjectMeta<'_>, _errors: &mut ErrorList) {}

    /// How the kind looks at metadata once more on an update. Nothing more is found, but every fault is told once
    /// for each look.
    fn looks(&self) -> &'static [Look] {
        self.traits().looks
    }

    /// All that is wrong with a new object, in field order; its metadata has been looked at.
    fn validate(&self, _cx: &RequestContext, _new: &Record) -> ErrorList {
        ErrorList::new()
    }

    /// All that is wrong with a change, in field order; its metadata has been looked at.
    fn validate_update(&self, _cx: &RequestContext, _new: &Record, _old: &Record) -> ErrorList {
        ErrorList::new()
    }

    /// Whether who asks may have the object be so, where that takes more than the request's own authorization, as
    /// granting a role does; `old` is that of an update. Asked when the object is complete and not yet validated.
    ///
    /// # Errors
    /// Why they may not.
    fn check_rights<'a>(
        &'a self,
        _cx: &'a RequestContext,
        _new: &'a Record,
        _old: Option<&'a Record>,
    ) -> Option<BoxFuture<'a, Result<(), ApiError>>> {
        None
    }

    /// What the client should know though the object is valid; `old` is that of an update.
    fn warnings(&self, _cx: &RequestContext, _new: &Record, _old: Option<&Record>) -> Vec<String> {
        Vec::new()
    }

    /// Brings a valid object to its one form.
    fn canonicalize(&self, _object: &mut Record) {}

    /// How long the object lives; forever if nothing is said.
    fn time_to_live(&self, _object: &Record) -> Option<Duration> {
        None
    }

    /// Whether the kind has graceful deletion at all, so that time that runs already counts.
    fn is_graceful(&self) -> bool {
        false
    }

    /// Whether the object is deleted later and not at once, and when. Without an answer, it is
    /// deleted at once unless finalizers hold it.
    fn graceful_deletion(
        &self,
        _cx: &RequestContext,
        _old: &Record,
        _options: &DeleteOptions,
    ) -> Option<Grace> {
        None
    }

    /// Told of every request to delete one or many, before anything is looked for: to warn.
    fn on_delete(&self, _cx: &RequestContext, _options: &DeleteOptions) {}

    /// Whether a request that names an object may delete it at all.
    ///
    /// # Errors
    /// 403 for an object that the server cannot do without.
    fn check_deletion(&self, _name: &str) -> Result<(), ApiError> {
        Ok(())
    }

    /// Whether something of the kind's own holds an object that is to be deleted, as a namespace's
    /// contents do. What the object then says of itself is written into it; it is kept as it is left.
    fn hold(&self, _cx: &RequestContext, _object: &mut Record) -> Hold {
        Hold::Nothing
    }

    /// Whether an update leaves nothing that holds the object, so that it is deleted and not written:
    /// its deletion has begun, its grace is over, it has no finalizers.
    fn is_deleted_by_update(&self, new: &Record, old: &Record) -> bool {
        crate::store::finalizers::is_deleted_by_update(new, old)
    }

    /// What happens to dependents when a deletion does not say.
    fn default_garbage_collection(&self, _cx: &RequestContext, _old: &Record) -> GarbageCollection {
        GarbageCollection::DeleteDependents
    }

    /// Annotations that are none in the hub, where a field of its own says the same: what shows only the metadata of
    /// an object does not show them.
    fn annotations_of_fields(&self) -> &[&'static str] {
        &[]
    }

    /// Fields that this endpoint resets, so that nobody comes to own them by writing through it.
    fn reset_fields(&self) -> &[&[&'static str]] {
        &[]
    }
}

/// What of a kind's own holds an object that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: finalizers and grace decide.
    Nothing,
    /// Something does: the object stays, and says that it is being deleted.
    Kept,
}

/// When an object goes whose deletion is graceful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// Seconds that it has left. Zero: at once.
    pub seconds: i64,
}

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GarbageCollection {
    /// They are deleted, in the background.
    DeleteDependents,
    /// They stay.
    OrphanDependents,
    /// Nobody looks after them: the object takes no finalizer whatever is asked.
    Unsupported,
}

/// Rules that are facts: enough for a resource with nothing particular.
#[derive(Clone, Debug)]
pub struct Traits {
    /// How names look.
    pub name: NameRule,
    /// When `metadata.generation` grows.
    pub generation: Generation,
    /// A PUT of what is not there creates it.
    pub create_on_update: bool,
    /// A PUT without a resourceVersion replaces what is there, whatever it is.
    pub unconditional_update: bool,
    /// A delete answers with the object and not with a `Status`.
    pub returns_deleted_object: bool,
    /// See [`Strategy::looks`].
    pub looks: &'static [Look],
}

/// A look at the metadata of a changed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As at that of a new one.
    AsNew,
    /// At what has changed.
    AtChanges,
}

impl Traits {
    /// What most resources have.
    pub const DEFAULT: Self = Self {
        name: NameRule::DnsSubdomain,
        generation: Generation::Never,
        create_on_update: false,
        unconditional_update: true,
        returns_deleted_object: false,
        looks: &[Look::AtChanges],
    };
}

impl Default for Traits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// When `metadata.generation` grows. It begins with 1 unless it is never counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Never: the kind does not count.
    Never,
    /// It is 1 from the create on and never grows, save by a deletion.
    Fixed,
    /// With every change of `spec`.
    Spec,
    /// With every change of `spec` or of the annotations.
    SpecOrAnnotations,
    /// With every change of anything but `metadata` and `status`.
    AllButStatus,
    /// The same, but a new object has none: its first change makes it 1.
    AllButStatusFromNone,
    /// With every change of labels and of anything but the rest of `metadata`.
    AllAndLabels,
}

/// A strategy of facts alone, so that sixty rows need no sixty implementations.
#[derive(Clone, Debug, Default)]
pub struct DefaultStrategy {
    /// The rules.
    pub traits: Traits,
    /// Labels that are indexed.
    pub indexed: Vec<&'static str>,
    /// How long objects live.
    pub time_to_live: Option<Duration>,
    /// The positions of `status` and others that a create and an update of the main resource do not set.
    pub server_owned: Vec<Text>,
}

impl DefaultStrategy {
    /// Nothing particular but these rules.
    pub fn new(traits: Traits) -> Self {
        Self {
            traits,
            ..<Self as Default>::default()
        }
    }
}

impl Strategy for DefaultStrategy {
    fn traits(&self) -> &Traits {
        &self.traits
    }

    fn indexed_fields(&self) -> &[&str] {
        &self.indexed
    }

    fn time_to_live(&self, _: &Record) -> Option<Duration> {
        self.time_to_live
    }

    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        for index in self
            .server_owned
            .iter()
            .filter_map(|name| new.ty().field_index(name))
            .collect::<Vec<_>>()
        {
            new.remove(index);
        }
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        for index in self
            .server_owned
            .iter()
            .filter_map(|name| new.ty().field_index(name))
            .collect::<Vec<_>>()
        {
            match old.get(index) {
                Some(value) => new.set(index, value.clone()),
                None => new.remove(index),
            };
        }
    }
}
