//! The stores of Kubernetes' own API.

use std::sync::Arc;
use std::time::Duration;

use pintle_endpoints::cache::CacheOptions;
use pintle_endpoints::discovery::offered;
use pintle_endpoints::is_served;
use pintle_endpoints::registry::{Registration, Registry};
use pintle_endpoints::scheme::{Known, Scheme};
use pintle_runtime::resource::Group;
use pintle_storage::{Storage, StorageError};

use crate::access::Access;
use crate::admission::Elsewhere;
use crate::rows::Switches;
use crate::scale::BuiltInScale;
use crate::services::{ServiceOptions, Services};
use crate::strategy::{FinalizeStrategy, KindStrategy, PartStrategy};
use crate::unkept::Answerers;

/// Subresources that are the object itself, of which they write a part.
const PARTS: [&str; 4] = ["status", "approval", "ephemeralcontainers", "resize"];

/// Every kind of upstream's. Three servers in one know them there, each by the place in its source that its messages name,
/// which clients may have learnt.
const SCHEME: Scheme = Scheme {
    name: |group| match group {
        "apiextensions.k8s.io" => "k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55",
        "apiregistration.k8s.io" => "k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:32",
        _ => "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30",
    },
    find: |group, version, kind| {
        // Options of requests are of every version, as long as there is one.
        let is_version = (pintle_api::groups()
            .iter()
            .filter(|known| *known.name == *group))
        .any(|known| known.versions.iter().any(|it| *it.version == *version));
        let known = is_version.then(|| pintle_api::type_by_kind(group, version, kind));
        let known = known.flatten().map(Known::As);
        known.or_else(|| pintle_api::past(group, version, kind).map(Known::Was))
    },
};

/// How Kubernetes' API is to be served.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// What is on and off.
    pub switches: Switches,
    /// Prefix of every key, such as `/registry`.
    pub key_prefix: String,
    /// How long an event is kept; zero is forever.
    pub event_ttl: Duration,
    /// Who may do what.
    pub access: Access,
    /// What answers where nothing is kept.
    pub answerers: Answerers,
    /// What there is for Services to take.
    pub services: ServiceOptions,
    /// What is kept elsewhere.
    pub overrides: Vec<Override>,
}

/// A resource that is not kept where the others are.
#[derive(Clone)]
pub struct Override {
    /// The group that it is stored as.
    pub group: String,
    /// Its name.
    pub resource: String,
    /// What keeps it.
    pub storage: Arc<dyn Storage>,
}

impl std::fmt::Debug for Override {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.group, self.resource)
    }
}

/// Kubernetes' API, ready to be served.
pub struct Api {
    /// The stores.
    pub registry: Arc<Registry>,
    /// The rows with the verbs that are really served: what discovery and OpenAPI show.
    pub offered: Vec<Group>,
    /// Who gives Services their addresses and ports.
    pub services: Arc<Services>,
}

impl Api {
    /// Loads what `storage` keeps.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn start(
        storage: Arc<dyn Storage>,
        options: &ApiOptions,
    ) -> Result<Self, StorageError> {
        let rows = options.switches.served(pintle_api::groups());
        let services = Arc::new(Services::new(
            &options.services,
            Arc::clone(&storage),
            &options.key_prefix,
        ));
        let settings = options.switches.settings();
        let elsewhere = Elsewhere::default();
        let registrations = rows
            .iter()
            .flat_map(|group| group.versions.iter())
            .flat_map(|version| version.resources.iter())
            .filter(|row| row.storage.is_some())
            .map(|row| {
                let of_kind = || {
                    KindStrategy::of(row, options.event_ttl)
                        .with_settings(&settings)
                        .with_rights(&options.access, &elsewhere)
                };
                let mut strategy = of_kind();
                if row.group.is_empty() && row.name == "services" {
                    strategy = strategy.with_allocation(Arc::clone(&services) as _);
                }
                let mut registration = Registration::new(row.clone(), Arc::new(strategy));
                for part in PARTS.iter().filter(|part| row.subresource(part).is_some()) {
                    let strategy = Arc::new(PartStrategy::new(of_kind(), *part));
                    registration = registration.with_subresource(*part, strategy);
                }
                if row.subresource("finalize").is_some() {
                    registration = registration
                        .with_subresource("finalize", Arc::new(FinalizeStrategy(of_kind())));
                }
                if let Some(scale) = BuiltInScale::of(row) {
                    registration = registration.with_facet("scale", Arc::new(scale));
                }
                let mut registration = options.answerers.below(registration);
                // By the group that it is stored as: both kinds of events are in one place.
                let group = row.storage.as_ref().map(|storage| &*storage.group);
                let is_it = |kept: &&Override| {
                    Some(kept.group.as_str()) == group && *row.name == *kept.resource
                };
                if let Some(kept) = options.overrides.iter().find(is_it) {
                    registration = registration.with_storage(Arc::clone(&kept.storage));
                }
                match crate::convert::converter(&row.group, &row.name) {
                    Some(converter) => registration.with_converter(converter),
                    None => registration,
                }
            })
            .collect();
        let registry = Registry::start(
            storage,
            &options.key_prefix,
            CacheOptions::default(),
            registrations,
        )
        .await?;
        let resources = rows
            .iter()
            .flat_map(|group| group.versions.iter())
            .flat_map(|version| version.resources.iter());
        for row in resources.filter(|row| row.storage.is_none()) {
            if let Some(unkept) = options.answerers.of(row) {
                registry.register(unkept);
            }
        }
        services.look_into(&registry);
        registry.know(SCHEME);
        let registry = Arc::new(registry);
        elsewhere.look_into(&registry);
        let offered = offered(&rows, |offer| is_served(&registry, offer));
        Ok(Self {
            registry,
            offered,
            services,
        })
    }
}
