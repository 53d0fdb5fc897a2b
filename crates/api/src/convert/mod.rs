//! Conversions that take code: kinds whose versions have other fields.
//!
//! [`convert`] goes by the types of the object and of what is wanted, so a caller needs no list of kinds.

mod event;
mod hpa;
mod path;

use pintle_runtime::schema::TypeRef;
use pintle_runtime::value::Record;

/// There is no such conversion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no conversion from {from} to {to}")]
pub struct NoConversion {
    from: String,
    to: String,
}

/// `object` as an object of type `to`. What `to` cannot say is kept in annotations where upstream does so.
///
/// # Errors
/// Where the two types are not versions of one kind.
pub fn convert(object: Record, to: &TypeRef) -> Result<Record, NoConversion> {
    let convert: fn(Record, &TypeRef) -> Record =
        match (object.ty().name.as_ref(), to.name.as_ref()) {
            ("io.k8s.api.core.v1.Event", "io.k8s.api.events.v1.Event") => event::to_events,
            ("io.k8s.api.events.v1.Event", "io.k8s.api.core.v1.Event") => event::to_core,
            (hpa::V2, hpa::V1) => hpa::to_v1,
            (hpa::V1, hpa::V2) => hpa::to_v2,
            (from, to) if from == to => return Ok(object),
            (from, to) => {
                return Err(NoConversion {
                    from: from.to_owned(),
                    to: to.to_owned(),
                });
            }
        };
    Ok(convert(object, to))
}

#[cfg(test)]
mod tests;
