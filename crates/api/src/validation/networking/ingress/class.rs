//! `IngressClass`.

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::name::{dns1123_label, domain_prefixed_path};
use pintle_runtime::value::Record;

use super::{Reference, validate_reference};
use crate::networking::v1::{IngressClass, IngressClassParametersReference};
use crate::validation::Rules;
use crate::validation::immutable::immutable;

pub(in crate::validation::networking) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

const LONGEST_CONTROLLER: usize = 250;

fn create(new: &Record, errors: &mut ErrorList) {
    let spec = IngressClass::from_record(new).spec();
    let path = Path::new("spec");
    let controller = path.child("controller");
    if spec.controller().len() > LONGEST_CONTROLLER {
        errors.push(FieldError::too_long(&controller, LONGEST_CONTROLLER));
    }
    domain_prefixed_path(&controller, spec.controller(), errors);
    if let Some(parameters) = spec.parameters() {
        validate_parameters(parameters, &path.child("parameters"), errors);
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let controller = |record| IngressClass::from_record(record).spec().controller();
    immutable(
        controller(new),
        controller(old),
        &Path::new("spec.controller"),
        errors,
    );
    create(new, errors);
}

fn validate_parameters(
    parameters: IngressClassParametersReference<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let reference = Reference {
        group: parameters.api_group(),
        kind: parameters.kind(),
        name: parameters.name(),
    };
    validate_reference(reference, path, errors);
    let namespace = path.child("namespace");
    match (parameters.scope(), parameters.namespace()) {
        (None, _) => errors.required(&path.child("scope"), ""),
        (Some("Namespace"), None) => {
            errors.required(&namespace, "`parameters.scope` is set to 'Namespace'");
        }
        (Some("Namespace"), Some(name)) => {
            errors.invalid_each(&namespace, name, dns1123_label(name));
        }
        (Some("Cluster"), Some(_)) => {
            errors.forbidden(&namespace, "`parameters.scope` is set to 'Cluster'");
        }
        (Some("Cluster"), None) => {}
        (Some(scope), _) => errors.not_supported(
            &path.child("scope"),
            BadValue::json_string(scope),
            ["Cluster", "Namespace"],
        ),
    }
}
