//! TLS: which certificate is shown, and what is asked of clients.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    SupportedCipherSuite,
};
use tokio_rustls::TlsAcceptor;

/// What TLS is made from.
#[derive(Debug)]
pub struct TlsOptions {
    /// The server's certificate, for whoever asks for no name that another one is for.
    pub certificate: Certificate,
    /// Certificates for names, or addresses that are connected to without one. Of two for the same name the first counts.
    pub named: Vec<(Vec<String>, Certificate)>,
    /// Names of the CAs that clients should have a certificate of; none are asked for one if empty.
    pub client_authorities: Vec<DistinguishedName>,
    /// TLS 1.3 only.
    pub tls13_only: bool,
    /// Names of the cipher suites that are offered in TLS 1.2; all that are known if there are none.
    pub cipher_suites: Vec<String>,
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate and what links it to its CA, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The certificate's key.
    pub key: PrivateKeyDer<'static>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate and its key do not go together, or are of a kind that is not known.
    #[error("the serving certificate cannot be used")]
    Certificate(#[source] rustls::Error),
    /// None of the cipher suites is known.
    #[error("none of the cipher suites {0} can be offered")]
    CipherSuites(String),
}

/// Answers handshakes. What it answers with can be replaced at any time; connections that are there stay as they are.
pub struct Tls {
    current: ArcSwap<Configs>,
}

/// Ways to answer a handshake.
struct Configs {
    default: Arc<ServerConfig>,
    /// Where a certificate is for an address that clients connect to: they ask for no name then.
    by_address: HashMap<IpAddr, Arc<ServerConfig>>,
}

impl Tls {
    /// Sets TLS up.
    ///
    /// # Errors
    /// Where certificate and key do not go together.
    pub fn new(options: TlsOptions) -> Result<Self, TlsError> {
        Ok(Self {
            current: ArcSwap::from_pointee(configs(options)?),
        })
    }

    /// Answers handshakes in another way from now on.
    ///
    /// # Errors
    /// Where certificate and key do not go together; then nothing has changed.
    pub fn replace(&self, options: TlsOptions) -> Result<(), TlsError> {
        self.current.store(Arc::new(configs(options)?));
        Ok(())
    }

    /// For a connection to the address `local`.
    pub(super) fn acceptor(&self, local: Option<IpAddr>) -> TlsAcceptor {
        let configs = self.current.load();
        let own = local.and_then(|local| configs.by_address.get(&local));
        TlsAcceptor::from(Arc::clone(own.unwrap_or(&configs.default)))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// The names of the cipher suites of TLS 1.2 that can be offered.
pub fn cipher_suites() -> Vec<&'static str> {
    let suites = aws_lc_rs::DEFAULT_CIPHER_SUITES.iter();
    suites.filter_map(|suite| name_of(suite.suite())).collect()
}

/// The name of a suite of TLS 1.2. All others are TLS 1.3's, which are not chosen from.
fn name_of(suite: CipherSuite) -> Option<&'static str> {
    suite.as_str().filter(|name| name.starts_with("TLS_"))
}

fn configs(options: TlsOptions) -> Result<Configs, TlsError> {
    let mut provider = preferring_aes128();
    if !options.cipher_suites.is_empty() {
        let is_offered = |suite: CipherSuite| {
            name_of(suite).is_none_or(|name| options.cipher_suites.iter().any(|it| it == name))
        };
        provider
            .cipher_suites
            .retain(|suite| is_offered(suite.suite()));
        let has_any = |suite: &SupportedCipherSuite| name_of(suite.suite()).is_some();
        if !options.tls13_only && !provider.cipher_suites.iter().any(has_any) {
            return Err(TlsError::CipherSuites(options.cipher_suites.join(",")));
        }
    }
    let provider = Arc::new(provider);
    let versions: &[_] = if options.tls13_only {
        &[&TLS13]
    } else {
        &[&TLS13, &TLS12]
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(TlsError::Certificate)?;
    let builder = if options.client_authorities.is_empty() {
        builder.with_no_client_auth()
    } else {
        builder.with_client_cert_verifier(Arc::new(AnyCertificate {
            hints: options.client_authorities,
            provider,
        }))
    };
    let mut named = HashMap::new();
    for (names, certificate) in options.named {
        let certificate = certified(certificate)?;
        for name in names {
            named
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| Arc::clone(&certificate));
        }
    }
    let addresses: Vec<(IpAddr, Arc<CertifiedKey>)> = named
        .iter()
        .filter_map(|(name, certificate)| Some((name.parse().ok()?, Arc::clone(certificate))))
        .collect();
    let default = certified(options.certificate)?;
    let resolver = ByName {
        named,
        unnamed: Arc::clone(&default),
        default,
    };
    let mut config = builder.with_cert_resolver(Arc::new(resolver.clone()));
    config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
    config.ignore_client_order = true;
    let by_address = addresses.into_iter().map(|(address, unnamed)| {
        let resolver = ByName {
            unnamed,
            ..resolver.clone()
        };
        let mut config = config.clone();
        config.cert_resolver = Arc::new(resolver);
        (address, Arc::new(config))
    });
    Ok(Configs {
        by_address: by_address.collect(),
        default: Arc::new(config),
    })
}

fn certified(certificate: Certificate) -> Result<Arc<CertifiedKey>, TlsError> {
    let key = any_supported_type(&certificate.key).map_err(TlsError::Certificate)?;
    let certified = CertifiedKey::new(certificate.chain, key);
    match certified.keys_match() {
        // A key of which the public half is not known may go with anything.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Arc::new(certified))
        }
        Err(error) => Err(TlsError::Certificate(error)),
    }
}

/// Chooses the certificate by the name that the client asks for: that of the very name, that of `*` and all but its
/// first label, or the default one.
#[derive(Debug, Clone)]
struct ByName {
    named: HashMap<String, Arc<CertifiedKey>>,
    /// For whoever asks for no name.
    unnamed: Arc<CertifiedKey>,
    default: Arc<CertifiedKey>,
}

impl ByName {
    fn choose(&self, name: Option<&str>) -> &Arc<CertifiedKey> {
        let Some(name) = name else {
            return &self.unnamed;
        };
        let name = name.to_ascii_lowercase();
        let found = self.named.get(&name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.named.get(&format!("*.{parent}"))
        });
        found.unwrap_or(&self.default)
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.choose(hello.server_name())))
    }
}

/// AES with 128 bits comes before that with 256, as in Go: the cost of a large list is encryption above all.
fn preferring_aes128() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let suites = &mut provider.cipher_suites;
    // Stable: all others stay in their order behind it.
    let is_other =
        |suite: &SupportedCipherSuite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256;
    suites.sort_by_key(is_other);
    #[cfg(target_arch = "x86_64")]
    if let Some(first) = suites.first_mut().filter(|first| !is_other(first)) {
        *first = super::aes::suite();
    }
    provider
}

pub(super) const H2: &[u8] = b"h2";

/// Lets every certificate through the handshake, as long as the client holds its key. Whether it is
/// one of ours is the authenticator's business: a bad one is a 401 that a client can read, and not a
/// broken connection.
#[derive(Debug)]
struct AnyCertificate {
    hints: Vec<DistinguishedName>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
