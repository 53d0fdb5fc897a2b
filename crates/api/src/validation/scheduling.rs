//! `scheduling`.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::value::Record;

use super::Rules;
use super::immutable::immutable;
use super::volume_source::one_of;
use crate::scheduling::v1::PriorityClass;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "PriorityClass" => Rules {
            create,
            update,
            subresources: &[],
        },
        _ => return None,
    })
}

/// The highest priority that is not the system's.
const HIGHEST: i32 = 1_000_000_000;
const SYSTEM_PREFIX: &str = "system-";
/// The classes that the server itself makes.
const SYSTEM: [(&str, i32); 2] = [
    ("system-node-critical", 2_000_001_000),
    ("system-cluster-critical", 2_000_000_000),
];

fn create(new: &Record, errors: &mut ErrorList) {
    let class = PriorityClass::from_record(new);
    let name = class.metadata().name();
    if name.starts_with(SYSTEM_PREFIX) {
        if let Some(problem) = system_problem(class) {
            errors.forbidden(
                &Path::new("metadata.name"),
                format!(
                    "priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {problem}"
                ),
            );
        }
    } else if class.value() > HIGHEST {
        errors.forbidden(
            &Path::new("value"),
            format!("maximum allowed value of a user defined priority is {HIGHEST}"),
        );
    }
    // In the order in which upstream has them, which is not that of the alphabet.
    one_of(
        class.preemption_policy(),
        &["PreemptLowerPriority", "Never"],
        &Path::new("preemptionPolicy"),
        errors,
    );
}

/// Why a class with a system's name is not the system's.
fn system_problem(class: PriorityClass<'_>) -> Option<String> {
    let name = class.metadata().name();
    let Some((_, value)) = SYSTEM.iter().find(|(known, _)| *known == name) else {
        return Some(format!("{name} is not a known system priority class"));
    };
    if class.value() != *value {
        return Some(format!("value of {name} PriorityClass must be {value}"));
    }
    class
        .global_default()
        .then(|| format!("globalDefault of {name} PriorityClass must be false"))
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (
        PriorityClass::from_record(new),
        PriorityClass::from_record(old),
    );
    if now.value() != before.value() {
        errors.forbidden(&Path::new("value"), "may not be changed in an update.");
    }
    immutable(
        now.preemption_policy(),
        before.preemption_policy(),
        &Path::new("preemptionPolicy"),
        errors,
    );
}

#[cfg(test)]
mod tests {
    use crate::validation::check::Good;

    const CLASS: Good = Good {
        group: "scheduling.k8s.io",
        version: "v1",
        kind: "PriorityClass",
        object: r#"{"metadata":{"name":"a"},"value":1000000000}"#,
    };

    #[test]
    fn what_is_the_systems_is_not_for_others() {
        CLASS.created("{}", &[]);
        CLASS.created(
            r#"{"value":1000000001,"preemptionPolicy":"Odd"}"#,
            &[
                "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
                "preemptionPolicy: Unsupported value: \"Odd\": supported values: \"PreemptLowerPriority\", \"Never\"",
            ],
        );
        let reserved = "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: ";
        let cases = [
            (
                r#"{"metadata":{"name":"system-mine"}}"#,
                "system-mine is not a known system priority class",
            ),
            (
                r#"{"metadata":{"name":"system-node-critical"}}"#,
                "value of system-node-critical PriorityClass must be 2000001000",
            ),
            (
                r#"{"metadata":{"name":"system-cluster-critical"},"value":2000000000,"globalDefault":true}"#,
                "globalDefault of system-cluster-critical PriorityClass must be false",
            ),
        ];
        for (patch, problem) in cases {
            CLASS.created(patch, &[&format!("{reserved}{problem}")]);
        }
    }

    #[test]
    fn a_class_stays_as_high_as_it_is() {
        CLASS.updated("{}", r#"{"description":"x"}"#, &[]);
        CLASS.updated(
            "{}",
            r#"{"value":1,"preemptionPolicy":"Never"}"#,
            &[
                "value: Forbidden: may not be changed in an update.",
                "preemptionPolicy: Invalid value: \"Never\": field is immutable",
            ],
        );
    }
}
