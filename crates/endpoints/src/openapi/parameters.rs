//! Parameters of requests.

use std::borrow::Cow;

use pintle_runtime::schema::{FieldType, Shape, Type, TypeRef};

use super::descriptions::Descriptions;

/// A parameter in a path or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: Cow<'static, str>,
    pub(super) place: Place,
    pub(super) ty: &'static str,
    pub(super) description: Cow<'static, str>,
}

/// Where a parameter stands. A path's are always required, a query's never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Path,
    Query,
}

impl Place {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
        }
    }
}

impl Parameter {
    pub(super) fn name(kind: &str) -> Self {
        Self::path("name", format!("name of the {kind}"))
    }

    pub(super) fn namespace() -> Self {
        Self::path(
            "namespace",
            "object name and auth scope, such as for teams and projects",
        )
    }

    pub(super) fn rest_of_path() -> Self {
        Self::path("path", "path to the resource")
    }

    pub(super) fn pretty() -> Self {
        let description = "If 'true', then the output is pretty printed. Defaults to 'false' unless the user-agent \
                           indicates a browser or command-line HTTP tool (curl and wget).";
        Self {
            name: "pretty".into(),
            place: Place::Query,
            ty: "string",
            description: description.into(),
        }
    }

    fn path(name: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            place: Place::Path,
            ty: "string",
            description: description.into(),
        }
    }

    pub(super) fn is_required(&self) -> bool {
        self.place == Place::Path
    }

    /// Parameters are listed by name, then by place.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.name
            .cmp(&other.name)
            .then(self.place.cmp(&other.place))
    }
}

/// The query parameters of a type of options: its fields, except for objects. A list becomes a
/// parameter that may be repeated.
pub(super) fn of_options(options: &TypeRef, descriptions: &dyn Descriptions) -> Vec<Parameter> {
    let fields = options
        .fields
        .iter()
        .filter(|field| !matches!(field.name.as_ref(), "kind" | "apiVersion"));
    fields
        .filter_map(|field| {
            let description = descriptions
                .of_field(&options.name, &field.name)
                .map(|text| Cow::Owned(text.into_owned()))
                .or_else(|| known(options, &field.name).map(Cow::Borrowed))
                .unwrap_or_default();
            let name = Cow::Owned(field.name.to_string());
            Some(Parameter {
                name,
                place: Place::Query,
                ty: parameter_type(&field.ty)?,
                description,
            })
        })
        .collect()
}

fn parameter_type(ty: &FieldType) -> Option<&'static str> {
    match ty {
        FieldType::String | FieldType::Bytes => Some("string"),
        FieldType::Bool => Some("boolean"),
        FieldType::Int32 | FieldType::Int64 => Some("integer"),
        FieldType::Float64 => Some("number"),
        FieldType::List(element) => parameter_type(element),
        FieldType::Object(ty) if ty.shape == Shape::StringList => Some("string"),
        FieldType::Object(_) | FieldType::Map(_) | FieldType::Any => None,
    }
}

/// What is said about options of requests whose types are not published. kubectl of v1.27 and
/// older recognises `dryRun` and `fieldValidation` by name.
fn known(options: &Type, field: &str) -> Option<&'static str> {
    Some(match field {
        "allowWatchBookmarks" => {
            "Asks a watch for events of type BOOKMARK, which a server may send at any time."
        }
        "continue" => {
            "The continue token of the page before; the other parameters are to be the same."
        }
        "dryRun" => {
            "When present, indicates that modifications should not be persisted. An invalid or unrecognized dryRun \
             directive will result in an error response and no further processing of the request. Valid values are: - \
             All: all dry run stages will be processed"
        }
        "fieldManager" if options.name.ends_with("PatchOptions") => {
            "fieldManager is a name associated with the actor or entity that is making these changes. The value must \
             be less than or 128 characters long, and only contain printable characters, as defined by \
             https://golang.org/pkg/unicode/#IsPrint. This field is required for apply requests \
             (application/apply-patch) but optional for non-apply patch types (JsonPatch, MergePatch, \
             StrategicMergePatch)."
        }
        "fieldManager" => {
            "fieldManager is a name associated with the actor or entity that is making these changes. The value must \
             be less than or 128 characters long, and only contain printable characters, as defined by \
             https://golang.org/pkg/unicode/#IsPrint."
        }
        "fieldSelector" => "Restricts the answer to objects whose fields match.",
        "fieldValidation" => {
            "fieldValidation instructs the server on how to handle objects in the request (POST/PUT/PATCH) containing \
             unknown or duplicate fields. Valid values are: - Ignore: This will ignore any unknown fields that are \
             silently dropped from the object, and will ignore all but the last duplicate field that the decoder \
             encounters. This is the default behavior prior to v1.23. - Warn: This will send a warning via the \
             standard warning response header for each unknown field that is dropped from the object, and for each \
             duplicate field that is encountered. The request will still succeed if there are no other errors, and \
             will only persist the last of any duplicate fields. This is the default in v1.23+ - Strict: This will \
             fail the request with a BadRequest error if any unknown fields would be dropped from the object, or if \
             any duplicate fields are present. The error returned from the server will contain all unknown and \
             duplicate fields encountered."
        }
        "force" => {
            "Force is going to \"force\" Apply requests. It means user will re-acquire conflicting fields owned by \
             other people. Force flag must be unset for non-apply patch requests."
        }
        "labelSelector" => "Restricts the answer to objects whose labels match.",
        "limit" => {
            "At most this many objects; a token to continue with is in the answer if there are more."
        }
        "resourceVersion" => {
            "The resource version that the answer is at, or not older than; see resourceVersionMatch."
        }
        "resourceVersionMatch" => "How resourceVersion is meant by a list: Exact or NotOlderThan.",
        "sendInitialEvents" => {
            "Begins a watch with the present objects as ADDED events, and a bookmark after them."
        }
        "shardSelector" => "Restricts the answer to the objects of a shard.",
        "timeoutSeconds" => "Ends the call after this many seconds, whatever happens.",
        "watch" => "Watch for changes instead of listing, beginning after resourceVersion.",
        _ => return None,
    })
}
