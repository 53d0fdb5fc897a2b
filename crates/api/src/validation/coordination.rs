//! `coordination`.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::label_key;
use pintle_runtime::value::Record;

use super::Rules;
use crate::coordination::v1::Lease;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "Lease" => Rules {
            create: lease,
            update: |new, _old, errors| lease(new, errors),
            subresources: &[],
        },
        _ => return None,
    })
}

fn lease(new: &Record, errors: &mut ErrorList) {
    let spec = Lease::from_record(new).spec();
    let path = Path::new("spec");
    if let Some(seconds) = spec.lease_duration_seconds()
        && seconds <= 0
    {
        errors.invalid(
            &path.child("leaseDurationSeconds"),
            seconds,
            "must be greater than 0",
        );
    }
    if let Some(transitions) = spec.lease_transitions()
        && transitions < 0
    {
        errors.invalid(
            &path.child("leaseTransitions"),
            transitions,
            "must be greater than or equal to 0",
        );
    }
    let holder = spec.preferred_holder().unwrap_or("");
    if let Some(strategy) = spec.strategy() {
        strategy_name(strategy, &path.child("strategy"), errors);
    }
    if !holder.is_empty() && spec.strategy().unwrap_or("").is_empty() {
        errors.forbidden(
            &path.child("preferredHolder"),
            "may only be specified if `strategy` is defined",
        );
    }
}

/// A strategy of Kubernetes' own has no domain; others must have one. Upstream names the field twice.
fn strategy_name(strategy: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let path = &path.child("strategy");
    const OLDEST: &str = "OldestEmulationVersion";
    if strategy.contains('/') {
        for problem in label_key(strategy) {
            errors.invalid(path, BadValue::json_string(strategy), problem);
        }
    } else if strategy != OLDEST {
        errors.not_supported(path, BadValue::json_string(strategy), [OLDEST]);
    }
}

#[cfg(test)]
mod tests {
    use crate::validation::check::Good;

    const LEASE: Good = Good {
        group: "coordination.k8s.io",
        version: "v1",
        kind: "Lease",
        object: r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"leaseDurationSeconds":1}}"#,
    };

    #[test]
    fn a_lease_lasts_and_counts() {
        LEASE.created("{}", &[]);
        LEASE.created(
            r#"{"spec":{"leaseDurationSeconds":0,"leaseTransitions":-1,"strategy":"Odd"}}"#,
            &[
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
                "spec.strategy.strategy: Unsupported value: \"Odd\": supported values: \"OldestEmulationVersion\"",
            ],
        );
        LEASE.created(r#"{"spec":{"strategy":"example.com/mine"}}"#, &[]);
        LEASE.updated(
            "{}",
            r#"{"spec":{"preferredHolder":"me","strategy":""}}"#,
            &[
                "spec.strategy.strategy: Unsupported value: \"\": supported values: \"OldestEmulationVersion\"",
                "spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined",
            ],
        );
        LEASE.created(
            r#"{"spec":{"strategy":"a b/c"}}"#,
            &["spec.strategy.strategy: Invalid value: \"a b/c\""],
        );
    }
}
