//! Delete and deletecollection.

use bytes::Bytes;
use http::{Response, StatusCode};
use pintle_runtime::codec::protobuf::envelope;
use pintle_runtime::codec::{DecodeError, Problems, json, protobuf, yaml};
use pintle_runtime::meta::tables;
use pintle_runtime::quote::Quoted;
use pintle_runtime::schema::Ref;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};

use super::reply::Reply;
use super::write::in_time;
use super::{Call, list};
use crate::body::{self, Body};
use crate::context::RequestContext;
use crate::delete_options::DeleteOptions;
use crate::list_options::ListOptions;
use crate::negotiate::{Format, Offers, input_format};
use crate::store::{Deleted, Store};

/// Deletes the object that the path names.
pub(super) async fn delete(
    call: Call<'_>,
    store: &Store,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate(&call, cx, Offers::Object)?;
    let (permit, name) = (call.permit.clone(), call.target.name.clone());
    let (server, recording) = (call.server, call.recording);
    let options = read_options(call).await?;
    cx.dry_run = options.is_dry_run();
    if options.ignore_unreadable {
        if let Some(recording) = recording {
            recording.annotate("apiserver.k8s.io/unsafe-delete-ignore-read-error", "");
        }
        permit.check_unsafe_deletion(&*server.authorizer).await?;
        let deleted = in_time(store.delete_unreadable(&permit, cx, &name)).await?;
        return Ok(reply.status(StatusCode::OK, &deleted));
    }
    let deleted = in_time(store.delete(&permit, cx, &name, &options)).await?;
    // Upstream would say so for everything that is not gone at once, but old clients expect 200.
    let accepted = deleted.is_kept() && options.orphan_dependents == Some(false);
    let code = if accepted {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    match &deleted {
        Deleted::Status(status, _) => Ok(reply.status(code, status)),
        Deleted::Kept(object) | Deleted::Gone(object) => reply.object(code, store.row(), object),
    }
}

/// Deletes the selected objects of the collection that the path names, and answers with them.
pub(super) async fn delete_collection(
    call: Call<'_>,
    store: &Store,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate(&call, cx, Offers::Object)?;
    let pairs = call.pairs();
    let selected = ListOptions::parse(pairs.iter().map(|(key, value)| (&**key, &**value)), false)?;
    let permit = call.permit.clone();
    drop(pairs);
    let options = read_options(call).await?;
    options.validate_for_many()?;
    cx.dry_run = options.is_dry_run();
    let deleted = store
        .delete_collection(&permit, cx, &options, &selected)
        .await?;
    list::answer(store.row(), deleted, reply)
}

/// The options in the body or, where that is empty, in the query.
async fn read_options(call: Call<'_>) -> Result<DeleteOptions, ApiError> {
    let (headers, query, limit) = (call.headers, call.query, call.server.body_limit);
    let (unsafe_deletion, recording) = (call.server.unsafe_deletion, call.recording);
    let bytes = body::read_counted(call.body, limit, call.series).await?;
    let mut options = if bytes.is_empty() {
        let pairs: Vec<_> = query.pairs().collect();
        DeleteOptions::parse(pairs.iter().map(|(key, value)| (&**key, &**value)))?
    } else {
        let (api_version, record) = decode(&bytes, input_format(headers)?)?;
        if let Some(recording) = recording {
            recording.body(|| named(record.clone(), &api_version));
        }
        DeleteOptions::from_record(&record)
    };
    options.ignore_unreadable &= unsafe_deletion;
    options.validate()?;
    Ok(options)
}

/// The options as JSON that says what they are.
fn named(mut record: Record, api_version: &str) -> Bytes {
    for (name, value) in [("kind", KIND), ("apiVersion", api_version)] {
        if let Some(field) = record.ty().field_index(name) {
            record.set(field, Value::String(value.to_owned().into()));
        }
    }
    let mut out = Vec::new();
    json::encode(&record, &mut out);
    out.into()
}

const KIND: &str = "DeleteOptions";
/// Of options that do not say of which they are.
const API_VERSION: &str = "meta.k8s.io/v1";

/// Reads a `DeleteOptions`, which clients send as of any group and version: this, and they.
fn decode(body: &Bytes, format: Format) -> Result<(String, Record), ApiError> {
    let refuse = |error: DecodeError| ApiError::bad_request(error.to_string());
    let ty = Ref::Static(&tables::DELETE_OPTIONS);
    let unread = |error: DecodeError| {
        ApiError::bad_request(match error {
            DecodeError::Syntax(text) => {
                format!("couldn't get version/kind; json parse error: {text}")
            }
            DecodeError::Mismatch(text) => text,
        })
    };
    let mut problems = Problems::ignored();
    let (kind, api_version, record) = match format {
        Format::Json => {
            let said = json::type_meta(body).map_err(unread)?;
            (
                said.kind,
                said.api_version,
                json::decode(&ty, body, &mut problems),
            )
        }
        Format::Yaml => {
            let as_json = yaml::to_json(body, &mut problems).map_err(refuse)?;
            let said = json::type_meta(&as_json).map_err(unread)?;
            (
                said.kind,
                said.api_version,
                yaml::decode(&ty, body, &mut problems),
            )
        }
        Format::Protobuf => {
            let envelope = envelope::unwrap(body).map_err(refuse)?;
            (
                envelope.kind,
                envelope.api_version,
                protobuf::decode(&ty, &envelope.raw),
            )
        }
    };
    let version = match api_version.as_str() {
        "" => API_VERSION.to_owned(),
        said => said.to_owned(),
    };
    if !kind.is_empty() && kind.as_str() != KIND {
        return Err(ApiError::bad_request(format!(
            "no kind {} is registered for version {} in scheme \"{SCHEME}\"",
            Quoted(&kind),
            Quoted(&version)
        )));
    }
    Ok((version, record.map_err(refuse)?))
}

/// The place in upstream's source that its message names.
const SCHEME: &str = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:31";
