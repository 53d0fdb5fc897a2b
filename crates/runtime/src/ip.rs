//! IP addresses and networks as objects write them.
//!
//! Upstream's older fields take more than one spelling of an address: octets with leading zeros, IPv6
//! in any of its forms, IPv4 inside IPv6. [`parse`] and [`Cidr::parse`] read all of them, so that what is
//! stored can always be read; [`validate`] and its like say what of it is refused today, and
//! [`warnings`] what is only frowned upon.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

mod rules;

pub use rules::{
    BAD_IP, cidr_warnings, validate, validate_cidr, validate_legacy, validate_legacy_cidr,
    validate_reachable, warnings,
};

/// Reads an address in any spelling. IPv4 inside IPv6 (`::ffff:1.2.3.4`) is IPv4.
///
/// ```
/// use pintle_runtime::ip::parse;
/// assert_eq!(parse("010.0.0.1").map(|ip| ip.to_string()).as_deref(), Some("10.0.0.1"));
/// assert_eq!(parse("2001:DB8:0::1").map(|ip| ip.to_string()).as_deref(), Some("2001:db8::1"));
/// assert_eq!(parse("10.0.0"), None);
/// ```
pub fn parse(text: &str) -> Option<IpAddr> {
    parse_as_written(text).map(|ip| ip.to_canonical())
}

/// The same, with IPv4 inside IPv6 as what it is written as.
fn parse_as_written(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        ipv6(text).map(IpAddr::V6)
    } else {
        ipv4(text).map(IpAddr::V4)
    }
}

fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = text.split('.').map(decimal);
    let mut next = || octets.next()?.and_then(|octet| u8::try_from(octet).ok());
    let ip = Ipv4Addr::new(next()?, next()?, next()?, next()?);
    octets.next().is_none().then_some(ip)
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    // The standard library reads what has no surplus zeros.
    let mut plain = String::with_capacity(text.len());
    for (at, group) in text.split(':').enumerate() {
        if at > 0 {
            plain.push(':');
        }
        if group.contains('.') {
            plain.push_str(&ipv4(group)?.to_string());
        } else if group.len() > 1 {
            let short = group.trim_start_matches('0');
            plain.push_str(if short.is_empty() { "0" } else { short });
        } else {
            plain.push_str(group);
        }
    }
    plain.parse().ok()
}

/// Digits and nothing else.
fn decimal(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Whether an address is IPv6; what is none at all is not.
pub fn is_ipv6(text: &str) -> bool {
    parse(text).is_some_and(|ip| ip.is_ipv6())
}

/// Whether an address is IPv4; what is none at all is not.
pub fn is_ipv4(text: &str) -> bool {
    parse(text).is_some_and(|ip| ip.is_ipv4())
}

/// A network: an address and how many of its first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    /// The address as it stands before the slash.
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Reads a network in any spelling; bits may be set behind those that count.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let written = parse_as_written(address)?;
        let bits = decimal(bits).and_then(|bits| u8::try_from(bits).ok())?;
        let (most, address) = match (written, written.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V6(ip)) => (128, IpAddr::V6(ip)),
            // The bits count from the beginning of the longer form.
            (IpAddr::V6(_), ip) => {
                let bits = (bits <= 128).then(|| bits.saturating_sub(96))?;
                return Some(Self { address: ip, bits });
            }
            (_, ip) => (32, ip),
        };
        (bits <= most).then_some(Self { address, bits })
    }

    /// The network of a single address.
    pub const fn single(address: IpAddr) -> Self {
        let bits = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        Self { address, bits }
    }

    /// The address before the slash, with whatever bits it has.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits count.
    pub const fn bits(self) -> u8 {
        self.bits
    }

    /// How many bits an address of the family has.
    pub const fn width(self) -> u8 {
        match self.address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        }
    }

    /// Whether it is a network of IPv6 addresses.
    pub const fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// The first address: all bits that do not count are zero.
    pub fn network(self) -> IpAddr {
        from_number(number(self.address) & !self.host_mask(), self.is_ipv6())
    }

    /// The last address: all bits that do not count are one.
    pub fn last(self) -> IpAddr {
        from_number(number(self.address) | self.host_mask(), self.is_ipv6())
    }

    /// Whether an address is in the network.
    pub fn contains(self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv6() == self.is_ipv6()
            && number(ip) & !self.host_mask() == number(self.address) & !self.host_mask()
    }

    /// Whether all of `other` is in the network.
    pub fn covers(self, other: Self) -> bool {
        self.bits <= other.bits && self.contains(other.network())
    }

    /// Ones where the bits do not count.
    fn host_mask(self) -> u128 {
        match u32::from(self.width() - self.bits) {
            128 => u128::MAX,
            free => (1 << free) - 1,
        }
    }
}

/// The network in its one form: without the bits that do not count.
impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network(), self.bits)
    }
}

/// An address as a number, to count with.
pub fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

/// The address that a number stands for; of an IPv4 address, the low 32 bits count.
pub fn from_number(number: u128, ipv6: bool) -> IpAddr {
    if ipv6 {
        IpAddr::V6(number.into())
    } else {
        IpAddr::V4(Ipv4Addr::from((number & u128::from(u32::MAX)) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let found = parse(text).map(|ip| ip.to_string());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn addresses_are_read_in_any_spelling() {
        check("1.2.3.4", Some("1.2.3.4"));
        check("001.02.3.004", Some("1.2.3.4"));
        check("::ffff:1.2.3.4", Some("1.2.3.4"));
        check("::FFFF:1.2.3.04", Some("1.2.3.4"));
        check("2001:0DB8::0001", Some("2001:db8::1"));
        check("2001:000db8::1", Some("2001:db8::1"));
        check("::", Some("::"));
        for bad in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "1.2.3.-4",
            " 1.2.3.4",
            "1::2::3",
            "fe80::1%eth0",
            "1.2.3.4:80",
            "12345::",
        ] {
            check(bad, None);
        }
    }

    #[track_caller]
    fn check_cidr(text: &str, expected: Option<(&str, &str, &str)>) {
        let found = Cidr::parse(text).map(|cidr| {
            let ends = (cidr.network().to_string(), cidr.last().to_string());
            (cidr.to_string(), ends.0, ends.1)
        });
        let found = found.as_ref().map(|(a, b, c)| (&**a, &**b, &**c));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn networks_have_a_first_and_a_last_address() {
        check_cidr(
            "10.1.2.3/8",
            Some(("10.0.0.0/8", "10.0.0.0", "10.255.255.255")),
        );
        check_cidr(
            "0.0.0.0/0",
            Some(("0.0.0.0/0", "0.0.0.0", "255.255.255.255")),
        );
        check_cidr("1.2.3.4/032", Some(("1.2.3.4/32", "1.2.3.4", "1.2.3.4")));
        check_cidr(
            "::ffff:1.2.3.4/120",
            Some(("1.2.3.0/24", "1.2.3.0", "1.2.3.255")),
        );
        check_cidr("fd00::5/112", Some(("fd00::/112", "fd00::", "fd00::ffff")));
        check_cidr(
            "::/0",
            Some(("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
        );
        for bad in [
            "10.0.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "/8",
            "10.0.0.0/-1",
        ] {
            check_cidr(bad, None);
        }
    }

    #[test]
    fn a_network_covers_its_parts() {
        let cidr = |text| Cidr::parse(text).expect("a network");
        assert!(cidr("10.0.0.0/8").covers(cidr("10.1.0.0/16")));
        assert!(cidr("10.0.0.0/8").covers(cidr("10.0.0.0/8")));
        assert!(!cidr("10.1.0.0/16").covers(cidr("10.0.0.0/8")));
        assert!(!cidr("::/0").covers(cidr("10.0.0.0/8")));
    }
}
