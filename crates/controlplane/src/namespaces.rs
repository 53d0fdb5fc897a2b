//! The life of a namespace. What it means to everything else is the plug-in `NamespaceLifecycle`.

use pintle_api::core::v1::{Namespace, NamespaceMut};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::{Metadata, MetadataMut};
use pintle_endpoints::strategy::Hold;
use pintle_runtime::value::Record;

/// Namespaces that every cluster has.
pub const SYSTEM_NAMESPACES: [&str; 4] =
    ["default", "kube-system", "kube-public", "kube-node-lease"];

/// A new namespace: held by the finalizer `kubernetes`, active.
pub(crate) fn prepare_for_create(object: &mut Record) {
    let mut namespace = NamespaceMut::from_record(object);
    namespace.clear_status();
    namespace.status_mut().set_phase("Active");
    let mut spec = namespace.spec_mut();
    if !spec.view().finalizers().contains("kubernetes") {
        spec.finalizers_mut().push("kubernetes");
    }
}

/// An update keeps what `finalize` and `status` are for.
pub(crate) fn prepare_for_update(object: &mut Record, old: &Record) {
    let old = Namespace::from_record(old);
    let mut new = NamespaceMut::from_record(object);
    new.set_spec(old.spec().record().clone());
    new.set_status(old.status().record().clone());
}

/// A namespace goes when its content has, which the finalizers in its `spec` say. The first delete
/// only says that it is to go, even if nothing holds it.
pub(crate) fn hold(cx: &RequestContext, object: &mut Record) -> Hold {
    let is_new = Metadata::of(object).deletion_timestamp().is_none();
    if is_new {
        if let Some(mut metadata) = MetadataMut::of(object) {
            metadata.set_deletion_timestamp(Some(cx.now().truncate_to_seconds()));
        }
        NamespaceMut::from_record(object)
            .status_mut()
            .set_phase("Terminating");
    }
    if is_new || !is_finalized(object) {
        Hold::Kept
    } else {
        Hold::Nothing
    }
}

/// `finalize` is for the finalizers in `spec`; `status` is not its to change.
pub(crate) fn prepare_for_finalize(object: &mut Record, old: &Record) {
    let status = Namespace::from_record(old).status().record().clone();
    NamespaceMut::from_record(object).set_status(status);
}

/// Whether nothing holds the namespace any more.
pub(crate) fn is_finalized(object: &Record) -> bool {
    Namespace::from_record(object)
        .spec()
        .finalizers()
        .is_empty()
}
