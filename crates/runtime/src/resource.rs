//! What a resource is: a row of the table that routes, discovery, OpenAPI, storage keys, field
//! selectors and metrics are derived from.
//!
//! Built-in rows are generated; a custom resource definition becomes the same row at run time.

use std::borrow::Cow;

use crate::schema::TypeRef;

/// A list that is `'static` for built-in rows and owned for custom resources.
pub type Many<T> = Cow<'static, [T]>;
/// A name that is `'static` for built-in rows and owned for custom resources.
pub type Name = Cow<'static, str>;

/// An API group, in the order of `/apis`; the core group comes first and has an empty name.
#[derive(Debug, Clone)]
pub struct Group {
    /// Group name, such as `apps`.
    pub name: Name,
    /// Group priority of its `APIService` objects.
    pub priority: i32,
    /// The versions in discovery order; the first one served is preferred.
    pub versions: Many<GroupVersion>,
}

/// One version of a group.
#[derive(Debug, Clone)]
pub struct GroupVersion {
    /// Version, such as `v1`.
    pub version: Name,
    /// Served with default flags.
    pub default: bool,
    /// Version priority of its `APIService` object.
    pub priority: i32,
    /// The resources in discovery order.
    pub resources: Many<Resource>,
}

/// One resource of one group version.
#[derive(Debug, Clone)]
pub struct Resource {
    /// API group, empty for the core group.
    pub group: Name,
    /// Version it is served in.
    pub version: Name,
    /// Plural name as in the path, such as `deployments`.
    pub name: Name,
    /// Singular name.
    pub singular: Name,
    /// Kind, such as `Deployment`.
    pub kind: Name,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Verbs as in discovery: sorted.
    pub verbs: Many<Name>,
    /// Short names, such as `deploy`.
    pub short_names: Many<Name>,
    /// Categories, such as `all`.
    pub categories: Many<Name>,
    /// Type of an object.
    pub object: TypeRef,
    /// Type of a list of them.
    pub list: Option<TypeRef>,
    /// Type of the answer to a create where it is not `object`.
    pub create_result: Option<TypeRef>,
    /// Type of the answer to a delete where it is not `Status`.
    pub delete_result: Option<TypeRef>,
    /// Feature gates that must be on.
    pub gates: Many<Name>,
    /// Served with default flags and gates.
    pub default: bool,
    /// Where and how it is kept; `None` if it is not persisted.
    pub storage: Option<StorageRow>,
    /// Field labels that a selector may name.
    pub field_labels: Many<FieldLabel>,
    /// Its subresources.
    pub subresources: Many<Subresource>,
}

impl Resource {
    /// Whether discovery lists `verb`.
    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|found| found == verb)
    }

    /// The subresource called `name`.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|found| found.name == name)
    }

    /// `group/version`, or `version` alone for the core group: an `apiVersion`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `resource.group`, or `resource` alone for the core group: what error messages name.
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() {
            self.name.to_string()
        } else {
            format!("{}.{}", self.name, self.group)
        }
    }
}

/// How a resource is kept.
#[derive(Debug, Clone)]
pub struct StorageRow {
    /// Key prefix below the root, such as `services/specs`.
    pub prefix: Name,
    /// Group of the stored form.
    pub group: Name,
    /// Version of the stored form.
    pub version: Name,
    /// Type of the stored form.
    pub object: TypeRef,
    /// Stored as JSON and not as protobuf.
    pub json: bool,
    /// `storageVersionHash` in discovery.
    pub hash: Name,
    /// From the served type to the stored type.
    pub conversion: Conversion,
}

/// What it takes to turn a served object into its stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// The same type.
    None,
    /// The same fields in JSON and protobuf.
    Identity,
    /// The same fields in JSON only.
    Json,
    /// It takes code.
    Custom,
}

/// A field label that selectors may name, and where its value comes from.
#[derive(Debug, Clone)]
pub struct FieldLabel {
    /// As a client writes it, such as `spec.host`.
    pub label: Name,
    /// As the stored object is asked, such as `spec.nodeName`.
    pub canonical: Name,
    /// JSON paths into the *stored* object (`a.b[0].c`); the first with a value counts.
    pub paths: Many<Name>,
    /// The value when no path has one.
    pub empty: Name,
}

/// A subresource of a resource.
#[derive(Debug, Clone)]
pub struct Subresource {
    /// Name as in the path, such as `status`.
    pub name: Name,
    /// Kind of its body.
    pub kind: Name,
    /// Group of that kind.
    pub group: Name,
    /// Version of that kind.
    pub version: Name,
    /// Verbs as in discovery: sorted.
    pub verbs: Many<Name>,
    /// Type of a request's body.
    pub input: Option<TypeRef>,
    /// Type of an answer's body as in OpenAPI.
    pub output: Option<TypeRef>,
    /// Type of the answer where it is not `output`.
    pub result: Option<TypeRef>,
    /// Further `(group, version)` accepted in a body.
    pub accepts: Many<(Name, Name)>,
    /// Feature gates that must be on.
    pub gates: Many<Name>,
    /// Served with default flags and gates.
    pub default: bool,
    /// HTTP methods of a streaming subresource, else empty.
    pub connect: Many<Name>,
    /// Type of its query parameters.
    pub options: Option<TypeRef>,
    /// Whether a path may follow the name.
    pub subpath: bool,
}
