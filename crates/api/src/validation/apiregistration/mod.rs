//! `apiregistration.k8s.io`: APIs that other servers serve.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1035_label, dns1123_subdomain, path_segment_name, port_number};
use pintle_runtime::quote::Quoted;
use pintle_runtime::value::Record;

use super::Rules;
use crate::apiregistration::v1::APIService;

#[cfg(test)]
mod tests;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    (kind == "APIService").then_some(Rules {
        create: service,
        update: |new, _, errors| service(new, errors),
        subresources: &[("status", update_status)],
    })
}

fn service(new: &Record, errors: &mut ErrorList) {
    let service = APIService::from_record(new);
    let spec = service.spec();
    let name = service.metadata().name();
    let required = format!("{}.{}", spec.version(), spec.group());
    if name != required && path_segment_name(name).is_empty() {
        errors.invalid(
            &Path::new("metadata").child("name"),
            name,
            format!(
                "must be `spec.version+\".\"+spec.group`: {}",
                Quoted(&required)
            ),
        );
    }
    let path = Path::new("spec");
    let at = path.child("group");
    if !spec.group().is_empty() {
        errors.invalid_each(&at, spec.group(), dns1123_subdomain(spec.group()));
    } else if spec.version() != "v1" {
        errors.required(
            &at,
            "only v1 may have an empty group and it better be legacy kube",
        );
    }
    errors.invalid_each(
        &path.child("version"),
        spec.version(),
        dns1035_label(spec.version()),
    );
    priority(
        spec.group_priority_minimum(),
        20_000,
        &path.child("groupPriorityMinimum"),
        errors,
    );
    priority(
        spec.version_priority(),
        1_000,
        &path.child("versionPriority"),
        errors,
    );
    let bundle = spec.ca_bundle();
    let insecure = spec.insecure_skip_tls_verify();
    let at_insecure = path.child("insecureSkipTLSVerify");
    let Some(backend) = spec.service() else {
        if !bundle.is_empty() {
            errors.invalid(
                &path.child("caBundle"),
                format!("{} bytes", bundle.len()),
                "local APIServices may not have a caBundle",
            );
        }
        if insecure {
            errors.invalid(
                &at_insecure,
                true,
                "local APIServices may not have insecureSkipTLSVerify",
            );
        }
        return;
    };
    let at = path.child("service");
    if backend.namespace().is_empty() {
        errors.required(&at.child("namespace"), "");
    }
    if backend.name().is_empty() {
        errors.required(&at.child("name"), "");
    }
    let port = backend.port().unwrap_or_default();
    let messages = port_number(port.into());
    if !messages.is_empty() {
        let detail = format!("port is not valid: {}", messages.join(", "));
        errors.invalid(&at.child("port"), port, detail);
    }
    if insecure && !bundle.is_empty() {
        errors.invalid(&at_insecure, true, "may not be true if caBundle is present");
    }
}

fn priority(value: i32, limit: i32, path: &Path<'_>, errors: &mut ErrorList) {
    if !(1..=limit).contains(&value) {
        let detail = format!("must be positive and less than {limit}");
        errors.invalid(path, value, detail);
    }
}

fn update_status(new: &Record, _old: &Record, errors: &mut ErrorList) {
    let status = Path::new("status");
    let path = status.child("conditions");
    let conditions = APIService::from_record(new).status().conditions();
    for (index, condition) in conditions.iter().enumerate() {
        let supported = ["True", "False", "Unknown"];
        if !supported.contains(&condition.status()) {
            errors.not_supported(
                &path.index(index).child("status"),
                BadValue::json_string(condition.status()),
                supported,
            );
        }
    }
}
