//! What may be called how.
//!
//! A check gives what is wrong, in upstream's words, or nothing. Checks of whole names are chosen
//! per kind by a [`NameRule`].

mod dns;
mod format;
mod label;

use std::borrow::Cow;

pub use dns::{
    dns1035_label, dns1123_label, dns1123_subdomain, dns1123_subdomain_with_underscore,
    wildcard_dns1123_subdomain,
};
pub use format::{
    c_identifier, config_map_key, domain_prefixed_key, domain_prefixed_path, env_var_name,
    fully_qualified_domain_name, fully_qualified_name, group_id, http_header_name,
    path_segment_name, path_segment_prefix, percent, port_name, port_number, relaxed_env_var_name,
    user_id,
};
pub use label::{label_key, label_value};

/// What is wrong with a name; empty if nothing is. Nothing is allocated for a good name.
pub type Messages = Vec<Cow<'static, str>>;

/// How objects of a kind may be called.
#[derive(Debug, Clone, Copy)]
pub enum NameRule {
    /// An RFC 1123 subdomain of up to 253 characters, as for most kinds.
    DnsSubdomain,
    /// An RFC 1123 label of up to 63 characters, as for namespaces.
    DnsLabel,
    /// An RFC 1035 label of up to 63 characters, which starts with a letter.
    Dns1035Label,
    /// Whatever can stand in a path, as for roles.
    PathSegment,
    /// Something else.
    Custom(fn(&str, Part) -> Messages),
}

/// How much of a name is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// What something will be appended to: a `generateName`.
    Prefix,
}

impl NameRule {
    /// What is wrong with `name`.
    pub fn check(self, name: &str, part: Part) -> Messages {
        match (self, part) {
            (Self::DnsSubdomain, _) => dns1123_subdomain(&part.of(name)),
            (Self::DnsLabel, _) => dns1123_label(&part.of(name)),
            (Self::Dns1035Label, _) => dns1035_label(&part.of(name)),
            (Self::PathSegment, Part::Whole) => path_segment_name(name),
            (Self::PathSegment, Part::Prefix) => path_segment_prefix(name),
            (Self::Custom(check), _) => check(name, part),
        }
    }
}

impl Part {
    /// The name to check. The dash at the end of a prefix is fine, because something will follow;
    /// upstream drops the character before it as well.
    pub fn of(self, name: &str) -> Cow<'_, str> {
        match (self, name.strip_suffix('-')) {
            (Self::Prefix, Some(rest)) if !rest.is_empty() => {
                let mut masked = rest.to_owned();
                masked.pop();
                masked.push('a');
                Cow::Owned(masked)
            }
            _ => Cow::Borrowed(name),
        }
    }
}

/// The longest name that is generated: a label.
const GENERATED: usize = 63;
/// How many random characters a generated name ends in.
const RANDOM: usize = 5;
/// No vowels, and nothing that looks like another.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A name that begins with `base`, cut to 58 bytes, and ends in five random characters.
///
/// ```
/// let mut random = || 0x0123_4567_89ab_cdef;
/// let name = pintle_runtime::name::generate("web-", &mut random);
/// assert_eq!(name.len(), "web-".len() + 5);
/// ```
pub fn generate(base: &str, random: &mut dyn FnMut() -> u64) -> String {
    let end = base.floor_char_boundary(GENERATED - RANDOM);
    let mut name = String::with_capacity(end + RANDOM);
    name.push_str(&base[..end]);
    random_suffix(RANDOM, random, &mut name);
    name
}

/// Appends `length` random characters of the alphabet that generated names use.
pub fn random_suffix(length: usize, random: &mut dyn FnMut() -> u64, out: &mut String) {
    let mut bits = 0;
    let mut left = 0;
    let mut missing = length;
    while missing > 0 {
        if left == 0 {
            bits = random();
            left = 12;
        }
        // Five bits choose one of 32; those beyond the alphabet are drawn again.
        if let Some(&byte) = ALPHABET.get((bits & 31) as usize) {
            out.push(char::from(byte));
            missing -= 1;
        }
        bits >>= 5;
        left -= 1;
    }
}

/// `must be no more than … characters`, and whatever else a text must be.
fn too_long(limit: usize, unit: Unit) -> Cow<'static, str> {
    match (limit, unit) {
        (63, Unit::Bytes) => Cow::Borrowed("must be no more than 63 bytes"),
        (253, Unit::Characters) => Cow::Borrowed("must be no more than 253 characters"),
        (63, Unit::Characters) => Cow::Borrowed("must be no more than 63 characters"),
        (limit, Unit::Bytes) => Cow::Owned(format!("must be no more than {limit} bytes")),
        (limit, Unit::Characters) => Cow::Owned(format!("must be no more than {limit} characters")),
    }
}

/// What upstream calls the units of a length. They are bytes in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bytes,
    Characters,
}

#[cfg(test)]
mod tests;
