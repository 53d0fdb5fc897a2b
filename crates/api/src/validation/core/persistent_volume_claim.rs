//! `PersistentVolumeClaim`, and its spec in templates.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1123_label, dns1123_subdomain, label_key};
use pintle_runtime::object_meta::IMMUTABLE;
use pintle_runtime::value::Record;

use super::persistent_volume::{VOLUME_MODES, access_modes, basic_amount};
use crate::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimMut, PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
};
use crate::validation::immutable::{immutable, is_same};
use crate::validation::labels::{self, Values};
use crate::validation::volume_source::one_of;
use crate::validation::{Rules, internal_form, quantity};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", status)],
};

/// Names the storage class of claims from before there was a field for it.
pub(crate) const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const STORAGE: &str = "storage";

/// What a claim may have because it has had it.
#[derive(Clone, Copy)]
pub(crate) struct Leeway {
    /// Values in the selector.
    pub(crate) values: Values,
    /// Whether the group of a data source may be no domain.
    pub(crate) odd_groups: bool,
}

impl Leeway {
    /// That of a new claim: none.
    pub(crate) const NONE: Self = Self {
        values: Values::Checked,
        odd_groups: false,
    };

    /// That of a claim which was as `old` says.
    fn of(old: PersistentVolumeClaimSpec<'_>) -> Self {
        // Any fault of the old selector lets values through, not only one of its values.
        let mut faults = ErrorList::new();
        labels::selector(old.selector(), Values::Checked, &Path::NOWHERE, &mut faults);
        let source = old.data_source().is_some_and(|it| it.api_group().is_some());
        let reference = old
            .data_source_ref()
            .is_some_and(|it| it.api_group().is_some());
        Self {
            values: if faults.is_empty() {
                Values::Checked
            } else {
                Values::Kept
            },
            odd_groups: source || reference,
        }
    }
}

fn create(new: &Record, errors: &mut ErrorList) {
    let claim = PersistentVolumeClaim::from_record(new);
    spec(claim.spec(), Leeway::NONE, &Path::new("spec"), errors);
}

/// Checks the spec of a claim or of a template for claims.
pub(crate) fn spec(
    spec: PersistentVolumeClaimSpec<'_>,
    leeway: Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if spec.access_modes().is_empty() {
        errors.required(
            &path.child("accessModes"),
            "at least 1 access mode is required",
        );
    }
    labels::selector(
        spec.selector(),
        leeway.values,
        &path.child("selector"),
        errors,
    );
    access_modes(spec.access_modes(), path, errors);
    let at = path.child("resources");
    let at = at.key(STORAGE);
    match spec.resources().requests().get(STORAGE) {
        None => errors.required(&at, ""),
        Some(amount) => quantity::positive(amount, &at, errors),
    }
    if let Some(name) = spec.storage_class_name()
        && !name.is_empty()
    {
        errors.invalid_each(
            &path.child("storageClassName"),
            name,
            dns1123_subdomain(name),
        );
    }
    one_of(
        spec.volume_mode(),
        &VOLUME_MODES,
        &path.child("volumeMode"),
        errors,
    );
    data_sources(spec, leeway, path, errors);
    if let Some(name) = spec.volume_attributes_class_name()
        && !name.is_empty()
    {
        errors.invalid_each(
            &path.child("volumeAttributesClassName"),
            name,
            dns1123_subdomain(name),
        );
    }
}

fn data_sources(
    spec: PersistentVolumeClaimSpec<'_>,
    leeway: Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (source, reference) = (spec.data_source(), spec.data_source_ref());
    if let Some(source) = source {
        let path = path.child("dataSource");
        let object = (source.api_group(), source.kind(), source.name());
        data_source(object, leeway, &path, errors);
    }
    let mut namespace = "";
    if let Some(reference) = reference {
        let path = path.child("dataSourceRef");
        let object = (reference.api_group(), reference.kind(), reference.name());
        data_source(object, leeway, &path, errors);
        namespace = reference.namespace().unwrap_or("");
        if !namespace.is_empty() {
            errors.invalid_each(
                &path.child("namespace"),
                namespace,
                dns1123_label(namespace),
            );
        }
    }
    let (Some(source), Some(reference)) = (source, reference) else {
        return;
    };
    let same = source.api_group() == reference.api_group()
        && source.kind() == reference.kind()
        && source.name() == reference.name();
    let detail = if !namespace.is_empty() {
        "may not be specified when dataSourceRef.namespace is specified"
    } else if !same {
        "must match dataSourceRef"
    } else {
        return;
    };
    // The value that upstream shows is a path, which has no fields for JSON to write.
    errors.invalid(path, BadValue::Json("{}".to_owned()), detail);
}

fn data_source(
    (group, kind, name): (Option<&str>, &str, &str),
    leeway: Leeway,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (field, value) in [("name", name), ("kind", kind)] {
        if value.is_empty() {
            errors.required(&path.child(field), "");
        }
    }
    let group = group.unwrap_or("");
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        errors.invalid(
            path,
            kind,
            "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
        );
    }
    if !group.is_empty() && !leeway.odd_groups {
        errors.invalid_each(&path.child("apiGroup"), group, dns1123_subdomain(group));
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (
        PersistentVolumeClaim::from_record(new),
        PersistentVolumeClaim::from_record(old),
    );
    spec(
        now.spec(),
        Leeway::of(before.spec()),
        &Path::new("spec"),
        errors,
    );
    frozen_spec(new, old, errors);

    let request = |spec: PersistentVolumeClaimSpec<'_>| {
        quantity::amount(spec.resources().requests().get(STORAGE).unwrap_or("0"))
    };
    let provided = quantity::amount(now_or_zero(before.status()));
    if request(now.spec()) < request(before.spec()) && request(now.spec()) <= provided {
        errors.forbidden(
            &Path::new("spec.resources.requests.storage"),
            "field can not be less than status.capacity",
        );
    }
    immutable(
        now.spec().volume_mode(),
        before.spec().volume_mode(),
        &Path::new("volumeMode"),
        errors,
    );
    keeps_applied_class(now, before, errors);
}

/// A class of attributes that a volume has got cannot be taken from its claim again.
fn keeps_applied_class(
    new: PersistentVolumeClaim<'_>,
    old: PersistentVolumeClaim<'_>,
    errors: &mut ErrorList,
) {
    let (wanted, before) = (
        new.spec().volume_attributes_class_name(),
        old.spec().volume_attributes_class_name(),
    );
    let is_applied = old
        .status()
        .current_volume_attributes_class_name()
        .is_some();
    let nothing = match wanted {
        None => "nil",
        Some("") => "empty string",
        Some(_) => return,
    };
    if is_applied && wanted != before {
        errors.forbidden(
            &Path::new("spec.volumeAttributesClassName"),
            format!(
                "update to {nothing} is forbidden when status.currentVolumeAttributesClassName is not nil"
            ),
        );
    }
}

fn now_or_zero(status: PersistentVolumeClaimStatus<'_>) -> &str {
    status.capacity().get(STORAGE).unwrap_or("0")
}

/// The spec stays as it is, but for what is filled in once and what a bound claim may ask for.
fn frozen_spec(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (mut new, mut old) = (new.clone(), old.clone());
    let (now, before) = (
        PersistentVolumeClaim::from_record(&new),
        PersistentVolumeClaim::from_record(&old),
    );
    let named_once = before.spec().volume_name().is_empty();
    let (class, old_class) = (
        now.metadata().annotations().get(CLASS_ANNOTATION),
        before.metadata().annotations().get(CLASS_ANNOTATION),
    );
    let (field, old_field) = (
        now.spec().storage_class_name(),
        before.spec().storage_class_name(),
    );
    // A claim may move its class from the annotation to the field, or get one where it had none.
    let moves = old_class.is_some()
        && old_field.is_none()
        && field == old_class
        && class.is_none_or(|class| Some(class) == old_class);
    let mut gets = false;
    if !moves {
        if class.unwrap_or("") != old_class.unwrap_or("") {
            let path = Path::new("metadata.annotations");
            errors.invalid(
                &path.child(CLASS_ANNOTATION),
                class.unwrap_or(""),
                IMMUTABLE,
            );
        }
        gets = field.is_some()
            && old_field.is_none()
            && old_class.is_none_or(|class| Some(class) == field);
    }
    let bound = now.status().phase() == "Bound";
    let grows = bound && now.spec().resources().requests().is_present();
    let volume = now.spec().volume_name().to_owned();
    let old_size = before
        .spec()
        .resources()
        .requests()
        .get(STORAGE)
        .unwrap_or("0")
        .to_owned();
    let old_attributes = before
        .spec()
        .volume_attributes_class_name()
        .map(str::to_owned);
    if named_once {
        PersistentVolumeClaimMut::from_record(&mut old)
            .spec_mut()
            .set_volume_name(volume);
    }
    let mut claim = PersistentVolumeClaimMut::from_record(&mut new);
    let mut spec = claim.spec_mut();
    if moves || gets {
        spec.clear_storage_class_name();
    }
    if grows {
        spec.resources_mut()
            .requests_mut()
            .insert(STORAGE, old_size);
    }
    if bound {
        match old_attributes {
            Some(name) => spec.set_volume_attributes_class_name(name),
            None => spec.clear_volume_attributes_class_name(),
        }
    }
    let (now, before) = (
        PersistentVolumeClaim::from_record(&new).spec(),
        PersistentVolumeClaim::from_record(&old).spec(),
    );
    if !is_same(now.record(), before.record()) {
        let difference = internal_form::difference(before.record(), now.record());
        errors.forbidden(
            &Path::new("spec"),
            format!(
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{difference}"
            ),
        );
    }
}

fn status(new: &Record, _old: &Record, errors: &mut ErrorList) {
    let claim = PersistentVolumeClaim::from_record(new);
    if claim.spec().access_modes().is_empty() {
        errors.required(&Path::new("Spec.accessModes"), "");
    }
    let status = claim.status();
    let path = Path::new("status.capacity");
    for (name, amount) in status.capacity().iter() {
        basic_amount(amount, &path.key(name), errors);
    }
    resize_statuses(status, errors);
    let path = Path::new("status.allocatedResources");
    for (name, amount) in status.allocated_resources().iter() {
        if !resource_key(name, &path, errors) {
            continue;
        }
        let path = path.key(name);
        if quantity::amount(amount).value() < 0 {
            basic_amount(amount, &path, errors);
        } else {
            quantity::of_resource(STORAGE, amount, &path, errors);
        }
    }
}

fn resize_statuses(status: PersistentVolumeClaimStatus<'_>, errors: &mut ErrorList) {
    const STATUSES: [&str; 5] = [
        "ControllerResizeInProgress",
        "ControllerResizeInfeasible",
        "NodeResizeInProgress",
        "NodeResizeInfeasible",
        "NodeResizePending",
    ];
    let path = Path::new("status.allocatedResourceStatuses");
    for (name, found) in status.allocated_resource_statuses().iter() {
        resource_key(name, &path, errors);
        if !STATUSES.contains(&found) {
            let mut known = STATUSES;
            known.sort_unstable();
            errors.not_supported(&path, BadValue::json_string(name), known);
        }
    }
}

/// A resource that a claim can have been allocated; says whether it is one.
fn resource_key(name: &str, path: &Path<'_>, errors: &mut ErrorList) -> bool {
    let problems = label_key(name);
    if !problems.is_empty() {
        errors.invalid_each(path, name, problems);
        return false;
    }
    if quantity::is_native(name) && name != STORAGE {
        errors.not_supported(path, name, [STORAGE]);
        return false;
    }
    true
}
