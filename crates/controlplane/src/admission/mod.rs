//! Kubernetes' built-in admission plug-ins.
//!
//! [`PLUGINS`] is all of them in the one order in which they are asked; flags say which of them a server has. Each has
//! a file of its own. What they look up they read from the caches, by [`Lookup`].

mod accounts;
mod always;
pub(crate) mod amounts;
mod certificates;
mod configuration;
mod declared_features;
mod event_rate;
mod image_policy;
mod limits;
mod lookup;
mod namespaces;
mod networking;
mod node_restriction;
mod nodes;
mod owners;
mod pod_security;
mod pods;
mod policies;
mod priority;
mod quota;
mod rule;
mod runtime_class;
mod tolerations;
mod volumes;

use std::collections::BTreeSet;
use std::sync::Arc;

use pintle_api::settings::Settings;
use pintle_authz::Authorizer;
use pintle_endpoints::admission::{Chain, Plugin};
use pintle_endpoints::client::Webhook;
use pintle_endpoints::registry::Registry;

pub use configuration::{Configuration, ConfigurationError};
pub(crate) use lookup::{Elsewhere, Lookup};
pub use pod_security::PodSecurityMetrics;
use rule::{AtOnce, Rule};
pub use tolerations::TolerationSeconds;
pub(crate) use volumes::class as storage_class;

/// Which plug-ins a server has, and how they are set up.
#[derive(Debug, Clone, Default)]
pub struct AdmissionOptions {
    /// `--enable-admission-plugins`: more than the default ones.
    pub enable: Vec<String>,
    /// `--disable-admission-plugins`: fewer.
    pub disable: Vec<String>,
    /// What the file of `--admission-control-config-file` says.
    pub configuration: Configuration,
    /// Whom `ImagePolicyWebhook` asks.
    pub image_policy: Option<Arc<Webhook>>,
    /// What is on and off.
    pub settings: Settings,
    /// How long pods stay on a node that is gone.
    pub toleration_seconds: TolerationSeconds,
    /// What is counted of pods that are judged.
    pub pod_security: Arc<PodSecurityMetrics>,
}

impl AdmissionOptions {
    /// What is wrong with the names, in upstream's words.
    pub fn faults(&self) -> Vec<String> {
        let unknown = |flag: &'static str, names: &[String]| -> Vec<String> {
            names
                .iter()
                .filter(|name| entry(name).is_none())
                .map(|name| format!("{flag} plugin \"{name}\" is unknown"))
                .collect()
        };
        let mut faults = unknown("enable-admission-plugins", &self.enable);
        faults.extend(unknown("disable-admission-plugins", &self.disable));
        let enabled = self.enable.iter().map(String::as_str);
        let both: BTreeSet<_> = enabled
            .filter(|name| self.disable.iter().any(|it| it == name))
            .collect();
        if !both.is_empty() {
            let both: Vec<_> = both.into_iter().collect();
            faults.push(format!(
                "[{}] in enable-admission-plugins and disable-admission-plugins overlapped",
                both.join(" ")
            ));
        }
        faults
    }

    /// `--admission-control`: these plug-ins and no others, which leaves nothing to the other flags. Gives what is wrong with
    /// that, in upstream's words.
    pub fn allow_only(&mut self, names: Vec<String>) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.enable.is_empty() || !self.disable.is_empty() {
            faults.push(
                "admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive"
                    .to_owned(),
            );
        }
        let (known, unknown): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| entry(name).is_some());
        let unknown = unknown.iter();
        faults
            .extend(unknown.map(|name| format!("admission-control plugin \"{name}\" is unknown")));
        if faults.is_empty() {
            let others = PLUGINS.iter().map(|plugin| plugin.name.to_owned());
            self.disable = others.filter(|name| !known.contains(name)).collect();
            self.enable = known;
        }
        faults
    }

    fn has(&self, plugin: &Entry) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == plugin.name);
        named(&self.enable) || (plugin.default && !named(&self.disable))
    }
}

/// What plug-ins are made from.
pub(crate) struct Parts<'a> {
    pub lookup: Lookup,
    pub authorizer: Arc<dyn Authorizer>,
    pub options: &'a AdmissionOptions,
}

impl Parts<'_> {
    fn lookup(&self) -> Lookup {
        self.lookup.clone()
    }

    fn settings(&self, plugin: &str) -> Option<&serde_json::Value> {
        self.options.configuration.of(plugin)
    }

    fn signer(&self, act: certificates::Act) -> Arc<dyn Plugin> {
        Arc::new(certificates::ForSigner {
            act,
            authorizer: Arc::clone(&self.authorizer),
        })
    }
}

fn rule(rule: impl Rule) -> Result<Arc<dyn Plugin>, ConfigurationError> {
    Ok(Arc::new(AtOnce(rule)))
}

/// Makes a plug-in, or says what is wrong with its configuration.
type Make = fn(&Parts<'_>) -> Result<Arc<dyn Plugin>, ConfigurationError>;

/// A plug-in: its name, whether it is there without flags, and how it is made. Without code it is known and does
/// nothing.
struct Entry {
    name: &'static str,
    default: bool,
    make: Option<Make>,
}

const fn on(name: &'static str, make: Make) -> Entry {
    Entry {
        name,
        default: true,
        make: Some(make),
    }
}

const fn off(name: &'static str, make: Make) -> Entry {
    Entry {
        name,
        default: false,
        make: Some(make),
    }
}

const fn absent(name: &'static str, default: bool) -> Entry {
    Entry {
        name,
        default,
        make: None,
    }
}

/// Every plug-in, in upstream's order.
const PLUGINS: &[Entry] = &[
    off("AlwaysAdmit", |_| Ok(Arc::new(always::Admit))),
    off("NamespaceAutoProvision", |parts| {
        Ok(Arc::new(namespaces::AutoProvision(parts.lookup())))
    }),
    on("NamespaceLifecycle", |parts| {
        Ok(Arc::new(namespaces::Lifecycle(parts.lookup())))
    }),
    off("NamespaceExists", |parts| {
        Ok(Arc::new(namespaces::Exists(parts.lookup())))
    }),
    off("LimitPodHardAntiAffinityTopology", |_| {
        rule(pods::AntiAffinityTopology)
    }),
    on("LimitRanger", |parts| {
        rule(limits::LimitRanger(parts.lookup()))
    }),
    on("ServiceAccount", |parts| {
        Ok(Arc::new(accounts::ServiceAccounts(parts.lookup())))
    }),
    off("NodeRestriction", |parts| {
        Ok(Arc::new(node_restriction::NodeRestriction {
            lookup: parts.lookup(),
            authorizer: Arc::clone(&parts.authorizer),
        }))
    }),
    on("TaintNodesByCondition", |_| rule(nodes::NotReadyTaint)),
    off("AlwaysPullImages", |_| rule(pods::AlwaysPull)),
    off("ImagePolicyWebhook", |parts| {
        let settings = parts.settings("ImagePolicyWebhook");
        let webhook = parts.options.image_policy.as_ref();
        Ok(Arc::new(image_policy::ImagePolicy::new(webhook, settings)?))
    }),
    on("PodSecurity", |parts| {
        let settings = parts.settings("PodSecurity");
        rule(pod_security::PodSecurity::new(
            parts.lookup(),
            settings,
            &parts.options.pod_security,
        )?)
    }),
    off("PodNodeSelector", |parts| {
        let settings = parts.settings("PodNodeSelector");
        let plugin = pods::NodeSelector::new(parts.lookup(), settings);
        rule(plugin.map_err(ConfigurationError)?)
    }),
    on("Priority", |parts| {
        rule(priority::Priority::new(parts.lookup()))
    }),
    on("DefaultTolerationSeconds", |parts| {
        rule(tolerations::DefaultSeconds(
            parts.options.toleration_seconds,
        ))
    }),
    off("PodTolerationRestriction", |parts| {
        let settings = parts.settings("PodTolerationRestriction");
        rule(tolerations::Restriction::new(parts.lookup(), settings)?)
    }),
    off("EventRateLimit", |parts| {
        let settings = parts.settings("EventRateLimit");
        rule(event_rate::EventRateLimit::new(settings)?)
    }),
    off("ExtendedResourceToleration", |_| {
        rule(tolerations::ExtendedResource)
    }),
    on("DefaultStorageClass", |parts| {
        rule(volumes::DefaultStorageClass::new(parts.lookup()))
    }),
    on("StorageObjectInUseProtection", |_| {
        rule(volumes::InUseProtection)
    }),
    absent("PodGroupProtection", true),
    off("OwnerReferencesPermissionEnforcement", |parts| {
        Ok(Arc::new(owners::OwnerReferences {
            lookup: parts.lookup(),
            authorizer: Arc::clone(&parts.authorizer),
        }))
    }),
    on("PersistentVolumeClaimResize", |parts| {
        rule(volumes::Resize(parts.lookup()))
    }),
    on("RuntimeClass", |parts| {
        rule(runtime_class::RuntimeClasses(parts.lookup()))
    }),
    on("CertificateApproval", |parts| {
        Ok(parts.signer(certificates::Act::Approve))
    }),
    on("CertificateSigning", |parts| {
        Ok(parts.signer(certificates::Act::Sign))
    }),
    on("ClusterTrustBundleAttest", |parts| {
        Ok(parts.signer(certificates::Act::Attest))
    }),
    on("CertificateSubjectRestriction", |_| {
        rule(certificates::SubjectRestriction)
    }),
    on("DefaultIngressClass", |parts| {
        rule(networking::DefaultIngressClass::new(parts.lookup()))
    }),
    off("DenyServiceExternalIPs", |_| {
        rule(networking::DenyExternalIps)
    }),
    on("PodTopologyLabels", |parts| {
        rule(nodes::TopologyLabels(parts.lookup()))
    }),
    absent("PodGroupWorkloadExists", true),
    on("NodeDeclaredFeatureValidator", |parts| {
        let is_on = parts.options.settings.is_on("NodeDeclaredFeatures");
        rule(declared_features::DeclaredFeatures(parts.lookup(), is_on))
    }),
    absent("JobValidation", true),
    on("PodResizeValidator", |parts| {
        rule(nodes::ResizeValidator(parts.lookup()))
    }),
    on("MutatingAdmissionPolicy", |parts| {
        Ok(Arc::new(policies::Mutating::new(
            parts.lookup(),
            Arc::clone(&parts.authorizer),
        )))
    }),
    absent("MutatingAdmissionWebhook", true),
    on("ValidatingAdmissionPolicy", |parts| {
        Ok(Arc::new(policies::Validating::new(
            parts.lookup(),
            Arc::clone(&parts.authorizer),
        )))
    }),
    absent("ValidatingAdmissionWebhook", true),
    on("ResourceQuota", |parts| {
        let settings = parts.settings("ResourceQuota");
        Ok(Arc::new(quota::Quotas::new(parts.lookup(), settings)?))
    }),
    off("AlwaysDeny", |_| Ok(Arc::new(always::Deny))),
];

fn entry(name: &str) -> Option<&'static Entry> {
    PLUGINS.iter().find(|entry| entry.name == name)
}

/// The plug-ins that `options` name, to be given to [`Registry::admit_by`]. They look into `registry`, and ask
/// `authorizer` what a user may do beside the request.
///
/// # Errors
/// The first plug-in's configuration that cannot be understood.
pub fn chain(
    registry: &Arc<Registry>,
    authorizer: Arc<dyn Authorizer>,
    options: &AdmissionOptions,
) -> Result<Chain, ConfigurationError> {
    let parts = Parts {
        lookup: Lookup::new(registry),
        authorizer,
        options,
    };
    let plugins = PLUGINS
        .iter()
        .filter(|entry| options.has(entry))
        .filter_map(|entry| Some((entry.name, entry.make?)))
        .map(|(name, make)| make(&parts).map_err(|error| error.of(name)))
        .collect::<Result<_, _>>()?;
    Ok(Chain::new(plugins))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(enable: &[&str], disable: &[&str]) -> AdmissionOptions {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        AdmissionOptions {
            enable: owned(enable),
            disable: owned(disable),
            ..AdmissionOptions::default()
        }
    }

    #[test]
    fn twenty_seven_plugins_are_on_by_default() {
        assert_eq!(PLUGINS.len(), 41);
        assert_eq!(PLUGINS.iter().filter(|entry| entry.default).count(), 27);
    }

    #[test]
    fn names_are_checked() {
        assert!(
            options(&["NodeRestriction"], &["LimitRanger"])
                .faults()
                .is_empty()
        );
        assert_eq!(
            options(&["Nonsense", "Priority"], &["Nothing", "Priority"]).faults(),
            [
                "enable-admission-plugins plugin \"Nonsense\" is unknown",
                "disable-admission-plugins plugin \"Nothing\" is unknown",
                "[Priority] in enable-admission-plugins and disable-admission-plugins overlapped",
            ]
        );
    }
}
