//! Pods, and the templates that other kinds make pods from.
//!
//! [`template`] is for kinds that make pods; the rules of `Pod`, `PodTemplate` and
//! `ReplicationController` are here as well. What is wrong with a spec is found in upstream's order, one
//! module for each subject:
//!
//! | Module | looks at |
//! | --- | --- |
//! | `spec` | the order in which all else is looked at, and what stands alone in a spec |
//! | `leeway` | what an update lets stay that a create refuses |
//! | `containers`, `env`, `mounts`, `probes`, `restart`, `resources` | containers of every sort |
//! | `volumes`, `sources`, `projected` | volumes of every sort |
//! | `affinity`, `spread`, `tolerations` | where a pod is put |
//! | `security`, `profiles`, `windows`, `system` | who a pod may be, on which system |
//! | `network` | names, addresses and ports |
//! | `annotations` | what was an annotation before it was a field |
//! | `update`, `status`, `resize` | what may change, and through which endpoint |

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::object_meta::{validate_annotations, validate_labels};
use pintle_runtime::value::Record;
use pintle_runtime::view::{List, StringMap};

use super::Rules;
use crate::core::v1::{Pod, PodSpec, PodTemplate, PodTemplateSpec, Toleration};
use leeway::Leeway;

mod affinity;
mod annotations;
mod claim_template;
mod containers;
mod env;
mod leeway;
mod mounts;
mod network;
mod probes;
mod profiles;
mod projected;
pub(crate) mod quality;
mod replication;
mod resize;
mod resources;
mod restart;
mod security;
mod signers;
mod sources;
mod spec;
mod spread;
mod status;
mod system;
mod tolerations;
mod update;
mod visit;
mod volumes;
mod windows;

#[cfg(test)]
mod tests;

pub use annotations::app_armor_profile;
pub use quality::quality_of_service;
pub(crate) use resources::of_all_containers;
pub use visit::{for_each_container, for_each_container_mut};

/// The rules of the kinds that are pods or hold them.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "Pod" => Rules {
            create: |new, errors| create(Pod::from_record(new), errors),
            update: |new, old, errors| {
                update::pod(Pod::from_record(new), Pod::from_record(old), errors);
            },
            subresources: &[
                ("status", |new, old, errors| {
                    status::update(Pod::from_record(new), Pod::from_record(old), errors);
                }),
                ("ephemeralcontainers", |new, old, errors| {
                    update::ephemeral_containers(
                        Pod::from_record(new),
                        Pod::from_record(old),
                        errors,
                    );
                }),
                ("resize", |new, old, errors| {
                    resize::update(Pod::from_record(new), Pod::from_record(old), errors);
                }),
            ],
        },
        "PodTemplate" => Rules {
            create: |new, errors| pod_template(new, None, errors),
            update: |new, old, errors| pod_template(new, Some(old), errors),
            subresources: &[],
        },
        "ReplicationController" => replication::RULES,
        _ => return None,
    })
}

/// All that is wrong with a template for pods at `path` (`ValidatePodTemplateSpec`). `old` is the
/// template that an update replaces: some of what it already had is allowed to stay.
pub fn template(
    template: PodTemplateSpec<'_>,
    old: Option<PodTemplateSpec<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let leeway = Leeway::of_template(old);
    let (meta, spec) = (template.metadata(), template.spec());
    validate_labels(meta.labels(), &path.child("labels"), errors);
    let at = path.child("annotations");
    validate_annotations(meta.annotations(), &at, errors);
    annotations::check(meta.annotations(), spec, &leeway, &at, errors);
    let at = path.child("spec");
    spec::check(spec, None, &leeway, &at, errors);
    profiles::seccomp_matches_annotations(meta.annotations(), spec, &at, errors);
    profiles::app_armor_matches_annotations(meta.annotations(), spec, &at, errors);
    if !spec.ephemeral_containers().is_empty() {
        errors.forbidden(
            &at.child("ephemeralContainers"),
            "ephemeral containers not allowed in pod template",
        );
    }
}

/// Taints that pods do not mind, in an object that is not a pod and is new.
pub(super) fn tolerations(
    tolerations: List<'_, Toleration<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    tolerations::check(tolerations, &Leeway::of_template(None), path, errors);
}

/// What running pods costs on top, in an object that is not a pod and is new.
pub(super) fn overhead(overhead: StringMap<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    resources::overhead(overhead, &Leeway::of_template(None), path, errors);
}

fn pod_template(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    template(
        PodTemplate::from_record(new).template(),
        old.map(|old| PodTemplate::from_record(old).template()),
        &Path::new("template"),
        errors,
    );
}

/// A new pod (`ValidatePodCreate`).
fn create(pod: Pod<'_>, errors: &mut ErrorList) {
    object(pod, &Leeway::of_pod(None), errors);
    let spec = pod.spec();
    let path = Path::new("spec");
    if !spec.ephemeral_containers().is_empty() {
        errors.forbidden(
            &path.child("ephemeralContainers"),
            "cannot be set on create",
        );
    }
    if !spec.node_name().is_empty() && !spec.scheduling_gates().is_empty() {
        errors.forbidden(
            &path.child("nodeName"),
            "cannot be set until all schedulingGates have been cleared",
        );
    }
    let annotations = pod.metadata().annotations();
    profiles::seccomp_matches_annotations(annotations, spec, &path, errors);
    profiles::app_armor_matches_annotations(annotations, spec, &path, errors);
}

/// What holds of every pod, new or changed (`validatePodMetadataAndSpec`).
fn object(pod: Pod<'_>, leeway: &Leeway, errors: &mut ErrorList) {
    let (meta, spec) = (pod.metadata(), pod.spec());
    let at = Path::new("metadata.annotations");
    annotations::check(meta.annotations(), spec, leeway, &at, errors);
    let path = Path::new("spec");
    spec::check(spec, Some(meta), leeway, &path, errors);
    if spec.service_account_name().is_empty() {
        tokens_need_an_account(spec, &path, errors);
    }
    let lists = [
        ("containers", spec.containers()),
        ("initContainers", spec.init_containers()),
    ];
    for (name, list) in lists {
        for (index, container) in list.iter().enumerate() {
            containers::of_a_pod(container, &path.child(name).index(index), errors);
        }
    }
}

fn tokens_need_an_account(spec: PodSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let volumes = path.child("volumes");
    for (index, volume) in spec.volumes().iter().enumerate() {
        let Some(projected) = volume.projected() else {
            continue;
        };
        let at = volumes.index(index);
        let (at, sources) = (at.child("projected"), projected.sources());
        let at = at.child("sources");
        for (index, source) in sources.iter().enumerate() {
            if source.service_account_token().is_some() {
                errors.forbidden(
                    &at.index(index).child("serviceAccountToken"),
                    "must not be specified when serviceAccountName is not set",
                );
            }
        }
    }
}

/// A string that has a type of its own in Go, which messages show as JSON.
fn typed(text: &str) -> BadValue {
    BadValue::json_string(text)
}

/// Whether a pod is the image of one that a kubelet runs by itself.
fn is_static(meta: ObjectMeta<'_>) -> bool {
    meta.annotations().contains_key(annotations::MIRROR)
}
