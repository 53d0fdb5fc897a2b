//! Kubernetes' built-in admission plug-ins.
//!
//! [`PLUGINS`] is all of them in the one order in which they are asked; flags say which of them a server has. Each has
//! a file of its own. What they look up they read from the caches, by [`Lookup`].

mod configuration;
mod lookup;
mod namespaces;

use std::sync::Arc;

use pintle_authz::Authorizer;
use pintle_endpoints::admission::{Chain, Plugin};
use pintle_endpoints::registry::Registry;

pub use configuration::{Configuration, ConfigurationError};
pub(crate) use lookup::Lookup;

/// Which plug-ins a server has, and how they are set up.
#[derive(Debug, Clone, Default)]
pub struct AdmissionOptions {
    /// `--enable-admission-plugins`: more than the default ones.
    pub enable: Vec<String>,
    /// `--disable-admission-plugins`: fewer.
    pub disable: Vec<String>,
    /// What the file of `--admission-control-config-file` says.
    pub configuration: Configuration,
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
        let mut faults = unknown("disable-admission-plugins", &self.disable);
        faults.extend(unknown("enable-admission-plugins", &self.enable));
        let both: Vec<_> = self
            .enable
            .iter()
            .filter(|name| self.disable.contains(name))
            .map(String::as_str)
            .collect();
        if !both.is_empty() {
            faults.push(format!(
                "[{}] in enable-admission-plugins and disable-admission-plugins overlapped",
                both.join(" ")
            ));
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
    absent("AlwaysAdmit", false),
    absent("NamespaceAutoProvision", false),
    on("NamespaceLifecycle", |parts| {
        Ok(Arc::new(namespaces::Lifecycle(parts.lookup.clone())))
    }),
    absent("NamespaceExists", false),
    absent("LimitPodHardAntiAffinityTopology", false),
    absent("LimitRanger", true),
    absent("ServiceAccount", true),
    absent("NodeRestriction", false),
    absent("TaintNodesByCondition", true),
    absent("AlwaysPullImages", false),
    absent("ImagePolicyWebhook", false),
    absent("PodSecurity", true),
    absent("PodNodeSelector", false),
    absent("Priority", true),
    absent("DefaultTolerationSeconds", true),
    absent("PodTolerationRestriction", false),
    absent("EventRateLimit", false),
    absent("ExtendedResourceToleration", false),
    absent("DefaultStorageClass", true),
    absent("StorageObjectInUseProtection", true),
    absent("PodGroupProtection", true),
    absent("OwnerReferencesPermissionEnforcement", false),
    absent("PersistentVolumeClaimResize", true),
    absent("RuntimeClass", true),
    absent("CertificateApproval", true),
    absent("CertificateSigning", true),
    absent("ClusterTrustBundleAttest", true),
    absent("CertificateSubjectRestriction", true),
    absent("DefaultIngressClass", true),
    absent("DenyServiceExternalIPs", false),
    absent("PodTopologyLabels", true),
    absent("PodGroupWorkloadExists", true),
    absent("NodeDeclaredFeatureValidator", true),
    absent("JobValidation", true),
    absent("PodResizeValidator", true),
    absent("MutatingAdmissionPolicy", true),
    absent("MutatingAdmissionWebhook", true),
    absent("ValidatingAdmissionPolicy", true),
    absent("ValidatingAdmissionWebhook", true),
    absent("ResourceQuota", true),
    absent("AlwaysDeny", false),
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
        .filter_map(|entry| entry.make)
        .map(|make| make(&parts))
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
            configuration: Configuration::default(),
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
                "disable-admission-plugins plugin \"Nothing\" is unknown",
                "enable-admission-plugins plugin \"Nonsense\" is unknown",
                "[Priority] in enable-admission-plugins and disable-admission-plugins overlapped",
            ]
        );
    }
}
