//! `VolumeAttachment`.

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::dns1123_subdomain;
use pintle_runtime::value::Record;

use crate::storage::v1::{
    VolumeAttachment, VolumeAttachmentSource, VolumeAttachmentStatus, VolumeError,
};
use crate::validation::Rules;
use crate::validation::core::persistent_volume;
use crate::validation::immutable::immutable;
use crate::validation::volume_source::csi_driver_name;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[("status", update)],
};

const METADATA_LIMIT: usize = 256 << 10;
const MESSAGE_LIMIT: usize = 1024;

fn create(new: &Record, errors: &mut ErrorList) {
    always(new, errors);
    // These came with v1, and are not asked of what was there before.
    let spec = VolumeAttachment::from_record(new).spec();
    csi_driver_name(spec.attacher(), &Path::new("spec.attacher"), errors);
    if let Some(name) = spec.source().persistent_volume_name() {
        errors.invalid_each(
            &Path::new("spec.source.persistentVolumeName"),
            name,
            dns1123_subdomain(name),
        );
    }
}

/// Upstream looks at the new object twice, and its causes say so.
fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    always(new, errors);
    always(new, errors);
    let (now, before) = (
        VolumeAttachment::from_record(new),
        VolumeAttachment::from_record(old),
    );
    immutable(
        now.spec().record(),
        before.spec().record(),
        &Path::new("spec"),
        errors,
    );
}

fn always(new: &Record, errors: &mut ErrorList) {
    let attachment = VolumeAttachment::from_record(new);
    let spec = attachment.spec();
    let path = Path::new("spec");
    if spec.attacher().is_empty() {
        errors.required(&path.child("attacher"), "");
    }
    source(spec.source(), &path.child("source"), errors);
    let node = spec.node_name();
    errors.invalid_each(&path.child("nodeName"), node, dns1123_subdomain(node));
    status(attachment.status(), errors);
}

fn source(source: VolumeAttachmentSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    const ONE: &str = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (source.inline_volume_spec(), source.persistent_volume_name()) {
        (None, None) => errors.required(path, ONE),
        (Some(_), Some(_)) => errors.forbidden(path, ONE),
        (None, Some("")) => errors.required(
            &path.child("persistentVolumeName"),
            "must specify non empty persistentVolumeName",
        ),
        (None, Some(_)) => {}
        (Some(spec), None) => {
            persistent_volume::inline(spec, &path.child("inlineVolumeSpec"), errors);
        }
    }
}

fn status(status: VolumeAttachmentStatus<'_>, errors: &mut ErrorList) {
    let path = Path::new("status");
    let entries = status.attachment_metadata().iter();
    let size: usize = entries.map(|(key, value)| key.len() + value.len()).sum();
    if size > METADATA_LIMIT {
        errors.push(FieldError::too_long(
            &path.child("attachmentMetadata"),
            METADATA_LIMIT,
        ));
    }
    volume_error(status.attach_error(), &path.child("attachError"), errors);
    volume_error(status.detach_error(), &path.child("detachError"), errors);
}

fn volume_error(error: Option<VolumeError<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(error) = error else { return };
    if error.message().len() > MESSAGE_LIMIT {
        // The limit that upstream names is not the one that it checks.
        errors.push(FieldError::too_long(&path.child("message"), METADATA_LIMIT));
    }
    if let Some(code) = error.error_code()
        && code < 0
    {
        errors.invalid(
            &path.child("errorCode"),
            code,
            "must be between 0 and 2147483647, inclusive",
        );
    }
}
