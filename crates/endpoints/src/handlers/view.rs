//! Get and list where nothing is kept.

use std::sync::Arc;

use http::{Response, StatusCode};
use pintle_runtime::status::ApiError;

use super::Call;
use super::list;
use super::reply::Reply;
use crate::body::Body;
use crate::cache::{Selection, Version};
use crate::context::RequestContext;
use crate::list_options::{ListOptions, canonical_fields};
use crate::negotiate::Offers;
use crate::store::List;
use crate::strategy::DefaultStrategy;
use crate::unkept::{Asked, Kind, View};

fn asked<'a>(call: &'a Call<'_>, cx: &'a RequestContext) -> Asked<'a> {
    Asked {
        cx,
        permit: &call.permit,
        name: &call.target.name,
        parent: None,
        registry: &call.server.registry,
    }
}

/// Answers with the object that the path names.
pub(super) async fn get(
    call: &Call<'_>,
    kind: &Kind,
    view: &dyn View,
    cx: &RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate_compressed(call, cx, Offers::Object)?;
    let record = view.get(asked(call, cx)).await?;
    reply.object(StatusCode::OK, kind.row(), &kind.object(record)?)
}

/// Answers with the selected objects. There are no pages, and the list is of no revision.
pub(super) async fn list(
    call: &Call<'_>,
    kind: &Kind,
    view: &dyn View,
    cx: &RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate_compressed(call, cx, Offers::List)?;
    let pairs = call.pairs();
    let options = ListOptions::parse(pairs.iter().map(|(key, value)| (&**key, &**value)), false)?;
    let fields = canonical_fields(kind.row(), &DefaultStrategy::default(), &options.fields)?;
    let selection = Selection::new(
        kind.forms(),
        Some(&cx.namespace),
        options.labels.clone(),
        &fields,
    );
    let mut entries = Vec::new();
    for record in view.list(asked(call, cx), &options).await? {
        let object = kind.object(record)?;
        if selection.matches(object.entry()) {
            entries.push(Arc::clone(object.entry()));
        }
    }
    list::answer(kind.row(), List::made(Version::HUB, entries), reply)
}
