//! What the server does to the metadata of what is written.

use std::collections::BTreeSet;

use pintle_runtime::meta::METADATA;
use pintle_runtime::meta::positions::object_meta;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};

use crate::context::RequestContext;
use crate::metadata::{Metadata, MetadataMut};

/// The metadata of an object that is to be written.
pub(crate) fn of(object: &mut Record) -> Result<MetadataMut<'_>, ApiError> {
    MetadataMut::of(object)
        .ok_or_else(|| ApiError::internal("an object without metadata can not be kept"))
}

/// The same, to read.
pub(super) fn record(object: &Record) -> Result<&Record, ApiError> {
    object
        .get(METADATA)
        .and_then(Value::as_record)
        .ok_or_else(|| ApiError::internal("an object without metadata can not be kept"))
}

/// Has the object be in the namespace of the request, and a cluster-scoped one in none.
pub(crate) fn agree_on_namespace(
    metadata: &mut MetadataMut<'_>,
    expected: &str,
) -> Result<(), ApiError> {
    match metadata.read().namespace() {
        found if found == expected => Ok(()),
        "" => {
            metadata.set_namespace(expected.to_owned());
            Ok(())
        }
        _ if expected.is_empty() => {
            metadata.set_namespace("");
            Ok(())
        }
        _ => Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
    }
}

/// Refuses an object whose name is not the one in the path.
pub(crate) fn agree_on_name(metadata: Metadata<'_>, expected: &str) -> Result<(), ApiError> {
    match metadata.name() {
        found if found == expected => Ok(()),
        "" => Err(ApiError::bad_request(format!(
            "the name of the object ({expected} based on URL) was undeterminable: name must be provided"
        ))),
        found => Err(ApiError::bad_request(format!(
            "the name of the object ({found}) does not match the name on the URL ({expected})"
        ))),
    }
}

/// When owners that are named twice are found out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// In what the client sent.
    Sent,
    /// After admission, which may have named them again.
    Admitted,
}

/// Keeps of owners that are named twice the first, and tells the client.
pub(super) fn name_owners_once(cx: &RequestContext, metadata: &mut MetadataMut<'_>, found: Found) {
    let owners: Vec<_> = metadata.read().owner_references().collect();
    let mut once: Vec<&Record> = Vec::with_capacity(owners.len());
    let mut twice = BTreeSet::new();
    for owner in &owners {
        if once.contains(owner) {
            let uid = owner.get_by_name("uid").and_then(Value::as_str);
            twice.insert(uid.unwrap_or_default());
        } else {
            once.push(owner);
        }
    }
    if twice.is_empty() {
        return;
    }
    let when = match found {
        Found::Sent => "",
        Found::Admitted => " after mutating admission happens",
    };
    let uids: Vec<_> = twice.into_iter().collect();
    cx.warn(format!(
        ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, and \
         may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
        uids.join(", ")
    ));
    let once = once.into_iter().cloned().map(Value::Record).collect();
    metadata.set_or_remove(object_meta::OWNER_REFERENCES, Some(Value::List(once)));
}

/// Takes away what is the server's to say of a new object.
pub(crate) fn wipe(metadata: &mut MetadataMut<'_>) {
    metadata.set_uid("");
    metadata.set_creation_timestamp(None);
    metadata.set_deletion_timestamp(None);
    metadata.set_deletion_grace_period(None);
    metadata.clear_self_link();
}

/// Says of a new object what is the server's to say.
pub(super) fn initialize(cx: &RequestContext, metadata: &mut MetadataMut<'_>) {
    metadata.set_creation_timestamp(Some(cx.now().truncate_to_seconds()));
    metadata.set_uid(cx.environment.random.uid());
    let generate = metadata.read().generate_name();
    if !generate.is_empty() && metadata.read().name().is_empty() {
        let name = pintle_runtime::name::generate(generate, &mut || cx.environment.random.bits());
        metadata.set_name(name);
    }
}

/// Keeps of an existing object what no update changes.
pub(super) fn carry_over(metadata: &mut MetadataMut<'_>, old: Metadata<'_>) {
    if metadata.read().uid().is_empty() {
        metadata.set_uid(old.uid().to_owned());
    }
    if let Some(created) = old.creation_timestamp() {
        metadata.set_creation_timestamp(Some(created));
    }
    if let Some(deleted) = old.deletion_timestamp() {
        metadata.set_deletion_timestamp(Some(deleted));
    }
    if old.deletion_grace_period().is_some() && metadata.read().deletion_grace_period().is_none() {
        metadata.set_deletion_grace_period(old.deletion_grace_period());
    }
}
