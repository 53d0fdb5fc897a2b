//! What an operator has turned on and off, for rules that have no argument for it.
//!
//! Rules are plain functions of objects. What they may know of the server beside that is in scope while they run: [`with`]
//! puts it there for a closure, on this thread. Outside of every scope gates are as they are by default, and privileged
//! containers are allowed.
//!
//! ```
//! use pintle_api::settings::{Settings, is_on, with};
//!
//! let settings = Settings::new(true, vec![("ContainerStopSignals".to_owned(), true)]);
//! assert!(!is_on("ContainerStopSignals"));
//! assert!(with(&settings, || is_on("ContainerStopSignals")));
//! ```

use std::cell::RefCell;
use std::sync::Arc;

use crate::gates::feature_gate;

/// What is on and off.
#[derive(Debug, Clone)]
pub struct Settings(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    allows_privileged: bool,
    /// Gates that are not as they are by default.
    gates: Box<[(String, bool)]>,
}

impl Settings {
    /// `--allow-privileged` and `--feature-gates`, the last word on a gate last.
    pub fn new(allows_privileged: bool, gates: Vec<(String, bool)>) -> Self {
        let is_news =
            |(name, on): &(String, bool)| feature_gate(name).is_none_or(|gate| gate.default != *on);
        let mut last: Vec<(String, bool)> = Vec::new();
        for (name, on) in gates {
            last.retain(|(known, _)| *known != name);
            last.push((name, on));
        }
        last.retain(is_news);
        Self(Arc::new(Inner {
            allows_privileged,
            gates: last.into(),
        }))
    }

    /// Whether a gate is on.
    pub fn is_on(&self, gate: &str) -> bool {
        let said = self.0.gates.iter().find(|(name, _)| name == gate);
        said.map_or_else(|| is_on_by_default(gate), |(_, on)| *on)
    }
}

impl Default for Settings {
    /// Gates as they are by default, and privileged containers allowed.
    fn default() -> Self {
        Self::new(true, Vec::new())
    }
}

thread_local! {
    static IN_SCOPE: RefCell<Option<Settings>> = const { RefCell::new(None) };
}

/// Takes what was in scope before back when the scope ends, be it by a panic.
struct Scope(Option<Settings>);

impl Drop for Scope {
    fn drop(&mut self) {
        IN_SCOPE.set(self.0.take());
    }
}

/// Does something with `settings` in scope.
pub fn with<R>(settings: &Settings, work: impl FnOnce() -> R) -> R {
    let _scope = Scope(IN_SCOPE.replace(Some(settings.clone())));
    work()
}

/// Whether a gate is on.
pub fn is_on(gate: &str) -> bool {
    IN_SCOPE.with_borrow(|settings| match settings {
        Some(settings) => settings.is_on(gate),
        None => is_on_by_default(gate),
    })
}

/// Whether containers may be privileged.
pub(crate) fn allows_privileged() -> bool {
    IN_SCOPE.with_borrow(|settings| {
        settings
            .as_ref()
            .is_none_or(|settings| settings.0.allows_privileged)
    })
}

fn is_on_by_default(gate: &str) -> bool {
    feature_gate(gate).is_some_and(|gate| gate.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_a_gate_counts_within_its_scope() {
        let gate = "ContainerStopSignals";
        let said = |on| (gate.to_owned(), on);
        let on = Settings::new(false, vec![said(false), said(true)]);
        let off = Settings::new(true, vec![said(true), said(false)]);
        with(&on, || {
            assert!(is_on(gate) && !allows_privileged());
            with(&off, || assert!(!is_on(gate) && allows_privileged()));
            assert!(is_on(gate));
        });
        assert!(!is_on(gate) && allows_privileged());
    }
}
