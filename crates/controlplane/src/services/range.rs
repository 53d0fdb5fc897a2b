//! The addresses of a network that Services may have, and the order in which they are tried.

use std::net::IpAddr;

use pintle_runtime::ip::{Cidr, from_number, number};

/// The addresses of a network that can be given away. The lower end is kept for who asks for an address
/// by name: others get one of it only when the rest is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: u128,
    last: u128,
    /// How many of the lowest are kept.
    kept: u128,
    ipv6: bool,
}

impl Range {
    /// Of a network: all but its own address and, in IPv4, the one for all of it.
    pub fn of(cidr: Cidr) -> Self {
        let (network, end) = (number(cidr.network()), number(cidr.last()));
        let ipv6 = cidr.is_ipv6();
        let last = if ipv6 { end } else { end.saturating_sub(1) };
        let size = last.saturating_sub(network);
        Self {
            first: network.saturating_add(1),
            last,
            kept: kept(size, 16, 16, 256),
            ipv6,
        }
    }

    /// How many addresses there are.
    pub fn size(self) -> u128 {
        (self.last + 1).saturating_sub(self.first)
    }

    /// Whether an address can be given away.
    pub fn contains(self, ip: IpAddr) -> bool {
        ip.is_ipv6() == self.ipv6 && (self.first..=self.last).contains(&number(ip))
    }

    /// The lowest address.
    pub fn first(self) -> IpAddr {
        from_number(self.first, self.ipv6)
    }

    /// All addresses, each once: those that are not kept from a random one on, then those that are.
    pub fn shuffled(self, random: u64) -> impl Iterator<Item = IpAddr> {
        let kept = self.kept.min(self.size());
        let free = turn(self.first + kept, self.size() - kept, random);
        let kept = turn(self.first, kept, random);
        free.chain(kept)
            .map(move |number| from_number(number, self.ipv6))
    }
}

/// `size` numbers from `first` on, beginning somewhere among them and going round.
fn turn(first: u128, size: u128, random: u64) -> impl Iterator<Item = u128> {
    let begin = u128::from(random).checked_rem(size).unwrap_or(0);
    (begin..size).chain(0..begin).map(move |at| first + at)
}

/// How many of `size` things are kept for who asks for one by name: a share of all, within bounds.
pub(super) fn kept(size: u128, share: u128, least: u128, most: u128) -> u128 {
    if size <= least {
        0
    } else {
        (size / share).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn range(text: &str) -> Range {
        Range::of(Cidr::parse(text).expect("a network"))
    }

    #[track_caller]
    fn check(text: &str, first: &str, size: u128, kept: u128) {
        let range = range(text);
        assert_eq!(range.first().to_string(), first, "{text}");
        assert_eq!((range.size(), range.kept), (size, kept), "{text}");
    }

    #[test]
    fn the_ends_are_not_given_away_and_the_low_ones_are_kept() {
        check("10.0.0.0/16", "10.0.0.1", 65_534, 256);
        check("10.0.0.0/24", "10.0.0.1", 254, 16);
        check("10.0.0.0/28", "10.0.0.1", 14, 0);
        check("10.0.0.0/30", "10.0.0.1", 2, 0);
        check("10.0.0.4/32", "10.0.0.5", 0, 0);
        check("fd00::/112", "fd00::1", 65_535, 256);
        check("fd00::/64", "fd00::1", (1 << 64) - 1, 256);
    }

    #[test]
    fn every_address_comes_once_and_the_kept_ones_last() {
        for random in [0, 1, 237, 238, u64::MAX] {
            let range = range("10.0.0.0/24");
            let all: Vec<IpAddr> = range.shuffled(random).collect();
            let distinct: HashSet<&IpAddr> = all.iter().collect();
            assert_eq!((all.len(), distinct.len()), (254, 254), "{random}");
            assert!(all.iter().all(|ip| range.contains(*ip)));
            let last = all.iter().rev().take(16);
            assert!(last.into_iter().all(|ip| number(*ip) - range.first < 16));
        }
        assert_eq!(range("10.0.0.0/32").shuffled(7).count(), 0);
    }
}
