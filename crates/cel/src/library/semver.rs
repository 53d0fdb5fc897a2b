//! Versions.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use pintle_runtime::quote::Quoted;

use super::{Opaque, Row, fail, int, truth};
use crate::value::{Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    (
        "semver",
        semver,
        &[
            ("string_to_semver", "(string) semver"),
            ("string_bool_to_semver", "(string, bool) semver"),
        ],
    ),
    (
        "isSemver",
        is_semver,
        &[
            ("is_semver_string", "(string) bool"),
            ("is_semver_string_bool", "(string, bool) bool"),
        ],
    ),
    ("major", major, &[("semver_major", "semver.() int")]),
    ("minor", minor, &[("semver_minor", "semver.() int")]),
    ("patch", patch, &[("semver_patch", "semver.() int")]),
];

/// A version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    before: Vec<String>,
    build: Vec<String>,
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Version string empty".to_owned());
        }
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let [major, minor, rest] = parts.as_slice() else {
            return Err("No Major.Minor.Patch elements found".to_owned());
        };
        let (rest, build) = match rest.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (*rest, None),
        };
        let (patch, before) = match rest.split_once('-') {
            Some((patch, before)) => (patch, Some(before)),
            None => (rest, None),
        };
        let numbers = [
            number(major, "Major")?,
            number(minor, "Minor")?,
            number(patch, "Patch")?,
        ];
        let before = words(before, "Prerelease")?;
        let zeros = |word: &&String| {
            word.len() > 1 && word.starts_with('0') && word.bytes().all(|b| b.is_ascii_digit())
        };
        if let Some(word) = before.iter().find(zeros) {
            return Err(format!(
                "Numeric PreRelease version must not contain leading zeroes {}",
                Quoted(word)
            ));
        }
        Ok(Self {
            numbers,
            before,
            build: words(build, "Build meta data")?,
        })
    }

    /// The same for versions that people write: with `v`, short, or with surplus zeros.
    fn parse_normalized(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts: Vec<String> = text.splitn(3, '.').map(without_zeros).collect();
        if parts.len() < 3 {
            if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
                return Err("short version cannot contain PreRelease/Build meta data".to_owned());
            }
            parts.resize(3, "0".to_owned());
        }
        Self::parse(&parts.join("."))
    }
}

fn without_zeros(part: &str) -> String {
    if part.len() < 2 {
        return part.to_owned();
    }
    let short = part.trim_start_matches('0');
    match short.starts_with(|c: char| c.is_ascii_digit()) {
        true => short.to_owned(),
        false => format!("0{short}"),
    }
}

fn number(text: &str, name: &str) -> Result<u64, String> {
    let quoted = Quoted(text);
    let digits = |byte: u8| byte.is_ascii_digit();
    if !text.bytes().all(digits) {
        return Err(format!(
            "Invalid character(s) found in {} number {quoted}",
            name.to_lowercase()
        ));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!(
            "{name} number must not contain leading zeroes {quoted}"
        ));
    }
    text.parse().map_err(|_| {
        let why = match text.is_empty() {
            true => "invalid syntax",
            false => "value out of range",
        };
        format!("strconv.ParseUint: parsing {quoted}: {why}")
    })
}

fn words(text: Option<&str>, name: &str) -> Result<Vec<String>, String> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    for word in text.split('.') {
        if word.is_empty() {
            return Err(format!("{name} is empty"));
        }
        if !word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err(format!(
                "Invalid character(s) found in {} {}",
                name.to_lowercase(),
                Quoted(word)
            ));
        }
    }
    Ok(text.split('.').map(str::to_owned).collect())
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.before.is_empty(), other.before.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => {
                    let pairs = self.before.iter().zip(&other.before);
                    pairs
                        .map(|(a, b)| compare_words(a, b))
                        .find(|order| order.is_ne())
                        .unwrap_or_else(|| self.before.len().cmp(&other.before.len()))
                }
            }
        })
    }
}

fn compare_words(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if !self.before.is_empty() {
            write!(f, "-{}", self.before.join("."))?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build.join("."))?;
        }
        Ok(())
    }
}

fn read(args: &[Val<'_>]) -> Option<Result<Version, String>> {
    match args {
        [Val::String(text)] | [Val::String(text), Val::Bool(false)] => Some(Version::parse(text)),
        [Val::String(text), Val::Bool(true)] => Some(Version::parse_normalized(text)),
        _ => None,
    }
}

fn semver<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(match read(args)? {
        Ok(version) => Ok(Val::Opaque(Opaque::Semver(Arc::new(version)))),
        Err(message) => fail(message),
    })
}

fn is_semver<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(read(args)?.is_ok())
}

fn of<'a>(args: Args<'_, 'a>, index: usize) -> Answer<'a> {
    let [Val::Opaque(Opaque::Semver(version))] = args else {
        return None;
    };
    int(version.numbers[index])
}

fn major<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    of(args, 0)
}

fn minor<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    of(args, 1)
}

fn patch<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    of(args, 2)
}
