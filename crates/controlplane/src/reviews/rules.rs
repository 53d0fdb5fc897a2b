//! What somebody may do, as far as it can be listed.

use pintle_api::authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewMut};
use pintle_authz::rbac::Rule;
use pintle_endpoints::unkept::{Action, Answer, Asked, Outcome};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::View;

use crate::access::Access;

/// `selfsubjectrulesreviews`
pub(super) struct Rules(pub(super) Access);

impl Action for Rules {
    fn create<'a>(&'a self, asked: Asked<'a>, body: Record) -> Answer<'a, Outcome> {
        Box::pin(async move {
            let namespace = SelfSubjectRulesReview::from_record(&body)
                .spec()
                .namespace();
            if namespace.is_empty() {
                return Err(ApiError::bad_request("no namespace on request"));
            }
            let found = self.0.authorizer.rules_for(&asked.cx.user, namespace);
            // Upstream answers with the status alone.
            let mut answer = SelfSubjectRulesReview::new_record();
            let mut review = SelfSubjectRulesReviewMut::from_record(&mut answer);
            review.spec_mut();
            review.metadata_mut();
            let mut status = review.status_mut();
            status.set_resource_rules(Vec::new());
            status.set_non_resource_rules(Vec::new());
            for rule in &found.rules.resource {
                let Rule {
                    verbs,
                    api_groups,
                    resources,
                    resource_names,
                    ..
                } = rule;
                let mut rules = status.resource_rules_mut();
                let mut into = rules.push_new();
                into.set_verbs(values(verbs));
                if !api_groups.is_empty() {
                    into.set_api_groups(values(api_groups));
                }
                if !resources.is_empty() {
                    into.set_resources(values(resources));
                }
                if !resource_names.is_empty() {
                    into.set_resource_names(values(resource_names));
                }
            }
            for rule in &found.rules.non_resource {
                let mut rules = status.non_resource_rules_mut();
                let mut into = rules.push_new();
                into.set_verbs(values(&rule.verbs));
                into.set_non_resource_urls(values(&rule.non_resource_urls));
            }
            status.set_incomplete(found.incomplete);
            if let Some(error) = found.error() {
                status.set_evaluation_error(error);
            }
            Ok(Outcome::Object(answer))
        })
    }
}

fn values(texts: &[Text]) -> Vec<Value> {
    texts.iter().cloned().map(Value::String).collect()
}
