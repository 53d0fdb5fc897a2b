//! Every rule of the core, apps, batch, autoscaling and policy groups, with what is said when it is broken.
//!
//! The rules are rows of the files in `tests/validation`:
//!
//! ```text
//! good v1 Pod {"spec": ...}          the object that the following rows change
//! create /spec/nodeName "A"          what is wrong with it as a new object, each line an error
//!   spec.nodeName: Invalid value: ...
//! update /spec/nodeName "a"          what is wrong with the change of the good object
//! update /a 1 => /a 2                the same from another object; the second changes come on top of the first
//! status /status/phase "A"           the same through a subresource
//! ```
//!
//! A change is a JSON pointer and a value, and several have ` & ` between them. An index one past the end appends; `null`
//! removes. An expected error that ends with an ellipsis goes on, in a way that other rows or tests show. `<a*300>` is 300
//! times the letter.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may panic, and so may what it calls"
)]

use std::fmt::Write;
use std::path::Path;

use bytes::Bytes;
use pintle_api::{defaults, validation};
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::value::Record;
use serde_json::Value;

#[test]
fn every_rule_speaks_as_upstreams_does() {
    let mut rows = 0;
    let mut wrong = String::new();
    let mut files: Vec<_> = Path::new("tests/validation")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for row in rows_of(&text) {
            rows += 1;
            let found = row.found();
            let expected: Vec<_> = row.expected.iter().map(|error| repeated(error)).collect();
            if !fits(&found, &expected) {
                let at = file.display();
                writeln!(wrong, "{at}:{} {}\n  said:", row.line, row.changes).unwrap();
                for error in found {
                    writeln!(wrong, "  {error}").unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(rows > 0, "the rows are not where they are looked for");
}

/// One row, and the object that it changes.
struct Row<'a> {
    line: usize,
    good: &'a Good<'a>,
    verb: &'a str,
    changes: &'a str,
    expected: Vec<&'a str>,
}

struct Good<'a> {
    group_version: &'a str,
    kind: &'a str,
    object: Value,
}

fn rows_of(text: &str) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut good = None;
    for (at, line) in text.lines().enumerate() {
        if let Some(error) = line.strip_prefix("  ") {
            rows.last_mut().unwrap().expected.push(error);
        } else if let Some(rest) = line.strip_prefix("good ") {
            let mut parts = rest.splitn(3, ' ');
            let mut part = || parts.next().unwrap();
            good = Some(&*Box::leak(Box::new(Good {
                group_version: part(),
                kind: part(),
                object: serde_json::from_str(part()).unwrap(),
            })));
        } else if !line.is_empty() && !line.starts_with('#') {
            let (verb, changes) = line.split_once(' ').unwrap_or((line, ""));
            rows.push(Row {
                line: at + 1,
                good: good.unwrap(),
                verb,
                changes,
                expected: Vec::new(),
            });
        }
    }
    rows
}

impl Row<'_> {
    fn found(&self) -> Vec<String> {
        let changes = repeated(self.changes);
        let (before, after) = changes.split_once(" => ").unwrap_or(("", &changes));
        let mut object = self.good.object.clone();
        change(&mut object, before);
        let old = self.good.record(&object);
        change(&mut object, after);
        let new = self.good.record(&object);
        let errors = match self.verb {
            "create" => validation::create(&new),
            "update" => validation::update(&new, &old),
            subresource => validation::update_subresource(subresource, &new, &old),
        };
        errors.iter().map(ToString::to_string).collect()
    }
}

impl Good<'_> {
    fn record(&self, object: &Value) -> Record {
        let (group, version) = self
            .group_version
            .split_once('/')
            .unwrap_or(("", self.group_version));
        let ty = pintle_api::type_by_kind(group, version, self.kind).unwrap();
        let body = Bytes::from(object.to_string());
        let mut problems = Problems::collected();
        let mut record = json::decode(&ty, &body, &mut problems).unwrap();
        assert!(problems.texts().is_empty(), "{object}: {problems:?}");
        defaults::apply(&mut record);
        record
    }
}

fn change(object: &mut Value, changes: &str) {
    for one in changes.split(" & ").filter(|one| !one.is_empty()) {
        let (pointer, value) = one.split_once(' ').unwrap();
        let value = serde_json::from_str(value).unwrap_or_else(|error| panic!("{one}: {error}"));
        set(object, pointer, value);
    }
}

/// Sets what `pointer` points to, with all that lies between.
fn set(object: &mut Value, pointer: &str, value: Value) {
    let Some(rest) = pointer.strip_prefix('/') else {
        *object = value;
        return;
    };
    let (token, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let token = token.replace("~1", "/");
    let is_removed = rest.is_empty() && value.is_null();
    match (object, token.parse::<usize>()) {
        (Value::Array(list), Ok(at)) if is_removed => {
            list.remove(at);
        }
        (Value::Array(list), Ok(at)) => {
            if at == list.len() {
                list.push(Value::Null);
            }
            set(&mut list[at], rest, value);
        }
        (object @ Value::Null, Ok(0)) => {
            *object = Value::Array(vec![Value::Null]);
            set(&mut object[0], rest, value);
        }
        (Value::Object(map), _) if is_removed => {
            map.remove(&token);
        }
        (object, _) => {
            if object.is_null() {
                *object = Value::Object(serde_json::Map::new());
            }
            set(&mut object[&*token], rest, value);
        }
    }
}

/// Writes `<a*300>` out.
fn repeated(text: &str) -> String {
    let mut parts = text.split('<');
    let mut written = parts.next().unwrap().to_owned();
    for part in parts {
        let (times, rest) = part.split_once('>').unwrap_or((part, ""));
        match times
            .split_once('*')
            .map(|(what, times)| (what, times.parse()))
        {
            Some((what, Ok(times))) => {
                written.push_str(&what.repeat(times));
                written.push_str(rest);
            }
            _ => {
                written.push('<');
                written.push_str(part);
            }
        }
    }
    written
}

fn fits(found: &[String], expected: &[String]) -> bool {
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| match expected.strip_suffix('…') {
                Some(start) => found.starts_with(start),
                None => found == expected,
            })
}
