//! Somebody else who signs the tokens of service accounts: gRPC on a unix socket.

use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use jsonwebtoken::{Algorithm, EncodingKey};
use pintle_tests::grpc;
use pintle_tests::http::Answer;
use pintle_tests::server::TestServer;
use prost::Message;
use rcgen::{KeyPair, PublicKeyData as _};
use serde_json::{Value, json};

use crate::{until, whose};

// The messages are written out once more: a wrong number in the server's would agree with itself.

#[derive(Clone, PartialEq, Message)]
struct SignRequest {
    #[prost(string, tag = "1")]
    claims: String,
}

#[derive(Clone, PartialEq, Message)]
struct SignResponse {
    #[prost(string, tag = "1")]
    header: String,
    #[prost(string, tag = "2")]
    signature: String,
}

#[derive(Clone, PartialEq, Message)]
struct FetchKeysResponse {
    #[prost(message, repeated, tag = "1")]
    keys: Vec<PublicKey>,
    #[prost(message, optional, tag = "2")]
    data_timestamp: Option<Timestamp>,
    #[prost(int64, tag = "3")]
    refresh_hint_seconds: i64,
}

#[derive(Clone, PartialEq, Message)]
struct PublicKey {
    #[prost(string, tag = "1")]
    key_id: String,
    #[prost(bytes = "vec", tag = "2")]
    key: Vec<u8>,
    #[prost(bool, tag = "3")]
    exclude_from_oidc_discovery: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct MetadataResponse {
    #[prost(int64, tag = "1")]
    max_token_expiration_seconds: i64,
}

/// A key of the signer.
#[derive(Clone)]
struct Key {
    id: &'static str,
    private: EncodingKey,
    spki: Vec<u8>,
    is_hidden: bool,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let pair = KeyPair::generate().expect("a key");
        Self {
            id,
            private: EncodingKey::from_ec_der(&pair.serialize_der()),
            spki: pair.subject_public_key_info(),
            is_hidden: false,
        }
    }

    fn header(&self) -> String {
        let header = json!({"alg": "ES256", "kid": self.id, "typ": "JWT"});
        BASE64_URL_SAFE_NO_PAD.encode(header.to_string())
    }

    fn sign(&self, header: &str, payload: &str) -> String {
        let message = format!("{header}.{payload}");
        jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, Algorithm::ES256)
            .expect("a signature")
    }

    /// What a token of another key would be if it were this one's.
    fn resigned(&self, token: &str) -> String {
        let payload = token.split('.').nth(1).expect("a payload");
        let header = self.header();
        let signature = self.sign(&header, payload);
        format!("{header}.{payload}.{signature}")
    }
}

/// What the signer has and does, and how often it was asked for keys.
struct State {
    keys: Vec<Key>,
    signs_with: Option<Key>,
    refresh_seconds: i64,
    longest: i64,
    fetches: usize,
}

type Signer = Arc<Mutex<State>>;

fn start(socket: &Path, key: &Key) -> Signer {
    let signer = Arc::new(Mutex::new(State {
        keys: vec![key.clone()],
        signs_with: Some(key.clone()),
        refresh_seconds: 3_000,
        longest: 7_200,
        fetches: 0,
    }));
    let serving = Arc::clone(&signer);
    grpc::serve(socket, move |method, body| {
        answer(&mut serving.lock().expect("nobody panics"), method, body)
    });
    signer
}

fn answer(state: &mut State, method: &str, body: Bytes) -> Result<Vec<u8>, (u8, &'static str)> {
    Ok(match method {
        "Sign" => {
            let payload = SignRequest::decode(body).expect("a request").claims;
            let Some(key) = &state.signs_with else {
                return Err((9, "the key is locked away"));
            };
            let header = key.header();
            let signature = key.sign(&header, &payload);
            SignResponse { header, signature }.encode_to_vec()
        }
        "FetchKeys" => {
            state.fetches += 1;
            let keys = state.keys.iter().map(|key| PublicKey {
                key_id: key.id.to_owned(),
                key: key.spki.clone(),
                exclude_from_oidc_discovery: key.is_hidden,
            });
            FetchKeysResponse {
                keys: keys.collect(),
                data_timestamp: Some(Timestamp {
                    seconds: 1_700_000_000,
                    nanos: 0,
                }),
                refresh_hint_seconds: state.refresh_seconds,
            }
            .encode_to_vec()
        }
        "Metadata" => MetadataResponse {
            max_token_expiration_seconds: state.longest,
        }
        .encode_to_vec(),
        other => panic!("{other} is no method"),
    })
}

fn change(signer: &Signer, with: impl FnOnce(&mut State)) {
    with(&mut signer.lock().expect("nobody panics"));
}

/// Asks for a token of the account `default`.
async fn request_token(server: &TestServer, spec: Value) -> Answer {
    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let mut headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec,
    });
    let body = Some(body.to_string().into());
    let answer = server.client().request("POST", path, &headers, body).await;
    answer.expect("the server answers")
}

async fn token(server: &TestServer) -> String {
    let answer = request_token(server, json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = answer.json().expect("JSON")["status"]["token"].clone();
    token.as_str().expect("a token").to_owned()
}

async fn get(server: &TestServer, path: &str) -> Answer {
    let headers = server.authorization();
    let answer = server.client().request("GET", path, &headers, None).await;
    answer.expect("the server answers")
}

const ACCOUNT: &str = "system:serviceaccount:default:default";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_may_sign_and_change_keys() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let socket = folder.path().join("signer.sock");
    let one = Key::new("one");
    let signer = start(&socket, &one);
    let hidden = Key {
        is_hidden: true,
        ..Key::new("hidden")
    };
    change(&signer, |state| state.keys.push(hidden.clone()));
    let flag = format!("--service-account-signing-endpoint={}", socket.display());
    let server = TestServer::start_with(&[&flag, "--builtin-controllers=*"]).await;
    until("the account is there", async || {
        let path = "/api/v1/namespaces/default/serviceaccounts/default";
        get(&server, path).await.status == 200
    })
    .await;

    let first = token(&server).await;
    assert_eq!(whose(&server, &first).await.as_deref(), Ok(ACCOUNT));
    let set = get(&server, "/openid/v1/jwks").await;
    let ids: Vec<Value> = set.json().expect("JSON")["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .map(|key| key["kid"].clone())
        .collect();
    assert_eq!(ids, [json!("one")], "what is hidden is told nobody");
    let kept = set.header("cache-control").expect("a header").to_owned();
    let age: u64 = kept
        .strip_prefix("public, max-age=")
        .and_then(|age| age.parse().ok())
        .unwrap_or_else(|| panic!("{kept}"));
    assert!((1..=3_000).contains(&age), "{age}");
    let configuration = get(&server, "/.well-known/openid-configuration").await;
    assert_eq!(
        configuration.json().expect("JSON")["id_token_signing_alg_values_supported"],
        json!(["ES256"])
    );
    // What the hidden key signed is good all the same, and nothing new is signed with it.
    assert_eq!(
        whose(&server, &hidden.resigned(&first)).await.as_deref(),
        Ok(ACCOUNT)
    );
    change(&signer, |state| state.signs_with = Some(hidden.clone()));
    let refused = request_token(&server, json!({})).await;
    assert_eq!(refused.status, 500, "{}", refused.text());
    assert!(refused.text().contains("excluded from OIDC discovery"));

    // A new key is found when a token names it, once for each that is not known.
    let two = Key::new("two");
    change(&signer, |state| {
        state.keys = vec![one.clone(), two.clone()];
        state.signs_with = Some(two.clone());
    });
    let second = token(&server).await;
    assert_eq!(whose(&server, &second).await.as_deref(), Ok(ACCOUNT));
    let fetches = signer.lock().expect("nobody panics").fetches;
    assert_eq!(whose(&server, &second).await.as_deref(), Ok(ACCOUNT));
    assert_eq!(whose(&server, &first).await.as_deref(), Ok(ACCOUNT));
    assert_eq!(signer.lock().expect("nobody panics").fetches, fetches);
    let forged = Key::new("two").resigned(&first);
    assert_eq!(whose(&server, &forged).await, Err(401));
    let unknown = Key::new("three").resigned(&first);
    assert_eq!(whose(&server, &unknown).await, Err(401));

    // A key that goes takes its tokens along at the next look, though they were good before.
    change(&signer, |state| state.keys = vec![two.clone()]);
    assert_eq!(whose(&server, &unknown).await, Err(401));
    assert_eq!(whose(&server, &first).await, Err(401));
    assert_eq!(whose(&server, &second).await.as_deref(), Ok(ACCOUNT));

    // A token lives no longer than the signer says.
    let long = request_token(&server, json!({"expirationSeconds": 80_000})).await;
    let spec = long.json().expect("JSON")["spec"]["expirationSeconds"].clone();
    assert_eq!(spec, json!(7_200));
    let warning = long.header("warning").unwrap_or_default();
    assert!(warning.contains("shortened to 7200 seconds"), "{warning}");

    change(&signer, |state| state.signs_with = None);
    let refused = request_token(&server, json!({})).await;
    assert_eq!(refused.status, 500, "{}", refused.text());
    assert!(refused.text().contains("failed to generate token"));
    let metrics = get(&server, "/metrics").await.text();
    for series in [
        "apiserver_externaljwt_sign_request_total{code=\"OK\"}",
        "apiserver_externaljwt_sign_request_total{code=\"FailedPrecondition\"} 1",
        "apiserver_externaljwt_fetch_keys_data_timestamp 1700000000",
    ] {
        assert!(metrics.contains(series), "{series}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_fetched_again_when_the_signer_said() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let socket = folder.path().join("signer.sock");
    let one = Key::new("one");
    let signer = start(&socket, &one);
    change(&signer, |state| state.refresh_seconds = 1);
    let flag = format!("--service-account-signing-endpoint={}", socket.display());
    let server = TestServer::start_with(&[&flag]).await;
    change(&signer, |state| state.keys.push(Key::new("two")));
    until("the new key is told of", async || {
        let set = get(&server, "/openid/v1/jwks").await.json().expect("JSON");
        set["keys"].as_array().map(Vec::len) == Some(2)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signer_that_cannot_be_used_is_told_at_the_start() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let socket = folder.path().join("signer.sock");
    let signer = start(&socket, &Key::new("one"));
    let endpoint = format!("--service-account-signing-endpoint={}", socket.display());
    let said = async |more: &'static [&'static str]| {
        let endpoint = endpoint.clone();
        let start = move || {
            let flags = std::iter::once(&*endpoint).chain(more.iter().copied());
            TestServer::refused(&flags.collect::<Vec<_>>())
        };
        let said = tokio::task::spawn_blocking(start).await;
        said.expect("the server ends")
    };
    let both = said(&[
        "--service-account-key-file=x",
        "--service-account-signing-key-file=y",
    ])
    .await;
    assert_eq!(both.matches("mutually exclusive").count(), 2, "{both}");
    let long = said(&["--service-account-max-token-expiration=3h"]).await;
    assert!(long.contains("cannot be set longer"), "{long}");
    change(&signer, |state| state.longest = 599);
    let short = said(&[]).await;
    assert!(short.contains("less than acceptable"), "{short}");
    change(&signer, |state| state.refresh_seconds = 0);
    let hint = said(&[]).await;
    assert!(hint.contains("invalid refresh hint"), "{hint}");
    change(&signer, |state| state.keys.clear());
    change(&signer, |state| state.refresh_seconds = 1);
    let none = said(&[]).await;
    assert!(none.contains("found no keys"), "{none}");
}
