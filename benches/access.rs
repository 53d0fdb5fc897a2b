//! What it costs to know who somebody is, and whether they may.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use pintle_authn::key::SigningKey;
use pintle_authn::service_account::{
    Claims, Issuer, Keys, Kubernetes, Reference, ServiceAccountsOptions, Signing,
};
use pintle_authn::{
    Accepted, Authenticator, Awaited, Bearer, CachedTokens, Checked, Credentials, Lifetimes,
    Outcome, ServiceAccounts, StaticTokens, TokenAuthenticator, Tokens,
};
use pintle_authz::rbac::{Binding, RoleKind, RoleRef, Rule, Subject};
use pintle_authz::{Attributes, Authorizer, Rbac, ResourceAttributes, SystemMasters, Union};
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

const ISSUER: &str = "https://kubernetes.default.svc";

fn credentials(token: &str) -> Credentials<'_> {
    Credentials {
        bearer: Some(token),
        path: "/api/v1/namespaces/default/pods",
        ..Credentials::default()
    }
}

/// Somebody who answers late.
struct Late;

impl TokenAuthenticator for Late {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        let accepted = Accepted {
            user: Arc::new(UserInfo::named(token.to_owned())),
            audiences: audiences.into(),
        };
        Outcome::Later(Box::pin(async { Ok(Some(accepted)) }))
    }
}

/// A token that was seen before: of a file, of a service account, and of somebody who was asked.
fn authenticate(criterion: &mut Criterion) {
    let audiences: Arc<[Text]> = vec![Text::from(ISSUER)].into();
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    let pem = pair.expect("a key can be made").serialize_pem();
    let key = SigningKey::from_pem(pem.as_bytes()).expect("a signing key");
    let public = key.public().clone();
    let issuer = Issuer::new(ISSUER, Signing::Own(Awaited::ready(Some(key))));
    let accounts = ServiceAccounts::new(ServiceAccountsOptions {
        issuers: vec![ISSUER.to_owned()],
        keys: Keys::Own(Awaited::ready(vec![public])),
        audiences: Arc::clone(&audiences),
        objects: None,
        uses: Arc::default(),
    });
    let reference = Reference {
        name: "default".to_owned(),
        uid: "1".to_owned(),
    };
    let issuing = issuer.issue(Claims {
        sub: "system:serviceaccount:default:default".to_owned(),
        aud: vec![ISSUER.to_owned()],
        exp: Some(i64::from(u32::MAX)),
        kubernetes: Some(Kubernetes {
            namespace: "default".to_owned(),
            serviceaccount: reference,
            ..Kubernetes::default()
        }),
        ..Claims::default()
    });
    let token = issuing.now_or_never().expect("signed at once");
    let token = token.expect("a token");
    let members: Vec<Arc<dyn TokenAuthenticator>> = vec![
        Arc::new(
            StaticTokens::parse("statictoken,alice,1,devs\n")
                .expect("a token file")
                .for_audiences(Arc::clone(&audiences)),
        ),
        Arc::new(accounts),
        Arc::new(CachedTokens::new(Arc::new(Late), Lifetimes::SHORT)),
    ];
    let bearer = Bearer(Arc::new(Tokens::new(members, audiences)));
    let mut group = criterion.benchmark_group("authenticate a token that was seen before");
    for (name, token) in [
        ("static", "statictoken"),
        ("service account", &token),
        ("of a webhook", "opaque"),
    ] {
        let ask = || {
            let asked = bearer.authenticate(credentials(black_box(token)));
            asked.wait().now_or_never().expect("known by now")
        };
        assert!(ask().is_ok_and(|user| user.is_some()), "{name}");
        group.bench_function(name, |bencher| bencher.iter(ask));
    }
    group.finish();
}

const BINDINGS: usize = 10_000;

/// A cluster with a role and a binding for each of many users, a thousand namespaces, and some groups.
fn rbac() -> Arc<Rbac> {
    let rbac = Arc::new(Rbac::default());
    rbac.change(|index| {
        for number in 0..BINDINGS {
            let namespace = Text::from(format!("ns-{}", number % 1_000));
            let name = Text::from(format!("role-{number}"));
            let rule = Rule {
                verbs: vec!["get".into(), "list".into(), "watch".into()],
                api_groups: vec!["".into(), "apps".into()],
                resources: vec!["pods".into(), "deployments".into()],
                ..Rule::default()
            };
            index.put_role(&namespace, &name, vec![rule]);
            index.put_binding(Binding {
                namespace,
                name: name.clone(),
                role: RoleRef {
                    kind: RoleKind::Role,
                    name,
                },
                subjects: vec![
                    Subject::User(format!("user-{number}").into()),
                    Subject::Group(format!("group-{}", number % 100).into()),
                ],
            });
        }
    });
    rbac
}

fn authorize(criterion: &mut Criterion) {
    let union = Union::new(vec![Arc::new(SystemMasters), rbac()]);
    let attributes = |user: &str, groups: &[&'static str], resource: &'static str| {
        let user = UserInfo {
            groups: groups.iter().map(|group| Text::from(*group)).collect(),
            ..UserInfo::named(user.to_owned())
        };
        Attributes {
            user: Arc::new(user),
            verb: "list".into(),
            path: "/api/v1/namespaces/ns-42/pods".into(),
            resource: Some(ResourceAttributes {
                version: "v1".into(),
                resource: resource.into(),
                namespace: "ns-42".into(),
                ..ResourceAttributes::default()
            }),
        }
    };
    let mut group = criterion.benchmark_group("authorize with 10,000 bindings");
    for (name, asked, expected) in [
        (
            "allowed by user",
            attributes("user-42", &["system:authenticated"], "pods"),
            true,
        ),
        (
            "allowed by group",
            attributes("x", &["group-42", "system:authenticated"], "pods"),
            true,
        ),
        (
            "refused",
            attributes("user-7", &["system:authenticated"], "secrets"),
            false,
        ),
    ] {
        let ask = || {
            let verdict = union.authorize(black_box(&asked));
            verdict
                .wait()
                .now_or_never()
                .expect("known at once")
                .is_allow()
        };
        assert_eq!(ask(), expected, "{name}");
        group.bench_function(name, |bencher| bencher.iter(ask));
    }
    group.finish();
}

criterion_group!(benches, authenticate, authorize);
criterion_main!(benches);
