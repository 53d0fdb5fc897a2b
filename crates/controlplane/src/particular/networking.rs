//! `networking.k8s.io`.

use pintle_api::networking::v1::{Ingress, NetworkPolicy, NetworkPolicyPeer};
use pintle_runtime::field_path::Path;
use pintle_runtime::ip;
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use super::Particular;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    match resource {
        "ingresses" => Some(&Ingresses),
        "networkpolicies" => Some(&NetworkPolicies),
        _ => None,
    }
}

/// The annotation from before there were classes.
const CLASS: &str = "kubernetes.io/ingress.class";

struct Ingresses;

impl Particular for Ingresses {
    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let ingress = Ingress::from_record(new);
        let is_annotated = ingress.metadata().annotations().contains_key(CLASS);
        if !is_annotated || old.is_some() || ingress.spec().ingress_class_name().is_some() {
            return Vec::new();
        }
        vec![format!(
            "annotation \"{CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"
        )]
    }
}

struct NetworkPolicies;

impl Particular for NetworkPolicies {
    fn warnings(&self, new: &Record, _old: Option<&Record>) -> Vec<String> {
        let spec = NetworkPolicy::from_record(new).spec();
        let mut warnings = Vec::new();
        let path = Path::new("spec");
        for (at, rule) in spec.ingress().iter().enumerate() {
            let rules = path.child("ingress");
            of_peers(rule.from(), &rules.index(at).child("from"), &mut warnings);
        }
        for (at, rule) in spec.egress().iter().enumerate() {
            let rules = path.child("egress");
            of_peers(rule.to(), &rules.index(at).child("to"), &mut warnings);
        }
        warnings
    }
}

fn of_peers(peers: List<'_, NetworkPolicyPeer<'_>>, path: &Path<'_>, warnings: &mut Vec<String>) {
    for (at, peer) in peers.iter().enumerate() {
        let Some(block) = peer.ip_block() else {
            continue;
        };
        let peer_path = path.index(at);
        let path = peer_path.child("ipBlock");
        ip::cidr_warnings(block.cidr(), &path.child("cidr"), warnings);
        for (at, except) in block.except().iter().enumerate() {
            ip::cidr_warnings(except, &path.child("except").index(at), warnings);
        }
    }
}
