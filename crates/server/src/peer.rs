//! Kubeconfig files that say how to reach somebody: [`Peer`].

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use pintle_endpoints::client::{
    Credential, Identity, Retries, Transport, TransportOptions, Webhook, WebhookOptions,
    system_roots,
};
use pintle_runtime::codec::{Problems, yaml};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Deserializer};

/// Somebody whom the server asks, as the current context of a kubeconfig describes them.
pub(crate) struct Peer {
    url: String,
    roots: Option<RootCertStore>,
    identity: Option<Identity>,
    server_name: Option<String>,
    credential: Credential,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "current-context", default)]
    current_context: String,
    #[serde(default, deserialize_with = "or_none")]
    contexts: Vec<Named<Context>>,
    #[serde(default, deserialize_with = "or_none")]
    clusters: Vec<Named<Cluster>>,
    #[serde(default, deserialize_with = "or_none")]
    users: Vec<Named<User>>,
}

#[derive(Deserialize)]
struct Named<T> {
    #[serde(default)]
    name: String,
    #[serde(default, alias = "context", alias = "cluster", alias = "user")]
    inner: Option<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Cluster {
    server: String,
    certificate_authority: String,
    certificate_authority_data: String,
    insecure_skip_tls_verify: bool,
    tls_server_name: String,
    proxy_url: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct User {
    client_certificate: String,
    client_certificate_data: String,
    client_key: String,
    client_key_data: String,
    token: String,
    #[serde(rename = "tokenFile")]
    token_file: String,
    username: String,
    password: String,
    exec: Option<serde_json::Value>,
    auth_provider: Option<serde_json::Value>,
}

/// A list that may be null.
fn or_none<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

fn find<T: Default>(list: Vec<Named<T>>, what: &str, name: &str) -> Result<T, String> {
    let found = list.into_iter().find(|named| named.name == name);
    found
        .map(|named| named.inner.unwrap_or_default())
        .ok_or_else(|| format!("there is no {what} {name:?}"))
}

/// What is in the file, or in the data beside its name; nothing if neither is given. Names are relative to `folder`.
fn content(folder: &Path, what: &str, file: &str, data: &str) -> Result<Option<Vec<u8>>, String> {
    if !data.is_empty() {
        let decoded = BASE64_STANDARD.decode(data);
        return decoded
            .map(Some)
            .map_err(|error| format!("{what}-data: {error}"));
    }
    if file.is_empty() {
        return Ok(None);
    }
    let path = folder.join(file);
    let read = fs::read(&path);
    read.map(Some)
        .map_err(|error| format!("{what}: cannot read {}: {error}", path.display()))
}

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{what}: holds no certificate in PEM")),
        Err(error) => Err(format!("{what}: is not PEM: {error}")),
    }
}

/// The CAs of a bundle in PEM.
pub(crate) fn roots(what: &str, pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(what, pem)? {
        roots
            .add(certificate)
            .map_err(|error| format!("{what}: holds a certificate that cannot be a CA: {error}"))?;
    }
    Ok(roots)
}

impl Peer {
    /// Reads a kubeconfig.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn read(file: &Path) -> Result<Self, Vec<String>> {
        let text = fs::read(file).map_err(|error| vec![error.to_string()])?;
        let mut problems = Problems::collected();
        let json = yaml::to_json(&Bytes::from(text), &mut problems)
            .map_err(|error| vec![error.to_string()])?;
        let parsed: File =
            serde_json::from_slice(&json).map_err(|error| vec![error.to_string()])?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::of(parsed, folder)
    }

    fn of(file: File, folder: &Path) -> Result<Self, Vec<String>> {
        let one = |fault: String| vec![fault];
        if file.current_context.is_empty() {
            return Err(one("current-context: must be set".to_owned()));
        }
        let context = find(file.contexts, "context", &file.current_context).map_err(one)?;
        let cluster = find(file.clusters, "cluster", &context.cluster).map_err(one)?;
        let user = if context.user.is_empty() {
            User::default()
        } else {
            find(file.users, "user", &context.user).map_err(one)?
        };
        let mut faults = Vec::new();
        if !cluster.server.starts_with("https://") && !cluster.server.starts_with("http://") {
            faults.push(format!(
                "server: {:?}: must be a URL of https",
                cluster.server
            ));
        }
        if !cluster.proxy_url.is_empty() {
            faults.push("proxy-url: not known here; leave it out".to_owned());
        }
        if user.exec.is_some() || user.auth_provider.is_some() {
            faults.push(
                "exec and auth-provider: not known here; use a certificate or a token".to_owned(),
            );
        }
        let mut check = |result: Result<Option<Vec<u8>>, String>| {
            result.unwrap_or_else(|fault| {
                faults.push(fault);
                None
            })
        };
        let ca = check(content(
            folder,
            "certificate-authority",
            &cluster.certificate_authority,
            &cluster.certificate_authority_data,
        ));
        let certificate = check(content(
            folder,
            "client-certificate",
            &user.client_certificate,
            &user.client_certificate_data,
        ));
        let key = check(content(
            folder,
            "client-key",
            &user.client_key,
            &user.client_key_data,
        ));
        let roots = match ca {
            _ if cluster.insecure_skip_tls_verify => None,
            None => Some(system_roots()),
            Some(pem) => roots("certificate-authority", &pem)
                .map_err(|fault| faults.push(fault))
                .ok(),
        };
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => identity(&certificate, &key)
                .map_err(|fault| faults.push(fault))
                .ok(),
            (None, None) => None,
            _ => {
                faults.push("client-certificate and client-key: must be given together".to_owned());
                None
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            url: cluster.server,
            roots,
            identity,
            server_name: (!cluster.tls_server_name.is_empty()).then_some(cluster.tls_server_name),
            credential: if !user.token_file.is_empty() {
                Credential::TokenFile(folder.join(user.token_file))
            } else if !user.token.is_empty() {
                Credential::Token(user.token)
            } else if !user.username.is_empty() {
                Credential::Basic(user.username, user.password)
            } else {
                Credential::None
            },
        })
    }

    /// Who answers reviews there.
    ///
    /// # Errors
    /// Where certificate and key do not go together.
    pub(crate) fn webhook(self, timeout: Duration, retries: Retries) -> Result<Webhook, String> {
        let transport = Transport::new(TransportOptions {
            roots: self.roots,
            identity: self.identity,
            server_name: self.server_name,
            timeout,
        });
        Ok(Webhook::new(WebhookOptions {
            url: self.url,
            transport: transport.map_err(|error| error.to_string())?,
            credential: self.credential,
            retries,
        }))
    }
}

fn identity(certificate: &[u8], key: &[u8]) -> Result<Identity, String> {
    Ok(Identity {
        chain: certificates("client-certificate", certificate)?,
        key: PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| format!("client-key: holds no private key in PEM: {error}"))?,
    })
}

/// Reads a kubeconfig that a flag names; its faults begin with the flag.
pub(crate) fn read_for(flag: &str, file: &Path) -> Result<Peer, Vec<String>> {
    Peer::read(file).map_err(|faults| {
        let fault = |fault| format!("--{flag}={}: {fault}", file.display());
        faults.into_iter().map(fault).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Result<Peer, Vec<String>> {
        let mut problems = Problems::collected();
        let json = yaml::to_json(&Bytes::from(text.to_owned()), &mut problems).expect("YAML");
        Peer::of(
            serde_json::from_slice(&json).expect("a kubeconfig"),
            Path::new("/nowhere"),
        )
    }

    #[test]
    fn the_current_context_counts() {
        let peer = peer(
            "current-context: b\ncontexts: [{name: a}, {name: b, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://c/x', insecure-skip-tls-verify: true}}]\nusers: [{name: u, user: {token: t}}]\n",
        )
        .unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(peer.url, "https://c/x");
        assert!(peer.roots.is_none());
        assert!(matches!(peer.credential, Credential::Token(token) if token == "t"));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = peer(
            "current-context: b\ncontexts: [{name: b, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: c, certificate-authority: none.pem}}]\nusers: [{name: u, user: {client-key-data: '!', exec: {}}}]\n",
        )
        .err()
        .unwrap_or_default();
        assert_eq!(faults.len(), 4, "{faults:#?}");
        assert!(peer("clusters: null").is_err());
    }
}
