//! Levels and versions of the Pod Security Standards, and what a namespace's labels choose.

use std::fmt;

use pintle_runtime::field_path::{ErrorList, Path};

/// How much is allowed; the later, the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Privileged,
    Baseline,
    Restricted,
}

impl Level {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "privileged" => Self::Privileged,
            "baseline" => Self::Baseline,
            "restricted" => Self::Restricted,
            _ => return None,
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// The release whose standards count: the newest, or `v1.` and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Latest,
    Minor(u32),
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        if text == "latest" {
            return Some(Self::Latest);
        }
        let digits = text.strip_prefix("v1.")?;
        let is_number = digits == "0" || !digits.starts_with('0');
        let minor = digits.bytes().all(|it| it.is_ascii_digit()) && is_number;
        minor
            .then(|| digits.parse().ok())
            .flatten()
            .map(Self::Minor)
    }

    /// Whether rules that came with a release count.
    pub(super) fn has(self, minor: u32) -> bool {
        match self {
            Self::Latest => true,
            Self::Minor(this) => this >= minor,
        }
    }
}

/// A level as of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LevelVersion {
    pub level: Level,
    pub version: Version,
}

impl LevelVersion {
    const PRIVILEGED: Self = Self {
        level: Level::Privileged,
        version: Version::Latest,
    };
}

impl fmt::Display for LevelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Version::Latest => write!(f, "{}:latest", self.level.as_str()),
            Version::Minor(minor) => write!(f, "{}:v1.{minor}", self.level.as_str()),
        }
    }
}

/// What is refused, what is noted, and what is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    pub enforce: LevelVersion,
    pub audit: LevelVersion,
    pub warn: LevelVersion,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enforce: LevelVersion::PRIVILEGED,
            audit: LevelVersion::PRIVILEGED,
            warn: LevelVersion::PRIVILEGED,
        }
    }
}

const PREFIX: &str = "pod-security.kubernetes.io/";

impl Policy {
    /// Whether nothing is looked at.
    pub(super) fn is_privileged(&self) -> bool {
        self.enforce.level == Level::Privileged && self.is_silent()
    }

    /// Whether nothing is noted and nothing warned of.
    pub(super) fn is_silent(&self) -> bool {
        self.audit.level == Level::Privileged && self.warn.level == Level::Privileged
    }

    /// The policy that labels choose, and what is wrong with them. Where an enforced level cannot be read, it is the
    /// strictest; other modes are off then.
    pub(super) fn of_labels<'a>(
        default: Self,
        label: impl Fn(&str) -> Option<&'a str>,
    ) -> (Self, ErrorList) {
        let mut errors = ErrorList::new();
        let mut policy = default;
        let labels = Path::new("metadata.labels");
        let mut level = |name: &str| {
            let key = format!("{PREFIX}{name}");
            let text = label(&key)?;
            let parsed = Level::parse(text);
            if parsed.is_none() {
                let why = "must be one of privileged, baseline, restricted";
                errors.invalid(&labels.key(&key), text, why);
            }
            Some(parsed)
        };
        let enforce = level("enforce");
        let audit = level("audit");
        let warn = level("warn");
        let mut versions = ErrorList::new();
        let mut version = |name: &str| {
            let key = format!("{PREFIX}{name}-version");
            let text = label(&key)?;
            let parsed = Version::parse(text);
            if parsed.is_none() {
                versions.invalid(&labels.key(&key), text, "must be \"latest\" or \"v1.x\"");
            }
            Some(parsed)
        };
        let enforce_version = version("enforce");
        let audit_version = version("audit");
        let warn_version = version("warn");
        if let Some(level) = enforce {
            policy.enforce.level = level.unwrap_or(Level::Restricted);
        }
        if let Some(level) = audit {
            policy.audit.level = level.unwrap_or(Level::Privileged);
        }
        if let Some(level) = warn {
            policy.warn.level = level.unwrap_or(Level::Privileged);
        }
        for (version, chosen) in [
            (enforce_version, &mut policy.enforce),
            (audit_version, &mut policy.audit),
            (warn_version, &mut policy.warn),
        ] {
            if let Some(version) = version {
                chosen.version = version.unwrap_or(Version::Latest);
            }
        }
        // Who enforces is warned of as much, unless it says otherwise.
        let enforces = enforce.flatten().is_some();
        let warns = warn.flatten().is_some();
        if enforces && !warns && policy.enforce.level > policy.warn.level {
            policy.warn.level = policy.enforce.level;
            if warn_version.flatten().is_none() {
                policy.warn.version = policy.enforce.version;
            }
        }
        errors.extend(versions);
        (policy, errors)
    }

    /// The policy of a namespace that does not say, from the settings.
    pub(super) fn of_settings(settings: &serde_json::Value) -> Result<Self, String> {
        let text = |name: &str| settings[name].as_str();
        let (policy, errors) = Self::of_labels(Self::default(), |key| {
            text(key.strip_prefix(PREFIX).unwrap_or(key))
        });
        match errors.iter().next() {
            None => Ok(Self {
                // What holds for labels by implication is not implied here.
                warn: LevelVersion {
                    level: text("warn")
                        .and_then(Level::parse)
                        .unwrap_or(Level::Privileged),
                    version: text("warn-version")
                        .and_then(Version::parse)
                        .unwrap_or(Version::Latest),
                },
                ..policy
            }),
            Some(error) => Err(error.to_string()),
        }
    }
}
