//! What is registered: a row or a subresource's row, and the code behind it.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use pintle_runtime::fields::{FieldManager, Set, Versions};
use pintle_runtime::resource::{Many, Name, Resource, Subresource};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;
use pintle_storage::Revision;

use super::{Action, View};
use crate::admission::{Chain, Interested};
use crate::cache::{Draft, Forms, FormsOptions, Object, Version};
use crate::context::RequestContext;
use crate::convert::{Form, SameFields};
use crate::metadata::MetadataMut;
use crate::strategy::DefaultStrategy;

/// A kind whose objects are never kept: enough to answer with one in every representation.
pub struct Kind {
    row: Arc<Resource>,
    forms: Arc<Forms>,
    subresource: Text,
}

impl Kind {
    /// The objects of a row.
    fn of_row(row: Arc<Resource>) -> Self {
        let form = Form::served(&row);
        let forms = Forms::new(FormsOptions {
            served: vec![form.clone()],
            stored: form,
            stored_as_json: false,
            namespaced: row.namespaced,
            field_labels: row.field_labels.to_vec(),
            converter: Arc::new(SameFields(pintle_runtime::resource::Conversion::None)),
            strategy: Arc::new(DefaultStrategy::default()),
        });
        Self {
            row,
            forms: Arc::new(forms),
            subresource: Text::default(),
        }
    }

    /// The bodies of a subresource.
    pub(crate) fn of_subresource(parent: &Resource, row: &Subresource) -> Self {
        let row_of_body = Resource {
            group: row.group.clone(),
            version: row.version.clone(),
            kind: row.kind.clone(),
            object: row.input.clone().unwrap_or_else(|| parent.object.clone()),
            field_labels: Cow::Borrowed(&[]),
            storage: None,
            ..parent.clone()
        };
        Self {
            subresource: Text::from(row.name.to_string()),
            ..Self::of_row(Arc::new(row_of_body))
        }
    }

    /// The row; of a subresource the parent's, but for the kind and its type.
    pub fn row(&self) -> &Resource {
        &self.row
    }

    /// What is known of the kind.
    pub(crate) fn forms(&self) -> &Arc<Forms> {
        &self.forms
    }

    /// A record of this kind as an object to answer with, without a revision.
    ///
    /// # Errors
    /// Where the record has no metadata, which every kind in a row has.
    pub fn object(&self, mut record: Record) -> Result<Object, ApiError> {
        self.forms.hub().name(&mut record);
        if MetadataMut::of(&mut record).is_none() {
            return Err(ApiError::internal("an answer without metadata"));
        }
        let entry = Draft::new(&self.forms, &record)?.unwritten();
        Ok(Object::new(Arc::new(entry), Version::HUB))
    }

    /// The same at a revision: what is shown of an object that is kept.
    ///
    /// # Errors
    /// Where the record has no metadata.
    pub(crate) fn object_at(&self, record: Record, revision: Revision) -> Result<Object, ApiError> {
        let entry = Draft::new(&self.forms, &record)?.at(revision);
        Ok(Object::new(Arc::new(entry), Version::HUB))
    }

    /// The subresource of which these are the bodies; empty for a row of its own.
    pub(crate) fn subresource(&self) -> &str {
        &self.subresource
    }

    /// Who keeps the books of bodies.
    pub(crate) fn field_manager(&self, cx: &RequestContext) -> FieldManager<'_> {
        FieldManager {
            versions: self,
            version: self.forms.hub().api_version.clone(),
            subresource: self.subresource.clone(),
            now: cx.now(),
        }
    }

    /// Says in a new body who set what.
    pub(crate) fn manage_fields(&self, cx: &RequestContext, body: &mut Record) {
        self.field_manager(cx).update(None, body, &cx.field_manager);
    }
}

impl Versions for Kind {
    fn convert(&self, record: &Record, version: &str) -> Option<Record> {
        (*self.forms.hub().api_version == *version).then(|| record.clone())
    }

    fn reset_fields(&self, _: &str) -> &Set {
        static NONE: OnceLock<Set> = OnceLock::new();
        NONE.get_or_init(Set::new)
    }
}

/// An action and the bodies that it takes.
pub struct ActionEndpoint {
    /// The kind of the bodies, and of answers that are objects.
    pub kind: Kind,
    /// Further groups and versions of that kind that a body may name; the type is the same.
    pub accepts: Many<(Name, Name)>,
    /// The code.
    pub action: Arc<dyn Action>,
    /// The plug-ins that care about it; found at first use.
    interested: OnceLock<Interested>,
}

impl ActionEndpoint {
    /// For a row without storage.
    pub fn of_row(row: Arc<Resource>, action: Arc<dyn Action>) -> Self {
        Self {
            kind: Kind::of_row(row),
            accepts: Cow::Borrowed(&[]),
            action,
            interested: OnceLock::new(),
        }
    }

    /// For a subresource of `parent`.
    pub fn of_subresource(parent: &Resource, row: &Subresource, action: Arc<dyn Action>) -> Self {
        Self {
            kind: Kind::of_subresource(parent, row),
            accepts: row.accepts.clone(),
            action,
            interested: OnceLock::new(),
        }
    }

    /// The subresource; empty for a row of its own.
    pub fn subresource(&self) -> &str {
        &self.kind.subresource
    }

    /// The plug-ins of `chain` that care. `row` is that of the resource: the parent's for a subresource.
    pub(crate) fn interested(&self, chain: &Chain, row: &Resource) -> &Interested {
        self.interested
            .get_or_init(|| chain.interested(row, self.subresource()))
    }
}

/// A resource that keeps nothing.
pub enum Unkept {
    /// It takes bodies.
    Action(Box<ActionEndpoint>),
    /// It is read.
    View(Kind, Arc<dyn View>),
}

impl Unkept {
    /// A row behind which there is an action.
    pub fn action(row: impl Into<Arc<Resource>>, action: Arc<dyn Action>) -> Self {
        Self::Action(Box::new(ActionEndpoint::of_row(row.into(), action)))
    }

    /// A row behind which there is a view.
    pub fn view(row: impl Into<Arc<Resource>>, view: Arc<dyn View>) -> Self {
        Self::View(Kind::of_row(row.into()), view)
    }

    /// The row.
    pub fn row(&self) -> &Resource {
        match self {
            Self::Action(endpoint) => endpoint.kind.row(),
            Self::View(kind, _) => kind.row(),
        }
    }

    /// Whether there is code for a verb that the row has.
    pub(crate) fn serves(&self, verb: &str) -> bool {
        match self {
            Self::Action(_) => verb == "create",
            Self::View(..) => matches!(verb, "get" | "list"),
        }
    }
}
