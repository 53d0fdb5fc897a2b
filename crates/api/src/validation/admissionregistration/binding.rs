//! Bindings, which put policies to work.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1123_subdomain, path_segment_name};
use pintle_runtime::value::Record;
use pintle_runtime::view::Strings;

use super::rule::{self, choice, mutating_operations};
use crate::admissionregistration::v1::{
    MatchResources, MutatingAdmissionPolicyBinding, ParamRef, ValidatingAdmissionPolicyBinding,
};
use crate::validation::Rules;
use crate::validation::immutable::Content;
use crate::validation::labels::{self, Values};

pub(super) const VALIDATING: Rules = Rules {
    create: validating,
    update: |new, _, errors| validating(new, errors),
    subresources: &[],
};

pub(super) const MUTATING: Rules = Rules {
    create: mutating,
    update: |new, _, errors| mutating(new, errors),
    subresources: &[],
};

const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];

fn validating(new: &Record, errors: &mut ErrorList) {
    let spec = ValidatingAdmissionPolicyBinding::from_record(new).spec();
    let path = Path::new("spec");
    common(
        spec.policy_name(),
        spec.param_ref(),
        spec.match_resources(),
        &path,
        errors,
    );
    let at = path.child("validationActions");
    validation_actions(spec.validation_actions(), &at, errors);
}

fn mutating(new: &Record, errors: &mut ErrorList) {
    let spec = MutatingAdmissionPolicyBinding::from_record(new).spec();
    let path = Path::new("spec");
    common(
        spec.policy_name(),
        spec.param_ref(),
        spec.match_resources(),
        &path,
        errors,
    );
    if let Some(resources) = spec.match_resources() {
        mutating_operations(resources, &path.child("matchResources"), errors);
    }
}

fn common(
    policy: &str,
    param: Option<ParamRef<'_>>,
    resources: Option<MatchResources<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("policyName");
    if policy.is_empty() {
        errors.required(&at, "");
    } else {
        errors.invalid_each(&at, policy, dns1123_subdomain(policy));
    }
    if let Some(param) = param {
        param_ref(param, &path.child("paramRef"), errors);
    }
    if let Some(resources) = resources {
        // Upstream's word, and clients know it.
        rule::match_resources(resources, &path.child("matchResouces"), errors);
    }
}

fn param_ref(param: ParamRef<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (name, selector) = (param.name(), param.selector());
    let exclusive = "name and selector are mutually exclusive";
    if !name.is_empty() {
        errors.invalid_each(&path.child("name"), name, path_segment_name(name));
        if selector.is_some() {
            errors.forbidden(&path.child("name"), exclusive);
        }
    }
    if selector.is_some() {
        let at = path.child("selector");
        labels::selector(selector, Values::Checked, &at, errors);
        if !name.is_empty() {
            errors.forbidden(&at, exclusive);
        }
    }
    if name.is_empty() && selector.is_none() {
        errors.required(path, "one of name or selector must be specified");
    }
    let at = path.child("parameterNotFoundAction");
    match param.parameter_not_found_action() {
        None | Some("") => errors.required(&at, ""),
        Some("Deny" | "Allow") => {}
        Some(other) => {
            errors.not_supported(&at, BadValue::json_string(other), ["Deny", "Allow"]);
        }
    }
}

fn validation_actions(actions: Strings<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut seen = HashSet::new();
    for (index, action) in actions.iter().enumerate() {
        let at = path.index(index);
        choice(Some(action), &ACTIONS, &at, errors);
        if !seen.insert(action) {
            errors.duplicate(&at, BadValue::json_string(action));
        }
    }
    if actions.contains("Deny") && actions.contains("Warn") {
        errors.invalid(
            path,
            actions.shown(),
            "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
        );
    }
    if actions.is_empty() {
        errors.required(path, "at least one validation action is required");
    }
}
