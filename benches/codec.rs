//! What it costs to read and write a pod of 3.5 KB in each format.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pintle_runtime::codec::{Problems, json, normalize, protobuf, yaml};
use pintle_runtime::value::Record;

const POD: &str = include_str!("pod.json");

struct Pod {
    record: Record,
    json: Bytes,
    protobuf: Bytes,
    yaml: Bytes,
}

fn pod() -> Pod {
    let json = Bytes::from_static(POD.trim_end().as_bytes());
    let ty = pintle_api::type_by_kind("", "v1", "Pod").expect("a pod is built in");
    let record = json::decode(&ty, &json, &mut Problems::ignored()).expect("the pod is one");
    let (mut protobuf, mut yaml) = (Vec::new(), Vec::new());
    protobuf::encode(&record, &mut protobuf);
    yaml::encode(&record, &mut yaml);
    Pod {
        record,
        json,
        protobuf: protobuf.into(),
        yaml: yaml.into(),
    }
}

fn decode(criterion: &mut Criterion) {
    let pod = pod();
    let ty = pod.record.type_ref();
    let mut group = criterion.benchmark_group("decode a pod");
    group.throughput(Throughput::Bytes(pod.json.len() as u64));
    group.bench_function("json", |bencher| {
        bencher.iter(|| json::decode(ty, black_box(&pod.json), &mut Problems::ignored()));
    });
    group.bench_function("json, told of problems", |bencher| {
        bencher.iter(|| json::decode(ty, black_box(&pod.json), &mut Problems::collected()));
    });
    group.bench_function("json of any type", |bencher| {
        bencher.iter(|| json::decode_value(black_box(&pod.json), &mut Problems::ignored()));
    });
    group.bench_function("kind and version", |bencher| {
        bencher.iter(|| json::type_meta(black_box(&pod.json)));
    });
    group.throughput(Throughput::Bytes(pod.protobuf.len() as u64));
    group.bench_function("protobuf", |bencher| {
        bencher.iter(|| protobuf::decode(ty, black_box(&pod.protobuf)));
    });
    group.throughput(Throughput::Bytes(pod.yaml.len() as u64));
    group.bench_function("yaml", |bencher| {
        bencher.iter(|| yaml::decode(ty, black_box(&pod.yaml), &mut Problems::ignored()));
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let pod = pod();
    let mut out = Vec::with_capacity(1 << 16);
    let mut group = criterion.benchmark_group("encode a pod");
    let mut bench = |name: &str, length: usize, write: &dyn Fn(&mut Vec<u8>)| {
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                write(&mut out);
            });
        });
    };
    bench("json", pod.json.len(), &|out| {
        json::encode(black_box(&pod.record), out);
    });
    bench("protobuf", pod.protobuf.len(), &|out| {
        protobuf::encode(black_box(&pod.record), out);
    });
    bench("yaml", pod.yaml.len(), &|out| {
        yaml::encode(black_box(&pod.record), out);
    });
    bench(
        "resource version into protobuf",
        pod.protobuf.len(),
        &|out| {
            let _ = protobuf::set_resource_version(black_box(&pod.protobuf), "123456789", out);
        },
    );
    group.finish();
}

fn normal_form(criterion: &mut Criterion) {
    let pod = pod();
    criterion.bench_function("copy a pod", |bencher| {
        bencher.iter(|| black_box(&pod.record).clone());
    });
    criterion.bench_function("copy and normalize a pod", |bencher| {
        bencher.iter(|| {
            let mut copy = black_box(&pod.record).clone();
            normalize(&mut copy);
            copy
        });
    });
}

criterion_group!(benches, decode, encode, normal_form);
criterion_main!(benches);
