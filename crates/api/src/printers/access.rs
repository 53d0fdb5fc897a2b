//! Role bindings and certificates.

use std::borrow::Cow;

use pintle_runtime::time::Time;
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use super::Cells;
use super::age::{age_cell, human_duration};
use super::cell::cells;
use super::text::{NONE, append, join, labels, or};
use crate::certificates;
use crate::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};

pub(super) fn role_binding(object: &Record, now: Time) -> Cells<'_> {
    let object = RoleBinding::from_record(object);
    let meta = object.metadata();
    let subjects = object.subjects();
    cells![
        meta.name(),
        role(object.role_ref()),
        age_cell(meta.creation_timestamp(), now),
        subjects_of(subjects, "User"),
        subjects_of(subjects, "Group"),
        service_accounts(subjects),
    ]
}

pub(super) fn cluster_role_binding(object: &Record, now: Time) -> Cells<'_> {
    let object = ClusterRoleBinding::from_record(object);
    let meta = object.metadata();
    let subjects = object.subjects();
    cells![
        meta.name(),
        role(object.role_ref()),
        age_cell(meta.creation_timestamp(), now),
        subjects_of(subjects, "User"),
        subjects_of(subjects, "Group"),
        service_accounts(subjects),
    ]
}

fn role(role: RoleRef<'_>) -> String {
    format!("{}/{}", role.kind(), role.name())
}

fn subjects_of<'a>(subjects: List<'a, Subject<'a>>, kind: &str) -> Cow<'a, str> {
    let of_kind = subjects
        .into_iter()
        .filter(|subject| subject.kind() == kind);
    join(of_kind.map(|subject| subject.name()), ", ")
}

fn service_accounts<'a>(subjects: List<'a, Subject<'a>>) -> String {
    let mut text = String::new();
    for account in subjects
        .into_iter()
        .filter(|subject| subject.kind() == "ServiceAccount")
    {
        let comma = if text.is_empty() { "" } else { ", " };
        append(
            &mut text,
            format_args!("{comma}{}/{}", account.namespace(), account.name()),
        );
    }
    text
}

pub(super) fn certificate_signing_request(object: &Record, now: Time) -> Cells<'_> {
    let object = certificates::v1::CertificateSigningRequest::from_record(object);
    let (meta, spec, status) = (object.metadata(), object.spec(), object.status());
    let conditions = status.conditions();
    let has = |ty: &str| conditions.iter().any(|condition| condition.type_() == ty);
    // A denial counts more than an approval.
    let decision = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    };
    let mut parts = vec![decision];
    if has("Failed") {
        parts.push("Failed");
    }
    if !status.certificate().is_empty() {
        parts.push("Issued");
    }
    let duration = spec
        .expiration_seconds()
        .map_or(Cow::Borrowed(NONE), |seconds| {
            human_duration(i64::from(seconds) * 1_000_000_000)
        });
    cells![
        meta.name(),
        age_cell(meta.creation_timestamp(), now),
        or(spec.signer_name(), NONE),
        spec.username(),
        duration,
        join(parts, ","),
    ]
}

pub(super) fn pod_certificate_request(object: &Record, _: Time) -> Cells<'_> {
    let object = certificates::v1beta1::PodCertificateRequest::from_record(object);
    let spec = object.spec();
    let state = object
        .status()
        .conditions()
        .iter()
        .rev()
        .find_map(|condition| {
            Some(condition.type_()).filter(|ty| matches!(*ty, "Issued" | "Denied" | "Failed"))
        });
    cells![
        object.metadata().name(),
        spec.pod_name(),
        spec.service_account_name(),
        spec.node_name(),
        spec.signer_name(),
        state.unwrap_or("Pending"),
        labels(spec.unverified_user_annotations()),
    ]
}

/// The printer of a version of ClusterTrustBundle.
macro_rules! cluster_trust_bundle {
    ($version:ident) => {
        pub(in crate::printers) mod $version {
            use super::*;
            use crate::certificates::$version::ClusterTrustBundle;

            pub(in crate::printers) fn cluster_trust_bundle(object: &Record, _: Time) -> Cells<'_> {
                let object = ClusterTrustBundle::from_record(object);
                cells![
                    object.metadata().name(),
                    or(object.spec().signer_name(), NONE)
                ]
            }
        }
    };
}
cluster_trust_bundle!(v1alpha1);
cluster_trust_bundle!(v1beta1);

#[cfg(test)]
mod tests {
    use crate::printers::tests::check;

    #[test]
    fn a_binding_shows_its_subjects_by_kind() {
        check(
            r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"a"},
            "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"},
            "subjects":[{"kind":"User","name":"nobody-here"}]}"#,
            r#"["a","ClusterRole/view","<unknown>","nobody-here","",""]"#,
        );
        check(
            r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"a"},
            "roleRef":{"kind":"Role","name":"r"},
            "subjects":[{"kind":"User","name":"b"},{"kind":"ServiceAccount","namespace":"n","name":"s"},{"kind":"Group","name":"g"},
            {"kind":"User","name":"a"},{"kind":"ServiceAccount","namespace":"n","name":"t"}]}"#,
            r#"["a","Role/r","<unknown>","b, a","g","n/s, n/t"]"#,
        );
    }

    #[track_caller]
    fn check_request(spec: &str, status: &str, duration: &str, condition: &str) {
        check(
            &format!(
                r#"{{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{{"name":"a"}},
                "spec":{{"signerName":"example.com/golden","username":"admin"{spec}}},"status":{{{status}}}}}"#
            ),
            &format!(
                r#"["a","<unknown>","example.com/golden","admin","{duration}","{condition}"]"#
            ),
        );
    }

    #[test]
    fn a_signing_request_says_how_far_it_is() {
        check_request("", "", "<none>", "Pending");
        let approved = r#""conditions":[{"type":"Approved","status":"True"}]"#;
        check_request("", approved, "<none>", "Approved");
        let issued = format!(r#"{approved},"certificate":"Y2VydA==""#);
        check_request(
            r#","expirationSeconds":86400"#,
            &issued,
            "24h",
            "Approved,Issued",
        );
        let denied = r#""conditions":[{"type":"Approved"},{"type":"Failed"},{"type":"Denied"}]"#;
        check_request("", denied, "<none>", "Denied,Failed");
    }

    #[test]
    fn certificates_of_pods_and_bundles_name_their_signer() {
        check(
            r#"{"apiVersion":"certificates.k8s.io/v1beta1","kind":"PodCertificateRequest","metadata":{"name":"a"},
            "spec":{"podName":"p","serviceAccountName":"s","nodeName":"n","signerName":"e.com/x","unverifiedUserAnnotations":{"e.com/b":"2","e.com/a":"1"}},
            "status":{"conditions":[{"type":"Issued","status":"True"}]}}"#,
            r#"["a","p","s","n","e.com/x","Issued","e.com/a=1,e.com/b=2"]"#,
        );
        check(
            r#"{"apiVersion":"certificates.k8s.io/v1beta1","kind":"ClusterTrustBundle","metadata":{"name":"a"},"spec":{"trustBundle":""}}"#,
            r#"["a","<none>"]"#,
        );
    }
}
