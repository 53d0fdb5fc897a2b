//! What a file means, what is wrong with one, and which resource a key is of.

use super::file::{Provider, parse};
use super::*;

const HEAD: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n";
/// Thirty-two bytes.
const SECRET: &str = "cGludGxlLXRlc3Qta2V5LW9uZS0zMi1ieXRlcy1hYWE=";

#[track_caller]
fn check_faults(text: &str, expected: &[&str]) {
    let faults = parse(format!("{HEAD}{text}").into_bytes()).expect_err("it has faults");
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.contains(expected), "{fault:?} says {expected:?}");
    }
}

#[test]
fn a_file_says_which_resources_have_which_providers() {
    let text = format!(
        "{HEAD}resources:\n- resources: [secrets, '*.apps']\n  providers:\n  - aescbc: {{keys: [{{name: a, secret: {SECRET}}}]}}\n  - identity: {{}}\n\
         - resources: ['*.*']\n  providers:\n  - kms: {{apiVersion: v2, name: vault, endpoint: 'unix:///run/kms.sock'}}\n"
    );
    let entries = parse(text.into_bytes()).expect("it is well");
    let resource = |group: &str, name: &str| (group.to_owned(), name.to_owned());
    assert_eq!(
        entries[0].resources,
        [resource("", "secrets"), resource("apps", "*")]
    );
    assert!(matches!(
        &entries[0].providers[..],
        [Provider::AesCbc(keys), Provider::Identity] if keys[0].1.len() == 32
    ));
    assert_eq!(
        entries[1].providers,
        [Provider::Kms {
            name: "vault".to_owned(),
            endpoint: "unix:///run/kms.sock".to_owned(),
            timeout: std::time::Duration::from_secs(3),
        }]
    );
}

#[test]
fn every_fault_of_a_file_is_told() {
    check_faults("resources: []", &["at least one resources is required"]);
    check_faults(
        "resources: [{resources: [Secrets, '*', events.events.k8s.io, 'a.*'], providers: [{identity: {}}]}]",
        &[
            "overlapping",
            "capital letters",
            "use '*.'",
            "Use 'events' instead",
            "across groups",
        ],
    );
    check_faults(
        "resources: [{resources: [secrets, secrets, '*.'], providers: [{}]}]",
        &["multiple times", "overlapping", "does not contain any"],
    );
    check_faults(
        "resources: [{resources: [secrets], providers: [{aesgcm: {keys: [{name: a, secret: eHh4}, {secret: '!'}]}}]}]",
        &[
            "got 3, expected one of [16 24 32]",
            "name is a mandatory",
            "base64",
        ],
    );
    check_faults(
        "resources: [{resources: ['*.'], providers: [{identity: {}}]}, {resources: [secrets], providers: [{identity: {}}]}]",
        &["resource \"secrets\" is masked by earlier rule \"*.\""],
    );
    check_faults(
        "resources: [{resources: [secrets], providers: [{kms: {name: 'a:b', endpoint: 'http://x', timeout: 0s}}]}]",
        &[
            "must not contain ':'",
            "timeout should be",
            "only unix is supported",
            "KMSv1 is deprecated",
        ],
    );
}

#[test]
fn a_key_is_of_the_resource_that_is_kept_there() {
    let resources = Resources::below("/registry");
    let check = |key: &str, expected| assert_eq!(resources.of(key.as_bytes()), expected, "{key}");
    check("/registry/secrets/blue/web", Some(("", "secrets")));
    check("/registry/services/specs/blue/web", Some(("", "services")));
    check(
        "/registry/services/endpoints/blue/web",
        Some(("", "endpoints")),
    );
    check(
        "/registry/deployments/blue/web",
        Some(("apps", "deployments")),
    );
    check("/registry/minions/one", Some(("", "nodes")));
    check("/registry/events/blue/x", Some(("", "events")));
    check(
        "/registry/masterleases/10.0.0.1",
        Some(("", "apiServerIPInfo")),
    );
    check(
        "/registry/apiextensions.k8s.io/customresourcedefinitions/a.b.c",
        Some(("apiextensions.k8s.io", "customresourcedefinitions")),
    );
    check(
        "/registry/stable.example.com/crontabs/blue/x",
        Some(("stable.example.com", "crontabs")),
    );
    check(
        "/registry/ranges/servicenodeports",
        Some(("", "servicenodeportallocations")),
    );
    check("/elsewhere/secrets/blue/web", None);
    check("compact_rev_key", None);
}

#[test]
fn the_narrowest_rule_counts() {
    let chain_of = |group: &str, resource: &str| {
        let key = (group.to_owned(), resource.to_owned());
        (key, Arc::new(Chain::new(Vec::new())))
    };
    let chains: ByResource = [("", "secrets"), ("", "*"), ("*", "*")]
        .map(|(group, resource)| chain_of(group, resource))
        .into();
    let check = |group: &str, resource: &str, expected: (&str, &str)| {
        let found = chain(&chains, (group, resource)).expect("there is a rule for all");
        let (expected_group, expected) = expected;
        let expected = &chains[&(expected_group.to_owned(), expected.to_owned())];
        assert!(Arc::ptr_eq(&found, expected), "{group} {resource}");
    };
    check("", "secrets", ("", "secrets"));
    check("", "configmaps", ("", "*"));
    check("apps", "secrets", ("*", "*"));
}
