//! AES with 128 bits for TLS 1.3, by the fastest code there is for this processor.
//!
//! What a large list costs is encryption above all. aws-lc has code for processors that encrypt several blocks with one
//! instruction if they have AVX-512, too; those that have only AVX2 beside, such as the second and third EPYC, it
//! has encrypt block by block. ring has code for them, which takes little more than half the time. Handshakes,
//! hashes and every other suite are aws-lc's.

use std::sync::LazyLock;

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, MAX_TAG_LEN, Nonce, UnboundKey};
use rustls::crypto::CipherSuiteCommon;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::crypto::cipher::{
    self, AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter,
    MessageEncrypter, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
    Tls13AeadAlgorithm, UnsupportedOperationError, make_tls13_aad,
};
use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion, SupportedCipherSuite,
    Tls13CipherSuite,
};

/// The suite `TLS_AES_128_GCM_SHA256`.
pub(super) fn suite() -> SupportedCipherSuite {
    static WITH_RING: LazyLock<Option<Tls13CipherSuite>> = LazyLock::new(with_ring);
    let fastest = is_rings_best().then(|| WITH_RING.as_ref()).flatten();
    fastest.map_or(TLS13_AES_128_GCM_SHA256, SupportedCipherSuite::Tls13)
}

/// Several blocks at once, but not in the registers that aws-lc knows to use.
fn is_rings_best() -> bool {
    is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("vpclmulqdq")
        && is_x86_feature_detected!("avx2")
        && !is_x86_feature_detected!("avx512f")
}

/// aws-lc's suite but for the cipher.
fn with_ring() -> Option<Tls13CipherSuite> {
    let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else {
        return None;
    };
    Some(Tls13CipherSuite {
        common: CipherSuiteCommon {
            suite: suite.common.suite,
            hash_provider: suite.common.hash_provider,
            confidentiality_limit: suite.common.confidentiality_limit,
        },
        hkdf_provider: suite.hkdf_provider,
        aead_alg: &Aes128Gcm,
        quic: None,
    })
}

struct Aes128Gcm;

/// A key in one direction of a connection.
struct Direction {
    /// Absent if it had not the length of one, which does not happen.
    key: Option<LessSafeKey>,
    iv: Iv,
}

impl Direction {
    fn new(key: &AeadKey, iv: Iv) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, key.as_ref());
        Self {
            key: key.ok().map(LessSafeKey::new),
            iv,
        }
    }

    fn nonce(&self, sequence: u64) -> Nonce {
        Nonce::assume_unique_for_key(cipher::Nonce::new(&self.iv, sequence).0)
    }
}

impl Tls13AeadAlgorithm for Aes128Gcm {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Direction::new(&key, iv))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Direction::new(&key, iv))
    }

    fn key_len(&self) -> usize {
        AES_128_GCM.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Ok(ConnectionTrafficSecrets::Aes128Gcm { key, iv })
    }
}

impl MessageEncrypter for Direction {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&message.typ.to_array());
        let key = self.key.as_ref().ok_or(Error::EncryptError)?;
        let aad = Aad::from(make_tls13_aad(length));
        key.seal_in_place_append_tag(self.nonce(sequence), aad, &mut payload)
            .map_err(|_| Error::EncryptError)?;
        // To who looks from outside, all records of TLS 1.3 are data of TLS 1.2.
        Ok(OutboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            payload,
        ))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        // The type of what is inside follows it.
        length + 1 + MAX_TAG_LEN
    }
}

impl MessageDecrypter for Direction {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let payload = &mut message.payload;
        let key = self.key.as_ref().ok_or(Error::DecryptError)?;
        let aad = Aad::from(make_tls13_aad(payload.len()));
        let opened = key.open_in_place(self.nonce(sequence), aad, payload);
        let length = opened.map_err(|_| Error::DecryptError)?.len();
        payload.truncate(length);
        message.into_tls13_unpadded_message()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::sync::Arc;

    use rustls::crypto::{CryptoProvider, aws_lc_rs};
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

    use super::*;

    fn provider(suite: SupportedCipherSuite) -> Arc<CryptoProvider> {
        Arc::new(CryptoProvider {
            cipher_suites: vec![suite],
            ..aws_lc_rs::default_provider()
        })
    }

    /// Sends `text` from the server to the client and back, with one implementation at either end.
    fn echo(text: &[u8]) -> Vec<u8> {
        let made =
            rcgen::generate_simple_self_signed(["pintle".to_owned()]).expect("a certificate");
        let key = made.signing_key.serialize_der().try_into().expect("a key");
        let chain = vec![made.cert.der().clone()];
        let mut roots = RootCertStore::empty();
        roots.add(chain[0].clone()).expect("a root");
        static OWN: LazyLock<Option<Tls13CipherSuite>> = LazyLock::new(with_ring);
        let own = SupportedCipherSuite::Tls13(OWN.as_ref().expect("a suite"));
        let server = ServerConfig::builder_with_provider(provider(own))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a server");
        let client = ClientConfig::builder_with_provider(provider(TLS13_AES_128_GCM_SHA256))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut server = ServerConnection::new(Arc::new(server)).expect("a server");
        let name = ServerName::try_from("pintle").expect("a name");
        let mut client = ClientConnection::new(Arc::new(client), name).expect("a client");
        server.set_buffer_limit(None);
        client.set_buffer_limit(None);
        server.writer().write_all(text).expect("room");
        let (mut came, mut back) = (Vec::new(), Vec::new());
        let mut wire = Vec::new();
        while back.len() < text.len() {
            for to_client in [true, false] {
                wire.clear();
                if to_client {
                    while server.wants_write() {
                        server.write_tls(&mut wire).expect("room");
                    }
                } else {
                    while client.wants_write() {
                        client.write_tls(&mut wire).expect("room");
                    }
                }
                let mut rest = &wire[..];
                while !rest.is_empty() {
                    if to_client {
                        client.read_tls(&mut rest).expect("records");
                        client
                            .process_new_packets()
                            .expect("the client understands");
                        let before = came.len();
                        let _ = client.reader().read_to_end(&mut came);
                        client.writer().write_all(&came[before..]).expect("room");
                    } else {
                        server.read_tls(&mut rest).expect("records");
                        server
                            .process_new_packets()
                            .expect("the server understands");
                        let _ = server.reader().read_to_end(&mut back);
                    }
                }
            }
        }
        back
    }

    #[test]
    fn what_is_encrypted_here_is_understood_elsewhere_and_the_other_way_round() {
        for length in [1, 15, 16, 17, 16 * 1024, 100_000] {
            let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            assert!(echo(&text) == text, "{length} bytes");
        }
    }
}
