//! What is refused of an address, and what is only warned of.

use std::net::{IpAddr, Ipv4Addr};

use super::{Cidr, parse, parse_as_written};
use crate::field_path::{ErrorList, Path};
use crate::quote::Quoted;

/// What is said of something that is no address at all.
pub const BAD_IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const BAD_CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// Whether every program reads `text` alike: no surplus zeros.
fn is_unambiguous(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn is_mapped(text: &str) -> bool {
    parse_as_written(text).is_some_and(|ip| ip != ip.to_canonical())
}

/// An address in its one form (`IsValidIP`): for fields that are younger than this rule.
pub fn validate(value: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let before = errors.len();
    validate_legacy(value, &[], path, errors);
    if errors.len() == before
        && let Some(ip) = parse(value).map(|ip| ip.to_string())
        && ip != value
    {
        errors.invalid(
            path,
            value,
            format!("must be in canonical form ({})", Quoted(&ip)),
        );
    }
}

/// An address that every program reads alike (`IsValidIPForLegacyField`). What is in `old` may stay.
pub fn validate_legacy(value: &str, old: &[&str], path: &Path<'_>, errors: &mut ErrorList) {
    if old.contains(&value) {
        return;
    }
    if parse(value).is_none() {
        errors.invalid(path, value, BAD_IP);
    } else if !is_unambiguous(value) {
        errors.invalid(path, value, "must not have leading 0s");
    } else if is_mapped(value) {
        errors.invalid(path, value, "must not be an IPv4-mapped IPv6 address");
    }
}

/// A network in its one form (`IsValidCIDR`).
pub fn validate_cidr(value: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let before = errors.len();
    validate_legacy_cidr(value, &[], path, errors);
    if errors.len() == before
        && let Some(cidr) = Cidr::parse(value).map(|cidr| cidr.to_string())
        && cidr != value
    {
        errors.invalid(
            path,
            value,
            format!("must be in canonical form ({})", Quoted(&cidr)),
        );
    }
}

/// A network that every program reads alike (`IsValidCIDRForLegacyField`). What is in `old` may stay.
pub fn validate_legacy_cidr(value: &str, old: &[&str], path: &Path<'_>, errors: &mut ErrorList) {
    if old.contains(&value) {
        return;
    }
    let (address, bits) = value.split_once('/').unwrap_or((value, ""));
    let Some(cidr) = Cidr::parse(value) else {
        return errors.invalid(path, value, BAD_CIDR);
    };
    if !is_unambiguous(address) || has_surplus_zeros(bits) {
        errors.invalid(
            path,
            value,
            "must not have leading 0s in IP or prefix length",
        );
    } else if is_mapped(address) {
        errors.invalid(path, value, "must not have an IPv4-mapped IPv6 address");
    } else if cidr.address() != cidr.network() {
        errors.invalid(
            path,
            value,
            "must not have bits set beyond the prefix length",
        );
    }
}

fn has_surplus_zeros(number: &str) -> bool {
    number.len() > 1 && number.starts_with('0')
}

/// What is odd about an address that may stay as it is (`GetWarningsForIP`).
pub fn warnings(value: &str, path: &Path<'_>, warnings: &mut Vec<String>) {
    let Some(ip) = parse(value) else { return };
    let (ip, value) = (ip.to_string(), Quoted(value));
    if !is_unambiguous(value.0) || is_mapped(value.0) {
        warnings.push(format!(
            "{path}: non-standard IP address {value} is invalid: use {}",
            Quoted(&ip)
        ));
    } else if ip != value.0 && value.0.contains(':') {
        warnings.push(format!(
            "{path}: IPv6 address {value} should be in RFC 5952 canonical format ({})",
            Quoted(&ip)
        ));
    }
}

/// What is odd about a network that may stay as it is (`GetWarningsForCIDR`).
pub fn cidr_warnings(value: &str, path: &Path<'_>, warnings: &mut Vec<String>) {
    let Some(cidr) = Cidr::parse(value) else {
        return;
    };
    let (address, bits) = value.split_once('/').unwrap_or((value, ""));
    let (network, value) = (cidr.to_string(), Quoted(value));
    let before = warnings.len();
    if cidr.address() != cidr.network() {
        let single = Cidr::single(cidr.address()).to_string();
        warnings.push(format!(
            "{path}: CIDR value {value} is ambiguous in this context (should be {} or {}?)",
            Quoted(&network),
            Quoted(&single)
        ));
    }
    if !is_unambiguous(address) || has_surplus_zeros(bits) || is_mapped(address) {
        warnings.push(format!(
            "{path}: non-standard CIDR value {value} is invalid: use {}",
            Quoted(&network)
        ));
    }
    if warnings.len() == before && cidr.is_ipv6() && network != value.0 {
        warnings.push(format!(
            "{path}: IPv6 CIDR value {value} should be in RFC 5952 canonical format ({})",
            Quoted(&network)
        ));
    }
}

/// An address that something else can reach (`ValidateNonSpecialIP`): neither unspecified, nor loopback,
/// nor link-local.
pub fn validate_reachable(value: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(ip) = parse(value) else {
        return errors.invalid(path, value, "must be a valid IP address");
    };
    let (v4, v6) = match ip {
        IpAddr::V4(ip) => (Some(ip), None),
        IpAddr::V6(ip) => (None, Some(ip)),
    };
    if ip.is_unspecified() {
        errors.invalid(path, value, format!("may not be unspecified ({value})"));
    }
    if ip.is_loopback() {
        errors.invalid(
            path,
            value,
            "may not be in the loopback range (127.0.0.0/8, ::1/128)",
        );
    }
    if v4.is_some_and(|ip| ip.is_link_local()) || v6.is_some_and(|ip| ip.is_unicast_link_local()) {
        errors.invalid(
            path,
            value,
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
        );
    }
    let is_local_multicast = v4
        .is_some_and(|ip| u32::from(ip) & 0xffff_ff00 == u32::from(Ipv4Addr::new(224, 0, 0, 0)))
        || v6.is_some_and(|ip| ip.segments()[0] & 0xff0f == 0xff02);
    if is_local_multicast {
        errors.invalid(
            path,
            value,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: impl Fn(&Path<'_>, &mut ErrorList), expected: &str) {
        let mut errors = ErrorList::new();
        rule(&Path::new("ip"), &mut errors);
        let shown: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join("; "), expected);
    }

    #[test]
    fn new_fields_take_one_spelling() {
        let rule =
            |value| move |path: &Path<'_>, errors: &mut ErrorList| validate(value, path, errors);
        check(rule("10.0.0.1"), "");
        check(rule("2001:db8::1"), "");
        check(
            rule("2001:DB8::1"),
            r#"ip: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")"#,
        );
        check(rule("x"), &format!(r#"ip: Invalid value: "x": {BAD_IP}"#));
        check(
            rule("01.2.3.4"),
            r#"ip: Invalid value: "01.2.3.4": must not have leading 0s"#,
        );
        check(
            rule("::ffff:1.2.3.4"),
            r#"ip: Invalid value: "::ffff:1.2.3.4": must not be an IPv4-mapped IPv6 address"#,
        );
    }

    #[test]
    fn old_fields_take_what_they_had() {
        let rule = |value, old: &'static [&str]| {
            move |path: &Path<'_>, errors: &mut ErrorList| validate_legacy(value, old, path, errors)
        };
        check(rule("2001:DB8::1", &[]), "");
        check(rule("01.2.3.4", &["01.2.3.4"]), "");
        check(
            rule("01.2.3.4", &["1.2.3.4"]),
            r#"ip: Invalid value: "01.2.3.4": must not have leading 0s"#,
        );
    }

    #[test]
    fn networks_have_one_spelling_too() {
        let rule = |value| {
            move |path: &Path<'_>, errors: &mut ErrorList| validate_cidr(value, path, errors)
        };
        check(rule("10.0.0.0/8"), "");
        check(
            rule("10.0.0.1/8"),
            r#"ip: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length"#,
        );
        check(
            rule("10.0.0.0/08"),
            r#"ip: Invalid value: "10.0.0.0/08": must not have leading 0s in IP or prefix length"#,
        );
        check(
            rule("FD00::/64"),
            r#"ip: Invalid value: "FD00::/64": must be in canonical form ("fd00::/64")"#,
        );
        check(
            rule("10.0.0.0"),
            &format!(r#"ip: Invalid value: "10.0.0.0": {BAD_CIDR}"#),
        );
    }

    #[test]
    fn odd_spellings_are_warned_of() {
        let of = |value| {
            let mut list = Vec::new();
            warnings(value, &Path::new("ip"), &mut list);
            list.join("; ")
        };
        assert_eq!(of("1.2.3.4"), "");
        assert_eq!(
            of("01.2.3.4"),
            r#"ip: non-standard IP address "01.2.3.4" is invalid: use "1.2.3.4""#
        );
        assert_eq!(
            of("FD00::1"),
            r#"ip: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")"#
        );
        let of = |value| {
            let mut list = Vec::new();
            cidr_warnings(value, &Path::new("ip"), &mut list);
            list.join("; ")
        };
        assert_eq!(of("10.0.0.0/8"), "");
        assert_eq!(
            of("10.0.0.1/8"),
            r#"ip: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)"#
        );
        assert_eq!(
            of("FD00::/8"),
            r#"ip: IPv6 CIDR value "FD00::/8" should be in RFC 5952 canonical format ("fd00::/8")"#
        );
    }

    #[test]
    fn special_addresses_are_no_endpoints() {
        let rule = |value| {
            move |path: &Path<'_>, errors: &mut ErrorList| validate_reachable(value, path, errors)
        };
        check(rule("10.0.0.1"), "");
        check(
            rule("0.0.0.0"),
            r#"ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)"#,
        );
        check(
            rule("127.0.0.1"),
            r#"ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#,
        );
        check(
            rule("fe80::1"),
            r#"ip: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)"#,
        );
        check(
            rule("224.0.0.5"),
            r#"ip: Invalid value: "224.0.0.5": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"#,
        );
    }
}
