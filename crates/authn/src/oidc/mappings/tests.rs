use serde_json::json;

use super::*;

fn claims(value: serde_json::Value) -> Claims {
    serde_json::from_value(value).expect("claims are a map")
}

fn expression(text: &str) -> Source {
    Source::Expression(Expression::of_claims(text).expect(text))
}

fn by_claims() -> Mappings {
    Mappings {
        username: Source::prefixed("email", "o:"),
        groups: Some(Source::prefixed("roles", "g:")),
        uid: None,
        extra: Vec::new(),
    }
}

/// Name, groups, uid and extra in one line.
#[track_caller]
fn check(mappings: &Mappings, said: serde_json::Value, expected: Result<&str, &str>) {
    let shown = format!("{said}");
    let said = claims(said);
    let user = mappings.user(&said, &said.data());
    let texts = |texts: &[Text]| texts.iter().map(Text::as_str).collect::<Vec<_>>().join(",");
    let found = user.map_err(|error| error.to_string()).map(|user| {
        let mut line = format!("{} [{}]", user.name, texts(&user.groups));
        if !user.uid.is_empty() {
            line += &format!(" {}", user.uid);
        }
        for (key, values) in &user.extra {
            line += &format!(" {key}={}", texts(values));
        }
        line
    });
    let expected = expected.map(str::to_owned).map_err(str::to_owned);
    assert_eq!(found, expected, "{shown}");
}

#[track_caller]
fn check_name(text: &str, expected: Result<&str, &str>) {
    let mappings = Mappings {
        username: expression(text),
        groups: None,
        uid: None,
        extra: Vec::new(),
    };
    let said = json!({
        "sub": "jane", "number": 7, "none": null, "empty": "", "kubernetes.io": {"namespace": "blue"},
        "list": [{"a/b": "c"}],
    });
    let expected = expected.map(|name| format!("{name} []"));
    check(&mappings, said, expected.as_deref().map_err(|why| *why));
}

#[track_caller]
fn check_groups(text: &str, expected: Result<&str, &str>) {
    let mappings = Mappings {
        username: Source::claim("sub"),
        groups: Some(expression(text)),
        uid: None,
        extra: Vec::new(),
    };
    let said = json!({
        "sub": "jane", "one": "a", "many": ["a", "", "b"], "none": null, "mixed": ["a", 1],
        "words": "a,b", "no": [],
    });
    let expected = expected
        .map(|groups| format!("jane [{groups}]"))
        .map_err(|why| format!("oidc: error evaluating group claim expression: {why}"));
    check(&mappings, said, expected.as_deref().map_err(|why| &**why));
}

#[test]
fn claims_name_the_user_and_the_groups() {
    let mappings = by_claims();
    check(&mappings, json!({"email": "a@b"}), Ok("o:a@b []"));
    check(
        &mappings,
        json!({"email": "a@b", "email_verified": true, "roles": "dev"}),
        Ok("o:a@b [g:dev]"),
    );
    check(
        &mappings,
        json!({"email": "a@b", "roles": ["dev", "ops"], "jti": "7"}),
        Ok("o:a@b [g:dev,g:ops] authentication.kubernetes.io/credential-id=JTI=7"),
    );
}

#[test]
fn what_is_not_as_it_should_be_is_an_error() {
    let mappings = by_claims();
    for unverified in [json!(false), json!(null)] {
        check(
            &mappings,
            json!({"email": "a@b", "email_verified": unverified}),
            Err("oidc: email not verified"),
        );
    }
    check(
        &mappings,
        json!({"email": "a@b", "roles": 1}),
        Err("oidc: parse groups claim \"roles\": it is neither a text nor a list of them"),
    );
    check(
        &mappings,
        json!({}),
        Err("oidc: parse username claims \"email\": claim not present"),
    );
    check(
        &mappings,
        json!({"email": 1}),
        Err("oidc: parse username claims \"email\": it is no text"),
    );
}

#[test]
fn a_name_is_made_of_claims() {
    check_name("claims.sub + ':there'", Ok("jane:there"));
    check_name("'user-' + string(int(claims.number))", Ok("user-7"));
    check_name("claims.kubernetes__dot__io.__namespace__", Ok("blue"));
    check_name("claims['kubernetes.io']['namespace']", Ok("blue"));
    check_name("claims.list[0].a__slash__b", Ok("c"));
    check_name("claims.?nobody.orValue(claims.sub)", Ok("jane"));
    check_name("has(claims.nobody) ? claims.nobody : 'b'", Ok("b"));
}

#[test]
fn a_name_is_a_text_that_says_something() {
    let no_text = "oidc: error evaluating username claim expression: username claim expression must return a string";
    check_name("claims.number", Err(no_text));
    check_name("claims.none", Err(no_text));
    check_name("claims.list", Err(no_text));
    check_name("claims.?sub", Err(no_text));
    check_name(
        "claims.empty",
        Err("oidc: empty username via CEL expression is not allowed"),
    );
    check_name(
        "claims.nobody",
        Err(
            "oidc: error evaluating username claim expression: expression 'claims.nobody' resulted in error: no such key: nobody",
        ),
    );
    check_name(
        "claims.number + 'x'",
        Err(
            "oidc: error evaluating username claim expression: expression 'claims.number + 'x'' resulted in error: no such overload",
        ),
    );
}

#[test]
fn groups_are_one_text_or_a_list() {
    check_groups("claims.one", Ok("a"));
    check_groups("claims.many", Ok("a,b"));
    check_groups("claims.none", Ok(""));
    check_groups("claims.no", Ok(""));
    check_groups("''", Ok(""));
    check_groups("claims.words.split(',')", Ok("a,b"));
    check_groups(
        "(claims.words.split(',') + claims.many).map(role, 'x:' + role)",
        Ok("x:a,x:b,x:a,x:,x:b"),
    );
    let wrong = "expression must return a string or a list of strings";
    check_groups("claims.mixed", Err(wrong));
    check_groups("1", Err(wrong));
    check_groups("claims", Err(wrong));
    check_groups(
        "claims.nobody",
        Err("expression 'claims.nobody' resulted in error: no such key: nobody"),
    );
}

#[test]
fn work_is_limited() {
    let text = "[1,2,3,4,5,6,7,8,9].all(a, claims.many.all(b, claims.many.all(c, claims.many.all(d, true)))) ? 'a' : 'b'";
    let mappings = Mappings {
        username: expression(text),
        groups: None,
        uid: None,
        extra: Vec::new(),
    };
    let many: Vec<u32> = (0..100).collect();
    let why = format!(
        "oidc: error evaluating username claim expression: expression '{text}' resulted in error: operation cancelled: actual cost limit exceeded"
    );
    check(&mappings, json!({"many": many}), Err(&why));
}

#[test]
fn a_uid_may_be_empty_but_not_absent() {
    let mappings = |text: &str| Mappings {
        username: Source::claim("sub"),
        groups: None,
        uid: Some(expression(text)),
        extra: Vec::new(),
    };
    let said = || json!({"sub": "jane", "id": "007", "empty": ""});
    check(&mappings("claims.id"), said(), Ok("jane [] 007"));
    check(&mappings("claims.empty"), said(), Ok("jane []"));
    check(
        &mappings("[claims.id]"),
        said(),
        Err(
            "oidc: error evaluating uid claim expression: uid claim expression must return a string",
        ),
    );
    check(
        &mappings("claims.nobody"),
        said(),
        Err(
            "oidc: error evaluating uid claim expression: expression 'claims.nobody' resulted in error: no such key: nobody",
        ),
    );
}

#[test]
fn extra_has_values_where_they_say_something() {
    let mappings = |expressions: &[(&'static str, &str)]| {
        let extra = expressions.iter().map(|(key, text)| {
            let expression = Expression::of_claims(text).expect(text);
            (Text::from_static(key), expression)
        });
        Mappings {
            username: Source::claim("sub"),
            groups: None,
            uid: None,
            extra: extra.collect(),
        }
    };
    let said =
        || json!({"sub": "jane", "foo": "x", "bar": ["y", "z"], "is_admin": true, "jti": "7"});
    check(
        &mappings(&[
            ("example.org/foo", "claims.foo"),
            ("example.org/bar", "claims.bar"),
            (
                "example.org/admin",
                "(has(claims.is_admin) && claims.is_admin) ? 'true' : ''",
            ),
            (
                "example.org/none",
                "claims.?none.orValue(true) == true ? '' : 'x'",
            ),
        ]),
        said(),
        Ok(
            "jane [] authentication.kubernetes.io/credential-id=JTI=7 example.org/admin=true example.org/bar=y,z example.org/foo=x",
        ),
    );
    check(
        &mappings(&[("example.org/foo", "claims.is_admin")]),
        said(),
        Err(
            "oidc: error evaluating extra claim expression: claims.is_admin: expression must return a string or a list of strings",
        ),
    );
    // All are evaluated before a value is looked at.
    check(
        &mappings(&[
            ("example.org/foo", "claims.is_admin"),
            ("example.org/bar", "claims.none"),
        ]),
        said(),
        Err("expression 'claims.none' resulted in error: no such key: none"),
    );
}
