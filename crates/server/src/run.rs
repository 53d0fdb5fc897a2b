//! From a [`Config`] to a server that runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use pintle_authz::{Authorizer, NodeAuthorizer, Rbac};
use pintle_controlplane::access::Access;
use pintle_controlplane::controllers::WorkQueues;
use pintle_controlplane::health::{Does, StartUp};
use pintle_controlplane::hooks::HookOptions;
use pintle_controlplane::registry::{Api, ApiOptions};
use pintle_controlplane::rows::Switches;
use pintle_controlplane::unkept::Answerers;
use pintle_controlplane::{admission, api_services, controllers, hooks, node_uses, rbac};
use pintle_endpoints::context::Environment;
use pintle_endpoints::documents::Documents;
use pintle_endpoints::fairness::Fairness;
use pintle_endpoints::health::{Health, Part};
use pintle_endpoints::metrics::{Collector, Metrics};
use pintle_endpoints::serve::ConnectionLimits;
use pintle_endpoints::server::{AboutSelf, GenericServer, GenericServerOptions, Limits};
use pintle_storage::Storage;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::warn;

use crate::about::About;
use crate::authorization::{self, AuthorizationMode, Counting};
use crate::backend::Backend;
use crate::config::Config;
use crate::documents;
use crate::encryption::Encryption;
use crate::identity::Identity;
use crate::machine;
use crate::measured::{Leases, Transformations};
use crate::metrics::{Counted, token_uses};
use crate::resources::Resources;
use crate::tables::BuiltIn;
use crate::version;

/// How long the last audit events may take to be delivered.
const LAST_EVENTS: Duration = Duration::from_secs(30);

/// What a running server says of itself once it is ready.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Where it listens.
    pub address: SocketAddr,
    /// The administrator's kubeconfig, unless the operator brought certificates of their own.
    pub kubeconfig: Option<PathBuf>,
}

/// Serves until `shutdown` is ready, then drains and closes the store. Calls `ready` once requests are answered
/// and the system namespaces and the default roles are there.
///
/// # Errors
/// Whatever keeps it from starting, in one line that says what to do.
pub async fn run(
    config: Config,
    ready: impl FnOnce(&Ready) + Send + 'static,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<()> {
    run_on(config, |storage| storage, ready, shutdown).await
}

/// The same on another store, made of the one that the configuration names: one that tests how the server bears what
/// a store may do, for instance.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    config: Config,
    store: impl FnOnce(Arc<dyn Storage>) -> Arc<dyn Storage> + Send,
    ready: impl FnOnce(&Ready) + Send + 'static,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<()> {
    let config = Arc::new(config);
    // Side by side: one makes keys, the other waits for the disk.
    let (identity, backend) = tokio::try_join!(
        blocking(&config, Identity::load),
        blocking(&config, open_backend)
    )?;
    let resources = Arc::new(Resources::below(&config.key_prefix));
    let leases = Arc::new(Leases::default());
    backend.count_leases(&leases);
    let transformations = Arc::new(Transformations::new(Arc::clone(&resources)));
    let mut background = JoinSet::new();
    let mut elsewhere = backend.overrides(config.compaction_interval, &mut background)?;
    let storage = store(backend.storage());
    let counted = Counted::new(&hooks::server_id(&machine::hostname()));
    let encryption = match &config.encryption {
        Some(encryption) => {
            let inner = Arc::clone(&storage);
            Some(Encryption::start(encryption, &resources, inner, &counted.services).await?)
        }
        None => None,
    };
    let storage = match &encryption {
        Some(encryption) => {
            let account = Arc::clone(&transformations);
            encryption
                .store
                .account_to(Box::new(move |what| account.happened(what)));
            for kept in &mut elsewhere.overrides {
                kept.storage = Arc::new(encryption.store.of(Arc::clone(&kept.storage)));
            }
            Arc::new(encryption.store.clone())
        }
        None => storage,
    };
    let switches = Switches {
        runtime_config: config.runtime_config.clone(),
        feature_gates: config.feature_gates.clone(),
        allow_privileged: config.allow_privileged,
    };
    let roles = Arc::new(Rbac::default());
    let nodes = Arc::new(NodeAuthorizer::new(rbac::node_rules(&switches)));
    let metrics = Arc::new(Metrics::new());
    let deciding = authorization::Running::start(
        &config.authorization,
        &roles,
        &nodes,
        &Counting {
            access: Arc::clone(&metrics.access),
            reviews: Arc::clone(&counted.reviews),
        },
    )
    .map_err(|faults| anyhow!(faults.join("\n")))?;
    let access = Access {
        authorizer: Arc::clone(&deciding.authorizer) as Arc<dyn Authorizer>,
        rbac: Arc::clone(&roles),
    };
    let options = ApiOptions {
        switches,
        access: access.clone(),
        key_prefix: config.key_prefix.clone(),
        event_ttl: config.event_ttl,
        answerers: Answerers::of_stores()
            .with_reviews(&access, Arc::clone(&identity.tokens))
            .with_action("", "serviceaccounts", "token", identity.accounts.requests())
            .with_nodes(config.kubelets.load()?)
            .context(
                "--kubelet-client-certificate and --kubelet-client-key do not belong together",
            )?,
        services: config.services.clone(),
        overrides: elsewhere.overrides,
    };
    let api = Api::start(Arc::clone(&storage), &options)
        .await
        .context("cannot load the store")?;
    identity
        .accounts
        .objects
        .look_into(Arc::clone(&api.registry));
    let chain = admission::chain(
        &api.registry,
        Arc::clone(&access.authorizer),
        &config.admission,
    )
    .context("failed to apply admission")?;
    api.registry.admit_by(chain);
    let address = SocketAddr::new(config.bind_address, config.secure_port);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another --bind-address or --secure-port")
    })?;
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    let kubeconfig = identity.write_kubeconfig(&config, address)?;

    let environment = Environment::default();
    let audit = config.audit.as_ref();
    let audit = audit
        .map(|audit| audit.open(Arc::clone(&environment.clock), Arc::clone(&counted.audit)))
        .transpose()?;
    let recording = audit.clone();
    let start_up = StartUp::default();
    let fairness = config.fairness.then(|| {
        let seats = config.max_requests + config.max_mutating_requests;
        let fairness = Fairness::new(u32::try_from(seats).unwrap_or(u32::MAX));
        Arc::new(match config.etcd {
            Some(_) => fairness.without_turns(),
            None => fairness,
        })
    });
    let own = HookOptions {
        registry: Arc::clone(&api.registry),
        storage: Arc::clone(&storage),
        key_prefix: config.key_prefix.clone(),
        environment: environment.clone(),
        offered: api.offered.clone(),
        services: Arc::clone(&api.services),
        advertise: machine::advertised(&config, address),
        port: address.port(),
        hostname: machine::hostname(),
        fairness: fairness.clone(),
        authentication: Arc::new(RwLock::new(identity.for_other_servers(&config)?)),
    };
    let hooks = hooks::start(&own, &start_up);
    let namespaces = start_up.hook("start-system-namespaces-controller");
    // Claimed before the checks are made.
    let roles_are_there = start_up.hook("rbac/bootstrap-roles");
    let (alive, ready_to_serve) = backend.checks(&mut background);
    let health = Health::new().with_livez_grace(config.livez_grace);
    let does = Does {
        fairness: config.fairness,
        reload_encryption: config.encryption.as_ref().is_some_and(|it| it.reload),
    };
    let mut health = start_up.checks(health, does, alive, ready_to_serve);
    for (at, [alive, ready]) in elsewhere.checks.into_iter().enumerate() {
        health.add(Part::All, format!("etcd-override-{at}"), alive);
        health.add(Part::Ready, format!("etcd-override-readiness-{at}"), ready);
    }
    if let Some(encryption) = encryption {
        if let Some(check) = encryption.check() {
            // Starting again would not help.
            health.add(Part::Serving, "kms-providers", check);
        }
        background.spawn(encryption.follow(Arc::clone(&counted.encryption)));
    }
    let pages = identity
        .accounts
        .pages(&config, &documents::reached_at(&config, address));
    metrics.register(Arc::clone(&counted.authentication) as Arc<dyn Collector>);
    metrics.register(Arc::clone(&counted.authorization) as Arc<dyn Collector>);
    metrics.register(Arc::clone(&counted.encryption) as Arc<dyn Collector>);
    metrics.register(leases as Arc<dyn Collector>);
    metrics.register(Arc::clone(&counted.services) as Arc<dyn Collector>);
    metrics.register(Arc::clone(&identity.running.counted) as Arc<dyn Collector>);
    metrics.register(Arc::new(About::new(&options.switches)));
    metrics.register(Arc::clone(&config.admission.pod_security) as Arc<dyn Collector>);
    metrics.register(Arc::clone(&api.services) as Arc<dyn Collector>);
    metrics.register(Arc::new(api_services::unavailable(Arc::clone(
        &api.registry,
    ))));
    metrics.register(transformations as Arc<dyn Collector>);
    metrics.register(Arc::clone(&counted.reviews) as Arc<dyn Collector>);
    metrics.register(Arc::clone(&counted.audit) as Arc<dyn Collector>);
    metrics.register(Arc::clone(&identity.accounts.counted) as Arc<dyn Collector>);
    metrics.register(Arc::new(token_uses(Arc::clone(&identity.accounts.uses))));
    let queues = Arc::new(WorkQueues::default());
    metrics.register(Arc::clone(&queues) as Arc<dyn Collector>);
    let server = GenericServer::new(GenericServerOptions {
        authenticator: identity.authenticator.clone(),
        authorizer: Arc::clone(&access.authorizer),
        constrained_impersonation: options.switches.gate("ConstrainedImpersonation"),
        unsafe_deletion: options.switches.gate("AllowUnsafeMalformedObjectDeletion"),
        registry: Arc::clone(&api.registry),
        documents: Arc::new(Documents::new(
            documents::discovery(&api.offered, &config, address),
            documents::openapi(api.offered, &pages),
        )),
        health,
        pages,
        about: AboutSelf {
            flags: config.shown.clone(),
            version: version::GIT_VERSION.trim_start_matches('v').to_owned(),
            emulates: version::EMULATES.to_owned(),
            started: SystemTime::now(),
        },
        metrics,
        environment: environment.clone(),
        version: version::json(),
        tables: Some(Arc::new(BuiltIn::default())),
        deprecation: documents::deprecation,
        audit,
        fairness: fairness.clone(),
        limits: limits(&config),
    });

    for hook in hooks {
        background.spawn(hook);
    }
    if let Some(fairness) = fairness {
        background.spawn(async move { fairness.keep_dividing().await });
    }
    background.spawn(rbac::feed::feed(&api.registry, &roles));
    if config.authorization.has(&AuthorizationMode::Node) {
        background.spawn(node_uses::feed(&api.registry, &nodes));
    }
    // Whoever decides: the roles are there for who looks at them, or changes who decides.
    background.spawn(rbac::reconcile::bring_in_policy(
        Arc::clone(&api.registry),
        environment.clone(),
        options.switches.clone(),
        Arc::clone(&roles),
        namespaces,
        roles_are_there,
    ));
    background.spawn(controllers::run(
        Arc::clone(&api.registry),
        environment.clone(),
        config.controllers.clone(),
        identity.own_ca()?,
        queues,
    ));
    let tls = Arc::clone(&identity.tls);
    let for_others = Arc::clone(&own.authentication);
    let following = Arc::new(config);
    let config = Arc::clone(&following);
    background.spawn(async move {
        tokio::join!(
            identity.follow(&following, &for_others),
            identity
                .running
                .follow(&following.authentication, &counted.authentication),
            deciding.follow(&following.authorization, &counted.authorization),
        );
    });
    background.spawn(backend.compaction(
        Arc::clone(api.registry.progress()),
        config.compaction_interval,
    ));
    background.spawn(announce(
        start_up,
        Ready {
            address,
            kubeconfig,
        },
        ready,
    ));
    server.serve(listener, Some(tls), shutdown).await;
    if let Some(audit) = recording
        && tokio::time::timeout(LAST_EVENTS, audit.close())
            .await
            .is_err()
    {
        warn!("audit events are lost: they could not be delivered in time");
    }
    background.shutdown().await;
    if let Err(error) = hooks::withdraw(&own).await {
        warn!(%error, "cannot leave the endpoints of the service kubernetes");
    }
    own.registry.stop();
    backend.close().await
}

fn open_backend(config: &Config) -> Result<Backend> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot make --data-dir={}", config.data_dir.display()))?;
    Backend::open(config)
}

/// Does on a thread of its own what the configuration asks for.
async fn blocking<T: Send + 'static>(
    config: &Arc<Config>,
    work: impl FnOnce(&Config) -> Result<T> + Send + 'static,
) -> Result<T> {
    let config = Arc::clone(config);
    tokio::task::spawn_blocking(move || work(&config))
        .await
        .context("a step of the start panicked")?
}

async fn announce(start_up: StartUp, what: Ready, ready: impl FnOnce(&Ready)) {
    start_up.done().await;
    ready(&what);
}

fn limits(config: &Config) -> Limits {
    Limits {
        reads: config.max_requests,
        writes: config.max_mutating_requests,
        clients: config.clients.clone(),
        request_timeout: config.request_timeout,
        min_request_timeout: config.min_request_timeout,
        shutdown_delay: config.shutdown_delay,
        connections: ConnectionLimits {
            http2_streams: config.http2_streams,
            goaway_chance: config.goaway_chance,
            ..ConnectionLimits::default()
        },
        ..Limits::default()
    }
}
