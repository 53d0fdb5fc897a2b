//! Those who try to be somebody else, or to get where they may not.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use pintle_tests::http::Headers;
use pintle_tests::server::TestServer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::accounts::signing_key;
use crate::{bearer, who_am_i, whose};

/// A token of the account `default`, as a pod gets one.
async fn account_token(server: &TestServer, audience: &str) -> String {
    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let mut headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    let mut body = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {},
    });
    if !audience.is_empty() {
        body["spec"]["audiences"] = json!([audience]);
    }
    let answer = server
        .client()
        .request("POST", path, &headers, Some(body.to_string().into()))
        .await
        .expect("the server answers");
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = answer.json().expect("JSON")["status"]["token"].clone();
    token.as_str().expect("a token").to_owned()
}

async fn with_account() -> TestServer {
    let server = TestServer::start_with(&["--builtin-controllers=*"]).await;
    let path = "/api/v1/namespaces/default/serviceaccounts/default";
    crate::until("the account is there", async || {
        let headers = server.authorization();
        let answer = server.client().request("GET", path, &headers, None).await;
        answer.expect("the server answers").status == 200
    })
    .await;
    server
}

#[tokio::test]
async fn tokens_that_were_tampered_with_are_refused() {
    let server = with_account().await;
    let good = account_token(&server, "").await;
    let account = "system:serviceaccount:default:default";
    assert_eq!(whose(&server, &good).await.as_deref(), Ok(account));
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("a token has three parts")
    };
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64");
    let mut claims: Value = serde_json::from_slice(&decoded).expect("claims");
    claims["sub"] = json!("system:serviceaccount:kube-system:default");
    claims["kubernetes.io"]["namespace"] = json!("kube-system");
    let other = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    let with_header = |header: Value, signature: &str| {
        let header = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
        format!("{header}.{payload}.{signature}")
    };
    let bad = [
        format!("{header}.{other}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{good}x"),
        format!("{good}.{signature}"),
        with_header(json!({"alg": "none"}), ""),
        with_header(json!({"alg": "None"}), signature),
        with_header(json!({"alg": "HS256"}), signature),
        with_header(json!({"alg": "RS512"}), signature),
        with_header(json!({"alg": "RS256", "crit": ["exp"]}), signature),
        with_header(
            json!({"alg": "RS256", "jwk": {"kty": "oct", "k": "AA"}}),
            signature,
        ),
        account_token(&server, "https://elsewhere").await,
        "a".repeat(100_000),
        ".".repeat(1_000),
        "e30.e30.e30".to_owned(),
        "\u{fc}\u{ff}".to_owned(),
    ];
    for token in bad {
        let shown = &token[..token.len().min(80)];
        let answer = whose(&server, &token).await;
        assert!(matches!(answer, Err(401 | 431)), "{shown}: {answer:?}");
    }
    // Still good, and what it is bound to counts at once.
    assert_eq!(whose(&server, &good).await.as_deref(), Ok(account));
    let path = "/api/v1/namespaces/default/serviceaccounts/default";
    let headers = server.authorization();
    let deleted = server
        .client()
        .request("DELETE", path, &headers, None)
        .await;
    assert_eq!(deleted.expect("the server answers").status, 200);
    assert_eq!(whose(&server, &good).await, Err(401));
    let log = server.log();
    assert!(!log.contains(signature), "no token in the log");
}

#[tokio::test]
async fn a_good_signature_is_no_permission() {
    let server = with_account().await;
    let good = account_token(&server, "").await;
    let payload = good.split('.').nth(1).expect("a payload");
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64");
    let claims: Value = serde_json::from_slice(&decoded).expect("claims");
    let now = claims["iat"].as_i64().expect("a time");
    let (ours, theirs) = (signing_key(&server), other_key());
    let sign = |key, changes: Value| {
        let mut claims = claims.clone();
        for (name, value) in changes.as_object().expect("a map") {
            claims[name] = value.clone();
        }
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        jsonwebtoken::encode(&header, &claims, key).expect("a token")
    };
    let account = "system:serviceaccount:default:default";
    let same = sign(&ours, json!({}));
    assert_eq!(whose(&server, &same).await.as_deref(), Ok(account));
    let elsewhere =
        json!({"namespace": "kube-system", "serviceaccount": {"name": "default", "uid": "1"}});
    let large = "x".repeat(70_000);
    for changes in [
        json!({"exp": now - 120}),
        json!({"nbf": now + 3_600}),
        json!({"iat": now + 3_600}),
        json!({"aud": ["https://elsewhere"]}),
        json!({"aud": 7}),
        json!({"exp": "soon"}),
        json!({"iss": "https://elsewhere"}),
        json!({"kubernetes.io": elsewhere}),
        json!({"kubernetes.io": null}),
        json!({"kubernetes.io": {"namespace": "default", "serviceaccount": {"name": "default", "uid": "1"}}}),
        json!({"more": large}),
    ] {
        let answer = whose(&server, &sign(&ours, changes.clone())).await;
        let shown: String = changes.to_string().chars().take(80).collect();
        assert!(matches!(answer, Err(401 | 431)), "{shown}: {answer:?}");
    }
    assert_eq!(whose(&server, &sign(&theirs, json!({}))).await, Err(401));
    assert_eq!(whose(&server, &good).await.as_deref(), Ok(account));
}

/// A key that nobody knows.
fn other_key() -> jsonwebtoken::EncodingKey {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    let pem = pair.expect("a key can be made").serialize_pem();
    jsonwebtoken::EncodingKey::from_rsa_der(
        &rustls::pki_types::PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .expect("PKCS #8")
            .secret_pkcs8_der()[26..],
    )
}

#[tokio::test]
async fn headers_of_proxies_and_impersonators_need_a_right_to_them() {
    let server = TestServer::start().await;
    let mut client = server.client();
    let smuggled = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // Nobody is a proxy here, however the headers are spelt.
    for name in [
        "x-remote-user",
        "X-Remote-User",
        "X-REMOTE-USER",
        "x_remote_user",
    ] {
        let mut headers = bearer("alicetoken");
        headers.push(smuggled(name, "admin"));
        headers.push(smuggled("x-remote-group", "system:masters"));
        let user = who_am_i(&mut client, &headers).await.expect("a user");
        assert_eq!(user["username"], "alice", "{name}");
        assert_eq!(user["groups"], json!(["devs", "system:authenticated"]));
    }
    let nobody: Headers = vec![smuggled("x-remote-user", "admin")];
    assert_eq!(who_am_i(&mut client, &nobody).await, Err(403));
    for (name, value) in [
        ("impersonate-user", "admin"),
        ("Impersonate-User", "system:admin"),
        ("impersonate-group", "system:masters"),
        ("impersonate-uid", "1"),
        ("impersonate-extra-scopes", "all"),
    ] {
        let mut headers = bearer("alicetoken");
        headers.push(smuggled(name, value));
        let answer = who_am_i(&mut client, &headers).await;
        assert!(matches!(answer, Err(400 | 403 | 500)), "{name}: {answer:?}");
    }
    // What only looks like such a header is none, as nothing turns it into one.
    for name in [
        "impersonate_user",
        "Impersonate_User",
        "impersonate-users",
        "x-impersonate-user",
    ] {
        let mut headers = bearer("alicetoken");
        headers.push(smuggled(name, "admin"));
        let user = who_am_i(&mut client, &headers).await.expect("a user");
        assert_eq!(user["username"], "alice", "{name}");
    }
    // Who may be anybody is the first whom they name, however often and however it is spelt.
    let mut headers = server.authorization();
    headers.push(smuggled("Impersonate-User", "bob"));
    headers.push(smuggled("impersonate-user", "system:admin"));
    headers.push(smuggled("impersonate_group", "system:masters"));
    let user = who_am_i(&mut client, &headers).await.expect("a user");
    assert_eq!(user["username"], "bob");
    assert_eq!(user["groups"], json!(["system:authenticated"]));
    // An empty name is none, and leaves the rest without a user.
    let mut headers = server.authorization();
    headers.push(smuggled("impersonate-user", ""));
    headers.push(smuggled("impersonate-group", "system:masters"));
    assert_eq!(who_am_i(&mut client, &headers).await, Err(400));
}

#[tokio::test]
async fn no_spelling_of_a_path_leads_around_authorization() {
    let server = TestServer::start().await;
    let mut headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}});
    let path = "/api/v1/namespaces/default/secrets";
    let body = Some(secret.to_string().into());
    let made = server.client().request("POST", path, &headers, body).await;
    assert_eq!(made.expect("the server answers").status, 201);
    // Alice may read what everybody may, and nothing else.
    for path in [
        "/api/v1/namespaces/default/secrets/s",
        "/api/v1/namespaces/default/secrets/%73",
        "/api/v1/namespaces/default/%73ecrets/s",
        "/api/v1/namespaces/default//secrets/s",
        "//api/v1/namespaces/default/secrets/s",
        "/api//v1/namespaces/default/secrets/s",
        "/api/v1/../v1/namespaces/default/secrets/s",
        "/api/v1/namespaces/default/secrets/./s",
        "/api/v1/namespaces/default/configmaps/../secrets/s",
        "/api/v1/namespaces/default/configmaps/%2e%2e/secrets/s",
        "/api/v1/namespaces/default/configmaps%2f..%2fsecrets/s",
        "/version/../api/v1/namespaces/default/secrets/s",
        "/version/%2e%2e/api/v1/namespaces/default/secrets/s",
        "/healthz/../api/v1/namespaces/default/secrets/s",
        "/openapi/v2/../../api/v1/namespaces/default/secrets/s",
        "/apis/../api/v1/namespaces/default/secrets/s",
        "/api/v1/namespaces/default/Secrets/s",
        "/API/v1/namespaces/default/secrets/s",
        "/api/v1/namespaces/default/secrets/s/",
        "/api/v1/namespaces/default/secrets/s%00",
        "/api/v1/namespaces/default/secrets;x/s",
        "/api/v1/namespaces/default/secrets/s%3Fx",
        "/api/v1/watch/namespaces/default/secrets/s",
        "/api/v1/secrets?fieldSelector=metadata.name%3Ds",
    ] {
        for token in ["alicetoken", ""] {
            let headers = if token.is_empty() {
                Vec::new()
            } else {
                bearer(token)
            };
            let answer = server.client().request("GET", path, &headers, None).await;
            let answer = answer.expect("the server answers");
            let is_refused = matches!(answer.status, 301 | 400 | 401 | 403 | 404);
            assert!(is_refused, "{path}: {}", answer.status);
            let leaked = SECRET.iter().any(|word| answer.text().contains(word));
            assert!(!leaked, "{path}: {}", answer.text());
        }
    }
}

/// The secret, and how JSON has it.
const SECRET: [&str; 2] = ["hunter2", "aHVudGVyMg"];
