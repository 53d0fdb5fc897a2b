//! Kubernetes' health checks: which there are, and in which order they are told.
//!
//! Monitoring and conformance tests look for the checks by name, so all of kube-apiserver's are here. Those of hooks
//! that do something are claimed by what does it, with [`StartUp::hook`], and fail until that is done. What upstream
//! needs a hook for and this server has by construction, such as informers (the cache is loaded before the first
//! request), is well from the start.

use pintle_endpoints::health::{Check, Health, Milestone, Part};

/// Upstream's post-start hooks, and where among them its check of the registered API versions is told.
const HOOKS: [&str; 32] = [
    "start-apiserver-admission-initializer",
    "generic-apiserver-start-informers",
    "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter",
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

/// What has to be done before the server is ready.
#[derive(Debug, Default)]
pub struct StartUp {
    claimed: Vec<(&'static str, Milestone)>,
}

impl StartUp {
    /// The milestone of a hook, without `poststarthook/`: whoever asks for it has to reach it, or the server never
    /// becomes ready. Asked for again it is the same one.
    ///
    /// # Panics
    /// At start-up, for a name that upstream does not have.
    pub fn hook(&mut self, name: &'static str) -> Milestone {
        assert!(HOOKS.contains(&name), "there is no post-start hook {name}");
        if let Some((_, milestone)) = self.claimed.iter().find(|(found, _)| *found == name) {
            return milestone.clone();
        }
        let milestone = Milestone::default();
        self.claimed.push((name, milestone.clone()));
        milestone
    }

    /// Whether all hooks that were asked for have been done.
    pub fn is_done(&self) -> bool {
        self.claimed
            .iter()
            .all(|(_, milestone)| milestone.is_reached())
    }

    /// All checks but `shutdown`, which the server adds itself. `store` tells whether the store answers.
    pub fn checks(&self, mut health: Health, store: impl Check + Clone) -> Health {
        health.add(Part::Live, "loopback-serving-certificate", || Ok(()));
        health.add(Part::All, "etcd", store.clone());
        health.add(Part::Ready, "etcd-readiness", store);
        health.add(Part::Ready, "informer-sync", || Ok(()));
        for name in HOOKS {
            let shown = if name == AUTOREGISTER {
                name.to_owned()
            } else {
                format!("poststarthook/{name}")
            };
            match self.claimed.iter().find(|(found, _)| *found == name) {
                Some((_, milestone)) => health.add(Part::StartUp, shown, milestone.clone()),
                None => health.add(Part::StartUp, shown, || Ok(())),
            }
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
        let mut start_up = StartUp::default();
        let done = start_up.hook("bootstrap-controller");
        let health = start_up.checks(Health::new(), || Ok(()));
        assert!(!health.is_well(Endpoint::Readyz));
        start_up.hook("bootstrap-controller").reach();
        assert!(done.is_reached() && start_up.is_done());
        assert!(health.is_well(Endpoint::Readyz));
    }
}
