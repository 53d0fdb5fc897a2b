//! Who signs certificates, by name.

use std::borrow::Cow;

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::{dns1123_label, dns1123_subdomain};
use pintle_runtime::quote::Quoted;

const DOMAIN: usize = 253;
/// A label, a dot and a subdomain.
const RESOURCE: usize = 63 + 1 + DOMAIN;

/// `example.com/name` (`ValidateSignerName`).
pub(crate) fn signer_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if name.is_empty() {
        errors.required(path, "");
        return;
    }
    let (domain, resource) = match name.split_once('/') {
        Some((domain, resource)) if !resource.contains('/') => (domain, resource),
        _ => {
            let detail =
                "must be a fully qualified domain and path of the form 'example.com/signer-name'";
            errors.invalid(path, name, detail);
            return;
        }
    };
    if domain.len() > DOMAIN {
        errors.push(FieldError::too_long(path, DOMAIN));
    }
    for fault in dns1123_subdomain(domain) {
        let detail = format!("validating domain segment: {fault}");
        errors.invalid(path, domain, detail);
    }
    if !domain.contains('.') {
        let detail = "should be a domain with at least two segments separated by dots";
        errors.invalid(path, domain, detail);
    }
    for label in resource.split('.') {
        let faults = if label.len() > 63 {
            dns1123_subdomain(label)
        } else {
            dns1123_label(label)
        };
        for fault in &faults {
            let detail = format!("validating label {}: {fault}", Quoted(label));
            errors.invalid(path, resource, detail);
        }
        if !faults.is_empty() {
            break;
        }
    }
    let limit = DOMAIN + 1 + RESOURCE;
    if name.len() > limit {
        errors.push(FieldError::too_long(path, limit));
    }
}

/// Whether the signer is one of Kubernetes' own.
pub(crate) fn is_kubernetes(name: &str) -> bool {
    let domain = name.split_once('/').map_or(name, |(domain, _)| domain);
    domain == "kubernetes.io" || domain.ends_with(".kubernetes.io")
}

/// What is wrong with the name of a trust bundle: behind a colon if it is of a signer.
pub(crate) fn bundle_name(name: &str) -> Vec<Cow<'static, str>> {
    dns1123_subdomain(name.rsplit_once(':').map_or(name, |(_, plain)| plain))
}
