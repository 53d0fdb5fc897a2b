//! Plug-ins without a rule: `AlwaysAdmit`, `AlwaysDeny`.

use pintle_endpoints::admission::{Answer, Attributes, Interest, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::value::Record;

/// `AlwaysAdmit`
pub(super) struct Admit;

impl Plugin for Admit {
    fn name(&self) -> &'static str {
        "AlwaysAdmit"
    }

    fn interest(&self, _: Target<'_>) -> Interest {
        Interest::NONE
    }
}

/// `AlwaysDeny`
pub(super) struct Deny;

const WHY: &str = "admission control is denying all modifications";

impl Plugin for Deny {
    fn name(&self) -> &'static str {
        "AlwaysDeny"
    }

    fn interest(&self, _: Target<'_>) -> Interest {
        Interest::BOTH
    }

    fn mutate<'a>(
        &'a self,
        _: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        _: Option<&'a mut Record>,
    ) -> Answer<'a> {
        Answer::Now(Err(attributes.forbid(WHY)))
    }

    fn validate<'a>(
        &'a self,
        _: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        _: Option<&'a Record>,
    ) -> Answer<'a> {
        Answer::Now(Err(attributes.forbid(WHY)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pintle_endpoints::admission::Operation;
    use pintle_endpoints::context::Environment;
    use pintle_runtime::user::UserInfo;

    use super::*;

    #[tokio::test]
    async fn everything_is_denied_in_upstreams_words() {
        let mut rows = pintle_api::groups()
            .iter()
            .flat_map(|group| group.versions.iter())
            .flat_map(|version| version.resources.iter());
        let row = rows.find(|row| row.name == "configmaps").unwrap();
        let attributes = Attributes::below(Operation::Create, row, "", "blue", "m");
        let user = Arc::new(UserInfo::named("alice"));
        let cx = RequestContext::new(user, "blue", Environment::default());
        let denied = Deny.mutate(&cx, &attributes, None).wait().await;
        assert_eq!(
            denied.unwrap_err().to_string(),
            "configmaps \"m\" is forbidden: admission control is denying all modifications"
        );
    }
}
