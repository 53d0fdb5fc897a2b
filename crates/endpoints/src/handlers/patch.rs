//! Patch: JSON patch, merge patch, strategic merge patch, and server-side apply.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use pintle_runtime::resource::Resource;
use pintle_runtime::schema::Ref;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::Call;
use super::apply::Configuration;
use super::decode::Expected;
use super::options::WriteOptions;
use super::patched::Patch;
use super::reply::Reply;
use super::write::{answer, in_time, user_agent};
use crate::body::{self, Body};
use crate::context::RequestContext;
use crate::metadata::Metadata;
use crate::negotiate::{Offers, unsupported_patch_type};
use crate::permit::Permit;
use crate::query::Query;
use crate::store::{Change, Duty, Existing, Store, Written};

/// The languages of patches, in the order in which upstream names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PatchType {
    /// RFC 6902: operations.
    Json,
    /// RFC 7386: an object to merge.
    Merge,
    /// Kubernetes' own: an object to merge as its kind says.
    Strategic,
    /// The fields that somebody cares for.
    Apply,
}

impl PatchType {
    const ALL: [Self; 4] = [Self::Json, Self::Merge, Self::Strategic, Self::Apply];

    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }

    /// The options of a patch of this type.
    ///
    /// # Errors
    /// 422
    pub(super) fn options(self, query: Query<'_>) -> Result<WriteOptions, ApiError> {
        match self {
            Self::Apply => WriteOptions::parse_apply(query),
            _ => WriteOptions::parse_patch(query),
        }
    }

    /// The type that a request for an object of `row`, or for something below one, says its body is of.
    ///
    /// # Errors
    /// 415
    pub(super) fn of(headers: &HeaderMap, row: &Resource) -> Result<Self, ApiError> {
        Self::said(headers, matches!(row.object, Ref::Shared(_)))
    }

    /// The types that objects of a kind take. What a custom resource's schema says of its fields says nothing of
    /// strategies.
    fn taken(is_custom: bool) -> impl Iterator<Item = Self> + Clone {
        let taken = move |kind: &Self| !is_custom || *kind != Self::Strategic;
        Self::ALL.into_iter().filter(taken)
    }

    /// 415 is in the words of the router, which looks through all types that are given and lets custom resources
    /// pass, or in those of the handler, which looks at the first.
    fn said(headers: &HeaderMap, is_custom: bool) -> Result<Self, ApiError> {
        let said = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let taken = Self::taken(is_custom);
        let named = |name: &str| taken.clone().find(|kind| kind.media_type() == name);
        let bare = |said: &'_ str| said.find(';').map_or(said.len(), |at| at);
        let known = |said: &str| named(said[..bare(said)].trim()).is_some();
        if !is_custom && !said.split(',').any(known) {
            return Err(unsupported_patch_type());
        }
        named(&said[..bare(said)]).ok_or_else(|| {
            let types: Vec<_> = taken.clone().map(Self::media_type).collect();
            ApiError::unsupported_media_type(&types)
        })
    }
}

/// Changes the object that the path names.
pub(super) async fn patch(
    call: Call<'_>,
    store: &Store,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let kind = PatchType::of(call.headers, store.row())?;
    let reply = Reply::negotiate(&call, cx, Offers::Object)?;
    let (permit, name, registry) = (
        call.permit.clone(),
        call.target.name.clone(),
        &call.server.registry,
    );
    let body = body::read_counted(call.body, call.server.body_limit, call.series).await?;
    if let Some(recording) = &cx.recording {
        recording.body(|| body.clone());
    }
    let options = kind.options(call.query)?;
    cx.dry_run = options.dry_run;
    cx.field_manager = options.manager(user_agent(call.headers));
    let written = if kind == PatchType::Apply {
        if store.subresource_name().is_empty() && !store.has(cx, &name) {
            permit.check_creation(&*call.server.authorizer).await?;
        }
        apply(&permit, store, cx, &name, &body, &options).await?
    } else {
        let patch = Patch::new(
            kind,
            &body,
            options.field_validation,
            call.server.body_limit,
        );
        let make = |existing: Option<Existing<'_>>| match existing {
            Some(existing) => {
                let expected = Expected::object(store.row());
                let (record, old) = (existing.record, existing.object.json()?);
                patch.patched(record, old, &expected, registry, cx)
            }
            None => Err(store.not_found(&name)),
        };
        in_time(store.update_from(&permit, cx, &name, &Change::default(), make)).await?
    };
    answer(&reply, store, &written)
}

async fn apply(
    permit: &Permit,
    store: &Store,
    cx: &RequestContext,
    name: &str,
    body: &Bytes,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    let configuration = Configuration::new(body, options);
    let (row, books) = (store.row(), store.field_manager(cx));
    let change = Change {
        // What is below an object never makes one.
        creates: store.subresource_name().is_empty(),
        books: Duty::Maker,
        ..Change::default()
    };
    let make = |existing: Option<Existing<'_>>| match existing {
        Some(existing) => configuration.applied(existing.record, row, &books, cx),
        None => {
            let empty = Record::new(row.object.clone());
            let new = configuration.applied(&empty, row, &books, cx)?;
            match Metadata::of(&new).uid() {
                "" => Ok(new),
                uid => Err(store.uid_mismatch(name, uid)),
            }
        }
    };
    in_time(store.update_from(permit, cx, name, &change, make)).await
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(said: &'static str, is_custom: bool, expected: Result<PatchType, &str>) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(said))]);
        let found = PatchType::said(&headers, is_custom).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{said}");
    }

    #[test]
    fn a_patch_says_what_it_is() {
        let merge = Ok(PatchType::Merge);
        check("application/merge-patch+json", false, merge);
        check("application/merge-patch+json; charset=utf-8", false, merge);
        let strategic = "application/strategic-merge-patch+json";
        check(strategic, false, Ok(PatchType::Strategic));
        let router = "415: Unsupported Media Type";
        check("application/json", false, Err(router));
        check("", false, Err(router));
        let refused = "the body of the request was in an unknown format - accepted media types include: \
            application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        check(strategic, true, Err(refused));
    }

    #[test]
    fn the_router_and_the_handler_read_types_in_their_own_ways() {
        let refused = "the body of the request was in an unknown format - accepted media types include: \
            application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, \
            application/apply-patch+yaml";
        check(
            "application/json, application/merge-patch+json",
            false,
            Err(refused),
        );
        check(
            "application/merge-patch+json ; charset=utf-8",
            false,
            Err(refused),
        );
    }
}
