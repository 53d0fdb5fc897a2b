//! What a request shows of its sender: [`Credentials`].

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;

use crate::x509::Memo;

/// What a request shows of its sender.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The other end of the connection, if it showed a certificate.
    pub peer: Option<&'a Peer>,
    /// The bearer token, see [`bearer_token`].
    pub bearer: Option<&'a str>,
    /// The path of the request, percent-decoded.
    pub path: &'a str,
    /// Headers, for who believes those of a proxy.
    pub headers: Option<&'a dyn Headers>,
}

/// Headers by name, in lower case.
pub trait Headers: std::fmt::Debug + Sync {
    /// All values of a header.
    fn all(&self, name: &str) -> Vec<String>;

    /// Headers whose names begin with `prefix`: the rest of the name, percent-decoded, and the value.
    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)>;

    /// The first value of a header.
    fn first(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }
}

/// The certificates that the other end of a connection showed, leaf first. Whoever verifies them
/// keeps the result here, so that a connection's second request costs a look at the clock.
#[derive(Debug)]
pub struct Peer {
    chain: Vec<CertificateDer<'static>>,
    pub(crate) memo: Mutex<Option<Memo>>,
}

impl Peer {
    /// The certificates of a connection; `None` if there are none.
    pub fn new(chain: &[CertificateDer<'_>]) -> Option<Self> {
        if chain.is_empty() {
            return None;
        }
        let chain = chain
            .iter()
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        Some(Self {
            chain,
            memo: Mutex::new(None),
        })
    }

    /// How long the certificate that identified this connection's user is still good; nothing if none did.
    pub fn good_for(&self) -> Option<Duration> {
        let memo = self.memo.lock().ok()?;
        let expiry = memo.as_ref()?.expiry?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Some(Duration::from_secs(expiry).saturating_sub(now))
    }

    /// The certificates, leaf first; never empty.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }
}

/// The token in an `Authorization` header. Another scheme, or none, or an empty token is no token.
pub fn bearer_token(header: &str) -> Option<&str> {
    let mut parts = header.trim().splitn(3, ' ');
    let scheme = parts.next()?;
    let token = parts.next()?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<&str>) {
        assert_eq!(bearer_token(header), expected, "{header:?}");
    }

    #[test]
    fn a_bearer_token_is_the_second_word() {
        check("Bearer abc", Some("abc"));
        check("bearer abc more", Some("abc"));
        check("Bearer", None);
        check("Bearer  abc", None);
        check("Basic YTpi", None);
        check("", None);
    }
}
