//! Users whom a proxy in front of the server vouches for: [`FrontProxy`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use rustls::RootCertStore;
use rustls::pki_types::UnixTime;
use rustls::server::VerifierBuilderError;
use rustls::server::danger::ClientCertVerifier;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::authenticator::{AuthenticationError, Authenticator, Outcome, authenticated};
use crate::credentials::{Credentials, Headers, Peer};
use crate::x509::verifier;

/// Which headers name a user. Names are in lower case.
#[derive(Debug, Clone, Default)]
pub struct FrontProxyHeaders {
    /// The first of these with a value is the name.
    pub usernames: Vec<String>,
    /// The same for the uid.
    pub uids: Vec<String>,
    /// All values of all of these are groups.
    pub groups: Vec<String>,
    /// What follows one of these is a key of extra.
    pub extra_prefixes: Vec<String>,
}

/// Believes what headers say of the user, if the connection's certificate is that of a front proxy.
#[derive(Debug)]
pub struct FrontProxy {
    verifier: ArcSwap<Arc<dyn ClientCertVerifier>>,
    /// Common names of proxies; empty for any.
    names: Vec<String>,
    headers: FrontProxyHeaders,
}

impl FrontProxy {
    /// Believes proxies with certificates by `roots` and one of `names`, or any name if there are none.
    ///
    /// # Errors
    /// Where `roots` is empty.
    pub fn new(
        roots: Arc<RootCertStore>,
        names: Vec<String>,
        headers: FrontProxyHeaders,
    ) -> Result<Self, VerifierBuilderError> {
        Ok(Self {
            verifier: ArcSwap::from_pointee(verifier(roots)?),
            names,
            headers,
        })
    }

    /// Believes proxies with certificates by `roots`, and no others, from now on.
    ///
    /// # Errors
    /// Where `roots` is empty; then nothing has changed.
    pub fn replace(&self, roots: Arc<RootCertStore>) -> Result<(), VerifierBuilderError> {
        self.verifier.store(Arc::new(verifier(roots)?));
        Ok(())
    }

    fn check_proxy(&self, peer: &Peer) -> Result<(), AuthenticationError> {
        let Some((leaf, intermediates)) = peer.chain().split_first() else {
            return Ok(());
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.verifier
            .load()
            .verify_client_cert(leaf, intermediates, UnixTime::since_unix_epoch(now))
            .map_err(|error| {
                AuthenticationError::new(format!(
                    "verifying the client certificate failed: {error}"
                ))
            })?;
        if self.names.is_empty() {
            return Ok(());
        }
        let unreadable =
            |_| AuthenticationError::new("the certificate of the front proxy cannot be read");
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(unreadable)?;
        let name = certificate
            .subject()
            .iter_common_name()
            .last()
            .and_then(|name| name.as_str().ok())
            .unwrap_or_default();
        if self.names.iter().any(|allowed| allowed == name) {
            Ok(())
        } else {
            Err(AuthenticationError::new(format!(
                "x509: subject with cn={name} is not in the allowed list"
            )))
        }
    }
}

impl FrontProxyHeaders {
    /// The user that headers name, if they do.
    fn user(&self, headers: &dyn Headers) -> Option<UserInfo> {
        let first = |names: &[String]| -> Text {
            let mut values = names.iter().filter_map(|name| headers.first(name));
            let value = values.find(|value| !value.is_empty());
            value.map(Text::from).unwrap_or_default()
        };
        let name = first(&self.usernames);
        if name.is_empty() {
            return None;
        }
        let groups = self.groups.iter().flat_map(|name| headers.all(name));
        let mut extra: BTreeMap<String, Vec<Text>> = BTreeMap::new();
        for prefix in &self.extra_prefixes {
            for (key, value) in headers.with_prefix(prefix) {
                extra.entry(key).or_default().push(value.into());
            }
        }
        Some(UserInfo {
            name,
            uid: first(&self.uids),
            groups: groups.map(Text::from).collect(),
            extra: extra
                .into_iter()
                .map(|(key, values)| (key.into(), values))
                .collect(),
        })
    }
}

impl Authenticator for FrontProxy {
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> Outcome<'a> {
        let (Some(peer), Some(headers)) = (credentials.peer, credentials.headers) else {
            return Outcome::Now(Ok(None));
        };
        // Most connections are no proxy's, and say nothing of users.
        let Some(user) = self.headers.user(headers) else {
            return Outcome::Now(Ok(None));
        };
        Outcome::Now(self.check_proxy(peer).map(|()| Some(authenticated(user))))
    }
}
