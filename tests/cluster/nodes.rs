//! Ways out to nodes, with a kubelet that answers: logs, streams, a proxy.

use std::sync::Arc;

use pintle_tests::http::{Headers, tls_config};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::workloads::PODS;
use crate::world::World;

/// A CA, and a folder with what the server needs of it.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a CA");
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Self { issuer, folder };
        authority.write("ca.crt", authority.issuer.pem());
        let (certificate, key) = authority.issue("kube-apiserver");
        authority.write("client.crt", certificate.pem());
        authority.write("client.key", key.serialize_pem());
        authority
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate, key)
    }

    fn write(&self, file: &str, text: String) {
        std::fs::write(self.folder.path().join(file), text).expect("the folder can be written to");
    }

    fn flags(&self) -> Vec<String> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        vec![
            format!("--kubelet-client-certificate={}", file("client.crt")),
            format!("--kubelet-client-key={}", file("client.key")),
            format!("--kubelet-certificate-authority={}", file("ca.crt")),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
        ]
    }

    /// A kubelet that takes nobody whom the CA does not know; gives its port.
    async fn kubelet(&self) -> u16 {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(self.issuer.der().to_vec()))
            .expect("a CA");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .expect("a verifier");
        let (certificate, key) = self.issue("127.0.0.1");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate and its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        answer(stream).await;
                    }
                });
            }
        });
        port
    }
}

/// One request, and what a kubelet makes of it.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let head = head(&mut stream).await;
    let line = head.lines().next().unwrap_or_default().to_owned();
    let has = |text: &str| head.to_ascii_lowercase().contains(text);
    if line.contains(" /exec/") && has("upgrade: spdy/3.1") && !has("authorization:") {
        let agreed = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\
                      X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n";
        stream
            .write_all(agreed.as_bytes())
            .await
            .expect("the peer reads");
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.expect("the peer writes");
        let said = format!("{} {line}", String::from_utf8_lossy(&word).to_uppercase());
        stream
            .write_all(said.as_bytes())
            .await
            .expect("the peer reads");
        stream.shutdown().await.ok();
        return;
    }
    let (code, body) = match line.split(' ').nth(1).unwrap_or_default() {
        path if path.starts_with("/containerLogs/default/web/gone") => {
            ("404 Not Found", "no such container".to_owned())
        }
        path if path.starts_with("/containerLogs/") || path.starts_with("/metrics") => {
            ("200 OK", format!("{line}\n"))
        }
        _ => ("400 Bad Request", "what?".to_owned()),
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {code}\r\nContent-Type: text/odd\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream
        .write_all(text.as_bytes())
        .await
        .expect("the peer reads");
    stream.shutdown().await.ok();
}

/// Everything up to the empty line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            break;
        };
        head.push(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A server, and a node with a pod of two containers.
async fn world(authority: &Authority, port: u16) -> World {
    let flags = authority.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let world = World::start(&flags).await;
    let node = json!({
        "metadata": {"name": "node-1"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        },
    });
    world.make("/api/v1/nodes", "v1/Node", node).await;
    let container = |name: &str| json!({"name": name, "image": "registry.example/web:1"});
    let pod = json!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"nodeName": "node-1", "containers": [container("web"), container("gone")]},
    });
    world.make(PODS, "v1/Pod", pod).await;
    world
}

async fn get(world: &World, path: &str) -> (u16, String, String) {
    let mut client = world.server.client();
    let answer = client
        .request("GET", path, &world.server.authorization(), None)
        .await;
    let answer = answer.expect("the server answers");
    let kind = answer
        .headers
        .iter()
        .find(|(name, _)| name == "content-type");
    let kind = kind.map(|(_, value)| value.clone()).unwrap_or_default();
    (answer.status, kind, answer.text())
}

#[tokio::test]
async fn logs_come_from_the_kubelet() {
    let authority = Authority::new();
    let world = world(&authority, authority.kubelet().await).await;
    let message =
        |body: &str| serde_json::from_str::<Value>(body).unwrap_or_default()["message"].clone();
    let (code, kind, body) = get(
        &world,
        &format!("{PODS}/web/log?container=web&tailLines=5&follow=true"),
    )
    .await;
    assert_eq!((code, kind.as_str()), (200, "text/plain"), "{body}");
    assert_eq!(
        body,
        "GET /containerLogs/default/web/web?follow=true&tailLines=5 HTTP/1.1\n"
    );
    let (code, _, body) = get(&world, &format!("{PODS}/web/log")).await;
    let expected = "a container name must be specified for pod web, choose one of: [web gone]";
    assert_eq!((code, message(&body)), (400, expected.into()));
    let (code, _, body) = get(&world, &format!("{PODS}/web/log?container=gone")).await;
    let expected = "the server could not find the requested resource ( pods web)";
    assert_eq!((code, message(&body)), (404, expected.into()));
    let (code, _, body) = get(&world, &format!("{PODS}/web/log?tailLines=x")).await;
    let expected = "strconv.ParseInt: parsing \"x\": invalid syntax";
    assert_eq!((code, message(&body)), (400, expected.into()));
}

#[tokio::test]
async fn a_node_is_asked_through_its_proxy() {
    let authority = Authority::new();
    let world = world(&authority, authority.kubelet().await).await;
    let (code, kind, body) = get(
        &world,
        "/api/v1/nodes/node-1/proxy/metrics/cadvisor?a=b%20c",
    )
    .await;
    assert_eq!((code, kind.as_str()), (200, "text/odd"));
    assert_eq!(body, "GET /metrics/cadvisor?a=b%20c HTTP/1.1\n");
    let (code, _, body) = get(&world, "/api/v1/nodes/node-1:1/proxy/").await;
    assert_eq!(code, 400, "this machine is out of reach: {body}");
    assert!(body.contains("address not allowed"), "{body}");
}

#[tokio::test]
async fn a_stream_reaches_the_container() {
    let authority = Authority::new();
    let world = world(&authority, authority.kubelet().await).await;
    let endpoint = world.server.url().trim_start_matches("https://").to_owned();
    let path =
        format!("{PODS}/web/exec?container=web&command=sh&command=-c&stdin=true&stdout=true");
    let ask = |upgrade: bool| {
        let upgrade = if upgrade {
            "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        } else {
            ""
        };
        let headers: Headers = world.server.authorization();
        let token = &headers[0].1;
        format!(
            "POST {path} HTTP/1.1\r\nHost: {endpoint}\r\nAuthorization: {token}\r\n{upgrade}Content-Length: 0\r\n\r\n"
        )
    };
    let connect = async || {
        let config = tls_config(&[b"http/1.1"]).expect("a configuration");
        let stream = TcpStream::connect(&endpoint)
            .await
            .expect("the server listens");
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .expect("TLS")
    };
    let mut stream = connect().await;
    stream
        .write_all(ask(true).as_bytes())
        .await
        .expect("the server reads");
    let agreed = head(&mut stream).await.to_ascii_lowercase();
    assert!(agreed.starts_with("http/1.1 101"), "{agreed}");
    assert!(
        agreed.contains("x-stream-protocol-version: v4.channel.k8s.io"),
        "{agreed}"
    );
    stream.write_all(b"ping").await.expect("the kubelet reads");
    let mut said = String::new();
    stream
        .read_to_string(&mut said)
        .await
        .expect("the kubelet writes");
    assert_eq!(
        said,
        "PING POST /exec/default/web/web?command=sh&command=-c&input=1&output=1 HTTP/1.1"
    );
    let mut stream = connect().await;
    stream
        .write_all(ask(false).as_bytes())
        .await
        .expect("the server reads");
    let refused = head(&mut stream).await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
}

#[tokio::test]
async fn a_kubelet_that_is_not_there_is_said_to_be() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let world = world(&authority, port).await;
    let (code, _, body) = get(&world, &format!("{PODS}/web/log?container=web")).await;
    let expected = format!(
        "Get \\\"https://127.0.0.1:{port}/containerLogs/default/web/web\\\": dial tcp 127.0.0.1:{port}: connect: \
         connection refused"
    );
    assert!(code == 500 && body.contains(&expected), "{code} {body}");
}
