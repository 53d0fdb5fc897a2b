use pintle_authn::oidc::Source;

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
    let claim = |source: &Source| match source {
        Source::Claim(claim) => format!("{}{}", claim.prefix, claim.name),
        Source::Expression(_) => panic!("the file names claims"),
    };
    assert_eq!(claim(&issuer.mappings.username), "x:sub");
    assert_eq!(
        issuer.mappings.groups.as_ref().map(claim),
        Some("roles".into())
    );
    assert_eq!(issuer.mappings.uid.as_ref().map(claim), Some("sub".into()));
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

/// A provider whose tokens are those of `claims`, a part of the file.
fn with_claims(claims: &str) -> Result<AuthenticationFile, Vec<String>> {
    read(&format!(
        "jwt:\n- issuer: {{url: 'https://issuer', audiences: [a]}}\n  {}\n",
        claims.replace('\n', "\n  ")
    ))
}

/// What is told of it, but for the path to it.
#[track_caller]
fn check_told(claims: &str, expected: &[&str]) {
    let faults = with_claims(claims).map(|_| ()).expect_err(claims);
    let told: Vec<&str> = faults
        .iter()
        .map(|fault| fault.strip_prefix("jwt[0].").unwrap_or(fault))
        .collect();
    assert_eq!(told, expected, "{claims}");
}

/// The same of what stands in `claimMappings`.
#[track_caller]
fn check_mappings(mappings: &str, expected: &[&str]) {
    let expected: Vec<String> = expected
        .iter()
        .map(|fault| format!("claimMappings.{fault}"))
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check_told(&format!("claimMappings: {{{mappings}}}"), &expected);
}

#[test]
fn it_says_what_is_made_of_claims() {
    let file = with_claims(
        "claimMappings:
  username: {expression: 'claims.?email_verified.orValue(false) ? claims.email : claims.sub'}
  groups: {expression: 'claims.groups'}
  uid: {expression: 'claims.uid'}
  extra:
  - {key: example.org/foo, valueExpression: claims.foo}
  - {key: ak8s.io/foo, valueExpression: claims.foo}
  - {key: example.bkubernetes.io/foo, valueExpression: claims.foo}
claimValidationRules:
- {claim: hd, requiredValue: example.com}
- {expression: 'claims.exp - claims.nbf <= 86400', message: too long}
userValidationRules:
- {expression: \"!user.username.startsWith('system:')\", message: reserved}",
    )
    .unwrap_or_else(|faults| panic!("{faults:?}"));
    let issuer = &file.providers[0].issuer;
    let is_expression = |source: &Source| matches!(source, Source::Expression(_));
    assert!(is_expression(&issuer.mappings.username));
    assert!(issuer.mappings.groups.as_ref().is_some_and(is_expression));
    assert!(issuer.mappings.uid.as_ref().is_some_and(is_expression));
    let keys = issuer.mappings.extra.iter().map(|(key, _)| key.as_str());
    let keys: Vec<&str> = keys.collect();
    assert_eq!(
        keys,
        [
            "example.org/foo",
            "ak8s.io/foo",
            "example.bkubernetes.io/foo"
        ]
    );
    assert_eq!(issuer.required.len(), 1);
    assert_eq!((issuer.claim_rules.len(), issuer.user_rules.len()), (1, 1));
}

#[test]
fn rules_are_claims_or_expressions() {
    check_told(
        "claimMappings: {username: {claim: sub, prefix: ''}}
claimValidationRules:
- {}
- {claim: a, expression: claims.a == 1}
- {claim: a, message: nay}
- {claim: a, requiredValue: b}
- {expression: claims.a == 1, requiredValue: b}
- {expression: claims.a == 1}
- {expression: claims.a, more: 1}
- {expression: 'a.b'}
userValidationRules:
- {message: nay}
- {expression: user.username == 'a'}
- {expression: user.username == 'a'}
- {expression: user.username}
- {expression: user.name == 'a'}",
        &[
            "unknown field \"jwt[0].claimValidationRules[6].more\"",
            "claimValidationRules[0]: Required value: claim or expression is required",
            "claimValidationRules[1]: Invalid value: \"a\": claim and expression can't both be set",
            "claimValidationRules[2].message: Invalid value: \"nay\": may not be specified when claim is set",
            "claimValidationRules[3].claim: Duplicate value: \"a\"",
            "claimValidationRules[4].requiredValue: Invalid value: \"b\": may not be specified when expression is set",
            "claimValidationRules[5].expression: Duplicate value: \"claims.a == 1\"",
            "claimValidationRules[6].expression: Invalid value: \"claims.a\": must evaluate to bool",
            "claimValidationRules[7].expression: Invalid value: \"a.b\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'a' (in container '')\n | a.b\n | ^",
            "userValidationRules[0].expression: Required value",
            "userValidationRules[2].expression: Duplicate value: \"user.username == 'a'\"",
            "userValidationRules[3].expression: Invalid value: \"user.username\": must evaluate to bool",
            "userValidationRules[4].expression: Invalid value: \"user.name == 'a'\": compilation failed: ERROR: <input>:1:5: undefined field 'name'\n | user.name == 'a'\n | ....^",
        ],
    );
}

#[test]
fn mappings_are_claims_or_expressions() {
    check_mappings(
        "username: {claim: a, prefix: '', expression: claims.a}, groups: {claim: a, expression: claims.a}, uid: {claim: a, expression: claims.a}",
        &[
            "username: Invalid value: \"\": claim and expression can't both be set",
            "groups: Invalid value: \"\": claim and expression can't both be set",
            "uid: Invalid value: \"\": claim and expression can't both be set",
        ],
    );
    check_mappings(
        "username: {expression: claims.email, prefix: a}, groups: {claim: a}, uid: {expression: foo.bar}",
        &[
            "username.prefix: Invalid value: \"a\": may not be specified when expression is set",
            "groups.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing",
            "uid.expression: Invalid value: \"foo.bar\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo.bar\n | ^",
        ],
    );
    check_mappings(
        "username: {expression: foo.bar}, groups: {expression: 'claims.'}",
        &[
            "username.expression: Invalid value: \"foo.bar\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo.bar\n | ^",
            "groups.expression: Invalid value: \"claims.\": compilation failed: ERROR: <input>:1:8: Syntax error: no viable alternative at input '.'\n | claims.\n | .......^",
        ],
    );
}

#[test]
fn keys_of_extra_are_of_a_domain_that_is_no_one_elses() {
    let reserved = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
    check_mappings(
        "username: {claim: a, prefix: ''}, extra: [{key: '', valueExpression: claims.a}, {key: example.org/foo}, {key: example.org/foo, valueExpression: claims.a}, {key: foo, valueExpression: claims.a}, {key: example.org/Foo, valueExpression: claims.a}, {key: k8s.io/a, valueExpression: claims.a}, {key: example.k8s.io/a, valueExpression: claims.a}, {key: kubernetes.io/a, valueExpression: claims.a}, {key: example.kubernetes.io/a, valueExpression: claims.a}, {key: example.org/bar, valueExpression: foo.bar}]",
        &[
            "extra[0].key: Required value",
            "extra[1].valueExpression: Required value",
            "extra[2].key: Duplicate value: \"example.org/foo\"",
            "extra[3].key: Invalid value: \"foo\": must be a domain-prefixed path (such as \"acme.io/foo\")",
            "extra[4].key: Invalid value: \"example.org/Foo\": must be lowercase",
            &format!("extra[5].key: Invalid value: \"k8s.io/a\": {reserved}"),
            &format!("extra[6].key: Invalid value: \"example.k8s.io/a\": {reserved}"),
            &format!("extra[7].key: Invalid value: \"kubernetes.io/a\": {reserved}"),
            &format!("extra[8].key: Invalid value: \"example.kubernetes.io/a\": {reserved}"),
            "extra[9].valueExpression: Invalid value: \"foo.bar\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo.bar\n | ^",
        ],
    );
}

#[test]
fn who_uses_an_address_of_email_asks_whether_it_is_verified() {
    let unverified = "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression";
    let check = |name: &str, more: &str, is_fine: bool| {
        let name = name.replace('\'', "''");
        let claims = format!("claimMappings:\n  username: {{expression: '{name}'}}\n{more}");
        match with_claims(&claims) {
            Ok(_) => assert!(is_fine, "{claims}"),
            Err(faults) => {
                let told = faults.last().map(String::as_str).unwrap_or_default();
                assert!(
                    !is_fine
                        && told.starts_with("jwt[0].claimMappings.username.expression: Invalid")
                        && told.ends_with(unverified),
                    "{claims}: {faults:?}"
                );
            }
        }
    };
    for name in [
        "claims.email",
        "['yay', string(claims.email), 'panda'].join(' ')",
        "claims.?email",
        "{claims.?email: \"panda\"}",
        "{\"fancy\": claims.?email}",
        "[\"a\"].map(i, i + claims.email)",
        "has(claims.email) ? claims.email : claims.sub",
    ] {
        check(name, "", false);
        check(
            name,
            "claimValidationRules: [{expression: 'claims.?email_verified.orValue(true) == true'}]",
            true,
        );
        check(
            name,
            "claimValidationRules: [{expression: 'has(claims.email_verified)'}]",
            true,
        );
        check(
            name,
            "  extra: [{key: panda.io/foo, valueExpression: 'claims.?email_verified'}]",
            true,
        );
        // What is wrong does not count, nor what looks alike.
        check(
            name,
            "claimValidationRules: [{expression: 'claims.?email_verified.orValue(true)'}]",
            false,
        );
        check(
            name,
            "claimValidationRules: [{claim: a, requiredValue: claims.email_verified}]",
            false,
        );
        check(name, "  groups: {expression: claims.email_verified}", false);
    }
    check("claims.email_", "", true);
    check(
        "claims.?email_verified.orValue(false) ? claims.email : claims.sub",
        "",
        true,
    );
    check(
        "string(claims.email_verified) == 'panda' ? claims.email : ''",
        "",
        true,
    );
}
