//! What a server does once it has started.
//!
//! Each hook is a loop: it brings something about, which counts as done after the first pass that
//! succeeds, and looks after it from then on. [`start`] makes all of them and claims their health checks.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use pintle_endpoints::context::{Environment, RequestContext};
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::fairness::Fairness;
use pintle_endpoints::health::Milestone;
use pintle_endpoints::permit::Permit;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::store::{Change, Store, Written};
use pintle_runtime::resource::Group;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::Record;
use pintle_storage::Storage;
use tracing::warn;

use crate::health::StartUp;
use crate::services::{Services, repair};
use crate::{api_services, definitions};

mod authentication_info;
mod endpoints;
mod flow_control;
mod identity;
mod kubernetes_service;
mod namespaces;
mod on_change;
mod priority_classes;
mod service_cidr;
mod token_tracking;

pub use authentication_info::{AuthenticationInfo, RequestHeaderInfo};
pub use endpoints::withdraw;
pub use identity::server_id;

/// Others write into the namespaces that it makes.
const NAMESPACES: &str = "start-system-namespaces-controller";
/// Services have addresses once it is done.
const SERVICE_CIDRS: &str = "start-kubernetes-service-cidr-controller";
/// Between passes that fail before the first that does not.
const RETRY: Duration = Duration::from_millis(100);
/// Who writes what nobody asked for.
pub(crate) const MANAGER: &str = "kube-apiserver";

/// What hooks work with.
#[derive(Clone)]
pub struct HookOptions {
    /// The stores.
    pub registry: Arc<Registry>,
    /// What lies under them.
    pub storage: Arc<dyn Storage>,
    /// Prefix of every key, such as `/registry`.
    pub key_prefix: String,
    /// Time and randomness.
    pub environment: Environment,
    /// The rows that are served.
    pub offered: Vec<Group>,
    /// Addresses and node ports.
    pub services: Arc<Services>,
    /// Where the cluster reaches this server; without it, there are no endpoints of the Service `kubernetes`.
    pub advertise: Option<IpAddr>,
    /// The port there.
    pub port: u16,
    /// What this machine is called.
    pub hostname: String,
    /// Who is to be told of flow schemas and priority levels.
    pub fairness: Option<Arc<Fairness>>,
    /// How other servers are to know who asks; they are told of changes within a minute.
    pub authentication: Arc<RwLock<AuthenticationInfo>>,
}

/// All hooks, to be run for as long as the server does. `start_up` is told which checks wait for them.
pub fn start(options: &HookOptions, start_up: &StartUp) -> Vec<BoxFuture<'static, ()>> {
    let ours = Ours {
        registry: Arc::clone(&options.registry),
        environment: options.environment.clone(),
    };
    let minute = Duration::from_secs(60);
    let ten_seconds = Duration::from_secs(10);
    let mut hooks = Hooks {
        start_up,
        running: Vec::new(),
    };
    let each = |ours: &Ours| ours.clone();
    let cx = each(&ours);
    hooks.add(NAMESPACES, minute, &[], move || {
        let cx = cx.clone();
        async move { namespaces::make(&cx).await }
    });
    let (cx, services) = (each(&ours), Arc::clone(&options.services));
    hooks.add(SERVICE_CIDRS, ten_seconds, &[], move || {
        let (cx, services) = (cx.clone(), Arc::clone(&services));
        async move { service_cidr::make(&cx, &services).await }
    });
    let (cx, all) = (each(&ours), options.clone());
    let before = [NAMESPACES, SERVICE_CIDRS];
    hooks.add("bootstrap-controller", ten_seconds, &before, move || {
        let (cx, all) = (cx.clone(), all.clone());
        async move {
            kubernetes_service::make(&cx, &all).await?;
            endpoints::publish(&cx, &all).await
        }
    });
    let cx = each(&ours);
    hooks.add(
        "scheduling/bootstrap-system-priority-classes",
        minute,
        &[],
        move || {
            let cx = cx.clone();
            async move { priority_classes::make(&cx).await }
        },
    );
    let cx = each(&ours);
    let producer = "priority-and-fairness-config-producer";
    hooks.add(producer, minute, &[], move || {
        let cx = cx.clone();
        async move { flow_control::make(&cx).await }
    });
    if let Some(fairness) = &options.fairness {
        let told = hooks.start_up.hook("priority-and-fairness-config-consumer");
        let produced = hooks.start_up.hook(producer);
        let fairness = Arc::clone(fairness);
        let following = flow_control::follow(each(&ours), fairness, produced, told);
        hooks.running.push(Box::pin(following));
    }
    let (cx, info) = (each(&ours), Arc::clone(&options.authentication));
    hooks.add(
        "start-cluster-authentication-info-controller",
        minute,
        &[NAMESPACES],
        move || {
            let info = info.read().unwrap_or_else(PoisonError::into_inner);
            let (cx, info) = (cx.clone(), info.clone());
            async move { authentication_info::make(&cx, &info).await }
        },
    );
    let cx = each(&ours);
    hooks.add(
        "start-legacy-token-tracking-controller",
        minute,
        &[NAMESPACES],
        move || {
            let cx = cx.clone();
            async move { token_tracking::make(&cx).await }
        },
    );
    let (cx, lease) = (each(&ours), identity::Identity::new(options));
    hooks.add(
        "start-kube-apiserver-identity-lease-controller",
        ten_seconds,
        &[NAMESPACES],
        move || {
            let (cx, lease) = (cx.clone(), lease.clone());
            async move { lease.renew(&cx).await }
        },
    );
    let cx = each(&ours);
    hooks.add(
        "start-kube-apiserver-identity-lease-garbage-collector",
        identity::COLLECTION_PERIOD,
        &[],
        move || {
            let cx = cx.clone();
            async move { identity::collect(&cx).await }
        },
    );
    let (environment, services) = (options.environment.clone(), Arc::clone(&options.services));
    let hostname = Arc::<str>::from(options.hostname.as_str());
    hooks.add(
        "start-service-ip-repair-controllers",
        repair::PERIOD,
        &[],
        move || {
            let (environment, services) = (environment.clone(), Arc::clone(&services));
            let hostname = Arc::clone(&hostname);
            async move { repair::repair(&environment, &services, &hostname).await }
        },
    );
    let cx = each(&ours);
    hooks.add_on_change(
        "start-apiextensions-controllers",
        &[("apiextensions.k8s.io", "customresourcedefinitions")],
        &ours,
        move || {
            let cx = cx.clone();
            async move { definitions::look(&cx).await }
        },
    );
    let (cx, offered) = (
        each(&ours),
        Arc::<[Group]>::from(options.offered.as_slice()),
    );
    hooks.add("autoregister-completion", minute, &[], move || {
        let (cx, offered) = (cx.clone(), Arc::clone(&offered));
        async move { api_services::register(&cx, &offered).await }
    });
    let cx = each(&ours);
    hooks.add_on_change(
        "apiservice-status-remote-available-controller",
        &api_services::LOOKED_AT,
        &ours,
        move || {
            let cx = cx.clone();
            async move { api_services::look(&cx).await }
        },
    );
    hooks.running
}

struct Hooks<'a> {
    start_up: &'a StartUp,
    running: Vec<BoxFuture<'static, ()>>,
}

impl Hooks<'_> {
    /// Adds a hook whose first pass comes when those called `before` have succeeded.
    fn add<F>(
        &mut self,
        name: &'static str,
        period: Duration,
        before: &[&str],
        pass: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), ApiError>> + Send + 'static,
    {
        let done = self.start_up.hook(name);
        let before: Vec<_> = before.iter().map(|name| self.start_up.hook(name)).collect();
        self.running.push(Box::pin(async move {
            for milestone in before {
                milestone.reached().await;
            }
            keep(name, period, done, pass).await;
        }));
    }

    /// A hook that makes a pass whenever one of the objects of these resources has changed.
    fn add_on_change<F>(
        &mut self,
        name: &'static str,
        resources: &[(&str, &str)],
        ours: &Ours,
        pass: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), ApiError>> + Send + 'static,
    {
        let done = self.start_up.hook(name);
        let stores = resources.iter();
        let stores = stores.filter_map(|(group, resource)| ours.store(group, resource).ok());
        let stores = stores.collect();
        self.running
            .push(Box::pin(on_change::keep(name, stores, done, pass)));
    }
}

/// Makes a pass every `period`, and sooner until one has succeeded. Runs until it is dropped.
async fn keep<F: Future<Output = Result<(), ApiError>>>(
    name: &'static str,
    period: Duration,
    done: Milestone,
    mut pass: impl FnMut() -> F,
) {
    let mut tries = 0_u32;
    loop {
        match pass().await {
            Ok(()) => done.reach(),
            Err(error) => {
                tries += 1;
                // Hooks wait for each other: a first failure says nothing.
                if done.is_reached() || tries % 50 == 20 {
                    warn!(name, %error, "a hook fails; trying again");
                }
            }
        }
        let pause = if done.is_reached() {
            period
        } else {
            RETRY.min(RETRY / 10 * (tries + 1))
        };
        tokio::time::sleep(pause).await;
    }
}

/// The server as its own client.
#[derive(Clone)]
pub(crate) struct Ours {
    registry: Arc<Registry>,
    environment: Environment,
}

impl Ours {
    /// The store of a resource in its version 1.
    pub(crate) fn store(&self, group: &str, resource: &str) -> Result<Arc<Store>, ApiError> {
        let missing = || ApiError::internal(format!("{resource} are not served"));
        self.registry
            .store(group, "v1", resource)
            .ok_or_else(missing)
    }

    /// Writes as one who manages fields as `manager`.
    fn context(&self, namespace: &str, manager: &'static str) -> RequestContext {
        let mut cx = server_context(&self.environment, namespace);
        cx.field_manager = manager.into();
        cx
    }

    /// Makes an object unless it is there.
    pub(crate) async fn create(
        &self,
        store: &Store,
        namespace: &str,
        manager: &'static str,
        new: Record,
    ) -> Result<(), ApiError> {
        let permit = Permit::of_the_server_itself("start-up");
        let cx = self.context(namespace, manager);
        match store.create(&permit, &cx, new).await {
            // Another server was faster.
            Ok(_) | Err(ApiError::AlreadyExists(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The present, in whole seconds.
    pub(crate) fn now(&self) -> Time {
        self.environment.clock.now().truncate_to_seconds()
    }

    /// Lays what a manager says over an object that is there.
    pub(crate) async fn apply(
        &self,
        store: &Store,
        manager: &'static str,
        name: &str,
        config: &Record,
    ) -> Result<Written, ApiError> {
        let permit = Permit::of_the_server_itself("start-up");
        store
            .apply(&permit, &self.context("", manager), name, config)
            .await
    }

    /// Deletes an object that is in no namespace, unless it is gone.
    pub(crate) async fn delete(&self, store: &Store, name: &str) -> Result<(), ApiError> {
        let permit = Permit::of_the_server_itself("start-up");
        let options = DeleteOptions::default();
        match store
            .delete(&permit, &self.context("", MANAGER), name, &options)
            .await
        {
            Ok(_) | Err(ApiError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Changes an object that is there.
    pub(crate) async fn update(
        &self,
        store: &Store,
        namespace: &str,
        manager: &'static str,
        name: &str,
        mut change: impl FnMut(&mut Record) + Send,
    ) -> Result<Written, ApiError> {
        let permit = Permit::of_the_server_itself("start-up");
        let cx = self.context(namespace, manager);
        let make = |old: Option<&Record>| {
            let mut new = old
                .cloned()
                .ok_or_else(|| ApiError::internal("there is nothing to change"))?;
            change(&mut new);
            Ok(new)
        };
        store
            .update_with(&permit, &cx, name, &Change::default(), make)
            .await
    }
}

/// An object of a store as it is now, by its key.
pub(crate) fn found(store: &Store, key: &str) -> Result<Option<Record>, ApiError> {
    store
        .cache()
        .get(key)
        .map(|entry| entry.record())
        .transpose()
}

/// A request that the server makes of itself.
pub(crate) fn server_context(environment: &Environment, namespace: &str) -> RequestContext {
    let user = Arc::new(server_user());
    let mut cx = RequestContext::new(user, namespace.to_owned(), environment.clone());
    cx.field_manager = MANAGER.into();
    cx
}

/// Whom the server's own writes are by.
pub(crate) fn server_user() -> UserInfo {
    UserInfo {
        name: "system:apiserver".into(),
        uid: "".into(),
        groups: vec!["system:authenticated".into(), "system:masters".into()],
        extra: Vec::new(),
    }
}
