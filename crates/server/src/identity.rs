//! Whom the server believes, and who it says it is: certificates, tokens, the kubeconfig.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use pintle_authn::front_proxy::FrontProxyHeaders;
use pintle_authn::{
    Anonymous, Authenticator, Bearer, BootstrapTokens, ClientCertificates, FrontProxy,
    StaticTokens, TokenAuthenticator, Tokens, Union,
};
use pintle_controlplane::hooks::RequestHeaderInfo;
use pintle_endpoints::serve::{Tls, TlsOptions};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{self, Config};
use crate::kubeconfig;
use crate::pki::{Names, Pki};
use crate::service_accounts::Accounts;

/// Names under which the API is reached in a cluster.
const CLUSTER_NAMES: [&str; 5] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Certificates and who is trusted.
pub(crate) struct Identity {
    /// For the listener.
    pub(crate) tls: Tls,
    /// Who is it.
    pub(crate) authenticator: Arc<dyn Authenticator>,
    /// Tokens, whoever brings them.
    pub(crate) tokens: Arc<Tokens>,
    /// Service accounts.
    pub(crate) accounts: Accounts,
    pki: Option<Pki>,
}

impl Identity {
    /// Reads the files that flags name, and makes those that they do not.
    pub(crate) fn load(config: &Config) -> Result<Self> {
        let pki = match config.serving {
            Some(_) => None,
            None => Some(Pki::open(&config.cert_dir)?),
        };
        let (certificate, key) = match (&config.serving, &pki) {
            (Some((certificate, key)), _) => (certificate.clone(), key.clone()),
            (None, Some(pki)) => pki.serving(&names(config))?,
            (None, None) => return Err(anyhow!("there is no serving certificate")),
        };
        let mut trusted: Vec<PathBuf> = config.client_ca_file.iter().cloned().collect();
        trusted.extend(pki.as_ref().map(Pki::ca_file));
        let mut roots = RootCertStore::empty();
        for file in &trusted {
            for certificate in certificates(file)? {
                roots.add(certificate).with_context(|| {
                    format!("{} holds a certificate that cannot be a CA", file.display())
                })?;
            }
        }
        let client_authorities = roots.subjects();
        let tls = Tls::new(TlsOptions {
            chain: certificates(&certificate)?,
            key: PrivateKeyDer::from_pem_file(&key)
                .with_context(|| format!("{} holds no private key in PEM", key.display()))?,
            client_authorities,
            tls13_only: config.tls13_only,
        })
        .with_context(|| {
            format!(
                "{} and {} cannot be served",
                certificate.display(),
                key.display()
            )
        })?;
        let accounts = Accounts::load(config)?;
        let tokens = tokens(config, &accounts)?;
        Ok(Self {
            tls,
            authenticator: authenticator(config, roots, &tokens)?,
            tokens,
            accounts,
            pki,
        })
    }

    /// The authorities of clients' certificates, in PEM, for servers that extend the API; `None` if there
    /// are none.
    pub(crate) fn client_authorities(&self, config: &Config) -> Result<Option<String>> {
        let mut bundle = String::new();
        let files = config.client_ca_file.iter().cloned();
        for file in files.chain(self.pki.as_ref().map(Pki::ca_file)) {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            bundle.push_str(&text);
            if !bundle.ends_with('\n') {
                bundle.push('\n');
            }
        }
        Ok((!bundle.is_empty()).then_some(bundle))
    }

    /// The CA of the self-made serving certificate, in PEM; `None` where the operator brought one of their own.
    pub(crate) fn own_ca(&self) -> Result<Option<String>> {
        let read = |file: PathBuf| {
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
        };
        self.pki.as_ref().map(Pki::ca_file).map(read).transpose()
    }

    /// What servers that extend the API are told of front proxies.
    pub(crate) fn front_proxies(config: &Config) -> Result<Option<RequestHeaderInfo>> {
        let Some(proxy) = &config.front_proxy else {
            return Ok(None);
        };
        let file = &proxy.ca_file;
        let ca = fs::read_to_string(file).with_context(|| {
            format!(
                "--requestheader-client-ca-file: cannot read {}",
                file.display()
            )
        })?;
        Ok(Some(RequestHeaderInfo {
            ca,
            allowed_names: proxy.allowed_names.clone(),
            username_headers: proxy.username_headers.clone(),
            uid_headers: proxy.uid_headers.clone(),
            group_headers: proxy.group_headers.clone(),
            extra_header_prefixes: proxy.extra_prefixes.clone(),
        }))
    }

    /// Writes the administrator's kubeconfig for a server at `address`; says where it is. There is none where
    /// the operator brought certificates of their own.
    pub(crate) fn write_kubeconfig(
        &self,
        config: &Config,
        address: SocketAddr,
    ) -> Result<Option<PathBuf>> {
        let Some(pki) = &self.pki else {
            return Ok(None);
        };
        let file = config.data_dir.join("admin.kubeconfig");
        let (certificate, key) = pki.admin()?;
        kubeconfig::write(&file, address, &pki.ca_file(), &certificate, &key)?;
        let absolute =
            fs::canonicalize(&file).with_context(|| format!("cannot find {}", file.display()))?;
        Ok(Some(absolute))
    }
}

fn authenticator(
    config: &Config,
    roots: RootCertStore,
    tokens: &Arc<Tokens>,
) -> Result<Arc<dyn Authenticator>> {
    let mut members: Vec<Arc<dyn Authenticator>> = Vec::new();
    if let Some(proxy) = &config.front_proxy {
        members.push(Arc::new(front_proxy(proxy)?));
    }
    if !roots.is_empty() {
        members.push(Arc::new(
            ClientCertificates::new(Arc::new(roots)).context("the client CAs cannot be used")?,
        ));
    }
    members.push(Arc::new(Bearer(Arc::clone(tokens))));
    let anonymous = &config.anonymous;
    let fallback = anonymous
        .enabled
        .then(|| Arc::new(Anonymous::at(anonymous.paths.clone())) as Arc<dyn Authenticator>);
    Ok(Arc::new(Union::new(members, fallback)))
}

fn front_proxy(proxy: &config::FrontProxy) -> Result<FrontProxy> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&proxy.ca_file)? {
        roots.add(certificate).with_context(|| {
            format!(
                "{} holds a certificate that cannot be a CA",
                proxy.ca_file.display()
            )
        })?;
    }
    // Names of headers do not depend on case.
    let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let headers = FrontProxyHeaders {
        usernames: lower(&proxy.username_headers),
        uids: lower(&proxy.uid_headers),
        groups: lower(&proxy.group_headers),
        extra_prefixes: lower(&proxy.extra_prefixes),
    };
    FrontProxy::new(Arc::new(roots), proxy.allowed_names.clone(), headers)
        .context("--requestheader-client-ca-file cannot be used")
}

/// Tokens of every kind, in upstream's order.
fn tokens(config: &Config, accounts: &Accounts) -> Result<Arc<Tokens>> {
    let mut members: Vec<Arc<dyn TokenAuthenticator>> = Vec::new();
    if let Some(file) = &config.token_auth_file {
        let text = fs::read_to_string(file)
            .with_context(|| format!("--token-auth-file: cannot read {}", file.display()))?;
        let tokens = StaticTokens::parse(&text)
            .with_context(|| format!("--token-auth-file: {}", file.display()))?;
        members.push(Arc::new(
            tokens.for_audiences(Arc::clone(&accounts.audiences)),
        ));
    }
    members.push(Arc::new(accounts.authenticator(config)));
    if config.bootstrap_tokens {
        let (secrets, audiences) = (
            Arc::clone(&accounts.objects),
            Arc::clone(&accounts.audiences),
        );
        members.push(Arc::new(BootstrapTokens::new(secrets, audiences)));
    }
    let audiences = Arc::clone(&accounts.audiences);
    Ok(Arc::new(Tokens::new(members, audiences)))
}

fn names(config: &Config) -> Names {
    let mut dns: Vec<String> = CLUSTER_NAMES
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    dns.extend(config.external_hostname.clone());
    let loopback = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    let mut addresses: Vec<IpAddr> = loopback
        .into_iter()
        .chain([config.service_address])
        .collect();
    addresses.extend(config.advertise_address);
    addresses.extend((!config.bind_address.is_unspecified()).then_some(config.bind_address));
    addresses.sort();
    addresses.dedup();
    Names { dns, addresses }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
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
