//! Get: one object.

use http::{Response, StatusCode};
use pintle_runtime::status::ApiError;

use super::Call;
use crate::body::Body;
use crate::context::RequestContext;
use crate::gzip;
use crate::negotiate::{Offers, representation};
use crate::respond::{self, Compression};
use crate::store::Store;

/// Answers with the object that the path names.
pub(super) async fn get(call: &Call<'_>, store: &Store, cx: &RequestContext) -> Result<Response<Body>, ApiError> {
    let representation = representation(call.headers, call.query, Offers::Object)?;
    let mut resource_version = None;
    if !call.query.is_empty() {
        if call.query.flag("export") {
            return Err(ApiError::bad_request("the export parameter, deprecated since v1.14, is no longer supported"));
        }
        resource_version = call.query.first("resourceVersion");
    }
    let revision = resource_version.as_deref().unwrap_or_default();
    let object = store.get(&call.permit, cx, &call.target.name, revision).await?;
    respond::object(StatusCode::OK, representation, compression(call), &object)
}

/// Get and list are what upstream compresses.
pub(super) fn compression(call: &Call<'_>) -> Compression {
    if gzip::is_accepted(call.headers) { Compression::Gzip } else { Compression::None }
}
