//! Feature gates.

use crate::generated::gates::GATES;

/// A feature gate as of this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureGate {
    /// Name, such as `InPlacePodVerticalScaling`.
    pub name: &'static str,
    /// Whether it is on when nothing is said.
    pub default: bool,
    /// How far it has come.
    pub stage: Stage,
    /// Whether it cannot be changed from its default.
    pub locked: bool,
}

/// How far a feature has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// `ALPHA`: off by default.
    Alpha,
    /// `BETA`
    Beta,
    /// `GA`
    Stable,
    /// `DEPRECATED`: to be removed.
    Deprecated,
}

/// Every gate of every component, by name.
pub fn feature_gates() -> &'static [FeatureGate] {
    &GATES
}

/// The gate called `name`.
pub fn feature_gate(name: &str) -> Option<&'static FeatureGate> {
    feature_gates().iter().find(|gate| gate.name == name)
}
