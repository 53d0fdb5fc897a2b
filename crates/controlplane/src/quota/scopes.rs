//! Scopes: which objects a quota is about.

use std::fmt;

use pintle_api::core::v1::{PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuotaSpec};

/// A scope, and of some scopes which values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub name: String,
    pub operator: String,
    pub values: Vec<String>,
}

/// As Go shows the struct.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{{} {} [{}]}}",
            self.name,
            self.operator,
            self.values.join(" ")
        )
    }
}

impl Scope {
    /// Those of a quota.
    pub(crate) fn of_quota(spec: ResourceQuotaSpec<'_>) -> Vec<Self> {
        let plain = spec.scopes().iter().map(|name| Self {
            name: name.to_owned(),
            operator: "Exists".to_owned(),
            values: Vec::new(),
        });
        let selected = spec.scope_selector().into_iter();
        let selected = selected.flat_map(|selector| selector.match_expressions().iter());
        let selected = selected.map(|it| Self {
            name: it.scope_name().to_owned(),
            operator: it.operator().to_owned(),
            values: it.values().iter().map(str::to_owned).collect(),
        });
        plain.chain(selected).collect()
    }

    /// From the settings of the plug-in.
    pub(crate) fn of_settings(settings: &serde_json::Value) -> Self {
        let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().to_owned();
        Self {
            name: text(&settings["scopeName"]),
            operator: text(&settings["operator"]),
            values: settings["values"]
                .as_array()
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
        }
    }

    /// Whether an object with this value, or without one, is selected.
    fn selects(&self, value: &str) -> bool {
        let is_listed = !value.is_empty() && self.values.iter().any(|it| it == value);
        match self.operator.as_str() {
            "In" => is_listed,
            "NotIn" => !is_listed,
            "Exists" => !value.is_empty(),
            "DoesNotExist" => value.is_empty(),
            _ => false,
        }
    }

    pub(super) fn has_pod(&self, pod: Pod<'_>) -> bool {
        let spec = pod.spec();
        let ends = || spec.active_deadline_seconds().is_some_and(|it| it >= 0);
        match self.name.as_str() {
            "Terminating" => ends(),
            "NotTerminating" => !ends(),
            "BestEffort" => is_best_effort(pod),
            "NotBestEffort" => !is_best_effort(pod),
            "PriorityClass" => self.selects(spec.priority_class_name()),
            "CrossNamespacePodAffinity" => looks_elsewhere(pod),
            _ => false,
        }
    }

    pub(super) fn has_claim(&self, claim: PersistentVolumeClaim<'_>) -> bool {
        let names = [
            claim.spec().volume_attributes_class_name(),
            claim.status().current_volume_attributes_class_name(),
        ];
        let mut names = names
            .into_iter()
            .flatten()
            .filter(|name| !name.is_empty())
            .peekable();
        if self.name != "VolumeAttributesClass" {
            return false;
        }
        if names.peek().is_none() {
            return self.selects("");
        }
        names.any(|name| self.selects(name))
    }
}

/// Whether nothing in a pod asks for CPU or memory.
pub(crate) fn is_best_effort(pod: Pod<'_>) -> bool {
    use crate::admission::amounts::{Side, of_pod};
    let asks = |side| {
        let total = of_pod(pod.spec(), side);
        ["cpu", "memory"]
            .iter()
            .any(|name| total.get(*name).is_some_and(|it| !it.is_zero()))
    };
    !asks(Side::Requests) && !asks(Side::Limits)
}

/// Whether a pod's place depends on pods of other namespaces.
fn looks_elsewhere(pod: Pod<'_>) -> bool {
    let looks = |term: PodAffinityTerm<'_>| {
        !term.namespaces().is_empty() || term.namespace_selector().is_some()
    };
    let Some(affinity) = pod.spec().affinity() else {
        return false;
    };
    let near = affinity.pod_affinity().is_some_and(|it| {
        let required = it.required_during_scheduling_ignored_during_execution();
        let preferred = it.preferred_during_scheduling_ignored_during_execution();
        required.iter().any(looks) || preferred.iter().any(|it| looks(it.pod_affinity_term()))
    });
    near || affinity.pod_anti_affinity().is_some_and(|it| {
        let required = it.required_during_scheduling_ignored_during_execution();
        let preferred = it.preferred_during_scheduling_ignored_during_execution();
        required.iter().any(looks) || preferred.iter().any(|it| looks(it.pod_affinity_term()))
    })
}
