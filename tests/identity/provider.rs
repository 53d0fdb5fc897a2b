//! `OpenID` Connect: a real provider with keys, discovery and TLS.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pintle_tests::peer::Peer;
use pintle_tests::server::TestServer;
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::{bearer, until, who_am_i, whose, write};

/// A key of a provider.
struct Key {
    id: &'static str,
    private: EncodingKey,
    /// As an entry of a key set.
    public: Value,
}

impl Key {
    fn new(id: &'static str) -> Self {
        use base64::Engine as _;
        let pair = KeyPair::generate().expect("a key");
        let point = pair.public_key_raw();
        let text = |bytes: &[u8]| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Self {
            id,
            private: EncodingKey::from_ec_der(&pair.serialize_der()),
            public: json!({
                "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": id,
                "x": text(&point[1..33]), "y": text(&point[33..]),
            }),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.to_owned());
        encode(&header, claims, &self.private).expect("a token")
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("it is after 1970").as_secs()
}

/// A provider whose keys can be changed.
struct Provider {
    peer: Peer,
    keys: Arc<Mutex<Vec<Value>>>,
    /// Claims that are kept apart from tokens, as a token of their own.
    apart: Arc<Mutex<String>>,
}

/// What one has to show to be told claims that are kept apart.
const ACCESS: &str = "of-the-groups";

impl Provider {
    async fn start(key: &Key) -> Self {
        let keys = Arc::new(Mutex::new(vec![key.public.clone()]));
        let published = Arc::clone(&keys);
        let apart = Arc::<Mutex<String>>::default();
        let told = Arc::clone(&apart);
        let peer = Peer::start(move |url| {
            let url = url.to_owned();
            move |asked| match asked.path.as_str() {
                "/.well-known/openid-configuration" => {
                    let document = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
                    (200, document.to_string())
                }
                "/keys" => {
                    let keys = published.lock().expect("no panic").clone();
                    (200, json!({"keys": keys}).to_string())
                }
                "/groups" if asked.authorization == format!("Bearer {ACCESS}") => {
                    (200, told.lock().expect("no panic").clone())
                }
                _ => (404, String::new()),
            }
        })
        .await;
        Self { peer, keys, apart }
    }

    fn claims(&self) -> Value {
        json!({
            "iss": self.peer.url, "aud": "pintle", "exp": now() + 600, "sub": "carol",
            "groups": ["devs", "ops"], "jti": "token-1", "hd": "example.com",
        })
    }
}

#[tokio::test]
async fn tokens_of_a_provider_are_accepted_as_flags_say() {
    let key = Key::new("one");
    let provider = Provider::start(&key).await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let ca = folder.path().join("ca.pem");
    write(&ca, &provider.peer.ca);
    let flags = [
        format!("--oidc-issuer-url={}", provider.peer.url),
        format!("--oidc-ca-file={}", ca.display()),
        "--oidc-client-id=pintle".into(),
        "--oidc-groups-claim=groups".into(),
        "--oidc-groups-prefix=oidc:".into(),
        "--oidc-signing-algs=ES256,RS256".into(),
        "--oidc-required-claim=hd=example.com".into(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = TestServer::start_with(&flags).await;
    let good = key.sign(&provider.claims());
    until("the provider is found", async || {
        whose(&server, &good).await.is_ok()
    })
    .await;
    let user = who_am_i(&mut server.client(), &bearer(&good)).await;
    let user = user.expect("a user");
    let name = format!("{}#carol", provider.peer.url);
    assert_eq!(user["username"], name.as_str());
    assert_eq!(
        user["groups"],
        json!(["oidc:devs", "oidc:ops", "system:authenticated"])
    );
    assert_eq!(
        user["extra"]["authentication.kubernetes.io/credential-id"],
        json!(["JTI=token-1"])
    );

    for (claim, value) in [
        ("exp", json!(now() - 60)),
        ("nbf", json!(now() + 3600)),
        ("aud", json!("somebody else")),
        ("aud", json!([])),
        ("iss", json!("https://elsewhere.example")),
        ("hd", json!("evil.example")),
        ("hd", Value::Null),
        ("sub", json!(7)),
    ] {
        let mut claims = provider.claims();
        claims[claim] = value;
        let answer = whose(&server, &key.sign(&claims)).await;
        assert_eq!(answer, Err(401), "{claim}: {}", claims[claim]);
    }
    let forged = Key::new("one").sign(&provider.claims());
    assert_eq!(whose(&server, &forged).await, Err(401));

    // The provider changes its keys.
    let new = Key::new("two");
    *provider.keys.lock().expect("no panic") = vec![new.public.clone()];
    let fresh = new.sign(&provider.claims());
    until("the new key is found", async || {
        whose(&server, &fresh).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn the_file_of_providers_is_read_again() {
    let key = Key::new("one");
    let provider = Provider::start(&key).await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("authentication.yaml");
    let config = |prefix: &str| {
        json!({
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthenticationConfiguration",
            "jwt": [{
                "issuer": {
                    "url": provider.peer.url,
                    "certificateAuthority": provider.peer.ca,
                    "audiences": ["other", "pintle"],
                    "audienceMatchPolicy": "MatchAny",
                },
                "claimMappings": {
                    "username": {"claim": "sub", "prefix": prefix},
                    "groups": {"claim": "groups", "prefix": ""},
                    "uid": {"claim": "jti"},
                },
            }],
            "anonymous": {"enabled": true, "conditions": [{"path": "/livez"}]},
        })
    };
    write(&file, &config("a:").to_string());
    let flag = format!("--authentication-config={}", file.display());
    let server = TestServer::start_with(&[&flag]).await;
    let token = key.sign(&provider.claims());
    let is = async |name: &str| whose(&server, &token).await.as_deref() == Ok(name);
    until("the provider is found", async || is("a:carol").await).await;
    let open = async |path: &str| {
        let answer = server
            .client()
            .request("GET", path, &Vec::new(), None)
            .await;
        answer.expect("the server answers").status
    };
    assert_eq!(open("/livez").await, 200);
    assert_eq!(open("/version").await, 401);

    write(&file, &config("b:").to_string());
    until("the new file counts", async || is("b:carol").await).await;

    // What cannot be used changes nothing, and is counted.
    write(&file, "kind: Nonsense\njwt: [{}]\n");
    let failures =
        "apiserver_authentication_config_controller_automatic_reloads_total{status=\"failure\"";
    until("the fault is counted", async || {
        let headers = server.authorization();
        let answer = server
            .client()
            .request("GET", "/metrics", &headers, None)
            .await;
        answer
            .expect("the server answers")
            .text()
            .contains(failures)
    })
    .await;
    assert!(is("b:carol").await);

    let mut nobody = config("b:");
    nobody["jwt"] = json!([]);
    nobody["anonymous"] = json!({"enabled": false});
    write(&file, &nobody.to_string());
    until("nobody is known any more", async || {
        whose(&server, &token).await == Err(401)
    })
    .await;
    assert_eq!(open("/livez").await, 401);
}

#[tokio::test]
async fn groups_may_be_kept_apart_from_tokens() {
    let key = Key::new("one");
    let provider = Provider::start(&key).await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let ca = folder.path().join("ca.pem");
    write(&ca, &provider.peer.ca);
    let flags = [
        format!("--oidc-issuer-url={}", provider.peer.url),
        format!("--oidc-ca-file={}", ca.display()),
        "--oidc-client-id=pintle".into(),
        "--oidc-groups-claim=groups".into(),
        "--oidc-groups-prefix=oidc:".into(),
        "--oidc-signing-algs=ES256".into(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = TestServer::start_with(&flags).await;
    let apart = |claims: &Value, key: &Key| {
        *provider.apart.lock().expect("no panic") = key.sign(claims);
    };
    apart(&provider.claims(), &key);
    // Each token is another, as what was found out about one is remembered.
    let token = |number: usize, path: &str, access: &str| {
        let mut claims = provider.claims();
        claims["jti"] = json!(format!("token-{number}"));
        let object = claims.as_object_mut().expect("an object");
        object.remove("groups");
        object.insert("_claim_names".into(), json!({"groups": "there"}));
        let endpoint = format!("{}{path}", provider.peer.url);
        let source = json!({"there": {"endpoint": endpoint, "access_token": access}});
        object.insert("_claim_sources".into(), source);
        key.sign(&claims)
    };
    let good = token(0, "/groups", ACCESS);
    until("the provider is found", async || {
        whose(&server, &good).await.is_ok()
    })
    .await;
    let user = who_am_i(&mut server.client(), &bearer(&good)).await;
    let user = user.expect("a user");
    let groups = json!(["oidc:devs", "oidc:ops", "system:authenticated"]);
    assert_eq!(user["groups"], groups);

    // Who is told nothing, or something by somebody else, or of another, lets nobody in.
    assert_eq!(
        whose(&server, &token(1, "/groups", "wrong")).await,
        Err(401)
    );
    assert_eq!(whose(&server, &token(2, "/none", ACCESS)).await, Err(401));
    apart(&provider.claims(), &Key::new("one"));
    assert_eq!(whose(&server, &token(3, "/groups", ACCESS)).await, Err(401));
    let mut expired = provider.claims();
    expired["exp"] = json!(now() - 60);
    apart(&expired, &key);
    assert_eq!(whose(&server, &token(4, "/groups", ACCESS)).await, Err(401));
    let mut without = provider.claims();
    without.as_object_mut().expect("an object").remove("groups");
    apart(&without, &key);
    assert_eq!(whose(&server, &token(5, "/groups", ACCESS)).await, Err(401));
    assert!(!server.log().contains(ACCESS), "no token in the log");
}

#[tokio::test]
async fn what_claims_mean_may_be_said_in_expressions() {
    let key = Key::new("one");
    let provider = Provider::start(&key).await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("authentication.yaml");
    let config = |groups: &str| {
        json!({
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthenticationConfiguration",
            "jwt": [{
                "issuer": {
                    "url": provider.peer.url,
                    "certificateAuthority": provider.peer.ca,
                    "audiences": ["pintle"],
                },
                "claimValidationRules": [
                    {"claim": "hd", "requiredValue": "example.com"},
                    {
                        "expression": "claims.?email_verified.orValue(true) == true",
                        "message": "the address is to be verified",
                    },
                    {
                        "expression": "claims.exp - claims.nbf <= 86400",
                        "message": "it lives too long",
                    },
                ],
                "claimMappings": {
                    "username": {"expression": "has(claims.email) ? claims.email : claims.sub + ':there'"},
                    "groups": {"expression": groups},
                    "uid": {"expression": "claims.kubernetes__dot__io.uid"},
                    "extra": [
                        {"key": "example.org/age", "valueExpression": "string(int(claims.age))"},
                        {"key": "example.org/places", "valueExpression": "claims.places"},
                        {"key": "example.org/nothing", "valueExpression": "claims.?nothing.orValue('')"},
                    ],
                },
                "userValidationRules": [
                    {
                        "expression": "!user.username.startsWith('system:')",
                        "message": "the name is the system's",
                    },
                    {
                        "expression": "!('system:masters' in user.groups)",
                        "message": "the group is the system's",
                    },
                ],
            }],
        })
    };
    write(&file, &config("claims.roles.split(',')").to_string());
    let flag = format!("--authentication-config={}", file.display());
    let server = TestServer::start_with(&[&flag]).await;
    // Each token is another, as what was found out about one is remembered.
    let number = std::cell::Cell::new(0);
    let token = |changes: Value| {
        number.set(number.get() + 1);
        let mut claims = provider.claims();
        let own = json!({
            "jti": format!("token-{}", number.get()), "nbf": now() - 60, "roles": "devs,ops",
            "age": 7, "places": ["here", ""], "kubernetes.io": {"uid": "007"},
        });
        for said in [own, changes] {
            for (name, value) in said.as_object().expect("an object") {
                claims[name] = value.clone();
            }
        }
        key.sign(&claims)
    };
    let good = token(json!({}));
    until("the provider is found", async || {
        whose(&server, &good).await.is_ok()
    })
    .await;
    let user = who_am_i(&mut server.client(), &bearer(&good)).await;
    assert_eq!(
        user.expect("a user"),
        json!({
            "username": "carol:there",
            "uid": "007",
            "groups": ["devs", "ops", "system:authenticated"],
            "extra": {
                "authentication.kubernetes.io/credential-id": ["JTI=token-1"],
                "example.org/age": ["7"],
                "example.org/places": ["here"],
            },
        })
    );
    let of = async |changes: Value| whose(&server, &token(changes)).await;
    let email = of(json!({"email": "c@d", "email_verified": true})).await;
    assert_eq!(email.as_deref(), Ok("c@d"));
    for wrong in [
        json!({"email": "c@d", "email_verified": false}),
        json!({"nbf": now() - 86_400}),
        json!({"hd": "evil.example"}),
        json!({"email": "system:admin"}),
        json!({"email": ""}),
        json!({"email": 7}),
        json!({"roles": "devs,system:masters"}),
        json!({"roles": ["devs"]}),
        json!({"places": 7}),
        json!({"age": null}),
        json!({"kubernetes.io": {}}),
    ] {
        let shown = wrong.to_string();
        assert_eq!(of(wrong).await, Err(401), "{shown}");
    }

    // What cannot be used changes nothing, and is told.
    write(&file, &config("claim.roles").to_string());
    until("the fault is told", async || {
        let log = server.log();
        log.contains("jwt[0].claimMappings.groups.expression") && log.contains("the old one stays")
    })
    .await;
    assert_eq!(of(json!({})).await.as_deref(), Ok("carol:there"));
    write(&file, &config("['all']").to_string());
    until("the new file counts", async || {
        let user = who_am_i(&mut server.client(), &bearer(&token(json!({})))).await;
        user.is_ok_and(|user| user["groups"] == json!(["all", "system:authenticated"]))
    })
    .await;
}
