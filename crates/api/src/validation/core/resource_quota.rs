//! `ResourceQuota`.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::object_meta::IMMUTABLE;
use pintle_runtime::value::Record;
use pintle_runtime::view::StringMap;

use crate::core::v1::{ResourceQuota, ResourceQuotaSpec, ScopeSelector};
use crate::validation::quantity::{self, quota_resource_name};
use crate::validation::{Rules, internal_form};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", status)],
};

const SPEC: Path<'static> = Path::new("spec");

fn create(new: &Record, errors: &mut ErrorList) {
    spec(ResourceQuota::from_record(new).spec(), errors);
    status(new, new, errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (
        ResourceQuota::from_record(new).spec(),
        ResourceQuota::from_record(old).spec(),
    );
    spec(now, errors);
    let set = |spec: ResourceQuotaSpec<'_>| {
        spec.scopes()
            .iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    if set(now) != set(before) {
        let shown = if now.scopes().is_present() {
            BadValue::strings(now.scopes().iter())
        } else {
            BadValue::null()
        };
        errors.invalid(&SPEC.child("scopes"), shown, IMMUTABLE);
    }
}

fn status(new: &Record, _old: &Record, errors: &mut ErrorList) {
    let status = ResourceQuota::from_record(new).status();
    let path = Path::new("status");
    amounts(status.hard(), &path.child("hard"), errors);
    amounts(status.used(), &path.child("used"), errors);
}

fn spec(spec: ResourceQuotaSpec<'_>, errors: &mut ErrorList) {
    amounts(spec.hard(), &SPEC.child("hard"), errors);
    scopes(spec, errors);
    if let Some(selector) = spec.scope_selector() {
        scope_selector(selector, spec, errors);
    }
}

fn amounts(amounts: StringMap<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (name, amount) in amounts.iter() {
        let path = path.key(name);
        quota_resource_name(name, &path, errors);
        quantity::of_resource(name, amount, &path, errors);
    }
}

fn scopes(spec: ResourceQuotaSpec<'_>, errors: &mut ErrorList) {
    let path = SPEC.child("scopes");
    let all = || BadValue::strings(spec.scopes().iter());
    for scope in spec.scopes().iter() {
        if !is_scope(scope) {
            errors.invalid(&path, all(), "unsupported scope");
        }
        for _ in resources_without(scope, spec) {
            errors.invalid(&path, all(), "unsupported scope applied to resource");
        }
    }
    let chosen: BTreeSet<&str> = spec.scopes().iter().collect();
    conflicts(&chosen, spec, &path, errors);
}

fn scope_selector(
    selector: ScopeSelector<'_>,
    spec: ResourceQuotaSpec<'_>,
    errors: &mut ErrorList,
) {
    // The errors name no index, as upstream.
    let path = Path::new("spec.scopeSelector.matchExpressions");
    let operator = path.child("operator");
    for requirement in selector.match_expressions() {
        let scope = requirement.scope_name();
        if !is_scope(scope) {
            errors.invalid(
                &path.child("scopeName"),
                BadValue::json_string(scope),
                "unsupported scope",
            );
        }
        for _ in resources_without(scope, spec) {
            errors.invalid(
                &path,
                internal_form::shown(Some(selector.record())),
                "unsupported scope applied to resource",
            );
        }
        if is_scope(scope)
            && scope != PRIORITY
            && scope != VOLUME_CLASS
            && requirement.operator() != "Exists"
        {
            errors.invalid(
                &operator,
                BadValue::json_string(requirement.operator()),
                "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
            );
        }
        let values = requirement.values();
        match requirement.operator() {
            "In" | "NotIn" if values.is_empty() => errors.required(
                &path.child("values"),
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            ),
            "Exists" | "DoesNotExist" if !values.is_empty() => errors.invalid(
                &path.child("values"),
                BadValue::strings(values.iter()),
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            ),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.invalid(
                &operator,
                BadValue::json_string(other),
                "not a valid selector operator",
            ),
        }
    }
    let chosen: BTreeSet<&str> = selector
        .match_expressions()
        .iter()
        .map(|it| it.scope_name())
        .collect();
    conflicts(&chosen, spec, &path, errors);
}

/// Wherever scopes contradict each other, what is shown is those of the list.
fn conflicts(
    chosen: &BTreeSet<&str>,
    spec: ResourceQuotaSpec<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for [one, other] in [
        [BEST_EFFORT, NOT_BEST_EFFORT],
        [TERMINATING, NOT_TERMINATING],
    ] {
        if chosen.contains(one) && chosen.contains(other) {
            let shown = if spec.scopes().is_present() {
                BadValue::strings(spec.scopes().iter())
            } else {
                BadValue::null()
            };
            errors.invalid(path, shown, "conflicting scopes");
        }
    }
}

const BEST_EFFORT: &str = "BestEffort";
const NOT_BEST_EFFORT: &str = "NotBestEffort";
const TERMINATING: &str = "Terminating";
const NOT_TERMINATING: &str = "NotTerminating";
const PRIORITY: &str = "PriorityClass";
const AFFINITY: &str = "CrossNamespacePodAffinity";
const VOLUME_CLASS: &str = "VolumeAttributesClass";

fn is_scope(scope: &str) -> bool {
    matches!(
        scope,
        BEST_EFFORT
            | NOT_BEST_EFFORT
            | TERMINATING
            | NOT_TERMINATING
            | PRIORITY
            | AFFINITY
            | VOLUME_CLASS
    )
}

/// The limited resources that a scope says nothing about.
fn resources_without<'a>(
    scope: &'a str,
    spec: ResourceQuotaSpec<'a>,
) -> impl Iterator<Item = &'a str> {
    let names = spec.hard().iter().map(|(name, _)| name);
    names.filter(move |name| quantity::is_standard_quota(name) && !applies(scope, name))
}

fn applies(scope: &str, resource: &str) -> bool {
    let compute = matches!(
        resource,
        "pods"
            | "cpu"
            | "memory"
            | "requests.cpu"
            | "requests.memory"
            | "limits.cpu"
            | "limits.memory"
    );
    match scope {
        TERMINATING | NOT_TERMINATING | NOT_BEST_EFFORT | PRIORITY | AFFINITY => compute,
        BEST_EFFORT => resource == "pods",
        VOLUME_CLASS => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        _ => true,
    }
}
