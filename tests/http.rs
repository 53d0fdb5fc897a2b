//! A plain HTTP/1.1 client, and one for HTTP/2: sends exactly the headers it is given, and shows exactly what came back.
//!
//! Servers under test make their own certificates, so they are not verified here; the suite of real clients does that.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Nothing that is asked for here takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Header lines in order; a name may repeat.
pub type Headers = Vec<(String, String)>;

/// Where a server listens.
#[derive(Clone)]
pub struct Endpoint {
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
}

impl Endpoint {
    /// Takes `https://host:port` or `http://host:port` apart.
    pub fn parse(url: &str) -> Result<Self> {
        let uri: http::Uri = url
            .parse()
            .with_context(|| format!("{url:?} is not a URL"))?;
        let host = uri.host().with_context(|| format!("{url:?} has no host"))?;
        let (tls, default) = match uri.scheme_str() {
            Some("https") => (
                Some(TlsConnector::from(Arc::new(tls_config(&[b"http/1.1"])?))),
                443,
            ),
            Some("http") => (None, 80),
            _ => bail!("{url:?} is neither http nor https"),
        };
        let host = host.trim_matches(['[', ']']).to_string();
        Ok(Self {
            host,
            port: uri.port_u16().unwrap_or(default),
            tls,
        })
    }

    /// The same, with a certificate for servers that ask for one: leaf first, and its key, in PEM.
    pub fn showing(self, chain: &str, key: &str) -> Result<Self> {
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
        let config = trusting()?.with_client_auth_cert(chain, key)?;
        Ok(Self {
            tls: Some(TlsConnector::from(Arc::new(config))),
            ..self
        })
    }

    /// The certificate that the server shows to who asks for `name`.
    pub async fn shown_for(&self, name: &str) -> Result<CertificateDer<'static>> {
        let tls = self.tls.as_ref().context("there is no TLS")?;
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let stream = tls
            .connect(ServerName::try_from(name.to_owned())?, stream)
            .await?;
        let shown = stream.get_ref().1.peer_certificates();
        let leaf = shown.and_then(<[_]>::first).context("nothing is shown")?;
        Ok(leaf.clone().into_owned())
    }

    /// A connection by TLS as `config` says, over which nothing was sent yet.
    pub async fn handshake(
        &self,
        config: rustls::ClientConfig,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let name = ServerName::try_from(self.host.clone())?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(connector.connect(name, stream).await?)
    }

    /// The same server at another address.
    #[must_use]
    pub fn at(self, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..self
        }
    }

    /// Opens a connection.
    pub async fn connect(&self) -> Result<Connection> {
        let address = (self.host.as_str(), self.port);
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address:?}"))?;
        stream.set_nodelay(true)?;
        let sender = match &self.tls {
            Some(tls) => {
                let name = ServerName::try_from(self.host.clone())?;
                spawn(http1::handshake(TokioIo::new(tls.connect(name, stream).await?)).await?)
            }
            None => spawn(http1::handshake(TokioIo::new(stream)).await?),
        };
        Ok(Connection {
            sender,
            authority: format!("{}:{}", self.host, self.port),
        })
    }
}

impl Endpoint {
    /// Opens a connection for many requests at once, over HTTP/2 and TLS.
    pub async fn connect_http2(&self) -> Result<Streams> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let tls = TlsConnector::from(Arc::new(tls_config(&[b"h2"])?));
        let stream = tls
            .connect(ServerName::try_from(self.host.clone())?, stream)
            .await?;
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Streams {
            sender,
            authority: format!("{}:{}", self.host, self.port),
        })
    }
}

/// A connection for many requests at once.
#[derive(Clone)]
pub struct Streams {
    sender: http2::SendRequest<Full<Bytes>>,
    authority: String,
}

impl Streams {
    /// Sends a GET and gives the answer as soon as its headers are there.
    pub async fn get(&mut self, path: &str, headers: &Headers) -> Result<http::Response<Incoming>> {
        self.sender.ready().await?;
        let mut request = http::Request::builder().uri(format!("https://{}{path}", self.authority));
        for (name, value) in headers {
            request = request.header(name, latin1_bytes(value)?);
        }
        Ok(self
            .sender
            .send_request(request.body(Full::default())?)
            .await?)
    }
}

/// Drives the connection until either side closes it.
fn spawn<I>((sender, connection): Handshake<I>) -> Sender
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(connection);
    sender
}

type Sender = SendRequest<Full<Bytes>>;
type Handshake<I> = (Sender, http1::Connection<TokioIo<I>, Full<Bytes>>);

/// A TLS client that believes every server, offering `protocols` by ALPN.
pub fn tls_config(protocols: &[&[u8]]) -> Result<rustls::ClientConfig> {
    let mut config = trusting()?.with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// The same, which speaks but these versions and cipher suites.
pub fn tls_config_of(
    versions: &[&'static rustls::SupportedProtocolVersion],
    suites: &[rustls::CipherSuite],
) -> Result<rustls::ClientConfig> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .retain(|suite| suites.is_empty() || suites.contains(&suite.suite()));
    let trusting = Trusting(provider.signature_verification_algorithms);
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_protocol_versions(versions)?.dangerous();
    let builder = builder.with_custom_certificate_verifier(Arc::new(trusting));
    Ok(builder.with_no_client_auth())
}

/// A client that believes every server.
fn trusting() -> Result<rustls::ConfigBuilder<rustls::ClientConfig, WantsClientCert>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let trusting = Trusting(provider.signature_verification_algorithms);
    Ok(
        rustls::ClientConfig::builder_with_provider(provider as Arc<CryptoProvider>)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trusting)),
    )
}

/// One connection, one request at a time.
pub struct Connection {
    sender: Sender,
    authority: String,
}

impl Connection {
    /// Sends a request and gives the answer as soon as its headers are there.
    pub async fn open(
        &mut self,
        method: &str,
        path: &str,
        headers: &Headers,
        body: Option<Bytes>,
    ) -> Result<http::Response<Incoming>> {
        self.sender.ready().await?;
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.authority);
        for (name, value) in headers {
            request = request.header(name, latin1_bytes(value)?);
        }
        let request = request
            .body(Full::new(body.unwrap_or_default()))
            .with_context(|| format!("{method} {path}"))?;
        Ok(self.sender.send_request(request).await?)
    }

    /// Sends a request and reads the whole answer.
    pub async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &Headers,
        body: Option<Bytes>,
    ) -> Result<Answer> {
        let whole = async {
            let response = self.open(method, path, headers, body).await?;
            let (status, headers) = (response.status().as_u16(), header_lines(&response));
            Ok(Answer {
                status,
                headers,
                body: response.into_body().collect().await?.to_bytes(),
            })
        };
        tokio::time::timeout(PATIENCE, whole)
            .await
            .with_context(|| format!("no answer to {method} {path}"))?
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Headers,
    /// As it came, compressed if it came so.
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of a name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{}: not JSON: {}", self.status, self.text()))
    }
}

/// A client that keeps a connection and makes a new one when that is gone.
pub struct Client {
    endpoint: Endpoint,
    connection: Option<Connection>,
}

impl Client {
    /// Connects at the first request.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            connection: None,
        }
    }

    /// The server that it talks to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends a request; once more on a new connection if the kept one turns out to be closed.
    pub async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &Headers,
        body: Option<Bytes>,
    ) -> Result<Answer> {
        if let Some(mut kept) = self.connection.take()
            && let Ok(answer) = kept.request(method, path, headers, body.clone()).await
        {
            self.connection = Some(kept);
            return Ok(answer);
        }
        let mut fresh = self.endpoint.connect().await?;
        let answer = fresh.request(method, path, headers, body).await?;
        self.connection = Some(fresh);
        Ok(answer)
    }
}

/// The header lines of a response, byte for byte as Latin-1.
pub fn header_lines<B>(response: &http::Response<B>) -> Headers {
    let lines = response.headers().iter();
    lines
        .map(|(name, value)| {
            (
                name.as_str().into(),
                value
                    .as_bytes()
                    .iter()
                    .map(|&byte| char::from(byte))
                    .collect(),
            )
        })
        .collect()
}

fn latin1_bytes(text: &str) -> Result<Vec<u8>> {
    text.chars()
        .map(|c| u8::try_from(c).with_context(|| format!("{text:?} cannot stand in a header")))
        .collect()
}

/// Believes every certificate, but checks that the peer holds its key.
#[derive(Debug)]
struct Trusting(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.supported_schemes()
    }
}
