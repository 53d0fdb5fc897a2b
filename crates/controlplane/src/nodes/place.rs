//! What a name in a proxy's path says beside the name, and which addresses may be reached.

use std::net::IpAddr;

use pintle_runtime::status::ApiError;

/// `name`, `name:port` or `scheme:name:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// Whether TLS is asked for.
    pub(super) tls: bool,
    /// The object.
    pub(super) name: &'a str,
    /// A number, or the name of a port; empty where it is not said.
    pub(super) port: &'a str,
}

impl<'a> Place<'a> {
    /// Reads the name in a path.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (scheme, name, port) = match *parts {
            [name] => ("", name, ""),
            [name, port] => ("", name, port),
            [scheme, name, port] => (scheme, name, port),
            _ => return None,
        };
        let is_known = matches!(scheme, "" | "http" | "https");
        (is_known && !name.is_empty()).then_some(Self {
            tls: scheme == "https",
            name,
            port,
        })
    }

    /// The port as a number; that of the scheme if none is said.
    pub(super) fn number(self) -> Result<u16, ApiError> {
        match self.port {
            "" if self.tls => Ok(443),
            "" => Ok(80),
            port => port.parse().map_err(|_| {
                unreachable_because(&format!("dial tcp: lookup tcp/{port}: unknown port"))
            }),
        }
    }
}

/// What a client is told of a backend that does not answer.
pub(super) fn unreachable_because(why: &str) -> ApiError {
    ApiError::service_unavailable(format!("error trying to reach service: {why}"))
}

/// Refuses addresses by which this machine or its network could be reached.
///
/// # Errors
/// 400
pub(super) fn check(address: &str) -> Result<(), ApiError> {
    let is_global = match address.parse() {
        Ok(IpAddr::V4(ip)) => !(ip.is_broadcast() || ip.is_link_local()),
        Ok(IpAddr::V6(ip)) => !ip.is_unicast_link_local(),
        Err(_) => false,
    };
    let is_special = address
        .parse::<IpAddr>()
        .is_ok_and(|ip| ip.is_unspecified() || ip.is_loopback() || ip.is_multicast());
    if is_global && !is_special {
        Ok(())
    } else {
        Err(ApiError::bad_request("address not allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_say_scheme_and_port() {
        let place = |tls, name, port| Some(Place { tls, name, port });
        for (text, expected) in [
            ("web", place(false, "web", "")),
            ("web:8080", place(false, "web", "8080")),
            ("https:web:", place(true, "web", "")),
            (":web:http", place(false, "web", "http")),
            ("ftp:web:21", None),
            (":", None),
            ("a:b:c:d", None),
        ] {
            assert_eq!(Place::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn nobody_reaches_this_machine_through_a_proxy() {
        for address in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "fe80::1",
            "",
            "web",
        ] {
            assert!(check(address).is_err(), "{address}");
        }
        for address in ["10.0.0.1", "192.0.2.1", "2001:db8::1", "fd00::1"] {
            assert!(check(address).is_ok(), "{address}");
        }
    }
}
