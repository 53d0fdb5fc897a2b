//! Connections to others: [`Transport`].

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What a transport is made from.
#[derive(Debug, Default)]
pub struct TransportOptions {
    /// Who may have signed the certificates of those that are asked; anybody if `None`.
    pub roots: Option<RootCertStore>,
    /// What is shown to those that want a certificate.
    pub identity: Option<Identity>,
    /// The name that certificates are for, if not the host's.
    pub server_name: Option<String>,
    /// How long an answer may take, its body included.
    pub timeout: Duration,
}

/// A client certificate, leaf first, and its key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate and what links it to its CA.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

/// Why somebody was asked in vain.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It is no URL that can be asked.
    #[error("{0} is no URL of http or https with a host")]
    Url(String),
    /// No connection came to be.
    #[error("cannot connect to {0}")]
    Connect(String, #[source] io::Error),
    /// The connection broke.
    #[error("the connection to {0} broke")]
    Broken(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("{0} did not answer in time")]
    Timeout(String),
}

impl CallError {
    /// Whether the other side may have had a bad moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Broken(..))
    }
}

/// What somebody answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Idle connections that are kept for one host.
const IDLE: usize = 16;
/// Nobody has more to say.
const LONGEST: usize = 16 << 20;
const AGENT: &str = concat!("pintle/", env!("CARGO_PKG_VERSION"));

type Sender = SendRequest<Full<Bytes>>;

/// Asks others over connections that it keeps.
pub struct Transport {
    tls: TlsConnector,
    server_name: Option<String>,
    timeout: Duration,
    idle: Mutex<HashMap<String, Vec<Sender>>>,
}

impl Transport {
    /// A transport as the options say.
    ///
    /// # Errors
    /// Where the identity's certificate and key do not go together.
    pub fn new(options: TransportOptions) -> Result<Self, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match options.roots {
            Some(roots) => builder.with_root_certificates(roots),
            None => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(algorithms))),
        };
        let config = match options.identity {
            Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key)?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            server_name: options.server_name,
            timeout: options.timeout,
            idle: Mutex::default(),
        })
    }

    /// Asks `url`, and again if a connection that was kept turns out to be gone.
    ///
    /// # Errors
    /// Where there is no answer; whatever its status, an answer is one.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Answer, CallError> {
        let target = Target::parse(url)?;
        let asked = async {
            if let Some(sender) = self.kept(&target.origin) {
                match self
                    .ask(sender, &target, method.clone(), headers, body.clone())
                    .await
                {
                    Err(CallError::Broken(..)) => {}
                    answered => return answered,
                }
            }
            let sender = self.connect(&target).await?;
            self.ask(sender, &target, method, headers, body).await
        };
        tokio::time::timeout(self.timeout, asked)
            .await
            .unwrap_or_else(|_| Err(CallError::Timeout(target.origin.clone())))
    }

    fn kept(&self, origin: &str) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(origin)?;
        while let Some(sender) = kept.pop() {
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    async fn ask(
        &self,
        mut sender: Sender,
        target: &Target,
        method: Method,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Answer, CallError> {
        let broken = |error: Box<dyn std::error::Error + Send + Sync>| {
            CallError::Broken(target.origin.clone(), error)
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.path.clone();
        request.headers_mut().extend(
            headers
                .iter()
                .map(|(name, value)| (Some(name.clone()), value.clone())),
        );
        request.headers_mut().insert(HOST, target.host.clone());
        request
            .headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static(AGENT));
        sender.ready().await.map_err(|error| broken(error.into()))?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| broken(error.into()))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST);
        let body = body.collect().await.map_err(broken)?.to_bytes();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(target.origin.clone()).or_default();
        if kept.len() < IDLE && !sender.is_closed() {
            kept.push(sender);
        }
        drop(idle);
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    async fn connect(&self, target: &Target) -> Result<Sender, CallError> {
        let failed = |error| CallError::Connect(target.origin.clone(), error);
        let stream = TcpStream::connect((target.name.as_str(), target.port))
            .await
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        if !target.is_secure {
            return self.shake(stream, target).await;
        }
        let name = self.server_name.as_ref().unwrap_or(&target.name);
        let name = ServerName::try_from(name.clone())
            .map_err(|_| CallError::Url(target.origin.clone()))?;
        let stream = self.tls.connect(name, stream).await.map_err(failed)?;
        self.shake(stream, target).await
    }

    async fn shake<S>(&self, stream: S, target: &Target) -> Result<Sender, CallError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) =
            shaken.map_err(|error| CallError::Broken(target.origin.clone(), error.into()))?;
        // It ends with the sender, and what it has to say is said there.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// A URL, taken apart.
struct Target {
    is_secure: bool,
    /// Scheme, host and port.
    origin: String,
    /// The host's name or address.
    name: String,
    port: u16,
    host: HeaderValue,
    path: Uri,
}

impl Target {
    fn parse(url: &str) -> Result<Self, CallError> {
        let wrong = || CallError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        let port = authority
            .port_u16()
            .unwrap_or(if is_secure { 443 } else { 80 });
        let host = match authority.port_u16() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            is_secure,
            origin: format!("{}://{host}", uri.scheme_str().unwrap_or_default()),
            name: authority.host().trim_matches(['[', ']']).to_owned(),
            port,
            host: HeaderValue::from_str(&host).map_err(|_| wrong())?,
            path: path.parse().map_err(|_| wrong())?,
        })
    }
}

/// Where systems keep the CAs that they trust, most common first.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The CAs that this machine trusts; none where it says nothing of them.
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = BUNDLES.iter().map(Path::new).find(|path| path.exists());
    if let Some(certificates) = found.and_then(|path| CertificateDer::pem_file_iter(path).ok()) {
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    }
    roots
}

/// Believes everybody who holds the key of the certificate that they show.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<(&str, u16, &str, &str)>) {
        let target = Target::parse(url).ok();
        let found = target.as_ref().map(|target| {
            let host = target.host.to_str().expect("a header");
            (&*target.name, target.port, host, target.path.path())
        });
        assert_eq!(found, expected, "{url}");
    }

    #[test]
    fn a_url_says_whom_to_ask_for_what() {
        check(
            "https://a.example/b?c",
            Some(("a.example", 443, "a.example", "/b")),
        );
        check("http://[::1]:8080", Some(("::1", 8080, "[::1]:8080", "/")));
        check("ftp://a", None);
        check("/a", None);
        check("https://", None);
    }
}
