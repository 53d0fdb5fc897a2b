//! Paths that are no resource: health, version, metrics, the index, discovery, OpenAPI.
//!
//! As upstream has two routers, there are two ways to be told that there is nothing: below a root
//! that holds API (`/api`, `/apis/apps`, `/version`) a `Status` says so, elsewhere a page.

mod openapi;
mod page;
mod zpages;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderMap, IF_NONE_MATCH, VARY};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use pintle_authz::ResourceAttributes;
use pintle_runtime::codec::json;
use pintle_runtime::status::ApiError;

use crate::body::Body;
use crate::discovery::{Answer, Discovery};
use crate::document::Document;
use crate::documents::Documents;
use crate::fairness::Fairness;
use crate::gzip;
use crate::health::{Endpoint, Health};
use crate::metrics::{Exposition, Metrics};
use crate::negotiate::{
    Format, Offers, TableSupport, clauses, error_representation, method_not_allowed,
    no_such_resource, representation,
};
use crate::query::Query;
use crate::request_info::RequestInfo;
use crate::respond;
use openapi::{OpenApiForm, openapi};

pub use page::{Contents, Page};
pub use zpages::AboutSelf;
use zpages::Zpage;

/// Answers requests for paths that are no resource.
pub(crate) struct Roots {
    documents: Arc<Documents>,
    health: Health,
    pages: Vec<Page>,
    about: AboutSelf,
    /// Compact JSON.
    version: Bytes,
    metrics: Arc<Metrics>,
    fairness: Option<Arc<Fairness>>,
}

impl Roots {
    pub(crate) fn new(
        documents: Arc<Documents>,
        health: Health,
        pages: Vec<Page>,
        about: AboutSelf,
        version: Vec<u8>,
        metrics: Arc<Metrics>,
        fairness: Option<Arc<Fairness>>,
    ) -> Self {
        Self {
            documents,
            health,
            pages,
            about,
            version: version.into(),
            metrics,
            fairness,
        }
    }

    /// Whether a group version is served.
    pub(crate) fn serves_version(&self, target: &ResourceAttributes) -> bool {
        self.documents
            .now()
            .discovery
            .group_version(&target.group, &target.version)
            .is_some()
    }

    /// Whether a group is served in any version.
    pub(crate) fn serves_group(&self, group: &str) -> bool {
        self.documents.now().discovery.group(group).is_some()
    }

    /// The path under which a request is counted, if it is one that is.
    pub(crate) fn counted(&self, path: &str) -> Option<&'static str> {
        let known = Endpoint::ALL.iter().map(|(_, _, path)| *path).chain([
            "/metrics",
            "/metrics/slis",
            "/version",
            "/",
        ]);
        known.into_iter().find(|known| *known == path)
    }

    /// Answers.
    pub(crate) async fn answer(
        &self,
        parts: &Parts,
        query: Query<'_>,
        info: &RequestInfo,
    ) -> Response<Body> {
        let path = info.path.as_str();
        if let Some(report) = self.health.report(path, query) {
            let code = if report.healthy {
                StatusCode::OK
            } else {
                StatusCode::INTERNAL_SERVER_ERROR
            };
            return if report.guarded {
                respond::text(code, report.text)
            } else {
                respond::plain(code, report.text)
            };
        }
        let with_details = || {
            let given = query.first("includeRequestDetails");
            given.is_some_and(|given| !given.is_empty())
        };
        if let Some(page) = self
            .fairness
            .as_ref()
            .and_then(|fairness| fairness.page(path, with_details()))
        {
            return respond::plain(StatusCode::OK, page);
        }
        if let Some(page) = Zpage::at(path) {
            let answer = page.answer(&self.about, &self.paths(), &parts.headers, query);
            return answer.unwrap_or_else(|error| {
                respond::error(error_representation(&parts.headers, query), &error)
            });
        }
        match path {
            "/" | "/index.html" => self.index(),
            "/metrics" => expose(&parts.headers, |form| self.metrics.expose(form)),
            "/metrics/slis" => expose(&parts.headers, |form| {
                form.text(|samples| self.health.collect(samples))
            }),
            "/openapi/v2" | "/openapi/v3" => self.openapi(parts, query, path).await,
            _ if path.starts_with("/openapi/v3/") => self.openapi(parts, query, path).await,
            _ => self.api(parts, query, path),
        }
    }

    /// Everything that is listed at `/`.
    fn paths(&self) -> Vec<String> {
        let mut paths = self.health.paths();
        paths.extend(self.documents.now().discovery.paths().iter().cloned());
        paths.extend(
            [
                "/flagz",
                "/metrics",
                "/metrics/slis",
                "/openapi/v2",
                "/openapi/v3",
                "/openapi/v3/",
                "/statusz",
                "/version",
            ]
            .map(str::to_owned),
        );
        paths.extend(self.pages.iter().map(|page| page.path.to_owned()));
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    fn index(&self) -> Response<Body> {
        let paths = self.paths();
        let mut out = b"{\n  \"paths\": [".to_vec();
        for (at, path) in paths.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"\n    " } else { b",\n    " });
            json::encode_str(path, &mut out);
        }
        out.extend_from_slice(b"\n  ]\n}");
        respond::with_body(
            StatusCode::OK,
            respond::media_type(Format::Json),
            Body::whole(out),
        )
    }

    /// What upstream's API router answers: `/version`, `/api`, `/apis` and what is below.
    fn api(&self, parts: &Parts, query: Query<'_>, path: &str) -> Response<Body> {
        let set = self.documents.now();
        let refuse =
            |error: &ApiError| respond::error(error_representation(&parts.headers, query), error);
        let place = match Place::find(&set.discovery, &self.pages, path) {
            Ok(place) => place,
            Err(Nothing::Page) => return respond::page_not_found(),
            Err(Nothing::Resource) => return refuse(&no_such_resource()),
        };
        if parts.method != Method::GET {
            return refuse(&method_not_allowed());
        }
        if let Place::Page(page) = place {
            return page
                .answer(&parts.headers)
                .unwrap_or_else(|error| refuse(&error));
        }
        if let Some(aggregated) = place.aggregated(&set.discovery)
            && let Some(format) = asks_for_aggregated(&parts.headers)
        {
            return self.aggregated(&parts.headers, aggregated, format);
        }
        let representation = match representation(
            &parts.headers,
            query,
            Offers::Object,
            TableSupport::NoTables,
        ) {
            Ok(representation) => representation,
            Err(error) => return refuse(&error),
        };
        let Place::Document(answer) = place else {
            return match representation.format {
                // There is no message for it.
                Format::Protobuf => refuse(&ApiError::not_acceptable(&["application/json"])),
                _ => {
                    let body = respond::json_bytes(&self.version, representation);
                    respond::with_body(
                        StatusCode::OK,
                        respond::media_type(Format::Json),
                        Body::whole(body),
                    )
                }
            };
        };
        match representation.format {
            Format::Protobuf => respond::with_body(
                StatusCode::OK,
                respond::media_type(Format::Protobuf),
                Body::whole(answer.protobuf.body()),
            ),
            Format::Json if !representation.pretty => respond::with_body(
                StatusCode::OK,
                respond::media_type(Format::Json),
                Body::whole(answer.json.body()),
            ),
            format => {
                let json = answer.json.body();
                let body =
                    respond::json_bytes(&json.slice_ref(json.trim_ascii_end()), representation);
                respond::with_body(
                    StatusCode::OK,
                    respond::media_type(format),
                    Body::whole(body),
                )
            }
        }
    }

    fn aggregated(&self, headers: &HeaderMap, answer: &Answer, format: Format) -> Response<Body> {
        let document = if format == Format::Protobuf {
            &answer.protobuf
        } else {
            &answer.json
        };
        let mut response = conditional(headers, document);
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("public"));
        response
            .headers_mut()
            .insert(VARY, HeaderValue::from_static("Accept"));
        response
    }

    /// Building a document takes a while, so it is done where it keeps nobody waiting.
    async fn openapi(&self, parts: &Parts, query: Query<'_>, path: &str) -> Response<Body> {
        // The index comes in one form, whatever the client takes.
        let form = match path {
            "/openapi/v3" => Some(OpenApiForm::Json),
            _ => OpenApiForm::negotiate(&parts.headers, path == "/openapi/v2"),
        };
        let Some(form) = form else {
            return bare(StatusCode::NOT_ACCEPTABLE);
        };
        let (set, headers) = (self.documents.kept(), parts.headers.clone());
        let (path, hash) = (
            path.to_owned(),
            query.first("hash").map(std::borrow::Cow::into_owned),
        );
        let built = tokio::task::spawn_blocking(move || {
            openapi(&set, &headers, &path, hash.as_deref(), form)
        })
        .await;
        built.unwrap_or_else(|_| {
            respond::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "building the document failed\n",
            )
        })
    }
}

/// Samples in the format that the client likes best.
fn expose(headers: &HeaderMap, text: impl FnOnce(Exposition) -> String) -> Response<Body> {
    let open = clauses(headers)
        .first()
        .is_some_and(|clause| clause.kind == "application" && clause.subtype == "openmetrics-text");
    let exposition = if open {
        Exposition::OpenMetrics
    } else {
        Exposition::Text
    };
    respond::with_body(
        StatusCode::OK,
        HeaderValue::from_static(exposition.content_type()),
        Body::whole(text(exposition)),
    )
}

/// What a path below the API's roots leads to.
enum Place<'a> {
    /// `/version`
    Version,
    /// A document of its own.
    Page(&'a Page),
    /// A discovery document.
    Document(&'a Answer),
}

/// How a path leads nowhere.
enum Nothing {
    /// It is below no root.
    Page,
    /// It is below one.
    Resource,
}

impl<'a> Place<'a> {
    fn find(discovery: &'a Discovery, pages: &'a [Page], path: &str) -> Result<Self, Nothing> {
        let below = |root: &str| {
            path.strip_prefix(root)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let at_root = |rest: &str, place| {
            let is_it = rest.trim_matches('/').is_empty();
            is_it.then_some(place).ok_or(Nothing::Resource)
        };
        if let Some(rest) = below("/version") {
            return at_root(rest, Self::Version);
        }
        for page in pages {
            if let Some(rest) = below(page.path) {
                return at_root(rest, Self::Page(page));
            }
        }
        if let Some(rest) = below("/apis") {
            let rest = rest.strip_prefix('/').unwrap_or(rest);
            let trimmed = rest.strip_suffix('/').unwrap_or(rest);
            if trimmed.is_empty() {
                return Ok(Self::Document(discovery.groups()));
            }
            let (group, version) = trimmed
                .split_once('/')
                .map_or((trimmed, None), |(group, version)| (group, Some(version)));
            let document = discovery.group(group).ok_or(Nothing::Page)?;
            return match version {
                None => Ok(Self::Document(document)),
                Some(version) => discovery
                    .group_version(group, version)
                    .map(Self::Document)
                    .ok_or(Nothing::Resource),
            };
        }
        let rest = below("/api").ok_or(Nothing::Page)?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        match rest.strip_suffix('/').unwrap_or(rest) {
            "" => Ok(Self::Document(discovery.legacy_root())),
            version => discovery
                .group_version("", version)
                .map(Self::Document)
                .ok_or(Nothing::Resource),
        }
    }

    /// The other form of the document, with all resources in it.
    fn aggregated(&self, discovery: &'a Discovery) -> Option<&'a Answer> {
        match self {
            Self::Document(answer) if std::ptr::eq(*answer, discovery.legacy_root()) => {
                Some(discovery.aggregated_root())
            }
            Self::Document(answer) if std::ptr::eq(*answer, discovery.groups()) => {
                Some(discovery.aggregated_groups())
            }
            _ => None,
        }
    }
}

/// The format in which the client wants aggregated discovery, if that is what it wants most.
fn asks_for_aggregated(headers: &HeaderMap) -> Option<Format> {
    for clause in clauses(headers) {
        let format = match clause.subtype {
            "json" => Format::Json,
            "vnd.kubernetes.protobuf" => Format::Protobuf,
            _ => continue,
        };
        match (
            clause.parameter("as"),
            clause.parameter("g"),
            clause.parameter("v"),
        ) {
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => {
                return Some(format);
            }
            (None, ..) => return None,
            _ => {}
        }
    }
    None
}

/// A document, or that the client has it already.
fn conditional(headers: &HeaderMap, document: &Document) -> Response<Body> {
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| document.matches(tags));
    let mut response = if known {
        bare(StatusCode::NOT_MODIFIED)
    } else {
        let content_type = HeaderValue::from_static(document.content_type());
        match document.gzip().filter(|_| gzip::is_accepted(headers)) {
            Some(compressed) => {
                let mut response =
                    respond::with_body(StatusCode::OK, content_type, Body::whole(compressed));
                response
                    .headers_mut()
                    .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                response
            }
            None => respond::with_body(StatusCode::OK, content_type, Body::whole(document.body())),
        }
    };
    if let Ok(etag) = HeaderValue::from_str(document.etag()) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// A code and nothing else.
fn bare(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    #[test]
    fn aggregated_discovery_is_given_to_who_wants_it_most() {
        let asks = |accept: &'static str| {
            asks_for_aggregated(&HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_static(accept),
            )]))
        };
        let v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
            application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
        assert_eq!(asks(v2), Some(Format::Json));
        assert_eq!(
            asks(
                "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
            ),
            None
        );
        assert_eq!(asks("application/json"), None);
    }
}
