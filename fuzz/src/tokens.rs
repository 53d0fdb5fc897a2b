//! Bearer tokens and keys: none is good without its key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pintle_authn::credentials::bearer_token;
use pintle_authn::jwt::Unverified;
use pintle_authn::key::PublicKey;
use pintle_authn::service_account::Claims;

fn look(token: &str) {
    let Some(parsed) = Unverified::parse(token) else {
        return;
    };
    let _ = (
        parsed.issuer(),
        parsed.algorithm(),
        parsed.claims::<Claims>(),
    );
    assert!(!parsed.is_signed_by(&[]));
}

/// A token, or what is inside of one.
pub(crate) fn token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(token) = bearer_token(&text) {
        look(token);
    }
    look(&text);
    let (header, payload) = bytes.split_at(bytes.len() / 2);
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    look(&format!("{header}.{payload}.AAAA"));
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
    look(&format!("{header}.{payload}.AAAA"));
    let _ = PublicKey::all_from_jwks(bytes);
    let _ = PublicKey::all_from_pem(bytes);
}
