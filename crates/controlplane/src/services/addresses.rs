//! Cluster IPs, as `IPAddress` objects of the networks that `ServiceCIDR`s name.

use std::net::IpAddr;
use std::sync::Arc;

use pintle_api::core::v1::{Service, ServiceMut};
use pintle_api::networking::v1::{IPAddress, IPAddressMut, ServiceCIDR};
use pintle_endpoints::context::{Environment, RequestContext};
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::permit::Permit;
use pintle_endpoints::store::Store;
use pintle_runtime::field_path::{BadValue, Path};
use pintle_runtime::ip::{self, Cidr};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::View;
use tracing::debug;

use super::range::Range;
use super::{AllocationMetrics, Family, invalid_field};
use crate::hooks::server_context;

/// The label that says who looks after an `IPAddress`, and what it says of ours.
pub const MANAGED_BY: (&str, &str) = ("ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io");
pub(super) const FAMILY: &str = "ipaddress.kubernetes.io/ip-family";

/// Why an address cannot be had, in upstream's words.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("range is full")]
    Full,
    #[error("provided IP is already allocated")]
    Taken,
    #[error("the provided network does not match the current range")]
    Elsewhere,
    #[error("the provided IP ({0}) is not in the valid range. The range of valid IPs is {1}")]
    NotInRange(IpAddr, Cidr),
    #[error("{0}")]
    Failed(ApiError),
}

/// The addresses that Services have and may have.
pub(super) struct Addresses {
    addresses: Arc<Store>,
    networks: Arc<Store>,
    counted: Arc<AllocationMetrics>,
}

impl Addresses {
    pub(super) fn new(
        addresses: Arc<Store>,
        networks: Arc<Store>,
        counted: Arc<AllocationMetrics>,
    ) -> Self {
        Self {
            addresses,
            networks,
            counted,
        }
    }

    /// The `IPAddress` objects.
    pub(super) fn store(&self) -> &Arc<Store> {
        &self.addresses
    }

    /// The networks that addresses can be taken from now: those that are not on their way out.
    pub(super) fn networks(&self) -> Result<Vec<Cidr>, ApiError> {
        let (snapshot, _) = self.networks.cache().newest();
        let mut found = Vec::new();
        for entry in snapshot.entries() {
            let record = entry.record()?;
            let network = ServiceCIDR::from_record(&record);
            let conditions = network.status().conditions();
            let ready = conditions
                .iter()
                .find(|condition| condition.type_() == "Ready");
            // Where nobody says whether it is ready, there may be nobody to say so.
            let is_ready = ready.is_none_or(|ready| ready.status() == "True");
            if is_ready && network.metadata().deletion_timestamp().is_none() {
                found.extend(network.spec().cidrs().iter().filter_map(Cidr::parse));
            }
        }
        Ok(found)
    }

    /// Takes an address for each family of a Service from the one at `from` on, and writes them into it.
    /// What it names already is taken as it is.
    pub(super) async fn take_all(
        &self,
        cx: &RequestContext,
        new: &mut Record,
        from: usize,
    ) -> Result<Vec<String>, ApiError> {
        let spec = Service::from_record(new).spec();
        let mut ips: Vec<String> = spec.cluster_ips().iter().map(str::to_owned).collect();
        let families: Vec<Family> = spec
            .ip_families()
            .iter()
            .filter_map(Family::parse)
            .collect();
        // What is yet to be allocated is nothing until then, also in messages.
        ips.resize(ips.len().max(families.len()), String::new());
        let mut taken = Vec::new();
        for (at, family) in families.into_iter().enumerate().skip(from) {
            let named = (!ips[at].is_empty()).then(|| ips[at].clone());
            match self.take(cx, new, family, named.as_deref()).await {
                Ok(ip) => {
                    ips[at].clone_from(&ip);
                    taken.push(ip);
                }
                Err(fault) => {
                    if !cx.dry_run {
                        self.release(&cx.environment, &taken).await;
                    }
                    return Err(refusal(new, named.as_deref(), &ips, &fault));
                }
            }
        }
        let mut service = ServiceMut::from_record(new);
        let mut spec = service.spec_mut();
        if let Some(first) = ips.first().filter(|_| from == 0) {
            spec.set_cluster_ip(first.clone());
        }
        spec.set_cluster_ips(ips.into_iter().map(|ip| Value::String(ip.into())).collect());
        Ok(taken)
    }

    async fn take(
        &self,
        cx: &RequestContext,
        service: &Record,
        family: Family,
        named: Option<&str>,
    ) -> Result<String, Fault> {
        let mut networks = self.networks().map_err(Fault::Failed)?;
        networks.retain(|network| family == Family::of(*network));
        if let Some(named) = named {
            let ip = ip::parse(named).ok_or(Fault::Elsewhere)?;
            let network = networks.iter().find(|network| network.contains(ip));
            let network = *network.ok_or(Fault::Elsewhere)?;
            if !Range::of(network).contains(ip) {
                return Err(Fault::NotInRange(ip, network));
            }
            if !cx.dry_run {
                let made = self.create(&cx.environment, service, ip, family).await;
                let network = network.to_string();
                self.counted.address(made.is_ok(), &network, true);
                made?;
            }
            return Ok(named.to_owned());
        }
        let random = cx.environment.random.bits();
        let turn = random.checked_rem(networks.len() as u64).unwrap_or(0);
        networks.rotate_left(usize::try_from(turn).unwrap_or(0));
        if cx.dry_run {
            // Which it would be is not worth finding out.
            let network = networks.first().ok_or(Fault::Full)?;
            return Ok(network.network().to_string());
        }
        for network in networks {
            let name = network.to_string();
            for ip in Range::of(network).shuffled(random) {
                if self.addresses.cache().get(&ip.to_string()).is_some() {
                    continue;
                }
                match self.create(&cx.environment, service, ip, family).await {
                    Ok(()) => {
                        self.counted.address(true, &name, false);
                        return Ok(ip.to_string());
                    }
                    // Another server was faster.
                    Err(Fault::Taken) => {}
                    Err(fault) => {
                        self.counted.address(false, &name, false);
                        return Err(fault);
                    }
                }
            }
            self.counted.address(false, &name, false);
        }
        Err(Fault::Full)
    }

    /// Makes the object that says that an address is taken.
    async fn create(
        &self,
        environment: &Environment,
        service: &Record,
        ip: IpAddr,
        family: Family,
    ) -> Result<(), Fault> {
        let metadata = Service::from_record(service).metadata();
        let mut record = <IPAddress<'_> as View>::new_record();
        let mut address = IPAddressMut::from_record(&mut record);
        let mut about = address.metadata_mut();
        about.set_name(ip.to_string());
        about.labels_mut().insert(FAMILY, family.name());
        about.labels_mut().insert(MANAGED_BY.0, MANAGED_BY.1);
        let mut spec = address.spec_mut();
        let mut parent = spec.parent_ref_or_new();
        parent.set_resource("services");
        parent.set_namespace(Text::from(metadata.namespace().to_owned()));
        parent.set_name(Text::from(metadata.name().to_owned()));
        let permit = Permit::of_the_server_itself("services");
        let cx = server_context(environment, "");
        match self.addresses.create(&permit, &cx, record).await {
            Ok(_) => Ok(()),
            Err(ApiError::AlreadyExists(_)) => Err(Fault::Taken),
            Err(error) => Err(Fault::Failed(error)),
        }
    }

    /// The same for who repairs: whether the address is the Service's now.
    pub(super) async fn claim(
        &self,
        environment: &Environment,
        service: &Record,
        ip: IpAddr,
    ) -> Result<(), ApiError> {
        let family = Family::of(Cidr::single(ip));
        match self.create(environment, service, ip, family).await {
            Ok(()) | Err(Fault::Taken) => Ok(()),
            Err(Fault::Failed(error)) => Err(error),
            Err(fault) => Err(ApiError::internal(fault)),
        }
    }

    /// Gives addresses back. What is not there is given back already; what fails is left to the repair.
    pub(super) async fn release(&self, environment: &Environment, addresses: &[String]) {
        let permit = Permit::of_the_server_itself("services");
        let cx = server_context(environment, "");
        for name in addresses.iter().filter_map(|ip| ip::parse(ip)) {
            let (name, options) = (name.to_string(), DeleteOptions::default());
            if let Err(error) = self.addresses.delete(&permit, &cx, &name, &options).await {
                debug!(name, %error, "cannot give back an address");
            }
        }
    }
}

/// What a client is told of an address that it cannot have: one that it asked for is its own fault.
fn refusal(new: &Record, named: Option<&str>, ips: &[String], fault: &Fault) -> ApiError {
    let Some(named) = named else {
        return ApiError::internal(format!("failed to allocate a serviceIP: {fault}"));
    };
    let why = format!("failed to allocate IP {named}: {fault}");
    let path = Path::new("spec.clusterIPs");
    invalid_field(
        Service::from_record(new),
        &path,
        BadValue::strings(ips),
        why,
    )
}
