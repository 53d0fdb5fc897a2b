//! Nodes, what runs on them, and leases.

use std::borrow::Cow;
use std::collections::BTreeSet;

use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::Cells;
use super::age::age_cell;
use super::cell::cells;
use super::text::{NONE, TRUE, UNKNOWN, join, or};
use crate::coordination;
use crate::core::v1::Node;
use crate::node::v1::RuntimeClass;

/// A label `node-role.kubernetes.io/<role>`, whatever its value.
const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
/// A label whose value is a role.
const ROLE: &str = "kubernetes.io/role";

pub(super) fn node(object: &Record, now: Time) -> Cells<'_> {
    let node = Node::from_record(object);
    let meta = node.metadata();
    let info = node.status().node_info();
    let roles = roles(node);
    let kernel = or(info.kernel_version(), UNKNOWN);
    let kernel: Cow<'_, str> = match info.architecture() {
        "" => kernel.into(),
        architecture => format!("{kernel} ({architecture})").into(),
    };
    cells![
        meta.name(),
        status(node),
        if roles.is_empty() {
            Cow::Borrowed(NONE)
        } else {
            roles
        },
        age_cell(meta.creation_timestamp(), now),
        info.kubelet_version(),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        or(info.os_image(), UNKNOWN),
        kernel,
        or(info.container_runtime_version(), UNKNOWN),
    ]
}

fn status(node: Node<'_>) -> &'static str {
    let conditions = node.status().conditions();
    // Of several conditions of a type the last one counts.
    let ready = conditions
        .iter()
        .rev()
        .find(|condition| condition.type_() == "Ready");
    let ready = ready.map(|condition| condition.status() == TRUE);
    match (ready, node.spec().unschedulable()) {
        (Some(true), false) => "Ready",
        (Some(true), true) => "Ready,SchedulingDisabled",
        (Some(false), false) => "NotReady",
        (Some(false), true) => "NotReady,SchedulingDisabled",
        (None, false) => "Unknown",
        (None, true) => "Unknown,SchedulingDisabled",
    }
}

fn roles<'a>(node: Node<'a>) -> Cow<'a, str> {
    let role = |(key, value): (&'a str, &'a str)| match key.strip_prefix(ROLE_PREFIX) {
        Some(role) => Some(role),
        None => (key == ROLE).then_some(value),
    };
    let labels = node.metadata().labels();
    let roles: BTreeSet<&str> = labels
        .iter()
        .filter_map(role)
        .filter(|role| !role.is_empty())
        .collect();
    join(roles, ",")
}

fn address<'a>(node: Node<'a>, ty: &str) -> &'a str {
    let addresses = node.status().addresses();
    addresses
        .iter()
        .find(|address| address.type_() == ty)
        .map_or(NONE, |address| address.address())
}

pub(super) fn runtime_class(object: &Record, now: Time) -> Cells<'_> {
    let object = RuntimeClass::from_record(object);
    let meta = object.metadata();
    cells![
        meta.name(),
        object.handler(),
        age_cell(meta.creation_timestamp(), now)
    ]
}

pub(super) fn lease(object: &Record, now: Time) -> Cells<'_> {
    let object = coordination::v1::Lease::from_record(object);
    let meta = object.metadata();
    let holder = object.spec().holder_identity().unwrap_or_default();
    cells![
        meta.name(),
        holder,
        age_cell(meta.creation_timestamp(), now)
    ]
}

/// The printer of a version of LeaseCandidate.
macro_rules! lease_candidate {
    ($version:ident) => {
        pub(in crate::printers) mod $version {
            use super::*;
            use crate::coordination::$version::LeaseCandidate;

            pub(in crate::printers) fn lease_candidate(object: &Record, now: Time) -> Cells<'_> {
                let object = LeaseCandidate::from_record(object);
                let (meta, spec) = (object.metadata(), object.spec());
                cells![
                    meta.name(),
                    spec.lease_name(),
                    spec.binary_version(),
                    spec.emulation_version(),
                    age_cell(meta.creation_timestamp(), now),
                ]
            }
        }
    };
}
lease_candidate!(v1alpha2);
lease_candidate!(v1beta1);

#[cfg(test)]
mod tests {
    use crate::printers::tests::check;

    #[test]
    fn a_node_that_has_not_spoken_yet_is_unknown() {
        check(
            r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a","creationTimestamp":"2025-12-31T23:59:50Z"}}"#,
            r#"["a","Unknown","<none>","10s","","<none>","<none>","<unknown>","<unknown>","<unknown>"]"#,
        );
    }

    #[test]
    fn roles_are_labels_in_order_and_each_once() {
        check(
            r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a","labels":{
            "kubernetes.io/role":"gold","node-role.kubernetes.io/worker":"","node-role.kubernetes.io/control-plane":"yes",
            "node-role.kubernetes.io/":"","node-role.kubernetes.io/gold":""}},
            "spec":{"unschedulable":true},
            "status":{"conditions":[{"type":"Ready","status":"False"}],
            "addresses":[{"type":"Hostname","address":"h"},{"type":"ExternalIP","address":"198.51.100.1"},{"type":"InternalIP","address":"10.0.0.1"}],
            "nodeInfo":{"kubeletVersion":"v1.36.2","osImage":"Linux","kernelVersion":"6.8.0","architecture":"amd64","containerRuntimeVersion":"containerd://2.0"}}}"#,
            r#"["a","NotReady,SchedulingDisabled","control-plane,gold,worker","<unknown>","v1.36.2","10.0.0.1","198.51.100.1","Linux","6.8.0 (amd64)","containerd://2.0"]"#,
        );
    }

    #[test]
    fn a_lease_has_a_holder() {
        check(
            r#"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"aaa"},"spec":{"holderIdentity":"me"}}"#,
            r#"["aaa","me","<unknown>"]"#,
        );
        check(
            r#"{"apiVersion":"coordination.k8s.io/v1beta1","kind":"LeaseCandidate","metadata":{"name":"a"},
            "spec":{"leaseName":"l","binaryVersion":"1.36.0","emulationVersion":"1.35.0"}}"#,
            r#"["a","l","1.36.0","1.35.0","<unknown>"]"#,
        );
    }

    #[test]
    fn a_runtime_class_has_a_handler() {
        check(
            r#"{"apiVersion":"node.k8s.io/v1","kind":"RuntimeClass","metadata":{"name":"a"},"handler":"fast"}"#,
            r#"["a","fast","<unknown>"]"#,
        );
    }
}
