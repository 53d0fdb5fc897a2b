//! What it costs to keep a pod for readers, and to make the forms of it that they ask for.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pintle_endpoints::cache::{Draft, Forms, FormsOptions, Object, Version};
use pintle_endpoints::convert::{Form, SameFields};
use pintle_endpoints::negotiate::MetaVersion;
use pintle_endpoints::partial;
use pintle_endpoints::strategy::DefaultStrategy;
use pintle_runtime::codec::protobuf::envelope;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::resource::{Conversion, Resource};
use pintle_runtime::value::Record;
use pintle_storage::Revision;

const POD: &str = include_str!("pod.json");
const REVISION: Revision = Revision(123_456);

fn row() -> &'static Resource {
    pintle_api::groups()
        .iter()
        .flat_map(|group| group.versions.iter())
        .flat_map(|version| version.resources.iter())
        .find(|row| row.group.is_empty() && row.name == "pods")
        .expect("pods are built in")
}

fn forms() -> Arc<Forms> {
    let row = row();
    let form = Form::served(row);
    Arc::new(Forms::new(FormsOptions {
        served: vec![form.clone()],
        stored: form,
        stored_as_json: false,
        namespaced: true,
        field_labels: row.field_labels.to_vec(),
        converter: Arc::new(SameFields(Conversion::None)),
        strategy: Arc::new(DefaultStrategy::default()),
    }))
}

fn pod() -> Record {
    let body = Bytes::from_static(POD.trim_end().as_bytes());
    let ty = pintle_api::type_by_kind("", "v1", "Pod").expect("a pod is built in");
    json::decode(&ty, &body, &mut Problems::ignored()).expect("the pod is one")
}

/// What a write makes for all readers.
fn write(criterion: &mut Criterion) {
    let (forms, pod) = (forms(), pod());
    let mut group = criterion.benchmark_group("keep a pod");
    group.throughput(Throughput::Bytes(POD.len() as u64));
    group.bench_function("before the commit", |bencher| {
        bencher.iter(|| Draft::new(&forms, black_box(&pod)));
    });
    let draft = Draft::new(&forms, &pod).expect("a pod has metadata");
    group.bench_function("with its revision", |bencher| {
        bencher.iter(|| draft.at(black_box(REVISION)));
    });
    group.finish();
}

/// What the first reader of a form makes, and what every reader of a table does.
fn read(criterion: &mut Criterion) {
    let (forms, pod) = (forms(), pod());
    let mut stored = Vec::new();
    envelope::encode("v1", "Pod", &pod, &mut stored);
    let draft = Draft::new(&forms, &pod).expect("a pod has metadata");
    let fresh = Draft::new(&forms, &pod).expect("a pod has metadata");
    let fresh = fresh.with_stored(stored.into());
    let mut group = criterion.benchmark_group("read a pod");
    for (name, draft) in [
        ("protobuf, of what was stored", &fresh),
        ("protobuf, of JSON", &draft),
    ] {
        group.bench_function(name, |bencher| {
            let protobuf = |entry: pintle_endpoints::cache::Entry| {
                entry.protobuf(Version::HUB).map(|bytes| bytes.len()).ok()
            };
            bencher.iter_batched(|| draft.at(REVISION), protobuf, BatchSize::SmallInput);
        });
    }
    let object = Object::new(Arc::new(draft.at(REVISION)), Version::HUB);
    let mut out = Vec::with_capacity(1 << 14);
    group.bench_function("metadata", |bencher| {
        bencher.iter(|| {
            out.clear();
            partial::write_json(black_box(&object), MetaVersion::V1, &mut out)
        });
    });
    group.finish();
}

criterion_group!(benches, write, read);
criterion_main!(benches);
