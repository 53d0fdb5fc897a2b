//! What is wrong with a review.

use pintle_api::authorization::v1::{NonResourceAttributes, ResourceAttributes};
use pintle_runtime::codec::json;
use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name;
use pintle_runtime::view::Strings;

/// Either a resource or a path is asked about, and selectors of resources make sense.
pub(super) fn check_attributes(
    resource: Option<ResourceAttributes<'_>>,
    path: Option<NonResourceAttributes<'_>>,
    errors: &mut ErrorList,
) {
    match (resource, path) {
        (Some(_), Some(path)) => errors.invalid(
            &Path::new("spec.nonResourceAttributes"),
            shown(path),
            "cannot be specified in combination with resourceAttributes",
        ),
        (None, None) => errors.invalid(
            &Path::new("spec.resourceAttributes"),
            BadValue::null(),
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        _ => {}
    }
}

/// A path as Go shows upstream's internal type.
pub(super) fn shown(path: NonResourceAttributes<'_>) -> BadValue {
    let mut out = b"{\"Path\":".to_vec();
    json::encode_str(path.path(), &mut out);
    out.extend_from_slice(b",\"Verb\":");
    json::encode_str(path.verb(), &mut out);
    out.push(b'}');
    BadValue::Json(String::from_utf8_lossy(&out).into_owned())
}

/// Selectors say what they select once, and in full.
pub(super) fn check_selectors(resource: Option<ResourceAttributes<'_>>, errors: &mut ErrorList) {
    let Some(resource) = resource else { return };
    if let Some(selector) = resource.field_selector() {
        let requirements: Vec<_> = selector
            .requirements()
            .iter()
            .map(|found| (found.key(), found.operator(), found.values()))
            .collect();
        check_selector(
            "fieldSelector",
            selector.raw_selector(),
            &requirements,
            false,
            errors,
        );
    }
    if let Some(selector) = resource.label_selector() {
        let requirements: Vec<_> = selector
            .requirements()
            .iter()
            .map(|found| (found.key(), found.operator(), found.values()))
            .collect();
        check_selector(
            "labelSelector",
            selector.raw_selector(),
            &requirements,
            true,
            errors,
        );
    }
}

fn check_selector(
    which: &str,
    raw: &str,
    requirements: &[(&str, &str, Strings<'_>)],
    of_labels: bool,
    errors: &mut ErrorList,
) {
    let base = format!("spec.resourceAttributes.{which}");
    let at = |rest: &str| format!("{base}.{rest}");
    if !raw.is_empty() && !requirements.is_empty() {
        errors.invalid(
            &Path::new(&at("rawSelector")),
            raw,
            "may not specified at the same time as requirements",
        );
    }
    if raw.is_empty() && requirements.is_empty() {
        errors.required(
            &Path::new(&at("requirements")),
            format!("when {base} is specified, requirements or rawSelector is required"),
        );
    }
    for (index, (key, operator, values)) in requirements.iter().enumerate() {
        let at = |field: &str| format!("{base}.requirements[{index}].{field}");
        if !of_labels && key.is_empty() {
            errors.required(&Path::new(&at("key")), "must be specified");
        }
        match *operator {
            "In" | "NotIn" if values.is_empty() => errors.required(
                &Path::new(&at("values")),
                "must be specified when `operator` is 'In' or 'NotIn'",
            ),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.forbidden(
                &Path::new(&at("values")),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
            // Operators that are not known are left to authorizers that may know them.
            _ => {}
        }
        if of_labels {
            errors.invalid_each(&Path::new(&at("key")), key, name::label_key(key));
        }
    }
}
