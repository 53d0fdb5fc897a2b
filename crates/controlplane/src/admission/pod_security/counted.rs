//! What is counted of pods that are judged.

use pintle_endpoints::admission::Attributes;
use pintle_endpoints::metrics::{Collector, Counter, Family, Samples};

use super::policy::{Level, LevelVersion, Version};

/// The newest release whose standards are known by a number of their own.
const NEWEST: u32 = 36;

/// The families of `PodSecurity`.
#[derive(Debug)]
pub struct PodSecurityMetrics {
    evaluations: Family<Counter>,
    exemptions: Family<Counter>,
    errors: Family<Counter>,
}

impl Default for PodSecurityMetrics {
    fn default() -> Self {
        let evaluations = Family::new(
            "pod_security_evaluations_total",
            "[ALPHA] Number of policy evaluations that occurred, not counting ignored or exempt requests.",
            &[
                "decision",
                "policy_level",
                "policy_version",
                "mode",
                "request_operation",
                "resource",
                "subresource",
            ],
            Counter::default,
        );
        let exemptions = Family::new(
            "pod_security_exemptions_total",
            "[ALPHA] Number of exempt requests, not counting ignored or out of scope requests.",
            &["request_operation", "resource", "subresource"],
            Counter::default,
        );
        // Told of before there are any, as upstream does.
        for operation in ["create", "update"] {
            let allowed = ["allow", "privileged", "latest", "enforce", operation, "pod"];
            evaluations.with(&[&allowed[..], &[""][..]].concat());
            exemptions.with(&[operation, "pod", ""]);
        }
        Self {
            evaluations,
            exemptions,
            errors: Family::new(
                "pod_security_errors_total",
                "[ALPHA] Number of errors preventing normal evaluation. Non-fatal errors may result in the latest restricted profile \
                 being used for evaluation.",
                &["fatal", "request_operation", "resource", "subresource"],
                Counter::default,
            ),
        }
    }
}

/// Operation, resource and subresource, as all families have them.
fn request<'a>(attributes: &Attributes<'a>) -> [&'a str; 3] {
    let operation = if attributes.old.is_some() {
        "update"
    } else {
        "create"
    };
    let resource = match &*attributes.resource.name {
        "pods" => "pod",
        "namespaces" => "namespace",
        _ => "controller",
    };
    [operation, resource, attributes.subresource]
}

impl PodSecurityMetrics {
    /// Something was judged by a policy, in a mode: `enforce`, `audit` or `warn`.
    pub(super) fn judged(
        &self,
        is_allowed: bool,
        policy: LevelVersion,
        mode: &str,
        attributes: &Attributes<'_>,
    ) {
        let decision = if is_allowed { "allow" } else { "deny" };
        let version = match policy.version {
            _ if policy.level == Level::Privileged => "latest".to_owned(),
            Version::Latest => "latest".to_owned(),
            Version::Minor(minor) if minor > NEWEST => "future".to_owned(),
            Version::Minor(minor) => format!("v1.{minor}"),
        };
        let [operation, resource, subresource] = request(attributes);
        let level = policy.level.as_str();
        self.evaluations
            .with(&[
                decision,
                level,
                &version,
                mode,
                operation,
                resource,
                subresource,
            ])
            .inc();
    }

    /// Nobody looked, as nobody has to.
    pub(super) fn exempted(&self, attributes: &Attributes<'_>) {
        self.exemptions.with(&request(attributes)).inc();
    }

    /// Something could not be judged as it should have been.
    pub(super) fn failed(&self, is_fatal: bool, attributes: &Attributes<'_>) {
        let [operation, resource, subresource] = request(attributes);
        let fatal = if is_fatal { "true" } else { "false" };
        self.errors
            .with(&[fatal, operation, resource, subresource])
            .inc();
    }
}

impl Collector for PodSecurityMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        self.evaluations.collect(samples);
        self.exemptions.collect(samples);
        self.errors.collect(samples);
    }
}
