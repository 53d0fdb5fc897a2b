//! `apiregistration.k8s.io`.

use pintle_api::apiregistration::v1::{APIService, APIServiceMut};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::value::Record;

use super::Particular;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    (resource == "apiservices").then_some(&Services)
}

struct Services;

impl Particular for Services {
    /// What this server serves itself is there from the first.
    fn prepare_for_create(&self, cx: &RequestContext, new: &mut Record) {
        if APIService::from_record(new).spec().service().is_some() {
            return;
        }
        let mut service = APIServiceMut::from_record(new);
        let mut status = service.status_mut();
        let mut conditions = status.conditions_mut();
        let mut condition = conditions.push_new();
        condition.set_type("Available");
        condition.set_status("True");
        condition.set_last_transition_time(cx.now().truncate_to_seconds());
        condition.set_reason("Local");
        condition.set_message("Local APIServices are always available");
    }
}
