//! What a request asks for, read from method and URL once: [`RequestInfo`].
//!
//! Routing, authorization and metrics all look at this one reading of the path, so nothing can mean
//! one thing to the authorizer and another to the handler. The path is taken as it stands after
//! percent-decoding: like upstream, no `.`, `..` or empty segment is ever resolved.

use std::fmt;
use std::sync::Arc;

use http::{Method, Uri};
use pintle_authz::{Attributes, ResourceAttributes};
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

use crate::query::{Query, decode_path};

/// What a request asks for.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// The path, percent-decoded. The texts below are slices of it.
    pub path: Text,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection` or `proxy`
    /// for a resource, nothing if the method has no such meaning; the method in lower case for
    /// another path.
    pub verb: Text,
    /// The resource, unless the path is not one of a resource.
    pub resource: Option<ResourceAttributes>,
    /// How the path of a resource is built.
    pub shape: Shape,
}

/// How the path of a resource is built, as far as [`ResourceAttributes`] do not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// The name is a segment of the path, and not from a field selector.
    pub named: bool,
    /// The resource lies below `namespaces/{namespace}`.
    pub in_namespace: bool,
    /// A segment after the version says the verb: the old `watch/` and `proxy/` prefixes.
    pub prefixed: bool,
    /// What follows the subresource, without the slash before it.
    pub subpath: Option<Text>,
    /// A segment is empty, which no path of ours has.
    pub gap: bool,
}

/// A URL that cannot be read; answered as a bad request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// The percent escapes are wrong, or not UTF-8.
    #[error("the path of the request is not valid")]
    Encoding,
    /// Nothing follows `watch/` or `proxy/`.
    #[error("unable to determine kind and namespace from url, {0}")]
    NoKind(String),
}

/// The subresources of a namespace; any other word there is a resource in it.
const NAMESPACE_SUBRESOURCES: [&str; 2] = ["status", "finalize"];

impl RequestInfo {
    /// Reads method and URL.
    ///
    /// # Errors
    /// Where the path does not decode, or says a verb and nothing else.
    pub fn parse(method: &Method, uri: &Uri) -> Result<Self, BadPath> {
        let path = decode_path(uri.path()).ok_or(BadPath::Encoding)?;
        let path = Text::from(path.into_owned());
        match path.split_resource() {
            Some((group, version, rest)) => {
                let query = Query::new(uri.query().unwrap_or_default());
                resource(method, &path, group, version, rest, query).ok_or_else(|| no_kind(uri))
            }
            None => Ok(Self {
                verb: lowercase(method),
                resource: None,
                shape: Shape::default(),
                path,
            }),
        }
    }

    /// What an authorizer sees of a request by `user`.
    pub fn attributes(&self, user: Arc<UserInfo>) -> Attributes {
        Attributes {
            user,
            verb: self.verb.clone(),
            path: self.path.clone(),
            resource: self.resource.clone(),
        }
    }

    /// The subresource, or nothing.
    pub fn subresource(&self) -> &str {
        self.resource
            .as_ref()
            .map_or("", |resource| &resource.subresource)
    }

    /// Whether the request may go on for as long as it likes: neither counted among those in
    /// flight, nor cut off.
    pub fn is_long_running(&self) -> bool {
        let streams = ["attach", "exec", "proxy", "log", "portforward"];
        match &self.resource {
            Some(resource) => {
                matches!(self.verb.as_str(), "watch" | "proxy")
                    || streams.contains(&resource.subresource.as_str())
            }
            None => self.path.starts_with("/debug/pprof/"),
        }
    }
}

fn no_kind(uri: &Uri) -> BadPath {
    BadPath::NoKind(
        uri.path_and_query()
            .map_or_else(String::new, ToString::to_string),
    )
}

trait SplitResource {
    fn split_resource(&self) -> Option<(&str, &str, &str)>;
}

impl SplitResource for Text {
    /// Group, version and the rest of a path that has all three, else nothing.
    fn split_resource(&self) -> Option<(&str, &str, &str)> {
        let (prefix, rest) = self.trim_matches('/').split_once('/')?;
        let (group, rest) = match prefix {
            "api" => ("", rest),
            "apis" => rest.split_once('/')?,
            _ => return None,
        };
        let (version, rest) = rest.split_once('/')?;
        Some((group, version, rest))
    }
}

fn resource(
    method: &Method,
    path: &Text,
    group: &str,
    version: &str,
    rest: &str,
    query: Query<'_>,
) -> Option<RequestInfo> {
    let slice = |part: &str| {
        if part.is_empty() {
            Text::default()
        } else {
            path.slice_of(part)
        }
    };
    let mut shape = Shape::default();
    let mut verb = Text::from_static(verb_of(method));
    let mut rest = rest;
    for prefix in ["watch", "proxy"] {
        if split(rest).0 == prefix && !shape.prefixed {
            rest = split(rest).1?;
            verb = Text::from_static(prefix);
            shape.prefixed = true;
        }
    }

    let mut namespace = "";
    if let ("namespaces", Some(below)) = split(rest) {
        let (name, below) = split(below);
        namespace = name;
        if let Some(below) = below
            && !NAMESPACE_SUBRESOURCES.contains(&split(below).0)
        {
            shape.in_namespace = true;
            rest = below;
        }
    }

    let (word, below) = split(rest);
    let (name, below) = below.map_or(("", None), split);
    shape.named = !name.is_empty();
    let (subresource, subpath) = match below {
        Some(below) if verb != "proxy" => split(below),
        _ => ("", None),
    };
    let known = path.trim_matches('/');
    shape.gap = known[..known.len() - subpath.map_or(0, str::len)].contains("//");
    shape.subpath = subpath.map(slice);

    let mut name = slice(name);
    if !shape.named && verb == "get" {
        verb = Text::from_static(if query.flag("watch") { "watch" } else { "list" });
        if let Some(selected) = selected_name(query) {
            name = selected;
        }
    }
    if name.is_empty() && verb == "delete" {
        verb = Text::from_static("deletecollection");
    }
    let selects = !shape.prefixed && matches!(verb.as_str(), "list" | "watch" | "deletecollection");
    let selector = |key: &str| match query.first(key) {
        Some(value) if selects => Text::from(value.into_owned()),
        _ => Text::default(),
    };
    let resource = ResourceAttributes {
        group: slice(group),
        version: slice(version),
        resource: slice(word),
        subresource: slice(subresource),
        namespace: slice(namespace),
        name,
        field_selector: selector("fieldSelector"),
        label_selector: selector("labelSelector"),
    };
    Some(RequestInfo {
        path: path.clone(),
        verb,
        resource: Some(resource),
        shape,
    })
}

/// The first segment, and what follows the slash after it.
fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('/')
        .map_or((path, None), |(first, rest)| (first, Some(rest)))
}

fn verb_of(method: &Method) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::GET | Method::HEAD => "get",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "",
    }
}

fn lowercase(method: &Method) -> Text {
    Text::from_static(match *method {
        Method::GET => "get",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::HEAD => "head",
        Method::OPTIONS => "options",
        _ => return Text::from(method.as_str().to_ascii_lowercase()),
    })
}

/// The name that a field selector asks for with `metadata.name=`, if it can be one.
fn selected_name(query: Query<'_>) -> Option<Text> {
    let selector = query.first("fieldSelector")?;
    let mut found = None;
    for term in selector.split(',').filter(|term| !term.contains("!=")) {
        let (key, value) = term.split_once('=')?;
        if key == "metadata.name" {
            found = Some(value.strip_prefix('=').unwrap_or(value));
        }
    }
    let name = found
        .filter(|name| !matches!(*name, "" | "." | "..") && !name.contains(['/', '%', '\\']))?;
    Some(Text::from(name.to_owned()))
}

/// As in logs: `get v1 pods/status web in blue`.
impl fmt::Display for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(resource) = &self.resource else {
            return write!(f, "{} {}", self.verb, self.path);
        };
        write!(f, "{} ", self.verb)?;
        if !resource.group.is_empty() {
            write!(f, "{}/", resource.group)?;
        }
        write!(f, "{} {}", resource.version, resource.resource)?;
        for (before, part) in [
            ("/", &resource.subresource),
            (" ", &resource.name),
            (" in ", &resource.namespace),
        ] {
            if !part.is_empty() {
                write!(f, "{before}{part}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(method: &str, uri: &str) -> Result<RequestInfo, BadPath> {
        RequestInfo::parse(
            &method.parse().expect("a method"),
            &uri.parse().expect("a URI"),
        )
    }

    #[track_caller]
    fn check(method: &str, uri: &str, expected: &str) {
        assert_eq!(
            parse(method, uri).expect("a path").to_string(),
            expected,
            "{method} {uri}"
        );
    }

    #[test]
    fn words_under_a_namespace_are_resources_except_its_own_subresources() {
        check(
            "GET",
            "/api/v1/namespaces/blue/pods",
            "list v1 pods in blue",
        );
        check(
            "GET",
            "/api/v1/namespaces/blue/pods/web/status",
            "get v1 pods/status web in blue",
        );
        check(
            "PUT",
            "/api/v1/namespaces/blue/finalize",
            "update v1 namespaces/finalize blue in blue",
        );
        check(
            "GET",
            "/api/v1/namespaces/blue",
            "get v1 namespaces blue in blue",
        );
        check("GET", "/api/v1/namespaces", "list v1 namespaces");
    }

    #[test]
    fn methods_are_verbs() {
        check("POST", "/api/v1/nodes", "create v1 nodes");
        check(
            "PATCH",
            "/apis/apps/v1/namespaces/a/deployments/web",
            "patch apps/v1 deployments web in a",
        );
        check("DELETE", "/api/v1/nodes/a", "delete v1 nodes a");
        check("DELETE", "/api/v1/nodes", "deletecollection v1 nodes");
        check("HEAD", "/api/v1/nodes", "list v1 nodes");
        check("OPTIONS", "/api/v1/nodes", " v1 nodes");
    }

    #[test]
    fn a_watch_is_a_parameter_or_a_prefix() {
        check("GET", "/api/v1/pods?watch=1", "watch v1 pods");
        check("GET", "/api/v1/pods?watch=false", "list v1 pods");
        check(
            "GET",
            "/api/v1/watch/namespaces/a/pods/web",
            "watch v1 pods web in a",
        );
        check("GET", "/api/v1/watch/pods", "watch v1 pods");
        assert!(parse("GET", "/api/v1/watch").is_err());
        assert!(
            parse("GET", "/api/v1/watch/pods")
                .expect("a path")
                .shape
                .prefixed
        );
        assert!(
            !parse("GET", "/api/v1/pods?watch=1")
                .expect("a path")
                .shape
                .prefixed
        );
    }

    #[test]
    fn the_name_may_come_from_a_field_selector() {
        check(
            "GET",
            "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dweb",
            "list v1 pods web in a",
        );
        check(
            "GET",
            "/api/v1/pods?watch=1&fieldSelector=spec.nodeName=n,metadata.name==web",
            "watch v1 pods web",
        );
        check(
            "GET",
            "/api/v1/pods?fieldSelector=metadata.name!=web",
            "list v1 pods",
        );
        check(
            "GET",
            "/api/v1/pods?fieldSelector=metadata.name=a/b",
            "list v1 pods",
        );
        check(
            "DELETE",
            "/api/v1/nodes?fieldSelector=metadata.name=a",
            "deletecollection v1 nodes",
        );
    }

    #[test]
    fn other_paths_are_no_resources() {
        check("GET", "/", "get /");
        check("GET", "/healthz/ping", "get /healthz/ping");
        check("POST", "/apis/apps/v1", "post /apis/apps/v1");
        check("GET", "/api/v1/", "get /api/v1/");
    }

    #[test]
    fn nothing_in_a_path_is_resolved() {
        check("GET", "/api/v1/namespaces/a/../pods", "get v1 .. pods in a");
        check("GET", "/api/v1/namespaces/a%2Fpods", "list v1 pods in a");
        check(
            "GET",
            "/healthz/%2e%2e/api/v1/secrets",
            "get /healthz/../api/v1/secrets",
        );
        for gap in [
            "/api/v1/namespaces//pods",
            "/api/v1//pods",
            "/api/v1/pods//x",
            "/apis//v1/pods",
        ] {
            assert!(parse("GET", gap).expect("a path").shape.gap, "{gap}");
        }
        assert!(
            !parse("GET", "/api/v1/namespaces/a/pods/b/log")
                .expect("a path")
                .shape
                .gap
        );
        assert_eq!(parse("GET", "/api/%zz").err(), Some(BadPath::Encoding));
    }

    #[test]
    fn what_follows_a_subresource_is_kept() {
        let info = parse("GET", "/api/v1/namespaces/a/pods/b/proxy/x/y").expect("a path");
        assert_eq!(info.shape.subpath.as_deref(), Some("x/y"));
        assert!(info.is_long_running());
    }
}
