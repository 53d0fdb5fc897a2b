//! `node`.

use std::collections::HashSet;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::dns1123_label;
use pintle_runtime::object_meta::validate_labels;
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use super::immutable::immutable;
use super::{Rules, internal_form, pod};
use crate::core::v1::Toleration;
use crate::node::v1::RuntimeClass;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "RuntimeClass" => Rules {
            create,
            update,
            subresources: &[],
        },
        _ => return None,
    })
}

const HANDLER: Path<'static> = Path::new("handler");

fn create(new: &Record, errors: &mut ErrorList) {
    let class = RuntimeClass::from_record(new);
    let handler = class.handler();
    if handler.is_empty() {
        errors.required(&HANDLER, "");
    } else {
        errors.invalid_each(&HANDLER, handler, dns1123_label(handler));
    }
    if let Some(overhead) = class.overhead() {
        pod::overhead(overhead.pod_fixed(), &Path::new("overhead"), errors);
    }
    if let Some(scheduling) = class.scheduling() {
        let path = Path::new("scheduling");
        let labels = scheduling.node_selector();
        validate_labels(labels, &path.child("nodeSelector"), errors);
        tolerations(scheduling.tolerations(), &path.child("tolerations"), errors);
    }
}

/// Each must be in order, and none be there twice.
fn tolerations(tolerations: List<'_, Toleration<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    pod::tolerations(tolerations, path, errors);
    let mut seen = HashSet::new();
    for (at, item) in tolerations.iter().enumerate() {
        if !seen.insert((item.key(), item.operator(), item.value(), item.effect())) {
            let shown = internal_form::shown(Some(item.record()));
            errors.duplicate(&path.index(at), shown);
        }
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    create(new, errors);
    let (now, before) = (
        RuntimeClass::from_record(new),
        RuntimeClass::from_record(old),
    );
    immutable(now.handler(), before.handler(), &HANDLER, errors);
}

#[cfg(test)]
mod tests {
    use crate::validation::check::Good;

    const CLASS: Good = Good {
        group: "node.k8s.io",
        version: "v1",
        kind: "RuntimeClass",
        object: r#"{"metadata":{"name":"a"},"handler":"h"}"#,
    };

    #[test]
    fn a_runtime_has_a_handler_that_stays() {
        CLASS.created("{}", &[]);
        CLASS.created(r#"{"handler":""}"#, &["handler: Required value"]);
        CLASS.updated(
            "{}",
            r#"{"handler":"i"}"#,
            &["handler: Invalid value: \"i\": field is immutable"],
        );
        CLASS.created(
            r#"{"handler":"A","overhead":{"podFixed":{"magic":"1","cpu":"-1"}},"scheduling":{"nodeSelector":{"a":"b c"},"tolerations":[{"key":"k","operator":"Odd"},{"key":"k","operator":"Odd"}]}}"#,
            &[
                "handler: Invalid value: \"A\"",
                "overhead.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
                "overhead.limits[magic]: Invalid value: \"magic\": must be a standard resource type or fully qualified",
                "overhead.limits[magic]: Invalid value: \"magic\": must be a standard resource for containers",
                "scheduling.nodeSelector: Invalid value: \"b c\"",
                "scheduling.tolerations[0].operator: Unsupported value: \"Odd\"",
                "scheduling.tolerations[1].operator: Unsupported value: \"Odd\"",
                r#"scheduling.tolerations[1]: Duplicate value: {"Key":"k","Operator":"Odd","Value":"","Effect":"","TolerationSeconds":null}"#,
            ],
        );
    }
}
