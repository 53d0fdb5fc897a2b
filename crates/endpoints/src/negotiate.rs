//! Which representation a client takes, and which one it sends.
//!
//! Upstream looks at `Accept` twice. Its router asks whether one of the route's media types is named
//! literally, or `*/*`; parameters and quality play no part, and `application/*` is refused. Then the
//! handler goes through the clauses by quality and takes the first that it can serve. The two say no
//! in different words, see [`Refusal`].

use std::cmp::Ordering;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, USER_AGENT};
use pintle_runtime::status::{ApiError, Failure, Responded, StatusDetails};

use crate::query::Query;

/// A format that objects come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

impl Format {
    const ALL: [Self; 3] = [Self::Json, Self::Yaml, Self::Protobuf];

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    /// The media type of a stream of watch events.
    pub const fn stream_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        }
    }

    fn subtype(self) -> &'static str {
        &self.media_type()["application/".len()..]
    }

    fn streams(self) -> bool {
        self != Self::Yaml
    }
}

/// What an endpoint can answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offers {
    /// One object, or a Status.
    Object,
    /// A list, or a stream of events.
    List,
    /// A stream of events.
    Stream,
}

const OBJECT_TYPES: &str =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";
const LIST_TYPES: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf, \
    application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
const PLAIN: [&str; 3] = [
    Format::Json.media_type(),
    Format::Yaml.media_type(),
    Format::Protobuf.media_type(),
];
const STREAMS: [&str; 2] = [
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf;stream=watch",
];

/// Another form of the object that a client asks for with `as=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// The object itself.
    None,
    /// `meta.k8s.io` `Table`: in JSON and YAML only.
    Table(MetaVersion),
    /// `meta.k8s.io` `PartialObjectMetadata`
    Metadata(MetaVersion),
    /// `meta.k8s.io` `PartialObjectMetadataList`
    MetadataList(MetaVersion),
}

/// A version of `meta.k8s.io`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaVersion {
    /// `v1`
    V1,
    /// `v1beta1`
    V1Beta1,
}

impl MetaVersion {
    /// `meta.k8s.io/v1` or `meta.k8s.io/v1beta1`.
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

/// What to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Representation {
    /// The format.
    pub format: Format,
    /// JSON with line breaks.
    pub pretty: bool,
    /// The form of the object.
    pub transform: Transform,
}

impl Representation {
    /// Compact JSON.
    pub const JSON: Self = Self {
        format: Format::Json,
        pretty: false,
        transform: Transform::None,
    };
}

/// Whether an endpoint can make tables. Where it cannot, a clause that asks for one is passed over:
/// clients that like them take the object itself as well, and print it on their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableSupport {
    /// It can.
    Tables,
    /// It cannot.
    NoTables,
}

/// What the client takes of what an endpoint offers.
///
/// # Errors
/// 406 in the router's words or the handler's.
pub fn representation(
    headers: &HeaderMap,
    query: Query<'_>,
    offers: Offers,
    tables: TableSupport,
) -> Result<Representation, ApiError> {
    let accept = accept(headers);
    if !router_accepts(accept, offers) {
        let types = if offers == Offers::Object {
            OBJECT_TYPES
        } else {
            LIST_TYPES
        };
        return Err(router_refusal(types));
    }
    let Some(found) = negotiate(accept, offers, |target| transform(target, tables)) else {
        return Err(ApiError::not_acceptable(if offers == Offers::Stream {
            &STREAMS
        } else {
            &PLAIN
        }));
    };
    Ok(Representation {
        pretty: found.pretty || is_pretty(headers, query),
        ..found
    })
}

/// What an error is written in: what the client takes, or JSON.
pub fn error_representation(headers: &HeaderMap, query: Query<'_>) -> Representation {
    let found = negotiate(accept(headers), Offers::Object, |target| {
        target.is_none().then_some(Transform::None)
    });
    let found = found.unwrap_or(Representation::JSON);
    Representation {
        pretty: found.pretty || is_pretty(headers, query),
        ..found
    }
}

/// The clauses of an `Accept` header by quality, for documents that choose for themselves.
pub fn clauses(headers: &HeaderMap) -> Vec<Clause<'_>> {
    parse(accept(headers))
}

/// The format of a request's body.
///
/// # Errors
/// 415
pub fn input_format(headers: &HeaderMap) -> Result<Format, ApiError> {
    let refused = || ApiError::unsupported_media_type(&PLAIN);
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(Format::Json);
    };
    let value = value.to_str().map_err(|_| refused())?;
    if value.is_empty() {
        return Ok(Format::Json);
    }
    let media_type = value.split(';').next().unwrap_or_default().trim();
    Format::ALL
        .into_iter()
        .find(|format| media_type.eq_ignore_ascii_case(format.media_type()))
        .ok_or_else(refused)
}

/// Whether JSON is to be easy on the eye: because the query says so, or because it says nothing and
/// the client is one that people look at.
pub fn is_pretty(headers: &HeaderMap, query: Query<'_>) -> bool {
    if let Some(pretty) = query.first("pretty").filter(|value| !value.is_empty()) {
        return matches!(&*pretty, "1" | "t" | "T" | "true" | "TRUE" | "True");
    }
    let agent = headers
        .get(USER_AGENT)
        .map_or(&b""[..], |agent| agent.as_bytes());
    [&b"curl"[..], b"Wget", b"Mozilla/5.0"]
        .iter()
        .any(|start| agent.starts_with(start))
}

fn accept(headers: &HeaderMap) -> &str {
    headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Whether the client takes a document that comes in one media type.
///
/// # Errors
/// 406 in the router's words.
pub fn accepts_document(headers: &HeaderMap, media_type: &str) -> Result<(), ApiError> {
    if clause_accepted(accept(headers), |bare, _| bare == media_type) {
        Ok(())
    } else {
        Err(router_refusal(media_type))
    }
}

fn router_accepts(accept: &str, offers: Offers) -> bool {
    clause_accepted(accept, |bare, clause| {
        PLAIN.contains(&bare) || (offers != Offers::Object && STREAMS.contains(&clause))
    })
}

/// Whether there is a clause that is `*/*`, or that `is_offered` says yes to, without its parameters or with them.
fn clause_accepted(accept: &str, is_offered: impl Fn(&str, &str) -> bool) -> bool {
    accept.is_empty()
        || accept.split(',').any(|clause| {
            let clause = clause.trim();
            let bare = clause.split(';').next().unwrap_or_default().trim_end();
            bare == "*/*" || is_offered(bare, clause)
        })
}

fn router_refusal(types: &str) -> ApiError {
    let text = format!("406: Not Acceptable\n\nAvailable representations: {types}");
    Responded {
        server_message: &text,
        ..Responded::new(406)
    }
    .into()
}

/// One clause of an `Accept` header.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause<'a> {
    /// `application`, or `*`.
    pub kind: &'a str,
    /// `json`, or `*`.
    pub subtype: &'a str,
    /// All parameters but the quality.
    pub parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl<'a> Clause<'a> {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| *value)
    }

    /// Whether it stands for the media type `kind/subtype`.
    pub fn matches(&self, kind: &str, subtype: &str) -> bool {
        (self.kind == kind || self.kind == "*") && (self.subtype == subtype || self.subtype == "*")
    }
}

fn parse(accept: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<Clause<'_>> = accept.split(',').filter_map(clause).collect();
    // By quality; of equal quality the more specific, and else the first.
    clauses.sort_by(|a, b| {
        let by_quality = b.quality.partial_cmp(&a.quality).unwrap_or(Ordering::Equal);
        let wild = |clause: &Clause<'_>| (clause.kind == "*", clause.subtype == "*");
        by_quality.then(wild(a).cmp(&wild(b)))
    });
    clauses
}

fn clause(text: &str) -> Option<Clause<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = match parts.next()? {
        "*" => ("*", "*"),
        media_type => media_type.split_once('/')?,
    };
    let mut quality = 1.0;
    let mut parameters = Vec::new();
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        if name == "q" {
            quality = value.parse().unwrap_or(1.0);
        } else {
            parameters.push((name, value));
        }
    }
    Some(Clause {
        kind: kind.trim(),
        subtype: subtype.trim(),
        parameters,
        quality,
    })
}

/// A form that `as`, `g` and `v` ask for.
struct Target<'a> {
    kind: &'a str,
    group: &'a str,
    version: &'a str,
}

fn negotiate(
    accept: &str,
    offers: Offers,
    transform: impl Fn(Option<Target<'_>>) -> Option<Transform>,
) -> Option<Representation> {
    // The two headers that make up nearly all traffic.
    match accept {
        "" | "*/*" | "application/json" => return Some(Representation::JSON),
        "application/vnd.kubernetes.protobuf" => {
            return Some(Representation {
                format: Format::Protobuf,
                ..Representation::JSON
            });
        }
        _ => {}
    }
    for clause in &parse(accept) {
        for format in Format::ALL {
            if clause.matches("application", format.subtype())
                && let Some(found) = options(clause, format, offers, &transform)
            {
                return Some(found);
            }
        }
    }
    None
}

fn options(
    clause: &Clause<'_>,
    format: Format,
    offers: Offers,
    transform: &impl Fn(Option<Target<'_>>) -> Option<Transform>,
) -> Option<Representation> {
    let mut target = None;
    let mut pretty = false;
    for (name, value) in &clause.parameters {
        let part = || Target {
            kind: "",
            group: "",
            version: "",
        };
        match *name {
            "as" => target.get_or_insert_with(part).kind = value,
            "g" => target.get_or_insert_with(part).group = value,
            "v" => target.get_or_insert_with(part).version = value,
            "stream" if !value.is_empty() && (*value != "watch" || !format.streams()) => {
                return None;
            }
            "sv" if !value.is_empty() => return None,
            "pretty" => pretty = *value == "1",
            _ => {}
        }
    }
    if offers == Offers::Stream && !format.streams() {
        return None;
    }
    let transform = transform(target)?;
    // There are no tables in protobuf.
    let possible = !(matches!(transform, Transform::Table(_)) && format == Format::Protobuf);
    possible.then_some(Representation {
        format,
        pretty,
        transform,
    })
}

/// The forms that every resource comes in. A clause that asks for another one is passed over.
fn transform(target: Option<Target<'_>>, tables: TableSupport) -> Option<Transform> {
    let Some(target) = target else {
        return Some(Transform::None);
    };
    let version = match (target.group, target.version) {
        ("meta.k8s.io", "v1") => MetaVersion::V1,
        ("meta.k8s.io", "v1beta1") => MetaVersion::V1Beta1,
        _ => return None,
    };
    match target.kind {
        "Table" if tables == TableSupport::Tables => Some(Transform::Table(version)),
        "PartialObjectMetadata" => Some(Transform::Metadata(version)),
        "PartialObjectMetadataList" => Some(Transform::MetadataList(version)),
        _ => None,
    }
}

/// 405, as the router says it.
pub fn method_not_allowed() -> ApiError {
    Responded::new(405).into()
}

/// 404 for a path within a served group version, as the router says it.
pub fn no_such_resource() -> ApiError {
    Responded::new(404).into()
}

/// 415 for a patch, as the router says it.
pub fn unsupported_patch_type() -> ApiError {
    let failure = Failure {
        details: Some(StatusDetails::default()),
        ..Failure::new("415: Unsupported Media Type")
    };
    ApiError::UnsupportedMediaType(Box::new(failure))
}

#[cfg(test)]
mod tests;
