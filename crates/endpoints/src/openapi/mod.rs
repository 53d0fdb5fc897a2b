//! The API described in OpenAPI, versions 2 and 3.
//!
//! [`OpenApi`] derives every document from resource rows and type tables: paths and operations from
//! the former, schemas from the latter. A document is built when somebody first asks for it, and
//! then kept compressed, as most servers are never asked for most of them. Building one takes
//! milliseconds of CPU (the index and version 2 up to some hundred), so do it off the event loop.

mod descriptions;
mod gnostic;
mod json;
mod parameters;
mod protobuf;
mod resources;
mod routes;
mod schema;
mod v2;
mod v3;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use pintle_runtime::resource::{Group, GroupVersion};
use pintle_runtime::schema::TypeRef;

use crate::document::Document;
use json::Json;
use routes::{Content, PathItem, Routes};
use schema::Definitions;

pub use descriptions::{DescriptionSource, Descriptions, NoDescriptions};
pub use routes::PlainRoute;

const JSON: &str = "application/json";
/// The index is JSON too, but upstream leaves it to Go to find out what it is, which never says JSON.
const INDEX: &str = "text/plain; charset=utf-8";
const V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const V3_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";

/// What the documents are made from, besides rows.
pub struct Sources {
    /// Finds a type by definition name.
    pub types: fn(&str) -> Option<TypeRef>,
    /// What is said about types and fields.
    pub descriptions: Box<dyn DescriptionSource>,
    /// Version of the API, such as `v1.36.2`.
    pub version: String,
    /// Paths that serve no resource.
    pub plain: Vec<PlainRoute>,
}

/// Every OpenAPI document of the resources that a server offers.
pub struct OpenApi {
    groups: Vec<Group>,
    sources: Sources,
    v2: Forms,
    index: OnceLock<Document>,
    pages: BTreeMap<String, Page>,
}

/// A document in both encodings.
#[derive(Default)]
struct Forms {
    json: OnceLock<Document>,
    protobuf: OnceLock<Document>,
}

/// A document of version 3.
struct Page {
    content: PageContent,
    /// Of its JSON form; known before the document is kept.
    hash: OnceLock<String>,
    forms: Forms,
}

/// What a document of version 3 is about, by position.
#[derive(Clone, Copy)]
enum PageContent {
    Plain(usize),
    LegacyRoot,
    Groups,
    Group(usize),
    GroupVersion(usize, usize),
}

impl OpenApi {
    /// The documents of `groups`, none of them built yet.
    pub fn new(groups: Vec<Group>, sources: Sources) -> Self {
        let pages = pages(&groups, &sources.plain);
        Self {
            groups,
            sources,
            v2: Forms::default(),
            index: OnceLock::new(),
            pages,
        }
    }

    /// `/openapi/v2` in JSON.
    pub fn v2(&self) -> &Document {
        self.v2.json.get_or_init(|| {
            let descriptions = self.sources.descriptions.open();
            let json = v2::document(
                &self.everything(&*descriptions),
                &self.sources.version,
                &*descriptions,
            );
            Document::compressed(JSON, &json)
        })
    }

    /// `/openapi/v2` in protobuf, a `openapi.v2.Document`.
    pub fn v2_protobuf(&self) -> &Document {
        self.v2
            .protobuf
            .get_or_init(|| protobuf_form(self.v2(), V2_PROTOBUF, &gnostic::V2_DOCUMENT))
    }

    /// `/openapi/v3`: where the documents of version 3 are, with their hashes. Every document is
    /// built for that, one after the other, and only its hash is kept.
    pub fn v3_index(&self) -> &Document {
        self.index.get_or_init(|| {
            let descriptions = self.sources.descriptions.open();
            let hashes = self.pages.iter().map(|(name, page)| {
                let build = || {
                    Document::new(JSON, self.build(page, &*descriptions))
                        .hash()
                        .to_owned()
                };
                (name.as_str(), page.hash.get_or_init(build).as_str())
            });
            Document::new(INDEX, v3::index(hashes))
        })
    }

    /// `/openapi/v3/{name}` in JSON; `name` is such as `api/v1`, `apis/apps/v1` or `version`.
    pub fn v3(&self, name: &str) -> Option<&Document> {
        self.pages.get(name).map(|page| self.page(page))
    }

    /// `/openapi/v3/{name}` in protobuf, a `openapi.v3.Document`.
    pub fn v3_protobuf(&self, name: &str) -> Option<&Document> {
        let page = self.pages.get(name)?;
        Some(
            page.forms
                .protobuf
                .get_or_init(|| protobuf_form(self.page(page), V3_PROTOBUF, &gnostic::V3_DOCUMENT)),
        )
    }

    /// Where the document called `name` is found for good: its URL with the right `hash`. A request
    /// with another hash is redirected there, one with this hash may be cached forever.
    pub fn v3_location(&self, name: &str) -> Option<String> {
        let page = self.pages.get(name)?;
        let hash = page
            .hash
            .get()
            .map_or_else(|| self.page(page).hash(), String::as_str);
        Some(v3::location(name, hash))
    }

    fn page<'a>(&self, page: &'a Page) -> &'a Document {
        page.forms.json.get_or_init(|| {
            let descriptions = self.sources.descriptions.open();
            let document = Document::compressed(JSON, &self.build(page, &*descriptions));
            page.hash.get_or_init(|| document.hash().to_owned());
            document
        })
    }

    fn build(&self, page: &Page, descriptions: &dyn Descriptions) -> Vec<u8> {
        let routes = Routes::new(self.sources.types, descriptions);
        let paths = match page.content {
            PageContent::Plain(at) => vec![routes.plain(&self.sources.plain[at])],
            PageContent::LegacyRoot => vec![routes.legacy_root()],
            PageContent::Groups => vec![routes.groups()],
            PageContent::Group(at) => vec![routes.group(&self.groups[at])],
            PageContent::GroupVersion(group, version) => {
                let group = &self.groups[group];
                routes.group_version(group, &group.versions[version])
            }
        };
        v3::document(&paths, &self.sources.version, descriptions)
    }

    fn everything(&self, descriptions: &dyn Descriptions) -> Vec<PathItem> {
        let routes = Routes::new(self.sources.types, descriptions);
        let mut paths: Vec<_> = self
            .sources
            .plain
            .iter()
            .map(|route| routes.plain(route))
            .collect();
        paths.push(routes.groups());
        for group in &self.groups {
            paths.push(if group.name.is_empty() {
                routes.legacy_root()
            } else {
                routes.group(group)
            });
            paths.extend(
                group
                    .versions
                    .iter()
                    .flat_map(|version| routes.group_version(group, version)),
            );
        }
        paths.sort_by(|one, other| one.path.cmp(&other.path));
        paths
    }
}

impl fmt::Debug for OpenApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenApi")
            .field("pages", &self.pages.len())
            .finish_non_exhaustive()
    }
}

fn pages(groups: &[Group], plain: &[PlainRoute]) -> BTreeMap<String, Page> {
    let mut pages = BTreeMap::new();
    let mut add = |name: String, content| {
        pages.insert(
            name,
            Page {
                content,
                hash: OnceLock::new(),
                forms: Forms::default(),
            },
        );
    };
    add("apis".to_owned(), PageContent::Groups);
    for (at, route) in plain.iter().enumerate() {
        add(
            route.path.trim_matches('/').to_owned(),
            PageContent::Plain(at),
        );
    }
    for (at, group) in groups.iter().enumerate() {
        let root = if group.name.is_empty() {
            "api".to_owned()
        } else {
            format!("apis/{}", group.name)
        };
        for (version_at, GroupVersion { version, .. }) in group.versions.iter().enumerate() {
            add(
                format!("{root}/{version}"),
                PageContent::GroupVersion(at, version_at),
            );
        }
        let content = if group.name.is_empty() {
            PageContent::LegacyRoot
        } else {
            PageContent::Group(at)
        };
        add(root, content);
    }
    pages
}

fn protobuf_form(
    json: &Document,
    content_type: &'static str,
    message: &'static protobuf::Message,
) -> Document {
    // The document was written here, so it parses.
    let value = serde_json::from_slice(&json.body()).unwrap_or_default();
    json.other_form(content_type, &protobuf::encode(message, &value))
}

/// The types that `paths` mention, with all that those refer to.
fn definitions(paths: &[PathItem]) -> Definitions {
    let mut definitions = Definitions::default();
    for operation in paths.iter().flat_map(|item| &item.operations) {
        if let Content::Type(ty) = &operation.answer {
            definitions.add(ty);
        }
        if let Some(body) = &operation.body {
            definitions.add(&body.ty);
        }
    }
    definitions
}

fn info(json: &mut Json, version: &str) {
    json.key("info").object(|json| {
        json.key("title").string("Kubernetes");
        json.key("version").string(version);
    });
}

fn bearer_token(json: &mut Json) {
    json.key("BearerToken").object(|json| {
        json.key("description")
            .string("Bearer Token authentication");
        json.key("in").string("header");
        json.key("name").string("authorization");
        json.key("type").string("apiKey");
    });
}

#[cfg(test)]
mod tests;
