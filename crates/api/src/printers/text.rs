//! Parts of cells that several kinds have: lists, labels, selectors and containers.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Write as _};

use pintle_runtime::meta;
use pintle_runtime::selector::LabelSelector;
use pintle_runtime::view::StringMap;

use super::Cell;
use crate::core::v1::PodSpec;

pub(super) const NONE: &str = "<none>";
pub(super) const UNKNOWN: &str = "<unknown>";
pub(super) const UNSET: &str = "<unset>";
pub(super) const TRUE: &str = "True";

/// `text`, or `instead` if it is empty.
pub(super) fn or<'a>(text: &'a str, instead: &'a str) -> &'a str {
    if text.is_empty() { instead } else { text }
}

/// The parts one after another; nothing is copied if there is only one.
pub(super) fn join<'a>(parts: impl IntoIterator<Item = &'a str>, separator: &str) -> Cow<'a, str> {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else {
        return Cow::Borrowed("");
    };
    let mut joined = Cow::Borrowed(first);
    for part in parts {
        let text = joined.to_mut();
        text.push_str(separator);
        text.push_str(part);
    }
    joined
}

/// The first `most` of `items`, then how many more there are: `a,b,c + 2 more...`.
pub(super) fn first_of(
    items: impl IntoIterator<Item = impl Display>,
    most: usize,
    separator: &str,
) -> String {
    let mut text = String::new();
    let mut count = 0;
    for item in items {
        if count < most {
            if count > 0 {
                text.push_str(separator);
            }
            append(&mut text, format_args!("{item}"));
        }
        count += 1;
    }
    if count > most {
        append(&mut text, format_args!(" + {} more...", count - most));
    }
    text
}

/// `text`, or [`UNSET`] if it is empty.
pub(super) fn or_unset(text: String) -> Cow<'static, str> {
    if text.is_empty() {
        Cow::Borrowed(UNSET)
    } else {
        Cow::Owned(text)
    }
}

/// Appends what is to be written; a `String` takes everything.
pub(super) fn append(text: &mut String, what: fmt::Arguments<'_>) {
    let written = text.write_fmt(what);
    debug_assert!(written.is_ok());
}

/// Labels as a selector: `a=1,b=2`, or `<none>`.
pub(super) fn labels(labels: StringMap<'_>) -> Cow<'static, str> {
    let mut text = String::new();
    for (key, value) in labels.iter() {
        let comma = if text.is_empty() { "" } else { "," };
        append(&mut text, format_args!("{comma}{key}={value}"));
    }
    if text.is_empty() {
        Cow::Borrowed(NONE)
    } else {
        Cow::Owned(text)
    }
}

/// A selector: `a=1,b in (2,3)`, `<none>` if it is absent or empty, `<error>` if it is not valid.
pub(super) fn selector(object: Option<meta::LabelSelector<'_>>) -> Cow<'static, str> {
    match LabelSelector::try_from(object) {
        Ok(selector) => {
            let text = selector.to_string();
            if text.is_empty() {
                Cow::Borrowed(NONE)
            } else {
                Cow::Owned(text)
            }
        }
        Err(_) => Cow::Borrowed("<error>"),
    }
}

/// The names and the images of a template's containers.
pub(super) fn containers<'a>(spec: PodSpec<'a>) -> (Cell<'a>, Cell<'a>) {
    let containers = spec.containers();
    let names = join(containers.iter().map(|container| container.name()), ",");
    let images = join(containers.iter().map(|container| container.image()), ",");
    (names.into(), images.into())
}

/// Addresses or, where there is none, host names of a load balancer: each once and in order.
pub(super) fn balanced<'a>(ingress: impl Iterator<Item = (&'a str, &'a str)>) -> Cow<'a, str> {
    let names: BTreeSet<&str> = ingress
        .map(|(ip, hostname)| or(ip, hostname))
        .filter(|name| !name.is_empty())
        .collect();
    join(names, ",")
}

/// Whether an annotation says `true`.
pub(super) fn is_true(annotations: StringMap<'_>, key: &str) -> bool {
    annotations.get(key) == Some("true")
}
