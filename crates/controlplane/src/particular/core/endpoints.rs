//! `Endpoints`.

use pintle_api::core::v1::{EndpointAddress, Endpoints};
use pintle_runtime::field_path::Path;
use pintle_runtime::ip;
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use crate::particular::Particular;

/// The label of what the endpoints controller writes, which knows how addresses are written.
const MANAGED: &str = "endpoints.kubernetes.io/managed-by";

pub(super) struct OfServices;

impl Particular for OfServices {
    fn warnings(&self, new: &Record, _old: Option<&Record>) -> Vec<String> {
        let endpoints = Endpoints::from_record(new);
        let mut warnings = Vec::new();
        if endpoints.metadata().labels().contains_key(MANAGED) {
            return warnings;
        }
        let path = Path::new("subsets");
        for (at, subset) in endpoints.subsets().iter().enumerate() {
            let path = path.index(at);
            of_addresses(subset.addresses(), &path.child("addresses"), &mut warnings);
            let path = path.child("notReadyAddresses");
            of_addresses(subset.not_ready_addresses(), &path, &mut warnings);
        }
        warnings
    }
}

fn of_addresses(
    addresses: List<'_, EndpointAddress<'_>>,
    path: &Path<'_>,
    warnings: &mut Vec<String>,
) {
    for (at, address) in addresses.iter().enumerate() {
        ip::warnings(address.ip(), &path.index(at).child("ip"), warnings);
    }
}
