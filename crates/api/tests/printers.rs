//! The rows and columns that kube-apiserver v1.36.2 gave to the objects it had just shown.

#![allow(clippy::unwrap_used, reason = "what is recorded is known to be there")]

use std::path::Path;

use bytes::Bytes;
use pintle_api::printers::{ColumnDefinitions, cells, default_cells, write_cells};
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Map, Value};

const FILES: [&str; 5] = [
    "lifecycle-access.json",
    "lifecycle-apps.json",
    "lifecycle-core.json",
    "lifecycle-networking.json",
    "lifecycle-extension.json",
];
/// Stands for the description of a field.
const OF_A_FIELD: &str = "that of the field";
const STORAGE: &str = "lifecycle-storage.json";

/// The members of a JSON object.
fn members(value: &Value) -> &Map {
    value.as_map().unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    members(value)
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    members(value)
        .get(name)
        .and_then(Value::as_list)
        .unwrap_or_default()
}

/// The body that was recorded for the step called `name`.
fn recorded<'a>(scenario: &'a Value, name: &str) -> Option<&'a Value> {
    let step = list(scenario, "steps")
        .iter()
        .find(|step| text(step, "name") == name)?;
    members(members(step).get("expect")?).get("body")
}

fn to_json(value: &Value) -> String {
    let mut out = Vec::new();
    json::encode_value(value, &mut out);
    String::from_utf8(out).unwrap()
}

/// The recordings have words in place of times and UIDs, with which objects are not valid.
fn without_words(text: &str) -> String {
    text.replace("${TIME}", "2026-01-01T00:00:00Z")
        .replace("${MICROTIME}", "2026-01-01T00:00:00.000000Z")
        .replace("${UID1}", "uid-1")
}

fn check_columns(table: &Value, kind: &str, group: &str) {
    let expected = list(table, "columnDefinitions");
    // Descriptions of fields come from elsewhere; the others have to be the same.
    let definitions = ColumnDefinitions::new(&|_, _| Some(OF_A_FIELD.into()));
    let columns = definitions.of(kind, group);
    assert_eq!(columns.len(), expected.len(), "{kind}");
    for (column, expected) in columns.iter().zip(expected) {
        let name = column.column.name;
        assert_eq!(name, text(expected, "name"), "{kind}");
        assert_eq!(column.column.ty, text(expected, "type"), "{kind} {name}");
        assert_eq!(
            column.column.format,
            text(expected, "format"),
            "{kind} {name}"
        );
        let priority = members(expected).get("priority").and_then(Value::as_int);
        assert_eq!(
            Some(column.column.priority.into()),
            priority,
            "{kind} {name}"
        );
        if column.description != OF_A_FIELD {
            assert_eq!(
                column.description,
                text(expected, "description"),
                "{kind} {name}"
            );
        }
    }
}

fn check_row(table: &Value, object: &Value, kind: (&str, &str, &str)) {
    let ty = pintle_api::type_by_kind(kind.0, kind.1, kind.2).unwrap();
    let body = Bytes::from(without_words(&to_json(object)));
    let record = json::decode(&ty, &body, &mut Problems::ignored()).unwrap();
    let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
    let metadata = record
        .get_by_name("metadata")
        .and_then(Value::as_record)
        .unwrap();
    let shown =
        cells(&record, now).unwrap_or_else(|| default_cells(ObjectMeta::from_record(metadata)));
    let mut row = Vec::new();
    write_cells(&shown, &mut row);
    let expected = to_json(&Value::List(
        list(&list(table, "rows")[0], "cells").to_vec(),
    ));
    let expected = without_words(&expected).replace("${AGE}", "0s");
    assert_eq!(String::from_utf8(row).unwrap(), expected, "{kind:?}");
}

/// Compares all that is recorded in a file and gives the number of tables.
fn check_file(name: &str) -> usize {
    let path = Path::new("../../tests/golden/scenarios").join(name);
    let body = Bytes::from(std::fs::read(path).unwrap());
    let file = json::decode_value(&body, &mut Problems::ignored()).unwrap();
    let mut tables = 0;
    for scenario in list(&file, "scenarios") {
        let (Some(table), Some(object)) = (
            recorded(scenario, "get as Table"),
            recorded(scenario, "get"),
        ) else {
            continue;
        };
        let api_version = text(object, "apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = text(object, "kind");
        check_columns(table, kind, group);
        check_row(table, object, (group, version, kind));
        tables += 1;
    }
    tables
}

#[test]
fn recorded_rows_and_columns_are_the_same() {
    let tables: usize = FILES.into_iter().map(check_file).sum();
    assert!(tables > 40, "{tables} tables");
}

#[test]
fn recorded_rows_and_columns_of_storage_are_the_same() {
    assert!(check_file(STORAGE) > 8);
}
