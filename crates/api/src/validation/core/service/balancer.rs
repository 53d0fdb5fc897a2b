//! What only Services with a load balancer have, and the status that one writes.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::ip;
use pintle_runtime::name::{dns1123_subdomain, label_key};
use pintle_runtime::value::Record;

use super::{ONLY_BALANCED, SOURCE_RANGES};
use crate::core::v1::{LoadBalancerIngress, LoadBalancerStatus, Service, ServiceSpec};
use crate::validation::immutable::Content;

/// The class stays while there is a load balancer. With `old`, the change comes first.
pub(super) fn validate_class(
    spec: ServiceSpec<'_>,
    old: Option<ServiceSpec<'_>>,
    errors: &mut ErrorList,
) {
    let path = Path::new("spec.loadBalancerClass");
    let class = spec.load_balancer_class();
    let balanced = spec.type_() == "LoadBalancer";
    if let Some(old) = old
        && balanced
        && old.type_() == "LoadBalancer"
        && old.load_balancer_class() != class
    {
        errors.invalid(&path, class.shown(), "may not change once set");
    }
    match class {
        Some(class) if balanced => errors.invalid_each(&path, class, label_key(class)),
        Some(_) => errors.forbidden(&path, ONLY_BALANCED),
        None => {}
    }
}

/// Who may come in: the field, or the annotation of old.
pub(super) fn validate_source_ranges(
    new: Service<'_>,
    old: Option<Service<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let spec = new.spec();
    let balanced = spec.type_() == "LoadBalancer";
    let ranges = spec.load_balancer_source_ranges();
    if !ranges.is_empty() {
        // Upstream writes the name so.
        let path = path.child("LoadBalancerSourceRanges");
        if !balanced {
            errors.forbidden(&path, ONLY_BALANCED);
        }
        let had = old.map(|old| old.spec().load_balancer_source_ranges());
        let had: Vec<&str> = had.map_or_else(Vec::new, |had| had.iter().map(str::trim).collect());
        for (at, range) in ranges.iter().enumerate() {
            // What was an annotation once may have blanks around it.
            ip::validate_legacy_cidr(range.trim(), &had, &path.index(at), errors);
        }
        return;
    }
    let Some(text) = new.metadata().annotations().get(SOURCE_RANGES) else {
        return;
    };
    let annotations = Path::new("metadata.annotations");
    let path = annotations.key(SOURCE_RANGES);
    if !balanced {
        errors.forbidden(&path, ONLY_BALANCED);
    }
    // One that stays as it is has been looked at; of one that changes, all is.
    let had = old.and_then(|old| old.metadata().annotations().get(SOURCE_RANGES));
    if had != Some(text) && !text.trim().is_empty() {
        for range in text.split(',').map(str::trim) {
            ip::validate_legacy_cidr(range, &[], &path, errors);
        }
    }
}

pub(super) fn update_status(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (Service::from_record(new), Service::from_record(old));
    let path = Path::new("status.loadBalancer");
    let (status, had) = (new.status().load_balancer(), old.status().load_balancer());
    if new.spec().type_() != "LoadBalancer" && !status.ingress().is_empty() {
        let why = "may only be used when `spec.type` is 'LoadBalancer'";
        return errors.forbidden(&path.child("ingress"), why);
    }
    validate_status(status, had, &path, errors);
}

/// Where a load balancer is to be found.
pub(in crate::validation) fn validate_status(
    status: LoadBalancerStatus<'_>,
    old: LoadBalancerStatus<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let had: Vec<&str> = old.ingress().iter().map(|ingress| ingress.ip()).collect();
    for (at, ingress) in status.ingress().iter().enumerate() {
        validate_ingress(ingress, &had, &path.child("ingress").index(at), errors);
    }
}

fn validate_ingress(
    ingress: LoadBalancerIngress<'_>,
    had: &[&str],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (address, mode) = (ingress.ip(), path.child("ipMode"));
    if !address.is_empty() {
        ip::validate_legacy(address, had, &path.child("ip"), errors);
    }
    match (address, ingress.ip_mode()) {
        ("", Some(_)) => errors.forbidden(&mode, "may not be specified when `ip` is not set"),
        ("", None) => {}
        (_, None) => errors.required(&mode, "must be specified when `ip` is set"),
        (_, Some(found)) => {
            let known = ["Proxy", "VIP"];
            if !known.contains(&found) {
                errors.not_supported(&mode, BadValue::json_string(found), known);
            }
        }
    }
    validate_hostname(ingress.hostname(), &path.child("hostname"), errors);
}

/// A name that is none of the addresses.
pub(in crate::validation) fn validate_hostname(
    name: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if name.is_empty() {
        return;
    }
    errors.invalid_each(path, name, dns1123_subdomain(name));
    if ip::parse(name).is_some() {
        errors.invalid(path, name, "must be a DNS name, not an IP address");
    }
}
