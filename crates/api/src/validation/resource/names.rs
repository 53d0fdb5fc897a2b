//! What devices, their attributes, pools and drivers are called.

use std::borrow::Cow;

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::{c_identifier, dns1123_label, dns1123_subdomain};
use pintle_runtime::quote::Quoted;

use crate::validation::volume_source::csi_driver_name;

const POOL_LIMIT: usize = 253;
const ID_LIMIT: usize = 32;
/// The longest key of an attribute or a capacity.
const KEY_LIMIT: usize = 63 + 1 + ID_LIMIT;

/// A driver, which is called as a CSI driver is.
pub(super) fn driver(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    csi_driver_name(name, path, errors);
}

/// A label: a device, a request, a counter.
pub(super) fn label(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    errors.invalid_each(path, name, dns1123_label(name));
}

/// A label that must be there.
pub(super) fn required_label(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if name.is_empty() {
        errors.required(path, "");
    } else {
        label(name, path, errors);
    }
}

/// A class of devices.
pub(super) fn class(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if name.is_empty() {
        errors.required(path, "");
    } else {
        errors.invalid_each(path, name, dns1123_subdomain(name));
    }
}

/// A node.
pub(super) fn node(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    errors.invalid_each(path, name, dns1123_subdomain(name));
}

/// A pool of devices: subdomains with slashes between.
pub(super) fn pool(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if name.is_empty() {
        return errors.required(path, "");
    }
    if name.len() > POOL_LIMIT {
        errors.push(FieldError::too_long(path, POOL_LIMIT));
    }
    for part in name.split('/') {
        errors.invalid_each(path, part, dns1123_subdomain(part));
    }
}

/// The name of an attribute or capacity, with or without the domain of its driver.
pub(super) fn qualified(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    match name.split('/').collect::<Vec<_>>()[..] {
        [id] => identifier(id, path, errors),
        [domain, id] => {
            if domain.is_empty() {
                errors.invalid(path, "", "the domain must not be empty");
            } else {
                driver(domain, path, errors);
            }
            if id.is_empty() {
                errors.invalid(path, "", "the name must not be empty");
            } else {
                identifier(id, path, errors);
            }
        }
        // As upstream, which looks no closer.
        _ => {}
    }
}

/// The same with a domain.
pub(super) fn fully_qualified(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    qualified(name, path, errors);
    if !name.contains('/') {
        errors.invalid(
            path,
            name,
            "a fully qualified name must be a domain and a name separated by a slash",
        );
    }
}

fn identifier(id: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if id.len() > ID_LIMIT {
        errors.push(FieldError::too_long(path, ID_LIMIT));
    }
    errors.invalid_each(path, id, c_identifier(id));
}

/// The identity of a share of a device, of which all forms are known, but one is wanted.
pub(super) fn uuid(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(problem) = wrong_with_uuid(text) {
        errors.invalid(path, text, format!("error validating uid: {problem}"));
    } else if text.len() != 36 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        errors.invalid(
            path,
            text,
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters",
        );
    }
}

fn wrong_with_uuid(text: &str) -> Option<String> {
    const URN: &str = "urn:uuid:";
    let malformed = || Some("invalid UUID format".to_owned());
    let plain = match text.len() {
        32 => {
            let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            return if hex { None } else { malformed() };
        }
        36 => text,
        38 => match text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            Some(rest) => rest,
            None => return Some("invalid bracketed UUID format".to_owned()),
        },
        45 => match text.split_at_checked(URN.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(URN) => rest,
            _ => {
                let prefix = String::from_utf8_lossy(&text.as_bytes()[..URN.len()]);
                return Some(format!("invalid urn prefix: {}", Quoted(&prefix)));
            }
        },
        length => return Some(format!("invalid UUID length: {length}")),
    };
    let fits = plain.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    if fits { None } else { malformed() }
}

/// A key as a path shows it: what is too long lacks its middle.
pub(super) fn shortened(key: &str) -> Cow<'_, str> {
    if key.len() <= KEY_LIMIT {
        return Cow::Borrowed(key);
    }
    let rest = KEY_LIMIT - 3;
    let head = key.floor_char_boundary(rest.div_ceil(2));
    let tail = key.ceil_char_boundary(key.len() - rest / 2);
    Cow::Owned(format!("{}...{}", &key[..head], &key[tail..]))
}
