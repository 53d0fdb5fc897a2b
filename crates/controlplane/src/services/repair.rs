//! Finds what Services have and is not marked as taken, and what is taken and nobody has.
//!
//! Both come from crashes between two writes, and from services that another store brought along. What
//! nobody has is left alone for a while: a Service may be about to be written that has it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use pintle_api::core::v1::Service;
use pintle_api::networking::v1::IPAddress;
use pintle_endpoints::context::Environment;
use pintle_runtime::ip::{self, Cidr};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use tracing::warn;

use super::addresses::FAMILY;
use super::findings::{Finding, Half};
use super::range::Range;
use super::{Family, MANAGED_BY, Services, Stores, Taken, fields, is_headless, node_ports};

/// Between two passes.
pub const PERIOD: Duration = Duration::from_secs(180);
/// How old an address is at least that is given back because nobody has it, in seconds.
const GRACE: i64 = 60;
/// In how many passes a port is found that nobody has before it is given back.
const PASSES: u8 = 3;

/// The ports that nobody had in the last pass, and how many passes they have left.
#[derive(Debug, Default)]
pub(super) struct Suspects(HashMap<u16, u8>);

/// One pass over all addresses and node ports. What is found is told as events, by the server called `hostname`.
///
/// # Errors
/// Those of the stores.
pub async fn repair(
    environment: &Environment,
    services: &Services,
    hostname: &str,
) -> Result<(), ApiError> {
    let stores = services.stores()?;
    let pass = Pass {
        environment,
        services,
        stores,
        hostname,
    };
    // What is taken is looked at first: what is taken since then is not missed among the Services.
    let seen = services.ports().taken_if_readable().await?;
    let all = all(stores)?;
    pass.repair_ports(&seen, &all).await?;
    pass.repair_addresses(&all).await?;
    services.findings.forget_what_is_mended();
    Ok(())
}

fn all(stores: &Stores) -> Result<Vec<Record>, ApiError> {
    // With one that can not be read, nobody knows what is free.
    let all = stores.services.cache().all(None)?;
    all.iter().map(|entry| entry.record()).collect()
}

/// One pass, and what it works with.
struct Pass<'a> {
    environment: &'a Environment,
    services: &'a Services,
    stores: &'a Stores,
    hostname: &'a str,
}

impl Pass<'_> {
    async fn tell(&self, finding: Finding<'_>) {
        let events = self.stores.events.as_ref();
        let findings = &self.services.findings;
        findings
            .tell(self.environment, events, self.hostname, finding)
            .await;
    }

    async fn repair_ports(&self, seen: &Taken, all: &[Record]) -> Result<(), ApiError> {
        let ports = self.services.ports();
        let mut taken = Taken::none(ports.range());
        for record in all {
            let service = Service::from_record(record);
            // One port may serve two protocols.
            let own: BTreeSet<u16> = node_ports::of(service.spec()).into_iter().collect();
            for port in own {
                let (is_known, is_new) = (taken.has(port), taken.take(port).is_ok());
                let (reason, message) = if is_known {
                    (
                        "PortAlreadyAllocated",
                        format!(
                            "Port {port} was assigned to multiple services; please recreate service"
                        ),
                    )
                } else if !is_new {
                    let range = ports.range();
                    (
                        "PortOutOfRange",
                        format!(
                            "Port {port} is not within the port range {range}; please recreate service"
                        ),
                    )
                } else if seen.has(port) {
                    continue;
                } else {
                    (
                        "PortNotAllocated",
                        format!("Port {port} is not allocated; repairing"),
                    )
                };
                let finding = Finding {
                    half: Half::Ports,
                    kind: "Service",
                    about: service.metadata(),
                    reason,
                    message,
                };
                self.tell(finding).await;
            }
        }
        self.services.suspects().hold(seen, &mut taken);
        ports.replace(seen, &taken).await
    }

    async fn repair_addresses(&self, all: &[Record]) -> Result<(), ApiError> {
        let mut owned: HashSet<(String, String)> = HashSet::new();
        for record in all {
            let service = Service::from_record(record);
            if !fields::needs_cluster_ip(service.spec()) || is_headless(service) {
                continue;
            }
            let about = service.metadata();
            let owner = format!("{}/{}", about.namespace(), about.name());
            for ip in service.spec().cluster_ips().iter().filter_map(ip::parse) {
                owned.insert((ip.to_string(), owner.clone()));
                self.repair_address(record, ip, all).await?;
            }
        }
        self.release_unowned(&owned).await
    }

    /// Sees to it that the address of a Service is marked as that Service's.
    async fn repair_address(
        &self,
        record: &Record,
        ip: IpAddr,
        all: &[Record],
    ) -> Result<(), ApiError> {
        let addresses = &self.stores.addresses;
        let service = Service::from_record(record);
        let about = service.metadata();
        let name = format!("[{}]: {ip}", Family::of(Cidr::single(ip)).name());
        let finding = |reason, message| Finding {
            half: Half::Addresses,
            kind: "Service",
            about,
            reason,
            message,
        };
        let known = addresses.networks()?;
        if !known.iter().any(|network| Range::of(*network).contains(ip)) {
            let message = format!(
                "Cluster IP {name} is not within any configured Service CIDR; please recreate service"
            );
            self.tell(finding("ClusterIPOutOfRange", message)).await;
            return Ok(());
        }
        let Some(entry) = addresses.store().cache().find(&ip.to_string())? else {
            let message = format!("Cluster IP {name} is not allocated; repairing");
            self.tell(finding("ClusterIPNotAllocated", message)).await;
            return addresses.claim(self.environment, record, ip).await;
        };
        let (owner, own) = (
            owner_of(&entry.record()?),
            format!("{}/{}", about.namespace(), about.name()),
        );
        let is_ours = owner == own;
        if !is_ours {
            let others = all.iter().map(Service::from_record);
            let mut holders = others.filter(|other| {
                let about = other.metadata();
                format!("{}/{}", about.namespace(), about.name()) == owner
            });
            let Some(holder) = holders.next() else {
                let message = format!(
                    "the ClusterIP {name} for Service {own} has a wrong reference; repairing"
                );
                self.tell(finding("ClusterIPNotAllocated", message)).await;
                return self.mark_again(record, ip).await;
            };
            if has(holder, ip) {
                let name = name.replace(": ", ":");
                let message = format!(
                    "Cluster IP {name} was assigned to multiple services; please recreate service"
                );
                self.tell(finding("ClusterIPAlreadyAllocated", message))
                    .await;
            }
        }
        let family = Family::of(Cidr::single(ip));
        let is_labelled = entry.label(MANAGED_BY.0) == Some(MANAGED_BY.1)
            && entry.label(FAMILY) == Some(family.name());
        if is_ours && !is_labelled {
            return self.mark_again(record, ip).await;
        }
        Ok(())
    }

    async fn mark_again(&self, service: &Record, ip: IpAddr) -> Result<(), ApiError> {
        let addresses = &self.stores.addresses;
        addresses.release(self.environment, &[ip.to_string()]).await;
        addresses.claim(self.environment, service, ip).await
    }

    async fn release_unowned(&self, owned: &HashSet<(String, String)>) -> Result<(), ApiError> {
        let (environment, stores) = (self.environment, self.stores);
        let (snapshot, _) = stores.addresses.store().cache().newest();
        let now = environment.clock.now();
        let mut leaked = Vec::new();
        let ours = snapshot
            .entries()
            .filter(|entry| entry.label(MANAGED_BY.0) == Some(MANAGED_BY.1));
        for entry in ours {
            let record = entry.record()?;
            let about = IPAddress::from_record(&record).metadata();
            let pair = (entry.name().to_owned(), owner_of(&record));
            let (name, owner) = (&pair.0, &pair.1);
            // A service may have come since its list was made.
            let owner_exists = stores.services.cache().find(owner)?.is_some();
            let is_used = owned.contains(&pair) || owner_exists && was_written(stores, &pair)?;
            let made = about.creation_timestamp();
            let is_young = made.is_some_and(|made| made.plus_seconds(GRACE) > now);
            if is_used || is_young {
                continue;
            }
            let (reason, message) = if owner.is_empty() {
                (
                    "IPAddressNotAllocated",
                    format!(
                        "IPAddress {name} appears to have been modified, not referencing a Service {}: cleaning up",
                        shown(&record)
                    ),
                )
            } else if owner_exists {
                (
                    "IPAddressWrongReference",
                    format!(
                        "IPAddress: {name} for Service {owner} has a wrong reference; cleaning up"
                    ),
                )
            } else {
                (
                    "IPAddressNotAllocated",
                    format!(
                        "IPAddress: {name} for Service {owner} appears to have leaked: cleaning up"
                    ),
                )
            };
            let finding = Finding {
                half: Half::Addresses,
                kind: "IPAddress",
                about,
                reason,
                message,
            };
            self.tell(finding).await;
            leaked.push(pair.0);
        }
        stores.addresses.release(environment, &leaked).await;
        Ok(())
    }
}

/// What an address refers to, as Go shows it.
fn shown(address: &Record) -> String {
    let parent = IPAddress::from_record(address).spec().parent_ref();
    parent.map_or_else(
        || "<nil>".to_owned(),
        |it| {
            let (group, resource) = (it.group(), it.resource());
            format!("&{{{group} {resource} {} {}}}", it.namespace(), it.name())
        },
    )
}

fn has(service: Service<'_>, ip: IpAddr) -> bool {
    let ips = service.spec().cluster_ips();
    ips.iter().filter_map(ip::parse).any(|it| it == ip)
}

impl Suspects {
    /// Keeps what nobody has for a few passes more.
    fn hold(&mut self, seen: &Taken, taken: &mut Taken) {
        let before = std::mem::take(&mut self.0);
        for port in seen
            .iter()
            .filter(|port| !taken.has(*port))
            .collect::<Vec<_>>()
        {
            let left = before.get(&port).copied().unwrap_or(PASSES) - 1;
            if left == 0 {
                warn!(port, "nobody has this node port; giving it back");
            } else if taken.take(port).is_ok() {
                self.0.insert(port, left);
            }
        }
    }
}

/// The Service that an address refers to, as `namespace/name`.
fn owner_of(address: &Record) -> String {
    let parent = IPAddress::from_record(address).spec().parent_ref();
    parent.map_or_else(String::new, |parent| {
        let is_service = parent.group().is_empty() && parent.resource() == "services";
        if is_service {
            format!("{}/{}", parent.namespace(), parent.name())
        } else {
            String::new()
        }
    })
}

/// Whether the Service has the address by now.
fn was_written(stores: &Stores, (address, owner): &(String, String)) -> Result<bool, ApiError> {
    let Some(entry) = stores.services.cache().get(owner) else {
        return Ok(false);
    };
    let record = entry.record()?;
    Ok(ip::parse(address).is_some_and(|ip| has(Service::from_record(&record), ip)))
}

#[cfg(test)]
mod tests {
    use super::super::PortRange;
    use super::*;

    #[test]
    fn a_port_that_nobody_has_is_given_back_in_the_third_pass() {
        let range = PortRange::new(30_000, 30_009).expect("a range");
        let mut seen = Taken::none(range);
        for port in [30_001, 30_002] {
            seen.take(port).expect("free");
        }
        let mut suspects = Suspects::default();
        for pass in 1..=3 {
            let mut taken = Taken::none(range);
            taken.take(30_001).expect("free");
            suspects.hold(&seen, &mut taken);
            assert_eq!(taken.has(30_002), pass < 3, "pass {pass}");
            assert!(taken.has(30_001));
        }
    }
}
