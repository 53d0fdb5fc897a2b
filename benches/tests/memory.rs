//! What an object costs in the cache, by part: the table of README.md, held to the code.

use std::sync::Arc;

use bytes::Bytes;
use pintle_endpoints::cache::{Cost, Draft, Forms, FormsOptions, Version};
use pintle_endpoints::convert::{Form, SameFields};
use pintle_endpoints::strategy::DefaultStrategy;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::resource::Conversion;
use pintle_storage::Revision;

/// A pod of the budgets, as the server keeps it.
const POD: &str = include_str!("../kept-pod.json");
const PAGE: &str = include_str!("../README.md");

fn cost() -> Cost {
    let row = pintle_api::groups()
        .iter()
        .flat_map(|group| group.versions.iter())
        .flat_map(|version| version.resources.iter())
        .find(|row| row.group.is_empty() && row.name == "pods")
        .expect("pods are built in");
    let form = Form::served(row);
    let forms = Arc::new(Forms::new(FormsOptions {
        served: vec![form.clone()],
        stored: form,
        stored_as_json: false,
        namespaced: true,
        field_labels: row.field_labels.to_vec(),
        converter: Arc::new(SameFields(Conversion::None)),
        strategy: Arc::new(DefaultStrategy::default()),
    }));
    let body = Bytes::from_static(POD.trim_end().as_bytes());
    let ty = pintle_api::type_by_kind("", "v1", "Pod").expect("a pod is built in");
    let pod = json::decode(&ty, &body, &mut Problems::ignored()).expect("the pod is one");
    let draft = Draft::new(&forms, &pod).expect("a pod has metadata");
    let entry = draft.at(Revision(123_456));
    let protobuf = entry.protobuf(Version::HUB).expect("protobuf");
    assert!(
        entry.cost().protobuf + 1_000 < protobuf.len(),
        "managed fields are kept once"
    );
    entry.cost()
}

/// The number in the line of the page that begins with `part`.
fn published(part: &str) -> usize {
    let line = PAGE
        .lines()
        .find(|line| line.starts_with(&format!("| {part}")));
    let cells = line.expect("the page has a line for each part").split('|');
    let number = cells
        .map(|cell| cell.trim().replace(',', ""))
        .find_map(|cell| cell.parse().ok());
    number.expect("a number of bytes")
}

#[track_caller]
fn check(part: &str, found: usize) {
    let published = published(part);
    assert!(
        found.abs_diff(published) * 20 <= published,
        "{part}: {found} bytes, and the page says {published}"
    );
}

#[test]
fn what_a_pod_costs_is_as_published() {
    let cost = cost();
    check("JSON", cost.json);
    check("protobuf", cost.protobuf);
    check("key, labels and fields", cost.texts);
    check("the entry itself", cost.fixed);
}
