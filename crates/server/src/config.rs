//! What was typed, understood: [`Config`].

mod admission;
mod service_accounts;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use pintle_controlplane::admission::AdmissionOptions;
use pintle_controlplane::controllers::Controllers;
use pintle_controlplane::services::range::Range;
use pintle_controlplane::services::{PortRange, ServiceOptions};
use pintle_endpoints::per_client::{ClientIs, ClientLimits};
use pintle_runtime::duration;
use pintle_runtime::ip::Cidr;
use pintle_storage::Durability;

use crate::audit::AuditConfig;
use crate::authentication::AuthenticationConfig;
use crate::authorization::{AuthorizationConfig, AuthorizationMode};
use crate::encryption::EncryptionConfig;
use crate::etcd_config::EtcdConfig;
use crate::fault::Faults;
use crate::flags::Flags;
use crate::kubelets::KubeletConfig;
use crate::log::LogFormat;
use crate::tls::TlsConfig;

pub use service_accounts::ServiceAccounts;

/// What one server is to do. Made from flags, or by hand by whoever embeds the server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Store, CA, certificates, keys and kubeconfig, as far as no flag names another place.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub bind_address: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub secure_port: u16,
    /// The address that the cluster knows this server by.
    pub advertise_address: Option<IpAddr>,
    /// A further name in the self-made certificate.
    pub external_hostname: Option<String>,
    /// Directory for self-made certificates.
    pub cert_dir: PathBuf,
    /// What the listener shows.
    pub tls: TlsConfig,
    /// CA bundle for client certificates besides the self-made CA.
    pub client_ca_file: Option<PathBuf>,
    /// Static tokens.
    pub token_auth_file: Option<PathBuf>,
    /// Whose tokens are accepted besides, and who gets in without any.
    pub authentication: AuthenticationConfig,
    /// Whether tokens that machines join with are accepted.
    pub bootstrap_tokens: bool,
    /// Proxies that are believed who their users are.
    pub front_proxy: Option<FrontProxy>,
    /// Tokens of service accounts.
    pub service_accounts: ServiceAccounts,
    /// Who decides whether a request is allowed.
    pub authorization: AuthorizationConfig,
    /// Which of the controllers that a lone API server needs run inside.
    pub controllers: Controllers,
    /// The etcd that keeps the objects; RocksDB does if `None`.
    pub etcd: Option<EtcdConfig>,
    /// When a write counts as done, where RocksDB keeps the objects.
    pub durability: Durability,
    /// The share of HTTP/2 requests after which their connection is closed.
    pub goaway_chance: f64,
    /// Which values are sealed; none if `None`.
    pub encryption: Option<EncryptionConfig>,
    /// Prefix of every key, without a slash at the end.
    pub key_prefix: String,
    /// Time between compactions; zero is never.
    pub compaction_interval: Duration,
    /// How long an event is kept.
    pub event_ttl: Duration,
    /// Concurrent streams per HTTP/2 connection.
    pub http2_streams: u32,
    /// Limit of a request that is not long-running.
    pub request_timeout: Duration,
    /// Least life of a watch.
    pub min_request_timeout: Duration,
    /// Reads at once; 0 is no limit.
    pub max_requests: usize,
    /// Writes at once; 0 is no limit.
    pub max_mutating_requests: usize,
    /// Whether flow schemas and priority levels say who goes first.
    pub fairness: bool,
    /// What a single client may ask.
    pub clients: ClientLimits,
    /// Serving on after SIGTERM.
    pub shutdown_delay: Duration,
    /// Start-up that `/livez` forgives.
    pub livez_grace: Duration,
    /// Group versions turned on or off, in the order given: `(what, on)`.
    pub runtime_config: Vec<(String, bool)>,
    /// Gates turned on or off.
    pub feature_gates: Vec<(String, bool)>,
    /// Whether containers may be privileged.
    pub allow_privileged: bool,
    /// Admission plug-ins and their settings.
    pub admission: AdmissionOptions,
    /// First address of the service range, for the certificate.
    pub service_address: IpAddr,
    /// Addresses and node ports of Services.
    pub services: ServiceOptions,
    /// How kubelets are reached.
    pub kubelets: KubeletConfig,
    /// What is recorded of requests; nothing if `None`.
    pub audit: Option<AuditConfig>,
    /// Log verbosity.
    pub verbosity: u8,
    /// Form of the log.
    pub log_format: LogFormat,
    /// Every flag and its value, as `/flagz` shows them.
    pub shown: BTreeMap<String, String>,
}

/// Proxies that are believed who their users are.
#[derive(Debug, Clone, Default)]
pub struct FrontProxy {
    /// CA bundle of their certificates.
    pub ca_file: PathBuf,
    /// Their common names; any if there are none.
    pub allowed_names: Vec<String>,
    /// Headers with the user's name.
    pub username_headers: Vec<String>,
    /// Headers with the user's uid.
    pub uid_headers: Vec<String>,
    /// Headers with the user's groups.
    pub group_headers: Vec<String>,
    /// What headers with more of the user begin with.
    pub extra_prefixes: Vec<String>,
}

impl Config {
    /// Understands a command line.
    ///
    /// # Errors
    /// All faults at once.
    pub fn from_flags(flags: &Flags) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let data_dir = PathBuf::from(flags.one("data-dir"));
        let etcd = EtcdConfig::from_flags(flags, &mut faults);
        let log_format = LogFormat::parse(flags.one("logging-format")).ok_or_else(|| {
            let given = flags.one("logging-format");
            format!("--logging-format={given}: must be text or json")
        });
        let tls = TlsConfig::from_flags(flags, &mut faults);
        let alone = tls.serving.is_none()
            && !flags.is_given("client-ca-file")
            && !flags.is_given("token-auth-file");
        let any: IpAddr = if alone {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv4Addr::UNSPECIFIED.into()
        };
        let cert_dir = flags
            .given("cert-dir")
            .map_or_else(|| data_dir.join("pki"), PathBuf::from);
        let services = ServiceOptions {
            ranges: faults.check(service_ranges(flags)).unwrap_or_default(),
            node_ports: faults
                .check(node_ports(flags))
                .unwrap_or(PortRange::DEFAULT),
        };
        let service_accounts = ServiceAccounts::from_flags(flags, &mut faults);
        let authorization = AuthorizationConfig::from_flags(flags, &mut faults);
        let mut authentication =
            AuthenticationConfig::from_flags(flags, &service_accounts.issuers, &mut faults);
        if authorization.has(&AuthorizationMode::AlwaysAllow) && authentication.close_to_strangers()
        {
            tracing::warn!(
                "requests without credentials are refused, as --authorization-mode=AlwaysAllow would allow them everything"
            );
        }
        let config = Self {
            bind_address: faults
                .check(address(flags, "bind-address"))
                .flatten()
                .unwrap_or(any),
            secure_port: faults
                .check(number(flags, "secure-port"))
                .unwrap_or_default(),
            advertise_address: faults.check(address(flags, "advertise-address")).flatten(),
            external_hostname: flags.given("external-hostname").map(str::to_owned),
            cert_dir,
            tls,
            client_ca_file: flags.given("client-ca-file").map(PathBuf::from),
            token_auth_file: flags.given("token-auth-file").map(PathBuf::from),
            authentication,
            bootstrap_tokens: flags.on("enable-bootstrap-token-auth"),
            front_proxy: front_proxy(flags, &mut faults),
            service_accounts,
            authorization,
            controllers: controllers(flags, etcd.is_none(), &mut faults),
            etcd,
            durability: Durability::Synced,
            goaway_chance: faults.check(goaway_chance(flags)).unwrap_or_default(),
            encryption: flags
                .given("encryption-provider-config")
                .map(|file| EncryptionConfig {
                    file: PathBuf::from(file),
                    reload: flags.on("encryption-provider-config-automatic-reload"),
                }),
            key_prefix: format!("/{}", flags.one("etcd-prefix").trim_matches('/')),
            compaction_interval: faults
                .check(span(flags, "etcd-compaction-interval"))
                .unwrap_or_default(),
            event_ttl: faults.check(span(flags, "event-ttl")).unwrap_or_default(),
            http2_streams: match faults.check(number(flags, "http2-max-streams-per-connection")) {
                None | Some(0) => 100,
                Some(streams) => streams,
            },
            request_timeout: faults
                .check(span(flags, "request-timeout"))
                .unwrap_or_default(),
            min_request_timeout: Duration::from_secs(
                faults
                    .check(number(flags, "min-request-timeout"))
                    .unwrap_or_default(),
            ),
            max_requests: faults
                .check(number(flags, "max-requests-inflight"))
                .unwrap_or_default(),
            max_mutating_requests: faults
                .check(number(flags, "max-mutating-requests-inflight"))
                .unwrap_or_default(),
            fairness: flags.on("enable-priority-and-fairness"),
            clients: client_limits(flags, &mut faults),
            shutdown_delay: faults
                .check(span(flags, "shutdown-delay-duration"))
                .unwrap_or_default(),
            livez_grace: faults
                .check(span(flags, "livez-grace-period"))
                .unwrap_or_default(),
            runtime_config: switches(flags, "runtime-config", &mut faults),
            feature_gates: gates(flags, &mut faults),
            allow_privileged: flags.on("allow-privileged"),
            admission: admission::options(flags, &mut faults),
            service_address: first_address(&services).unwrap_or(any),
            services,
            kubelets: KubeletConfig::from_flags(flags, &mut faults),
            audit: AuditConfig::from_flags(flags, &mut faults),
            verbosity: faults.check(number(flags, "v")).unwrap_or_default(),
            log_format: faults.check(log_format).unwrap_or_default(),
            data_dir,
            shown: flags.values(),
        };
        if config.fairness && config.max_requests + config.max_mutating_requests == 0 {
            faults.add("--max-requests-inflight and --max-mutating-requests-inflight are both 0: priority and fairness has no seats to share; raise one of them or turn it off with --enable-priority-and-fairness=false");
        }
        faults.into_result()?;
        Ok(config)
    }
}

pub(crate) fn number<T: std::str::FromStr>(flags: &Flags, name: &str) -> Result<T, String> {
    let value = flags.one(name);
    value
        .parse()
        .map_err(|_| format!("--{name}={value}: must be a number in range"))
}

pub(crate) fn span(flags: &Flags, name: &str) -> Result<Duration, String> {
    let value = flags.one(name);
    duration::parse(value)
        .ok()
        .and_then(|nanos| u64::try_from(nanos).ok())
        .map(Duration::from_nanos)
        .ok_or_else(|| format!("--{name}={value}: must be a duration such as 30s or 1m0s"))
}

/// What one client may ask; zero is no limit.
fn client_limits(flags: &Flags, faults: &mut Faults) -> ClientLimits {
    let mut count = |name| faults.check(number(flags, name)).and_then(NonZeroU32::new);
    let (per_second, burst) = (
        count("client-requests-per-second"),
        count("client-requests-burst"),
    );
    let client = match flags.one("client-is") {
        "user" => ClientIs::User,
        "source" => ClientIs::Source,
        other => {
            faults.add(format!("--client-is={other}: must be user or source"));
            ClientIs::default()
        }
    };
    ClientLimits {
        client,
        per_second,
        burst,
        inflight: faults
            .check(number(flags, "client-requests-inflight"))
            .unwrap_or_default(),
        wait: faults
            .check(span(flags, "client-requests-wait"))
            .unwrap_or_default(),
    }
}

fn goaway_chance(flags: &Flags) -> Result<f64, String> {
    let chance: f64 = number(flags, "goaway-chance")?;
    if (0.0..=0.02).contains(&chance) {
        Ok(chance)
    } else {
        Err("--goaway-chance can not be less than 0 or greater than 0.02".to_owned())
    }
}

fn address(flags: &Flags, name: &str) -> Result<Option<IpAddr>, String> {
    flags
        .given(name)
        .map(|value| {
            value
                .parse()
                .map_err(|_| format!("--{name}={value}: must be an IP address"))
        })
        .transpose()
}

/// The networks that Services have addresses of: one, or one of each family.
fn service_ranges(flags: &Flags) -> Result<Vec<Cidr>, String> {
    let value = flags.one("service-cluster-ip-range");
    let ranges: Option<Vec<Cidr>> = value
        .split(',')
        .map(|range| Cidr::parse(range.trim()))
        .collect();
    match ranges.as_deref() {
        Some([_]) => {}
        Some([first, second]) if first.is_ipv6() != second.is_ipv6() => {}
        _ => {
            return Err(format!(
                "--service-cluster-ip-range={value}: must be a CIDR such as 10.0.0.0/16, or two with a comma"
            ));
        }
    }
    Ok(ranges.unwrap_or_default())
}

/// The address that the Service `kubernetes` has: the first of the range.
fn first_address(services: &ServiceOptions) -> Option<IpAddr> {
    services
        .ranges
        .first()
        .map(|range| Range::of(*range).first())
}

fn node_ports(flags: &Flags) -> Result<PortRange, String> {
    let value = flags.one("service-node-port-range");
    PortRange::parse(value).ok_or_else(|| {
        format!("--service-node-port-range={value}: must be ports such as 30000-32767")
    })
}

fn front_proxy(flags: &Flags, faults: &mut Faults) -> Option<FrontProxy> {
    let texts =
        |name: &str| -> Vec<String> { flags.many(name).into_iter().map(str::to_owned).collect() };
    let ca_file = PathBuf::from(flags.given("requestheader-client-ca-file")?);
    let proxy = FrontProxy {
        allowed_names: texts("requestheader-allowed-names"),
        username_headers: texts("requestheader-username-headers"),
        uid_headers: texts("requestheader-uid-headers"),
        group_headers: texts("requestheader-group-headers"),
        extra_prefixes: texts("requestheader-extra-headers-prefix"),
        ca_file,
    };
    let shared = flags
        .given("client-ca-file")
        .is_some_and(|file| *file == *proxy.ca_file);
    if shared && proxy.allowed_names.is_empty() {
        faults.add(
            "--requestheader-client-ca-file and --client-ca-file contain the same file: name the proxies with \
             --requestheader-allowed-names, or every client could be anybody",
        );
    }
    Some(proxy)
}

fn switches(flags: &Flags, name: &str, faults: &mut Faults) -> Vec<(String, bool)> {
    let mut switches = Vec::new();
    for given in flags.many(name) {
        match given.split_once('=').unwrap_or((given, "true")) {
            (what, "true") => switches.push((what.to_owned(), true)),
            (what, "false") => switches.push((what.to_owned(), false)),
            _ => faults.add(format!("--{name}={given}: must be name=true or name=false")),
        }
    }
    switches
}

fn gates(flags: &Flags, faults: &mut Faults) -> Vec<(String, bool)> {
    let mut gates = switches(flags, "feature-gates", faults);
    gates.retain_mut(|(name, on)| {
        // `kube:Name=true` names the component; all gates here are its.
        if let Some((_, gate)) = name.split_once(':') {
            *name = gate.to_owned();
        }
        match pintle_api::feature_gate(name) {
            None => {
                faults.add(format!("--feature-gates={name}: unknown gate; see --help of Kubernetes v1.36 for their names"));
                false
            }
            Some(gate) if gate.locked && gate.default != *on => {
                faults.add(format!("--feature-gates={name}={on}: the gate is locked to {}; leave it out", gate.default));
                false
            }
            Some(_) => true,
        }
    });
    gates
}

/// Without a word, every controller runs beside a store of the server's own, and none where it takes its place among
/// others.
fn controllers(flags: &Flags, embedded: bool, faults: &mut Faults) -> Controllers {
    if !flags.is_given("builtin-controllers") {
        return if embedded {
            Controllers::all()
        } else {
            Controllers::none()
        };
    }
    let chosen = Controllers::parse(flags.many("builtin-controllers"));
    let chosen = chosen.map_err(|error| format!("--builtin-controllers: {error}"));
    faults.check(chosen).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(line: &str) -> Result<Config, String> {
        let flags = Flags::parse(std::iter::once("pintle").chain(line.split_whitespace()))
            .map_err(|error| error.to_string())?;
        Config::from_flags(&flags).map_err(|faults| faults.to_string())
    }

    #[test]
    fn without_flags_it_serves_on_the_loopback() {
        let config = config("").unwrap();
        assert_eq!(config.bind_address.to_string(), "127.0.0.1");
        assert_eq!(config.secure_port, 6443);
        assert_eq!(config.service_address.to_string(), "10.0.0.1");
        assert_eq!(config.request_timeout, Duration::from_secs(60));
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let error = config("--secure-port=x --tls-cert-file=a --bind-address=nowhere --request-timeout=soon --service-cluster-ip-range=10.0.0.0").unwrap_err();
        assert_eq!(error.lines().count(), 5, "{error}");
    }

    #[test]
    fn strangers_are_not_allowed_everything() {
        for (line, expected) in [
            ("", true),
            ("--authorization-mode=AlwaysAllow", false),
            ("--authorization-mode=RBAC,AlwaysAllow", false),
        ] {
            let config = config(line).unwrap();
            assert_eq!(config.authentication.anonymous.enabled, expected, "{line}");
        }
    }

    #[test]
    fn gates_are_checked_against_the_release() {
        assert!(config("--feature-gates=kube:WatchList=true").is_ok());
        assert!(
            config("--feature-gates=NoSuchGate=true")
                .unwrap_err()
                .contains("NoSuchGate")
        );
    }

    #[test]
    fn plugins_that_are_unknown_or_both_on_and_off_are_refused_in_upstreams_words() {
        let error = config(
            "--enable-admission-plugins=Foo,Priority,LimitRanger --disable-admission-plugins=Priority,Bar,LimitRanger --admission-control-config-file=/nowhere/a.yaml",
        );
        assert_eq!(
            error.unwrap_err(),
            "enable-admission-plugins plugin \"Foo\" is unknown\n\
             disable-admission-plugins plugin \"Bar\" is unknown\n\
             [LimitRanger Priority] in enable-admission-plugins and disable-admission-plugins overlapped\n\
             failed to apply admission: failed to read plugin config: unable to read admission control configuration from \
             \"/nowhere/a.yaml\" [open /nowhere/a.yaml: no such file or directory]"
        );
    }

    #[test]
    fn all_plugins_can_be_named_at_once_which_leaves_nothing_to_the_other_flags() {
        let only = config("--admission-control=ResourceQuota,NodeRestriction").unwrap();
        assert_eq!(only.admission.enable, ["ResourceQuota", "NodeRestriction"]);
        let is_off = |name: &str| only.admission.disable.iter().any(|it| it == name);
        assert!(is_off("LimitRanger") && is_off("AlwaysPullImages"));
        assert!(!is_off("NodeRestriction"));
        let error = config("--admission-control=Foo,Priority --enable-admission-plugins=Bar");
        assert_eq!(
            error.unwrap_err(),
            "admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive\n\
             admission-control plugin \"Foo\" is unknown\n\
             enable-admission-plugins plugin \"Bar\" is unknown"
        );
    }

    #[test]
    fn controllers_run_beside_a_store_of_the_servers_own() {
        for (line, expected) in [
            ("", true),
            ("--token-auth-file=tokens.csv", true),
            ("--etcd-servers=http://127.0.0.1:2379", false),
            ("--builtin-controllers=", false),
            (
                "--etcd-servers=http://127.0.0.1:2379 --builtin-controllers=*",
                true,
            ),
        ] {
            let controllers = config(line).unwrap().controllers;
            assert_eq!(controllers.has("namespace-controller"), expected, "{line}");
        }
    }

    #[test]
    fn the_service_address_is_the_first_of_the_range() {
        assert_eq!(
            config("--service-cluster-ip-range=10.3.7.0/16")
                .unwrap()
                .service_address
                .to_string(),
            "10.3.0.1"
        );
        assert_eq!(
            config("--service-cluster-ip-range=fd00::/108")
                .unwrap()
                .service_address
                .to_string(),
            "fd00::1"
        );
    }
}
