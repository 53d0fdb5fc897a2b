//! From a recorded request to what goes over the wire.

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use bytes::Bytes;

use super::json::Json;
use super::matcher::{Variables, display};
use super::scenario::Request;
use crate::http::Headers;

/// Who the scenarios' users are to the server.
#[derive(Clone, Debug)]
pub struct Tokens(pub Vec<(String, String)>);

impl Tokens {
    /// The headers of a request by `user`, with `extra` ones replacing and, where null, removing others.
    pub(super) fn headers(&self, user: &str, extra: Option<&Json>) -> Headers {
        let mut headers: Headers = vec![
            ("User-Agent".into(), "golden/1.0".into()),
            ("Accept".into(), "application/json".into()),
        ];
        if user != "anonymous" {
            let token = self
                .0
                .iter()
                .find(|(name, _)| name == user)
                .map_or(user, |(_, token)| token);
            headers.push(("Authorization".into(), format!("Bearer {token}")));
        }
        if let Some(Json::Object(extra)) = extra {
            for (name, value) in extra {
                headers.retain(|(existing, _)| !existing.eq_ignore_ascii_case(name));
                match value {
                    Json::Null => {}
                    Json::List(values) => {
                        headers.extend(values.iter().map(|value| (name.clone(), display(value))));
                    }
                    value => headers.push((name.clone(), display(value))),
                }
            }
        }
        headers
    }
}

/// What is sent for a recorded request.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) method: String,
    /// With the query.
    pub(super) path: String,
    pub(super) headers: Headers,
    pub(super) body: Option<Bytes>,
}

/// Puts variables in their places.
pub(super) fn prepare(
    request: &Request,
    tokens: &Tokens,
    variables: &Variables,
) -> Result<Prepared> {
    let mut path = display(&fill(&Json::string(&request.path), variables));
    if let Some(Json::Object(query)) = &request.query
        && !query.is_empty()
    {
        path.push(if path.contains('?') { '&' } else { '?' });
        path += &encode_query(query, variables);
    }
    let extra = request
        .headers
        .as_ref()
        .map(|headers| fill(headers, variables));
    let mut headers = tokens.headers(&request.user, extra.as_ref());
    let body = match request {
        Request {
            body: Some(body), ..
        } => {
            if !headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            {
                headers.push(("Content-Type".into(), "application/json".into()));
            }
            Some(fill(body, variables).to_text().into())
        }
        Request {
            text: Some(text), ..
        } => Some(display(&fill(&Json::string(text), variables)).into()),
        Request {
            base64: Some(text), ..
        } => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            Some(bytes.context("a request's base64 cannot be read")?.into())
        }
        _ => None,
    };
    if path.contains(' ') {
        bail!("{path:?} cannot be asked for");
    }
    Ok(Prepared {
        method: request.method.clone(),
        path,
        headers,
        body,
    })
}

/// `value` with captured variables in the place of their names.
pub(super) fn fill(value: &Json, variables: &Variables) -> Json {
    match value {
        Json::String(text) => fill_text(text, variables),
        Json::List(items) => Json::List(items.iter().map(|item| fill(item, variables)).collect()),
        Json::Object(members) => {
            if let Some(Json::String(base)) = value.get("$from") {
                let base = variables
                    .get(base)
                    .cloned()
                    .unwrap_or(Json::Object(Vec::new()));
                let patch = value
                    .get("$merge")
                    .map_or(Json::Object(Vec::new()), |patch| fill(patch, variables));
                return base.merged(patch);
            }
            let filled = members.iter().map(|(name, value)| {
                (display(&fill_text(name, variables)), fill(value, variables))
            });
            Json::Object(filled.collect())
        }
        other => other.clone(),
    }
}

/// A text that is one variable and nothing else becomes its value; within a text its text is put.
fn fill_text(text: &str, variables: &Variables) -> Json {
    let whole = text
        .strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'));
    if let Some(value) = whole.and_then(|name| variables.get(name)) {
        return value.clone();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let name = from[2..].split_once('}').map(|(name, _)| name);
        match name.and_then(|name| Some((name, variables.get(name)?))) {
            Some((name, value)) => {
                out.push_str(&display(value));
                rest = &from[name.len() + 3..];
            }
            None => {
                out.push_str("${");
                rest = &from[2..];
            }
        }
    }
    out.push_str(rest);
    Json::String(out)
}

fn encode_query(query: &[(String, Json)], variables: &Variables) -> String {
    let mut pairs = Vec::new();
    for (name, value) in query {
        let values = match value {
            Json::List(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        for value in values {
            pairs.push(format!(
                "{}={}",
                percent(name),
                percent(&display(&fill(value, variables)))
            ));
        }
    }
    pairs.join("&")
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(request: &str, expected: &str) {
        let request: Request = serde_json::from_str(request).unwrap();
        let tokens = Tokens(vec![("admin".into(), "a".into())]);
        let variables = Variables::from([
            ("NS".into(), Json::string("golden-x")),
            ("rv".into(), Json::string("7")),
            (
                "old".into(),
                json(r#"{"metadata": {"name": "a"}, "data": {"k": "v"}}"#),
            ),
        ]);
        let sent = prepare(&request, &tokens, &variables).unwrap();
        let headers: Vec<String> = sent.headers[1..]
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let body = String::from_utf8(sent.body.unwrap_or_default().to_vec()).unwrap();
        assert_eq!(
            format!(
                "{} {} [{}] {body}",
                sent.method,
                sent.path,
                headers.join("; ")
            ),
            expected
        );
    }

    #[test]
    fn variables_stand_in_paths_queries_and_bodies() {
        check(
            r#"{"path": "/api/v1/namespaces/${NS}/pods", "query": {"resourceVersion": "${rv}", "labelSelector": ["a=b", "c in (d)"], "n": 5}}"#,
            "GET /api/v1/namespaces/golden-x/pods?resourceVersion=7&labelSelector=a%3Db&labelSelector=c%20in%20%28d%29&n=5 [Accept: application/json; Authorization: Bearer a] ",
        );
        check(
            r#"{"method": "POST", "path": "/", "body": {"a ${NS} ${x}": ["${rv}", "${old}"]}}"#,
            r#"POST / [Accept: application/json; Authorization: Bearer a; Content-Type: application/json] {"a golden-x ${x}": ["7", {"metadata": {"name": "a"}, "data": {"k": "v"}}]}"#,
        );
    }

    #[test]
    fn a_captured_object_can_be_patched() {
        check(
            r#"{"method": "PUT", "path": "/", "body": {"$from": "old", "$merge": {"data": {"k": "${rv}"}}}}"#,
            r#"PUT / [Accept: application/json; Authorization: Bearer a; Content-Type: application/json] {"metadata": {"name": "a"}, "data": {"k": "7"}}"#,
        );
    }

    #[test]
    fn headers_replace_and_remove_the_usual_ones() {
        check(
            r#"{"path": "/", "user": "anonymous", "headers": {"accept": null}}"#,
            "GET / [] ",
        );
        check(
            r#"{"path": "/", "user": "literal", "headers": {"ACCEPT": "x", "Impersonate-Group": ["g", "h"]}}"#,
            "GET / [Authorization: Bearer literal; ACCEPT: x; Impersonate-Group: g; Impersonate-Group: h] ",
        );
        check(
            r#"{"path": "/", "text": "{}", "headers": {"Content-Type": "a/b"}, "method": "POST"}"#,
            "POST / [Accept: application/json; Authorization: Bearer a; Content-Type: a/b] {}",
        );
    }
}
