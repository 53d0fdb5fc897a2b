//! Client certificates: [`ClientCertificates`].

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::authenticator::{
    Authenticated, AuthenticationError, Authenticator, Outcome, authenticated,
};
use crate::credentials::{Credentials, Peer};

/// Trusts certificates that a CA of ours signed: the common name is the user, the organizations
/// are the groups, and the attribute 1.3.6.1.4.1.57683.2 is the uid.
#[derive(Debug)]
pub struct ClientCertificates {
    trusted: ArcSwap<Trusted>,
}

/// CAs that are trusted, until others are.
#[derive(Debug)]
struct Trusted {
    verifier: Arc<dyn ClientCertVerifier>,
    /// How often CAs were replaced before.
    generation: u64,
}

/// What became of verifying a connection's certificate, kept with the connection.
#[derive(Debug)]
pub(crate) struct Memo {
    answer: Authenticated,
    good_until: UnixTime,
    /// When the certificate expires, in seconds since 1970; nothing of a bad one.
    pub(crate) expiry: Option<u64>,
    generation: u64,
}

/// After this a bad certificate is looked at again: its time may have come.
const RETRY: Duration = Duration::from_secs(10);
/// After this a good one is verified again, as an issuer on its way may have expired.
const RENEW: Duration = Duration::from_secs(60);

const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

impl ClientCertificates {
    /// Trusts what one of `roots` signed.
    ///
    /// # Errors
    /// Where `roots` is empty.
    pub fn new(roots: Arc<RootCertStore>) -> Result<Self, VerifierBuilderError> {
        Ok(Self {
            trusted: ArcSwap::from_pointee(Trusted {
                verifier: verifier(roots)?,
                generation: 0,
            }),
        })
    }

    /// Trusts what one of `roots` signed, and nothing else, from now on.
    ///
    /// # Errors
    /// Where `roots` is empty; then nothing has changed.
    pub fn replace(&self, roots: Arc<RootCertStore>) -> Result<(), VerifierBuilderError> {
        let verifier = verifier(roots)?;
        self.trusted.rcu(|trusted| Trusted {
            verifier: Arc::clone(&verifier),
            generation: trusted.generation + 1,
        });
        Ok(())
    }

    fn identify(&self, peer: &Peer, now: UnixTime) -> Authenticated {
        let Ok(mut memo) = peer.memo.lock() else {
            return Err(AuthenticationError::new(
                "an earlier verification failed badly",
            ));
        };
        let trusted = self.trusted.load();
        if let Some(memo) = &*memo
            && memo.generation == trusted.generation
            && now.as_secs() < memo.good_until.as_secs()
        {
            return memo.answer.clone();
        }
        let (answer, good_for, expiry) = match trusted.verify(peer.chain(), now) {
            Ok((answer, expiry)) => (
                Ok(answer),
                RENEW.min(Duration::from_secs(expiry.saturating_sub(now.as_secs()))),
                Some(expiry),
            ),
            Err(error) => (Err(error), RETRY, None),
        };
        let good_until = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + good_for);
        *memo = Some(Memo {
            answer: answer.clone(),
            good_until,
            expiry,
            generation: trusted.generation,
        });
        answer
    }
}

/// What verifies clients' certificates by `roots`.
pub(crate) fn verifier(
    roots: Arc<RootCertStore>,
) -> Result<Arc<dyn ClientCertVerifier>, VerifierBuilderError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(roots, provider).build()
}

impl Trusted {
    /// The user of a certificate and when the certificate expires, in seconds since 1970.
    fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(Option<Arc<UserInfo>>, u64), AuthenticationError> {
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Ok((None, u64::MAX));
        };
        self.verifier
            .verify_client_cert(leaf, intermediates, now)
            .map_err(|error| {
                AuthenticationError::new(format!(
                    "verifying the client certificate failed: {error}"
                ))
            })?;
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|error| {
            AuthenticationError::new(format!("reading the client certificate failed: {error}"))
        })?;
        let expiry =
            u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default();
        let user = user_of(&certificate, leaf)?;
        Ok((user.map(authenticated), expiry))
    }
}

impl Authenticator for ClientCertificates {
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> Outcome<'a> {
        let Some(peer) = credentials.peer else {
            return Outcome::Now(Ok(None));
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Outcome::Now(self.identify(peer, UnixTime::since_unix_epoch(now)))
    }
}

/// The user that a certificate names; none if it has no common name.
fn user_of(
    certificate: &X509Certificate<'_>,
    der: &[u8],
) -> Result<Option<UserInfo>, AuthenticationError> {
    let mut name = None;
    let mut groups = Vec::new();
    let mut uids = Vec::new();
    for attribute in certificate.subject().iter_attributes() {
        let text = || attribute.as_str().map(|text| Text::from(text.to_owned()));
        let bad = |_| AuthenticationError::new("the certificate's subject is not text");
        match attribute.attr_type().to_id_string().as_str() {
            // Of several common names Go takes the last.
            "2.5.4.3" => name = Some(text().map_err(bad)?),
            "2.5.4.10" => groups.push(text().map_err(bad)?),
            "1.3.6.1.4.1.57683.2" => uids.push(
                text()
                    .map_err(|_| AuthenticationError::new("unable to parse UID into a string"))?,
            ),
            _ => {}
        }
    }
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let uid = match uids.len() {
        0 => Text::default(),
        1 if uids[0].is_empty() => {
            return Err(AuthenticationError::new(
                "UID cannot be an empty string".to_owned(),
            ));
        }
        1 => uids.remove(0),
        _ => {
            return Err(AuthenticationError::new(format!(
                "expected 1 UID, but found multiple: {uids:?}"
            )));
        }
    };
    let id = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    let id = Text::from(format!("X509SHA256={}", hex(id.as_ref())));
    Ok(Some(UserInfo {
        name,
        uid,
        groups,
        extra: vec![(Text::from_static(CREDENTIAL_ID), vec![id])],
    }))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
        ExtendedKeyUsagePurpose, IsCa, KeyPair,
    };

    use super::*;

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA")
    }

    fn leaf(
        signer: &CertifiedIssuer<'static, KeyPair>,
        names: &[(DnType, &str)],
    ) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        params
            .signed_by(&key, signer)
            .expect("a certificate")
            .der()
            .clone()
    }

    fn authenticate(
        trusted: &CertifiedIssuer<'static, KeyPair>,
        shown: &CertificateDer<'_>,
    ) -> Authenticated {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.der().clone()).expect("a root");
        let authenticator = ClientCertificates::new(Arc::new(roots)).expect("roots");
        let peer = Peer::new(std::slice::from_ref(shown)).expect("a certificate");
        let first = authenticator.authenticate(Credentials {
            peer: Some(&peer),
            ..Credentials::default()
        });
        let second = authenticator.authenticate(Credentials {
            peer: Some(&peer),
            ..Credentials::default()
        });
        let (Outcome::Now(first), Outcome::Now(second)) = (first, second) else {
            panic!("answers at once")
        };
        assert_eq!(first.is_ok(), second.is_ok());
        first
    }

    #[test]
    fn a_certificate_of_ours_names_user_groups_and_uid() {
        let ca = authority();
        let uid = DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 57683, 2]);
        let shown = leaf(
            &ca,
            &[
                (DnType::OrganizationName, "system:masters"),
                (DnType::CommonName, "admin"),
                (uid, "u-1"),
            ],
        );
        let user = authenticate(&ca, &shown).expect("good").expect("a user");
        assert_eq!(user.name, "admin");
        assert_eq!(user.uid, "u-1");
        assert_eq!(user.groups, ["system:masters", "system:authenticated"]);
        assert_eq!(user.extra[0].0, CREDENTIAL_ID);
        assert!(user.extra[0].1[0].starts_with("X509SHA256="));
    }

    #[test]
    fn a_certificate_of_another_ca_is_an_error() {
        let (ours, theirs) = (authority(), authority());
        let shown = leaf(&theirs, &[(DnType::CommonName, "admin")]);
        assert!(authenticate(&ours, &shown).is_err());
    }

    #[test]
    fn another_ca_counts_at_once() {
        let (ours, theirs) = (authority(), authority());
        let store = |ca: &CertifiedIssuer<'static, KeyPair>| {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der().clone()).expect("a root");
            Arc::new(roots)
        };
        let authenticator = ClientCertificates::new(store(&ours)).expect("roots");
        let shown = leaf(&ours, &[(DnType::CommonName, "admin")]);
        let peer = Peer::new(std::slice::from_ref(&shown)).expect("a certificate");
        let is_good = || {
            let credentials = Credentials {
                peer: Some(&peer),
                ..Credentials::default()
            };
            matches!(
                authenticator.authenticate(credentials),
                Outcome::Now(Ok(Some(_)))
            )
        };
        assert!(is_good());
        authenticator.replace(store(&theirs)).expect("roots");
        assert!(!is_good());
        authenticator.replace(store(&ours)).expect("roots");
        assert!(is_good());
    }

    #[test]
    fn a_certificate_without_a_common_name_is_nobody() {
        let ca = authority();
        let shown = leaf(&ca, &[(DnType::OrganizationName, "system:masters")]);
        assert!(authenticate(&ca, &shown).expect("good").is_none());
    }
}
