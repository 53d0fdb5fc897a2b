//! `certificates.k8s.io`: requests for certificates.

use super::Rules;

mod request;
pub(super) mod signer_name;
#[cfg(test)]
mod tests;
mod x509;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    (kind == "CertificateSigningRequest").then_some(request::RULES)
}
