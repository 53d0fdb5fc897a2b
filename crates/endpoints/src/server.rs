//! A server of its own: [`GenericServer`].
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use pintle_endpoints::server::{GenericServer, GenericServerOptions};
//! # async fn run(options: GenericServerOptions, tls: pintle_endpoints::serve::Tls) -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:6443").await?;
//! let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! GenericServer::new(options).serve(listener, Some(Arc::new(tls)), stop).await;
//! # Ok(()) }
//! ```

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use pintle_authn::Authenticator;
use pintle_authz::Authorizer;
use pintle_runtime::resource::Resource;
use tokio::net::TcpListener;

use crate::audit::Audit;
use crate::body;
use crate::chain::Chain;
use crate::context::Environment;
use crate::documents::Documents;
use crate::fairness::Fairness;
use crate::gate::Gate;
use crate::handlers::Serving;
use crate::health::{Health, Milestone, Part};
use crate::impersonation::Impersonation;
use crate::inflight::Inflight;
use crate::metrics::{Admission, Collector, Metrics, Stores};
use crate::per_client::{ClientLimits, Clients};
use crate::registry::Registry;
pub use crate::roots::{AboutSelf, Contents, Page};
use crate::serve::{self, ConnectionLimits, Drain, Tls};
use crate::table::Tables;

/// What a server is made of. Every part is there before it starts.
pub struct GenericServerOptions {
    /// Who is it. A [`Union`](pintle_authn::Union) with anonymous access, or without.
    pub authenticator: Arc<dyn Authenticator>,
    /// May they. A [`Union`](pintle_authz::Union) that begins with `SystemMasters`, as a rule.
    pub authorizer: Arc<dyn Authorizer>,
    /// Whether who asks may be allowed to be somebody else for some verbs only.
    pub constrained_impersonation: bool,
    /// Whether who is allowed to may delete what can not be read: `ignoreStoreReadErrorWithClusterBreakingPotential`.
    pub unsafe_deletion: bool,
    /// The resources.
    pub registry: Arc<Registry>,
    /// Discovery and OpenAPI.
    pub documents: Arc<Documents>,
    /// Health checks. The server adds `shutdown`, to `/readyz`.
    pub health: Health,
    /// Documents at paths of their own.
    pub pages: Vec<Page>,
    /// What `/flagz` and `/statusz` show.
    pub about: AboutSelf,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Time and randomness.
    pub environment: Environment,
    /// The body of `/version`: compact JSON without a newline.
    pub version: Vec<u8>,
    /// Rows of tables; without them, clients are given the objects themselves.
    pub tables: Option<Arc<dyn Tables>>,
    /// What is said to who uses a resource in a version on its way out.
    pub deprecation: fn(&Resource) -> Option<Deprecation>,
    /// What is recorded of requests, and where.
    pub audit: Option<Arc<Audit>>,
    /// Who goes first. Without it, who comes too late is turned away.
    pub fairness: Option<Arc<Fairness>>,
    /// How much at once, and how long.
    pub limits: Limits,
}

/// That a resource will not be served for ever in a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecation {
    /// What is said to who uses it.
    pub warning: String,
    /// The release that will not have it any more, such as `1.40`, or nothing where that is open.
    pub removed: String,
}

/// How much at once, and how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Reads at once; zero is no limit.
    pub reads: usize,
    /// Writes at once; zero is no limit.
    pub writes: usize,
    /// What a single client may ask.
    pub clients: ClientLimits,
    /// Time for a request that is not long-running.
    pub request_timeout: Duration,
    /// Time that a watch runs at least that does not say.
    pub min_request_timeout: Duration,
    /// Serving on after `/readyz` has begun to fail.
    pub shutdown_delay: Duration,
    /// Size of a request's body, in bytes.
    pub body: usize,
    /// Connections.
    pub connections: ConnectionLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reads: 400,
            writes: 200,
            clients: ClientLimits::default(),
            request_timeout: Duration::from_secs(60),
            min_request_timeout: Duration::from_secs(1800),
            shutdown_delay: Duration::ZERO,
            body: body::LIMIT,
            connections: ConnectionLimits::default(),
        }
    }
}

/// An API server without an API: it serves the resources that it is given.
pub struct GenericServer {
    chain: Arc<Chain>,
    drain: Drain,
    shutting_down: Milestone,
    limits: Limits,
    metrics: Arc<Metrics>,
}

impl GenericServer {
    /// A server of these parts.
    pub fn new(options: GenericServerOptions) -> Self {
        let GenericServerOptions {
            mut health,
            metrics,
            limits,
            ..
        } = options;
        let drain = Drain::new();
        let shutting_down = Milestone::default();
        let stop = shutting_down.clone();
        health.add(Part::Ready, "shutdown", move || {
            if stop.is_reached() {
                Err("process is shutting down".to_owned())
            } else {
                Ok(())
            }
        });
        metrics.register(Arc::new(Stores(Arc::clone(&options.registry))));
        if let Some(fairness) = &options.fairness {
            metrics.register(Arc::clone(fairness) as Arc<dyn Collector>);
        }
        metrics.register(Arc::clone(options.registry.asked()) as Arc<dyn Collector>);
        metrics.register(Arc::new(Admission(Arc::clone(&options.registry))));
        let serving = Serving {
            registry: options.registry,
            environment: options.environment,
            metrics: Arc::clone(&metrics),
            draining: drain.told(),
            min_request_timeout: limits.min_request_timeout,
            body_limit: limits.body,
            tables: options.tables,
            authorizer: options.authorizer,
            unsafe_deletion: options.unsafe_deletion,
            deprecation: options.deprecation,
        };
        let chain = Chain {
            authenticator: options.authenticator,
            gate: Gate {
                inflight: Inflight::new(limits.reads, limits.writes, &metrics.requests),
                fairness: options.fairness.clone(),
                clients: Clients::new(limits.clients.clone()),
            },
            roots: crate::roots::Roots::new(
                options.documents,
                health,
                options.pages,
                options.about,
                options.version,
                Arc::clone(&metrics),
                options.fairness,
            ),
            metrics: Arc::clone(&metrics),
            audit: options.audit,
            request_timeout: limits.request_timeout,
            impersonation: Impersonation::new(options.constrained_impersonation),
            serving,
        };
        Self {
            chain: Arc::new(chain),
            drain,
            shutting_down,
            limits,
            metrics,
        }
    }

    /// Serves until `shutdown` is ready, and then until what is under way is done: `/readyz` fails
    /// from then on, after the delay nothing new is accepted, watches end, requests finish within
    /// their time.
    ///
    /// Without TLS it speaks HTTP/1.1, for tests.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        tls: Option<Arc<Tls>>,
        shutdown: impl Future<Output = ()>,
    ) {
        let told = self.drain.starter();
        let stopping = async {
            shutdown.await;
            self.shutting_down.reach();
            tokio::time::sleep(self.limits.shutdown_delay).await;
            told.begin();
            std::future::pending::<()>().await;
        };
        let serving = serve::serve(
            listener,
            tls,
            self.limits.connections,
            Arc::clone(&self.metrics),
            Arc::clone(&self.chain),
            &mut self.drain,
            self.limits.request_timeout,
        );
        tokio::select! {
            () = stopping => {}
            () = serving => {}
        }
    }
}
