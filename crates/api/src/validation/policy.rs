//! `policy`.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::object_meta::{validate_conditions, validate_nonnegative};
use pintle_runtime::value::Record;

use super::labels::{self, Values};
use super::volume_source::one_of;
use super::{Rules, int_or_percent, internal_form};
use crate::policy::v1::PodDisruptionBudget;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "PodDisruptionBudget" => Rules {
            create: |new, errors| budget(new, Values::Checked, errors),
            update,
            subresources: &[("status", status)],
        },
        _ => return None,
    })
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let selector = PodDisruptionBudget::from_record(old).spec().selector();
    budget(new, Values::as_before(selector), errors);
}

fn budget(new: &Record, values: Values, errors: &mut ErrorList) {
    let spec = PodDisruptionBudget::from_record(new).spec();
    let path = Path::new("spec");
    if spec.min_available().is_some() && spec.max_unavailable().is_some() {
        errors.invalid(
            &path,
            internal_form::shown(Some(spec.record())),
            "minAvailable and maxUnavailable cannot be both set",
        );
    }
    let bounds = [
        ("minAvailable", spec.min_available()),
        ("maxUnavailable", spec.max_unavailable()),
    ];
    for (field, bound) in bounds {
        if let Some(bound) = bound {
            int_or_percent::nonnegative(bound, &path.child(field), errors);
            int_or_percent::at_most_all(bound, &path.child(field), errors);
        }
    }
    labels::selector(spec.selector(), values, &path.child("selector"), errors);
    one_of(
        spec.unhealthy_pod_eviction_policy(),
        &["AlwaysAllow", "IfHealthyBudget"],
        &path.child("unhealthyPodEvictionPolicy"),
        errors,
    );
}

fn status(new: &Record, _old: &Record, errors: &mut ErrorList) {
    let status = PodDisruptionBudget::from_record(new).status();
    let path = Path::new("status");
    validate_conditions(status.conditions(), &path.child("conditions"), errors);
    let counts = [
        ("disruptionsAllowed", status.disruptions_allowed()),
        ("currentHealthy", status.current_healthy()),
        ("desiredHealthy", status.desired_healthy()),
        ("expectedPods", status.expected_pods()),
    ];
    for (field, count) in counts {
        validate_nonnegative(count.into(), &path.child(field), errors);
    }
}

#[cfg(test)]
mod tests {
    use crate::validation::check::Good;

    const BUDGET: Good = Good {
        group: "policy",
        version: "v1",
        kind: "PodDisruptionBudget",
        object: r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}}"#,
    };

    #[test]
    fn a_budget_has_one_bound() {
        BUDGET.created("{}", &[]);
        BUDGET.created(
            r#"{"spec":{"minAvailable":-1,"maxUnavailable":"101%","unhealthyPodEvictionPolicy":"Odd"}}"#,
            &[
                r#"spec: Invalid value: {"MinAvailable":-1,"Selector":{"matchLabels":{"a":"b"}},"MaxUnavailable":"101%","UnhealthyPodEvictionPolicy":"Odd"}: minAvailable and maxUnavailable cannot be both set"#,
                "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0",
                "spec.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
                "spec.unhealthyPodEvictionPolicy: Unsupported value: \"Odd\": supported values: \"AlwaysAllow\", \"IfHealthyBudget\"",
            ],
        );
        BUDGET.created(
            r#"{"spec":{"minAvailable":"many","selector":{"matchExpressions":[{"key":"a","operator":"Exists","values":["b"]}]}}}"#,
            &[
                "spec.minAvailable: Invalid value: \"many\": a valid percent string",
                "spec.selector.matchExpressions[0].values: Forbidden",
            ],
        );
    }

    #[test]
    fn a_selector_keeps_the_values_that_it_has() {
        let odd = r#"{"spec":{"selector":{"matchExpressions":[{"key":"a","operator":"In","values":["b c"]}]}}}"#;
        BUDGET.updated(odd, odd, &[]);
        BUDGET.updated(
            "{}",
            odd,
            &["spec.selector.matchExpressions[0].values[0]: Invalid value: \"b c\""],
        );
    }

    #[test]
    fn a_budgets_status_counts() {
        BUDGET.updated_in(
            "status",
            "{}",
            r#"{"status":{"conditions":[{"type":"T","status":"Odd"}],"disruptionsAllowed":-1,"currentHealthy":-1,"desiredHealthy":-1,"expectedPods":-1}}"#,
            &[
                "status.conditions[0].status: Unsupported value: \"Odd\"",
                "status.conditions[0].lastTransitionTime: Required value",
                "status.conditions[0].reason: Required value",
                "status.disruptionsAllowed: Invalid value: -1",
                "status.currentHealthy: Invalid value: -1",
                "status.desiredHealthy: Invalid value: -1",
                "status.expectedPods: Invalid value: -1",
            ],
        );
    }
}
