//! Subresources that show an object as one of another kind, and write the object through it: `scale`.
//!
//! A [`Facet`] says what is shown and what comes back; reading, patching, applying, ownership, preconditions and
//! admission are the same for all (see `handlers::facet`). It is registered with
//! [`Registration::with_facet`](crate::registry::Registration::with_facet).

use std::sync::{Arc, OnceLock};

use pintle_runtime::field_path::ErrorList;
use pintle_runtime::fields::{FacetBooks, PathElement};
use pintle_runtime::gvk::{GroupKind, GroupResource};
use pintle_runtime::resource::{Many, Name, Resource, Subresource};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use crate::admission::{Chain, Interested};
use crate::cache::Object;
use crate::metadata::{Metadata, MetadataMut};
use crate::unkept::Kind;

/// Shows objects of one kind as another, of which one field can be written.
pub trait Facet: Send + Sync + 'static {
    /// Fills `shown`, which has its metadata, with what it says of `object`. Both are in the version of the request.
    ///
    /// # Errors
    /// 400 where the object cannot be shown.
    fn show(&self, object: &Record, shown: &mut Record) -> Result<(), ApiError>;

    /// All that is wrong with what became of what was shown, in field order.
    fn validate(&self, shown: &Record) -> ErrorList;

    /// Brings the field that can be written back into the object.
    fn write(&self, shown: &Record, object: &mut Record);

    /// Where that field is in a version of the object: `None` if there is no such version, and empty if it is not
    /// shown in that version.
    fn place_in_object(&self, api_version: &str) -> Option<Vec<PathElement>>;

    /// Where that field is in what is shown.
    fn place_in_facet(&self) -> Vec<PathElement>;
}

/// A facet and the kind as which it shows objects.
pub struct FacetEndpoint {
    /// The kind of the bodies.
    pub kind: Kind,
    /// Further groups and versions of that kind that a body may name; the type is the same.
    pub accepts: Many<(Name, Name)>,
    facet: Arc<dyn Facet>,
    /// `apiVersion` of the objects, in the version that is asked for.
    object_version: Text,
    /// What errors call it, such as `deployments.apps/scale`.
    resource: GroupResource,
    /// The plug-ins that care about it; found at first use.
    interested: OnceLock<Interested>,
}

impl FacetEndpoint {
    /// The subresource `row` of `parent`.
    pub fn new(parent: &Resource, row: &Subresource, facet: Arc<dyn Facet>) -> Self {
        let resource = format!("{}/{}", parent.name, row.name);
        Self {
            kind: Kind::of_subresource(parent, row),
            accepts: row.accepts.clone(),
            facet,
            object_version: parent.api_version().into(),
            resource: GroupResource::new(parent.group.to_string(), resource),
            interested: OnceLock::new(),
        }
    }

    /// The plug-ins of `chain` that care; `row` is that of the object.
    pub(crate) fn interested(&self, chain: &Chain, row: &Resource) -> &Interested {
        self.interested
            .get_or_init(|| chain.interested(row, self.kind.subresource()))
    }

    /// `object` as it is shown to readers: with no books, which are the object's.
    ///
    /// # Errors
    /// Where it cannot be shown.
    pub fn shown(&self, object: &Object) -> Result<Object, ApiError> {
        let shown = self.show(&object.record()?)?;
        self.kind.object_at(shown, object.entry().revision())
    }

    /// `object` as it is shown to writers: with the books of the field that can be written.
    ///
    /// # Errors
    /// Where it cannot be shown, or its books cannot be read.
    pub(crate) fn shown_with_books(&self, object: &Record) -> Result<Record, ApiError> {
        let mut shown = self.show(object)?;
        self.books(|books| books.show(object, &mut shown))?;
        Ok(shown)
    }

    fn show(&self, object: &Record) -> Result<Record, ApiError> {
        let mut shown = Record::new(self.kind.row().object.clone());
        self.kind.forms().hub().name(&mut shown);
        let from = Metadata::of(object);
        if let Some(mut metadata) = MetadataMut::of(&mut shown) {
            metadata.set_name(from.name().to_owned());
            metadata.set_namespace(from.namespace().to_owned());
            metadata.set_uid(from.uid().to_owned());
            metadata.set_resource_version(from.resource_version().to_owned());
            metadata.set_creation_timestamp(from.creation_timestamp());
        }
        self.facet.show(object, &mut shown)?;
        Ok(shown)
    }

    /// Refuses what is not valid, or is meant for another object than the one that is there.
    ///
    /// # Errors
    /// 422, 409
    pub(crate) fn check(&self, shown: &Record, object: &Record) -> Result<(), ApiError> {
        let errors = self.facet.validate(shown);
        let (found, given) = (Metadata::of(object), Metadata::of(shown).uid());
        if !errors.is_empty() {
            let kind = GroupKind::from(self.kind.row());
            return Err(ApiError::invalid(&kind, found.name(), &errors));
        }
        if given.is_empty() || given == found.uid() {
            return Ok(());
        }
        let why = format!(
            "Precondition failed: UID in precondition: {given}, UID in object meta: {}",
            found.uid()
        );
        Err(ApiError::conflict(&self.resource, found.name(), why))
    }

    /// Brings what was shown back into the object, with its books and the revision that it names.
    ///
    /// # Errors
    /// Where somebody's books cannot be read.
    pub(crate) fn take_back(&self, shown: &Record, object: &mut Record) -> Result<(), ApiError> {
        self.facet.write(shown, object);
        self.books(|books| books.take_back(shown, object))?;
        let revision = Metadata::of(shown).resource_version().to_owned();
        if let Some(mut metadata) = MetadataMut::of(object) {
            metadata.set_resource_version(revision);
        }
        Ok(())
    }

    fn books<T, E: std::fmt::Display>(
        &self,
        work: impl FnOnce(FacetBooks<'_>) -> Result<T, E>,
    ) -> Result<T, ApiError> {
        let books = FacetBooks {
            in_object: &|version| self.facet.place_in_object(version),
            object_version: self.object_version.clone(),
            in_facet: self.facet.place_in_facet(),
            facet_version: self.kind.forms().hub().api_version.clone(),
        };
        work(books).map_err(|error| ApiError::unknown(error.to_string()))
    }
}
