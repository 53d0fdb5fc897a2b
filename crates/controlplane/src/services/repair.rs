//! Finds what Services have and is not marked as taken, and what is taken and nobody has.
//!
//! Both come from crashes between two writes, and from services that another store brought along. What
//! nobody has is left alone for a while: a Service may be about to be written that has it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use pintle_api::core::v1::Service;
use pintle_api::networking::v1::IPAddress;
use pintle_endpoints::context::Environment;
use pintle_runtime::ip;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use tracing::warn;

use super::range::Range;
use super::{MANAGED_BY, Services, Stores, Taken, fields, is_headless, node_ports};

/// Between two passes.
pub const PERIOD: Duration = Duration::from_secs(180);
/// How old an address is at least that is given back because nobody has it, in seconds.
const GRACE: i64 = 60;
/// In how many passes a port is found that nobody has before it is given back.
const PASSES: u8 = 3;

/// The ports that nobody had in the last pass, and how many passes they have left.
#[derive(Debug, Default)]
pub(super) struct Suspects(HashMap<u16, u8>);

/// One pass over all addresses and node ports.
///
/// # Errors
/// Those of the stores.
pub async fn repair(environment: &Environment, services: &Services) -> Result<(), ApiError> {
    let stores = services.stores()?;
    // What is taken is looked at first: what is taken since then is not missed among the Services.
    let seen = services.ports().taken_if_readable().await?;
    let all = all(stores)?;
    repair_ports(services, &seen, &all).await?;
    repair_addresses(environment, stores, &all).await
}

fn all(stores: &Stores) -> Result<Vec<Record>, ApiError> {
    // With one that can not be read, nobody knows what is free.
    let all = stores.services.cache().all(None)?;
    all.iter().map(|entry| entry.record()).collect()
}

async fn repair_ports(services: &Services, seen: &Taken, all: &[Record]) -> Result<(), ApiError> {
    let mut taken = Taken::none(services.ports().range());
    for record in all {
        let service = Service::from_record(record);
        for port in node_ports::of(service.spec()) {
            let about = service.metadata();
            if taken.take(port).is_err() && !taken.has(port) {
                warn!(
                    name = about.name(),
                    namespace = about.namespace(),
                    port,
                    "a node port is out of range"
                );
            } else if !seen.has(port) {
                warn!(
                    name = about.name(),
                    namespace = about.namespace(),
                    port,
                    "a node port was not allocated; repairing"
                );
            }
        }
    }
    services.suspects().hold(seen, &mut taken);
    services.ports().replace(seen, &taken).await
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

async fn repair_addresses(
    environment: &Environment,
    stores: &Stores,
    all: &[Record],
) -> Result<(), ApiError> {
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
            let addresses = &stores.addresses;
            match addresses.store().cache().find(&ip.to_string())? {
                Some(entry) => {
                    if owner_of(&entry.record()?) != owner {
                        warn!(owner, %ip, "a service has an address that is taken by another object");
                    }
                }
                None => {
                    let known = addresses.networks()?;
                    if !known.iter().any(|network| Range::of(*network).contains(ip)) {
                        warn!(owner, %ip, "a service has an address that is in no ServiceCIDR");
                    }
                    warn!(owner, %ip, "a service's address was not allocated; repairing");
                    addresses.claim(environment, record, ip).await?;
                }
            }
        }
    }
    release_unowned(environment, stores, &owned).await
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

async fn release_unowned(
    environment: &Environment,
    stores: &Stores,
    owned: &HashSet<(String, String)>,
) -> Result<(), ApiError> {
    let (snapshot, _) = stores.addresses.store().cache().newest();
    let now = environment.clock.now();
    let mut leaked = Vec::new();
    let ours = snapshot
        .entries()
        .filter(|entry| entry.label(MANAGED_BY.0) == Some(MANAGED_BY.1));
    for entry in ours {
        let record = entry.record()?;
        let made = IPAddress::from_record(&record)
            .metadata()
            .creation_timestamp();
        let is_young = made.is_some_and(|made| made.plus_seconds(GRACE) > now);
        let pair = (entry.name().to_owned(), owner_of(&record));
        // A service may have come since its list was made.
        let owner_exists = stores.services.cache().find(&pair.1)?.is_some();
        let is_used = owned.contains(&pair) || owner_exists && was_written(stores, &pair)?;
        if !is_young && !is_used {
            warn!(address = pair.0, "nobody has this address; giving it back");
            leaked.push(pair.0);
        }
    }
    stores.addresses.release(environment, &leaked).await;
    Ok(())
}

/// Whether the Service has the address by now.
fn was_written(stores: &Stores, (address, owner): &(String, String)) -> Result<bool, ApiError> {
    let Some(entry) = stores.services.cache().get(owner) else {
        return Ok(false);
    };
    let record = entry.record()?;
    let ips = Service::from_record(&record).spec().cluster_ips();
    Ok(ips
        .iter()
        .filter_map(ip::parse)
        .any(|ip| ip.to_string() == *address))
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
