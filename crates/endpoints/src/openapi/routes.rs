//! Paths and operations, derived from resource rows. Both versions of OpenAPI are written from
//! them.

use std::borrow::Cow;

use pintle_runtime::resource::{Group, GroupVersion};
use pintle_runtime::schema::TypeRef;

use super::descriptions::Descriptions;
use super::parameters::{self, Parameter};
use super::resources;

/// One path with what can be done there.
#[derive(Debug)]
pub(super) struct PathItem {
    pub(super) path: String,
    /// Parameters that every operation takes.
    pub(super) parameters: Vec<Parameter>,
    pub(super) operations: Vec<Operation>,
}

/// One operation of a path.
#[derive(Debug)]
pub(super) struct Operation {
    /// HTTP method in lower case.
    pub(super) method: &'static str,
    pub(super) id: String,
    pub(super) description: String,
    pub(super) tag: String,
    pub(super) consumes: MediaTypes,
    pub(super) produces: MediaTypes,
    pub(super) body: Option<Body>,
    /// Parameters that not every operation of the path takes.
    pub(super) parameters: Vec<Parameter>,
    /// Codes of success, each with the same content.
    pub(super) codes: &'static [(&'static str, &'static str)],
    pub(super) answer: Content,
    pub(super) action: Option<Action>,
}

/// What the operation does to a resource.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: &'static str,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) ty: TypeRef,
    pub(super) required: bool,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Type(TypeRef),
    Text,
}

/// Media types, preferred first.
pub(super) type MediaTypes = &'static [&'static str];

pub(super) const ANY: MediaTypes = &["*/*"];
pub(super) const OBJECTS: MediaTypes = &[
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];
pub(super) const OK: &[(&str, &str)] = &[("200", "OK")];

/// A path that serves no resource, such as `/version/`.
#[derive(Debug, Clone)]
pub struct PlainRoute {
    /// The path, with a slash at both ends.
    pub path: &'static str,
    /// The operation's identifier.
    pub operation: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Media types of a request, if it has a body or upstream says so.
    pub consumes: &'static [&'static str],
    /// Media types of the answer.
    pub produces: &'static [&'static str],
    /// Definition name of the answer; a string if there is none.
    pub answer: Option<&'static str>,
}

impl PlainRoute {
    /// What every API server has: its version.
    pub const VERSION: Self = Self {
        path: "/version/",
        operation: "getCodeVersion",
        description: "get the version information for this server",
        consumes: &["application/json"],
        produces: &["application/json"],
        answer: Some("io.k8s.apimachinery.pkg.version.Info"),
    };

    /// The discovery document of an issuer of service account tokens.
    pub const OPENID_CONFIGURATION: Self = Self {
        path: "/.well-known/openid-configuration/",
        operation: "getServiceAccountIssuerOpenIDConfiguration",
        description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
        consumes: &[],
        produces: &["application/json"],
        answer: None,
    };

    /// The keys of an issuer of service account tokens.
    pub const OPENID_KEYS: Self = Self {
        path: "/openid/v1/jwks/",
        operation: "getServiceAccountIssuerOpenIDKeyset",
        description: "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
        consumes: &[],
        produces: &["application/jwk-set+json"],
        answer: None,
    };
}

/// What routes are made with: the types of options, statuses and events, each looked up once.
pub(super) struct Routes<'a> {
    types: fn(&str) -> Option<TypeRef>,
    pub(super) descriptions: &'a dyn Descriptions,
    pub(super) create: Vec<Parameter>,
    pub(super) update: Vec<Parameter>,
    pub(super) patch: Vec<Parameter>,
    pub(super) delete: Vec<Parameter>,
    pub(super) list: Vec<Parameter>,
}

/// Prefix of the definition names of what all groups share.
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

impl<'a> Routes<'a> {
    pub(super) fn new(
        types: fn(&str) -> Option<TypeRef>,
        descriptions: &'a dyn Descriptions,
    ) -> Self {
        let options = |name: &str| {
            types(&format!("{META}{name}Options"))
                .map(|ty| parameters::of_options(&ty, descriptions))
                .unwrap_or_default()
        };
        Self {
            types,
            descriptions,
            create: options("Create"),
            update: options("Update"),
            patch: options("Patch"),
            delete: options("Delete"),
            list: options("List"),
        }
    }

    /// A type that all groups share, such as `Status`.
    pub(super) fn meta(&self, name: &str) -> Option<TypeRef> {
        self.type_named(&format!("{META}{name}"))
    }

    /// The type with a definition name.
    pub(super) fn type_named(&self, definition: &str) -> Option<TypeRef> {
        (self.types)(definition)
    }

    pub(super) fn plain(&self, route: &PlainRoute) -> PathItem {
        let first = route
            .path
            .trim_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        self.read(
            route.path.to_owned(),
            route.operation.to_owned(),
            route.description,
            camel_case(first, false),
            (route.consumes, route.produces),
            route.answer.and_then(|name| (self.types)(name)),
        )
    }

    /// `/api/`, the versions of the core group.
    pub(super) fn legacy_root(&self) -> PathItem {
        self.discovery(
            "/api/".to_owned(),
            "getCoreAPIVersions",
            "get available API versions",
            "core",
            "APIVersions",
        )
    }

    /// `/apis/`, the named groups.
    pub(super) fn groups(&self) -> PathItem {
        self.discovery(
            "/apis/".to_owned(),
            "getAPIVersions",
            "get available API versions",
            "apis",
            "APIGroupList",
        )
    }

    /// `/apis/{group}/`.
    pub(super) fn group(&self, group: &Group) -> PathItem {
        let names = GroupNames::new(&group.name, "");
        let id = format!("get{}APIGroup", names.title);
        self.discovery(
            format!("/apis/{}/", group.name),
            &id,
            "get information of a group",
            &names.tag,
            "APIGroup",
        )
    }

    /// `/apis/{group}/{version}/` or `/api/{version}/`, and everything below it.
    pub(super) fn group_version(&self, group: &Group, version: &GroupVersion) -> Vec<PathItem> {
        let names = GroupNames::new(&group.name, &version.version);
        let root = if group.name.is_empty() {
            format!("/api/{}", version.version)
        } else {
            format!("/apis/{}/{}", group.name, version.version)
        };
        let id = format!("get{}APIResources", names.title);
        let index = self.discovery(
            format!("{root}/"),
            &id,
            "get available resources",
            &names.tag,
            "APIResourceList",
        );
        let mut items = vec![index];
        for row in version.resources.iter() {
            resources::paths(self, &root, &names, row, &mut items);
        }
        items.sort_by(|one, other| one.path.cmp(&other.path));
        items
    }

    fn discovery(
        &self,
        path: String,
        id: &str,
        description: &str,
        tag: &str,
        answer: &str,
    ) -> PathItem {
        self.read(
            path,
            id.to_owned(),
            description,
            tag.to_owned(),
            (OBJECTS, OBJECTS),
            self.meta(answer),
        )
    }

    fn read(
        &self,
        path: String,
        id: String,
        description: &str,
        tag: String,
        (consumes, produces): (MediaTypes, MediaTypes),
        answer: Option<TypeRef>,
    ) -> PathItem {
        let operation = Operation {
            method: "get",
            id,
            description: description.to_owned(),
            tag,
            consumes,
            produces,
            body: None,
            parameters: Vec::new(),
            codes: OK,
            answer: answer.map_or(Content::Text, Content::Type),
            action: None,
        };
        PathItem {
            path,
            parameters: Vec::new(),
            operations: vec![operation],
        }
    }
}

impl PathItem {
    /// A path whose common parameters are taken out of its operations.
    pub(super) fn new(path: String, mut operations: Vec<Operation>) -> Self {
        operations.sort_by_key(|operation| operation.method);
        let mut common = Vec::new();
        if let Some((first, others)) = operations.split_first() {
            let shared = |parameter: &&Parameter| {
                others
                    .iter()
                    .all(|other| other.parameters.contains(parameter))
            };
            common = first.parameters.iter().filter(shared).cloned().collect();
        }
        for operation in &mut operations {
            operation
                .parameters
                .retain(|parameter| !common.contains(parameter));
            operation.parameters.sort_by(Parameter::order);
        }
        common.sort_by(Parameter::order);
        Self {
            path,
            parameters: common,
            operations,
        }
    }
}

/// How a group version is called in operation identifiers and tags.
pub(super) struct GroupNames {
    /// `RbacAuthorizationV1`
    pub(super) title: String,
    /// `rbacAuthorization_v1`
    pub(super) tag: String,
}

impl GroupNames {
    fn new(group: &str, version: &str) -> Self {
        let group = if group.is_empty() {
            "core"
        } else {
            group.strip_suffix(".k8s.io").unwrap_or(group)
        };
        let title = camel_case(group, true) + &camel_case(version, true);
        let mut tag = camel_case(group, false);
        if !version.is_empty() {
            tag.push('_');
            tag.push_str(&camel_case(version, false));
        }
        Self { title, tag }
    }
}

/// `text` without what is neither letter, digit nor underscore; what follows such a character is
/// capitalized.
pub(super) fn camel_case(text: &str, mut capitalize: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if !(c.is_alphabetic() || c == '_' || (at != 0 && c.is_ascii_digit())) {
            capitalize = true;
        } else if std::mem::take(&mut capitalize) {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// Text with its first letter in upper case and the rest in lower case.
pub(super) fn title_case(text: &str) -> Cow<'_, str> {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => Cow::Owned(
            first
                .to_uppercase()
                .chain(letters.flat_map(char::to_lowercase))
                .collect(),
        ),
        None => Cow::Borrowed(text),
    }
}
