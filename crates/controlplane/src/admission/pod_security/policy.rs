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

    pub(super) const fn as_str(self) -> &'static str {
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
    pub(super) const PRIVILEGED: Self = Self {
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

const LEVELS: &str = "must be one of privileged, baseline, restricted";
const VERSIONS: &str = "must be \"latest\" or \"v1.x\"";

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
        let mut said = |name: &str, why: &str, is_right: fn(&str) -> bool| {
            let key = format!("{PREFIX}{name}");
            let text = label(&key)?;
            if !is_right(text) {
                errors.invalid(&Path::new("metadata.labels").key(&key), text, why);
            }
            Some(text)
        };
        let modes = ["enforce", "audit", "warn"].map(|name| {
            let level = said(name, LEVELS, |text| Level::parse(text).is_some());
            let level = level.map(Level::parse);
            let version = format!("{name}-version");
            let version = said(&version, VERSIONS, |text| Version::parse(text).is_some());
            (level, version.map(Version::parse))
        });
        let [(enforce, _), _, (warn, warn_version)] = modes;
        let chosen = [
            (&mut policy.enforce, Level::Restricted),
            (&mut policy.audit, Level::Privileged),
            (&mut policy.warn, Level::Privileged),
        ];
        for ((chosen, fallback), (level, version)) in chosen.into_iter().zip(modes) {
            if let Some(level) = level {
                chosen.level = level.unwrap_or(fallback);
            }
            if let Some(version) = version {
                chosen.version = version.unwrap_or(Version::Latest);
            }
        }
        // Who enforces is warned of as much, unless it says otherwise.
        let enforces = enforce.flatten().is_some();
        if enforces && warn.is_none() && policy.enforce.level > policy.warn.level {
            policy.warn.level = policy.enforce.level;
            if warn_version.is_none() {
                policy.warn.version = policy.enforce.version;
            }
        }
        (policy, errors)
    }

    /// The policy of a namespace that does not say, from the settings, or what is wrong with them.
    pub(super) fn of_settings(settings: &serde_json::Value) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut policy = Self::default();
        let modes = [
            ("enforce", &mut policy.enforce),
            ("audit", &mut policy.audit),
            ("warn", &mut policy.warn),
        ];
        for (mode, chosen) in modes {
            let text = |name: &str| settings[name].as_str().filter(|text| !text.is_empty());
            if let Some(level) = text(mode) {
                match Level::parse(level) {
                    Some(level) => chosen.level = level,
                    None => faults.push(format!("{mode}: {LEVELS}")),
                }
            }
            let key = format!("{mode}-version");
            if let Some(version) = text(&key) {
                match Version::parse(version) {
                    Some(version) => chosen.version = version,
                    None => faults.push(format!("{key}: {VERSIONS}")),
                }
            }
        }
        if faults.is_empty() {
            Ok(policy)
        } else {
            Err(faults)
        }
    }

    /// What of this policy a namespace's labels ask for, in short; of modes that do nothing, nothing.
    pub(super) fn asked_for<'a>(self, label: impl Fn(&str) -> Option<&'a str>) -> String {
        let modes = [
            ("enforce", self.enforce),
            ("audit", self.audit),
            ("warn", self.warn),
        ];
        let asked = modes.into_iter().filter(|(mode, chosen)| {
            let key = format!("{PREFIX}{mode}");
            let says = label(&key).is_some() || label(&format!("{key}-version")).is_some();
            chosen.level != Level::Privileged && says
        });
        let asked = asked.map(|(mode, chosen)| format!("{mode}={chosen}"));
        asked.collect::<Vec<_>>().join(", ")
    }

    /// Whether two policies come to the same.
    pub(super) fn is_like(self, other: Self) -> bool {
        let pairs = [
            (self.enforce, other.enforce),
            (self.audit, other.audit),
            (self.warn, other.warn),
        ];
        pairs.into_iter().all(|(one, other)| {
            one == other || (one.level == Level::Privileged && other.level == Level::Privileged)
        })
    }
}
