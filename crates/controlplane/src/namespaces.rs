//! What namespaces mean to everything else: the `NamespaceLifecycle` rules.

use std::sync::{Arc, OnceLock};

use pintle_api::core::v1::{Namespace, NamespaceMut};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::{Metadata, MetadataMut};
use pintle_endpoints::store::Store;
use pintle_endpoints::strategy::Hold;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::{ApiError, CauseReason, StatusCause};
use pintle_runtime::value::Record;

/// Namespaces that every cluster has.
pub const SYSTEM_NAMESPACES: [&str; 4] =
    ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Namespaces that may not be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Which namespaces there are. Made before the registry, which it looks into later.
#[derive(Debug, Default)]
pub struct Namespaces(OnceLock<Arc<Store>>);

impl Namespaces {
    /// Looks into `store` from now on.
    pub(crate) fn look_into(&self, store: Arc<Store>) {
        // A second registry would be a mistake of the caller; the first one stays.
        let _ = self.0.set(store);
    }

    /// Whether something may be created in `namespace`: it has to be there and not on its way out.
    ///
    /// # Errors
    /// 404 if it is not there, 403 with the cause `NamespaceTerminating` if it is terminating.
    pub fn admit(
        &self,
        resource: &GroupResource,
        name: &str,
        namespace: &str,
    ) -> Result<(), ApiError> {
        let Some(store) = self.0.get() else {
            return Err(ApiError::internal("namespaces are not known yet"));
        };
        let Some(entry) = store.cache().get(namespace) else {
            return Err(ApiError::not_found(
                &GroupResource::new("", "namespaces"),
                namespace,
            ));
        };
        if entry.field("status.phase") != "Terminating" {
            return Ok(());
        }
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let cause = StatusCause::new(
            CauseReason::NamespaceTerminating,
            format!("namespace {namespace} is being terminated"),
            "metadata.namespace",
        );
        Err(ApiError::forbidden(resource, name, why).with_cause(cause))
    }
}

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

/// # Errors
/// 403 for the namespaces that every cluster has.
pub(crate) fn check_deletion(_cx: &RequestContext, old: &Record) -> Result<(), ApiError> {
    let name = Namespace::from_record(old).metadata().name();
    if IMMORTAL.contains(&name) {
        let why = "this namespace may not be deleted";
        return Err(ApiError::forbidden(
            &GroupResource::new("", "namespaces"),
            name,
            why,
        ));
    }
    Ok(())
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
