//! Limit ranges.

use pintle_api::core::v1::LimitRangeMut;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::value::Record;

use crate::particular::Particular;

/// Limit ranges: they need no name to be created.
pub(super) struct LimitRanges;

impl Particular for LimitRanges {
    fn prepare_for_create(&self, cx: &RequestContext, new: &mut Record) {
        let mut range = LimitRangeMut::from_record(new);
        if range.view().metadata().name().is_empty() {
            let name = cx.environment.random.uid();
            range.metadata_mut().set_name(name);
        }
    }
}
