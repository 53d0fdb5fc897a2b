//! Kubernetes' health checks: which there are, and in which order they are told.
//!
//! Monitoring and conformance tests look for the checks by name, so all of kube-apiserver's are here. Those of hooks
//! that do something are claimed by what does it, with [`StartUp::hook`], and fail until that is done. What upstream
//! needs a hook for and this server has by construction, such as informers (the cache is loaded before the first
//! request), is well from the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pintle_endpoints::health::{Check, Health, Milestone, Part};

/// Upstream's post-start hooks, and where among them its check of the registered API versions is told.
const HOOKS: [&str; 34] = [
    RELOAD_ENCRYPTION,
    "start-apiserver-admission-initializer",
    "generic-apiserver-start-informers",
    FAIRNESS[0],
    FAIRNESS[1],
    MAX_IN_FLIGHT,
    "storage-object-count-tracker-hook",
    "start-apiextensions-informers",
    "start-apiextensions-controllers",
    "crd-informer-synced",
    "start-system-namespaces-controller",
    "peer-endpoint-reconciler-controller",
    "start-cluster-authentication-info-controller",
    "start-kube-apiserver-identity-lease-controller",
    "start-kube-apiserver-identity-lease-garbage-collector",
    "storage-readiness",
    "start-legacy-token-tracking-controller",
    "start-service-ip-repair-controllers",
    "rbac/bootstrap-roles",
    "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer",
    "bootstrap-controller",
    "start-kubernetes-service-cidr-controller",
    "aggregator-reload-proxy-client-cert",
    "start-kube-aggregator-informers",
    "apiservice-status-local-available-controller",
    "apiservice-status-remote-available-controller",
    "apiservice-registration-controller",
    "apiservice-wait-for-first-sync",
    "apiservice-discovery-controller",
    "kube-apiserver-autoregistration",
    AUTOREGISTER,
    "apiservice-openapi-controller",
    "apiservice-openapiv3-controller",
];

/// The one check among them that is no hook's.
const AUTOREGISTER: &str = "autoregister-completion";

const RELOAD_ENCRYPTION: &str = "start-encryption-provider-config-automatic-reload";
const FAIRNESS: [&str; 2] = [
    "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter",
];
const MAX_IN_FLIGHT: &str = "max-in-flight-filter";

/// What not every server does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Does {
    /// Requests wait by priority and fairness, and not just for a place.
    pub fairness: bool,
    /// The file of `--encryption-provider-config` is read again when it changes.
    pub reload_encryption: bool,
}

impl Does {
    fn has(self, hook: &str) -> bool {
        match hook {
            RELOAD_ENCRYPTION => self.reload_encryption,
            MAX_IN_FLIGHT => !self.fairness,
            hook => self.fairness || !FAIRNESS.contains(&hook),
        }
    }
}

/// What has to be done before the server is ready.
#[derive(Debug, Clone)]
pub struct StartUp(Arc<[Hook]>);

#[derive(Debug)]
struct Hook {
    name: &'static str,
    /// Somebody reaches the milestone.
    claimed: AtomicBool,
    done: Milestone,
}

impl Hook {
    fn is_well(&self) -> bool {
        !self.claimed.load(Ordering::Acquire) || self.done.is_reached()
    }
}

impl Default for StartUp {
    fn default() -> Self {
        let hook = |name| Hook {
            name,
            claimed: AtomicBool::new(false),
            done: Milestone::default(),
        };
        Self(HOOKS.map(hook).into())
    }
}

impl StartUp {
    /// The milestone of a hook, without `poststarthook/`: whoever asks for it has to reach it, or the server never
    /// becomes ready. Asked for again it is the same one.
    ///
    /// # Panics
    /// At start-up, for a name that upstream does not have.
    pub fn hook(&self, name: &str) -> Milestone {
        let Some(hook) = self.0.iter().find(|hook| hook.name == name) else {
            panic!("there is no post-start hook {name}");
        };
        hook.claimed.store(true, Ordering::Release);
        hook.done.clone()
    }

    /// Waits until all hooks that were asked for have been done.
    pub async fn done(&self) {
        for hook in self.0.iter() {
            if hook.claimed.load(Ordering::Acquire) {
                hook.done.reached().await;
            }
        }
    }

    /// All checks but `shutdown`, which the server adds itself. `alive` tells whether the store answers, `ready` whether
    /// it does so in the time that those have who wait.
    pub fn checks(
        &self,
        mut health: Health,
        does: Does,
        alive: impl Check,
        ready: impl Check,
    ) -> Health {
        health.add(Part::Live, "loopback-serving-certificate", || Ok(()));
        health.add(Part::All, "etcd", alive);
        health.add(Part::Ready, "etcd-readiness", ready);
        health.add(Part::Ready, "informer-sync", || Ok(()));
        let there = HOOKS.into_iter().enumerate();
        for (at, name) in there.filter(|(_, name)| does.has(name)) {
            let shown = if name == AUTOREGISTER {
                name.to_owned()
            } else {
                format!("poststarthook/{name}")
            };
            let hooks = Arc::clone(&self.0);
            health.add(Part::StartUp, shown, move || {
                if hooks[at].is_well() {
                    Ok(())
                } else {
                    Err("not finished".to_owned())
                }
            });
        }
        health
    }
}

#[cfg(test)]
mod tests {
    use pintle_endpoints::health::Endpoint;

    use super::*;

    #[test]
    fn a_hook_that_is_claimed_has_to_be_done_before_the_server_is_ready() {
        let start_up = StartUp::default();
        let health = start_up.checks(Health::new(), Does::default(), || Ok(()), || Ok(()));
        assert!(health.is_well(Endpoint::Readyz));
        let done = start_up.hook("bootstrap-controller");
        assert!(!health.is_well(Endpoint::Readyz));
        start_up.hook("bootstrap-controller").reach();
        assert!(done.is_reached());
        assert!(health.is_well(Endpoint::Readyz));
    }
}
