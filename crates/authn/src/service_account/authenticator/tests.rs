//! Whose tokens of service accounts are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;

use super::super::bound::{Bound, KeptToken};
use super::super::claims::{Kubernetes, Reference};
use super::super::issuer::{Issuer, Signing};
use super::*;
use crate::awaited::Awaited;
use crate::key::SigningKey;
use crate::key::tests::signing_key;

const ISSUER: &str = "https://issuer";

/// One object of each kind, all with the uid `1`.
struct World;

impl World {
    fn find(name: &str) -> Option<Bound> {
        (name != "gone").then(|| Bound {
            uid: "1".into(),
            deleted: (name == "going").then_some(1),
        })
    }
}

impl Objects for World {
    fn account(&self, _: &str, name: &str) -> Option<Bound> {
        Self::find(name)
    }

    fn pod(&self, _: &str, name: &str) -> Option<Bound> {
        Self::find(name)
    }

    fn secret(&self, _: &str, name: &str) -> Option<Bound> {
        Self::find(name)
    }

    fn node(&self, name: &str) -> Option<Bound> {
        Self::find(name)
    }

    fn kept_token(&self, _: &str, _: &str) -> Option<KeptToken> {
        None
    }

    fn note_use(&self, _: &str, _: &str, _: &str) {}
}

fn claims() -> Claims {
    Claims {
        sub: "system:serviceaccount:blue:bot".to_owned(),
        aud: vec!["us".to_owned()],
        exp: Some(now() + 600),
        nbf: Some(now()),
        iat: Some(now()),
        jti: "id".to_owned(),
        kubernetes: Some(Kubernetes {
            namespace: "blue".to_owned(),
            serviceaccount: reference("bot"),
            ..Kubernetes::default()
        }),
        ..Claims::default()
    }
}

fn reference(name: &str) -> Reference {
    Reference {
        name: name.to_owned(),
        uid: "1".to_owned(),
    }
}

fn bound(change: impl FnOnce(&mut Kubernetes)) -> Claims {
    let mut claims = claims();
    if let Some(bound) = &mut claims.kubernetes {
        change(bound);
    }
    claims
}

fn issue(issuer: &Issuer, claims: Claims) -> String {
    let issuing = issuer.issue(claims).now_or_never();
    issuing.expect("signed at once").expect("a token")
}

/// Accepts what the issuer has issued.
fn issuer_of(name: &str, key: SigningKey) -> Issuer {
    Issuer::new(name, Signing::Own(Awaited::ready(Some(key))))
}

fn server() -> (Issuer, ServiceAccounts) {
    let key = signing_key();
    let keys = vec![key.public().clone()];
    let issuer = issuer_of(ISSUER, key);
    let accounts = ServiceAccounts::new(ServiceAccountsOptions {
        uses: Arc::default(),
        issuers: vec![ISSUER.to_owned()],
        keys: Keys::Own(Awaited::ready(keys)),
        audiences: vec![Text::from("us")].into(),
        objects: Some(Arc::new(World)),
    });
    (issuer, accounts)
}

#[track_caller]
fn check(claims: Claims, audiences: &[&'static str], expected: Result<Option<&str>, &str>) {
    let (issuer, accounts) = server();
    let token = issue(&issuer, claims);
    check_token(&accounts, &token, audiences, expected);
    // Once more, from memory.
    check_token(&accounts, &token, audiences, expected);
}

#[track_caller]
fn check_token(
    accounts: &ServiceAccounts,
    token: &str,
    audiences: &[&'static str],
    expected: Result<Option<&str>, &str>,
) {
    let audiences: Vec<Text> = audiences.iter().map(|text| Text::from(*text)).collect();
    let found = accounts.accept(token, &audiences);
    let found = found
        .map(|accepted| accepted.map(|accepted| accepted.user.name.to_string()))
        .map_err(|error| error.to_string());
    let expected = expected
        .map(|name| name.map(str::to_owned))
        .map_err(str::to_owned);
    assert_eq!(found, expected);
}

const BOT: Result<Option<&str>, &str> = Ok(Some("system:serviceaccount:blue:bot"));
const INVALIDATED: Result<Option<&str>, &str> = Err("service account token has been invalidated");

#[test]
fn a_good_token_is_its_accounts() {
    check(claims(), &["us"], BOT);
    check(claims(), &["them", "us"], BOT);
}

#[test]
fn a_token_is_for_its_audiences_only() {
    let why = r#"token audiences ["us"] is invalid for the target audiences ["them"]"#;
    check(claims(), &["them"], Err(why));
}

#[test]
fn a_token_has_its_time() {
    let expired = Claims {
        exp: Some(now() - 61),
        ..claims()
    };
    check(expired, &["us"], Err("service account token has expired"));
    check(
        Claims {
            exp: Some(now() - 50),
            ..claims()
        },
        &["us"],
        BOT,
    );
    let early =
        "service account token claims could not be validated due to unexpected validation error";
    check(
        Claims {
            nbf: Some(now() + 100),
            ..claims()
        },
        &["us"],
        Err(early),
    );
    check(
        Claims {
            iat: Some(now() + 100),
            ..claims()
        },
        &["us"],
        Err(early),
    );
}

#[test]
fn a_token_goes_with_what_it_is_bound_to() {
    check(
        bound(|to| to.serviceaccount = reference("gone")),
        &["us"],
        Err("serviceaccount \"gone\" not found"),
    );
    check(
        bound(|to| to.serviceaccount = reference("going")),
        &["us"],
        Err("service account has been deleted"),
    );
    check(
        bound(|to| to.serviceaccount.uid = "2".to_owned()),
        &["us"],
        Err("service account UID (1) does not match claim (2)"),
    );
    check(bound(|to| to.pod = Some(reference("web"))), &["us"], BOT);
    check(
        bound(|to| to.pod = Some(reference("gone"))),
        &["us"],
        INVALIDATED,
    );
    check(
        bound(|to| to.pod = Some(reference("going"))),
        &["us"],
        INVALIDATED,
    );
    check(
        bound(|to| to.secret = Some(reference("gone"))),
        &["us"],
        INVALIDATED,
    );
    check(
        bound(|to| to.node = Some(reference("gone"))),
        &["us"],
        INVALIDATED,
    );
}

#[test]
fn a_pods_node_is_not_looked_for() {
    let on_node = bound(|to| {
        to.pod = Some(reference("web"));
        to.node = Some(reference("gone"));
    });
    check(on_node, &["us"], BOT);
}

#[test]
fn what_somebody_else_issued_is_nobodys_or_refused() {
    let (issuer, accounts) = server();
    let elsewhere = issuer_of("https://elsewhere", signing_key());
    let token = issue(&elsewhere, claims());
    check_token(&accounts, &token, &["us"], Ok(None));
    let forged = issue(&issuer_of(ISSUER, signing_key()), claims());
    let why = "go-jose/go-jose: error in cryptographic primitive";
    check_token(&accounts, &forged, &["us"], Err(why));
    let good = issue(&issuer, claims());
    let payload = good.split('.').nth(1).expect("a payload");
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"ES256","crit":["x"]}"#,
        "{}",
    ] {
        let header = URL_SAFE_NO_PAD.encode(header);
        check_token(
            &accounts,
            &format!("{header}.{payload}."),
            &["us"],
            Ok(None),
        );
    }
}

#[test]
fn garbage_is_nobodys() {
    let (issuer, accounts) = server();
    let good = issue(&issuer, claims());
    for token in [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        &good[1..],
        &"a".repeat(1 << 20),
        "\u{0}\u{ffff}",
    ] {
        check_token(&accounts, token, &["us"], Ok(None));
    }
}

#[test]
fn a_token_tells_what_it_is_bound_to() {
    let (issuer, accounts) = server();
    let claims = bound(|to| {
        to.pod = Some(reference("web"));
        to.node = Some(reference("n1"));
    });
    let token = issue(&issuer, claims);
    let accepted = accounts
        .accept(&token, &["us".into()])
        .expect("good")
        .expect("somebody");
    let extra: Vec<String> = accepted
        .user
        .extra
        .iter()
        .map(|(key, values)| format!("{key}={}", values[0]))
        .collect();
    assert_eq!(
        extra,
        [
            "authentication.kubernetes.io/credential-id=JTI=id",
            "authentication.kubernetes.io/node-name=n1",
            "authentication.kubernetes.io/node-uid=1",
            "authentication.kubernetes.io/pod-name=web",
            "authentication.kubernetes.io/pod-uid=1",
        ]
    );
    assert_eq!(
        accepted.user.groups,
        [
            "system:serviceaccounts",
            "system:serviceaccounts:blue",
            "system:authenticated"
        ]
    );
}
