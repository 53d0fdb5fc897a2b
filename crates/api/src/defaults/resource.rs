//! Dynamic resources, and the definitions of further APIs.

use pintle_runtime::value::Record;
use pintle_runtime::view::ListMut;

use super::fill;
use crate::apiextensions::v1::CustomResourceDefinitionMut;
use crate::apiregistration::v1::APIServiceMut;
use crate::resource::v1::{
    DeviceToleration, ResourceClaimMut, ResourceClaimSpecMut, ResourceClaimTemplateMut,
};

/// Port of a webhook or an aggregated server.
const HTTPS: i32 = 443;

pub(super) fn claim(object: &mut Record) {
    let mut claim = ResourceClaimMut::from_record(object);
    claim_spec(&mut claim.spec_mut());
    if let Some(mut allocation) = claim.status_mut().allocation_mut() {
        let mut devices = allocation.devices_mut();
        for mut result in devices.results_mut().iter_mut() {
            tolerations(result.tolerations_mut());
        }
    }
}

pub(super) fn claim_template(object: &mut Record) {
    claim_spec(
        &mut ResourceClaimTemplateMut::from_record(object)
            .spec_mut()
            .spec_mut(),
    );
}

fn claim_spec(spec: &mut ResourceClaimSpecMut<'_>) {
    let mut devices = spec.devices_mut();
    for mut request in devices.requests_mut().iter_mut() {
        if let Some(mut exactly) = request.exactly_mut() {
            fill!(exactly; allocation_mode set_allocation_mode = "ExactCount");
            if exactly.view().allocation_mode() == "ExactCount" {
                fill!(exactly; count set_count = 1i64);
            }
            tolerations(exactly.tolerations_mut());
        }
        for mut choice in request.first_available_mut().iter_mut() {
            fill!(choice; allocation_mode set_allocation_mode = "ExactCount");
            if choice.view().allocation_mode() == "ExactCount" {
                fill!(choice; count set_count = 1i64);
            }
            tolerations(choice.tolerations_mut());
        }
    }
}

fn tolerations<'a>(mut tolerations: ListMut<'a, DeviceToleration<'a>>) {
    for mut toleration in tolerations.iter_mut() {
        fill!(toleration; operator set_operator = "Equal");
    }
}

pub(super) fn custom_resource_definition(object: &mut Record) {
    let mut definition = CustomResourceDefinitionMut::from_record(object);
    let mut spec = definition.spec_mut();
    let mut names = spec.names_mut();
    let kind = names.view().kind().to_owned();
    if !kind.is_empty() {
        fill!(names; singular set_singular = kind.to_lowercase(), list_kind set_list_kind = format!("{kind}List"));
    }
    let mut conversion = spec.conversion_or_new();
    fill!(conversion; strategy set_strategy = "None");
    if let Some(mut webhook) = conversion.webhook_mut()
        && let Some(mut client) = webhook.client_config_mut()
        && let Some(mut service) = client.service_mut()
    {
        fill!(service; port set_port = HTTPS);
    }
    stored_versions(&mut definition);
}

/// Objects are kept in the version that is marked for it, if nothing is said of those that there are.
fn stored_versions(definition: &mut CustomResourceDefinitionMut<'_>) {
    let view = definition.view();
    if !view.status().stored_versions().is_empty() {
        return;
    }
    let mut versions = view.spec().versions().into_iter();
    if let Some(stored) = versions.find(|version| version.storage()) {
        let name = stored.name().to_owned();
        definition.status_mut().stored_versions_mut().push(name);
    }
}

pub(super) fn api_service(object: &mut Record) {
    let mut service = APIServiceMut::from_record(object);
    if let Some(mut reference) = service.spec_mut().service_mut() {
        fill!(reference; port set_port = HTTPS);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pintle_runtime::codec::{Problems, json};

    use crate::resource::v1::ResourceClaim;

    #[test]
    fn tolerations_of_what_is_given_compare_as_those_of_what_is_asked_for() {
        let ty = crate::type_by_kind("resource.k8s.io", "v1", "ResourceClaim").expect("a kind");
        let body =
            r#"{"status":{"allocation":{"devices":{"results":[{"tolerations":[{"key":"k"}]}]}}}}"#;
        let body = Bytes::from_static(body.as_bytes());
        let mut record = json::decode(&ty, &body, &mut Problems::ignored()).expect("a claim");
        crate::defaults::apply(&mut record);
        let status = ResourceClaim::from_record(&record).status();
        let allocation = status.allocation().expect("an allocation");
        let results = allocation.devices().results();
        let toleration = results.get(0).and_then(|it| it.tolerations().get(0));
        assert_eq!(toleration.map(|it| it.operator()), Some("Equal"));
    }
}
