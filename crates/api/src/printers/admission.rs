//! Webhook configurations and admission policies.

use std::borrow::Cow;

use pintle_runtime::meta::LabelSelector;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::Cells;
use super::age::age_cell;
use super::cell::cells;
use super::text::{UNSET, append};
use crate::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
};

pub(super) fn mutating_webhooks(object: &Record, now: Time) -> Cells<'_> {
    let object = MutatingWebhookConfiguration::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.webhooks().len(),
        age_cell(meta.creation_timestamp(), now)
    ]
}

pub(super) fn validating_webhooks(object: &Record, now: Time) -> Cells<'_> {
    let object = ValidatingWebhookConfiguration::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.webhooks().len(),
        age_cell(meta.creation_timestamp(), now)
    ]
}

/// What a policy takes its parameters from.
macro_rules! param_kind {
    ($spec:expr) => {
        $spec.param_kind().map_or(Cow::Borrowed(UNSET), |kind| {
            Cow::Owned(format!("{}/{}", kind.api_version(), kind.kind()))
        })
    };
}

/// The parameters of a binding. Whether they have a namespace is not known here, hence the `*`.
macro_rules! param_ref {
    ($spec:expr) => {
        $spec.param_ref().map_or(Cow::Borrowed(UNSET), |param| {
            match (param.name(), param.namespace(), param.selector()) {
                ("", _, None) => Cow::Borrowed(UNSET),
                ("", _, Some(selector)) => Cow::Owned(selector_text(selector)),
                (name, "", _) => Cow::Owned(format!("*/{name}")),
                (name, namespace, _) => Cow::Owned(format!("{namespace}/{name}")),
            }
        })
    };
}

/// A selector as Go's protobuf types print themselves, which is what clients have met.
fn selector_text(selector: LabelSelector<'_>) -> String {
    let mut text = String::from("&LabelSelector{MatchLabels:map[string]string{");
    for (key, value) in selector.match_labels().iter() {
        append(&mut text, format_args!("{key}: {value},"));
    }
    text.push_str("},MatchExpressions:[]LabelSelectorRequirement{");
    for requirement in selector.match_expressions() {
        let (key, operator) = (requirement.key(), requirement.operator());
        let values = super::text::join(requirement.values().iter(), " ");
        append(
            &mut text,
            format_args!(
                "LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},"
            ),
        );
    }
    text.push_str("},}");
    text
}

pub(super) fn validating_policy(object: &Record, now: Time) -> Cells<'_> {
    let object = ValidatingAdmissionPolicy::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    cells![
        meta.name(),
        spec.validations().len(),
        param_kind!(spec),
        age_cell(meta.creation_timestamp(), now),
    ]
}

pub(super) fn validating_binding(object: &Record, now: Time) -> Cells<'_> {
    let object = ValidatingAdmissionPolicyBinding::from_record(object);
    let (meta, spec) = (object.metadata(), object.spec());
    cells![
        meta.name(),
        spec.policy_name(),
        param_ref!(spec),
        age_cell(meta.creation_timestamp(), now),
    ]
}

/// The printers of a version of MutatingAdmissionPolicy and its binding.
macro_rules! mutating_policies {
    ($version:ident) => {
        pub(in crate::printers) mod $version {
            use super::*;
            use crate::admissionregistration::$version::{
                MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding,
            };

            pub(in crate::printers) fn mutating_policy(object: &Record, now: Time) -> Cells<'_> {
                let object = MutatingAdmissionPolicy::from_record(object);
                let (meta, spec) = (object.metadata(), object.spec());
                cells![
                    meta.name(),
                    spec.mutations().len(),
                    param_kind!(spec),
                    age_cell(meta.creation_timestamp(), now),
                ]
            }

            pub(in crate::printers) fn mutating_binding(object: &Record, now: Time) -> Cells<'_> {
                let object = MutatingAdmissionPolicyBinding::from_record(object);
                let (meta, spec) = (object.metadata(), object.spec());
                cells![
                    meta.name(),
                    spec.policy_name(),
                    param_ref!(spec),
                    age_cell(meta.creation_timestamp(), now),
                ]
            }
        }
    };
}
mutating_policies!(v1);
mutating_policies!(v1alpha1);
mutating_policies!(v1beta1);

#[cfg(test)]
mod tests {
    use crate::printers::tests::check;

    #[test]
    fn webhooks_are_counted() {
        check(
            r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"MutatingWebhookConfiguration","metadata":{"name":"a"},"webhooks":[{"name":"a.b.c"}]}"#,
            r#"["a",1,"<unknown>"]"#,
        );
    }

    #[test]
    fn a_policy_names_the_kind_of_its_parameters() {
        check(
            r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"a"},"spec":{"validations":[{"expression":"true"}]}}"#,
            r#"["a",1,"<unset>","<unknown>"]"#,
        );
        check(
            r#"{"apiVersion":"admissionregistration.k8s.io/v1beta1","kind":"MutatingAdmissionPolicy","metadata":{"name":"a"},"spec":{"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"mutations":[{},{}]}}"#,
            r#"["a",2,"v1/ConfigMap","<unknown>"]"#,
        );
    }

    #[track_caller]
    fn check_parameters(param_ref: &str, expected: &str) {
        check(
            &format!(
                r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{{"name":"a"}},
                "spec":{{"policyName":"absent"{param_ref}}}}}"#
            ),
            &format!(r#"["a","absent","{expected}","<unknown>"]"#),
        );
    }

    #[test]
    fn a_binding_names_its_parameters() {
        check_parameters("", "<unset>");
        check_parameters(r#","paramRef":{"name":"p"}"#, "*/p");
        check_parameters(r#","paramRef":{"name":"p","namespace":"n"}"#, "n/p");
        check_parameters(
            r#","paramRef":{"selector":{"matchLabels":{"a":"1"},"matchExpressions":[{"key":"b","operator":"In","values":["x","y"]}]}}"#,
            "&LabelSelector{MatchLabels:map[string]string{a: 1,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:b,Operator:In,Values:[x y],},},}",
        );
    }
}
