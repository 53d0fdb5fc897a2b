//! `storage`.

use pintle_api::settings::is_on;
use pintle_api::storage::v1::{CSIDriver, CSIDriverMut, CSIStorageCapacity, StorageClass};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::value::Record;

use super::Particular;
use super::core::label_warning;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "csidrivers" => &Drivers,
        "csistoragecapacities" => &Capacities,
        "storageclasses" => &Classes,
        _ => return None,
    })
}

/// CSI drivers: whether pods wait for one is behind `VolumeLimitScaling`.
struct Drivers;

impl Particular for Drivers {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        if is_on("VolumeLimitScaling") {
            return;
        }
        CSIDriverMut::from_record(new)
            .spec_mut()
            .clear_prevent_pod_scheduling_if_missing();
    }

    fn prepare_for_update(&self, cx: &RequestContext, new: &mut Record, old: &Record) {
        let old = CSIDriver::from_record(old).spec();
        if old.prevent_pod_scheduling_if_missing().is_none() {
            self.prepare_for_create(cx, new);
        }
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        // Tokens would go where they may be logged; said once, not again with every change.
        let exposed = |record: &Record| {
            let spec = CSIDriver::from_record(record).spec();
            !spec.token_requests().is_empty() && spec.service_account_token_in_secrets().is_none()
        };
        if !exposed(new) || old.is_some_and(exposed) {
            return Vec::new();
        }
        vec![
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes"
                .to_owned(),
        ]
    }
}

struct Capacities;

impl Particular for Capacities {
    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let Some(selector) = CSIStorageCapacity::from_record(new).node_topology() else {
            return Vec::new();
        };
        let mut warnings = Vec::new();
        for (at, item) in selector.match_expressions().iter().enumerate() {
            if let Some(message) = label_warning(item.key()) {
                warnings.push(format!(
                    "nodeTopology.matchExpressions[{at}].key: {} is {message}",
                    item.key()
                ));
            }
        }
        for (key, _) in selector.match_labels().iter() {
            if let Some(message) = label_warning(key) {
                warnings.push(format!("nodeTopology.matchLabels.{key}: {message}"));
            }
        }
        warnings
    }
}

struct Classes;

impl Particular for Classes {
    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let mut warnings = Vec::new();
        let terms = StorageClass::from_record(new).allowed_topologies();
        for (at, term) in terms.iter().enumerate() {
            for (index, item) in term.match_label_expressions().iter().enumerate() {
                if let Some(message) = label_warning(item.key()) {
                    warnings.push(format!(
                        "allowedTopologies[{at}].matchLabelExpressions[{index}].key: {message}"
                    ));
                }
            }
        }
        warnings
    }
}
