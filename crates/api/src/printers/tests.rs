//! What all printers have in common.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::schema::TypeRef;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::*;
use crate::{columns, groups, type_by_kind, type_by_name};

/// The time of all requests here.
pub(super) fn now() -> Time {
    Time::parse("2026-01-01T00:00:00Z").unwrap()
}

pub(super) fn decode(text: &str) -> Record {
    let body = Bytes::copy_from_slice(text.as_bytes());
    let meta = json::type_meta(&body).unwrap();
    let (group, version) = meta
        .api_version
        .split_once('/')
        .unwrap_or(("", &meta.api_version));
    let ty = type_by_kind(group, version, &meta.kind).unwrap();
    json::decode(&ty, &body, &mut Problems::ignored()).unwrap()
}

/// Whether the row of an object, given as JSON, is `expected`, a JSON array.
#[track_caller]
pub(super) fn check(object: &str, expected: &str) {
    let record = decode(object);
    let mut row = Vec::new();
    write_cells(&cells(&record, now()).unwrap(), &mut row);
    assert_eq!(unescaped(row), expected, "{object}");
}

/// The JSON without the escapes that Go makes for the sake of HTML, so that cases can be read.
fn unescaped(json: Vec<u8>) -> String {
    let text = String::from_utf8(json).unwrap();
    text.replace(r"\u003c", "<")
        .replace(r"\u003e", ">")
        .replace(r"\u0026", "&")
}

#[test]
fn what_could_be_markup_is_escaped() {
    let mut row = Vec::new();
    write_cells(
        &[Cell::from("<none>"), Cell::from(7), Cell::from(true)],
        &mut row,
    );
    assert_eq!(row, br#"["\u003cnone\u003e",7,true]"#);
}

/// Every type of the resources and their scales, with its kind and group.
fn printed() -> Vec<(TypeRef, &'static str, &'static str)> {
    let resources = groups()
        .iter()
        .flat_map(|group| group.versions.iter())
        .flat_map(|version| version.resources.iter());
    let mut types: Vec<_> = resources
        .map(|resource| {
            (
                resource.object.clone(),
                resource.kind.as_ref(),
                resource.group.as_ref(),
            )
        })
        .collect();
    types.push((
        type_by_kind("autoscaling", "v1", "Scale").unwrap(),
        "Scale",
        "autoscaling",
    ));
    let status = type_by_name("io.k8s.apimachinery.pkg.apis.meta.v1.Status").unwrap();
    types.push((status, "Status", ""));
    types
}

#[test]
fn every_kind_fills_its_columns_even_from_an_empty_object() {
    for (ty, kind, group) in printed() {
        let Some(columns) = columns(kind, group) else {
            assert!(
                printer(&ty).is_none(),
                "{} has a printer but no columns",
                ty.name
            );
            continue;
        };
        let record = Record::new(ty.clone());
        let has_default_columns = columns.iter().any(|column| column.name == "Created At");
        match cells(&record, now()) {
            None => assert!(has_default_columns, "{} has no printer", ty.name),
            // Addresses have an age that no column shows.
            Some(cells) if kind == "IPAddress" => assert_eq!(cells.len(), columns.len() + 1),
            Some(cells) => assert_eq!(cells.len(), columns.len(), "{}", ty.name),
        }
        assert!(conditions(&record).is_empty());
    }
}

/// Columns whose fields are described by their own names.
fn definitions() -> ColumnDefinitions {
    ColumnDefinitions::new(&|definition, field| Some(format!("{definition} {field}").into()))
}

#[test]
fn only_four_columns_are_shown_without_a_description() {
    let definitions = definitions();
    let mut silent: Vec<(&str, &str)> = Vec::new();
    for (_, kind, group) in printed() {
        for definition in definitions.of(kind, group) {
            if definition.description.is_empty() {
                silent.push((kind, definition.column.name));
            }
        }
    }
    silent.sort_unstable();
    silent.dedup();
    assert_eq!(
        silent,
        [
            ("LeaseCandidate", "BinaryVersion"),
            ("LeaseCandidate", "EmulationVersion"),
            ("RuntimeClass", "Handler"),
            ("Status", "Message"),
        ]
    );
}

#[test]
fn columns_are_described_by_fields_that_exist() {
    ColumnDefinitions::new(&|definition, field| {
        let ty = type_by_name(definition).unwrap_or_else(|| panic!("no type {definition}"));
        assert!(ty.field(field).is_some(), "{definition} has no {field}");
        None
    });
}

#[test]
fn kinds_without_columns_of_their_own_show_when_they_were_made() {
    let definitions = definitions();
    let names: Vec<&str> = definitions
        .of("LimitRange", "")
        .iter()
        .map(|column| column.column.name)
        .collect();
    assert_eq!(names, ["Name", "Created At"]);
    let names: Vec<&str> = definitions
        .of("Color", "")
        .iter()
        .map(|column| column.column.name)
        .collect();
    assert_eq!(names, ["Name", "Created At"]);
    let range = decode(
        r#"{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"aaa","creationTimestamp":"2025-12-31T23:00:00Z"}}"#,
    );
    assert_eq!(cells(&range, now()), None);
    let range = crate::core::v1::LimitRange::from_record(&range);
    let mut row = Vec::new();
    write_cells(&default_cells(range.metadata()), &mut row);
    assert_eq!(row, br#"["aaa","2025-12-31T23:00:00Z"]"#);
    let never = default_cells(pintle_runtime::meta::ObjectMeta::empty());
    assert_eq!(never, [Cell::from(""), Cell::from("0001-01-01T00:00:00Z")]);
}

#[test]
fn columns_are_written_with_all_their_fields() {
    let definitions = definitions();
    let json = std::str::from_utf8(definitions.json("RuntimeClass", "node.k8s.io")).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"[{"name":"Name","type":"string","format":"name","description":"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta name","priority":0},"#,
            r#"{"name":"Handler","type":"string","format":"","description":"","priority":0},"#,
            r#"{"name":"Age","type":"string","format":"","description":"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta creationTimestamp","priority":0}]"#,
        )
    );
}

#[test]
fn a_status_is_a_row_too() {
    check(
        r#"{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","message":"pods \"a\" not found"}"#,
        r#"["Failure","NotFound","pods \"a\" not found"]"#,
    );
}
