//! Finding types and rows.

use pintle_runtime::resource::Group;
use pintle_runtime::schema::{Ref, Type, TypeRef};

use crate::generated::resources::GROUPS;
use crate::generated::types::{EVERYWHERE, KINDS, TYPES};

/// The groups with their versions and resources, in the order of `/apis` with every group version
/// and gate on; the core group comes first. Rows say what is served by default.
pub fn groups() -> &'static [Group] {
    &GROUPS
}

/// Every type, by definition name.
pub fn types() -> impl ExactSizeIterator<Item = &'static Type> {
    TYPES.iter().copied()
}

/// The type with an OpenAPI definition name, such as `io.k8s.api.core.v1.Pod`.
pub fn type_by_name(name: &str) -> Option<TypeRef> {
    let at = TYPES
        .binary_search_by(|ty| ty.name.as_ref().cmp(name))
        .ok()?;
    Some(Ref::Static(TYPES[at]))
}

/// The type of a kind. `DeleteOptions` and the other options of requests are found under whatever
/// group version they are asked for.
pub fn type_by_kind(group: &str, version: &str, kind: &str) -> Option<TypeRef> {
    if let Ok(at) = KINDS.binary_search_by(|(key, _)| key.cmp(&(group, version, kind))) {
        return Some(Ref::Static(KINDS[at].1));
    }
    let (_, ty) = EVERYWHERE.iter().find(|(name, _)| *name == kind)?;
    Some(Ref::Static(ty))
}

/// The group that a kind is in today, if it is one of a version that nobody serves any more but that upstream still reads.
pub fn past(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    let listed = PAST.iter().find(|(name, versions, kinds)| {
        *name == group && versions.contains(&version) && kinds.contains(&kind)
    });
    let (name, ..) = listed?;
    Some(match (*name, kind) {
        ("extensions", "Ingress" | "NetworkPolicy") => "networking.k8s.io",
        ("extensions", _) => "apps",
        (name, _) => name,
    })
}

/// Kinds of versions that are no longer served.
const PAST: [(&str, &[&str], &[&str]); 22] = [
    (
        "admissionregistration.k8s.io",
        &["v1beta1"],
        &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ],
    ),
    (
        "apps",
        &["v1beta1", "v1beta2"],
        &["ControllerRevision", "Deployment", "StatefulSet"],
    ),
    ("apps", &["v1beta2"], &["DaemonSet", "ReplicaSet"]),
    (
        "authentication.k8s.io",
        &["v1alpha1", "v1beta1"],
        &["SelfSubjectReview"],
    ),
    ("authentication.k8s.io", &["v1beta1"], &["TokenReview"]),
    (
        "authorization.k8s.io",
        &["v1beta1"],
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
    ),
    ("batch", &["v1beta1"], &["CronJob"]),
    (
        "certificates.k8s.io",
        &["v1beta1"],
        &["CertificateSigningRequest"],
    ),
    ("coordination.k8s.io", &["v1beta1"], &["Lease"]),
    ("discovery.k8s.io", &["v1beta1"], &["EndpointSlice"]),
    ("events.k8s.io", &["v1beta1"], &["Event"]),
    (
        "extensions",
        &["v1beta1"],
        &[
            "DaemonSet",
            "Deployment",
            "Ingress",
            "NetworkPolicy",
            "ReplicaSet",
        ],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        &["v1beta1", "v1beta2", "v1beta3"],
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    (
        "networking.k8s.io",
        &["v1beta1"],
        &["Ingress", "IngressClass"],
    ),
    ("node.k8s.io", &["v1alpha1", "v1beta1"], &["RuntimeClass"]),
    ("policy", &["v1beta1"], &["Eviction", "PodDisruptionBudget"]),
    (
        "rbac.authorization.k8s.io",
        &["v1alpha1", "v1beta1"],
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    ("scheduling.k8s.io", &["v1beta1"], &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["v1alpha1", "v1beta1"],
        &[
            "CSIStorageCapacity",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
    (
        "storage.k8s.io",
        &["v1beta1"],
        &["CSIDriver", "CSINode", "StorageClass"],
    ),
    (
        "apiextensions.k8s.io",
        &["v1beta1"],
        &["CustomResourceDefinition"],
    ),
    ("apiregistration.k8s.io", &["v1beta1"], &["APIService"]),
];
