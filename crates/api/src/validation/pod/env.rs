//! Environment variables and where they come from.

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::{
    NameRule, Part, config_map_key, dns1123_label, dns1123_subdomain, label_key,
    relaxed_env_var_name,
};

use super::sources::no_backsteps;
use crate::core::v1::{
    Container, EnvVar, EnvVarSource, FileKeySelector, ObjectFieldSelector, ResourceFieldSelector,
};
use crate::validation::quantity::amount;

const SOURCES: &str = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";

/// What a variable may be told of its pod.
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// What a file may be told of its pod.
const FILE_FIELDS: [&str; 5] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// Who is told something of the pod.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// A variable of a container.
    Variable,
    /// A file of a volume.
    File,
}

/// Checks `env` and `envFrom` of a container.
pub(super) fn check(container: Container<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("env");
    for (index, variable) in container.env().iter().enumerate() {
        let at = at.index(index);
        let name = variable.name();
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        } else {
            errors.invalid_each(&at.child("name"), name, relaxed_env_var_name(name));
        }
        if let Some(from) = variable.value_from() {
            value_from(variable, from, &at.child("valueFrom"), errors);
        }
    }
    let at = path.child("envFrom");
    for (index, source) in container.env_from().iter().enumerate() {
        let item = at.index(index);
        let prefix = source.prefix();
        if !prefix.is_empty() {
            errors.invalid_each(&item.child("prefix"), prefix, relaxed_env_var_name(prefix));
        }
        let named = [
            (
                "configMapRef",
                source.config_map_ref().map(|from| from.name()),
            ),
            ("secretRef", source.secret_ref().map(|from| from.name())),
        ];
        for (field, name) in named {
            match name {
                None => {}
                Some("") => errors.required(&item.child(field).child("name"), ""),
                Some(name) => errors.invalid_each(
                    &item.child(field).child("name"),
                    name,
                    NameRule::DnsSubdomain.check(name, Part::Prefix),
                ),
            }
        }
        match named.iter().filter(|(_, name)| name.is_some()).count() {
            0 => errors.invalid(
                &at,
                "",
                "must specify one of: `configMapRef` or `secretRef`",
            ),
            1 => {}
            _ => errors.invalid(
                &at,
                "",
                "may not have more than one field specified at a time",
            ),
        }
    }
}

fn value_from(
    variable: EnvVar<'_>,
    from: EnvVarSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let mut count = 0;
    if let Some(field) = from.field_ref() {
        count += 1;
        field_ref(field, Told::Variable, &path.child("fieldRef"), errors);
    }
    if let Some(resource) = from.resource_field_ref() {
        count += 1;
        let at = path.child("resourceFieldRef");
        resource_field_ref(resource, Told::Variable, &at, errors);
    }
    let keyed = [
        (
            "configMapKeyRef",
            from.config_map_key_ref().map(|key| (key.name(), key.key())),
        ),
        (
            "secretKeyRef",
            from.secret_key_ref().map(|key| (key.name(), key.key())),
        ),
    ];
    for (field, selector) in keyed {
        let Some((name, key)) = selector else {
            continue;
        };
        count += 1;
        let at = path.child(field);
        errors.invalid_each(&at.child("name"), name, dns1123_subdomain(name));
        if key.is_empty() {
            errors.required(&at.child("key"), "");
        } else {
            errors.invalid_each(&at.child("key"), key, config_map_key(key));
        }
    }
    if let Some(file) = from.file_key_ref() {
        count += 1;
        file_key_ref(file, &path.child("fileKeyRef"), errors);
    }
    if count == 0 {
        errors.invalid(path, "", SOURCES);
    } else if !variable.value().is_empty() {
        errors.invalid(path, "", "may not be specified when `value` is not empty");
    } else if count > 1 {
        errors.invalid(
            path,
            "",
            "may not have more than one field specified at a time",
        );
    }
}

fn file_key_ref(file: FileKeySelector<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if file.key().is_empty() {
        errors.required(&path.child("key"), "");
    } else {
        errors.invalid_each(
            &path.child("key"),
            file.key(),
            relaxed_env_var_name(file.key()),
        );
    }
    let volume = file.volume_name();
    if volume.is_empty() {
        errors.required(&path.child("volumeName"), "");
    } else {
        errors.invalid_each(&path.child("volumeName"), volume, dns1123_label(volume));
    }
    if file.path().is_empty() {
        errors.required(&path.child("path"), "");
    } else {
        no_backsteps(file.path(), &path.child("path"), errors);
    }
}

/// A field of the pod that is passed on (`validateObjectFieldSelector`).
pub(super) fn field_ref(
    selector: ObjectFieldSelector<'_>,
    told: Told,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (version, field) = (selector.api_version(), selector.field_path());
    if version.is_empty() {
        errors.required(&path.child("apiVersion"), "");
        return;
    }
    let at = path.child("fieldPath");
    if field.is_empty() {
        errors.required(&at, "");
        return;
    }
    let field = match internal_field(version, field) {
        Ok(field) => field,
        Err(fault) => {
            let detail = format!("error converting fieldPath: {fault}");
            errors.invalid(&at, field, detail);
            return;
        }
    };
    let allowed: &[&str] = match told {
        Told::Variable => &ENV_FIELDS,
        Told::File => &FILE_FIELDS,
    };
    match subscript(field) {
        Some(("metadata.annotations", key)) => {
            let key = key.to_lowercase();
            errors.invalid_each(path, &key, label_key(&key));
        }
        Some(("metadata.labels", key)) => errors.invalid_each(path, key, label_key(key)),
        Some((field, _)) => errors.invalid(path, field, "does not support subscript"),
        None if allowed.contains(&field) => {}
        None => errors.not_supported(&at, field, allowed),
    }
}

/// Splits `metadata.labels['a']` into `metadata.labels` and `a`.
fn subscript(field: &str) -> Option<(&str, &str)> {
    let (field, key) = field.strip_suffix("']")?.split_once("['")?;
    (!field.is_empty()).then_some((field, key))
}

/// The name of a field of pods as it is known inside (`ConvertDownwardAPIFieldLabel`).
fn internal_field<'a>(version: &str, field: &'a str) -> Result<&'a str, String> {
    if version != "v1" {
        return Err(format!("unsupported pod version: {version}"));
    }
    if let Some((map, _)) = subscript(field) {
        return match map {
            "metadata.annotations" | "metadata.labels" => Ok(field),
            _ => Err(format!("field label does not support subscript: {field}")),
        };
    }
    match field {
        "metadata.annotations"
        | "metadata.labels"
        | "metadata.name"
        | "metadata.namespace"
        | "metadata.uid"
        | "spec.nodeName"
        | "spec.restartPolicy"
        | "spec.serviceAccountName"
        | "spec.schedulerName"
        | "status.phase"
        | "status.hostIP"
        | "status.hostIPs"
        | "status.podIP"
        | "status.podIPs" => Ok(field),
        "spec.host" => Ok("spec.nodeName"),
        _ => Err(format!("field label not supported: {field}")),
    }
}

/// An amount that a container has or may have, passed on (`validateContainerResourceFieldSelector`).
pub(super) fn resource_field_ref(
    selector: ResourceFieldSelector<'_>,
    told: Told,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let resource = selector.resource();
    let huge = ["requests.hugepages-", "limits.hugepages-"]
        .iter()
        .any(|prefix| resource.starts_with(prefix));
    if told == Told::File && selector.container_name().is_empty() {
        errors.required(&path.child("containerName"), "");
    } else if resource.is_empty() {
        errors.required(&path.child("resource"), "");
    } else if !RESOURCES.contains(&resource) && !huge {
        errors.push(FieldError::not_supported(
            &path.child("resource"),
            resource,
            RESOURCES,
        ));
    }
    divisor(selector, huge, path, errors);
}

fn divisor(
    selector: ResourceFieldSelector<'_>,
    huge: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let divisor = selector.divisor();
    if amount(divisor).is_zero() {
        return;
    }
    let resource = selector.resource();
    let of = resource.split_once('.').map_or("", |(_, of)| of);
    let (name, is_fine) = match (resource.split('.').next(), of) {
        (Some("limits" | "requests"), "cpu") => {
            if !matches!(divisor, "1m" | "1") {
                errors.invalid(
                    &path.child("divisor"),
                    resource,
                    "only divisor's values 1m and 1 are supported with the cpu resource",
                );
            }
            return;
        }
        (Some("limits" | "requests"), "memory") => ("memory", is_unit(divisor)),
        (Some("limits" | "requests"), "ephemeral-storage") => {
            ("local ephemeral storage", is_unit(divisor))
        }
        _ if huge => ("hugepages", is_unit(divisor)),
        _ => return,
    };
    if !is_fine {
        let detail = format!(
            "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the {name} resource"
        );
        errors.invalid(&path.child("divisor"), resource, detail);
    }
}

/// One of something that is counted in powers of a thousand or of 1024.
fn is_unit(divisor: &str) -> bool {
    matches!(
        divisor,
        "1" | "1k"
            | "1M"
            | "1G"
            | "1T"
            | "1P"
            | "1E"
            | "1Ki"
            | "1Mi"
            | "1Gi"
            | "1Ti"
            | "1Pi"
            | "1Ei"
    )
}
