use super::*;
use crate::field_path::{ErrorList, Path};

/// `expected` is how each message begins, or nothing.
#[track_caller]
fn check(found: &Messages, expected: &[&str]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (message, start) in found.iter().zip(expected) {
        assert!(
            message.starts_with(start),
            "{message} does not start with {start}"
        );
    }
}

const LABEL: &str = "a lowercase RFC 1123 label must consist of";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of";

#[test]
fn a_label_is_short_lower_case_and_without_dots() {
    for good in ["a", "0", "a-b", "a--b", "123-abc", &"x".repeat(63)] {
        check(&dns1123_label(good), &[]);
    }
    for bad in ["", "-a", "a-", "A", "a_b", "a b", "é", "a\n"] {
        check(&dns1123_label(bad), &[LABEL]);
    }
    check(&dns1123_label("a.b"), &["must not contain dots"]);
    check(
        &dns1123_label(&"x".repeat(64)),
        &["must be no more than 63 characters"],
    );
    check(
        &dns1123_label(&"X".repeat(64)),
        &["must be no more than 63 characters", LABEL],
    );
}

#[test]
fn a_subdomain_is_labels_with_dots() {
    for good in ["a", "a.b", "a-b.0.c"] {
        check(&dns1123_subdomain(good), &[]);
    }
    for bad in [
        "",
        ".",
        "..",
        "a.",
        ".a",
        "a..b",
        "a.-b",
        "UPPER",
        "with_underscore",
    ] {
        check(&dns1123_subdomain(bad), &[SUBDOMAIN]);
    }
    check(
        &dns1123_subdomain(&"x".repeat(254)),
        &["must be no more than 253 characters"],
    );
    check(&dns1123_subdomain_with_underscore("_a.b_c"), &[]);
    check(&dns1123_subdomain_with_underscore("_a._"), &[SUBDOMAIN]);
    check(&wildcard_dns1123_subdomain("*.example.com"), &[]);
    check(
        &wildcard_dns1123_subdomain("example.com"),
        &["a wildcard DNS-1123 subdomain must start with"],
    );
    check(&dns1035_label("a1"), &[]);
    check(&dns1035_label("1a"), &["a DNS-1035 label must consist of"]);
}

#[test]
fn the_texts_are_upstreams_to_the_letter() {
    assert_eq!(
        dns1123_subdomain("A").concat(),
        r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    );
    assert_eq!(
        label_key("a b/c").concat(),
        r"prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    );
}

#[test]
fn a_label_key_may_have_a_prefix() {
    for good in ["a", "A_b.c-1", "example.com/a"] {
        check(&label_key(good), &[]);
    }
    check(
        &label_key(""),
        &["name part must be non-empty", "name part must consist of"],
    );
    check(&label_key("/a"), &["prefix part must be non-empty"]);
    check(
        &label_key("a/"),
        &["name part must be non-empty", "name part must consist of"],
    );
    check(
        &label_key("EX.com/a"),
        &["prefix part a lowercase RFC 1123 subdomain"],
    );
    check(&label_key("a/b/c"), &["a valid label key must consist of"]);
    check(
        &label_key(&"x".repeat(64)),
        &["name part must be no more than 63 bytes"],
    );
    check(
        &label_key(&format!("{}/a", "x".repeat(254))),
        &["prefix part must be no more than 253 bytes"],
    );
    check(&label_value(""), &[]);
    check(
        &label_value("-x"),
        &["a valid label must be an empty string or consist of"],
    );
    check(
        &label_value(&"x".repeat(64)),
        &["must be no more than 63 bytes"],
    );
}

#[test]
fn a_prefix_may_end_in_a_dash() {
    check(&NameRule::DnsSubdomain.check("web-", Part::Prefix), &[]);
    check(
        &NameRule::DnsSubdomain.check("web-", Part::Whole),
        &[SUBDOMAIN],
    );
    check(&NameRule::DnsLabel.check("-", Part::Prefix), &[LABEL]);
    check(
        &NameRule::DnsSubdomain.check("Gen_", Part::Prefix),
        &[SUBDOMAIN],
    );
    check(&NameRule::Dns1035Label.check("é-", Part::Prefix), &[]);
    check(&NameRule::PathSegment.check("a:b C", Part::Whole), &[]);
    check(
        &NameRule::PathSegment.check("a/b%", Part::Whole),
        &["may not contain '/'", "may not contain '%'"],
    );
    check(
        &NameRule::PathSegment.check("..", Part::Whole),
        &["may not be '..'"],
    );
    check(&NameRule::PathSegment.check("..", Part::Prefix), &[]);
}

#[test]
fn other_forms_are_checked() {
    check(&config_map_key("a.B_c-1"), &[]);
    check(
        &config_map_key("a b"),
        &["a valid config key must consist of"],
    );
    check(&config_map_key(".."), &["must not be '..'"]);
    check(&config_map_key("..a"), &["must not start with '..'"]);
    check(&env_var_name("MY_ENV.NAME"), &[]);
    check(
        &env_var_name("1A"),
        &["a valid environment variable name must consist of alphabetic"],
    );
    check(&relaxed_env_var_name("1 A!"), &[]);
    check(
        &relaxed_env_var_name("a=b"),
        &["a valid environment variable name must consist only of printable"],
    );
    check(
        &relaxed_env_var_name(""),
        &["environment variable name must be non-empty"],
    );
    check(&port_name("http-1"), &[]);
    check(
        &port_name("-1--2"),
        &[
            "must contain at least one letter",
            "must not contain consecutive",
            "must not begin",
        ],
    );
    check(
        &port_name(&"x".repeat(16)),
        &["must be no more than 15 characters"],
    );
    check(&port_number(0), &["must be between 1 and 65535, inclusive"]);
    check(
        &user_id(-1),
        &["must be between 0 and 2147483647, inclusive"],
    );
    check(&percent("93%"), &[]);
    check(&percent("%"), &["a valid percent string must be"]);
    check(&http_header_name("X-Header"), &[]);
    check(&c_identifier("_a1"), &[]);
    check(&c_identifier("1a"), &["a valid C identifier must start"]);
}

#[test]
fn domains_are_checked_by_their_parts() {
    #[track_caller]
    fn check(rule: fn(&Path<'_>, &str, &mut ErrorList), value: &str, expected: &str) {
        let mut errors = ErrorList::new();
        rule(&Path::new("f"), value, &mut errors);
        let found = if errors.is_empty() {
            String::new()
        } else {
            errors.to_string()
        };
        assert_eq!(found, expected);
    }
    check(fully_qualified_name, "a.b.c", "");
    check(fully_qualified_name, "", "f: Required value");
    check(
        fully_qualified_name,
        "a.b",
        "f: Invalid value: \"a.b\": should be a domain with at least three segments separated by dots",
    );
    check(fully_qualified_domain_name, "a.b.", "");
    check(
        fully_qualified_domain_name,
        "a",
        "f: Invalid value: \"a\": should be a domain with at least two segments separated by dots",
    );
    check(domain_prefixed_path, "acme.io/foo/bar", "");
    check(
        domain_prefixed_path,
        "acme.io",
        "f: Invalid value: \"acme.io\": must be a domain-prefixed path (such as \"acme.io/foo\")",
    );
    check(domain_prefixed_key, "acme.io/foo", "");
    check(
        domain_prefixed_key,
        "foo",
        "f: Invalid value: \"foo\": must be a domain-prefixed key (such as \"acme.io/foo\")",
    );
}

#[test]
fn a_generated_name_ends_in_five_characters_of_the_alphabet() {
    let mut seed = 1_u64;
    let mut random = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        seed
    };
    for base in ["web-", "", &"x".repeat(63), &"é".repeat(40)] {
        let name = generate(base, &mut random);
        let (kept, suffix) = name.split_at(name.len() - 5);
        assert!(base.starts_with(kept) && kept.len() <= 58, "{name}");
        assert!(
            suffix
                .bytes()
                .all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte)),
            "{name}"
        );
    }
    assert_eq!(generate("a-", &mut || 0), "a-bbbbb");
}
