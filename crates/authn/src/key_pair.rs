//! Whether a certificate and a key belong together, as Go's `tls.X509KeyPair` finds out.

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};

const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// What is wrong with a certificate and its key, both in PEM, in Go's words; nothing if the key is that
/// of the first certificate.
///
/// ```
/// use pintle_authn::key_pair_problem;
///
/// let problem = key_pair_problem(b"", b"");
/// assert_eq!(problem.as_deref(), Some("tls: failed to find any PEM data in certificate input"));
/// ```
pub fn key_pair_problem(certificate: &[u8], key: &[u8]) -> Option<String> {
    check(certificate, key).err()
}

fn check(certificate: &[u8], key: &[u8]) -> Result<(), String> {
    let leaf = first(certificate, |label| label == CERTIFICATE).map_err(missing_certificate)?;
    let key = first(key, |label| label.ends_with(PRIVATE_KEY)).map_err(missing_key)?;
    let (_, leaf) =
        X509Certificate::from_der(&leaf).map_err(|_| "x509: malformed certificate".to_owned())?;
    let unreadable = || "tls: failed to parse private key".to_owned();
    let key = PrivateKeyDer::try_from(key).map_err(|_| unreadable())?;
    let key = any_supported_type(&key).map_err(|_| unreadable())?;
    let Some(public) = key.public_key() else {
        return Ok(());
    };
    let info = leaf.public_key();
    let same_type = SubjectPublicKeyInfo::from_der(&public)
        .is_ok_and(|(_, own)| own.algorithm.algorithm == info.algorithm.algorithm);
    if !same_type {
        return Err("tls: private key type does not match public key type".to_owned());
    }
    if *public != *info.raw {
        return Err("tls: private key does not match public key".to_owned());
    }
    Ok(())
}

/// The first block with a label that is looked for; else the labels of all that there are.
fn first(pem: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Vec<u8>, Vec<String>> {
    let mut others = Vec::new();
    for block in Pem::iter_from_buffer(pem).map_while(Result::ok) {
        if wanted(&block.label) {
            return Ok(block.contents);
        }
        others.push(block.label);
    }
    Err(others)
}

fn missing_certificate(others: Vec<String>) -> String {
    match others.as_slice() {
        [] => "tls: failed to find any PEM data in certificate input".to_owned(),
        [one] if one.ends_with(PRIVATE_KEY) => {
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched".to_owned()
        }
        others => format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]",
            others.join(" ")
        ),
    }
}

fn missing_key(others: Vec<String>) -> String {
    match others.as_slice() {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [one] if one == CERTIFICATE => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        others => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
            others.join(" ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["example.com".to_owned()]).expect("parameters");
        let certificate = params.self_signed(&key).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    #[track_caller]
    fn check(certificate: &str, key: &str, expected: Option<&str>) {
        let found = key_pair_problem(certificate.as_bytes(), key.as_bytes());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn a_key_goes_with_its_own_certificate_only() {
        let ((certificate, key), (_, other)) = (pair(), pair());
        check(&certificate, &key, None);
        check(
            &certificate,
            &other,
            Some("tls: private key does not match public key"),
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let (certificate, key) = pair();
        check(
            "x",
            &key,
            Some("tls: failed to find any PEM data in certificate input"),
        );
        check(
            &key,
            &key,
            Some(
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
            ),
        );
        check(
            &certificate,
            "",
            Some("tls: failed to find any PEM data in key input"),
        );
        check(
            &certificate,
            &certificate,
            Some("tls: found a certificate rather than a key in the PEM for the private key"),
        );
    }
}
