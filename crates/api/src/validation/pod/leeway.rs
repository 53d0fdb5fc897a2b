//! What an update lets stay that a create refuses, because it was let in when rules were others.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::view::StringMap;

use super::visit::for_each_container;
use super::{annotations, network, resources, spread};
use crate::core::v1::{Pod, PodAffinityTerm, PodSpec, PodTemplateSpec};
use crate::validation::labels::Values;

/// `PodValidationOptions`, less the gates that are what they are by default.
#[derive(Debug, Clone, Copy)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a question with an answer of its own"
)]
pub(super) struct Leeway {
    /// It is a pod, and not a template in another object.
    pub(super) is_pod: bool,
    /// A cost of deletion may be no number.
    pub(super) deletion_cost: bool,
    /// Selectors of pod affinity may have values that no label has.
    pub(super) selector_values: Values,
    /// Required node affinity may have values that no label has.
    pub(super) node_values: bool,
    /// Huge pages may come in parts.
    pub(super) parted_huge_pages: bool,
    /// Spread constraints may have malformed selectors.
    pub(super) spread_selectors: bool,
    /// Spread constraints follow the older rule for `matchLabelKeys`.
    pub(super) old_label_keys: bool,
    /// A projected token may be put anywhere.
    pub(super) token_paths: bool,
    /// Sysctls of a namespace that is shared with the host may be set.
    pub(super) host_sysctls: bool,
    /// Every `seLinuxChangePolicy` may be set.
    pub(super) any_se_linux_policy: bool,
    /// Tolerations may compare numbers.
    pub(super) comparing_tolerations: bool,
    /// A pod on the host's network may have users of its own.
    pub(super) host_network_users: bool,
    /// A pod with users of its own may use block devices.
    pub(super) device_users: bool,
    /// Init containers that end may have the resize policy `RestartContainer`.
    pub(super) restarted_init: bool,
}

impl Leeway {
    /// For a pod that is new or replaces `old`.
    pub(super) fn of_pod(old: Option<Pod<'_>>) -> Self {
        let annotations = old.map(|old| old.metadata().annotations());
        Self {
            is_pod: true,
            ..Self::of(old.map(Pod::spec), annotations)
        }
    }

    /// For a template that is new or replaces `old`.
    pub(super) fn of_template(old: Option<PodTemplateSpec<'_>>) -> Self {
        let annotations = old.map(|old| old.metadata().annotations());
        Self::of(old.map(PodTemplateSpec::spec), annotations)
    }

    const NONE: Self = Self {
        is_pod: false,
        deletion_cost: false,
        selector_values: Values::Checked,
        node_values: false,
        parted_huge_pages: false,
        spread_selectors: false,
        old_label_keys: false,
        token_paths: false,
        host_sysctls: false,
        any_se_linux_policy: false,
        comparing_tolerations: false,
        host_network_users: false,
        device_users: false,
        restarted_init: false,
    };

    fn of(spec: Option<PodSpec<'_>>, annotations: Option<StringMap<'_>>) -> Self {
        let mut leeway = Self::NONE;
        if let Some(old) = annotations {
            leeway.deletion_cost = annotations::deletion_cost(old).is_err();
        }
        let Some(spec) = spec else { return leeway };
        let own_users = spec.host_users() == Some(false);
        leeway.selector_values = selector_values(spec);
        leeway.node_values = has_odd_node_values(spec);
        leeway.parted_huge_pages = has_parted_huge_pages(spec);
        leeway.spread_selectors = finds_fault(|errors| spread::selectors(spec, errors));
        leeway.old_label_keys = finds_fault(|errors| spread::label_keys(spec, errors));
        leeway.token_paths = has_odd_token_path(spec);
        leeway.host_sysctls = has_host_sysctl(spec);
        leeway.any_se_linux_policy = spec
            .security_context()
            .is_some_and(|context| context.se_linux_change_policy().is_some());
        leeway.comparing_tolerations = spec
            .tolerations()
            .iter()
            .any(|toleration| matches!(toleration.operator(), "Lt" | "Gt"));
        leeway.host_network_users = own_users && spec.host_network();
        leeway.device_users = own_users && has_device(spec);
        leeway.restarted_init = spec.init_containers().iter().any(|container| {
            container.restart_policy() != Some("Always")
                && container
                    .resize_policy()
                    .iter()
                    .any(|policy| policy.restart_policy() == "RestartContainer")
        });
        leeway
    }
}

fn finds_fault(check: impl FnOnce(&mut ErrorList)) -> bool {
    let mut errors = ErrorList::new();
    check(&mut errors);
    !errors.is_empty()
}

/// Every term of pod affinity and anti-affinity, required and preferred.
pub(super) fn affinity_terms(spec: PodSpec<'_>) -> Vec<PodAffinityTerm<'_>> {
    let mut terms = Vec::new();
    let Some(affinity) = spec.affinity() else {
        return terms;
    };
    if let Some(to) = affinity.pod_affinity() {
        terms.extend(to.required_during_scheduling_ignored_during_execution());
        let preferred = to.preferred_during_scheduling_ignored_during_execution();
        terms.extend(preferred.iter().map(|term| term.pod_affinity_term()));
    }
    if let Some(from) = affinity.pod_anti_affinity() {
        terms.extend(from.required_during_scheduling_ignored_during_execution());
        let preferred = from.preferred_during_scheduling_ignored_during_execution();
        terms.extend(preferred.iter().map(|term| term.pod_affinity_term()));
    }
    terms
}

fn selector_values(spec: PodSpec<'_>) -> Values {
    let odd = affinity_terms(spec)
        .into_iter()
        .flat_map(|term| [term.label_selector(), term.namespace_selector()])
        .any(|selector| Values::as_before(selector) == Values::Kept);
    if odd { Values::Kept } else { Values::Checked }
}

fn has_odd_node_values(spec: PodSpec<'_>) -> bool {
    let required = spec
        .affinity()
        .and_then(|affinity| affinity.node_affinity())
        .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution());
    required.is_some_and(|required| {
        required
            .node_selector_terms()
            .iter()
            .flat_map(|term| term.match_expressions())
            .flat_map(|expression| expression.values().iter())
            .any(|value| !pintle_runtime::name::label_value(value).is_empty())
    })
}

fn has_parted_huge_pages(spec: PodSpec<'_>) -> bool {
    let parted = |amounts: StringMap<'_>| {
        let mut amounts = amounts.iter();
        amounts.any(|(name, amount)| resources::is_parted_huge_page(name, amount))
    };
    let mut found = parted(spec.overhead());
    for_each_container(spec, &Path::NOWHERE, &mut |container, _| {
        let resources = container.resources();
        found |= parted(resources.limits()) || parted(resources.requests());
    });
    found
}

fn has_odd_token_path(spec: PodSpec<'_>) -> bool {
    spec.volumes()
        .iter()
        .filter_map(|volume| volume.projected())
        .flat_map(|projected| projected.sources())
        .filter_map(|source| source.service_account_token())
        .any(|token| {
            finds_fault(|errors| super::sources::local_path(token.path(), &Path::NOWHERE, errors))
        })
}

fn has_host_sysctl(spec: PodSpec<'_>) -> bool {
    spec.security_context().is_some_and(|context| {
        context
            .sysctls()
            .iter()
            .any(|sysctl| network::host_namespace(sysctl.name(), spec).is_some())
    })
}

fn has_device(spec: PodSpec<'_>) -> bool {
    let mut found = false;
    for_each_container(spec, &Path::NOWHERE, &mut |container, _| {
        found |= !container.volume_devices().is_empty();
    });
    found
}
