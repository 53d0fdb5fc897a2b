//! Networking, RBAC, scheduling and flow control.

use pintle_runtime::value::Record;
use pintle_runtime::view::ListMut;

use super::fill;
use crate::flowcontrol::v1::{FlowSchemaMut, PriorityLevelConfigurationMut};
use crate::networking::v1::{IngressClassMut, NetworkPolicyMut, NetworkPolicyPort};
use crate::rbac::v1::{ClusterRoleBindingMut, RoleBindingMut, Subject};
use crate::scheduling::v1::PriorityClassMut;

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn network_policy(object: &mut Record) {
    let mut policy = NetworkPolicyMut::from_record(object);
    let mut spec = policy.spec_mut();
    if spec.view().policy_types().is_empty() {
        let egress = !spec.view().egress().is_empty();
        spec.policy_types_mut().push("Ingress");
        if egress {
            spec.policy_types_mut().push("Egress");
        }
    }
    for mut rule in spec.ingress_mut().iter_mut() {
        policy_ports(rule.ports_mut());
    }
    for mut rule in spec.egress_mut().iter_mut() {
        policy_ports(rule.ports_mut());
    }
}

fn policy_ports<'a>(mut ports: ListMut<'a, NetworkPolicyPort<'a>>) {
    for mut port in ports.iter_mut() {
        fill!(port; protocol set_protocol = "TCP");
    }
}

pub(super) fn ingress_class(object: &mut Record) {
    let mut class = IngressClassMut::from_record(object);
    if let Some(mut parameters) = class.spec_mut().parameters_mut() {
        fill!(parameters; scope set_scope = "Cluster");
    }
}

pub(super) fn role_binding(object: &mut Record) {
    let mut binding = RoleBindingMut::from_record(object);
    fill!(binding.role_ref_mut(); api_group set_api_group = RBAC);
    subjects(binding.subjects_mut());
}

pub(super) fn cluster_role_binding(object: &mut Record) {
    let mut binding = ClusterRoleBindingMut::from_record(object);
    fill!(binding.role_ref_mut(); api_group set_api_group = RBAC);
    subjects(binding.subjects_mut());
}

fn subjects<'a>(mut subjects: ListMut<'a, Subject<'a>>) {
    for mut subject in subjects.iter_mut() {
        if matches!(subject.view().kind(), "User" | "Group") {
            fill!(subject; api_group set_api_group = RBAC);
        }
    }
}

pub(super) fn priority_class(object: &mut Record) {
    fill!(PriorityClassMut::from_record(object); preemption_policy set_preemption_policy = "PreemptLowerPriority");
}

pub(super) fn flow_schema(object: &mut Record) {
    fill!(FlowSchemaMut::from_record(object).spec_mut(); matching_precedence set_matching_precedence = 1000);
}

pub(super) fn priority_level(object: &mut Record) {
    let mut level = PriorityLevelConfigurationMut::from_record(object);
    let mut spec = level.spec_mut();
    if let Some(mut exempt) = spec.exempt_mut() {
        fill!(exempt;
            nominal_concurrency_shares set_nominal_concurrency_shares = 0,
            lendable_percent set_lendable_percent = 0,
        );
    }
    if let Some(mut limited) = spec.limited_mut() {
        fill!(limited;
            nominal_concurrency_shares set_nominal_concurrency_shares = 30,
            lendable_percent set_lendable_percent = 0,
        );
        if let Some(mut queuing) = limited.limit_response_mut().queuing_mut() {
            fill!(queuing;
                queues set_queues = 64,
                hand_size set_hand_size = 8,
                queue_length_limit set_queue_length_limit = 50,
            );
        }
    }
}
