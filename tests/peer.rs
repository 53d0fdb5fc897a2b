//! Somebody whom the server under test asks: an HTTPS server with a certificate of its own that answers as a test says.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A CA of a test.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A CA.
    ///
    /// # Panics
    ///
    /// If no key can be made.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        Self(CertifiedIssuer::self_signed(params, key).expect("a CA can be made"))
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate as `with` says, and its key, both PEM.
    ///
    /// # Panics
    ///
    /// If no key can be made.
    #[must_use]
    pub fn certificate(&self, with: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        with(&mut params);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params
            .signed_by(&key, &self.0)
            .expect("a certificate can be made");
        (certificate.pem(), key.serialize_pem())
    }

    /// A certificate for a server on this machine that is also known by `names`.
    #[must_use]
    pub fn serving(&self, names: &[&str]) -> (String, String) {
        self.certificate(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let local = rcgen::SanType::IpAddress([127, 0, 0, 1].into());
            params.subject_alt_names.push(local);
            for name in names {
                let name = (*name).try_into().expect("a name");
                params.subject_alt_names.push(rcgen::SanType::DnsName(name));
            }
        })
    }

    /// A certificate for a client.
    #[must_use]
    pub fn client(&self, subject: &[(rcgen::DnType, &str)]) -> (String, String) {
        self.certificate(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            for (kind, value) in subject {
                params.distinguished_name.push(kind.clone(), *value);
            }
        })
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, `POST`.
    pub method: String,
    /// With the query.
    pub path: String,
    /// The header of that name, or nothing.
    pub authorization: String,
    /// The body.
    pub body: Bytes,
}

/// Answers a request with a status and a body.
pub type Answering = dyn Fn(&Asked) -> (u16, String) + Send + Sync;

/// A server whom others ask.
pub struct Peer {
    /// `https://127.0.0.1:port`
    pub url: String,
    /// The CA of its certificate, PEM.
    pub ca: String,
    asked: Arc<Mutex<VecDeque<Asked>>>,
    serving: JoinHandle<()>,
}

impl Peer {
    /// Starts one. `answer` is made from its URL.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    pub async fn start<F>(answer: impl FnOnce(&str) -> F) -> Self
    where
        F: Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let url = format!("https://{address}");
        let authority = Authority::new();
        let (chain, key) = authority.serving(&[]);
        let asked = Arc::new(Mutex::new(VecDeque::new()));
        let answer: Arc<Answering> = Arc::new(answer(&url));
        let serving = tokio::spawn(serve(
            listener,
            acceptor(&chain, &key),
            answer,
            Arc::clone(&asked),
        ));
        Self {
            url,
            ca: authority.pem(),
            asked,
            serving,
        }
    }

    /// What it was asked since the last look.
    #[allow(clippy::must_use_candidate, reason = "a look also forgets")]
    pub fn asked(&self) -> Vec<Asked> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.drain(..).collect()
    }

    /// A kubeconfig that leads to `path` here, with a token.
    #[must_use]
    pub fn kubeconfig(&self, path: &str) -> String {
        use base64::Engine as _;
        let ca = base64::prelude::BASE64_STANDARD.encode(&self.ca);
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nclusters: [{{name: c, cluster: {{server: '{}{path}', certificate-authority-data: {ca}}}}}]\nusers: [{{name: u, user: {{token: ours}}}}]\n",
            self.url
        )
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn acceptor(chain: &str, key: &str) -> TlsAcceptor {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions are known")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key is the certificate's");
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    answer: Arc<Answering>,
    asked: Arc<Mutex<VecDeque<Asked>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, answer, asked) = (tls.clone(), Arc::clone(&answer), Arc::clone(&asked));
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request: http::Request<Incoming>| {
                let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
                async move {
                    let request = read(request).await;
                    let (status, body) = answer(&request);
                    asked
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push_back(request);
                    let mut response = http::Response::new(Full::new(Bytes::from(body)));
                    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
                    Ok::<_, Infallible>(response)
                }
            });
            // A client that goes away is no matter.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn read(request: http::Request<Incoming>) -> Asked {
    let (parts, body) = request.into_parts();
    let authorization = parts.headers.get("authorization");
    Asked {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        authorization: authorization
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        body: body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default(),
    }
}
