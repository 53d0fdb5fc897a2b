//! Answers: objects, errors and texts as responses.

use bytes::{Buf as _, Bytes};
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use pintle_runtime::codec::protobuf::envelope;
use pintle_runtime::codec::{json, yaml};
use pintle_runtime::status::{ApiError, Status};

use crate::body::Body;
use crate::data::Data;
use crate::gzip;
use crate::negotiate::{Format, Representation};

/// `Audit-Id`
pub const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
/// Uid of the flow schema that a request is of.
const FLOW_SCHEMA: HeaderName = HeaderName::from_static("x-kubernetes-pf-flowschema-uid");
/// Uid of the priority level that a request is of.
const PRIORITY_LEVEL: HeaderName = HeaderName::from_static("x-kubernetes-pf-prioritylevel-uid");
/// What everything is answered with that does not say otherwise.
pub const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache, private");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");

/// Whether an answer may be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// The client takes gzip, and the verb is one that upstream compresses for.
    Gzip,
    /// As it is.
    None,
}

/// A response of a body and its type.
pub fn with_body(code: StatusCode, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A page of text, as Go's `http.Error` and the health endpoints send it.
pub fn text(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = with_body(code, TEXT, Body::whole(text));
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

/// A text whose type Go finds out by itself.
pub fn plain(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    with_body(code, TEXT, Body::whole(text))
}

/// 404 for a path that nothing is at.
pub fn page_not_found() -> Response<Body> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// The value of `Content-Type` for whole objects in a format.
pub fn media_type(format: Format) -> HeaderValue {
    HeaderValue::from_static(format.media_type())
}

/// Compact JSON, in the format asked for.
pub fn json_bytes(compact: &Bytes, representation: Representation) -> Bytes {
    let mut out = Vec::with_capacity(compact.len() + 1);
    match representation.format {
        Format::Yaml => yaml::from_json(compact, &mut out),
        _ if representation.pretty => json::indent(compact, &mut out),
        _ => {
            out.extend_from_slice(compact);
            out.push(b'\n');
        }
    }
    out.into()
}

/// A whole body in a format, compressed if it is worth it.
pub fn whole(
    code: StatusCode,
    format: Format,
    compression: Compression,
    data: impl Into<Data>,
) -> Response<Body> {
    let data = data.into();
    if compression == Compression::Gzip && data.remaining() >= gzip::THRESHOLD {
        let compressed = gzip::compress(&data.into_bytes());
        let mut response = with_body(code, media_type(format), Body::whole(compressed));
        mark_gzip(&mut response);
        return response;
    }
    with_body(code, media_type(format), Body::whole(data))
}

/// Says that the body is compressed.
pub fn mark_gzip(response: &mut Response<Body>) {
    response.headers_mut().insert(CONTENT_ENCODING, GZIP);
    response.headers_mut().append(VARY, ACCEPT_ENCODING);
}

/// A `Status` that is no error.
pub fn status(code: StatusCode, representation: Representation, status: &Status) -> Response<Body> {
    with_body(
        code,
        media_type(representation.format),
        Body::whole(status_bytes(status, representation)),
    )
}

/// An error.
pub fn error(representation: Representation, error: &ApiError) -> Response<Body> {
    let status = error.to_status();
    let code = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = self::status(code, representation, &status);
    if let Some(retry_after) = error.retry_after() {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(retry_after.as_seconds()));
    }
    response
}

/// An error of a filter before the handler, which upstream guards against being taken for a page.
pub fn guarded_error(representation: Representation, error: &ApiError) -> Response<Body> {
    let mut response = self::error(representation, error);
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    response
}

fn status_bytes(status: &Status, representation: Representation) -> Bytes {
    if representation.format == Format::Protobuf {
        status_protobuf(status)
    } else {
        json_bytes(&status.to_json().into(), representation)
    }
}

/// A `Status` in its protobuf envelope.
pub fn status_protobuf(status: &Status) -> Bytes {
    let mut out = Vec::with_capacity(256);
    envelope::encode("v1", "Status", &status.to_record(), &mut out);
    out.into()
}

/// Tells the client which flow schema and priority level its request was of, by their uids.
pub(crate) fn name_flow(
    response: &mut Response<Body>,
    (schema, level): (HeaderValue, HeaderValue),
) {
    let headers = response.headers_mut();
    headers.insert(FLOW_SCHEMA, schema);
    headers.insert(PRIORITY_LEVEL, level);
}

/// Adds what every response has.
pub fn finish(response: &mut Response<Body>, audit_id: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(AUDIT_ID, audit_id);
    headers.entry(CACHE_CONTROL).or_insert(NO_CACHE);
}

/// Adds `Warning` headers: each text once, cut short once they are many.
pub fn warn(response: &mut Response<Body>, warnings: &[String]) {
    const ENOUGH: usize = 4096;
    const SHORT: usize = 256;
    let total: usize = warnings.iter().map(String::len).sum();
    let mut sent: Vec<&str> = Vec::new();
    let mut bytes = 0;
    for warning in warnings {
        if sent.contains(&warning.as_str()) {
            continue;
        }
        sent.push(warning);
        let text: String = if total > ENOUGH {
            warning.chars().take(SHORT).collect()
        } else {
            warning.clone()
        };
        bytes += text.len();
        if bytes > ENOUGH {
            break;
        }
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(warning_header(&text))) {
            response.headers_mut().append(http::header::WARNING, value);
        }
    }
}

/// `299 - "text"`
fn warning_header(text: &str) -> Vec<u8> {
    let mut out = b"299 - \"".to_vec();
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..=31 | 127 => out.push(b' '),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_quoted_and_sent_once() {
        let mut response = page_not_found();
        let field = "unknown field \"metadata.foo\"".to_owned();
        warn(
            &mut response,
            &[field.clone(), field, "two\nlines".to_owned()],
        );
        let found: Vec<_> = response
            .headers()
            .get_all("warning")
            .iter()
            .map(|value| value.to_str().unwrap_or(""))
            .collect();
        assert_eq!(
            found,
            [
                r#"299 - "unknown field \"metadata.foo\"""#,
                r#"299 - "two lines""#
            ]
        );
    }

    #[test]
    fn many_warnings_are_cut_short() {
        let mut response = page_not_found();
        let long: Vec<String> = (0..40)
            .map(|number| format!("{number} {}", "x".repeat(400)))
            .collect();
        warn(&mut response, &long);
        let found: Vec<_> = response.headers().get_all("warning").iter().collect();
        assert_eq!(found.len(), 16);
        assert_eq!(found[0].len(), 256 + 8);
    }
}
