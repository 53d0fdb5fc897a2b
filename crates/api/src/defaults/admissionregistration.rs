//! Webhooks and admission policies.

use pintle_runtime::value::Record;

use super::fill;
use crate::admissionregistration::v1::{
    MatchResourcesMut, MutatingAdmissionPolicyBindingMut, MutatingAdmissionPolicyMut,
    MutatingWebhookConfigurationMut, ValidatingAdmissionPolicyBindingMut,
    ValidatingAdmissionPolicyMut, ValidatingWebhookConfigurationMut,
};

/// The defaults of a webhook of either sort, which share their fields.
macro_rules! webhook_defaults {
    ($webhook:ident) => {
        fill!($webhook;
            failure_policy set_failure_policy = "Fail",
            match_policy set_match_policy = "Equivalent",
            timeout_seconds set_timeout_seconds = 10,
        );
        $webhook.namespace_selector_or_new();
        $webhook.object_selector_or_new();
        for mut rule in $webhook.rules_mut().iter_mut() {
            fill!(rule; scope set_scope = "*");
        }
        if let Some(mut service) = $webhook.client_config_mut().service_mut() {
            fill!(service; port set_port = 443);
        }
    };
}

pub(super) fn validating_webhooks(object: &mut Record) {
    for mut webhook in ValidatingWebhookConfigurationMut::from_record(object)
        .webhooks_mut()
        .iter_mut()
    {
        webhook_defaults!(webhook);
    }
}

pub(super) fn mutating_webhooks(object: &mut Record) {
    for mut webhook in MutatingWebhookConfigurationMut::from_record(object)
        .webhooks_mut()
        .iter_mut()
    {
        webhook_defaults!(webhook);
        fill!(webhook; reinvocation_policy set_reinvocation_policy = "Never");
    }
}

fn match_resources(mut resources: MatchResourcesMut<'_>) {
    fill!(resources; match_policy set_match_policy = "Equivalent");
    resources.namespace_selector_or_new();
    resources.object_selector_or_new();
    for mut rule in resources.resource_rules_mut().iter_mut() {
        fill!(rule; scope set_scope = "*");
    }
    for mut rule in resources.exclude_resource_rules_mut().iter_mut() {
        fill!(rule; scope set_scope = "*");
    }
}

pub(super) fn validating_policy(object: &mut Record) {
    let mut policy = ValidatingAdmissionPolicyMut::from_record(object);
    let mut spec = policy.spec_mut();
    fill!(spec; failure_policy set_failure_policy = "Fail");
    if let Some(resources) = spec.match_constraints_mut() {
        match_resources(resources);
    }
}

pub(super) fn mutating_policy(object: &mut Record) {
    let mut policy = MutatingAdmissionPolicyMut::from_record(object);
    let mut spec = policy.spec_mut();
    fill!(spec; failure_policy set_failure_policy = "Fail");
    if let Some(resources) = spec.match_constraints_mut() {
        match_resources(resources);
    }
}

pub(super) fn validating_binding(object: &mut Record) {
    if let Some(resources) = ValidatingAdmissionPolicyBindingMut::from_record(object)
        .spec_mut()
        .match_resources_mut()
    {
        match_resources(resources);
    }
}

pub(super) fn mutating_binding(object: &mut Record) {
    if let Some(resources) = MutatingAdmissionPolicyBindingMut::from_record(object)
        .spec_mut()
        .match_resources_mut()
    {
        match_resources(resources);
    }
}
