//! Other things that have a form: keys, ports, headers, percentages.

use std::borrow::Cow;

use super::dns::{dns1123_label, dns1123_subdomain};
use super::label::label_key;
use super::{Messages, Unit, too_long};
use crate::field_path::{ErrorList, Path};

const IDENTIFIER: &str = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
const HEADER: &str = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
const ENV: &str = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')";
const RELAXED_ENV: &str = "a valid environment variable name must consist only of printable ASCII characters other than '='";
const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const PATH: &str = r"Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+')";

/// What can stand in a path: neither `.` nor `..`, without `/` and `%`.
pub fn path_segment_name(value: &str) -> Messages {
    match value {
        "." => vec![Cow::Borrowed("may not be '.'")],
        ".." => vec![Cow::Borrowed("may not be '..'")],
        value => path_segment_prefix(value),
    }
}

/// What can stand in a path once something is appended: without `/` and `%`.
pub fn path_segment_prefix(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.contains('/') {
        messages.push(Cow::Borrowed("may not contain '/'"));
    }
    if value.contains('%') {
        messages.push(Cow::Borrowed("may not contain '%'"));
    }
    messages
}

/// A letter or underscore, then letters, digits and underscores.
pub fn c_identifier(value: &str) -> Messages {
    let good = !value.starts_with(|c: char| c.is_ascii_digit())
        && only(value, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    one_of(good, IDENTIFIER)
}

/// A port's name (`IANA_SVC_NAME`): up to 15 letters, digits and dashes, with a letter.
pub fn port_name(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > 15 {
        messages.push(too_long(15, Unit::Characters));
    }
    if !only(value, |byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
    }) {
        messages.push(Cow::Borrowed(
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ));
    }
    if !value.bytes().any(|byte| byte.is_ascii_lowercase()) {
        messages.push(Cow::Borrowed("must contain at least one letter (a-z)"));
    }
    if value.contains("--") {
        messages.push(Cow::Borrowed("must not contain consecutive hyphens"));
    }
    if value.starts_with('-') || value.ends_with('-') {
        messages.push(Cow::Borrowed("must not begin or end with a hyphen"));
    }
    messages
}

/// 1 to 65535.
pub fn port_number(value: i64) -> Messages {
    one_of(
        (1..=65_535).contains(&value),
        "must be between 1 and 65535, inclusive",
    )
}

/// 0 to 2³¹−1.
pub fn user_id(value: i64) -> Messages {
    one_of(
        (0..=i64::from(i32::MAX)).contains(&value),
        "must be between 0 and 2147483647, inclusive",
    )
}

/// 0 to 2³¹−1.
pub fn group_id(value: i64) -> Messages {
    user_id(value)
}

/// Digits and `%`.
pub fn percent(value: &str) -> Messages {
    one_of(
        value
            .strip_suffix('%')
            .is_some_and(|digits| only(digits, |byte| byte.is_ascii_digit())),
        PERCENT,
    )
}

/// Letters, digits and dashes.
pub fn http_header_name(value: &str) -> Messages {
    one_of(
        only(value, |byte| byte.is_ascii_alphanumeric() || byte == b'-'),
        HEADER,
    )
}

/// Letters, digits, `_`, `-` and `.`, without a digit at the start.
pub fn env_var_name(value: &str) -> Messages {
    let good = !value.starts_with(|c: char| c.is_ascii_digit()) && only(value, is_key_byte);
    let mut messages = one_of(good, ENV);
    messages.extend(leaves_directory(value));
    messages
}

/// Printable ASCII without `=`.
pub fn relaxed_env_var_name(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.is_empty() {
        messages.push(Cow::Borrowed("environment variable name must be non-empty"));
    }
    if !value
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
    {
        messages.push(Cow::Borrowed(RELAXED_ENV));
    }
    messages
}

/// A key of a config map or secret: up to 253 letters, digits, `_`, `-` and `.`, which as a file
/// name stays in its directory.
pub fn config_map_key(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > 253 {
        messages.push(too_long(253, Unit::Characters));
    }
    if !only(value, is_key_byte) {
        messages.push(Cow::Borrowed(KEY));
    }
    messages.extend(leaves_directory(value));
    messages
}

/// A domain of at least three labels.
pub fn fully_qualified_name(path: &Path<'_>, value: &str, errors: &mut ErrorList) {
    let messages = dns1123_subdomain(value);
    if value.is_empty() {
        errors.required(path, "");
    } else if !messages.is_empty() {
        errors.invalid(path, value, messages.join(","));
    } else if value.split('.').count() < 3 {
        errors.invalid(
            path,
            value,
            "should be a domain with at least three segments separated by dots",
        );
    }
}

/// A domain of at least two labels, each of which is one; a dot at the end is fine.
pub fn fully_qualified_domain_name(path: &Path<'_>, value: &str, errors: &mut ErrorList) {
    if value.is_empty() {
        return errors.required(path, "");
    }
    let value = value.strip_suffix('.').unwrap_or(value);
    let messages = dns1123_subdomain(value);
    if !messages.is_empty() {
        return errors.invalid(path, value, messages.join(","));
    }
    if !value.contains('.') {
        return errors.invalid(
            path,
            value,
            "should be a domain with at least two segments separated by dots",
        );
    }
    for label in value.split('.') {
        let messages = dns1123_label(label);
        if !messages.is_empty() {
            return errors.invalid(path, label, messages.join(","));
        }
    }
}

/// A domain, a slash and an HTTP path.
pub fn domain_prefixed_path(path: &Path<'_>, value: &str, errors: &mut ErrorList) {
    if value.is_empty() {
        return errors.required(path, "");
    }
    let (host, rest) = value.split_once('/').unwrap_or_default();
    if host.is_empty() || rest.is_empty() {
        return errors.invalid(
            path,
            value,
            "must be a domain-prefixed path (such as \"acme.io/foo\")",
        );
    }
    errors.invalid_each(path, host, dns1123_subdomain(host));
    if !only(rest, |byte| {
        byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte)
    }) {
        errors.invalid(path, rest, PATH);
    }
}

/// A label's name with a prefix.
pub fn domain_prefixed_key(path: &Path<'_>, value: &str, errors: &mut ErrorList) {
    if value.is_empty() {
        return errors.required(path, "");
    }
    let messages = label_key(value);
    if messages.is_empty() && !value.contains('/') {
        return errors.invalid(
            path,
            value,
            "must be a domain-prefixed key (such as \"acme.io/foo\")",
        );
    }
    errors.invalid_each(path, value, messages);
}

fn one_of(good: bool, message: &'static str) -> Messages {
    if good {
        Messages::new()
    } else {
        vec![Cow::Borrowed(message)]
    }
}

/// Whether there is something, and every byte of it is fine.
fn only(value: &str, fine: impl Fn(u8) -> bool) -> bool {
    !value.is_empty() && value.bytes().all(fine)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

fn leaves_directory(value: &str) -> Option<Cow<'static, str>> {
    match value {
        "." => Some(Cow::Borrowed("must not be '.'")),
        ".." => Some(Cow::Borrowed("must not be '..'")),
        value if value.starts_with("..") => Some(Cow::Borrowed("must not start with '..'")),
        _ => None,
    }
}
