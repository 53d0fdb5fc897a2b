//! Connect: a request that leaves the API through a subresource.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderValue, Response};
use pintle_runtime::schema::{FieldType, Flags, Shape, TypeRef};
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Record, Value};

use super::Call;
use crate::admission::{Attributes, Operation};
use crate::body::Body;
use crate::connect::{ConnectEndpoint, Passed};
use crate::context::RequestContext;
use crate::query::Query;
use crate::store::Store;
use crate::unkept::Asked;
use crate::websocket;

/// Hands the request over.
pub(super) async fn connect(
    call: Call<'_>,
    endpoint: &ConnectEndpoint,
    store: &Store,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    let rest = rest(&call);
    let ty = endpoint.connect.options();
    let mut options = options(&ty, call.query)?;
    if let (Some(at), false) = (ty.field_index("path"), rest.is_empty()) {
        options.set(at, Value::String(rest.clone().into()));
    }
    let name = call.target.name.as_str();
    let registry = &call.server.registry;
    if let (Some(chain), true) = (registry.admission(), endpoint.connect.is_admitted()) {
        let interested = endpoint.interested(chain, store.row());
        if interested.cares(Operation::Connect) {
            let (row, subresource) = (store.row(), &endpoint.row.name);
            let namespace = &cx.namespace;
            let attributes =
                Attributes::below(Operation::Connect, row, subresource, namespace, name);
            interested
                .mutate(cx, &attributes, Some(&mut options))
                .await?;
            interested.validate(cx, &attributes, Some(&options)).await?;
        }
    }
    let asked = Asked {
        cx,
        permit: &call.permit,
        name,
        parent: Some(store),
        registry,
    };
    let request = Passed {
        method: call.method.clone(),
        headers: without_credentials(call.headers),
        path: call.info.path.clone(),
        rest,
        query: call.query.text().to_owned(),
        body: call.body,
        upgrade: call.upgrade,
    };
    endpoint.connect.connect(asked, options, request).await
}

/// What follows the subresource in the path, from the slash on.
fn rest(call: &Call<'_>) -> String {
    let ends = call.info.path.ends_with('/');
    match &call.info.shape.subpath {
        Some(rest) if ends && !rest.ends_with('/') => format!("/{rest}/"),
        Some(rest) => format!("/{rest}"),
        None if ends => "/".to_owned(),
        None => String::new(),
    }
}

/// The headers without what tells who asks: that is for this server alone.
fn without_credentials(headers: &HeaderMap) -> HeaderMap {
    let says_who = |name: &HeaderName| {
        let name = name.as_str();
        *name == *AUTHORIZATION.as_str()
            || name.starts_with("impersonate-")
            || name.starts_with("x-remote-")
    };
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter().filter(|(name, _)| !says_who(name)) {
        kept.append(name.clone(), value.clone());
    }
    if kept.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        let protocols: Vec<&str> = websocket::protocols(headers).collect();
        kept.remove(SEC_WEBSOCKET_PROTOCOL);
        if let (false, Ok(value)) = (
            protocols.is_empty(),
            HeaderValue::from_str(&protocols.join(", ")),
        ) {
            kept.insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
    }
    kept
}

/// A query as options of a type, as Kubernetes' parameter codec reads it.
fn options(ty: &TypeRef, query: Query<'_>) -> Result<Record, ApiError> {
    let mut record = Record::new(ty.clone());
    for (at, field) in ty.fields.iter().enumerate() {
        if matches!(field.name.as_ref(), "kind" | "apiVersion") {
            continue;
        }
        let mut given = query.all(&field.name).peekable();
        let Some(first) = given.peek() else { continue };
        let value = match &field.ty {
            FieldType::String => Value::String(first.clone().into_owned().into()),
            FieldType::Bool => Value::Bool(query.flag(&field.name)),
            FieldType::Int32 => Value::Int(number(first, 32)?),
            FieldType::Int64 => Value::Int(number(first, 64)?),
            FieldType::List(item) => {
                let items = given.map(|text| match &**item {
                    FieldType::Int32 => number(&text, 32).map(Value::Int),
                    _ => Ok(Value::String(text.into_owned().into())),
                });
                Value::List(items.collect::<Result<_, _>>()?)
            }
            FieldType::Object(inner) if inner.shape == Shape::Time => {
                if matches!(&**first, "" | "null") {
                    continue;
                }
                let time = Time::parse(first);
                Value::Time(time.map_err(|error| ApiError::bad_request(error.to_string()))?)
            }
            _ => continue,
        };
        if !value.is_empty() || field.flags.has(Flags::POINTER) {
            record.set(at, value);
        }
    }
    Ok(record)
}

/// A number as `strconv.ParseInt` reads it.
fn number(text: &str, bits: u32) -> Result<i64, ApiError> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let refused = |why: &str| {
        let text = pintle_runtime::quote::Quoted(text);
        ApiError::bad_request(format!("strconv.ParseInt: parsing {text}: {why}"))
    };
    let number: i64 = text.parse().map_err(|error: std::num::ParseIntError| {
        if matches!(error.kind(), PosOverflow | NegOverflow) {
            refused("value out of range")
        } else {
            refused("invalid syntax")
        }
    })?;
    if bits == 32 && i32::try_from(number).is_err() {
        return Err(refused("value out of range"));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_refused_in_gos_words() {
        for (text, bits, expected) in [
            ("-1", 64, Ok(-1)),
            ("+7", 32, Ok(7)),
            (
                "",
                64,
                Err("strconv.ParseInt: parsing \"\": invalid syntax"),
            ),
            (
                "x",
                64,
                Err("strconv.ParseInt: parsing \"x\": invalid syntax"),
            ),
            (
                "3000000000",
                32,
                Err("strconv.ParseInt: parsing \"3000000000\": value out of range"),
            ),
        ] {
            let found = number(text, bits).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn who_asks_is_not_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer a"),
            ("impersonate-user", "b"),
            ("x-remote-group", "c"),
            ("accept", "d"),
            (
                "sec-websocket-protocol",
                "base64url.bearer.authorization.k8s.io.eA, v4.channel.k8s.io",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let kept = without_credentials(&headers);
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[SEC_WEBSOCKET_PROTOCOL], "v4.channel.k8s.io");
    }
}
