//! Conversions between the versions of a kind that take code.

mod definitions;

use std::sync::Arc;

use pintle_endpoints::convert::{Converter, Form};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

/// The converter of a kind whose versions differ in more than their names.
pub fn converter(group: &str, resource: &str) -> Option<Arc<dyn Converter>> {
    match (group, resource) {
        ("autoscaling", "horizontalpodautoscalers") | ("" | "events.k8s.io", "events") => {
            Some(Arc::new(Builtin))
        }
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            Some(Arc::new(definitions::Definitions))
        }
        _ => None,
    }
}

/// Converts by the definition names of the two forms.
struct Builtin;

impl Converter for Builtin {
    fn convert(&self, object: Record, _from: &Form, to: &Form) -> Result<Record, ApiError> {
        let mut converted =
            pintle_api::convert::convert(object, &to.ty).map_err(ApiError::internal)?;
        to.name(&mut converted);
        Ok(converted)
    }
}
