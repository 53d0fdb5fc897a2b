//! Create where nothing is kept: an action's body in, its outcome out.

use http::{Response, StatusCode};
use pintle_runtime::status::ApiError;

use super::Call;
use super::decode::{Expected, decode};
use super::options::WriteOptions;
use super::reply::Reply;
use super::write::{in_time, user_agent};
use crate::admission::{Attributes, Operation};
use crate::body::{self, Body};
use crate::context::RequestContext;
use crate::metadata::{Metadata, MetadataMut};
use crate::negotiate::{Offers, input_format};
use crate::store::{Store, metadata};
use crate::unkept::{ActionEndpoint, Asked, Outcome};

/// Hands the body to the action. `parent` is there for a subresource.
pub(super) async fn create(
    call: Call<'_>,
    endpoint: &ActionEndpoint,
    parent: Option<&Store>,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let (kind, action) = (&endpoint.kind, &endpoint.action);
    let reply = Reply::negotiate(&call, cx, Offers::Object)?;
    let format = input_format(call.headers)?;
    let bytes = body::read_counted(call.body, call.server.body_limit, call.series).await?;
    let options = WriteOptions::parse(call.query, "CreateOptions")?;
    cx.dry_run = options.dry_run;
    cx.field_manager = options.manager(user_agent(call.headers));
    let expected = Expected {
        accepts: &endpoint.accepts,
        ..Expected::object(kind.row())
    };
    let registry = &call.server.registry;
    let mut body = decode(
        &bytes,
        format,
        &expected,
        options.field_validation,
        registry,
        cx,
    )?;
    kind.forms().hub().name(&mut body);
    action.default(&mut body);
    if let Some(mut metadata) = MetadataMut::of(&mut body) {
        if parent.is_none() || !action.keeps_system_fields() {
            metadata::wipe(&mut metadata);
        }
        metadata::agree_on_namespace(&mut metadata, &cx.namespace)?;
    }
    kind.manage_fields(cx, &mut body);
    let name = match &*call.target.name {
        "" => Metadata::of(&body).name().to_owned(),
        name => name.to_owned(),
    };
    let row = parent.map_or_else(|| kind.row(), Store::row);
    if let Some(chain) = registry.admission() {
        let interested = endpoint.interested(chain, row);
        if interested.cares(Operation::Create) {
            let (subresource, namespace) = (endpoint.subresource(), &cx.namespace);
            let attributes =
                Attributes::below(Operation::Create, row, subresource, namespace, &name);
            interested.mutate(cx, &attributes, Some(&mut body)).await?;
            interested.validate(cx, &attributes, Some(&body)).await?;
        }
    }
    let asked = Asked {
        cx,
        permit: &call.permit,
        name: &name,
        parent,
        registry,
    };
    match in_time(action.create(asked, body)).await? {
        Outcome::Object(record) => {
            reply.object(StatusCode::CREATED, kind.row(), &kind.object(record)?)
        }
        Outcome::Status(mut status) => {
            if status.code == 0 {
                status.code = StatusCode::CREATED.as_u16();
            }
            Ok(reply.status(StatusCode::CREATED, &status))
        }
    }
}
