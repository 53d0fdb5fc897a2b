//! What patches and server-side apply cost, on a pod of 3.5 KB and on a small `ConfigMap`.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::fields::{Config, FieldManager, Set, Versions};
use pintle_runtime::patch::{JsonPatch, merge, strategic_merge};
use pintle_runtime::schema::TypeRef;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Map, Record, Value};

const POD: &str = include_str!("pod.json");
const STATUS: &str = r#"{"status":{"conditions":[{"type":"Ready","status":"False","reason":"Busy"}],"phase":"Running"}}"#;
const OPERATIONS: &str = r#"[{"op":"add","path":"/metadata/labels/x","value":"y"},
    {"op":"replace","path":"/spec/containers/0/image","value":"registry.example/app:2"}]"#;

/// A kind with one version.
#[derive(Debug)]
struct OneVersion;

impl Versions for OneVersion {
    fn convert(&self, record: &Record, _: &str) -> Option<Record> {
        Some(record.clone())
    }

    fn reset_fields(&self, _: &str) -> &Set {
        static NONE: Set = Set::new();
        &NONE
    }
}

fn manager(seconds: i64) -> FieldManager<'static> {
    FieldManager {
        versions: &OneVersion,
        version: "v1".into(),
        subresource: "".into(),
        now: Time { seconds, nanos: 0 },
    }
}

fn ty(kind: &str) -> TypeRef {
    pintle_api::type_by_kind("", "v1", kind).expect("the kind is built in")
}

fn record(kind: &str, text: &'static str) -> Record {
    let text = Bytes::from_static(text.as_bytes());
    json::decode(&ty(kind), &text, &mut Problems::ignored()).expect("it is one")
}

fn map(text: &'static str) -> Map {
    match json::decode_value(
        &Bytes::from_static(text.as_bytes()),
        &mut Problems::ignored(),
    ) {
        Ok(Value::Map(map)) => map,
        _ => Map::new(),
    }
}

fn patches(criterion: &mut Criterion) {
    let pod = Bytes::from_static(POD.trim_end().as_bytes());
    let (status, operations) = (
        Bytes::from_static(STATUS.as_bytes()),
        Bytes::from_static(OPERATIONS.as_bytes()),
    );
    let mut group = criterion.benchmark_group("patch a pod");
    group.bench_function("merge patch", |bencher| {
        bencher.iter(|| merge(black_box(&pod), black_box(&status)));
    });
    group.bench_function("JSON patch", |bencher| {
        bencher
            .iter(|| JsonPatch::parse(black_box(&operations))?.apply(black_box(&pod), 1_000_000));
    });
    let (old, patch, ty) = (map(POD), map(STATUS), ty("Pod"));
    group.bench_function("strategic merge patch", |bencher| {
        bencher.iter(|| strategic_merge(black_box(&old).clone(), black_box(&patch).clone(), &ty));
    });
    group.finish();
}

fn ownership(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("who set what");
    let mut live = record(
        "ConfigMap",
        r#"{"metadata":{"name":"a","uid":"u"},"data":{"a":"1","b":"2","c":"3"}}"#,
    );
    manager(0).update(None, &mut live, "one");
    let config = Config::from(record(
        "ConfigMap",
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"d":"4","e":"5"}}"#,
    ));
    group.bench_function("apply a ConfigMap", |bencher| {
        bencher.iter(|| manager(1).apply(black_box(&live), black_box(&config), "two", false));
    });
    let mut pod = record("Pod", POD.trim_ascii_end());
    group.bench_function("create a pod", |bencher| {
        bencher.iter(|| manager(0).update(None, black_box(&mut pod.clone()), "one"));
    });
    manager(0).update(None, &mut pod, "one");
    group.bench_function("update a pod that changes nothing", |bencher| {
        bencher.iter(|| manager(1).update(Some(&pod), black_box(&mut pod.clone()), "one"));
    });
    group.finish();
}

criterion_group!(benches, patches, ownership);
criterion_main!(benches);
