//! Access to devices as their administrator, past who else uses them: only in namespaces that are labelled for it.

use pintle_api::resource::v1::{DeviceClaim, ResourceClaim, ResourceClaimTemplate};
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use crate::admission::Elsewhere;

/// The API group of devices.
pub(crate) const GROUP: &str = "resource.k8s.io";

const LABEL: &str = "resource.kubernetes.io/admin-access";

/// The kind of an object that asks for such access, and the path of the field in which it does.
pub(crate) struct Asked {
    kind: &'static str,
    path: String,
}

/// Checks a write in `namespace` that asks for such access; `more` is what else is wrong with it.
pub(crate) fn check(
    elsewhere: &Elsewhere,
    namespace: &str,
    asked: &Asked,
    new: &Record,
    more: ErrorList,
) -> Result<(), ApiError> {
    let namespace = elsewhere.namespace(namespace)?;
    if namespace.is_some_and(|namespace| namespace.label(LABEL) == Some("true")) {
        return Ok(());
    }
    let mut errors = ErrorList::new();
    errors.forbidden(
        &Path::new(&asked.path),
        format!(
            "admin access to devices requires the `{LABEL}: true` label on the containing namespace"
        ),
    );
    errors.extend(more);
    let kind = GroupKind::new(GROUP, asked.kind);
    let name = Metadata::of(new).name();
    Err(ApiError::invalid(&kind, name, &errors))
}

/// What a write of a claim, its status or a template for claims asks for; `old` is there on an update. Nothing else
/// can ask, and what has been granted stays.
pub(crate) fn asked(subresource: &str, new: &Record, old: Option<&Record>) -> Option<Asked> {
    if subresource == "status" {
        let first = |record| {
            let status = ResourceClaim::from_record(record).status();
            let mut results = status.allocation()?.devices().results().into_iter();
            results.position(|result| result.admin_access() == Some(true))
        };
        let at = first(new).filter(|_| old.and_then(first).is_none())?;
        return Some(Asked {
            kind: "ResourceClaim",
            path: format!("status.allocation.devices.results[{at}].adminAccess"),
        });
    }
    // A spec stays as it is.
    if old.is_some() {
        return None;
    }
    let is_template = new.ty().field_index("status").is_none();
    let (kind, claim) = if is_template {
        let spec = ResourceClaimTemplate::from_record(new).spec();
        ("ResourceClaimTemplate", spec.spec().devices())
    } else {
        (
            "ResourceClaim",
            ResourceClaim::from_record(new).spec().devices(),
        )
    };
    let at = first_request(claim)?;
    Some(Asked {
        kind,
        path: format!("spec.devices.requests[{at}].adminAccess"),
    })
}

fn first_request(claim: DeviceClaim<'_>) -> Option<usize> {
    let mut requests = claim.requests().into_iter();
    requests.position(|request| {
        let exactly = request.exactly();
        exactly.is_some_and(|exactly| exactly.admin_access() == Some(true))
    })
}
