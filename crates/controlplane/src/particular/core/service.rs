//! `Service`.

use pintle_api::core::v1::{Service, ServiceSpec};
use pintle_api::validation::service::{TOPOLOGY_HINTS, is_headless};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::ip;
use pintle_runtime::value::Record;

use crate::particular::Particular;
use crate::services::fields;

pub(super) struct Services;

impl Particular for Services {
    fn prepare_for_update(&self, _cx: &RequestContext, new: &mut Record, old: &Record) {
        fields::drop_type_dependent(new, Service::from_record(old).spec());
    }

    fn warnings(&self, new: &Record, _old: Option<&Record>) -> Vec<String> {
        let service = Service::from_record(new);
        let mut warnings = Vec::new();
        if service
            .metadata()
            .annotations()
            .contains_key(TOPOLOGY_HINTS)
        {
            warnings.push(format!(
                "annotation {TOPOLOGY_HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"
            ));
        }
        of_addresses(service.spec(), &mut warnings);
        of_type(service.spec(), &mut warnings);
        warnings
    }

    /// What is odd about addresses of load balancers; upstream leaves out the name of the field.
    fn subresource_warnings(&self, _subresource: &str, new: &Record) -> Vec<String> {
        let mut warnings = Vec::new();
        let path = Path::new("status.loadBalancer.ingress");
        let balancer = Service::from_record(new).status().load_balancer();
        for (at, ingress) in balancer.ingress().iter().enumerate() {
            ip::warnings(ingress.ip(), &path.index(at), &mut warnings);
        }
        warnings
    }
}

fn of_addresses(spec: ServiceSpec<'_>, warnings: &mut Vec<String>) {
    let path = Path::new("spec");
    let ips = path.child("clusterIPs");
    for (at, address) in spec.cluster_ips().iter().enumerate() {
        ip::warnings(address, &ips.index(at), warnings);
    }
    if is_headless(spec) && spec.type_() == "ClusterIP" {
        if !spec.load_balancer_ip().is_empty() {
            warnings.push("spec.loadBalancerIP is ignored for headless services".to_owned());
        }
        if !spec.external_ips().is_empty() {
            warnings.push("spec.externalIPs is ignored for headless services".to_owned());
        }
        if spec.session_affinity() != "None" {
            warnings.push("spec.SessionAffinity is ignored for headless services".to_owned());
        }
    }
    if !spec.external_ips().is_empty() {
        warnings.push("spec.externalIPs is deprecated".to_owned());
    }
    let ips = path.child("externalIPs");
    for (at, address) in spec.external_ips().iter().enumerate() {
        ip::warnings(address, &ips.index(at), warnings);
    }
    if !spec.load_balancer_ip().is_empty() {
        let path = path.child("loadBalancerIP");
        ip::warnings(spec.load_balancer_ip(), &path, warnings);
    }
    let ranges = path.child("loadBalancerSourceRanges");
    for (at, range) in spec.load_balancer_source_ranges().iter().enumerate() {
        ip::cidr_warnings(range, &ranges.index(at), warnings);
    }
}

fn of_type(spec: ServiceSpec<'_>, warnings: &mut Vec<String>) {
    let named = spec.type_() == "ExternalName";
    if named && !spec.external_ips().is_empty() {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if !named && !spec.external_name().is_empty() {
        let ignored = "spec.externalName is ignored when spec.type is not \"ExternalName\"";
        warnings.push(ignored.to_owned());
    }
    if spec.traffic_distribution() == Some("PreferClose") {
        let deprecated =
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"";
        warnings.push(deprecated.to_owned());
    }
}
