use super::*;

fn read(text: &str) -> Result<AuthenticationFile, Vec<String>> {
    let text = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n{text}"
    );
    parse(text.into_bytes(), &["https://us".to_owned()])
}

#[track_caller]
fn check(text: &str, expected: Option<(bool, &[&str])>) {
    let found = read(text).map(|file| file.anonymous);
    let expected = expected.map(|(enabled, paths)| AnonymousAccess {
        enabled,
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    });
    assert_eq!(found, Ok(expected), "{text}");
}

/// The faults by the fields that they are of.
#[track_caller]
fn check_faults(text: &str, expected: &[&str]) {
    let faults = read(text).map(|_| ()).expect_err("it is wrong");
    let fields: Vec<&str> = faults
        .iter()
        .map(|fault| fault.split(": ").next().unwrap_or_default())
        .collect();
    assert_eq!(fields, expected, "{faults:#?}");
}

#[test]
fn it_says_who_gets_in_without_a_credential() {
    check("", None);
    check("anonymous: {enabled: false}", Some((false, &[])));
    check(
        "anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}",
        Some((true, &["/livez", "/readyz"])),
    );
}

#[test]
fn it_says_whose_tokens_are_accepted() {
    let file = read(
        "jwt:\n- issuer: {url: 'https://issuer', audiences: [a, b], audienceMatchPolicy: MatchAny}\n  claimMappings: {username: {claim: sub, prefix: 'x:'}, groups: {claim: roles, prefix: ''}, uid: {claim: sub}}\n  claimValidationRules: [{claim: hd, requiredValue: example.com}]\n",
    )
    .unwrap_or_else(|faults| panic!("{faults:?}"));
    let issuer = &file.providers[0].issuer;
    assert_eq!(issuer.audiences, ["a", "b"]);
    assert_eq!(issuer.mappings.username.prefix, "x:");
    assert_eq!(issuer.mappings.uid.as_deref(), Some("sub"));
    assert_eq!(issuer.required, [("hd".into(), "example.com".into())]);
}

#[test]
fn every_fault_is_told() {
    check_faults(
        "anonymous: {enabled: false, conditions: [{path: /livez}], unknown: 1}\njwt: [{}]\nmore: 1\n",
        &[
            "unknown field \"more\"",
            "unknown field \"anonymous.unknown\"",
            "jwt[0].issuer.url",
            "jwt[0].issuer.audiences",
            "jwt[0].claimMappings.username",
            "anonymous.conditions",
        ],
    );
    check_faults(
        "jwt:\n- issuer: {url: 'http://u:p@x?q#f', audiences: [a, a], certificateAuthority: x}\n  claimMappings: {username: {claim: sub}, groups: {expression: x}}\n- issuer: {url: 'https://us', audiences: [a]}\n  claimMappings: {username: {claim: sub, prefix: ''}}\n",
        &[
            "jwt[0].issuer.url",
            "jwt[0].issuer.url",
            "jwt[0].issuer.url",
            "jwt[0].issuer.audiences[1]",
            "jwt[0].issuer.audienceMatchPolicy",
            "jwt[0].issuer.certificateAuthority",
            "jwt[0].claimMappings.username.prefix",
            "jwt[0].claimMappings.groups.expression",
            "jwt[1].issuer.url",
        ],
    );
}
