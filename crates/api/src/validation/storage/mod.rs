//! `storage`: a module for each kind, or for each few that belong together.

use super::Rules;

mod attachment;
mod class;
mod csi;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "StorageClass" => class::STORAGE,
        "VolumeAttributesClass" => class::ATTRIBUTES,
        "VolumeAttachment" => attachment::RULES,
        "CSIDriver" => csi::DRIVER,
        "CSINode" => csi::NODE,
        "CSIStorageCapacity" => csi::CAPACITY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
