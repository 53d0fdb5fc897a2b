//! Quantities, times, durations, addresses: small texts with a form of their own.

use pintle_runtime::ip::{self, Cidr};
use pintle_runtime::quantity::Quantity;
use pintle_runtime::time::Time;
use pintle_runtime::{duration, ip::number};

/// What was read is written in a form that is read as the same.
pub(crate) fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(quantity) = Quantity::parse(&text) {
        let written = quantity.to_string();
        let again = Quantity::parse(&written).expect("what was written is read");
        assert_eq!(again.to_string(), written, "{text}");
        assert_eq!(again.value(), quantity.value(), "{text}");
        assert_eq!(Quantity::canonicalize(&text).as_deref(), Ok(&*written));
    }
    if let Ok(time) = Time::parse(&text) {
        let written = time.to_string();
        assert_eq!(
            Time::parse(&written).map(|again| again.to_string()),
            Ok(written)
        );
    }
    if let Ok(time) = Time::parse_micro(&text) {
        let mut written = Vec::new();
        time.write_micros(&mut written);
        let written = String::from_utf8(written).expect("it is text");
        let written = written.trim_matches('"');
        Time::parse_micro(written).expect("what was written is read");
    }
    if let Ok(nanos) = duration::parse(&text) {
        assert_eq!(
            duration::parse(&duration::format(nanos)),
            Ok(nanos),
            "{text}"
        );
    }
    if let Some(address) = ip::parse(&text) {
        assert_eq!(ip::from_number(number(address), address.is_ipv6()), address);
    }
    if let Some(network) = Cidr::parse(&text) {
        assert!(network.contains(network.network()) && network.contains(network.last()));
    }
}
