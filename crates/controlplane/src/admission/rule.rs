//! The plain plug-in: it answers at once, about an object that is there.

use pintle_endpoints::admission::{Answer, Attributes, Interest, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

/// A plug-in that answers at once. It is not asked about deletes, where there is no new object.
pub(crate) trait Rule: Send + Sync + 'static {
    /// As flags name it.
    const NAME: &'static str;

    /// Which requests it wants to see.
    fn interest(&self, target: Target<'_>) -> Interest;

    /// The first pass.
    fn mutate(
        &self,
        _cx: &RequestContext,
        _attributes: &Attributes<'_>,
        _object: &mut Record,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// The second pass.
    fn validate(
        &self,
        _cx: &RequestContext,
        _attributes: &Attributes<'_>,
        _object: &Record,
    ) -> Result<(), ApiError> {
        Ok(())
    }
}

/// A [`Rule`] as a plug-in.
pub(crate) struct AtOnce<R>(pub R);

impl<R: Rule> Plugin for AtOnce<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        self.0.interest(target)
    }

    fn mutate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a mut Record>,
    ) -> Answer<'a> {
        object.map_or(Answer::YES, |object| {
            self.0.mutate(cx, attributes, object).into()
        })
    }

    fn validate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a Record>,
    ) -> Answer<'a> {
        object.map_or(Answer::YES, |object| {
            self.0.validate(cx, attributes, object).into()
        })
    }
}
