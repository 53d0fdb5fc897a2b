//! Tokens of service accounts that are kept in secrets.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::{until, whose};

const SECRETS: &str = "/api/v1/namespaces/default/secrets";

async fn admin(server: &TestServer, method: &str, path: &str, body: Option<Value>) -> Value {
    let mut headers = server.authorization();
    let kind = if method == "PATCH" {
        "application/merge-patch+json"
    } else {
        "application/json"
    };
    headers.push(("content-type".into(), kind.into()));
    let body = body.map(|body| body.to_string().into());
    let answer = server.client().request(method, path, &headers, body).await;
    let answer = answer.expect("the server answers");
    assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    answer.json().expect("JSON")
}

/// What the server signs tokens with.
pub(crate) fn signing_key(server: &TestServer) -> jsonwebtoken::EncodingKey {
    let key = server.kubeconfig().with_file_name("pki").join("sa.key");
    let pem = std::fs::read(key).expect("the server has made a key");
    use rustls::pki_types::pem::PemObject as _;
    let der = rustls::pki_types::PrivatePkcs8KeyDer::from_pem_slice(&pem).expect("PKCS #8");
    // What is inside of PKCS #8 for RSA of 2048 bits begins after 26 bytes.
    jsonwebtoken::EncodingKey::from_rsa_der(&der.secret_pkcs8_der()[26..])
}

/// A token as kube-controller-manager keeps it in a secret, signed with the server's own key.
fn kept_token(server: &TestServer, uid: &str) -> String {
    let key = signing_key(server);
    let claims = json!({
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:default:bot",
        "kubernetes.io/serviceaccount/namespace": "default",
        "kubernetes.io/serviceaccount/secret.name": "bot-token",
        "kubernetes.io/serviceaccount/service-account.name": "bot",
        "kubernetes.io/serviceaccount/service-account.uid": uid,
    });
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    jsonwebtoken::encode(&header, &claims, &key).expect("a token")
}

#[tokio::test]
async fn a_token_in_a_secret_is_good_as_long_as_the_secret_and_its_use_is_noted() {
    let server = TestServer::start().await;
    let path = "/api/v1/namespaces/default/serviceaccounts";
    let account = json!({"metadata": {"name": "bot"}});
    let account = admin(&server, "POST", path, Some(account)).await;
    // It is made beside the start.
    let key = server.kubeconfig().with_file_name("pki").join("sa.key");
    until("there is a key", async || key.is_file()).await;
    let token = kept_token(&server, account["metadata"]["uid"].as_str().expect("a uid"));
    assert_eq!(whose(&server, &token).await, Err(401), "there is no secret");
    let secret = json!({
        "metadata": {
            "name": "bot-token",
            "annotations": {"kubernetes.io/service-account.name": "bot"},
        },
        "type": "kubernetes.io/service-account-token",
        "data": {"token": BASE64_STANDARD.encode(&token)},
    });
    admin(&server, "POST", SECRETS, Some(secret)).await;
    let bot = "system:serviceaccount:default:bot";
    assert_eq!(whose(&server, &token).await.as_deref(), Ok(bot));
    let path = format!("{SECRETS}/bot-token");
    until("the use is noted", async || {
        let secret = admin(&server, "GET", &path, None).await;
        let day = &secret["metadata"]["labels"]["kubernetes.io/legacy-token-last-used"];
        day.as_str().is_some_and(|day| day.len() == 10)
    })
    .await;
    // Another token of the same key is not the one in the secret.
    let mut parts: Vec<&str> = token.split('.').collect();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).expect("base64");
    let changed = String::from_utf8(claims)
        .expect("text")
        .replace("bot-token", "bot-taken");
    let changed = BASE64_URL_SAFE_NO_PAD.encode(changed);
    parts[1] = &changed;
    assert_eq!(whose(&server, &parts.join(".")).await, Err(401));
    let label = json!({
        "metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}},
    });
    admin(&server, "PATCH", &path, Some(label)).await;
    assert_eq!(whose(&server, &token).await, Err(401));
}
