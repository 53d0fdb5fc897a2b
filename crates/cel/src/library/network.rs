//! Addresses and networks.

use std::net::IpAddr;

use pintle_runtime::ip::Cidr;
use pintle_runtime::quote::Quoted;

use super::{Opaque, Row, fail, int, truth};
use crate::value::{Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    (
        "ip",
        ip,
        &[("string_to_ip", "(string) ip"), ("cidr_ip", "cidr.() ip")],
    ),
    ("isIP", is_ip, &[("is_ip", "(string) bool")]),
    (
        "ip.isCanonical",
        is_canonical,
        &[("ip_is_canonical", "(string) bool")],
    ),
    ("family", family, &[("ip_family", "ip.() int")]),
    (
        "isUnspecified",
        is_unspecified,
        &[("ip_is_unspecified", "ip.() bool")],
    ),
    (
        "isLoopback",
        is_loopback,
        &[("ip_is_loopback", "ip.() bool")],
    ),
    (
        "isLinkLocalMulticast",
        is_link_local_multicast,
        &[("ip_is_link_local_multicast", "ip.() bool")],
    ),
    (
        "isLinkLocalUnicast",
        is_link_local_unicast,
        &[("ip_is_link_local_unicast", "ip.() bool")],
    ),
    (
        "isGlobalUnicast",
        is_global_unicast,
        &[("ip_is_global_unicast", "ip.() bool")],
    ),
    ("cidr", cidr, &[("string_to_cidr", "(string) cidr")]),
    ("isCIDR", is_cidr, &[("is_cidr", "(string) bool")]),
    (
        "containsIP",
        contains_ip,
        &[
            ("cidr_contains_ip_string", "cidr.(string) bool"),
            ("cidr_contains_ip_ip", "cidr.(ip) bool"),
        ],
    ),
    (
        "containsCIDR",
        contains_cidr,
        &[
            ("cidr_contains_cidr_string", "cidr.(string) bool"),
            ("cidr_contains_cidr", "cidr.(cidr) bool"),
        ],
    ),
    (
        "prefixLength",
        prefix_length,
        &[("cidr_prefix_length", "cidr.() int")],
    ),
    ("masked", masked, &[("cidr_masked", "cidr.() cidr")]),
];

/// An address in its strict form.
fn parse_ip(text: &str) -> Result<IpAddr, String> {
    if text.contains('%') && text.contains(':') {
        return Err(format!(
            "IP address {} with zone value is not allowed",
            Quoted(text)
        ));
    }
    let ip: IpAddr = text.parse().map_err(|_| {
        let quoted = Quoted(text);
        format!(
            "IP Address {quoted} parse error during conversion from string: ParseAddr({quoted}): {}",
            why_no_address(text)
        )
    })?;
    match ip {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => Err(format!(
            "IPv4-mapped IPv6 address {} is not allowed",
            Quoted(text)
        )),
        ip => Ok(ip),
    }
}

/// Go's words for the faults that people make.
fn why_no_address(text: &str) -> &'static str {
    if text.contains(':') {
        return "unexpected character (at \"\")";
    }
    if !text.contains('.') {
        return "unable to parse IP";
    }
    for octet in text.split('.') {
        if !octet.bytes().all(|byte| byte.is_ascii_digit()) {
            return "unexpected character (at \"\")";
        }
        if octet.is_empty() {
            return "IPv4 field must have at least one digit";
        }
        if octet.len() > 1 && octet.starts_with('0') {
            return "IPv4 field has octet with leading zero";
        }
        if octet.parse::<u8>().is_err() {
            return "IPv4 field has value >255";
        }
    }
    match text.split('.').count() {
        0..4 => "IPv4 address too short",
        _ => "IPv4 address too long",
    }
}

fn parse_cidr(text: &str) -> Result<Cidr, String> {
    let quoted = Quoted(text);
    let fault = |why: &str| {
        format!(
            "network address parse error during conversion from string: netip.ParsePrefix({quoted}): {why}"
        )
    };
    let Some((address, bits)) = text.split_once('/') else {
        return Err(fault("no '/'"));
    };
    let ip: IpAddr = address.parse().map_err(|_| {
        let why = why_no_address(address);
        fault(&format!("ParseAddr({}): {why}", Quoted(address)))
    })?;
    if let IpAddr::V6(six) = ip
        && six.to_ipv4_mapped().is_some()
    {
        return Err(format!("IPv4-mapped IPv6 address {quoted} is not allowed"));
    }
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let plain = !bits.is_empty()
        && bits.bytes().all(|byte| byte.is_ascii_digit())
        && (bits == "0" || !bits.starts_with('0'));
    if !plain {
        return Err(fault(&format!("bad bits after slash: {}", Quoted(bits))));
    }
    match bits.parse::<u8>() {
        Ok(count) if count <= most => {
            Cidr::parse(text).ok_or_else(|| fault("prefix length out of range"))
        }
        _ => Err(fault("prefix length out of range")),
    }
}

fn ip<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(match args {
        [Val::String(text)] => match parse_ip(text) {
            Ok(ip) => Ok(Val::Opaque(Opaque::Ip(ip))),
            Err(message) => fail(message),
        },
        [Val::Opaque(Opaque::Cidr(cidr))] => Ok(Val::Opaque(Opaque::Ip(cidr.address()))),
        _ => return None,
    })
}

fn is_ip<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    truth(parse_ip(text).is_ok())
}

fn is_canonical<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    match parse_ip(text) {
        Ok(ip) => truth(ip.to_string() == text.as_str()),
        Err(message) => Some(fail(message)),
    }
}

fn of(args: &[Val<'_>]) -> Option<IpAddr> {
    match args {
        [Val::Opaque(Opaque::Ip(ip))] => Some(*ip),
        _ => None,
    }
}

fn family<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    int(if of(args)?.is_ipv4() { 4 } else { 6 })
}

fn is_unspecified<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(of(args)?.is_unspecified())
}

fn is_loopback<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(of(args)?.is_loopback())
}

fn is_link_local_multicast<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(match of(args)? {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    })
}

const fn link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn is_link_local_unicast<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(link_local(of(args)?))
}

fn is_global_unicast<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let ip = of(args)?;
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    truth(
        !(broadcast
            || ip.is_unspecified()
            || ip.is_loopback()
            || ip.is_multicast()
            || link_local(ip)),
    )
}

fn cidr<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    Some(match parse_cidr(text) {
        Ok(cidr) => Ok(Val::Opaque(Opaque::Cidr(cidr))),
        Err(message) => fail(message),
    })
}

fn is_cidr<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    truth(parse_cidr(text).is_ok())
}

fn contains_ip<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    match args {
        [Val::Opaque(Opaque::Cidr(cidr)), Val::Opaque(Opaque::Ip(ip))] => truth(cidr.contains(*ip)),
        [Val::Opaque(Opaque::Cidr(cidr)), Val::String(text)] => match parse_ip(text) {
            Ok(ip) => truth(cidr.contains(ip)),
            Err(message) => Some(fail(message)),
        },
        _ => None,
    }
}

fn contains_cidr<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    match args {
        [
            Val::Opaque(Opaque::Cidr(cidr)),
            Val::Opaque(Opaque::Cidr(other)),
        ] => truth(cidr.covers(*other)),
        [Val::Opaque(Opaque::Cidr(cidr)), Val::String(text)] => match parse_cidr(text) {
            Ok(other) => truth(cidr.covers(other)),
            Err(message) => Some(fail(message)),
        },
        _ => None,
    }
}

fn prefix_length<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::Opaque(Opaque::Cidr(cidr))] = args else {
        return None;
    };
    int(cidr.bits())
}

fn masked<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::Opaque(Opaque::Cidr(cidr))] = args else {
        return None;
    };
    let masked = Cidr::parse(&cidr.to_string()).unwrap_or(*cidr);
    Some(Ok(Val::Opaque(Opaque::Cidr(masked))))
}
