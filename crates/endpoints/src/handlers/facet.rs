//! Get, update and patch of what an object is shown as.

use http::{Response, StatusCode};
use pintle_runtime::codec::json;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::Call;
use super::apply::Configuration;
use super::decode::{Expected, decode};
use super::options::WriteOptions;
use super::patch::PatchType;
use super::patched::Patch;
use super::reply::Reply;
use super::write::{in_time, user_agent};
use crate::admission::{Attributes, Operation};
use crate::body::{self, Body};
use crate::cache::Object;
use crate::context::RequestContext;
use crate::delete_options::Preconditions;
use crate::facet::FacetEndpoint;
use crate::metadata::Metadata;
use crate::negotiate::{Offers, input_format};
use crate::permit::Permit;
use crate::registry::Registry;
use crate::store::{Change, Duty, Existing, Store, metadata};

/// Answers with the object that the path names as it is shown.
pub(super) async fn get(
    call: &Call<'_>,
    store: &Store,
    endpoint: &FacetEndpoint,
    cx: &RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate_compressed(call, cx, Offers::Object)?;
    let revision = call.query.first("resourceVersion").unwrap_or_default();
    let object = store
        .get(&call.permit, cx, &call.target.name, &revision)
        .await?;
    reply.object(
        StatusCode::OK,
        endpoint.kind.row(),
        &endpoint.shown(&object)?,
    )
}

/// Writes the object that the path names through the body.
pub(super) async fn update(
    call: Call<'_>,
    store: &Store,
    endpoint: &FacetEndpoint,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let reply = Reply::negotiate(&call, cx, Offers::Object)?;
    let target = Target::of(&call, store, endpoint);
    let bytes = body::read_counted(call.body, call.server.body_limit, call.series).await?;
    let options = WriteOptions::parse(call.query, "UpdateOptions")?;
    let format = input_format(call.headers)?;
    cx.dry_run = options.dry_run;
    cx.field_manager = options.manager(user_agent(call.headers));
    let (expected, validation) = (target.expected(), options.field_validation);
    let given = decode(
        &bytes,
        format,
        &expected,
        validation,
        &call.server.registry,
        cx,
    )?;
    let uid = Metadata::of(&given).uid();
    let preconditions = Preconditions {
        uid: (!uid.is_empty()).then(|| uid.to_owned()),
        resource_version: None,
    };
    let make = |_: &Record| Ok((given.clone(), Duty::Store));
    let written = in_time(target.write(cx, &preconditions, make)).await?;
    reply.object(StatusCode::OK, endpoint.kind.row(), &written)
}

/// Changes the object that the path names through what it is shown as.
pub(super) async fn patch(
    call: Call<'_>,
    store: &Store,
    endpoint: &FacetEndpoint,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let kind = PatchType::of(call.headers, store.row())?;
    let reply = Reply::negotiate(&call, cx, Offers::Object)?;
    let target = Target::of(&call, store, endpoint);
    let limit = call.server.body_limit;
    let body = body::read_counted(call.body, limit, call.series).await?;
    if let Some(recording) = &cx.recording {
        recording.body(|| body.clone());
    }
    let options = kind.options(call.query)?;
    cx.dry_run = options.dry_run;
    cx.field_manager = options.manager(user_agent(call.headers));
    let cx = &*cx;
    let make = |live: &Record| {
        if kind == PatchType::Apply {
            let books = endpoint.kind.field_manager(cx);
            let configuration = Configuration::new(&body, &options);
            let new = configuration.applied(live, endpoint.kind.row(), &books, cx)?;
            return Ok((new, Duty::Maker));
        }
        let patch = Patch::new(kind, &body, options.field_validation, limit);
        let mut old = Vec::new();
        json::encode(live, &mut old);
        let new = patch.patched(
            live,
            &old.into(),
            &target.expected(),
            &call.server.registry,
            cx,
        )?;
        Ok((new, Duty::Store))
    };
    let written = in_time(target.write(cx, &Preconditions::default(), make)).await?;
    reply.object(StatusCode::OK, endpoint.kind.row(), &written)
}

/// What is written, and how it is shown.
struct Target<'a> {
    permit: Permit,
    name: &'a str,
    registry: &'a Registry,
    store: &'a Store,
    endpoint: &'a FacetEndpoint,
}

impl<'a> Target<'a> {
    fn of(call: &Call<'a>, store: &'a Store, endpoint: &'a FacetEndpoint) -> Self {
        Self {
            permit: call.permit.clone(),
            name: &call.target.name,
            registry: &call.server.registry,
            store,
            endpoint,
        }
    }

    fn expected(&self) -> Expected<'a> {
        Expected {
            accepts: &self.endpoint.accepts,
            ..Expected::object(self.endpoint.kind.row())
        }
    }

    /// Writes the object through what `make` makes of what is shown of it, and gives what is shown then. Where
    /// someone else writes meanwhile, `make` is asked again, unless what it makes names a revision.
    async fn write(
        &self,
        cx: &RequestContext,
        preconditions: &Preconditions,
        mut make: impl FnMut(&Record) -> Result<(Record, Duty), ApiError> + Send,
    ) -> Result<Object, ApiError> {
        let Self { permit, name, .. } = self;
        let change = Change {
            preconditions: preconditions.clone(),
            books: Duty::Maker,
            admission: Duty::Maker,
            ..Change::default()
        };
        loop {
            let current = self.store.get(permit, cx, name, "").await?;
            let revision = current.entry().revision();
            let mut object = current.record()?;
            let live = self.endpoint.shown_with_books(&object)?;
            let (mut new, books) = make(&live)?;
            let mut metadata = metadata::of(&mut new)?;
            metadata::agree_on_namespace(&mut metadata, &cx.namespace)?;
            metadata::agree_on_name(metadata.read(), name)?;
            self.endpoint.kind.forms().hub().name(&mut new);
            if books == Duty::Store {
                let manager = self.endpoint.kind.field_manager(cx);
                manager.update(Some(&live), &mut new, &cx.field_manager);
            }
            self.admit(cx, &live, &mut new).await?;
            self.endpoint.check(&new, &object)?;
            self.endpoint.take_back(&new, &mut object)?;
            // Whoever names the revision that is there now, as a patch does that says nothing of it, may as well be asked
            // again about the next one.
            let said = Metadata::of(&object).resource_version();
            let is_blind = matches!(said, "" | "0") || said == revision.to_string();
            let mut is_stale = false;
            let make = |existing: Option<Existing<'_>>| {
                let found = existing.map(|existing| existing.object.entry().revision());
                is_stale = found != Some(revision);
                if is_stale && is_blind {
                    return Err(ApiError::modified(&self.store.row().into(), name));
                }
                Ok(object.clone())
            };
            match self
                .store
                .update_from(permit, cx, name, &change, make)
                .await
            {
                Err(_) if is_stale && is_blind => {}
                written => return self.endpoint.shown(&written?.object),
            }
        }
    }

    /// Both passes of admission, which see what is shown and not the object.
    async fn admit(
        &self,
        cx: &RequestContext,
        old: &Record,
        new: &mut Record,
    ) -> Result<(), ApiError> {
        let Some(chain) = self.registry.admission() else {
            return Ok(());
        };
        let (row, kind) = (self.store.row(), &self.endpoint.kind);
        let interested = self.endpoint.interested(chain, row);
        if !interested.cares(Operation::Update) {
            return Ok(());
        }
        let attributes = Attributes::of_old(
            Operation::Update,
            row,
            kind.subresource(),
            &cx.namespace,
            old,
        );
        interested.mutate(cx, &attributes, Some(new)).await?;
        interested.validate(cx, &attributes, Some(new)).await
    }
}
