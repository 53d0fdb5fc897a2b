//! Finalizers, and what deletion does with them.

use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use crate::delete_options::{DeleteOptions, Propagation};
use crate::metadata::Metadata;
use crate::strategy::GarbageCollection;

/// The garbage collector takes the object's dependents from it first.
pub const ORPHAN: &str = "orphan";
/// The garbage collector deletes the object's dependents first.
pub const FOREGROUND: &str = "foregroundDeletion";

/// Whether an update leaves nothing that holds the object: its deletion has begun, its grace is over,
/// it has no finalizers.
pub fn is_deleted_by_update(new: &Record, old: &Record) -> bool {
    let (new, old) = (Metadata::of(new), Metadata::of(old));
    new.finalizers().next().is_none()
        && old.deletion_timestamp().is_some()
        && old
            .deletion_grace_period()
            .is_none_or(|seconds| seconds == 0)
}

/// The finalizers that an object has once its deletion was asked for; `None` if they stay.
pub(super) fn on_deletion(
    metadata: Metadata<'_>,
    options: &DeleteOptions,
    default: GarbageCollection,
) -> Option<Vec<Text>> {
    let others = metadata
        .finalizers()
        .filter(|name| !matches!(*name, ORPHAN | FOREGROUND));
    let mut finalizers: Vec<Text> = others.map(|name| Text::from(name.to_owned())).collect();
    let (orphan, foreground) = wanted(metadata, options, default);
    if orphan {
        finalizers.push(ORPHAN.into());
    }
    if foreground {
        finalizers.push(FOREGROUND.into());
    }
    let same = metadata.has_finalizer(ORPHAN) == orphan
        && metadata.has_finalizer(FOREGROUND) == foreground;
    (!same).then_some(finalizers)
}

/// Whether dependents are to be orphaned, and whether they are to go first. What the request says
/// comes before what the object says, and that before what the kind says.
fn wanted(
    metadata: Metadata<'_>,
    options: &DeleteOptions,
    default: GarbageCollection,
) -> (bool, bool) {
    if default == GarbageCollection::Unsupported {
        return (false, false);
    }
    if let Some(orphan) = options.orphan_dependents {
        return (orphan, false);
    }
    match &options.propagation_policy {
        Some(Propagation::Orphan) => return (true, false),
        Some(Propagation::Foreground) => return (false, true),
        Some(Propagation::Background) => return (false, false),
        Some(Propagation::Unknown(_)) | None => {}
    }
    for finalizer in metadata.finalizers() {
        match finalizer {
            ORPHAN => return (true, false),
            FOREGROUND => return (false, true),
            _ => {}
        }
    }
    (default == GarbageCollection::OrphanDependents, false)
}
