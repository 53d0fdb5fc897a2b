//! `node`.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::dns1123_label;
use pintle_runtime::object_meta::validate_labels;
use pintle_runtime::value::Record;

use super::Rules;
use super::immutable::immutable;
use super::quantity::{container_resource_name, of_resource};
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
        // Upstream checks them as a container's limits, and clients see it.
        let path = Path::new("overhead.limits");
        for (name, amount) in overhead.pod_fixed().iter() {
            let at = path.key(name);
            container_resource_name(name, &at, errors);
            of_resource(name, amount, &at, errors);
        }
    }
    if let Some(scheduling) = class.scheduling() {
        let path = Path::new("scheduling");
        validate_labels(
            scheduling.node_selector(),
            &path.child("nodeSelector"),
            errors,
        );
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
            r#"{"handler":"A","overhead":{"podFixed":{"magic":"1","cpu":"-1"}},"scheduling":{"nodeSelector":{"a":"b c"}}}"#,
            &[
                "handler: Invalid value: \"A\"",
                "overhead.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
                "overhead.limits[magic]: Invalid value: \"magic\": must be a standard resource type or fully qualified",
                "overhead.limits[magic]: Invalid value: \"magic\": must be a standard resource for containers",
                "scheduling.nodeSelector: Invalid value: \"b c\"",
            ],
        );
    }
}
