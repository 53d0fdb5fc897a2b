//! `--etcd-servers`, and the flags that go with it.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{number, span};
use crate::fault::Faults;
use crate::flags::Flags;

/// An etcd cluster, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct EtcdConfig {
    /// Its members' addresses.
    pub servers: Vec<String>,
    /// Members of other clusters that keep a resource, by group and name.
    pub overrides: Vec<((String, String), Vec<String>)>,
    /// CA bundle of their certificates.
    pub ca_file: Option<PathBuf>,
    /// Certificate and key of this server towards them.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// How long a lease is shared.
    pub lease_reuse: Duration,
    /// Time between questions for its size; zero is never.
    pub size_interval: Duration,
    /// How long `/livez` waits for it.
    pub healthcheck_timeout: Duration,
    /// How long `/readyz` waits for it.
    pub readycheck_timeout: Duration,
}

impl EtcdConfig {
    /// The etcd that the flags name, if they do.
    pub(crate) fn from_flags(flags: &Flags, faults: &mut Faults) -> Option<Self> {
        let servers: Vec<String> = flags
            .many("etcd-servers")
            .into_iter()
            .map(str::to_owned)
            .collect();
        match (flags.given("storage-backend"), servers.is_empty()) {
            (None | Some("rocksdb"), true) | (None | Some("etcd3"), false) => {}
            (Some("etcd3"), true) => faults.add("--etcd-servers must be specified"),
            (Some("rocksdb"), false) => {
                faults.add(
                "--storage-backend=rocksdb: --etcd-servers names an etcd; leave one of them out",
            );
            }
            (Some(other), _) => faults.add(format!(
                "--storage-backend={other}: must be rocksdb, or etcd3 with --etcd-servers"
            )),
        }
        if servers.is_empty() {
            return None;
        }
        let file = |name| flags.given(name).map(PathBuf::from);
        let identity = match (file("etcd-certfile"), file("etcd-keyfile")) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            _ => {
                faults.add("--etcd-certfile and --etcd-keyfile belong together: give both or none");
                None
            }
        };
        let mut time = |name| faults.check(span(flags, name)).unwrap_or_default();
        let size_interval = time("etcd-db-metric-poll-interval");
        let (healthcheck_timeout, readycheck_timeout) = (
            time("etcd-healthcheck-timeout"),
            time("etcd-readycheck-timeout"),
        );
        Some(Self {
            overrides: overrides(flags, faults),
            servers,
            ca_file: file("etcd-cafile"),
            identity,
            lease_reuse: Duration::from_secs(
                faults
                    .check(number(flags, "lease-reuse-duration-seconds"))
                    .unwrap_or_default(),
            ),
            size_interval,
            healthcheck_timeout,
            readycheck_timeout,
        })
    }
}

/// `group/resource#server;server`, the core group being nothing.
fn overrides(flags: &Flags, faults: &mut Faults) -> Vec<((String, String), Vec<String>)> {
    let parse = |text: &str| {
        let (place, servers) = text.split_once('#')?;
        let (group, resource) = place.split_once('/')?;
        let servers: Vec<String> = servers.split(';').map(str::to_owned).collect();
        let is_server = |server: &String| server.contains("://");
        servers
            .iter()
            .all(is_server)
            .then(|| ((group.to_owned(), resource.to_owned()), servers))
    };
    let mut found = Vec::new();
    for text in flags.many("etcd-servers-overrides") {
        match parse(text) {
            Some(one) => found.push(one),
            None => faults.add(format!(
                "--etcd-servers-overrides={text}: must be of format: group/resource#servers, where servers are URLs, semicolon separated"
            )),
        }
    }
    found
}
