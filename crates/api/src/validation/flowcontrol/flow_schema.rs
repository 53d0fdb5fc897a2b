//! Flow schemas.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1123_label, dns1123_subdomain};
use pintle_runtime::value::Record;
use pintle_runtime::view::Strings;

use super::mandatory;
use crate::flowcontrol::v1::{
    FlowSchema, FlowSchemaSpec, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule,
    ServiceAccountSubject, Subject,
};
use crate::validation::immutable::{Content, is_same};
use crate::validation::{Rules, internal_form};

pub(super) const RULES: Rules = Rules {
    create: schema,
    update: |new, _, errors| schema(new, errors),
    subresources: &[("status", |new, _, errors| conditions(new, errors))],
};

const LAST: i32 = 10_000;
const VERBS: [&str; 9] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "proxy",
    "update",
    "watch",
];

fn schema(new: &Record, errors: &mut ErrorList) {
    let schema = FlowSchema::from_record(new);
    let name = schema.metadata().name();
    let path = Path::new("spec");
    spec(name, schema.spec(), &path, errors);
    if let Some(expected) = mandatory::flow_schema(name)
        && !is_same(schema.spec().record(), expected)
    {
        errors.invalid(
            &path,
            internal_form::shown(Some(schema.spec().record())),
            format!("spec of '{name}' must equal the fixed value"),
        );
    }
    conditions(new, errors);
}

fn conditions(new: &Record, errors: &mut ErrorList) {
    let conditions = FlowSchema::from_record(new).status().conditions();
    let types = conditions.iter().map(|condition| condition.type_());
    condition_types(types, errors);
}

/// Conditions have a type, and each its own.
pub(super) fn condition_types<'a>(types: impl Iterator<Item = &'a str>, errors: &mut ErrorList) {
    let status = Path::new("status");
    let path = status.child("conditions");
    let mut seen = HashSet::new();
    for (index, ty) in types.enumerate() {
        let path = path.index(index);
        let at = path.child("type");
        if !seen.insert(ty) {
            errors.duplicate(&at, BadValue::json_string(ty));
        }
        if ty.is_empty() {
            errors.required(&at, "must not be empty");
        }
    }
}

fn spec(name: &str, spec: FlowSchemaSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let precedence = spec.matching_precedence();
    let at = path.child("matchingPrecedence");
    if precedence <= 0 {
        errors.invalid(&at, precedence, "must be a positive value");
    }
    if precedence > LAST {
        let detail = format!("must not be greater than {LAST}");
        errors.invalid(&at, precedence, detail);
    }
    if precedence == 1 && name != "exempt" {
        errors.invalid(
            &at,
            precedence,
            "only the schema named 'exempt' may have matchingPrecedence 1",
        );
    }
    if let Some(method) = spec.distinguisher_method()
        && !matches!(method.type_(), "ByNamespace" | "ByUser")
    {
        let method_path = path.child("distinguisherMethod");
        errors.not_supported(
            &method_path.child("type"),
            internal_form::shown(Some(method.record())),
            ["ByNamespace", "ByUser"],
        );
    }
    let reference = path.child("priorityLevelConfiguration");
    let at = reference.child("name");
    let level = spec.priority_level_configuration().name();
    if level.is_empty() {
        errors.required(&at, "must reference a priority level");
    } else {
        errors.invalid_each(&at, level, dns1123_subdomain(level));
    }
    let at = path.child("rules");
    for (index, found) in spec.rules().iter().enumerate() {
        rule(found, &at.index(index), errors);
    }
}

fn rule(rule: PolicyRulesWithSubjects<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("subjects");
    if rule.subjects().is_empty() {
        errors.required(&at, "subjects must contain at least one value");
    }
    for (index, found) in rule.subjects().iter().enumerate() {
        subject(found, &at.index(index), errors);
    }
    if rule.resource_rules().is_empty() && rule.non_resource_rules().is_empty() {
        errors.required(
            path,
            "at least one of resourceRules and nonResourceRules has to be non-empty",
        );
    }
    let at = path.child("resourceRules");
    for (index, found) in rule.resource_rules().iter().enumerate() {
        resource_rule(found, &at.index(index), errors);
    }
    let at = path.child("nonResourceRules");
    for (index, found) in rule.non_resource_rules().iter().enumerate() {
        non_resource_rule(found, &at.index(index), errors);
    }
}

/// The fields that a kind of subject can have, with the kind.
const SUBJECTS: [(&str, &str); 3] = [
    ("serviceAccount", "ServiceAccount"),
    ("user", "User"),
    ("group", "Group"),
];

fn subject(subject: Subject<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let kind = subject.kind();
    let Some((field, _)) = SUBJECTS.iter().find(|(_, known)| *known == kind) else {
        return errors.not_supported(
            &path.child("kind"),
            BadValue::json_string(kind),
            ["Group", "ServiceAccount", "User"],
        );
    };
    let at = path.child(field);
    let name = match kind {
        "ServiceAccount" => {
            if let Some(account) = subject.service_account() {
                service_account(account, &at, errors);
            }
            subject.service_account().map(|_| "set")
        }
        "User" => subject.user().map(|user| user.name()),
        _ => subject.group().map(|group| group.name()),
    };
    match name {
        None => errors.required(
            &at,
            format!("{field} is required when subject kind is '{kind}'"),
        ),
        Some("") => errors.required(&at.child("name"), ""),
        Some(_) => {}
    }
    for (other, of) in SUBJECTS {
        let is_set = subject
            .record()
            .get_by_name(other)
            .is_some_and(|value| !value.is_null());
        if of != kind && is_set {
            errors.forbidden(
                &path.child(other),
                format!("{other} is forbidden when subject kind is not '{of}'"),
            );
        }
    }
}

fn service_account(account: ServiceAccountSubject<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (name, namespace) = (account.name(), account.namespace());
    let at = path.child("name");
    match name {
        "" => errors.required(&at, ""),
        "*" => {}
        _ => errors.invalid_each(&at, name, dns1123_subdomain(name)),
    }
    let at = path.child("namespace");
    if namespace.is_empty() {
        errors.required(&at, "must specify namespace for service account");
    } else {
        errors.invalid_each(&at, namespace, dns1123_label(namespace));
    }
}

fn verbs(verbs: Strings<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("verbs");
    if verbs.is_empty() {
        errors.required(&at, "verbs must contain at least one value");
    } else if verbs.contains("*") {
        alone(verbs, "verbs", &at, errors);
    } else if !verbs.iter().all(|verb| VERBS.contains(&verb)) {
        errors.not_supported(&at, verbs.shown(), VERBS);
    }
}

/// `*` stands for everything, so nothing stands beside it.
fn alone(list: Strings<'_>, what: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if list.len() > 1 && list.contains("*") {
        let detail = format!("if '*' is present, must not specify other {what}");
        errors.invalid(path, list.shown(), detail);
    }
}

fn non_resource_rule(rule: NonResourcePolicyRule<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    verbs(rule.verbs(), path, errors);
    let urls = rule.non_resource_urls();
    let at = path.child("nonResourceURLs");
    if urls.is_empty() {
        errors.required(&at, "nonResourceURLs must contain at least one value");
    } else if urls.contains("*") {
        alone(urls, "non-resource URLs", &at, errors);
    } else {
        for (index, url) in urls.iter().enumerate() {
            if let Some(detail) = wrong_with_url(url) {
                errors.invalid(&at.index(index), url, detail);
            }
        }
    }
}

fn wrong_with_url(url: &str) -> Option<&'static str> {
    let stars = url.matches('*').count();
    if url.is_empty() {
        Some("must not be empty")
    } else if url == "/" {
        None
    } else if !url.starts_with('/') {
        Some("must start with slash")
    } else if url.contains(' ') {
        Some("must not contain white-space")
    } else if url.contains("//") {
        Some("must not contain double slash")
    } else if stars > 1 || (stars == 1 && !url.ends_with("/*")) {
        Some("wildcard can only do suffix matching")
    } else {
        None
    }
}

fn resource_rule(rule: ResourcePolicyRule<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    verbs(rule.verbs(), path, errors);
    let at = path.child("apiGroups");
    if rule.api_groups().is_empty() {
        errors.required(&at, "resource rules must supply at least one api group");
    }
    alone(rule.api_groups(), "api groups", &at, errors);
    let at = path.child("resources");
    if rule.resources().is_empty() {
        errors.required(&at, "resource rules must supply at least one resource");
    }
    alone(rule.resources(), "resources", &at, errors);
    let namespaces = rule.namespaces();
    let at = path.child("namespaces");
    if namespaces.is_empty() && !rule.cluster_scope() {
        errors.required(
            &at,
            "resource rules that are not cluster scoped must supply at least one namespace",
        );
    } else if namespaces.contains("*") {
        alone(namespaces, "namespaces", &at, errors);
    } else {
        for (index, namespace) in namespaces.iter().enumerate() {
            let messages = dns1123_label(namespace).into_iter().map(|message| {
                format!("each member of this list must be '*' or a DNS-1123 label; {message}")
            });
            errors.invalid_each(&at.index(index), namespace, messages);
        }
    }
}
