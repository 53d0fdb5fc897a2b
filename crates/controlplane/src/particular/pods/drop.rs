//! Fields of features that are off. Who has them already keeps them.

use pintle_api::core::v1::{PodSpec, PodSpecMut, PodTemplateSpec, PodTemplateSpecMut};
use pintle_api::settings::is_on;
use pintle_api::validation::pod::{for_each_container, for_each_container_mut};
use pintle_runtime::field_path::Path;

/// Takes away what a feature is needed for that is off (`DropDisabledTemplateFields`).
pub(crate) fn drop_disabled_of_template(
    template: &mut PodTemplateSpecMut<'_>,
    old: Option<PodTemplateSpec<'_>>,
) {
    drop_disabled(&mut template.spec_mut(), old.map(PodTemplateSpec::spec));
}

/// The same in a pod's own spec.
pub(crate) fn drop_disabled(spec: &mut PodSpecMut<'_>, old: Option<PodSpec<'_>>) {
    let had_group = old.is_some_and(|old| old.scheduling_group().is_some());
    if !had_group && !is_on("GenericWorkload") {
        spec.clear_scheduling_group();
    }
    if spec
        .view()
        .volumes()
        .iter()
        .any(|it| it.projected().is_some())
    {
        drop_projections(spec, old);
    }
    if has_stop_signal(spec.view())
        && !old.is_some_and(has_stop_signal)
        && !is_on("ContainerStopSignals")
    {
        drop_stop_signals(spec);
    }
}

fn drop_projections(spec: &mut PodSpecMut<'_>, old: Option<PodSpec<'_>>) {
    let had = |is_it: fn(pintle_api::core::v1::VolumeProjection<'_>) -> bool| {
        old.is_some_and(|old| {
            old.volumes()
                .iter()
                .filter_map(|volume| volume.projected())
                .flat_map(|projected| projected.sources())
                .any(is_it)
        })
    };
    let keeps_bundles = is_on("ClusterTrustBundleProjection")
        || had(|source| source.cluster_trust_bundle().is_some());
    let keeps_certificates =
        is_on("PodCertificateRequest") || had(|source| source.pod_certificate().is_some());
    for mut volume in spec.volumes_mut().iter_mut() {
        let Some(mut projected) = volume.projected_mut() else {
            continue;
        };
        for mut source in projected.sources_mut().iter_mut() {
            if !keeps_bundles {
                source.clear_cluster_trust_bundle();
            }
            if !keeps_certificates {
                source.clear_pod_certificate();
            }
        }
    }
}

fn has_stop_signal(spec: PodSpec<'_>) -> bool {
    let mut found = false;
    for_each_container(spec, &Path::NOWHERE, &mut |container, _| {
        found |= container
            .lifecycle()
            .is_some_and(|lifecycle| lifecycle.stop_signal().is_some());
    });
    found
}

fn drop_stop_signals(spec: &mut PodSpecMut<'_>) {
    for_each_container_mut(spec, &mut |mut container| {
        let Some(mut lifecycle) = container.lifecycle_mut() else {
            return;
        };
        lifecycle.clear_stop_signal();
        if lifecycle.view().record().is_empty() {
            container.clear_lifecycle();
        }
    });
}
