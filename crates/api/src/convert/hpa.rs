//! Horizontal pod autoscalers: v1 knows one CPU target; the rest of v2 travels in annotations.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::quantity::Quantity;
use pintle_runtime::schema::{FieldType, Flags, Shape, TypeRef};
use pintle_runtime::text::Text;
use pintle_runtime::value::{Map, Record, Value};

use super::path::{get, set, struct_of};

pub(super) const V1: &str = "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler";
pub(super) const V2: &str = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler";

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

/// Fields of a metric that both versions have, as `(v2, v1)`, by source.
type Names = &'static [(&'static str, &'static [(&'static str, &'static str)])];

const TARGETS: Names = &[
    (
        "object",
        &[
            ("describedObject", "target"),
            ("metric.name", "metricName"),
            ("metric.selector", "selector"),
            ("target.value", "targetValue"),
            ("target.averageValue", "averageValue"),
        ],
    ),
    (
        "pods",
        &[
            ("metric.name", "metricName"),
            ("metric.selector", "selector"),
            ("target.averageValue", "targetAverageValue"),
        ],
    ),
    (
        "resource",
        &[
            ("name", "name"),
            ("target.averageUtilization", "targetAverageUtilization"),
            ("target.averageValue", "targetAverageValue"),
        ],
    ),
    (
        "containerResource",
        &[
            ("name", "name"),
            ("container", "container"),
            ("target.averageUtilization", "targetAverageUtilization"),
            ("target.averageValue", "targetAverageValue"),
        ],
    ),
    (
        "external",
        &[
            ("metric.name", "metricName"),
            ("metric.selector", "metricSelector"),
            ("target.value", "targetValue"),
            ("target.averageValue", "targetAverageValue"),
        ],
    ),
];

const CURRENTS: Names = &[
    (
        "object",
        &[
            ("describedObject", "target"),
            ("metric.name", "metricName"),
            ("metric.selector", "selector"),
            ("current.value", "currentValue"),
            ("current.averageValue", "averageValue"),
        ],
    ),
    (
        "pods",
        &[
            ("metric.name", "metricName"),
            ("metric.selector", "selector"),
            ("current.averageValue", "currentAverageValue"),
        ],
    ),
    (
        "resource",
        &[
            ("name", "name"),
            ("current.averageUtilization", "currentAverageUtilization"),
            ("current.averageValue", "currentAverageValue"),
        ],
    ),
    (
        "containerResource",
        &[
            ("name", "name"),
            ("container", "container"),
            ("current.averageUtilization", "currentAverageUtilization"),
            ("current.averageValue", "currentAverageValue"),
        ],
    ),
    (
        "external",
        &[
            ("metric.name", "metricName"),
            ("metric.selector", "metricSelector"),
            ("current.value", "currentValue"),
            ("current.averageValue", "currentAverageValue"),
        ],
    ),
];

/// What `spec` and `status` share.
const COMMON: &[&str] = &[
    "kind",
    "apiVersion",
    "metadata",
    "spec.scaleTargetRef",
    "spec.minReplicas",
    "spec.maxReplicas",
    "status.observedGeneration",
    "status.lastScaleTime",
    "status.currentReplicas",
    "status.desiredReplicas",
];

pub(super) fn to_v1(v2: Record, to: &TypeRef) -> Record {
    let mut v1 = common(&v2, to);
    let (metric, status) = (
        "io.k8s.api.autoscaling.v1.MetricSpec",
        "io.k8s.api.autoscaling.v1.MetricStatus",
    );
    let (cpu, others) = split(&v2, "spec.metrics", "target.averageUtilization");
    if let Some(cpu) = cpu {
        set(&mut v1, "spec.targetCPUUtilizationPercentage", cpu);
    }
    annotate_metrics(&mut v1, METRICS, &others, metric, TARGETS);
    let path = "status.currentMetrics";
    if let (Some(cpu), _) = split(&v2, path, "current.averageUtilization") {
        set(&mut v1, "status.currentCPUUtilizationPercentage", cpu);
    }
    // Of what is measured, unlike what is aimed at, the annotation tells everything.
    annotate_metrics(
        &mut v1,
        CURRENT_METRICS,
        &items(&v2, path),
        status,
        CURRENTS,
    );
    if let Some(Value::List(conditions)) = get(&v2, "status.conditions")
        && !conditions.is_empty()
    {
        annotate(&mut v1, CONDITIONS, &Value::List(conditions.clone()));
    }
    if let Some(behavior) = get(&v2, "spec.behavior") {
        annotate(&mut v1, BEHAVIOR, behavior);
    }
    v1
}

pub(super) fn to_v2(v1: Record, to: &TypeRef) -> Record {
    let mut v2 = common(&v1, to);
    let cpu = |ty: &str, path: &str, value: &Value| {
        let ty = crate::type_by_name(ty)?;
        let mut metric = Record::new(ty);
        set(&mut metric, "type", Value::String("Resource".into()));
        set(&mut metric, "resource.name", Value::String("cpu".into()));
        set(&mut metric, &format!("resource.{path}"), value.clone());
        if path.starts_with("target") {
            set(
                &mut metric,
                "resource.target.type",
                Value::String("Utilization".into()),
            );
        }
        Some(Value::Record(metric))
    };
    let spec = "io.k8s.api.autoscaling.v2.MetricSpec";
    let mut metrics = unpack_metrics(
        &v1,
        METRICS,
        ("io.k8s.api.autoscaling.v1.MetricSpec", spec),
        TARGETS,
    );
    metrics.extend(
        get(&v1, "spec.targetCPUUtilizationPercentage")
            .and_then(|value| cpu(spec, "target.averageUtilization", value)),
    );
    if !metrics.is_empty() {
        set(&mut v2, "spec.metrics", Value::List(metrics));
    }
    let status = "io.k8s.api.autoscaling.v2.MetricStatus";
    let mut currents = unpack_metrics(
        &v1,
        CURRENT_METRICS,
        ("io.k8s.api.autoscaling.v1.MetricStatus", status),
        CURRENTS,
    );
    if currents.is_empty() {
        currents.extend(
            get(&v1, "status.currentCPUUtilizationPercentage")
                .and_then(|value| cpu(status, "current.averageUtilization", value)),
        );
    }
    if !currents.is_empty() {
        set(&mut v2, "status.currentMetrics", Value::List(currents));
    }
    if let Some(Value::List(conditions)) = unpack(&v1, &v2, CONDITIONS, "status.conditions") {
        set(&mut v2, "status.conditions", Value::List(conditions));
    }
    if let Some(behavior) = unpack(&v1, &v2, BEHAVIOR, "spec.behavior") {
        set(&mut v2, "spec.behavior", behavior);
    }
    if let Some(annotations) = annotations_mut(&mut v2) {
        annotations
            .retain(|key, _| !matches!(key, METRICS | CURRENT_METRICS | CONDITIONS | BEHAVIOR));
    }
    v2
}

fn common(from: &Record, to: &TypeRef) -> Record {
    let mut out = Record::new(to.clone());
    for path in COMMON {
        if let Some(value) = get(from, path) {
            let value = retyped(value.clone(), &out, path);
            set(&mut out, path, value);
        }
    }
    out
}

/// A struct under the table that the other version has for it; the fields are the same.
fn retyped(value: Value, into: &Record, path: &str) -> Value {
    let Value::Record(record) = value else {
        return value;
    };
    let ty = path
        .split('.')
        .try_fold(into.type_ref().clone(), |ty, name| {
            struct_of(&ty.field(name)?.ty)
        });
    match ty {
        Some(ty) if ty.fields.len() == record.ty().fields.len() => {
            Value::Record(record.with_type(ty))
        }
        _ => Value::Record(record),
    }
}

/// The CPU utilization among the metrics at `path`, and the other metrics.
fn split(v2: &Record, path: &str, utilization: &str) -> (Option<Value>, Vec<Record>) {
    let (mut cpu, mut others) = (None, Vec::new());
    for metric in items(v2, path) {
        let is_cpu = get(&metric, "resource.name").and_then(Value::as_str) == Some("cpu");
        match get(&metric, &format!("resource.{utilization}")) {
            Some(value) if is_cpu => cpu = Some(value.clone()),
            _ => others.push(metric),
        }
    }
    (cpu, others)
}

/// The metrics at `path`.
fn items(v2: &Record, path: &str) -> Vec<Record> {
    let items = get(v2, path).and_then(Value::as_list).into_iter().flatten();
    items.filter_map(Value::as_record).cloned().collect()
}

fn annotate_metrics(
    v1: &mut Record,
    key: &'static str,
    metrics: &[Record],
    ty: &str,
    names: Names,
) {
    let Some(ty) = crate::type_by_name(ty).filter(|_| !metrics.is_empty()) else {
        return;
    };
    let metrics = metrics
        .iter()
        .map(|metric| Value::Record(renamed(metric, &ty, names, false)))
        .collect();
    annotate(v1, key, &Value::List(metrics));
}

fn unpack_metrics(v1: &Record, key: &str, (from, to): (&str, &str), names: Names) -> Vec<Value> {
    let (Some(from), Some(to)) = (crate::type_by_name(from), crate::type_by_name(to)) else {
        return Vec::new();
    };
    let Some(Value::List(items)) = annotation(v1, key).and_then(|text| decode_any(&text)) else {
        return Vec::new();
    };
    let metrics = items.iter().filter_map(|item| {
        let mut text = Vec::new();
        json::encode_value(item, &mut text);
        let metric = json::decode(&from, &Bytes::from(text), &mut Problems::ignored()).ok()?;
        Some(Value::Record(renamed(&metric, &to, names, true)))
    });
    metrics.collect()
}

/// A metric under the names of the other version.
fn renamed(metric: &Record, to: &TypeRef, names: Names, to_v2: bool) -> Record {
    let mut out = Record::new(to.clone());
    if let Some(kind) = get(metric, "type") {
        set(&mut out, "type", kind.clone());
    }
    for (source, fields) in names {
        for (v2, v1) in *fields {
            let (from, into) = if to_v2 { (v1, v2) } else { (v2, v1) };
            let (from, into) = (format!("{source}.{from}"), format!("{source}.{into}"));
            if to_v2 && is_stopgap(metric, source, v1) {
                continue;
            }
            if let Some(value) = get(metric, &from) {
                let value = retyped(value.clone(), &out, &into);
                set(&mut out, &into, value);
            } else if !to_v2 && get(metric, source).is_some() && is_always_said(to, source, v1) {
                set(&mut out, &into, Value::String("0".into()));
            }
        }
        if to_v2 && get(&out, &format!("{source}.target")).is_some() {
            let has = |field: &str| get(&out, &format!("{source}.target.{field}")).is_some();
            let kind = match () {
                () if has("averageUtilization") => "Utilization",
                () if has("averageValue") => "AverageValue",
                () => "Value",
            };
            set(
                &mut out,
                &format!("{source}.target.type"),
                Value::String(kind.into()),
            );
        }
    }
    out
}

/// Whether it is the nought that v1 says of an object whose average is aimed at.
fn is_stopgap(metric: &Record, source: &str, name: &str) -> bool {
    let read = |name: &str| get(metric, &format!("{source}.{name}")).and_then(Value::as_str);
    let is_nought = |text: &str| text.parse::<Quantity>().is_ok_and(|it| it.is_zero());
    (source, name) == ("object", "targetValue")
        && read("averageValue").is_some()
        && read(name).is_none_or(is_nought)
}

/// Whether it is a quantity that is there even if nobody gave it.
fn is_always_said(metric: &TypeRef, source: &str, name: &str) -> bool {
    let source = metric.field(source).and_then(|field| struct_of(&field.ty));
    source.is_some_and(|ty| {
        ty.field(name).is_some_and(|field| {
            let is_quantity =
                matches!(&field.ty, FieldType::Object(ty) if ty.shape == Shape::Quantity);
            is_quantity && !field.flags.has(Flags::POINTER)
        })
    })
}

fn annotate(v1: &mut Record, key: &'static str, value: &Value) {
    let mut text = Vec::new();
    json::encode_value(value, &mut text);
    let text = Text::from(String::from_utf8_lossy(&text).into_owned());
    if annotations_mut(v1).is_none() {
        set(v1, "metadata.annotations", Value::Map(Map::new()));
    }
    if let Some(annotations) = annotations_mut(v1) {
        annotations.insert(key, Value::String(text));
    }
}

/// What annotation `key` says, as a value of the field at `path` of `v2`.
fn unpack(v1: &Record, v2: &Record, key: &str, path: &str) -> Option<Value> {
    let text = annotation(v1, key)?;
    // Decoded as a whole object with nothing but this, so that the table judges it.
    let (outer, inner) = path.split_once('.')?;
    let body = format!("{{\"{outer}\":{{\"{inner}\":{text}}}}}");
    let object = json::decode(v2.type_ref(), &Bytes::from(body), &mut Problems::ignored()).ok()?;
    get(&object, path).cloned()
}

fn annotation(object: &Record, key: &str) -> Option<String> {
    get(object, "metadata.annotations")?
        .as_map()?
        .get(key)?
        .as_str()
        .map(str::to_owned)
}

fn decode_any(text: &str) -> Option<Value> {
    json::decode_value(
        &Bytes::copy_from_slice(text.as_bytes()),
        &mut Problems::ignored(),
    )
    .ok()
}

fn annotations_mut(object: &mut Record) -> Option<&mut Map> {
    let metadata = object.ty().field_index("metadata")?;
    let Some(Value::Record(metadata)) = object.get_mut(metadata) else {
        return None;
    };
    let annotations = metadata.ty().field_index("annotations")?;
    match metadata.get_mut(annotations) {
        Some(Value::Map(annotations)) => Some(annotations),
        _ => None,
    }
}
