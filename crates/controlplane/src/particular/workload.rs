//! What kinds that make pods have in common.

use pintle_endpoints::metadata::Metadata;
use pintle_runtime::name::dns1123_label;
use pintle_runtime::value::Record;

/// The name of a new object will be part of its pods' names, which are host names.
pub(super) fn name_in_pods(new: &Record, old: Option<&Record>) -> Vec<String> {
    if old.is_some() {
        return Vec::new();
    }
    let messages = dns1123_label(Metadata::of(new).name());
    if messages.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [{}]",
        messages.join(" ")
    )]
}

/// Whether an update changes what counts, so that it is worth a warning; a create always is.
pub(super) fn is_new_generation(new: &Record, old: Option<&Record>) -> bool {
    old.is_none_or(|old| Metadata::of(new).generation() != Metadata::of(old).generation())
}
