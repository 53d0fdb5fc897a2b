//! What a plug-in knows of a request beside the object and who asks.

use std::fmt::Display;

use pintle_runtime::gvk::GroupResource;
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use crate::delete_options::DeleteOptions;
use crate::metadata::Metadata;

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It is made.
    Create,
    /// It is replaced, patched or applied.
    Update,
    /// It is deleted, or its deletion begins.
    Delete,
    /// A stream to it is opened, as by `exec`.
    Connect,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Connect];

    /// As in an `AdmissionReview`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// What a plug-in knows of a request beside the object and who asks, which the request's context says.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    /// What is done.
    pub operation: Operation,
    /// The row of the resource, in the version of the request.
    pub resource: &'a Resource,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// The namespace that the object is in; empty if in none.
    pub namespace: &'a str,
    /// The object's name; empty where it is still to be generated.
    pub name: Text,
    /// The object's name, or what it will be generated from: how a refusal calls it.
    called: Text,
    /// What there is so far, in the hub form; absent for a create.
    pub old: Option<&'a Record>,
    /// How it is to be deleted; absent for all but a delete.
    pub delete_options: Option<&'a DeleteOptions>,
}

impl<'a> Attributes<'a> {
    /// A create of `object`, or by it of something below the object called `name`.
    pub fn create(
        resource: &'a Resource,
        subresource: &'a str,
        namespace: &'a str,
        object: &Record,
    ) -> Self {
        let metadata = Metadata::of(object);
        let name = Text::from(metadata.name().to_owned());
        let called = match metadata.generate_name() {
            _ if !name.is_empty() => name.clone(),
            "" => Text::from("Unknown"),
            generate => Text::from(generate.to_owned()),
        };
        Self {
            operation: Operation::Create,
            resource,
            subresource,
            namespace,
            name,
            called,
            old: None,
            delete_options: None,
        }
    }

    /// An update of what was `old`, or a delete of it.
    pub fn of_old(
        operation: Operation,
        resource: &'a Resource,
        subresource: &'a str,
        namespace: &'a str,
        old: &'a Record,
    ) -> Self {
        let name = Text::from(Metadata::of(old).name().to_owned());
        Self {
            operation,
            resource,
            subresource,
            namespace,
            called: name.clone(),
            name,
            old: Some(old),
            delete_options: None,
        }
    }

    /// A stream, or an action, below the object called `name`.
    pub fn below(
        operation: Operation,
        resource: &'a Resource,
        subresource: &'a str,
        namespace: &'a str,
        name: &str,
    ) -> Self {
        let name = Text::from(name.to_owned());
        Self {
            operation,
            resource,
            subresource,
            namespace,
            called: if name.is_empty() {
                Text::from("Unknown")
            } else {
                name.clone()
            },
            name,
            old: None,
            delete_options: None,
        }
    }

    /// The same with what a delete is asked for with.
    #[must_use]
    pub fn with_delete_options(self, options: &'a DeleteOptions) -> Self {
        Self {
            delete_options: Some(options),
            ..self
        }
    }

    /// Whether it is the object itself of this resource, whatever the version.
    pub fn is(&self, group: &str, resource: &str) -> bool {
        self.subresource.is_empty()
            && self.resource.group == group
            && self.resource.name == resource
    }

    /// The resource without its version.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource::from(self.resource)
    }

    /// The refusal of a plug-in: `pods "web" is forbidden: why`.
    pub fn forbid(&self, why: impl Display) -> ApiError {
        ApiError::forbidden(&self.group_resource(), &self.called, why)
    }

    /// `error` as a plug-in gives it on: a refusal as it is, all else as the reason of one.
    pub fn forbid_for(&self, error: ApiError) -> ApiError {
        match error {
            refused @ ApiError::Forbidden(_) => refused,
            error => self.forbid(error),
        }
    }
}
