//! Get: one object.

use http::{Response, StatusCode};
use pintle_runtime::status::ApiError;

use super::Call;
use super::reply::Reply;
use crate::body::Body;
use crate::context::RequestContext;
use crate::negotiate::Offers;
use crate::store::Store;

/// Answers with the object that the path names.
pub(super) async fn get(
    call: &Call<'_>,
    store: &Store,
    cx: &RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate_compressed(call, cx, Offers::Object)?;
    let mut resource_version = None;
    if !call.query.is_empty() {
        if call.query.flag("export") {
            return Err(ApiError::bad_request(
                "the export parameter, deprecated since v1.14, is no longer supported",
            ));
        }
        resource_version = call.query.first("resourceVersion");
    }
    let revision = resource_version.as_deref().unwrap_or_default();
    let object = store
        .get(&call.permit, cx, &call.target.name, revision)
        .await?;
    reply.object(StatusCode::OK, store.row(), &object)
}
