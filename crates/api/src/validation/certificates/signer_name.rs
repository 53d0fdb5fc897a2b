//! What signers are called: `example.com/signer`.

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::{Messages, dns1123_label, dns1123_subdomain};
use pintle_runtime::quote::Quoted;

const DOMAIN_LIMIT: usize = 253;
/// A resource of the name must have room for a label and a subdomain.
const NAME_LIMIT: usize = DOMAIN_LIMIT + 1 + 253 + 63 + 1;

/// Checks the name of a signer (`ValidateSignerName`).
pub(in crate::validation) fn check(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if name.is_empty() {
        return errors.required(path, "");
    }
    let [domain, rest] = name.split('/').collect::<Vec<_>>()[..] else {
        return errors.invalid(
            path,
            name,
            "must be a fully qualified domain and path of the form 'example.com/signer-name'",
        );
    };
    if domain.len() > DOMAIN_LIMIT {
        errors.push(FieldError::too_long(path, DOMAIN_LIMIT));
    }
    labels(domain, dns1123_label, path, errors);
    if !domain.contains('.') {
        errors.invalid(
            path,
            domain,
            "should be a domain with at least two segments separated by dots",
        );
    }
    labels(rest, dns1123_subdomain, path, errors);
    if name.len() > NAME_LIMIT {
        errors.push(FieldError::too_long(path, NAME_LIMIT));
    }
}

/// The first of the labels that is wrong.
fn labels(text: &str, rule: fn(&str) -> Messages, path: &Path<'_>, errors: &mut ErrorList) {
    let wrong = text.split('.').find_map(|label| {
        let messages = rule(label);
        (!messages.is_empty()).then_some((label, messages))
    });
    let Some((label, messages)) = wrong else {
        return;
    };
    for message in messages {
        let detail = format!("validating label {}: {message}", Quoted(label));
        errors.invalid(path, text, detail);
    }
}
