//! What the listener shows, and whom it asks for a certificate: flags, files, and the files again when they change.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use pintle_endpoints::serve::{Certificate, TlsOptions, cipher_suites};
use pintle_runtime::name::dns1123_subdomain;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{DistinguishedName, RootCertStore};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::fault::Faults;
use crate::flags::Flags;

/// What the listener shows.
#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    /// Certificate and key; made in `--cert-dir` if `None`.
    pub serving: Option<(PathBuf, PathBuf)>,
    /// Certificates for names.
    pub named: Vec<NamedCertificate>,
    /// TLS 1.3 only.
    pub tls13_only: bool,
    /// Cipher suites to offer in TLS 1.2; all if there are none.
    pub cipher_suites: Vec<String>,
}

/// A certificate for names that clients ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCertificate {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// The names; those of the certificate if there are none.
    pub names: Vec<String>,
}

/// Cipher suites that kube-apiserver knows and nobody here offers: they are old, and unsafe or slow.
const PASSED_OVER: [&str; 15] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
];
/// Those of TLS 1.3, which are always offered.
const ALWAYS: [&str; 3] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];

impl TlsConfig {
    pub(crate) fn from_flags(flags: &Flags, faults: &mut Faults) -> Self {
        let serving = match (
            flags.given("tls-cert-file"),
            flags.given("tls-private-key-file"),
        ) {
            (Some(cert), Some(key)) => Some((PathBuf::from(cert), PathBuf::from(key))),
            (None, None) => None,
            (Some(_), None) => {
                faults.add("--tls-cert-file is given without --tls-private-key-file: name the certificate's key too");
                None
            }
            (None, Some(_)) => {
                faults.add("--tls-private-key-file is given without --tls-cert-file: name the key's certificate too");
                None
            }
        };
        let named = flags.many("tls-sni-cert-key").into_iter();
        let tls13_only = match flags.one("tls-min-version") {
            "VersionTLS12" => false,
            "VersionTLS13" => true,
            other => {
                faults.add(format!(
                    "--tls-min-version={other}: must be VersionTLS12 or VersionTLS13"
                ));
                false
            }
        };
        Self {
            serving,
            named: named
                .filter_map(|value| faults.check(named_certificate(value)))
                .collect(),
            tls13_only,
            cipher_suites: suites(flags, faults),
        }
    }

    /// The files that certificates and keys are in, as far as flags name them.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let serving = self.serving.iter();
        let serving = serving.flat_map(|(certificate, key)| [certificate.clone(), key.clone()]);
        let named = self.named.iter();
        let named = named.flat_map(|named| [named.certificate.clone(), named.key.clone()]);
        serving.chain(named).collect()
    }

    /// What the files say now; `serving` are those of the certificate for whoever asks for no name.
    pub(crate) fn load(
        &self,
        serving: &(PathBuf, PathBuf),
        client_authorities: Vec<DistinguishedName>,
    ) -> Result<TlsOptions> {
        // Names that are given count before those that certificates say of themselves.
        let (mut named, mut implied) = (Vec::new(), Vec::new());
        for NamedCertificate {
            certificate,
            key,
            names,
        } in &self.named
        {
            let loaded = load_certificate(certificate, key)?;
            if names.is_empty() {
                let names = names_of(&loaded.chain[0])
                    .with_context(|| format!("--tls-sni-cert-key: {}", certificate.display()))?;
                implied.push((names, loaded));
            } else {
                named.push((names.clone(), loaded));
            }
        }
        named.append(&mut implied);
        Ok(TlsOptions {
            certificate: load_certificate(&serving.0, &serving.1)?,
            named,
            client_authorities,
            tls13_only: self.tls13_only,
            cipher_suites: self.cipher_suites.clone(),
        })
    }
}

/// `certificate,key`, or with names `certificate,key:name,name`.
fn named_certificate(value: &str) -> Result<NamedCertificate, String> {
    let (files, names) = match value.split_once(':') {
        Some((files, names)) => (files, names.split(',').map(str::to_owned).collect()),
        None => (value, Vec::new()),
    };
    match files.split_once(',') {
        Some((certificate, key)) if !certificate.is_empty() && !key.is_empty() => {
            Ok(NamedCertificate {
                certificate: certificate.into(),
                key: key.into(),
                names,
            })
        }
        _ => Err(format!(
            "--tls-sni-cert-key={value}: must be certificate,key or certificate,key:name,name"
        )),
    }
}

/// The cipher suites to offer. Those that are too old are passed over where others are left.
fn suites(flags: &Flags, faults: &mut Faults) -> Vec<String> {
    let offered = cipher_suites();
    let (mut suites, mut passed_over) = (Vec::new(), Vec::new());
    for name in flags.many("tls-cipher-suites") {
        // Of some suites Go knows an older name.
        let name = match name {
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" | "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" => {
                format!("{name}_SHA256")
            }
            name => name.to_owned(),
        };
        if offered.contains(&name.as_str()) {
            suites.push(name);
        } else if PASSED_OVER.contains(&name.as_str()) {
            passed_over.push(name);
        } else if !ALWAYS.contains(&name.as_str()) {
            faults.add(format!(
                "--tls-cipher-suites: Cipher suite {name} not supported or doesn't exist"
            ));
        }
    }
    if suites.is_empty() && !passed_over.is_empty() {
        faults.add(format!(
            "--tls-cipher-suites: none of {} is offered here: name one of {}",
            passed_over.join(","),
            offered.join(",")
        ));
    }
    suites
}

fn load_certificate(certificate: &Path, key: &Path) -> Result<Certificate> {
    Ok(Certificate {
        chain: certificates(certificate)?,
        key: PrivateKeyDer::from_pem_file(key)
            .with_context(|| format!("{} holds no private key in PEM", key.display()))?,
    })
}

/// The names that a certificate is for: the common name if it is one, and DNS names. Addresses do not count, as nobody
/// asks for one.
fn names_of(certificate: &CertificateDer<'_>) -> Result<Vec<String>> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).context("the certificate cannot be read")?;
    let common = certificate.subject().iter_common_name().last();
    let common = common.and_then(|name| name.as_str().ok()).filter(|name| {
        let rest = name.strip_prefix("*.").unwrap_or(name);
        let is_domain = *name == "*" || dns1123_subdomain(rest).is_empty();
        is_domain && name.parse::<IpAddr>().is_err()
    });
    let mut names: Vec<String> = common.into_iter().map(str::to_owned).collect();
    if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
        for name in &alternatives.value.general_names {
            if let GeneralName::DNSName(name) = name {
                names.push((*name).to_owned());
            }
        }
    }
    Ok(names)
}

/// The certificates of a PEM file.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .with_context(|| format!("cannot read {}", file.display()))?
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not PEM", file.display()))?;
    if found.is_empty() {
        Err(anyhow!("{} holds no certificate in PEM", file.display()))
    } else {
        Ok(found)
    }
}

/// The CAs of some PEM files.
pub(crate) fn authorities<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for file in files {
        for certificate in certificates(file)? {
            roots.add(certificate).with_context(|| {
                format!("{} holds a certificate that cannot be a CA", file.display())
            })?;
        }
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<(usize, &[&str]), usize>) {
        let flags = Flags::parse(std::iter::once("pintle").chain(line.split_whitespace()));
        let mut faults = Faults::default();
        let config = TlsConfig::from_flags(&flags.expect("flags"), &mut faults);
        let found = match faults.into_result() {
            Ok(()) => Ok((config.named.len(), config.cipher_suites)),
            Err(faults) => Err(faults.to_string().lines().count()),
        };
        let expected = expected.map(|(named, suites)| {
            let suites: Vec<String> = suites.iter().map(ToString::to_string).collect();
            (named, suites)
        });
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn names_may_be_given_with_a_certificate() {
        check(
            "--tls-sni-cert-key=a.crt,a.key --tls-sni-cert-key=b.crt,b.key:*.b.example,b.example",
            Ok((2, &[])),
        );
        let named = named_certificate("b.crt,b.key:*.b.example,b.example").expect("well formed");
        assert_eq!(named.names, ["*.b.example", "b.example"]);
        check("--tls-sni-cert-key=a.crt --tls-sni-cert-key=,b", Err(2));
    }

    #[test]
    fn cipher_suites_are_those_of_tls_1_2() {
        check(
            "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA",
            Ok((0, &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"])),
        );
        check("--tls-cipher-suites=NONE,OTHER", Err(2));
        check("--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA", Err(1));
    }
}
