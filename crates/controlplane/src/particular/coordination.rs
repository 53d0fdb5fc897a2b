//! `coordination`.

use pintle_api::coordination::v1::{Lease, LeaseMut};
use pintle_api::settings::is_on;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::value::Record;

use super::Particular;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "leases" => &Leases,
        _ => return None,
    })
}

/// Leases: who should hold one is behind `CoordinatedLeaderElection`.
struct Leases;

const GATE: &str = "CoordinatedLeaderElection";

impl Particular for Leases {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        if is_on(GATE) {
            return;
        }
        let mut lease = LeaseMut::from_record(new);
        let mut spec = lease.spec_mut();
        spec.clear_strategy();
        spec.clear_preferred_holder();
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        if is_on(GATE) {
            return;
        }
        let old = Lease::from_record(old).spec();
        let mut lease = LeaseMut::from_record(new);
        let mut spec = lease.spec_mut();
        if old.strategy().is_none() {
            spec.clear_strategy();
        }
        if old.preferred_holder().is_none() {
            spec.clear_preferred_holder();
        }
    }
}
