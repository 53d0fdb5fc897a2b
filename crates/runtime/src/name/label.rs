//! Names and values of labels. Annotations and finalizers are named alike.

use std::borrow::Cow;

use super::dns::{prefix, within};
use super::{Messages, Unit, too_long};

const NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const KEY: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// A label's name, also called a qualified name: up to 63 bytes behind an optional `prefix/`.
pub fn label_key(value: &str) -> Messages {
    let mut messages = Messages::new();
    let name = match value.split_once('/') {
        None => value,
        Some((_, name)) if name.contains('/') => return vec![Cow::Borrowed(KEY)],
        Some(("", name)) => {
            messages.push(Cow::Borrowed("prefix part must be non-empty"));
            name
        }
        Some((domain, name)) => {
            messages.extend(
                prefix(domain)
                    .into_iter()
                    .map(|message| Cow::Owned(format!("prefix part {message}"))),
            );
            name
        }
    };
    if name.is_empty() {
        messages.push(Cow::Borrowed("name part must be non-empty"));
    } else if name.len() > 63 {
        messages.push(Cow::Borrowed("name part must be no more than 63 bytes"));
    }
    if !is_name(name) {
        messages.push(Cow::Borrowed(NAME));
    }
    messages
}

/// A label's value: nothing, or up to 63 bytes.
pub fn label_value(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > 63 {
        messages.push(too_long(63, Unit::Bytes));
    }
    if !value.is_empty() && !is_name(value) {
        messages.push(Cow::Borrowed(VALUE));
    }
    messages
}

fn is_name(value: &str) -> bool {
    let all = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    within(value, all, |byte| byte.is_ascii_alphanumeric())
}
