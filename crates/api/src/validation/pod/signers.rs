//! Who signs certificates, by name.

use std::borrow::Cow;

use pintle_runtime::name::dns1123_subdomain;

/// Whether the signer is one of Kubernetes' own.
pub(crate) fn is_kubernetes(name: &str) -> bool {
    let domain = name.split_once('/').map_or(name, |(domain, _)| domain);
    domain == "kubernetes.io" || domain.ends_with(".kubernetes.io")
}

/// What is wrong with the name of a trust bundle: behind a colon if it is of a signer.
pub(crate) fn bundle_name(name: &str) -> Vec<Cow<'static, str>> {
    dns1123_subdomain(name.rsplit_once(':').map_or(name, |(_, plain)| plain))
}
