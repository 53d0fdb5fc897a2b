use super::*;

/// A key made for a test.
pub(crate) fn signing_key() -> SigningKey {
    let pair = rcgen::KeyPair::generate().expect("a key");
    SigningKey::from_pem(pair.serialize_pem().as_bytes()).expect("a signing key")
}

#[test]
fn what_a_key_signs_its_public_half_verifies_and_no_other() {
    let (key, other) = (signing_key(), signing_key());
    let signature = key.sign(b"message").expect("randomness");
    let public = key.public();
    assert!(public.verifies(Algorithm::Es256, b"message", &signature));
    assert!(!public.verifies(Algorithm::Es256, b"massage", &signature));
    assert!(!public.verifies(Algorithm::Rs256, b"message", &signature));
    assert!(
        !other
            .public()
            .verifies(Algorithm::Es256, b"message", &signature)
    );
}

#[test]
fn every_kind_of_key_signs_what_it_verifies() {
    let rsa = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    let kinds = [
        (rsa, "RS256"),
        (
            rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            "ES384",
        ),
        (
            rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
            "ES512",
        ),
    ];
    for (pair, algorithm) in kinds {
        let pair = pair.expect("a key");
        let key = SigningKey::from_pem(pair.serialize_pem().as_bytes()).expect("a signing key");
        assert_eq!(key.public().algorithm().as_str(), algorithm);
        let signature = key.sign(b"message").expect("randomness");
        let set = format!(r#"{{"keys":[{},{{"kty":"oct"}}]}}"#, key.public().jwk());
        let read = PublicKey::all_from_jwks(set.as_bytes()).expect("a key set");
        for public in [key.public(), &read[0]] {
            assert!(public.verifies(public.algorithm(), b"message", &signature));
            assert!(!public.verifies(public.algorithm(), b"massage", &signature));
        }
        assert_eq!(read, [key.public().clone()]);
    }
}

#[test]
fn a_key_is_named_after_its_encoding() {
    let pair = rcgen::KeyPair::generate().expect("a key");
    let private = SigningKey::from_pem(pair.serialize_pem().as_bytes()).expect("a key");
    let public = PublicKey::all_from_pem(pair.public_key_pem().as_bytes()).expect("a key");
    assert_eq!(public, [private.public().clone()]);
    assert_eq!(public[0].id().len(), 43);
    assert!(
        public[0]
            .jwk()
            .starts_with(r#"{"use":"sig","kty":"EC","kid":""#)
    );
}

#[test]
fn a_file_without_keys_is_refused() {
    assert_eq!(
        PublicKey::all_from_pem(b"nothing").err(),
        Some(KeyError::None("public"))
    );
    assert_eq!(
        SigningKey::from_pem(b"").err(),
        Some(KeyError::None("private"))
    );
}
