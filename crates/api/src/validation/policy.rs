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
