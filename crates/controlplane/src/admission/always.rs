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
