//! Projected volumes: files of several origins in one directory.

use std::collections::HashSet;

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::selector::{InvalidValues, validate_label_selector};
use pintle_runtime::view::List;

use super::env::{self, Told};
use super::leeway::Leeway;
use super::signers::{bundle_name, is_kubernetes};
use super::sources::{key, local_path, mode, needed};
use super::typed;
use crate::core::v1::{
    ClusterTrustBundleProjection, DownwardAPIVolumeFile, KeyToPath, PodCertificateProjection,
    ProjectedVolumeSource, ServiceAccountTokenProjection, VolumeProjection,
};
use crate::validation::certificates::signer_name;
use crate::validation::internal_form;

const SAME_PATH: &str = "conflicting duplicate paths";
const KEY_TYPES: [&str; 6] = [
    "RSA3072",
    "RSA4096",
    "ECDSAP256",
    "ECDSAP384",
    "ECDSAP521",
    "ED25519",
];

/// Paths that are taken, and where that is said.
struct Paths<'a> {
    taken: HashSet<&'a str>,
    at: &'a Path<'a>,
}

impl<'a> Paths<'a> {
    /// Takes a path; if it is taken already, that is said of the volume, showing `shown`.
    fn take(&mut self, path: &'a str, shown: &str, errors: &mut ErrorList) {
        if !self.taken.insert(path) {
            errors.invalid(self.at, shown, SAME_PATH);
        }
    }
}

/// Checks a projected volume (`validateProjectedVolumeSource`).
pub(super) fn check(
    volume: ProjectedVolumeSource<'_>,
    leeway: &Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    mode(volume.default_mode(), &path.child("defaultMode"), errors);
    let mut paths = Paths {
        taken: HashSet::new(),
        at: path,
    };
    let at = path.child("sources");
    for (index, source) in volume.sources().iter().enumerate() {
        one(source, leeway, &mut paths, &at.index(index), errors);
    }
}

fn one<'a>(
    source: VolumeProjection<'a>,
    leeway: &Leeway,
    paths: &mut Paths<'a>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut count = 0;
    if let Some(it) = source.secret() {
        count += 1;
        keyed(it.name(), it.items(), paths, &path.child("secret"), errors);
    }
    if let Some(it) = source.config_map() {
        count += 1;
        keyed(
            it.name(),
            it.items(),
            paths,
            &path.child("configMap"),
            errors,
        );
    }
    if let Some(it) = source.downward_api() {
        count += 1;
        for file in it.items() {
            told_file(file, &path.child("downwardAPI"), errors);
            if !file.path().is_empty() {
                paths.take(file.path(), file.path(), errors);
            }
        }
    }
    if let Some(it) = source.service_account_token() {
        count += 1;
        let at = path.child("serviceAccountToken");
        token(it, leeway, &at, paths.at, errors);
    }
    if let Some(it) = source.cluster_trust_bundle() {
        count += 1;
        trust_bundle(it, &path.child("clusterTrustBundle"), errors);
        paths.take(it.path(), it.path(), errors);
    }
    if let Some(it) = source.pod_certificate() {
        count += 1;
        certificate(it, paths, &path.child("podCertificate"), errors);
    }
    if count > 1 {
        errors.forbidden(path, "may not specify more than 1 volume type per source");
    }
}

fn keyed<'a>(
    name: &str,
    items: List<'a, KeyToPath<'a>>,
    paths: &mut Paths<'a>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    needed(&[("name", name)], path, errors);
    let at = path.child("items");
    for (index, item) in items.iter().enumerate() {
        key(item, &at.index(index), errors);
        if !item.path().is_empty() {
            paths.take(item.path(), name, errors);
        }
    }
}

/// A file with something about the pod. Upstream says of the list what is wrong with an item.
pub(super) fn told_file(file: DownwardAPIVolumeFile<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    needed(&[("path", file.path())], path, errors);
    local_path(file.path(), &path.child("path"), errors);
    match (file.field_ref(), file.resource_field_ref()) {
        (Some(field), resource) => {
            env::field_ref(field, Told::File, &path.child("fieldRef"), errors);
            if resource.is_some() {
                errors.invalid(
                    path,
                    "resource",
                    "fieldRef and resourceFieldRef can not be specified simultaneously",
                );
            }
        }
        (None, Some(resource)) => {
            let at = path.child("resourceFieldRef");
            env::resource_field_ref(resource, Told::File, &at, errors);
        }
        (None, None) => errors.required(path, "one of fieldRef and resourceFieldRef is required"),
    }
    mode(file.mode(), &path.child("mode"), errors);
}

fn token(
    token: ServiceAccountTokenProjection<'_>,
    leeway: &Leeway,
    path: &Path<'_>,
    volume: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("expirationSeconds");
    match token.expiration_seconds() {
        None => errors.required(&at, ""),
        Some(seconds) if seconds < 600 => {
            errors.invalid(
                &at,
                seconds,
                "may not specify a duration less than 10 minutes",
            );
        }
        Some(seconds) if seconds > 1 << 32 => {
            let detail = "may not specify a duration larger than 2^32 seconds";
            errors.invalid(&at, seconds, detail);
        }
        Some(_) => {}
    }
    let at = volume.child("path");
    if token.path().is_empty() {
        errors.required(&at, "");
    } else if !leeway.token_paths {
        local_path(token.path(), &at, errors);
    }
}

fn trust_bundle(bundle: ClusterTrustBundleProjection<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    match (bundle.name(), bundle.signer_name()) {
        (Some(_), Some(_)) => errors.invalid(
            path,
            internal_form::shown(Some(bundle.record())),
            "only one of name and signerName may be used",
        ),
        (Some(name), None) => {
            let at = path.child("name");
            if name.is_empty() {
                errors.required(&at, "must be a valid object name");
            }
            for fault in bundle_name(name) {
                let detail = format!("not a valid clustertrustbundlename: {fault}");
                errors.invalid(&at, name, detail);
            }
            if let Some(selector) = bundle.label_selector() {
                errors.invalid(
                    &path.child("labelSelector"),
                    internal_form::shown(Some(selector.record())),
                    "labelSelector must be unset if name is specified",
                );
            }
        }
        (None, Some(signer)) => {
            let at = path.child("signerName");
            if signer.is_empty() {
                errors.required(&at, "must be a valid signer name");
            }
            signer_name::check(signer, &at, errors);
            if let Some(selector) = bundle.label_selector() {
                let at = path.child("labelSelector");
                validate_label_selector(selector, InvalidValues::Refused, &at, errors);
            }
        }
        (None, None) => errors.required(path, "either name or signerName must be specified"),
    }
    needed(&[("path", bundle.path())], path, errors);
    local_path(bundle.path(), &path.child("path"), errors);
}

fn certificate<'a>(
    certificate: PodCertificateProjection<'a>,
    paths: &mut Paths<'a>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let at = path.child("signerName");
    signer_name::check(certificate.signer_name(), &at, errors);
    let key_type = certificate.key_type();
    if !KEY_TYPES.contains(&key_type) {
        errors.not_supported(&path.child("keyType"), typed(key_type), KEY_TYPES);
    }
    if let Some(seconds) = certificate.max_expiration_seconds() {
        let most = if is_kubernetes(certificate.signer_name()) {
            86_400
        } else {
            7_862_400
        };
        let at = path.child("maxExpirationSeconds");
        if seconds < 3600 {
            errors.invalid(
                &at,
                seconds,
                "if provided, maxExpirationSeconds must be >= 3600",
            );
        }
        if seconds > most {
            let detail = format!("if provided, maxExpirationSeconds must be <= {most}");
            errors.invalid(&at, seconds, detail);
        }
    }
    let files = [
        ("credentialBundlePath", certificate.credential_bundle_path()),
        ("keyPath", certificate.key_path()),
        ("certificateChainPath", certificate.certificate_chain_path()),
    ];
    for (name, file) in files.into_iter().filter(|(_, file)| !file.is_empty()) {
        local_path(file, &path.child(name), errors);
        paths.take(file, file, errors);
    }
    if files.iter().all(|(_, file)| file.is_empty()) {
        errors.required(
            path,
            "specify at least one of credentialBundlePath, keyPath, and certificateChainPath",
        );
    }
}
