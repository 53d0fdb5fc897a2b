//! What this machine is called and where others reach it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::config::Config;

/// What this machine is called.
pub(crate) fn hostname() -> String {
    let found = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .into_iter()
        .find_map(|file| fs::read_to_string(file).ok());
    let name = found.as_deref().map_or("localhost", str::trim);
    name.to_ascii_lowercase()
}

/// The address that the rest of a cluster reaches the server by: the one that was given, the one that it listens
/// on, or the one that this machine speaks to others from. `None` if nobody else can reach it.
pub(crate) fn advertised(config: &Config, listening: SocketAddr) -> Option<IpAddr> {
    let is_useful = |ip: &IpAddr| !ip.is_unspecified() && !ip.is_loopback();
    config
        .advertise_address
        .or(Some(listening.ip()))
        .filter(is_useful)
        .or_else(|| outgoing().filter(is_useful))
}

/// Where packets to elsewhere come from. None is sent.
fn outgoing() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address for documentation, which the default route leads to.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
