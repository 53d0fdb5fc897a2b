//! Whom the server believes, and who it says it is: certificates, tokens, the kubeconfig.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, Result, anyhow};
use pintle_authn::front_proxy::FrontProxyHeaders;
use pintle_authn::{
    Authenticator, Bearer, BootstrapTokens, ClientCertificates, FrontProxy, StaticTokens,
    TokenAuthenticator, TokenCacheEvents, Tokens, Union,
};
use pintle_controlplane::hooks::{AuthenticationInfo, RequestHeaderInfo};
use pintle_endpoints::serve::Tls;
use tracing::{info, warn};

use crate::authentication::{self, Running};
use crate::config::{self, Config};
use crate::files::Watched;
use crate::kubeconfig;
use crate::pki::{Names, Pki};
use crate::service_accounts::Accounts;
use crate::tls::authorities;

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
    pub(crate) tls: Arc<Tls>,
    /// Who is it.
    pub(crate) authenticator: Arc<dyn Authenticator>,
    /// Tokens, whoever brings them.
    pub(crate) tokens: Arc<Tokens>,
    /// Service accounts.
    pub(crate) accounts: Accounts,
    /// Providers of tokens, and who gets in without any.
    pub(crate) running: Running,
    certificates: Option<Arc<ClientCertificates>>,
    front_proxy: Option<Arc<FrontProxy>>,
    /// The certificate for whoever asks for no name, and its key.
    serving: (PathBuf, PathBuf),
    pki: Option<Pki>,
    /// The administrator's certificate and its key.
    admin: Option<(PathBuf, PathBuf)>,
}

impl Identity {
    /// Reads the files that flags name, and makes those that they do not.
    pub(crate) fn load(config: &Config) -> Result<Self> {
        let accounts = Accounts::load(config)?;
        let pki = match config.tls.serving {
            Some(_) => None,
            None => Some(Pki::open(&config.cert_dir)?),
        };
        let serving = match (&config.tls.serving, &pki) {
            (Some(serving), _) => serving.clone(),
            (None, Some(pki)) => pki.serving(&names(config))?,
            (None, None) => return Err(anyhow!("there is no serving certificate")),
        };
        let roots = authorities(&client_authority_files(config, pki.as_ref()))?;
        let tls = Tls::new(config.tls.load(&serving, roots.subjects())?).with_context(|| {
            let (certificate, key) = &serving;
            format!(
                "{} and {} cannot be served",
                certificate.display(),
                key.display()
            )
        })?;
        let certificates = (!roots.is_empty())
            .then(|| ClientCertificates::new(Arc::new(roots)).map(Arc::new))
            .transpose()
            .context("the client CAs cannot be used")?;
        let front_proxy = config.front_proxy.as_ref().map(front_proxy).transpose()?;
        let front_proxy = front_proxy.map(Arc::new);
        let admin = pki.as_ref().map(Pki::admin).transpose()?;
        let running = Running::start(&config.authentication, &accounts.audiences)
            .map_err(|fault| anyhow!(fault))?;
        let tokens = tokens(config, &accounts, &running)?;
        let mut members: Vec<Arc<dyn Authenticator>> = Vec::new();
        members.extend(
            front_proxy
                .clone()
                .map(|proxy| proxy as Arc<dyn Authenticator>),
        );
        members.extend(certificates.clone().map(|it| it as Arc<dyn Authenticator>));
        members.push(Arc::new(Bearer(Arc::clone(&tokens))));
        let anonymous = Arc::clone(&running.anonymous) as Arc<dyn Authenticator>;
        Ok(Self {
            tls: Arc::new(tls),
            authenticator: Arc::new(Union::new(members, Some(anonymous))),
            tokens,
            accounts,
            running,
            certificates,
            front_proxy,
            serving,
            pki,
            admin,
        })
    }

    /// Reads certificates and CAs again whenever a file of them changes. What cannot be used changes nothing.
    pub(crate) async fn follow(&self, config: &Config, for_others: &RwLock<AuthenticationInfo>) {
        let mut files = config.tls.files();
        files.extend(client_authority_files(config, self.pki.as_ref()));
        files.extend(config.front_proxy.as_ref().map(|it| it.ca_file.clone()));
        files.extend([self.serving.0.clone(), self.serving.1.clone()]);
        let mut watched = Watched::new(files);
        loop {
            watched.changed().await;
            let used = self.read_again(config).map(|info| {
                *for_others.write().unwrap_or_else(PoisonError::into_inner) = info;
            });
            watched.used(used.is_ok());
            match used {
                Ok(()) => info!("certificates have changed"),
                Err(error) => {
                    let error = format!("{error:#}");
                    warn!(error, "new certificates cannot be used; the old ones stay");
                }
            }
        }
    }

    fn read_again(&self, config: &Config) -> Result<AuthenticationInfo> {
        let for_others = self.for_other_servers(config)?;
        let roots = authorities(&client_authority_files(config, self.pki.as_ref()))?;
        let subjects = roots.subjects();
        let options = config.tls.load(&self.serving, subjects)?;
        if let Some(certificates) = &self.certificates {
            certificates.replace(Arc::new(roots))?;
        }
        if let (Some(proxy), Some(config)) = (&self.front_proxy, &config.front_proxy) {
            proxy.replace(Arc::new(authorities([&config.ca_file])?))?;
        }
        self.tls.replace(options)?;
        Ok(for_others)
    }

    /// What servers that extend the API are told of who is believed.
    pub(crate) fn for_other_servers(&self, config: &Config) -> Result<AuthenticationInfo> {
        Ok(AuthenticationInfo {
            client_ca: self.client_authorities(config)?,
            request_header: Self::front_proxies(config)?,
        })
    }

    /// The authorities of clients' certificates, in PEM, for servers that extend the API; `None` if there
    /// are none.
    fn client_authorities(&self, config: &Config) -> Result<Option<String>> {
        let mut bundle = String::new();
        for file in client_authority_files(config, self.pki.as_ref()) {
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
    fn front_proxies(config: &Config) -> Result<Option<RequestHeaderInfo>> {
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
        let (Some(pki), Some((certificate, key))) = (&self.pki, &self.admin) else {
            return Ok(None);
        };
        let file = config.data_dir.join("admin.kubeconfig");
        kubeconfig::write(&file, address, &pki.ca_file(), certificate, key)?;
        let absolute =
            fs::canonicalize(&file).with_context(|| format!("cannot find {}", file.display()))?;
        Ok(Some(absolute))
    }
}

/// Files with the CAs of clients' certificates.
fn client_authority_files(config: &Config, pki: Option<&Pki>) -> Vec<PathBuf> {
    let given = config.client_ca_file.iter().cloned();
    given.chain(pki.map(Pki::ca_file)).collect()
}

fn front_proxy(proxy: &config::FrontProxy) -> Result<FrontProxy> {
    let roots = authorities([&proxy.ca_file])?;
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
fn tokens(config: &Config, accounts: &Accounts, running: &Running) -> Result<Arc<Tokens>> {
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
    members.push(Arc::clone(&running.issuers) as Arc<dyn TokenAuthenticator>);
    let audiences = Arc::clone(&accounts.audiences);
    if let Some(webhook) = &config.authentication.webhook {
        let events = Arc::clone(&running.counted) as Arc<dyn TokenCacheEvents>;
        let webhook = authentication::webhook(webhook, &audiences, events)
            .map_err(|faults| anyhow!(faults.join("\n")))?;
        members.push(webhook);
    }
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
