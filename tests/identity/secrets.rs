//! Secrets go where they have to, and nowhere else.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use pintle_tests::http::Headers;
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::{bearer, write};

/// What asks for a WebSocket, and shows a token among its subprotocols.
fn upgrade(token: &str) -> Headers {
    let shown = BASE64_URL_SAFE_NO_PAD.encode(token);
    [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
    .chain([(
        "sec-websocket-protocol".to_owned(),
        format!("base64url.bearer.authorization.k8s.io.{shown}, base64.binary.k8s.io"),
    )])
    .collect()
}

const WATCH: &str = "/api/v1/namespaces/default/configmaps?watch=1";

#[tokio::test]
async fn a_browser_shows_its_token_among_the_subprotocols() {
    let server = TestServer::start().await;
    let watch = async |headers: &Headers| {
        let mut connection = server.endpoint().connect().await.expect("a connection");
        let answer = connection.open("GET", WATCH, headers, None).await;
        let answer = answer.expect("the server answers");
        let protocol = answer.headers().get("sec-websocket-protocol");
        let protocol = protocol.map(|it| it.to_str().expect("text").to_owned());
        (answer.status().as_u16(), protocol)
    };
    let (status, protocol) = watch(&upgrade(server.token())).await;
    assert_eq!(status, 101);
    assert!(
        protocol.is_none_or(|it| it == "base64.binary.k8s.io"),
        "the token is not agreed on"
    );
    assert_eq!(watch(&upgrade("alicetoken")).await.0, 403);
    assert_eq!(watch(&upgrade("nobodys")).await.0, 401);
    // Without a subprotocol beside it, it is no token at all.
    let mut alone = upgrade(server.token());
    for (name, value) in &mut alone {
        if name == "sec-websocket-protocol" {
            value.truncate(value.find(',').unwrap_or(value.len()));
        }
    }
    assert_eq!(watch(&alone).await.0, 401);
}

#[tokio::test]
async fn no_secret_is_told_in_a_log_a_metric_or_an_error() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let (policy, audit) = (
        folder.path().join("policy.yaml"),
        folder.path().join("audit.log"),
    );
    write(
        &policy,
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n",
    );
    let flags = [
        "--enable-bootstrap-token-auth".to_owned(),
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", audit.display()),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = TestServer::start_with(&flags).await;
    let mut told = String::new();
    let ask = async |method: &str, path: &str, headers: &Headers, body: Option<&Value>| {
        let mut headers = headers.clone();
        headers.push(("content-type".into(), "application/json".into()));
        let body = body.map(|body| body.to_string().into());
        let answer = server.client().request(method, path, &headers, body).await;
        let answer = answer.expect("the server answers");
        (answer.status, answer.text())
    };
    let secrets = "/api/v1/namespaces/kube-system/secrets";
    let kept = json!({
        "metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "token-id": "abcdef", "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true",
        },
    });
    let (status, text) = ask("POST", secrets, &server.authorization(), Some(&kept)).await;
    assert_eq!(status, 201, "{text}");
    let good = "abcdef.0123456789abcdef";
    assert_eq!(ask("GET", "/api", &bearer(good), None).await.0, 200);

    let jwt = {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let claims = r#"{"iss":"https://kubernetes.default.svc","sub":"forged"}"#;
        format!(
            "{}.{}.{}",
            part(r#"{"alg":"RS256"}"#),
            part(claims),
            part("forged")
        )
    };
    let basic = BASE64_STANDARD.encode("root:wrong-password");
    let basic = vec![("authorization".to_owned(), format!("Basic {basic}"))];
    for headers in [
        bearer("wrong-token-of-nobody"),
        bearer("abcdef.fedcba9876543210"),
        bearer(&jwt),
        upgrade("wrong-token-of-a-browser"),
        basic,
    ] {
        let (status, text) = ask("GET", "/api/v1/secrets", &headers, None).await;
        assert!(matches!(status, 401 | 403), "{status} {text}");
        told += &text;
    }
    // Who may not read secrets is not told what is in them, nor is who writes one that is wrong.
    told += &ask(
        "GET",
        &format!("{secrets}/bootstrap-token-abcdef"),
        &bearer(good),
        None,
    )
    .await
    .1;
    let mut wrong = kept.clone();
    wrong["metadata"]["name"] = json!("Not A Name");
    wrong["stringData"]["more"] = json!("0123456789abcdef");
    told += &ask("POST", secrets, &server.authorization(), Some(&wrong))
        .await
        .1;
    told += &ask("GET", "/metrics", &server.authorization(), None)
        .await
        .1;
    told += &server.log();
    told += &std::fs::read_to_string(&audit).expect("there is an audit");
    for secret in [
        "wrong-token",
        "fedcba9876543210",
        "0123456789abcdef",
        &BASE64_STANDARD.encode("0123456789abcdef"),
        &BASE64_URL_SAFE_NO_PAD.encode("wrong-token-of-a-browser"),
        &jwt[..60],
        jwt.rsplit('.').next().expect("a signature"),
        &BASE64_STANDARD.encode("root:wrong-password"),
        server.token(),
    ] {
        assert!(!told.contains(secret), "{secret} is told");
    }
}
