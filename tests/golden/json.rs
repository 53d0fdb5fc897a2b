//! JSON that keeps what comparing with a recording needs: the order of members, and whether a number is an integer.
//!
//! `serde_json::Value` sorts members unless a feature changes it for every crate of the build, the server's included.

use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// A JSON value. Of a repeated member the last value counts.
#[derive(Clone, Debug)]
pub(super) enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// `1` and `1.0` differ.
    Number(Number),
    /// Text.
    String(String),
    /// Values in order.
    List(Vec<Json>),
    /// Members in the order of the text.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value.
    pub(super) fn parse(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text)
    }

    /// A string.
    pub(super) fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// The member `name` of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => find(members, name),
            _ => None,
        }
    }

    /// The text of a string.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// What a JSON pointer names. `""` and `"/"` name the whole.
    pub(super) fn at(&self, pointer: &str) -> Option<&Json> {
        if pointer.is_empty() || pointer == "/" {
            return Some(self);
        }
        pointer
            .trim_start_matches('/')
            .split('/')
            .try_fold(self, |value, part| match value {
                Self::List(items) => items.get(part.parse::<usize>().ok()?),
                Self::Object(members) => find(members, &unescape(part)),
                _ => None,
            })
    }

    /// As [`at`](Self::at).
    pub(super) fn at_mut(&mut self, pointer: &str) -> Option<&mut Json> {
        if pointer.is_empty() || pointer == "/" {
            return Some(self);
        }
        pointer
            .trim_start_matches('/')
            .split('/')
            .try_fold(self, |value, part| match value {
                Self::List(items) => items.get_mut(part.parse::<usize>().ok()?),
                Self::Object(members) => {
                    let name = unescape(part);
                    members
                        .iter_mut()
                        .find(|(member, _)| *member == name)
                        .map(|(_, value)| value)
                }
                _ => None,
            })
    }

    /// Removes what a JSON pointer names, if it is there; `*` stands for every member or item.
    pub(super) fn remove(&mut self, pointer: &str) {
        let parts: Vec<String> = pointer
            .trim_start_matches('/')
            .split('/')
            .map(unescape)
            .collect();
        self.remove_parts(&parts);
    }

    fn remove_parts(&mut self, parts: &[String]) {
        let Some((head, rest)) = parts.split_first() else {
            return;
        };
        let named = |name: &str| head == "*" || head == name;
        match self {
            Self::Object(members) if rest.is_empty() => members.retain(|(name, _)| !named(name)),
            Self::List(items) if rest.is_empty() => {
                let mut index = 0;
                items.retain(|_| {
                    index += 1;
                    !named(&(index - 1).to_string())
                });
            }
            Self::Object(members) => {
                for (_, value) in members.iter_mut().filter(|(name, _)| named(name)) {
                    value.remove_parts(rest);
                }
            }
            Self::List(items) => {
                for (_, item) in items
                    .iter_mut()
                    .enumerate()
                    .filter(|(index, _)| named(&index.to_string()))
                {
                    item.remove_parts(rest);
                }
            }
            _ => {}
        }
    }

    /// The value with a JSON merge patch (RFC 7386) applied.
    #[must_use]
    pub(super) fn merged(self, patch: Json) -> Json {
        let Json::Object(changes) = patch else {
            return patch;
        };
        let mut members = match self {
            Json::Object(members) => members,
            _ => Vec::new(),
        };
        for (name, change) in changes {
            let place = members.iter().position(|(member, _)| *member == name);
            match (change, place) {
                (Json::Null, Some(place)) => drop(members.remove(place)),
                (Json::Null, None) => {}
                (change, Some(place)) => {
                    let old = std::mem::replace(&mut members[place].1, Json::Null);
                    members[place].1 = old.merged(change);
                }
                (change, None) => members.push((name, Json::Null.merged(change))),
            }
        }
        Json::Object(members)
    }

    /// The text of the value, in ASCII, members as they stand.
    pub(super) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, false);
        out
    }

    /// The text of the value, in ASCII, members sorted: equal values have equal texts.
    pub(super) fn to_sorted_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, true);
        out
    }

    fn write(&self, out: &mut String, sorted: bool) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => {
                write!(out, "{number}").expect("writing to a string cannot fail");
            }
            Self::String(text) => write_string(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    item.write(out, sorted);
                }
                out.push(']');
            }
            Self::Object(members) => {
                let mut order: Vec<&(String, Json)> = members.iter().collect();
                if sorted {
                    order.sort_by(|a, b| a.0.cmp(&b.0));
                }
                out.push('{');
                for (index, (name, value)) in order.into_iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    write_string(name, out);
                    out.push_str(": ");
                    value.write(out, sorted);
                }
                out.push('}');
            }
        }
    }
}

/// Equal without regard to the order of members.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(name, value)| find(b, name) == Some(value))
            }
            _ => false,
        }
    }
}

fn find<'a>(members: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    members
        .iter()
        .find(|(member, _)| member == name)
        .map(|(_, value)| value)
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("writing to a string cannot fail");
                }
            }
        }
    }
    out.push('"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value)
            .map(Json::Number)
            .ok_or_else(|| E::custom("a number that JSON does not have"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members: Vec<(String, Json)> = Vec::new();
        while let Some((name, value)) = access.next_entry::<String, Json>()? {
            match members.iter_mut().find(|(member, _)| *member == name) {
                Some(member) => member.1 = value,
                None => members.push((name, value)),
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn members_keep_their_order_and_the_last_of_equal_names_counts() {
        assert_eq!(
            json(r#"{"b": 1, "a": 2, "b": 3}"#).to_text(),
            r#"{"b": 3, "a": 2}"#
        );
        assert_eq!(
            json(r#"{"b": 1, "a": {"d": "é", "c": []}}"#).to_sorted_text(),
            r#"{"a": {"c": [], "d": "\u00e9"}, "b": 1}"#
        );
    }

    #[test]
    fn equality_ignores_the_order_of_members_and_tells_integers_from_floats() {
        assert_eq!(json(r#"{"a": 1, "b": 2}"#), json(r#"{"b": 2, "a": 1}"#));
        assert_ne!(json("1"), json("1.0"));
        assert_ne!(json("[1, 2]"), json("[2, 1]"));
        assert_ne!(json("1"), json("true"));
    }

    #[test]
    fn pointers_reach_into_objects_and_lists() {
        let value = json(r#"{"a/b": [{"c~d": 1}]}"#);
        assert_eq!(value.at("/a~1b/0/c~0d"), Some(&json("1")));
        assert_eq!(value.at(""), Some(&value));
        assert_eq!(value.at("/a~1b/1"), None);
        assert_eq!(value.at("/a~1b/x"), None);
    }

    #[track_caller]
    fn check_removal(from: &str, pointer: &str, expected: &str) {
        let mut value = json(from);
        value.remove(pointer);
        assert_eq!(value.to_text(), expected, "{from} without {pointer}");
    }

    #[test]
    fn a_star_removes_every_member_or_item() {
        check_removal(
            r#"{"items": [{"a": 1, "b": 2}, {"b": 3}]}"#,
            "/items/*/b",
            r#"{"items": [{"a": 1}, {}]}"#,
        );
        check_removal(
            r#"{"items": [1, 2, 3]}"#,
            "/items/1",
            r#"{"items": [1, 3]}"#,
        );
        check_removal(r#"{"items": [1, 2, 3]}"#, "/items/*", r#"{"items": []}"#);
        check_removal(r#"{"a": {"b": 1}}"#, "/*/b", r#"{"a": {}}"#);
        check_removal(r#"{"a": 1}"#, "/b/c", r#"{"a": 1}"#);
    }

    #[track_caller]
    fn check_merge(from: &str, patch: &str, expected: &str) {
        assert_eq!(json(from).merged(json(patch)).to_text(), expected);
    }

    #[test]
    fn a_merge_patch_replaces_removes_and_descends() {
        check_merge(
            r#"{"a": {"b": 1, "c": 2}, "d": [1]}"#,
            r#"{"a": {"b": null, "e": 3}, "d": [2]}"#,
            r#"{"a": {"c": 2, "e": 3}, "d": [2]}"#,
        );
        check_merge(
            r#"{"a": 1}"#,
            r#"{"a": {"b": null, "c": 1}}"#,
            r#"{"a": {"c": 1}}"#,
        );
        check_merge(r#"{"a": 1}"#, "7", "7");
    }
}
