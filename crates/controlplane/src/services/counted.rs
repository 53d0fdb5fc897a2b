//! What is counted of addresses and node ports.

use pintle_endpoints::metrics::{Collector, Counter, Family, Gauge, Kind, Samples};

use super::Services;
use super::ports::Taken;
use super::range::Range;

/// The families of what Services take.
pub struct AllocationMetrics {
    addresses: Outcomes,
    ports: Outcomes,
    taken_ports: Gauge,
}

/// Allocations that succeeded, and those that did not.
struct Outcomes {
    done: Family<Counter>,
    failed: Family<Counter>,
}

/// Whether something was asked for by name.
const fn scope(is_named: bool) -> &'static str {
    if is_named { "static" } else { "dynamic" }
}

impl Default for AllocationMetrics {
    fn default() -> Self {
        const ADDRESS: &[&str] = &["cidr", "scope"];
        const PORT: &[&str] = &["scope"];
        Self {
            addresses: Outcomes {
                done: Family::new(
                    "kube_apiserver_clusterip_allocator_allocation_total",
                    "[ALPHA] Number of Cluster IPs allocations",
                    ADDRESS,
                    Counter::default,
                ),
                failed: Family::new(
                    "kube_apiserver_clusterip_allocator_allocation_errors_total",
                    "[ALPHA] Number of errors trying to allocate Cluster IPs",
                    ADDRESS,
                    Counter::default,
                ),
            },
            ports: Outcomes {
                done: Family::new(
                    "kube_apiserver_nodeport_allocator_allocation_total",
                    "[ALPHA] Number of NodePort allocations",
                    PORT,
                    Counter::default,
                ),
                failed: Family::new(
                    "kube_apiserver_nodeport_allocator_allocation_errors_total",
                    "[ALPHA] Number of errors trying to allocate NodePort",
                    PORT,
                    Counter::default,
                ),
            },
            taken_ports: Gauge::default(),
        }
    }
}

impl Outcomes {
    fn count(&self, is_done: bool, labels: &[&str]) {
        let family = if is_done { &self.done } else { &self.failed };
        family.with(labels).inc();
    }

    fn collect(&self, samples: &mut Samples<'_>) {
        self.done.collect(samples);
        self.failed.collect(samples);
    }
}

impl AllocationMetrics {
    /// An address of a network was taken, or could not be.
    pub(super) fn address(&self, is_done: bool, network: &str, is_named: bool) {
        self.addresses.count(is_done, &[network, scope(is_named)]);
    }

    /// A port was taken, or could not be.
    pub(super) fn port(&self, is_done: bool, is_named: bool) {
        self.ports.count(is_done, &[scope(is_named)]);
    }

    /// These ports are taken now.
    pub(super) fn ports_are(&self, taken: &Taken) {
        let count = i64::try_from(taken.iter().count()).unwrap_or(i64::MAX);
        self.taken_ports.set(count);
    }
}

impl Collector for Services {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.collect_addresses(samples);
        self.counted.addresses.collect(samples);
        let taken = self.counted.taken_ports.value() as f64;
        let free = f64::from(self.ports.range().size()) - taken;
        let help = "[ALPHA] Gauge measuring the number of allocated NodePorts for Services";
        let name = "kube_apiserver_nodeport_allocator_allocated_ports";
        samples.single(name, help, Kind::Gauge, taken);
        let help = "[ALPHA] Gauge measuring the number of available NodePorts for Services";
        let name = "kube_apiserver_nodeport_allocator_available_ports";
        samples.single(name, help, Kind::Gauge, free);
        self.counted.ports.collect(samples);
    }
}

impl Services {
    fn collect_addresses(&self, samples: &mut Samples<'_>) {
        let Ok(stores) = self.stores() else { return };
        let Ok(networks) = stores.addresses.networks() else {
            return;
        };
        let (taken, _) = stores.addresses.store().cache().newest();
        let ips: Vec<_> = taken
            .entries()
            .filter_map(|entry| pintle_runtime::ip::parse(entry.name()))
            .collect();
        let counts: Vec<_> = networks
            .iter()
            .map(|network| {
                let range = Range::of(*network);
                let taken = ips.iter().filter(|ip| range.contains(**ip)).count();
                (network.to_string(), taken as f64, range.size() as f64)
            })
            .collect();
        let name = "kube_apiserver_clusterip_allocator_allocated_ips";
        let help = "[ALPHA] Gauge measuring the number of allocated IPs for Services";
        samples.family(name, help, Kind::Gauge);
        for (network, taken, _) in &counts {
            samples.sample(&[("cidr", network)], *taken);
        }
        let name = "kube_apiserver_clusterip_allocator_available_ips";
        let help = "[ALPHA] Gauge measuring the number of available IPs for Services";
        samples.family(name, help, Kind::Gauge);
        for (network, taken, size) in &counts {
            samples.sample(&[("cidr", network)], size - taken);
        }
    }
}
