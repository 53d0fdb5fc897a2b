//! The list of steps that are known to fail. It may only shrink.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};

const HEADER: &str = "\
# Steps whose answers differ from kube-apiserver v1.36.2, as `theme/scenario: step`.
# This list may only shrink: `cargo xtask golden --bless` removes what passes by now.
";

/// Names of steps, `theme/scenario: step`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Known(BTreeSet<String>);

/// How the steps that ran compare with the list.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Verdict {
    /// Failed, and not listed.
    pub(super) new: BTreeSet<String>,
    /// Listed, and passed, or not there any more.
    pub(super) obsolete: BTreeSet<String>,
}

/// Which part of the scenarios ran.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extent {
    /// All: what did not run does not exist.
    Everything,
    /// Some: of the others nothing is known.
    Selection,
}

impl Known {
    /// Reads the list; a file that is not there is an empty one.
    pub(super) fn read(path: &Path) -> Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim_end);
        Self(
            lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(str::to_string)
                .collect(),
        )
    }

    /// Whether the step is listed.
    pub(super) fn contains(&self, step: &str) -> bool {
        self.0.contains(step)
    }

    /// Compares the list with what happened.
    pub(super) fn judge(
        &self,
        passed: &BTreeSet<String>,
        failed: &BTreeSet<String>,
        extent: Extent,
    ) -> Verdict {
        let gone = |step: &&String| extent == Extent::Everything && !failed.contains(*step);
        Verdict {
            new: failed.difference(&self.0).cloned().collect(),
            obsolete: self
                .0
                .iter()
                .filter(|step| passed.contains(*step) || gone(step))
                .cloned()
                .collect(),
        }
    }

    /// Drops what is obsolete.
    pub(super) fn shrink(&mut self, verdict: &Verdict) {
        self.0.retain(|step| !verdict.obsolete.contains(step));
    }

    /// Adds what is new.
    pub(super) fn accept(&mut self, verdict: &Verdict) {
        self.0.extend(verdict.new.iter().cloned());
    }

    /// Writes the list in order.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let mut text = HEADER.to_string();
        for step in &self.0 {
            text += step;
            text.push('\n');
        }
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(steps: &[&str]) -> BTreeSet<String> {
        steps.iter().map(|step| (*step).to_string()).collect()
    }

    #[track_caller]
    fn check(passed: &[&str], failed: &[&str], extent: Extent, new: &[&str], obsolete: &[&str]) {
        let known = Known::parse("# a comment\n\na/b: one\na/b: two\n");
        let verdict = known.judge(&set(passed), &set(failed), extent);
        assert_eq!(
            verdict,
            Verdict {
                new: set(new),
                obsolete: set(obsolete)
            }
        );
    }

    #[test]
    fn what_is_listed_and_fails_is_fine() {
        check(
            &["a/b: three"],
            &["a/b: one", "a/b: two"],
            Extent::Everything,
            &[],
            &[],
        );
        check(&[], &["a/b: one"], Extent::Selection, &[], &[]);
    }

    #[test]
    fn what_fails_unlisted_is_new() {
        check(
            &[],
            &["a/b: one", "a/b: two", "a/b: three"],
            Extent::Everything,
            &["a/b: three"],
            &[],
        );
    }

    #[test]
    fn what_passes_or_is_gone_has_no_place_in_the_list() {
        check(
            &["a/b: one"],
            &["a/b: two"],
            Extent::Selection,
            &[],
            &["a/b: one"],
        );
        check(&[], &["a/b: two"], Extent::Everything, &[], &["a/b: one"]);
    }
}
