//! What was typed: kube-apiserver's flags, and the few of Pintle's own.
//!
//! The table [`FLAGS`] is the whole of it: names, defaults, help and whether a flag has an effect
//! yet. A flag that is accepted without effect says so in `--help` and once in the log.

mod api;
mod auditing;
mod authentication;
mod authorization;
mod other;
mod serving;
mod storage;

use std::collections::BTreeMap;
use std::ffi::OsString;

use api::API;
use auditing::AUDITING;
use authentication::AUTHENTICATION;
use authorization::AUTHORIZATION;
use clap::builder::{Arg, ArgAction, Command, PossibleValuesParser};
use clap::parser::ValueSource;
use clap::{ArgMatches, Error};
use other::OTHER;
use serving::SERVING;
use storage::STORAGE;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// `--flag=value`
    One,
    /// `--flag=a,b` or the flag again.
    Many,
    /// The flag again; commas are part of the value.
    Each,
    /// `--flag` or `--flag=false`
    Bool,
}

/// Whether a flag does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It does what `--help` says.
    Full,
    /// It is checked and accepted, so that kube-apiserver's command lines work, and nothing more.
    None,
}

/// One flag.
#[derive(Debug)]
pub struct Flag {
    /// Without the dashes.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Default as kube-apiserver's `--help` shows it.
    pub default: &'static str,
    /// Whether it does something.
    pub effect: Effect,
    /// One sentence.
    pub help: &'static str,
}

/// A section of `--help`.
#[derive(Debug)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Its flags.
    pub flags: &'static [Flag],
}

const fn one(name: &'static str, default: &'static str, help: &'static str) -> Flag {
    Flag {
        name,
        takes: Takes::One,
        default,
        effect: Effect::Full,
        help,
    }
}

const fn many(name: &'static str, default: &'static str, help: &'static str) -> Flag {
    Flag {
        name,
        takes: Takes::Many,
        default,
        effect: Effect::Full,
        help,
    }
}

const fn each(name: &'static str, default: &'static str, help: &'static str) -> Flag {
    Flag {
        name,
        takes: Takes::Each,
        default,
        effect: Effect::Full,
        help,
    }
}

const fn switch(name: &'static str, default: &'static str, help: &'static str) -> Flag {
    Flag {
        name,
        takes: Takes::Bool,
        default,
        effect: Effect::Full,
        help,
    }
}

const fn inert(flag: Flag) -> Flag {
    Flag {
        name: flag.name,
        takes: flag.takes,
        default: flag.default,
        effect: Effect::None,
        help: flag.help,
    }
}

/// Every flag, in the order of `--help`.
pub const FLAGS: &[Section] = &[
    Section {
        title: "Pintle",
        flags: &[
            one(
                "data-dir",
                "./pintle-data",
                "Directory for everything that has no flag of its own: the store, the CA, certificates, keys and the admin kubeconfig.",
            ),
            one(
                "client-requests-per-second",
                "0",
                "Requests that one client may send in a second, over all its connections; 0 is no limit. system:masters and health checks are never limited.",
            ),
            one(
                "client-requests-burst",
                "0",
                "Requests that one client may send at once before --client-requests-per-second counts; 0 is twice that.",
            ),
            one(
                "client-requests-inflight",
                "0",
                "Requests of one client that are served at once, but for watches and the like; 0 is no limit.",
            ),
            one(
                "client-requests-wait",
                "0s",
                "How long a request beyond these limits waits for its turn before it is refused with 429 and Retry-After.",
            ),
            one(
                "client-is",
                "user",
                "Who is one client for these limits: user, or source for an address.",
            ),
        ],
    },
    SERVING,
    AUDITING,
    STORAGE,
    AUTHENTICATION,
    AUTHORIZATION,
    API,
    Section {
        title: "Kubelets",
        flags: &[
            one(
                "kubelet-client-certificate",
                "",
                "Certificate by which kubelets know this server, PEM: for logs, exec and the like.",
            ),
            one("kubelet-client-key", "", "Its private key, PEM."),
            one(
                "kubelet-certificate-authority",
                "",
                "CA bundle that kubelets' certificates are verified with. Without it they are not.",
            ),
            many(
                "kubelet-preferred-address-types",
                "Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP",
                "Types of node addresses by which kubelets are reached, the best first.",
            ),
        ],
    },
    Section {
        title: "Logging",
        flags: &[
            Flag {
                name: "v",
                takes: Takes::One,
                default: "0",
                effect: Effect::Full,
                help: "Verbosity of the log: 0 is what an operator needs, 2 is every request, 4 and more is for debugging.",
            },
            inert(many("vmodule", "", "Verbosity by file pattern.")),
            one(
                "logging-format",
                "text",
                "Form of the log: text, or json with an object in each line.",
            ),
        ],
    },
    OTHER,
];

/// The flags of one command line.
#[derive(Debug)]
pub struct Flags(ArgMatches);

impl Flags {
    /// Reads a command line, program name first.
    ///
    /// # Errors
    /// For an unknown flag (with a suggestion), a missing or malformed value, `--help` and `--version`: what to
    /// print and the exit code are in the error.
    pub fn parse(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, Error> {
        command().try_get_matches_from(arguments).map(Self)
    }

    /// The value of a flag that takes one, given or default.
    pub fn one(&self, name: &str) -> &str {
        self.0.get_one::<String>(name).map_or("", String::as_str)
    }

    /// The value of a flag, if it was given and is not empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.is_given(name)
            .then(|| self.one(name))
            .filter(|value| !value.is_empty())
    }

    /// The values of a flag that takes many.
    pub fn many(&self, name: &str) -> Vec<&str> {
        self.0
            .get_many::<String>(name)
            .into_iter()
            .flatten()
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Whether a switch is on.
    pub fn on(&self, name: &str) -> bool {
        self.one(name) == "true"
    }

    /// Whether a flag was on the command line.
    pub fn is_given(&self, name: &str) -> bool {
        self.0.value_source(name) == Some(ValueSource::CommandLine)
    }

    /// Every flag and its value, as kube-apiserver's `/flagz` shows them: lists in brackets.
    pub fn values(&self) -> BTreeMap<String, String> {
        let shown = |flag: &Flag| match flag.takes {
            Takes::One | Takes::Bool => self.one(flag.name).to_owned(),
            Takes::Many => format!("[{}]", self.many(flag.name).join(",")),
            Takes::Each => format!("[{}]", self.many(flag.name).join(";")),
        };
        all()
            .map(|flag| (flag.name.to_owned(), shown(flag)))
            .collect()
    }

    /// The flags that were given and have no effect.
    pub fn inert(&self) -> impl Iterator<Item = &'static str> + '_ {
        all()
            .filter(|flag| flag.effect == Effect::None && self.is_given(flag.name))
            .map(|flag| flag.name)
    }
}

fn all() -> impl Iterator<Item = &'static Flag> {
    FLAGS.iter().flat_map(|section| section.flags)
}

fn command() -> Command {
    let mut command = Command::new("pintle")
        .about("A Kubernetes API server.\n\nWithout flags it sets itself up in ./pintle-data and serves on 127.0.0.1:6443.\n\n`pintle snapshot --help` tells how state is saved, restored and moved.")
        .version("v1.36.2")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("help").long("help").short('h').action(ArgAction::Help).help("Print this."))
        .arg(Arg::new("version").long("version").action(ArgAction::Version).help("Print the version."));
    for section in FLAGS {
        for flag in section.flags {
            command = command.arg(argument(flag).help_heading(section.title));
        }
    }
    command
}

fn argument(flag: &'static Flag) -> Arg {
    let help = match flag.effect {
        Effect::Full => flag.help.to_owned(),
        Effect::None => format!("{} [accepted; no effect yet]", flag.help),
    };
    let mut argument = Arg::new(flag.name)
        .long(flag.name)
        .help(help)
        .value_name("VALUE");
    if flag.name.len() == 1 {
        argument = argument.short(flag.name.chars().next());
    }
    argument = match flag.takes {
        // Of one that is given again the last counts.
        Takes::One => argument
            .action(ArgAction::Set)
            .overrides_with(flag.name)
            .allow_hyphen_values(true),
        Takes::Many => argument.action(ArgAction::Append).value_delimiter(','),
        Takes::Each => argument.action(ArgAction::Append),
        Takes::Bool => argument
            .action(ArgAction::Set)
            .overrides_with(flag.name)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(PossibleValuesParser::new(["true", "false"])),
    };
    if flag.default.is_empty() {
        argument
    } else {
        argument.default_value(flag.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, String> {
        Flags::parse(std::iter::once("pintle").chain(line.split_whitespace()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn of_a_flag_that_is_given_again_the_last_counts() {
        let flags =
            parse("--secure-port=1 --anonymous-auth --secure-port=2 --anonymous-auth=false");
        let flags = flags.unwrap();
        assert_eq!(flags.one("secure-port"), "2");
        assert!(!flags.on("anonymous-auth"));
    }

    #[test]
    fn a_value_follows_an_equals_sign_or_a_space() {
        assert_eq!(
            parse("--secure-port=7443").unwrap().one("secure-port"),
            "7443"
        );
        assert_eq!(
            parse("--secure-port 7443").unwrap().one("secure-port"),
            "7443"
        );
        assert_eq!(parse("-v=4").unwrap().one("v"), "4");
        assert_eq!(parse("--v=4").unwrap().one("v"), "4");
    }

    #[test]
    fn a_switch_needs_no_value() {
        assert!(parse("--allow-privileged").unwrap().on("allow-privileged"));
        assert!(
            !parse("--anonymous-auth=false")
                .unwrap()
                .on("anonymous-auth")
        );
        assert!(parse("").unwrap().on("anonymous-auth"));
    }

    #[test]
    fn lists_are_joined_from_commas_and_repetition() {
        let flags = parse(
            "--authorization-mode=Node,RBAC --runtime-config=a/v1=true --runtime-config=b/v1=false",
        )
        .unwrap();
        assert_eq!(flags.many("authorization-mode"), ["Node", "RBAC"]);
        assert_eq!(flags.many("runtime-config"), ["a/v1=true", "b/v1=false"]);
    }

    #[test]
    fn an_unknown_flag_is_refused_with_a_suggestion() {
        let error = parse("--secure-prot=1").unwrap_err();
        assert!(
            error.contains("--secure-prot") && error.contains("--secure-port"),
            "{error}"
        );
    }

    #[test]
    fn what_has_no_effect_is_known() {
        let flags = parse("--enable-aggregator-routing=true --secure-port=1").unwrap();
        assert_eq!(
            flags.inert().collect::<Vec<_>>(),
            ["enable-aggregator-routing"]
        );
    }
}
