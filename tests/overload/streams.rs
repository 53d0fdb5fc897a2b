//! Connections that are misused: streams that are opened and reset, headers without an end, requests that stop halfway.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pintle_tests::http::tls_config;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

type Stream = TlsStream<TcpStream>;

async fn tls(server: &TestServer, protocol: &[u8]) -> Stream {
    let address = server.url().trim_start_matches("https://").to_owned();
    let stream = TcpStream::connect(address).await;
    let config = tls_config(&[protocol]).expect("a configuration");
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    let stream = stream.expect("the server listens");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream);
    stream.await.expect("the server speaks TLS")
}

async fn http2(server: &TestServer) -> SendRequest<Full<Bytes>> {
    let stream = TokioIo::new(tls(server, b"h2").await);
    let opened = http2::handshake(TokioExecutor::new(), stream).await;
    let (sender, connection) = opened.expect("the server speaks HTTP/2");
    tokio::spawn(connection);
    sender
}

fn list(server: &TestServer) -> http::Request<Full<Bytes>> {
    let request = http::Request::get(format!("{}{CONFIGMAPS}", server.url()));
    let request = request.header("authorization", format!("Bearer {}", server.token()));
    request.body(Full::default()).expect("a request")
}

#[tokio::test]
async fn streams_that_are_reset_at_once_cost_nothing_that_lasts() {
    let server = TestServer::start().await;
    let before = memory(&server);
    let (mut reset, mut cut_off) = (0, 0);
    while reset < 20_000 {
        let mut sender = http2(&server).await;
        for _ in 0..1000 {
            if sender.ready().await.is_err() {
                cut_off += 1;
                break;
            }
            let answer = sender.send_request(list(&server));
            // On its way, and then not wanted any more.
            tokio::task::yield_now().await;
            drop(answer);
            reset += 1;
        }
    }
    println!("{reset} streams were reset, {cut_off} connections cut off");
    is_well(&server).await;
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 100, "it has grown by {grown} MB");
}

#[tokio::test]
async fn many_streams_of_one_connection_are_all_answered() {
    let server = TestServer::start().await;
    let sender = http2(&server).await;
    // More than there may be at once: they wait for each other.
    let answers = (0..500).map(|_| {
        let (mut sender, request) = (sender.clone(), list(&server));
        async move {
            sender.ready().await.expect("the connection stays");
            sender.send_request(request).await
        }
    });
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    is_well(&server).await;
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is short");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn headers_that_never_end_are_cut_off() {
    const HEADERS: u8 = 1;
    const SETTINGS: u8 = 4;
    const CONTINUATION: u8 = 9;
    let server = TestServer::start().await;
    let before = memory(&server);
    let mut stream = tls(&server, b"h2").await;
    let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    begin.extend(frame(SETTINGS, 0, 0, &[]));
    begin.extend(frame(HEADERS, 0, 1, &[0x82, 0x87]));
    stream.write_all(&begin).await.expect("the server reads");
    // A header `a` with a value of 16,000 bytes, never indexed, again and again.
    let mut header = vec![0x10, 1, b'a', 0x7f];
    header.extend([0x81, 0x7c]);
    header.resize(header.len() + 16_000, b'b');
    let more = frame(CONTINUATION, 0, 1, &header);
    let (mut answers, mut stream) = tokio::io::split(stream);
    let ended = async {
        let mut buffer = [0; 4096];
        while answers.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    };
    let mut sent = 0;
    let flood = async {
        while stream.write_all(&more).await.is_ok() {
            sent += more.len();
        }
    };
    // It says that it is too much, and closes the connection.
    tokio::select! { () = ended => {}, () = flood => {} }
    assert!(
        sent < 50_000_000,
        "the server takes {sent} bytes of headers"
    );
    is_well(&server).await;
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 50, "it has grown by {grown} MB after {sent} bytes");
}

#[tokio::test]
async fn who_stops_halfway_keeps_nobody_out() {
    let server = TestServer::start().await;
    let before = memory(&server);
    let token = server.token();
    let head =
        format!("POST {CONFIGMAPS} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n");
    let body = "content-type: application/json\r\ncontent-length: 1000000\r\n\r\n{\"metadata\"";
    let mut halves = Vec::new();
    for number in 0..200 {
        let mut stream = tls(&server, b"http/1.1").await;
        let half = if number % 2 == 0 {
            head.clone()
        } else {
            format!("{head}{body}")
        };
        stream
            .write_all(half.as_bytes())
            .await
            .expect("the server reads");
        halves.push(stream);
    }
    is_well(&server).await;
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 50, "200 halves of requests take {grown} MB");
    // One byte after the other is a request all the same.
    let mut slow = tls(&server, b"http/1.1").await;
    let head = format!(
        "GET /version HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    for byte in head.as_bytes() {
        slow.write_all(&[*byte]).await.expect("the server reads");
        slow.flush().await.expect("the server reads");
        if byte.is_ascii_uppercase() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    let mut answer = String::new();
    slow.read_to_string(&mut answer)
        .await
        .expect("the server answers");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
