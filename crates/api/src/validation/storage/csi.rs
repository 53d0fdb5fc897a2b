//! `CSIDriver`, `CSINode` and `CSIStorageCapacity`: storage drivers, and what they say of themselves.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1123_subdomain, label_key};
use pintle_runtime::object_meta::{IMMUTABLE, NEGATIVE};
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use crate::storage::v1::{
    CSIDriver, CSIDriverSpec, CSINode, CSINodeDriver, CSINodeDriverMut, CSIStorageCapacity,
    TokenRequest,
};
use crate::validation::immutable::{immutable, is_same};
use crate::validation::labels::{self, Values};
use crate::validation::volume_source::{csi_driver_name, one_of};
use crate::validation::{Rules, internal_form, quantity};

pub(super) const DRIVER: Rules = Rules {
    create: driver,
    update: driver_update,
    subresources: &[],
};

pub(super) const NODE: Rules = Rules {
    create: |new, errors| node(new, NODE_ID_LIMIT, errors),
    update: node_update,
    subresources: &[],
};

pub(super) const CAPACITY: Rules = Rules {
    create: capacity,
    update: capacity_update,
    subresources: &[],
};

/// How long the id of a node may be.
const NODE_ID_LIMIT: usize = 256;
/// Ten minutes.
const TOKEN_SECONDS: i64 = 600;
const PERIOD_SECONDS: i64 = 10;

fn driver(new: &Record, errors: &mut ErrorList) {
    driver_spec(CSIDriver::from_record(new).spec(), errors);
}

fn driver_update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (
        CSIDriver::from_record(new).spec(),
        CSIDriver::from_record(old).spec(),
    );
    driver_spec(now, errors);
    let path = Path::new("spec");
    immutable(
        now.attach_required(),
        before.attach_required(),
        &path.child("attachedRequired"),
        errors,
    );
    immutable(
        now.volume_lifecycle_modes(),
        before.volume_lifecycle_modes(),
        &path.child("volumeLifecycleModes"),
        errors,
    );
}

fn driver_spec(spec: CSIDriverSpec<'_>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    // The first is not what the field is called, but clients know it.
    let switches = [
        ("attachedRequired", spec.attach_required()),
        ("podInfoOnMount", spec.pod_info_on_mount()),
        ("storageCapacity", spec.storage_capacity()),
    ];
    for (field, value) in switches {
        if value.is_none() {
            errors.required(&path.child(field), "");
        }
    }
    one_of(
        spec.fs_group_policy(),
        &["File", "None", "ReadWriteOnceWithFSType"],
        &path.child("fsGroupPolicy"),
        errors,
    );
    token_requests(spec.token_requests(), &path.child("tokenRequests"), errors);
    for mode in spec.volume_lifecycle_modes().iter() {
        one_of(
            Some(mode),
            &["Persistent", "Ephemeral"],
            &path.child("volumeLifecycleModes"),
            errors,
        );
    }
    if spec.se_linux_mount().is_none() {
        errors.required(&path.child("seLinuxMount"), "");
    }
    if let Some(period) = spec.node_allocatable_update_period_seconds()
        && period < PERIOD_SECONDS
    {
        errors.invalid(
            &path.child("nodeAllocatableUpdatePeriodSeconds"),
            period,
            "must be greater than or equal to 10 seconds",
        );
    }
    if spec.service_account_token_in_secrets().is_some() && spec.token_requests().is_empty() {
        errors.invalid(
            &path.child("serviceAccountTokenInSecrets"),
            spec.service_account_token_in_secrets().unwrap_or(false),
            "serviceAccountTokenInSecrets is set but no tokenRequests are specified",
        );
    }
}

fn token_requests(requests: List<'_, TokenRequest<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut audiences = HashSet::new();
    for (at, request) in requests.iter().enumerate() {
        let path = path.index(at);
        if !audiences.insert(request.audience()) {
            errors.duplicate(&path.child("audience"), request.audience());
            continue;
        }
        let Some(seconds) = request.expiration_seconds() else {
            continue;
        };
        let detail = if seconds < TOKEN_SECONDS {
            "may not specify a duration less than 10 minutes"
        } else if seconds > 1 << 32 {
            "may not specify a duration larger than 2^32 seconds"
        } else {
            continue;
        };
        errors.invalid(&path.child("expirationSeconds"), seconds, detail);
    }
}

fn node(new: &Record, id_limit: usize, errors: &mut ErrorList) {
    let path = Path::new("spec.drivers");
    let mut names = HashSet::new();
    for (at, driver) in CSINode::from_record(new)
        .spec()
        .drivers()
        .iter()
        .enumerate()
    {
        let path = path.index(at);
        csi_driver_name(driver.name(), &path.child("name"), errors);
        let id = driver.node_id();
        if id.is_empty() {
            errors.required(&path.child("nodeID"), "");
        }
        if id.len() > id_limit {
            let detail = format!("must be {id_limit} characters or less");
            errors.invalid(&path.child("nodeID"), id, detail);
        }
        if let Some(count) = driver.allocatable().and_then(|it| it.count())
            && count < 0
        {
            errors.invalid(
                &path.child("allocatable").child("count"),
                i64::from(count),
                NEGATIVE,
            );
        }
        if !names.insert(driver.name()) {
            errors.duplicate(&path.child("name"), driver.name());
        }
        topology_keys(driver, &path, errors);
    }
}

fn topology_keys(driver: CSINodeDriver<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut keys = HashSet::new();
    for key in driver.topology_keys().iter() {
        if key.is_empty() {
            errors.required(path, "");
        }
        if !keys.insert(key) {
            errors.duplicate(path, key);
        }
        errors.invalid_each(path, key, label_key(key));
    }
}

/// A driver that stays on a node stays as it is, but for how many volumes it can attach. Upstream looks at the
/// new object twice, and its causes say so.
fn node_update(new: &Record, old: &Record, errors: &mut ErrorList) {
    node(new, NODE_ID_LIMIT, errors);
    node(new, NODE_ID_LIMIT, errors);
    let path = Path::new("spec.drivers");
    let fixed = |driver: CSINodeDriver<'_>| {
        let mut driver = driver.record().clone();
        CSINodeDriverMut::from_record(&mut driver).clear_allocatable();
        driver
    };
    for before in CSINode::from_record(old).spec().drivers() {
        for now in CSINode::from_record(new).spec().drivers() {
            if before.name() == now.name() {
                immutable(&fixed(now), &fixed(before), &path, errors);
            }
        }
    }
}

fn capacity(new: &Record, errors: &mut ErrorList) {
    capacity_with(new, Values::Checked, errors);
}

fn capacity_with(new: &Record, values: Values, errors: &mut ErrorList) {
    let capacity = CSIStorageCapacity::from_record(new);
    labels::selector(
        capacity.node_topology(),
        values,
        &Path::new("nodeTopology"),
        errors,
    );
    let class = capacity.storage_class_name();
    errors.invalid_each(
        &Path::new("storageClassName"),
        class,
        dns1123_subdomain(class),
    );
    if let Some(amount) = capacity.capacity() {
        quantity::nonnegative(amount, &Path::new("capacity"), errors);
    }
}

fn capacity_update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (
        CSIStorageCapacity::from_record(new),
        CSIStorageCapacity::from_record(old),
    );
    capacity_with(new, Values::as_before(before.node_topology()), errors);
    let same = match (now.node_topology(), before.node_topology()) {
        (Some(now), Some(before)) => is_same(now.record(), before.record()),
        (None, None) => true,
        _ => false,
    };
    if !same {
        errors.invalid(
            &Path::new("nodeTopology"),
            internal_form::shown(now.node_topology().map(|it| it.record())),
            IMMUTABLE,
        );
    }
    let class = now.storage_class_name();
    if class != before.storage_class_name() {
        errors.invalid(
            &Path::new("storageClassName"),
            BadValue::from(class),
            IMMUTABLE,
        );
    }
}
