//! Which rows of the API are served.

use std::borrow::Cow;

use pintle_api::settings::Settings;
use pintle_runtime::resource::{Group, GroupVersion, Resource};

/// What an operator turned on and off.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// `--runtime-config`, in the order given: `api/all`, `api/ga`, `api/beta`, `api/alpha` or `group/version`.
    pub runtime_config: Vec<(String, bool)>,
    /// `--feature-gates`.
    pub feature_gates: Vec<(String, bool)>,
    /// `--allow-privileged`
    pub allow_privileged: bool,
}

impl Switches {
    /// What rules of kinds may know of it.
    pub(crate) fn settings(&self) -> Settings {
        Settings::new(self.allow_privileged, self.feature_gates.clone())
    }

    /// Whether a gate is on.
    pub fn gate(&self, name: &str) -> bool {
        let said = self
            .feature_gates
            .iter()
            .rev()
            .find(|(gate, _)| gate == name)
            .map(|(_, on)| *on);
        said.or_else(|| pintle_api::feature_gate(name).map(|gate| gate.default))
            .unwrap_or(false)
    }

    /// Whether a group version is served. What names it counts more than what names its stability.
    fn serves(&self, group: &str, version: &GroupVersion) -> bool {
        let named = if group.is_empty() {
            version.version.to_string()
        } else {
            format!("{group}/{}", version.version)
        };
        let said = |what: &str| {
            self.runtime_config
                .iter()
                .rev()
                .find(|(key, _)| key == what)
                .map(|(_, on)| *on)
        };
        let stability = match version.version.as_ref() {
            alpha if alpha.contains("alpha") => "api/alpha",
            beta if beta.contains("beta") => "api/beta",
            _ => "api/ga",
        };
        said(&named)
            .or_else(|| said(stability))
            .or_else(|| said("api/all"))
            .unwrap_or(version.default)
    }

    /// The rows of `groups` that these switches leave, whether or not there is code for them.
    pub fn served(&self, groups: &[Group]) -> Vec<Group> {
        let version = |group: &Group, version: &GroupVersion| {
            let row = |row: &Resource| {
                (row.gates.iter().all(|gate| self.gate(gate))).then(|| self.row(row))
            };
            let resources: Vec<_> = version.resources.iter().filter_map(row).collect();
            (self.serves(&group.name, version) && !resources.is_empty()).then(|| GroupVersion {
                resources: Cow::Owned(resources),
                ..version.clone()
            })
        };
        let group = |group: &Group| {
            let versions: Vec<_> = group
                .versions
                .iter()
                .filter_map(|found| version(group, found))
                .collect();
            (!versions.is_empty()).then(|| Group {
                versions: Cow::Owned(versions),
                ..group.clone()
            })
        };
        groups.iter().filter_map(group).collect()
    }

    fn row(&self, row: &Resource) -> Resource {
        let on = |gates: &[Cow<'static, str>]| gates.iter().all(|gate| self.gate(gate));
        let subresources = row
            .subresources
            .iter()
            .filter(|row| on(&row.gates))
            .cloned()
            .collect();
        Resource {
            subresources: Cow::Owned(subresources),
            ..row.clone()
        }
    }
}
