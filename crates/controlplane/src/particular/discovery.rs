//! `discovery.k8s.io`.

use pintle_api::discovery::v1::{EndpointSlice, EndpointSliceMut};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::ip;
use pintle_runtime::value::Record;

use super::Particular;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    match resource {
        "endpointslices" => Some(&EndpointSlices),
        _ => None,
    }
}

/// The label of what a controller writes, and the controllers that know how addresses are written.
const MANAGED: &str = "endpointslice.kubernetes.io/managed-by";
const CAREFUL: [&str; 2] = [
    "endpointslice-controller.k8s.io",
    "endpointslicemirroring-controller.k8s.io",
];

struct EndpointSlices;

impl Particular for EndpointSlices {
    fn prepare_for_create(&self, _cx: &RequestContext, new: &mut Record) {
        drop_topology(new);
    }

    fn prepare_for_update(&self, _cx: &RequestContext, new: &mut Record, old: &Record) {
        let (slice, before) = (
            EndpointSlice::from_record(new),
            EndpointSlice::from_record(old),
        );
        // Whoever only changes metadata does not lose what the slice has.
        if slice.endpoints().values() != before.endpoints().values() {
            drop_topology(new);
        }
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let slice = EndpointSlice::from_record(new);
        let mut warnings = Vec::new();
        if slice.address_type() == "FQDN" && old.is_none() {
            warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
        }
        let labels = slice.metadata().labels();
        if labels.get(MANAGED).is_some_and(|by| CAREFUL.contains(&by)) {
            return warnings;
        }
        let path = Path::new("endpoints");
        for (at, endpoint) in slice.endpoints().iter().enumerate() {
            let endpoint_path = path.index(at);
            let path = endpoint_path.child("addresses");
            for (at, address) in endpoint.addresses().iter().enumerate() {
                ip::warnings(address, &path.index(at), &mut warnings);
            }
        }
        warnings
    }
}

/// What only the version of old had.
fn drop_topology(new: &mut Record) {
    let mut slice = EndpointSliceMut::from_record(new);
    for mut endpoint in slice.endpoints_mut().iter_mut() {
        endpoint.clear_deprecated_topology();
    }
}
