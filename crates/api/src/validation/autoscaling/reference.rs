//! What an autoscaler refers to.

use pintle_runtime::field_path::{ErrorList, Path};

use super::segment;
use crate::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscalerSpec, MetricSpec,
};

/// What the `apiVersion` of a reference must be.
#[derive(Clone, Copy)]
pub(super) enum Version {
    /// Something with a group.
    OfNamedGroup,
    /// A group, if there is one, and a version.
    OfAnyGroup,
    /// Whatever it has been.
    Any,
}

impl Version {
    /// What the version of the target must be: one that stays is not looked at again.
    pub(super) fn of_target(
        spec: HorizontalPodAutoscalerSpec<'_>,
        old: Option<HorizontalPodAutoscalerSpec<'_>>,
    ) -> Self {
        let target = spec.scale_target_ref();
        let is_kept = old.is_some_and(|old| {
            let old = old.scale_target_ref();
            old.api_version() == target.api_version() && old.kind() == target.kind()
        });
        match target.kind() {
            _ if is_kept => Self::Any,
            // The only one of the core group that can be scaled.
            "ReplicationController" => Self::OfAnyGroup,
            _ => Self::OfNamedGroup,
        }
    }

    /// What the versions of objects with metrics must be, if `old` had none that is odd.
    pub(super) fn of_objects(old: Option<HorizontalPodAutoscalerSpec<'_>>) -> Self {
        let is_odd = |metric: MetricSpec<'_>| {
            metric.type_() == "Object"
                && metric.object().is_some_and(|object| {
                    let version = object.described_object().api_version();
                    Self::OfAnyGroup.fault(version).is_some()
                })
        };
        if old.is_some_and(|old| old.metrics().iter().any(is_odd)) {
            Self::Any
        } else {
            Self::OfAnyGroup
        }
    }

    fn fault(self, version: &str) -> Option<String> {
        let slashes = version.matches('/').count();
        let has_group = slashes == 1 && !version.starts_with('/');
        match self {
            Self::Any => None,
            _ if slashes > 1 => Some(format!("unexpected GroupVersion string: {version}")),
            Self::OfNamedGroup if !has_group => {
                Some("apiVersion must specify API group".to_owned())
            }
            Self::OfNamedGroup | Self::OfAnyGroup => None,
        }
    }
}

pub(super) fn reference(
    reference: CrossVersionObjectReference<'_>,
    version: Version,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (field, value) in [("kind", reference.kind()), ("name", reference.name())] {
        segment(value, "", &path.child(field), errors);
    }
    let found = reference.api_version();
    if let Some(fault) = version.fault(found) {
        errors.invalid(&path.child("apiVersion"), found, fault);
    }
}
