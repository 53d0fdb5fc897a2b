//! Create and update.

use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, Response, StatusCode};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::Call;
use super::decode::{Expected, decode};
use super::options::WriteOptions;
use super::reply::Reply;
use crate::body::{self, Body};
use crate::context::RequestContext;
use crate::negotiate::{Offers, input_format};
use crate::store::{Store, Written};

/// Makes the object in the body.
pub(super) async fn create(
    call: Call<'_>,
    store: &Store,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let permit = call.permit.clone();
    let (reply, object) = read(call, store, cx, "CreateOptions").await?;
    let written = in_time(store.create(&permit, cx, object)).await?;
    answer(&reply, store, &written)
}

/// Replaces the object that the path names by the one in the body.
pub(super) async fn update(
    call: Call<'_>,
    store: &Store,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let (permit, name, server) = (call.permit.clone(), call.target.name.clone(), call.server);
    let (reply, object) = read(call, store, cx, "UpdateOptions").await?;
    if store.strategy().traits().create_on_update && !store.has(cx, &name) {
        permit.check_creation(&*server.authorizer).await?;
    }
    let written = in_time(store.update(&permit, cx, &name, object)).await?;
    answer(&reply, store, &written)
}

/// Reads options and body, in upstream's order: a create looks at the body's type before all else, an update after the
/// options.
async fn read(
    call: Call<'_>,
    store: &Store,
    cx: &mut RequestContext,
    kind: &'static str,
) -> Result<(Reply, Record), ApiError> {
    let reply = Reply::negotiate(&call, cx, Offers::Object)?;
    if kind == "CreateOptions" {
        input_format(call.headers)?;
    }
    let bytes = body::read_counted(call.body, call.server.body_limit, call.series).await?;
    let options = WriteOptions::parse(call.query, kind)?;
    let format = input_format(call.headers)?;
    cx.dry_run = options.dry_run;
    cx.field_manager = options.manager(user_agent(call.headers));
    let expected = Expected::object(store.row());
    let object = decode(
        &bytes,
        format,
        &expected,
        options.field_validation,
        &call.server.registry,
        cx,
    )?;
    Ok((reply, object))
}

/// Answers with what was written: 201 if it was not there before.
///
/// # Errors
/// Those of [`Reply::object`].
pub(super) fn answer(
    reply: &Reply,
    store: &Store,
    written: &Written,
) -> Result<Response<Body>, ApiError> {
    let code = if written.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    reply.object(code, store.row(), &written.object)
}

/// Who the client says that it is.
pub(super) fn user_agent(headers: &HeaderMap) -> &str {
    headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default()
}

/// Cuts a write off that takes too long, whatever time the request has.
///
/// # Errors
/// 504, and those of the write.
pub(super) async fn in_time<T>(
    write: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    match tokio::time::timeout(LONGEST_WRITE, write).await {
        Ok(result) => result,
        Err(_) => Err(ApiError::timeout(
            "request did not complete within requested timeout - context deadline exceeded",
            None,
        )),
    }
}

const LONGEST_WRITE: Duration = Duration::from_secs(34);
