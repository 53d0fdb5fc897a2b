//! What devices, their attributes, pools and drivers are called.

use std::borrow::Cow;

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::{c_identifier, dns1123_label, dns1123_subdomain};

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

/// The identity of a share of a device.
pub(super) fn uuid(text: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let hyphens = [8, 13, 18, 23];
    let good = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if hyphens.contains(&at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    if !good {
        let detail = format!("error validating uid: invalid UUID length: {}", text.len());
        errors.invalid(path, text, detail);
    } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        errors.invalid(
            path,
            text,
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters",
        );
    }
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
