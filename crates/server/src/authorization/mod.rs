//! Who decides whether a request is allowed: flags, and the file of `--authorization-config`.

mod counting;
mod file;
mod running;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pintle_authz::Abac;
use pintle_authz::webhook::{MatchCondition, OnFailure};

use crate::authentication::version;
use crate::config::span;
use crate::fault::Faults;
use crate::flags::Flags;
use crate::peer;

pub(crate) use counting::Counting;
pub(crate) use running::Running;

/// Who is asked in turn. Members of `system:masters` may do everything before anybody is asked.
#[derive(Debug, Clone, Default)]
pub struct AuthorizationConfig {
    /// The file that is read again when it changes.
    pub file: Option<PathBuf>,
    /// Who is asked.
    pub authorizers: Vec<AuthorizerConfig>,
    /// Who may do what, for the mode ABAC.
    pub policy_file: Option<PathBuf>,
}

/// One of those who are asked.
#[derive(Debug, Clone)]
pub struct AuthorizerConfig {
    /// Its name, in logs and metrics.
    pub name: String,
    /// What it is.
    pub mode: AuthorizationMode,
}

/// How a request is authorized.
#[derive(Debug, Clone)]
pub enum AuthorizationMode {
    /// Everything is allowed.
    AlwaysAllow,
    /// Nothing is.
    AlwaysDeny,
    /// A file says.
    Abac,
    /// Nodes may do what their pods need.
    Node,
    /// Roles and bindings say.
    Rbac,
    /// Somebody else says.
    Webhook(AuthorizationWebhookConfig),
}

/// Somebody else who decides.
#[derive(Debug, Clone)]
pub struct AuthorizationWebhookConfig {
    /// Kubeconfig.
    pub file: PathBuf,
    /// Version of `authorization.k8s.io`.
    pub version: &'static str,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long a permission is remembered; zero is not at all.
    pub authorized_ttl: Duration,
    /// The same for a refusal.
    pub unauthorized_ttl: Duration,
    /// What becomes of a request if it does not answer.
    pub on_failure: OnFailure,
    /// What has to hold of a request for it to be asked.
    pub conditions: Vec<MatchCondition>,
}

impl AuthorizationMode {
    const fn name(&self) -> &'static str {
        match self {
            Self::AlwaysAllow => "AlwaysAllow",
            Self::AlwaysDeny => "AlwaysDeny",
            Self::Abac => "ABAC",
            Self::Node => "Node",
            Self::Rbac => "RBAC",
            Self::Webhook(_) => "Webhook",
        }
    }
}

const FLAG: &str = "authorization-webhook-config-file";

impl AuthorizationConfig {
    pub(crate) fn from_flags(flags: &Flags, faults: &mut Faults) -> Self {
        let policy_file = flags.given("authorization-policy-file").map(PathBuf::from);
        let file = flags.given("authorization-config").map(PathBuf::from);
        let authorizers = match &file {
            Some(file) => {
                let others = [
                    "authorization-mode",
                    "authorization-policy-file",
                    FLAG,
                    "authorization-webhook-version",
                    "authorization-webhook-cache-authorized-ttl",
                    "authorization-webhook-cache-unauthorized-ttl",
                ];
                for other in others.into_iter().filter(|flag| flags.is_given(flag)) {
                    faults.add(format!(
                        "--authorization-config can not be specified when --{other} is"
                    ));
                }
                file::read(file).unwrap_or_else(|found| {
                    found.into_iter().for_each(|fault| faults.add(fault));
                    Vec::new()
                })
            }
            None => by_mode(flags, faults),
        };
        Self {
            file,
            authorizers,
            policy_file,
        }
    }

    /// Whether one of those who are asked is of this kind; a webhook is one whatever it is.
    pub(crate) fn has(&self, mode: &AuthorizationMode) -> bool {
        self.authorizers
            .iter()
            .any(|authorizer| authorizer.mode.name() == mode.name())
    }
}

fn by_mode(flags: &Flags, faults: &mut Faults) -> Vec<AuthorizerConfig> {
    let mut authorizers: Vec<AuthorizerConfig> = Vec::new();
    for name in flags.many("authorization-mode") {
        let mode = match name {
            "AlwaysAllow" => AuthorizationMode::AlwaysAllow,
            "AlwaysDeny" => AuthorizationMode::AlwaysDeny,
            "ABAC" => AuthorizationMode::Abac,
            "Node" => AuthorizationMode::Node,
            "RBAC" => AuthorizationMode::Rbac,
            "Webhook" => AuthorizationMode::Webhook(webhook(flags, faults)),
            other => {
                faults.add(format!(
                    "--authorization-mode: {other:?} is not a valid mode: must be of AlwaysAllow, AlwaysDeny, ABAC, Node, RBAC and Webhook"
                ));
                continue;
            }
        };
        if authorizers.iter().any(|other| other.mode.name() == name) {
            faults.add(format!(
                "--authorization-mode has mode {name:?} specified more than once"
            ));
            continue;
        }
        authorizers.push(AuthorizerConfig {
            name: name.to_ascii_lowercase(),
            mode,
        });
    }
    let has = |name: &str| authorizers.iter().any(|other| other.mode.name() == name);
    match (has("ABAC"), flags.given("authorization-policy-file")) {
        (true, None) => faults.add("authorization-mode ABAC's authorization policy file not passed: name it with --authorization-policy-file"),
        (false, Some(_)) => faults.add("cannot specify --authorization-policy-file without mode ABAC"),
        (true, Some(file)) => {
            if let Err(fault) = policy(Path::new(file)) {
                faults.add(fault);
            }
        }
        (false, None) => {}
    }
    match (has("Webhook"), flags.given(FLAG)) {
        (true, None) => faults.add("authorization-mode Webhook's authorization config file not passed: name it with --authorization-webhook-config-file"),
        (false, Some(_)) => faults.add("cannot specify --authorization-webhook-config-file without mode Webhook"),
        _ => {}
    }
    if authorizers.is_empty() && flags.many("authorization-mode").is_empty() {
        faults.add("--authorization-mode: at least one mode must be passed");
    }
    authorizers
}

/// The webhook that flags describe.
fn webhook(flags: &Flags, faults: &mut Faults) -> AuthorizationWebhookConfig {
    let file = PathBuf::from(flags.given(FLAG).unwrap_or_default());
    if flags.given(FLAG).is_some()
        && let Err(found) = peer::read_for(FLAG, &file)
    {
        found.into_iter().for_each(|fault| faults.add(fault));
    }
    let mut ttl = |name| faults.check(span(flags, name)).unwrap_or_default();
    AuthorizationWebhookConfig {
        file,
        timeout: Duration::from_secs(30),
        authorized_ttl: ttl("authorization-webhook-cache-authorized-ttl"),
        unauthorized_ttl: ttl("authorization-webhook-cache-unauthorized-ttl"),
        version: faults
            .check(version(flags, "authorization-webhook-version"))
            .unwrap_or("v1"),
        on_failure: OnFailure::NoOpinion,
        conditions: Vec::new(),
    }
}

/// Reads who may do what for the mode ABAC.
fn policy(file: &Path) -> Result<Abac, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("--authorization-policy-file: cannot read {name}: {error}"))?;
    Abac::parse(&text).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        format!("--authorization-policy-file: {name}: {}", lines.join("; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<&[&str], usize>) {
        let flags = Flags::parse(std::iter::once("pintle").chain(line.split_whitespace()));
        let mut faults = Faults::default();
        let config = AuthorizationConfig::from_flags(&flags.expect("flags"), &mut faults);
        let found = match faults.into_result() {
            Ok(()) => Ok(config
                .authorizers
                .iter()
                .map(|authorizer| authorizer.name.clone())
                .collect::<Vec<_>>()),
            Err(faults) => Err(faults.to_string().lines().count()),
        };
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn modes_are_asked_in_their_order() {
        check("", Ok(&["node", "rbac"]));
        check(
            "--authorization-mode=RBAC,AlwaysDeny",
            Ok(&["rbac", "alwaysdeny"]),
        );
    }

    #[test]
    fn every_fault_is_told() {
        check("--authorization-mode=RBAC,RBAC,Some", Err(2));
        check("--authorization-mode=ABAC,Webhook", Err(2));
        check("--authorization-policy-file=x", Err(1));
        check(
            "--authorization-config=/none --authorization-mode=RBAC",
            Err(2),
        );
    }
}
