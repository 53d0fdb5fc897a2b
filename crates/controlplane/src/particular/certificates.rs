//! `certificates.k8s.io`.

use pintle_api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestMut, CertificateSigningRequestStatus,
};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Map, Record, Value};

use super::{Particular, ResetFields};

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    (resource == "certificatesigningrequests").then_some(&Requests)
}

struct Requests;

impl Particular for Requests {
    fn reset_fields(&self, subresource: &str) -> Option<ResetFields> {
        Some(match subresource {
            "status" => &[&["spec"], &["status", "conditions"]],
            _ => &[&["spec"], &["status"]],
        })
    }

    /// Who asks is who is asking, whatever they say.
    fn prepare_for_create(&self, cx: &RequestContext, new: &mut Record) {
        let mut request = CertificateSigningRequestMut::from_record(new);
        let mut spec = request.spec_mut();
        let user = &cx.user;
        spec.clear_uid();
        spec.clear_groups();
        spec.clear_extra();
        spec.set_username(user.name.clone());
        if !user.uid.is_empty() {
            spec.set_uid(user.uid.clone());
        }
        if !user.groups.is_empty() {
            spec.groups_mut().extend(user.groups.iter().cloned());
        }
        if !user.extra.is_empty() {
            let entries = user.extra.iter().map(|(key, values)| {
                let values = values.iter().cloned().map(Value::String).collect();
                (key.clone(), Value::List(values))
            });
            spec.set_extra(entries.collect::<Map>());
        }
    }

    /// Nothing but metadata changes this way.
    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        keep(new, old, "spec");
    }

    fn prepare_subresource(
        &self,
        cx: &RequestContext,
        subresource: &str,
        new: &mut Record,
        old: &Record,
    ) {
        let before = CertificateSigningRequest::from_record(old).status();
        let mut request = CertificateSigningRequestMut::from_record(new);
        date_conditions(&mut request, before, cx.now().truncate_to_seconds());
        if subresource == "approval" {
            let conditions = request.view().status().conditions();
            let conditions = conditions
                .is_present()
                .then(|| conditions.values().to_vec());
            keep(new, old, "status");
            let mut request = CertificateSigningRequestMut::from_record(new);
            let mut status = request.status_mut();
            match conditions {
                Some(conditions) => status.set_conditions(conditions),
                None => status.clear_conditions(),
            }
        }
    }
}

fn keep(new: &mut Record, old: &Record, field: &str) {
    if let Some(at) = new.ty().field_index(field) {
        match old.get(at) {
            Some(value) => new.set(at, value.clone()),
            None => new.remove(at),
        };
    }
}

/// Conditions say when they came, unless the client says so.
fn date_conditions(
    request: &mut CertificateSigningRequestMut<'_>,
    before: CertificateSigningRequestStatus<'_>,
    now: Time,
) {
    let mut status = request.status_mut();
    for mut condition in status.conditions_mut().iter_mut() {
        let view = condition.view();
        let undated = view.last_update_time().is_none();
        let transition = view.last_transition_time().is_none().then(|| {
            let mut known = before.conditions().iter();
            let same = known.find(|old| {
                old.type_() == view.type_()
                    && old.status() == view.status()
                    && old.last_transition_time().is_some()
            });
            same.and_then(|old| old.last_transition_time())
                .unwrap_or(now)
        });
        if undated {
            condition.set_last_update_time(now);
        }
        if let Some(transition) = transition {
            condition.set_last_transition_time(transition);
        }
    }
}
