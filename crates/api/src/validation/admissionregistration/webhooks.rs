//! Configurations of webhooks.

use std::collections::HashSet;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::meta::LabelSelector;
use pintle_runtime::name::fully_qualified_name;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{List, Strings};

use super::rule::choice;
use super::{FAILURE_POLICIES, MATCH_POLICIES, REINVOCATION_POLICIES, expression, rule};
use crate::admissionregistration::v1::{
    MatchCondition, MutatingWebhookConfiguration, RuleWithOperations,
    ValidatingWebhookConfiguration, WebhookClientConfig,
};
use crate::validation::Rules;
use crate::validation::labels::{self, Values};
use crate::validation::webhook::{self, Service};

pub(super) const VALIDATING: Rules = Rules {
    create: |new, errors| check(&validating(new), None, errors),
    update: |new, old, errors| check(&validating(new), Some(&validating(old)), errors),
    subresources: &[],
};

pub(super) const MUTATING: Rules = Rules {
    create: |new, errors| check(&mutating(new), None, errors),
    update: |new, old, errors| check(&mutating(new), Some(&mutating(old)), errors),
    subresources: &[],
};

/// Upstream's words for a call that changes nothing but the object.
const NO_SIDE_EFFECTS: [&str; 2] = ["None", "NoneOnDryRun"];
const SIDE_EFFECTS: [&str; 4] = ["None", "NoneOnDryRun", "Some", "Unknown"];

/// A webhook of either sort.
struct Webhook<'a> {
    name: &'a str,
    client: WebhookClientConfig<'a>,
    rules: List<'a, RuleWithOperations<'a>>,
    failure_policy: Option<&'a str>,
    match_policy: Option<&'a str>,
    namespaces: Option<LabelSelector<'a>>,
    objects: Option<LabelSelector<'a>>,
    side_effects: Option<&'a str>,
    timeout: Option<i32>,
    versions: Strings<'a>,
    reinvocation: Option<&'a str>,
    conditions: List<'a, MatchCondition<'a>>,
}

macro_rules! webhook {
    ($hook:ident, $reinvocation:expr) => {
        Webhook {
            name: $hook.name(),
            client: $hook.client_config(),
            rules: $hook.rules(),
            failure_policy: $hook.failure_policy(),
            match_policy: $hook.match_policy(),
            namespaces: $hook.namespace_selector(),
            objects: $hook.object_selector(),
            side_effects: $hook.side_effects(),
            timeout: $hook.timeout_seconds(),
            versions: $hook.admission_review_versions(),
            reinvocation: $reinvocation,
            conditions: $hook.match_conditions(),
        }
    };
}

fn validating(record: &Record) -> Vec<Webhook<'_>> {
    let configuration = ValidatingWebhookConfiguration::from_record(record);
    let hooks = configuration.webhooks().into_iter();
    hooks.map(|hook| webhook!(hook, None)).collect()
}

fn mutating(record: &Record) -> Vec<Webhook<'_>> {
    let configuration = MutatingWebhookConfiguration::from_record(record);
    let hooks = configuration.webhooks().into_iter();
    hooks
        .map(|hook| webhook!(hook, hook.reinvocation_policy()))
        .collect()
}

/// What is asked of a configuration. What it lacked before, it may go on lacking.
struct Demands {
    conditions: bool,
    no_side_effects: bool,
    known_version: bool,
    unique_names: bool,
    values: Values,
}

impl Demands {
    fn of(new: &[Webhook<'_>], old: Option<&[Webhook<'_>]>) -> Self {
        let Some(old) = old else {
            return Self {
                conditions: true,
                no_side_effects: true,
                known_version: true,
                unique_names: true,
                values: Values::Checked,
            };
        };
        let conditions = |hook: &Webhook<'_>| -> Vec<Value> { hook.conditions.values().to_vec() };
        let mut names = HashSet::new();
        let mut selectors = old.iter().flat_map(|hook| [hook.namespaces, hook.objects]);
        Self {
            conditions: !new.iter().map(conditions).eq(old.iter().map(conditions)),
            no_side_effects: old.iter().all(|hook| {
                hook.side_effects
                    .is_some_and(|found| NO_SIDE_EFFECTS.contains(&found))
            }),
            known_version: old
                .iter()
                .all(|hook| hook.versions.is_empty() || webhook::has_known_version(hook.versions)),
            unique_names: old.iter().all(|hook| names.insert(hook.name)),
            values: if selectors.any(is_wrong) {
                Values::Kept
            } else {
                Values::Checked
            },
        }
    }
}

fn is_wrong(selector: Option<LabelSelector<'_>>) -> bool {
    let mut errors = ErrorList::new();
    labels::selector(selector, Values::Checked, &Path::NOWHERE, &mut errors);
    !errors.is_empty()
}

fn check(new: &[Webhook<'_>], old: Option<&Vec<Webhook<'_>>>, errors: &mut ErrorList) {
    let demands = Demands::of(new, old.map(Vec::as_slice));
    let path = Path::new("webhooks");
    let mut names = HashSet::new();
    for (index, hook) in new.iter().enumerate() {
        let path = path.index(index);
        one(hook, &demands, &path, errors);
        webhook::review_versions(
            hook.versions,
            "must specify one of v1, v1beta1",
            demands.known_version,
            &path.child("admissionReviewVersions"),
            errors,
        );
        if demands.unique_names && !hook.name.is_empty() && !names.insert(hook.name) {
            errors.duplicate(&path.child("name"), hook.name);
        }
    }
}

fn one(hook: &Webhook<'_>, demands: &Demands, path: &Path<'_>, errors: &mut ErrorList) {
    fully_qualified_name(&path.child("name"), hook.name, errors);
    let at = path.child("rules");
    for (index, found) in hook.rules.iter().enumerate() {
        rule::of_webhook(found, &at.index(index), errors);
    }
    let at = path.child("failurePolicy");
    choice(hook.failure_policy, &FAILURE_POLICIES, &at, errors);
    let at = path.child("matchPolicy");
    choice(hook.match_policy, &MATCH_POLICIES, &at, errors);
    let effects: &[&str] = if demands.no_side_effects {
        &NO_SIDE_EFFECTS
    } else {
        &SIDE_EFFECTS
    };
    let at = path.child("sideEffects");
    if hook.side_effects.is_none() {
        errors.required(&at, format!("must specify one of {}", effects.join(", ")));
    }
    choice(hook.side_effects, effects, &at, errors);
    if let Some(seconds) = hook.timeout
        && !(1..=30).contains(&seconds)
    {
        errors.invalid(
            &path.child("timeoutSeconds"),
            seconds,
            "the timeout value must be between 1 and 30 seconds",
        );
    }
    let at = path.child("namespaceSelector");
    labels::selector(hook.namespaces, demands.values, &at, errors);
    let at = path.child("objectSelector");
    labels::selector(hook.objects, demands.values, &at, errors);
    let at = path.child("reinvocationPolicy");
    choice(hook.reinvocation, &REINVOCATION_POLICIES, &at, errors);
    let service = hook.client.service().map(|service| Service {
        namespace: service.namespace(),
        name: service.name(),
        path: service.path(),
        port: service.port().unwrap_or(0),
    });
    let at = path.child("clientConfig");
    webhook::client(hook.client.url(), service, &at, errors);
    if demands.conditions {
        let at = path.child("matchConditions");
        expression::match_conditions(hook.conditions, false, &at, errors);
    }
}
