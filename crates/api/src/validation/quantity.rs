//! Amounts of resources, and what resources are called.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::label_key;
use pintle_runtime::object_meta::NEGATIVE;
use pintle_runtime::quantity::Quantity;

/// What is said of an amount that is a fraction where none can be.
pub(crate) const NOT_INTEGER: &str = "must be an integer";
/// What is said of an amount of nothing or less.
pub(crate) const NOT_POSITIVE: &str = "must be greater than zero";

/// The amount of a field, which the codecs have seen to be one.
pub(crate) fn amount(text: &str) -> Quantity {
    Quantity::parse(text).unwrap_or_default()
}

/// An amount must not be negative.
pub(crate) fn nonnegative(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if amount(text).signum() < 0 {
        errors.invalid(path, text, NEGATIVE);
    }
}

/// An amount must be more than nothing.
pub(crate) fn positive(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if amount(text).signum() <= 0 {
        errors.invalid(path, text, NOT_POSITIVE);
    }
}

/// An amount of `resource`: not negative, and whole where the resource cannot be parted.
pub(crate) fn of_resource(resource: &str, text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    nonnegative(text, path, errors);
    if is_integer_resource(resource) && amount(text).milli_value() % 1000 != 0 {
        // A quantity as such, not its text, is what upstream shows here.
        errors.invalid(path, BadValue::json_string(text), NOT_INTEGER);
    }
}

/// A resource that only comes in whole numbers: objects counted by a quota, and devices.
pub(crate) fn is_integer_resource(name: &str) -> bool {
    matches!(
        name,
        "pods"
            | "services"
            | "replicationcontrollers"
            | "resourcequotas"
            | "secrets"
            | "configmaps"
            | "persistentvolumeclaims"
            | "services.nodeports"
            | "services.loadbalancers"
    ) || is_extended(name)
}

/// A resource of Kubernetes' own: without a domain, or with one of Kubernetes'.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || is_prefixed_native(name)
}

/// A resource in a domain of Kubernetes'.
pub(crate) fn is_prefixed_native(name: &str) -> bool {
    name.contains("kubernetes.io/")
}

/// Huge pages of some size.
pub(crate) fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Devices and whatever else a vendor or an administrator adds to nodes.
pub(crate) fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && label_key(&format!("requests.{name}")).is_empty()
}

/// A resource that containers and nodes know by a name without a domain.
pub(crate) fn is_standard_container(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge_pages(name)
}

/// A resource that a quota knows by a name without a domain.
pub(crate) fn is_standard_quota(name: &str) -> bool {
    matches!(
        name,
        "cpu"
            | "memory"
            | "ephemeral-storage"
            | "requests.cpu"
            | "requests.memory"
            | "requests.storage"
            | "requests.ephemeral-storage"
            | "limits.cpu"
            | "limits.memory"
            | "limits.ephemeral-storage"
            | "pods"
            | "resourcequotas"
            | "services"
            | "replicationcontrollers"
            | "secrets"
            | "persistentvolumeclaims"
            | "configmaps"
            | "services.nodeports"
            | "services.loadbalancers"
    ) || is_huge_pages(name)
        || name.starts_with("requests.hugepages-")
}

/// A resource that anything at all knows by a name without a domain.
pub(crate) fn is_standard(name: &str) -> bool {
    is_standard_quota(name) || name == "storage"
}

/// Whether more of a resource may be asked for than there is.
pub(crate) fn is_overcommit_allowed(name: &str) -> bool {
    is_native(name) && !is_huge_pages(name)
}

/// The name of a resource: a label's name, and one without a domain must be known to Kubernetes.
pub(crate) fn resource_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let problems = label_key(name);
    if problems.is_empty() && !name.contains('/') && !is_standard(name) {
        errors.invalid(
            path,
            BadValue::json_string(name),
            "must be a standard resource type or fully qualified",
        );
    }
    for problem in problems {
        errors.invalid(path, BadValue::json_string(name), problem);
    }
}

/// The name of a resource of containers.
pub(crate) fn container_resource_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    resource_name(name, path, errors);
    let detail = if !name.contains('/') {
        (!is_standard_container(name)).then_some("must be a standard resource for containers")
    } else {
        (!is_native(name) && !is_extended(name))
            .then_some("doesn't follow extended resource name standard")
    };
    if let Some(detail) = detail {
        errors.invalid(path, BadValue::json_string(name), detail);
    }
}

/// The name of a resource that a quota limits.
pub(crate) fn quota_resource_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    resource_name(name, path, errors);
    if !name.contains('/') && !is_standard_quota(name) {
        errors.invalid(
            path,
            BadValue::json_string(name),
            "must be a standard resource for quota",
        );
    }
}
