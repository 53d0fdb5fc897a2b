//! Names as in DNS.

use std::borrow::Cow;

use super::{Messages, Unit, too_long};

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const SUBDOMAIN_UNDERSCORE: &str = r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
const WILDCARD: &str = r"a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// An RFC 1123 label: up to 63 lower case letters, digits and dashes.
pub fn dns1123_label(value: &str) -> Messages {
    let wrong = if is_label(value) {
        None
    } else if is_subdomain(value) {
        Some("must not contain dots")
    } else {
        Some(LABEL)
    };
    check(value, 63, wrong)
}

/// An RFC 1123 subdomain: labels separated by dots, up to 253 characters.
pub fn dns1123_subdomain(value: &str) -> Messages {
    check(value, 253, (!is_subdomain(value)).then_some(SUBDOMAIN))
}

/// The same where it is the prefix of a label's name, which upstream measures in bytes.
pub(super) fn prefix(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > 253 {
        messages.push(too_long(253, Unit::Bytes));
    }
    if !is_subdomain(value) {
        messages.push(Cow::Borrowed(SUBDOMAIN));
    }
    messages
}

/// An RFC 1123 subdomain whose labels may start with and contain underscores.
pub fn dns1123_subdomain_with_underscore(value: &str) -> Messages {
    let is_label = |label: &str| {
        let label = label.strip_prefix('_').unwrap_or(label);
        within(
            label,
            |byte| is_lower_alphanumeric(byte) || matches!(byte, b'-' | b'_'),
            is_lower_alphanumeric,
        )
    };
    check(
        value,
        253,
        (!value.split('.').all(is_label)).then_some(SUBDOMAIN_UNDERSCORE),
    )
}

/// An RFC 1035 label: as an RFC 1123 label, but it starts with a letter.
pub fn dns1035_label(value: &str) -> Messages {
    let good = is_label(value) && !value.starts_with(|c: char| c.is_ascii_digit());
    check(value, 63, (!good).then_some(LABEL_1035))
}

/// `*.` and an RFC 1123 subdomain, up to 253 characters.
pub fn wildcard_dns1123_subdomain(value: &str) -> Messages {
    let good = value.strip_prefix("*.").is_some_and(is_subdomain);
    check(value, 253, (!good).then_some(WILDCARD))
}

fn check(value: &str, limit: usize, wrong: Option<&'static str>) -> Messages {
    let mut messages = Messages::new();
    if value.len() > limit {
        messages.push(too_long(limit, Unit::Characters));
    }
    messages.extend(wrong.map(Cow::Borrowed));
    messages
}

fn is_label(value: &str) -> bool {
    within(
        value,
        |byte| is_lower_alphanumeric(byte) || byte == b'-',
        is_lower_alphanumeric,
    )
}

fn is_subdomain(value: &str) -> bool {
    value.split('.').all(is_label)
}

fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Whether there is something, of which every byte is fine and the outer ones are especially so.
pub(super) fn within(value: &str, all: impl Fn(u8) -> bool, outer: impl Fn(u8) -> bool) -> bool {
    match value.as_bytes() {
        [] => false,
        [one] => outer(*one),
        [first, middle @ .., last] => {
            outer(*first) && outer(*last) && middle.iter().all(|&byte| all(byte))
        }
    }
}
