//! The controllers that a lone API server needs: what kube-controller-manager does in a cluster so that objects come and
//! go as their API says.
//!
//! | name | what it does |
//! | --- | --- |
//! | `namespace-controller` | empties namespaces that are to go, and lets them |
//! | `garbage-collector-controller` | takes away what has lost its owner, in the way that a delete asked for |
//! | `serviceaccount-controller` | sees to the service account `default` of every namespace |
//! | `root-ca-certificate-publisher-controller` | sees to the config map `kube-root-ca.crt` of every namespace |
//! | `clusterrole-aggregation-controller` | fills cluster roles that gather the rules of others |
//! | `resourcequota-controller` | counts what is used of every quota |
//!
//! Each goes by the state that it finds and not by events: it looks again whenever the store has moved on, compares with
//! what should be, and does the difference. So it may be stopped at any moment, and what failed is done the next time.
//! A store that rests costs nothing but a glance at its revision.

mod counted;
mod event;
mod garbage;
mod namespaces;
mod quotas;
mod standing;

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use pintle_endpoints::context::{Environment, RequestContext};
use pintle_endpoints::permit::Permit;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::store::Store;
use pintle_runtime::status::ApiError;
use tracing::warn;

use self::counted::Queue;
pub use self::counted::WorkQueues;
use crate::hooks::server_user;

/// Names of the controllers, as kube-controller-manager has them.
pub const NAMES: [&str; 6] = [
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "resourcequota-controller",
];

/// Which controllers run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Controllers(HashSet<&'static str>);

impl Controllers {
    /// Every one.
    pub fn all() -> Self {
        Self(NAMES.into())
    }

    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of a list in which `*` is every one and `-name` is all but that one.
    ///
    /// # Errors
    /// A name that is none.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let known = |name: &str| {
            NAMES
                .into_iter()
                .find(|known| *known == name)
                .ok_or_else(|| format!("\"{name}\" is none of {}", NAMES.join(", ")))
        };
        let mut chosen = Self::none();
        for name in names {
            match name.strip_prefix('-') {
                Some(name) => {
                    chosen.0.remove(known(name)?);
                }
                None if name == "*" => chosen.0.extend(NAMES),
                None => {
                    chosen.0.insert(known(name)?);
                }
            }
        }
        Ok(chosen)
    }

    /// Whether a controller runs.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// What controllers work with.
#[derive(Clone)]
struct Tools {
    registry: Arc<Registry>,
    environment: Environment,
    /// The controller: who is named in `managedFields`.
    name: &'static str,
}

impl Tools {
    fn context(&self, namespace: &str) -> RequestContext {
        let user = Arc::new(server_user());
        let mut cx = RequestContext::new(user, namespace.to_owned(), self.environment.clone());
        cx.field_manager = "kube-controller-manager".into();
        cx
    }

    fn permit(&self) -> Permit {
        Permit::of_the_server_itself(self.name)
    }

    fn store(&self, group: &str, resource: &str) -> Result<Arc<Store>, ApiError> {
        self.registry
            .store(group, "v1", resource)
            .ok_or_else(|| ApiError::internal(format!("{resource} are not served")))
    }

    /// Every kind that is kept, once, in the version of its hub.
    fn stores(&self) -> Vec<Arc<Store>> {
        let mut seen = HashSet::new();
        let stores = self.registry.stores();
        let is_new = |store: &&Arc<Store>| {
            store.version() == pintle_endpoints::cache::Version::HUB
                && seen.insert(Arc::as_ptr(store.cache()))
        };
        stores.iter().filter(is_new).cloned().collect()
    }
}

/// A controller: called whenever the store has moved on.
trait Controller: Send {
    /// Does the difference between what is and what should be.
    fn pass(&mut self) -> Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + '_>>;
}

/// How often controllers look whether the store has moved on.
const GLANCE: Duration = Duration::from_millis(100);
/// How often they look at everything whether or not it has.
const RESYNC: Duration = Duration::from_secs(300);

/// Runs the chosen controllers until it is dropped. `root_ca` is the CA of the serving certificate, in PEM; without one
/// nothing is published. What they do is counted in `queues`.
pub async fn run(
    registry: Arc<Registry>,
    environment: Environment,
    chosen: Controllers,
    root_ca: Option<String>,
    queues: Arc<WorkQueues>,
) {
    let tools = |name| Tools {
        registry: Arc::clone(&registry),
        environment: environment.clone(),
        name,
    };
    let mut running: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    for name in NAMES.into_iter().filter(|name| chosen.has(name)) {
        let tools = tools(name);
        let pause = if name == "resourcequota-controller" {
            GLANCE * 5
        } else {
            GLANCE
        };
        let controller: Box<dyn Controller> = match name {
            "namespace-controller" => Box::new(namespaces::Namespaces::new(tools.clone())),
            "garbage-collector-controller" => Box::new(garbage::Collector::new(tools.clone())),
            "serviceaccount-controller" => Box::new(standing::Accounts(tools.clone())),
            "root-ca-certificate-publisher-controller" => match &root_ca {
                Some(root_ca) => Box::new(standing::RootCa::new(tools.clone(), root_ca.clone())),
                None => continue,
            },
            "resourcequota-controller" => Box::new(quotas::Quotas::new(tools.clone())),
            _ => {
                running.push(Box::pin(crate::rbac::aggregation::keep_aggregated(
                    Arc::clone(&registry),
                    environment.clone(),
                )));
                continue;
            }
        };
        let queue = queues.of(name);
        running.push(Box::pin(keep(tools, controller, pause, queue)));
    }
    futures_util::future::join_all(running).await;
}

/// Calls a controller whenever the store has moved on, and again where it failed.
async fn keep(
    tools: Tools,
    mut controller: Box<dyn Controller>,
    pause: Duration,
    queue: Arc<Queue>,
) {
    let mut seen = None;
    let mut resync = tokio::time::Instant::now();
    loop {
        let revision = tools.registry.progress().revision();
        if seen != Some(revision) || resync.elapsed() > RESYNC {
            if resync.elapsed() > RESYNC {
                resync = tokio::time::Instant::now();
            }
            if !queue.is_due() {
                queue.add();
            }
            queue.begin();
            let done = controller.pass().await;
            queue.end();
            match done {
                Ok(()) => seen = Some(revision),
                Err(error) => {
                    warn!(controller = tools.name, %error, "could not finish; trying again");
                    seen = None;
                    queue.retry();
                    tokio::time::sleep(pause * 5).await;
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_controllers_all_of_them_or_all_but_some() {
        let names = |list: &[&str]| Controllers::parse(list.iter().copied());
        assert_eq!(names(&["*"]), Ok(Controllers::all()));
        assert_eq!(names(&[]), Ok(Controllers::none()));
        let some = names(&["*", "-namespace-controller"]).unwrap();
        assert!(!some.has("namespace-controller") && some.has("resourcequota-controller"));
        assert!(names(&["nonsense"]).unwrap_err().contains("nonsense"));
    }
}
