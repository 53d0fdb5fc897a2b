//! Bearer tokens: taking one apart never panics, and none is good without its key.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use pintle_authn::credentials::bearer_token;
use pintle_authn::jwt::Unverified;
use pintle_authn::key::PublicKey;
use pintle_authn::service_account::Claims;

fn look(token: &str) {
    let Some(parsed) = Unverified::parse(token) else {
        return;
    };
    let _ = (parsed.issuer(), parsed.algorithm(), parsed.claims::<Claims>());
    assert!(!parsed.is_signed_by(&[]));
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Some(token) = bearer_token(&text) {
        look(token);
    }
    look(&text);
    // What is inside of a token that looks like one.
    let (header, payload) = data.split_at(data.len() / 2);
    let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    look(&format!("{header}.{payload}.AAAA"));
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
    look(&format!("{header}.{payload}.AAAA"));
    let _ = PublicKey::all_from_jwks(data);
    let _ = PublicKey::all_from_pem(data);
});
