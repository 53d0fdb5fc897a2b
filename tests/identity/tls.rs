//! How a server speaks TLS and HTTP/2, as flags say.

use pintle_tests::http::{tls_config, tls_config_of};
use pintle_tests::server::TestServer;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ProtocolVersion, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Version and cipher suite of a connection to a client that knows these; `None` if there is none.
async fn agreed(
    server: &TestServer,
    versions: &[&'static SupportedProtocolVersion],
    suites: &[CipherSuite],
) -> Option<(ProtocolVersion, CipherSuite)> {
    let config = tls_config_of(versions, suites).expect("TLS can be set up");
    let stream = server.endpoint().handshake(config).await.ok()?;
    let tls = stream.get_ref().1;
    Some((
        tls.protocol_version()?,
        tls.negotiated_cipher_suite()?.suite(),
    ))
}

const SMALL: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
const LARGE: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
const OTHERS: [CipherSuite; 4] = [
    LARGE,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];

#[tokio::test]
async fn the_lowest_version_is_as_flags_say() {
    let lenient = TestServer::start().await;
    let version = async |server: &TestServer, versions: &[&'static SupportedProtocolVersion]| {
        agreed(server, versions, &[])
            .await
            .map(|(version, _)| version)
    };
    let (old, new) = (ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3);
    assert_eq!(version(&lenient, &[&TLS12]).await, Some(old));
    assert_eq!(version(&lenient, &[&TLS12, &TLS13]).await, Some(new));
    let strict = TestServer::start_with(&["--tls-min-version=VersionTLS13"]).await;
    assert_eq!(version(&strict, &[&TLS12]).await, None);
    assert_eq!(version(&strict, &[&TLS12, &TLS13]).await, Some(new));
}

#[tokio::test]
async fn cipher_suites_are_as_flags_say() {
    let flag = "--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
    let server = TestServer::start_with(&[flag]).await;
    let old = ProtocolVersion::TLSv1_2;
    assert_eq!(agreed(&server, &[&TLS12], &[]).await, Some((old, SMALL)));
    assert_eq!(
        agreed(&server, &[&TLS12], &[LARGE, SMALL]).await,
        Some((old, SMALL))
    );
    assert_eq!(agreed(&server, &[&TLS12], &OTHERS).await, None);
    // Those of TLS 1.3 are not chosen from.
    assert!(agreed(&server, &[&TLS13], &[]).await.is_some());
}

/// What the server says at the beginning of a connection by HTTP/2: the settings by their numbers.
async fn settings(server: &TestServer) -> Vec<(u16, u32)> {
    let config = tls_config(&[b"h2"]).expect("TLS can be set up");
    let mut stream = server.endpoint().handshake(config).await.expect("TLS");
    // The preface, and settings of our own, of which there are none.
    let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(hello).await.expect("the server listens");
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.expect("a frame");
    assert_eq!(head[3], 4, "settings come first");
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut body = vec![0; usize::try_from(length).expect("a length")];
    stream.read_exact(&mut body).await.expect("settings");
    let setting = |pair: &[u8]| {
        let number = u16::from_be_bytes([pair[0], pair[1]]);
        let value = u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]);
        (number, value)
    };
    body.chunks_exact(6).map(setting).collect()
}

#[tokio::test]
async fn streams_of_a_connection_are_as_many_as_flags_say() {
    const STREAMS: u16 = 3;
    const WINDOW: u16 = 4;
    const FRAME: u16 = 5;
    for (flags, expected) in [
        (&[][..], 100),
        (&["--http2-max-streams-per-connection=7"][..], 7),
    ] {
        let server = TestServer::start_with(flags).await;
        let found = settings(&server).await;
        for (number, value) in [(STREAMS, expected), (WINDOW, 256 << 10), (FRAME, 256 << 10)] {
            assert!(found.contains(&(number, value)), "{number}: {found:?}");
        }
    }
}
