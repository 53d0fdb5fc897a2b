//! Objects as upstream's internal types show them in messages.
//!
//! Validation upstream sees objects as Go structs without JSON tags: every field is written, under its
//! Go name, and an absent pointer, list or map is `null`. Types of apimachinery have tags and look
//! the same everywhere.

use pintle_runtime::codec::json;
use pintle_runtime::field_path::BadValue;
use pintle_runtime::schema::{Field, FieldType, Flags, Shape, Type};
use pintle_runtime::value::{Record, Value};

use super::difference;

mod schema;

/// The form of an object; of none, `null`.
pub(crate) fn shown(record: Option<&Record>) -> BadValue {
    let mut out = Vec::new();
    match record {
        Some(record) => write_record(record, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    BadValue::Json(String::from_utf8_lossy(&out).into_owned())
}

/// The form of one field of an object.
pub(crate) fn shown_field(record: &Record, name: &str) -> BadValue {
    let mut out = Vec::new();
    match record.get_by_name(name) {
        Some(value) if schema::write(record.ty(), name, value, &mut out) => {}
        Some(value) => write_value(value, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    BadValue::Json(String::from_utf8_lossy(&out).into_owned())
}

/// The form of a list of objects or of anything else.
pub(crate) fn shown_list(items: &[Value]) -> BadValue {
    let mut out = Vec::new();
    write_items(items, &mut out);
    BadValue::Json(String::from_utf8_lossy(&out).into_owned())
}

/// What became of `old`, as a unified difference of the two forms, pretty-printed.
pub(crate) fn difference(old: &Record, new: &Record) -> String {
    difference::unified(&pretty(old), &pretty(new))
}

/// The same of two lists.
pub(crate) fn list_difference(old: &[Value], new: &[Value]) -> String {
    let form = |items: &[Value]| {
        let mut compact = Vec::new();
        write_items(items, &mut compact);
        over_lines(&compact)
    };
    difference::unified(&form(old), &form(new))
}

/// The form over lines, indented by one blank a level.
fn pretty(record: &Record) -> String {
    let mut compact = Vec::new();
    write_record(record, &mut compact);
    over_lines(&compact)
}

fn over_lines(compact: &[u8]) -> String {
    let mut out = Vec::with_capacity(compact.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let break_line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + depth, b' ');
    };
    for (at, &byte) in compact.iter().enumerate() {
        if quoted {
            out.push(byte);
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                depth += 1;
                if !matches!(compact.get(at + 1), Some(b'}' | b']')) {
                    break_line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(out.last(), Some(b'{' | b'[')) {
                    break_line(&mut out, depth);
                }
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                break_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => {
                quoted = byte == b'"';
                out.push(byte);
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn write_record(record: &Record, out: &mut Vec<u8>) {
    let ty = record.ty();
    if ty.shape != Shape::Struct || is_tagged(ty) {
        return json::encode(record, out);
    }
    out.push(b'{');
    let mut first = true;
    write_fields(record, &mut first, out);
    out.push(b'}');
}

/// The fields, without the braces: upstream embeds `ObjectMeta`, so that its fields stand among those of
/// the object.
fn write_fields(record: &Record, first: &mut bool, out: &mut Vec<u8>) {
    for at in order(record.ty()) {
        let Some(field) = record.ty().fields.get(at) else {
            continue;
        };
        let value = record.get(at).filter(|value| !value.is_null());
        if record.ty().name == POD_SPEC && NOT_IN_POD_SPEC.contains(&field.name.as_ref()) {
            continue;
        }
        if matches!(field.name.as_ref(), "metadata" | "kind" | "apiVersion")
            && is_embedded(field, record.ty())
        {
            embed(value, first, out);
            continue;
        }
        if !std::mem::take(first) {
            out.push(b',');
        }
        json::encode_str(&go_name(record.ty(), &field.name), out);
        out.push(b':');
        match value {
            // Upstream has five fields more there for each projection.
            None if record.ty().name == PROJECTION && field.name == "clusterTrustBundle" => {
                write_zero(field, out);
            }
            Some(Value::Record(context))
                if record.ty().name == POD_SPEC && field.name == "securityContext" =>
            {
                write_pod_security(record, context, out);
            }
            Some(value) if schema::write(record.ty(), &field.name, value, out) => {}
            Some(value) => write_value(value, out),
            None => write_nothing(field, out),
        }
    }
}

/// What a pod shares with its host is, upstream, part of the security context.
fn write_pod_security(spec: &Record, context: &Record, out: &mut Vec<u8>) {
    out.push(b'{');
    for name in &NOT_IN_POD_SPEC[1..] {
        let Some((at, field)) = spec
            .ty()
            .field_index(name)
            .and_then(|at| Some((at, spec.ty().fields.get(at)?)))
        else {
            continue;
        };
        json::encode_str(&go_name(spec.ty(), name), out);
        out.push(b':');
        match spec.get(at).filter(|value| !value.is_null()) {
            Some(value) => write_value(value, out),
            None => write_nothing(field, out),
        }
        out.push(b',');
    }
    write_fields(context, &mut true, out);
    out.push(b'}');
}

fn is_embedded(field: &Field, ty: &Type) -> bool {
    field.name == "metadata" || !ty.kinds.is_empty()
}

/// What `value` is written as in JSON, less the braces.
fn embed(value: Option<&Value>, first: &mut bool, out: &mut Vec<u8>) {
    let Some(Value::Record(record)) = value else {
        return;
    };
    let mut inner = Vec::new();
    json::encode(record, &mut inner);
    if let [b'{', fields @ .., b'}'] = inner.as_slice()
        && !fields.is_empty()
    {
        if !std::mem::take(first) {
            out.push(b',');
        }
        out.extend_from_slice(fields);
    }
}

fn write_items(items: &[Value], out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_value(item, out);
    }
    out.push(b']');
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Record(record) => write_record(record, out),
        Value::List(items) => write_items(items, out),
        Value::Map(map) => {
            out.push(b'{');
            for (at, (key, item)) in map.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                json::encode_str(key, out);
                out.push(b':');
                write_value(item, out);
            }
            out.push(b'}');
        }
        other => json::encode_value(other, out),
    }
}

/// What Go writes for a field that nobody set.
fn write_nothing(field: &Field, out: &mut Vec<u8>) {
    if field.flags.has(Flags::POINTER) {
        return out.extend_from_slice(b"null");
    }
    write_zero(field, out);
}

/// The zero of a field's type.
fn write_zero(field: &Field, out: &mut Vec<u8>) {
    let zero: &[u8] = match &field.ty {
        FieldType::String => b"\"\"",
        FieldType::Bool => b"false",
        FieldType::Int32 | FieldType::Int64 | FieldType::Float64 => b"0",
        FieldType::Bytes | FieldType::Any | FieldType::List(_) | FieldType::Map(_) => b"null",
        FieldType::Object(ty) => match ty.shape {
            Shape::Struct => return write_record(&Record::new(ty.clone()), out),
            Shape::Quantity => b"\"0\"",
            Shape::Duration => b"\"0s\"",
            Shape::IntOrString => b"0",
            _ => b"null",
        },
    };
    out.extend_from_slice(zero);
}

/// Whether the Go type has JSON tags.
fn is_tagged(ty: &Type) -> bool {
    ty.name.starts_with("io.k8s.apimachinery.")
}

/// The positions of the fields in the order of the internal type, which for a few is its own.
fn order(ty: &Type) -> impl Iterator<Item = usize> {
    let named: &'static [&'static str] = match ty.name.as_ref() {
        "io.k8s.api.core.v1.PersistentVolumeSource" => &PERSISTENT_VOLUME_SOURCES,
        POD_SPEC => &POD_SPEC_FIELDS,
        "io.k8s.api.core.v1.Volume" => &VOLUME_SOURCES,
        "io.k8s.api.core.v1.PodSecurityContext" => &POD_SECURITY_FIELDS,
        _ => schema::order(ty),
    };
    let first: Vec<usize> = named
        .iter()
        .filter_map(|name| ty.field_index(name))
        .collect();
    let rest: Vec<usize> = (0..ty.fields.len())
        .filter(|at| !first.contains(at))
        .collect();
    first.into_iter().chain(rest)
}

const POD_SPEC: &str = "io.k8s.api.core.v1.PodSpec";
const PROJECTION: &str = "io.k8s.api.core.v1.VolumeProjection";

/// Fields of a pod's spec that upstream's has elsewhere: all but the first in the security context.
const NOT_IN_POD_SPEC: [&str; 6] = [
    "serviceAccount",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "shareProcessNamespace",
    "hostUsers",
];

/// The order of a pod's spec, as far as it differs from that in the API: a prefix.
const POD_SPEC_FIELDS: [&str; 29] = [
    "volumes",
    "initContainers",
    "containers",
    "ephemeralContainers",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "activeDeadlineSeconds",
    "dnsPolicy",
    "nodeSelector",
    "serviceAccountName",
    "automountServiceAccountToken",
    "nodeName",
    "securityContext",
    "imagePullSecrets",
    "hostname",
    "subdomain",
    "setHostnameAsFQDN",
    "affinity",
    "schedulerName",
    "tolerations",
    "hostAliases",
    "priorityClassName",
    "priority",
    "preemptionPolicy",
    "dnsConfig",
    "readinessGates",
    "runtimeClassName",
    "overhead",
    "enableServiceLinks",
];

const PERSISTENT_VOLUME_SOURCES: [&str; 12] = [
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "hostPath",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "flexVolume",
    "cinder",
    "cephfs",
    "fc",
];

const VOLUME_SOURCES: [&str; 13] = [
    "name",
    "hostPath",
    "emptyDir",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "quobyte",
];

const POD_SECURITY_FIELDS: [&str; 9] = [
    "seLinuxOptions",
    "windowsOptions",
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "fsGroup",
    "fsGroupChangePolicy",
];

/// The name of a field in Go: most often its JSON name with a capital.
fn go_name(ty: &Type, name: &str) -> String {
    let special = match name {
        "chapAuthDiscovery" => "DiscoveryCHAPAuth",
        "chapAuthSession" => "SessionCHAPAuth",
        "diskURI" => "DataDiskURI",
        "endpoints" if ty.name.ends_with("GlusterfsPersistentVolumeSource") => "EndpointsName",
        "endpoints" if ty.name.ends_with("GlusterfsVolumeSource") => "EndpointsName",
        "image" if ty.name.contains(".RBD") => "RBDImage",
        "pool" if ty.name.contains(".RBD") => "RBDPool",
        "user" if ty.name.contains(".RBD") => "RadosUser",
        "monitors" if ty.name.contains(".RBD") => "CephMonitors",
        "lastState" => "LastTerminationState",
        "cephfs" => "CephFS",
        "storageos" => "StorageOS",
        "externalID" => "DoNotUseExternalID",
        "reportingComponent" => "ReportingController",
        _ => schema::name(ty, name).unwrap_or_default(),
    };
    if !special.is_empty() {
        return special.to_owned();
    }
    let word = name
        .find(|c: char| c.is_ascii_uppercase())
        .unwrap_or(name.len());
    let (head, tail) = name.split_at(word);
    match head {
        "api" | "aws" | "cel" | "cidr" | "csi" | "dns" | "fc" | "fs" | "gce" | "gid" | "gmsa"
        | "grpc" | "http" | "ip" | "iqn" | "iscsi" | "json" | "nfs" | "os" | "pd" | "pkix"
        | "qos" | "rbd" | "ssl" | "tcp" | "tls" | "ttl" | "tty" | "uid" | "url" => {
            format!("{}{tail}", head.to_ascii_uppercase())
        }
        "ca" if tail == "Bundle" => "CABundle".to_owned(),
        "se" if tail.starts_with("Linux") => format!("SE{tail}"),
        "cidrs" => "CIDRs".to_owned(),
        "ips" => "IPs".to_owned(),
        "wwids" => "WWIDs".to_owned(),
        _ => {
            let mut out = String::with_capacity(name.len());
            let mut letters = name.chars();
            out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
            out.push_str(letters.as_str());
            out
        }
    }
}
