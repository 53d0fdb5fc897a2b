//! Tokens that a provider signed, one that is not there otherwise.

use std::collections::HashMap;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};

use super::*;
use crate::jwt;
use crate::key::SigningKey;
use crate::key::tests::signing_key;

const URL: &str = "https://issuer.example";

/// Documents by URL.
#[derive(Default)]
struct Web(Mutex<HashMap<String, String>>);

impl Web {
    fn put(&self, url: &str, body: impl ToString) {
        let mut pages = self.0.lock().expect("no panic");
        pages.insert(url.to_owned(), body.to_string());
    }

    fn publish(&self, issuer: &str, key: &SigningKey) {
        let keys = format!("{issuer}/keys");
        let document = json!({"issuer": issuer, "jwks_uri": keys});
        self.put(
            &format!("{issuer}/.well-known/openid-configuration"),
            document,
        );
        self.put(&keys, format!(r#"{{"keys":[{}]}}"#, key.public().jwk()));
    }
}

impl Fetch for Web {
    fn get<'a>(&'a self, url: &'a str, _: Option<&'a str>) -> Fetched<'a> {
        let page = self.0.lock().expect("no panic").get(url).cloned();
        Box::pin(async { page.map(String::into_bytes).ok_or("404".to_owned()) })
    }
}

/// Nothing in these tests waits.
#[track_caller]
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("never waits"),
    }
}

fn issuer() -> Issuer {
    Issuer {
        url: URL.to_owned(),
        discovery_url: None,
        audiences: vec!["a".to_owned(), "b".to_owned()],
        algorithms: vec![Algorithm::Es256],
        mappings: Mappings {
            username: Source::claim("sub"),
            groups: Some(Source::claim("groups")),
            uid: Some(Source::claim("sub")),
            extra: Vec::new(),
        },
        required: vec![("hd".to_owned(), "example.com".to_owned())],
        claim_rules: Vec::new(),
        user_rules: Vec::new(),
    }
}

fn claims() -> Value {
    json!({
        "iss": URL, "aud": "a", "exp": super::now() + 100, "sub": "alice", "hd": "example.com",
        "groups": ["devs"], "jti": "7",
    })
}

/// A provider that is known, its key, and what it published.
fn provider() -> (Arc<Web>, SigningKey, Oidc) {
    let (web, key) = (Arc::new(Web::default()), signing_key());
    web.publish(URL, &key);
    let oidc = Oidc::new(issuer(), web.clone(), Arc::default());
    now_or_never(oidc.discover()).expect("the provider is there");
    (web, key, oidc)
}

fn whose(oidc: &Oidc, token: &str) -> Result<Option<String>, String> {
    let checked = now_or_never(oidc.check(token, &[]).wait());
    checked
        .map(|accepted| {
            accepted.map(|accepted| {
                let user = accepted.user;
                let groups: Vec<&str> = user.groups.iter().map(Text::as_str).collect();
                format!("{} {} {}", user.name, user.uid, groups.join(","))
            })
        })
        .map_err(|error| error.to_string())
}

/// What becomes of a token that differs from a good one in `changes`; null takes a claim away.
#[track_caller]
fn check(changes: Value, expected: Result<Option<&str>, &str>) {
    let (_, key, oidc) = provider();
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("changes are a map") {
        claims[name] = value.clone();
    }
    let token = jwt::sign(&key, &claims).expect("a token");
    let expected = expected
        .map(|user| user.map(str::to_owned))
        .map_err(str::to_owned);
    assert_eq!(whose(&oidc, &token), expected, "{changes}");
}

const ALICE: Result<Option<&str>, &str> = Ok(Some("alice alice devs,system:authenticated"));

#[test]
fn a_good_token_names_its_user() {
    check(json!({}), ALICE);
    check(json!({"aud": ["x", "b"]}), ALICE);
    check(json!({"nbf": super::now() + 200}), ALICE);
}

#[test]
fn a_token_is_checked_in_every_respect() {
    check(json!({"iss": "https://elsewhere"}), Ok(None));
    check(
        json!({"aud": "x"}),
        Err(r#"oidc: verify token: oidc: expected audience in ["a", "b"] got ["x"]"#),
    );
    let expired = Err("oidc: verify token: oidc: token is expired");
    check(json!({"exp": super::now() - 10}), expired);
    check(json!({"exp": null}), expired);
    check(
        json!({"nbf": super::now() + 1000}),
        Err("oidc: verify token: oidc: token is not valid yet"),
    );
    check(
        json!({"hd": "evil.com"}),
        Err("oidc: required claim hd value does not match. Got = evil.com, want = example.com"),
    );
}

#[test]
fn other_keys_and_algorithms_are_refused() {
    let (_, key, oidc) = provider();
    let forged = jwt::sign(&signing_key(), &claims()).expect("a token");
    let why = "oidc: verify token: failed to verify signature: failed to verify id token signature";
    assert_eq!(whose(&oidc, &forged), Err(why.to_owned()));
    let good = jwt::sign(&key, &claims()).expect("a token");
    let payload = good.split('.').nth(1).expect("a payload");
    use base64::Engine;
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"RS256"}"#,
    ] {
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
        let why = "oidc: verify token: oidc: id token signed with unsupported algorithm";
        assert_eq!(
            whose(&oidc, &format!("{header}.{payload}.")),
            Err(why.to_owned())
        );
    }
}

#[test]
fn new_keys_are_fetched_when_they_are_needed() {
    let (web, _, oidc) = provider();
    let new = signing_key();
    web.publish(URL, &new);
    let token = jwt::sign(&new, &claims()).expect("a token");
    assert!(whose(&oidc, &token).is_ok_and(|user| user.is_some()));
}

#[test]
fn a_provider_that_was_not_found_yet_is_an_error() {
    let web = Arc::new(Web::default());
    let oidc = Oidc::new(issuer(), web.clone(), Arc::default());
    assert!(now_or_never(oidc.discover()).is_err());
    let token = jwt::sign(&signing_key(), &claims()).expect("a token");
    let why = "oidc: authenticator not initialized";
    assert_eq!(whose(&oidc, &token), Err(why.to_owned()));
    web.put(
        &format!("{URL}/.well-known/openid-configuration"),
        json!({"issuer": "https://evil", "jwks_uri": "https://evil/keys"}),
    );
    assert!(now_or_never(oidc.discover()).is_err());
}

#[test]
fn a_claim_may_be_elsewhere() {
    let (web, key, oidc) = provider();
    let (other, other_key) = ("https://groups.example", signing_key());
    web.publish(other, &other_key);
    let mut said = claims();
    said["iss"] = other.into();
    said["groups"] = json!(["far"]);
    web.put(
        "https://groups.example/of",
        jwt::sign(&other_key, &said).expect("a token"),
    );
    let mut claims = claims();
    let map = claims.as_object_mut().expect("a map");
    map.remove("groups");
    map.insert("_claim_names".into(), json!({"groups": "src"}));
    map.insert(
        "_claim_sources".into(),
        json!({"src": {"endpoint": "https://groups.example/of"}}),
    );
    let token = jwt::sign(&key, &claims).expect("a token");
    let user = whose(&oidc, &token).expect("good");
    assert_eq!(
        user.as_deref(),
        Some("alice alice far,system:authenticated")
    );
}

#[test]
fn rules_are_asked_after_what_a_claim_has_to_be() {
    let (web, key) = (Arc::new(Web::default()), signing_key());
    web.publish(URL, &key);
    let mut issuer = issuer();
    let rule = |made: Result<Rule, String>| vec![made.expect("it makes sense")];
    issuer.claim_rules = rule(Rule::of_claims("claims.age > 17", "too young"));
    issuer.user_rules = rule(Rule::of_users("user.username != 'root'", "not root"));
    let oidc = Oidc::new(issuer, web, Arc::default());
    now_or_never(oidc.discover()).expect("the provider is there");
    let whose = |changes: Value| {
        let mut claims = claims();
        for (name, value) in changes.as_object().expect("changes are a map") {
            claims[name] = value.clone();
        }
        whose(&oidc, &jwt::sign(&key, &claims).expect("a token")).map_err(|why| {
            let why = why.strip_prefix("oidc: ").unwrap_or_default();
            why.split(": ").last().unwrap_or_default().to_owned()
        })
    };
    let alice = Ok(Some("alice alice devs,system:authenticated".to_owned()));
    assert_eq!(whose(json!({"age": 18})), alice);
    let no = |why: &str| Err(why.to_owned());
    assert_eq!(whose(json!({"age": 17})), no("too young"));
    assert_eq!(whose(json!({})), no("age"));
    assert_eq!(whose(json!({"age": 18, "sub": "root"})), no("not root"));
    assert_eq!(whose(json!({"age": 17, "sub": "root"})), no("too young"));
    let required = "required claim hd value does not match. Got = x, want = example.com";
    assert_eq!(whose(json!({"age": 17, "hd": "x"})), no(required));
}
