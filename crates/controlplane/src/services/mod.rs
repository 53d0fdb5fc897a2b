//! What Services take from the cluster: addresses and node ports.
//!
//! Addresses are objects. Each that is taken is an `IPAddress` called as it is written, which refers to
//! its Service; which there are to take from is said by `ServiceCIDR`s. So two servers never give out the
//! same, because a name is only created once. Node ports are bits of one value in the store, changed by
//! compare-and-swap.
//!
//! The order of the steps is [`Allocation`]'s: what is taken is written before the Service, what is
//! given back after it. A crash between leaves addresses and ports that no Service has, which the
//! [repair] finds.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pintle_api::core::v1::{Service, ServiceMut};
use pintle_endpoints::allocation::{Allocation, Claim, Outcome};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::permit::Permit;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::store::Store;
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::ip::Cidr;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_storage::Storage;
use tracing::warn;

mod addresses;
mod counted;
mod families;
pub mod fields;
mod findings;
mod node_ports;
mod ports;
pub mod range;
pub mod repair;

pub use addresses::MANAGED_BY;
pub use counted::AllocationMetrics;
pub use families::Family;
pub use ports::{PortRange, Ports, Taken};

use addresses::Addresses;

/// Where Services are to take from.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The networks of `--service-cluster-ip-range`: one, or one of each family. The first is what a
    /// Service gets that does not say.
    pub ranges: Vec<Cidr>,
    /// `--service-node-port-range`.
    pub node_ports: PortRange,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        let range = Cidr::parse("10.0.0.0/24").map_or_else(Vec::new, |range| vec![range]);
        Self {
            ranges: range,
            node_ports: PortRange::DEFAULT,
        }
    }
}

/// Takes addresses and node ports for Services. Made before the registry, which it looks into later.
pub struct Services {
    ranges: Vec<Cidr>,
    families: Vec<Family>,
    ports: Arc<Ports>,
    stores: Arc<OnceLock<Stores>>,
    suspects: Mutex<repair::Suspects>,
    findings: findings::Findings,
    counted: Arc<AllocationMetrics>,
}

/// What Services have to do with.
pub(crate) struct Stores {
    addresses: Addresses,
    endpoints: Arc<Store>,
    services: Arc<Store>,
    /// Where it is told what is wrong, if anywhere.
    events: Option<Arc<Store>>,
}

impl Services {
    /// Takes from what `options` say, and keeps what it has of ports in `storage`, below `key_prefix`.
    pub fn new(options: &ServiceOptions, storage: Arc<dyn Storage>, key_prefix: &str) -> Self {
        let counted = Arc::new(AllocationMetrics::default());
        let ports = Ports::new(storage, key_prefix, options.node_ports).counting(&counted);
        Self {
            ranges: options.ranges.clone(),
            families: options
                .ranges
                .iter()
                .map(|range| Family::of(*range))
                .collect(),
            ports: Arc::new(ports),
            stores: Arc::default(),
            suspects: Mutex::default(),
            findings: findings::Findings::default(),
            counted,
        }
    }

    /// Looks into `registry` from now on. Without the resources that it needs, nothing can be allocated.
    pub fn look_into(&self, registry: &Registry) {
        let stores = || {
            Some(Stores {
                addresses: Addresses::new(
                    registry.store("networking.k8s.io", "v1", "ipaddresses")?,
                    registry.store("networking.k8s.io", "v1", "servicecidrs")?,
                    Arc::clone(&self.counted),
                ),
                endpoints: registry.store("", "v1", "endpoints")?,
                services: registry.store("", "v1", "services")?,
                events: registry.store("", "v1", "events"),
            })
        };
        if let Some(stores) = stores() {
            // A second registry would be a mistake of the caller; the first one stays.
            let _ = self.stores.set(stores);
        }
    }

    /// The networks of `--service-cluster-ip-range`.
    pub fn ranges(&self) -> &[Cidr] {
        &self.ranges
    }

    fn suspects(&self) -> MutexGuard<'_, repair::Suspects> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The families that Services may have, in order of preference.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The node ports.
    pub fn ports(&self) -> &Arc<Ports> {
        &self.ports
    }

    pub(crate) fn stores(&self) -> Result<&Stores, ApiError> {
        self.stores
            .get()
            .ok_or_else(|| ApiError::internal("services cannot be allocated yet"))
    }

    async fn create(&self, cx: &RequestContext, new: &mut Record) -> Result<Claim, ApiError> {
        let mut service = ServiceMut::from_record(new);
        fields::normalize(service.spec_mut(), None);
        families::initialize(&self.families, new, None)?;
        let addresses = &self.stores()?.addresses;
        let mut taken = Vec::new();
        let service = Service::from_record(new);
        if fields::needs_cluster_ip(service.spec()) && !is_headless(service) {
            taken = addresses.take_all(cx, new, 0).await?;
        }
        self.claim(
            cx,
            new,
            None,
            Change {
                taken,
                released: Vec::new(),
            },
        )
        .await
    }

    async fn update(
        &self,
        cx: &RequestContext,
        new: &mut Record,
        old: &Record,
    ) -> Result<Claim, ApiError> {
        let before = Service::from_record(old).spec();
        let mut service = ServiceMut::from_record(new);
        fields::keep_allocated(service.spec_mut(), before);
        fields::normalize(service.spec_mut(), Some(before));
        families::initialize(&self.families, new, Some(old))?;
        let change = self.update_addresses(cx, new, old).await?;
        self.claim(cx, new, Some(old), change).await
    }

    async fn update_addresses(
        &self,
        cx: &RequestContext,
        new: &mut Record,
        old: &Record,
    ) -> Result<Change<String>, ApiError> {
        let (service, before) = (Service::from_record(new), Service::from_record(old));
        let (spec, had) = (service.spec(), before.spec());
        let addresses = &self.stores()?.addresses;
        let mut change = Change::default();
        if families::prefers_what_it_has(spec, had) {
            return Ok(change);
        }
        let (named, was_named) = (
            spec.type_() == "ExternalName",
            had.type_() == "ExternalName",
        );
        let (count, had_count) = (spec.ip_families().len(), had.ip_families().len());
        if was_named && !named {
            if !is_headless(service) {
                change.taken = addresses.take_all(cx, new, 0).await?;
            }
        } else if is_headless(before) {
        } else if named && !was_named {
            change.released = had.cluster_ips().iter().map(str::to_owned).collect();
        } else if had_count == 1 && count == 2 {
            change.taken = addresses.take_all(cx, new, 1).await?;
        } else if had_count == 2 && count == 1 {
            change.released = had
                .cluster_ips()
                .iter()
                .skip(1)
                .map(str::to_owned)
                .collect();
        }
        Ok(change)
    }

    /// Takes ports too, and makes a claim of all.
    async fn claim(
        &self,
        cx: &RequestContext,
        new: &mut Record,
        old: Option<&Record>,
        addresses: Change<String>,
    ) -> Result<Claim, ApiError> {
        let ports = match node_ports::take(cx, &self.ports, new, old).await {
            Ok(ports) => ports,
            Err(error) => {
                self.release(cx, &addresses.taken).await;
                return Err(error);
            }
        };
        if cx.dry_run || (addresses.is_empty() && ports.is_empty()) {
            return Ok(Claim::nothing());
        }
        let (stores, stock) = (Arc::clone(&self.stores), Arc::clone(&self.ports));
        let environment = cx.environment.clone();
        Ok(Claim::new(move |outcome| async move {
            let (unused, free) = match outcome {
                Outcome::Written => (addresses.released, ports.released),
                Outcome::Refused => (addresses.taken, ports.taken),
            };
            if let Some(stores) = stores.get() {
                stores.addresses.release(&environment, &unused).await;
            }
            give_back(&stock, free).await;
        }))
    }

    async fn release(&self, cx: &RequestContext, addresses: &[String]) {
        if let (Ok(stores), false) = (self.stores(), cx.dry_run) {
            stores.addresses.release(&cx.environment, addresses).await;
        }
    }

    async fn release_all(&self, cx: &RequestContext, last: &Record) {
        let service = Service::from_record(last);
        let spec = service.spec();
        let ours = crate::hooks::server_context(&cx.environment, service.metadata().namespace());
        if let Ok(stores) = self.stores() {
            let permit = Permit::of_the_server_itself("services");
            let name = service.metadata().name();
            let gone = stores
                .endpoints
                .delete(&permit, &ours, name, &DeleteOptions::default())
                .await;
            if let Err(error) = gone
                && !matches!(error, ApiError::NotFound(_))
            {
                warn!(name, %error, "cannot delete a service's endpoints");
            }
        }
        if fields::needs_cluster_ip(spec) && !is_headless(service) {
            let addresses: Vec<String> = spec.cluster_ips().iter().map(str::to_owned).collect();
            self.release(cx, &addresses).await;
        }
        give_back(&self.ports, node_ports::of(spec)).await;
    }
}

/// What is taken, and what will be given back once the Service has been written.
#[derive(Debug)]
struct Change<T> {
    taken: Vec<T>,
    released: Vec<T>,
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self {
            taken: Vec::new(),
            released: Vec::new(),
        }
    }
}

impl<T> Change<T> {
    fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.released.is_empty()
    }
}

fn is_headless(service: Service<'_>) -> bool {
    pintle_api::validation::service::is_headless(service.spec())
}

async fn give_back(ports: &Ports, numbers: Vec<u16>) {
    if let Err(error) = ports.release(&numbers).await {
        warn!(?numbers, %error, "cannot give back node ports");
    }
}

/// 422 for a Service.
fn invalid(service: Service<'_>, errors: &ErrorList) -> ApiError {
    let kind = GroupKind::new("", "Service");
    ApiError::invalid(&kind, service.metadata().name(), errors)
}

/// The same for one field.
fn invalid_field(
    service: Service<'_>,
    field: &Path<'_>,
    value: impl Into<pintle_runtime::field_path::BadValue>,
    why: impl Into<String>,
) -> ApiError {
    let mut errors = ErrorList::new();
    errors.invalid(field, value, why);
    invalid(service, &errors)
}

impl Allocation for Services {
    fn begin_create<'a>(
        &'a self,
        cx: &'a RequestContext,
        new: &'a mut Record,
    ) -> BoxFuture<'a, Result<Claim, ApiError>> {
        self.create(cx, new).boxed()
    }

    fn begin_update<'a>(
        &'a self,
        cx: &'a RequestContext,
        new: &'a mut Record,
        old: &'a Record,
    ) -> BoxFuture<'a, Result<Claim, ApiError>> {
        self.update(cx, new, old).boxed()
    }

    fn after_delete<'a>(&'a self, cx: &'a RequestContext, last: &'a Record) -> BoxFuture<'a, ()> {
        self.release_all(cx, last).boxed()
    }
}
