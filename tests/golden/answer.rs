//! The parts of an answer that are compared.

use base64::Engine as _;

use super::json::Json;
use super::scenario::{Compare, Step};
use crate::http::Answer;

/// Compared wherever they occur.
const HEADERS: &[&str] = &[
    "content-type",
    "warning",
    "www-authenticate",
    "retry-after",
    "location",
    "allow",
    "x-content-type-options",
];

/// The parts in the order in which their differences are shown.
pub(super) const PARTS: &[&str] = &[
    "status", "headers", "body", "text", "lines", "protobuf", "events", "ended",
];

/// The answer's document, if it is to be read as one.
pub(super) fn document(answer: &Answer, step: &Step) -> Option<Json> {
    let is_json = header(answer, "content-type")
        .first()
        .is_some_and(|kind| kind.contains("json"));
    let looks_like =
        answer.body.first() == Some(&b'{') && (step.only.is_some() || step.keys.is_some());
    if !is_json && !looks_like {
        return None;
    }
    Json::parse(&answer.body).ok()
}

/// All values of a header.
pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    answer
        .headers
        .iter()
        .filter(|(header, _)| header == name)
        .map(|(_, value)| value.as_str())
        .collect()
}

/// What `expect` describes: `status`, `headers`, and the body in one form or none.
pub(super) fn describe(answer: &Answer, document: Option<&Json>, step: &Step) -> Json {
    let mut parts = vec![
        ("status".into(), Json::Number(answer.status.into())),
        ("headers".into(), headers(answer, step)),
    ];
    let text = || Json::string(answer.text());
    let body = if step.compare == Compare::Status || (step.watch.is_some() && answer.status == 200)
    {
        None
    } else if answer.body.starts_with(b"k8s\0") {
        let whole = || base64::engine::general_purpose::STANDARD.encode(&answer.body);
        Some((
            "protobuf",
            Json::string(if step.compare == Compare::Bytes {
                whole()
            } else {
                "k8s\\0".into()
            }),
        ))
    } else if let Some(document) = document.filter(|_| step.compare != Compare::Text) {
        Some(("body", project(document.clone(), step)))
    } else if step.compare == Compare::Lines {
        let text = answer.text();
        let lines: std::collections::BTreeSet<&str> = text.lines().collect();
        Some((
            "lines",
            Json::List(lines.into_iter().map(Json::string).collect()),
        ))
    } else if answer.body.is_empty() {
        None
    } else {
        Some(("text", text()))
    };
    parts.extend(body.map(|(name, value)| (name.into(), value)));
    Json::Object(parts)
}

fn headers(answer: &Answer, step: &Step) -> Json {
    let wanted = HEADERS
        .iter()
        .map(|name| (*name).to_string())
        .chain(step.headers.iter().map(|name| name.to_lowercase()));
    let mut members: Vec<(String, Json)> = Vec::new();
    for name in wanted {
        let values = header(answer, &name);
        let value = match values.as_slice() {
            [] => continue,
            [value] if name != "warning" => Json::string(*value),
            values => Json::List(values.iter().map(|value| Json::string(*value)).collect()),
        };
        if !members.iter().any(|(member, _)| *member == name) {
            members.push((name, value));
        }
    }
    Json::Object(members)
}

/// The part of a document that a step looks at.
pub(super) fn project(mut document: Json, step: &Step) -> Json {
    sort_managed_fields(&mut document);
    for pointer in &step.ignore {
        document.remove(pointer);
    }
    for pointer in &step.sort {
        if let Some(Json::List(items)) = document.at_mut(pointer) {
            items.sort_by_cached_key(Json::to_sorted_text);
        }
    }
    if let Some(only) = &step.only {
        let found = only
            .iter()
            .filter_map(|pointer| Some((pointer.clone(), document.at(pointer)?.clone())));
        return Json::Object(found.collect());
    }
    if let Some(pointer) = &step.keys {
        return match document.at(pointer) {
            Some(Json::Object(members)) => {
                let mut keys: Vec<&String> = members.iter().map(|(name, _)| name).collect();
                keys.sort();
                Json::List(keys.into_iter().map(Json::string).collect())
            }
            _ => Json::Null,
        };
    }
    document
}

/// The order of entries depends on the second in which each write fell; by identity it does not.
fn sort_managed_fields(document: &mut Json) {
    match document {
        Json::Object(members) => {
            for (name, value) in members {
                match value {
                    Json::List(entries) if name == "managedFields" => {
                        entries.sort_by_cached_key(identity);
                    }
                    value => sort_managed_fields(value),
                }
            }
        }
        Json::List(items) => items.iter_mut().for_each(sort_managed_fields),
        _ => {}
    }
}

fn identity(entry: &Json) -> [String; 4] {
    ["operation", "manager", "subresource", "apiVersion"].map(|name| {
        entry
            .get(name)
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(step: &str, kind: &str, body: &[u8], expected: &str) {
        let step: Step = serde_json::from_str(step).unwrap();
        let headers = vec![
            ("content-type".into(), kind.into()),
            ("date".into(), "today".into()),
        ];
        let answer = Answer {
            status: 200,
            headers,
            body: body.to_vec().into(),
        };
        let document = document(&answer, &step);
        let Json::Object(mut parts) = describe(&answer, document.as_ref(), &step) else {
            unreachable!()
        };
        assert_eq!(Json::Object(parts.split_off(2)).to_text(), expected);
    }

    const JSON: &str = "application/json";

    #[test]
    fn a_body_is_compared_as_what_it_is() {
        check(
            r#"{"name": "a"}"#,
            JSON,
            b"{\"b\": 1}\n",
            r#"{"body": {"b": 1}}"#,
        );
        check(r#"{"name": "a"}"#, "text/plain", b"ok", r#"{"text": "ok"}"#);
        check(
            r#"{"name": "a"}"#,
            "x",
            b"k8s\0\x0a",
            r#"{"protobuf": "k8s\\0"}"#,
        );
        check(r#"{"name": "a"}"#, JSON, b"", "{}");
    }

    #[test]
    fn a_step_may_ask_for_another_comparison() {
        check(
            r#"{"name": "a", "compare": "text"}"#,
            JSON,
            b"{}\n",
            r#"{"text": "{}\n"}"#,
        );
        check(
            r#"{"name": "a", "compare": "lines"}"#,
            "text/plain",
            b"b\na\nb\n",
            r#"{"lines": ["a", "b"]}"#,
        );
        check(r#"{"name": "a", "compare": "status"}"#, JSON, b"{}", "{}");
        check(
            r#"{"name": "a", "compare": "bytes"}"#,
            "x",
            b"k8s\0",
            r#"{"protobuf": "azhzAA=="}"#,
        );
    }

    #[test]
    fn a_step_may_look_at_a_part() {
        let body = br#"{"b": {"z": 1, "y": [3, 1, 2]}, "c": 2}"#;
        check(
            r#"{"name": "a", "only": ["/b/z", "/x"]}"#,
            JSON,
            body,
            r#"{"body": {"/b/z": 1}}"#,
        );
        check(
            r#"{"name": "a", "only": ["/c"]}"#,
            "text/plain",
            body,
            r#"{"body": {"/c": 2}}"#,
        );
        check(
            r#"{"name": "a", "keys": "/b"}"#,
            JSON,
            body,
            r#"{"body": ["y", "z"]}"#,
        );
        check(
            r#"{"name": "a", "ignore": ["/b/*"]}"#,
            JSON,
            body,
            r#"{"body": {"b": {}, "c": 2}}"#,
        );
        check(
            r#"{"name": "a", "sort": ["/b/y"]}"#,
            JSON,
            body,
            r#"{"body": {"b": {"z": 1, "y": [1, 2, 3]}, "c": 2}}"#,
        );
    }

    #[test]
    fn managed_fields_are_ordered_by_identity() {
        check(
            r#"{"name": "a"}"#,
            JSON,
            br#"{"managedFields": [{"operation": "Update", "manager": "b"}, {"operation": "Apply", "manager": "c"}, {"operation": "Update", "manager": "a"}]}"#,
            r#"{"body": {"managedFields": [{"operation": "Apply", "manager": "c"}, {"operation": "Update", "manager": "a"}, {"operation": "Update", "manager": "b"}]}}"#,
        );
    }
}
