//! What Go calls the types, for messages that name them.
//!
//! Named string and number types (`v1.PullPolicy`, `types.UID`) are not in the tables; they appear
//! as what they are made of.

use crate::schema::{FieldType, Type};

/// `PodSpec` of `io.k8s.api.core.v1.PodSpec`.
pub(super) fn short_name(ty: &Type) -> &str {
    ty.name.rsplit('.').next().unwrap_or_default()
}

/// `v1.PodSpec` of `io.k8s.api.core.v1.PodSpec`.
pub(crate) fn type_name(ty: &Type) -> &str {
    let name = ty.name.as_ref();
    match name.rmatch_indices('.').nth(1) {
        Some((dot, _)) => &name[dot + 1..],
        None => name,
    }
}

/// The Go type of a field: `[]v1.Container`, `map[string]string`, `int32`.
pub(super) fn field_type(ty: &FieldType) -> String {
    match ty {
        FieldType::String => "string".to_owned(),
        FieldType::Bool => "bool".to_owned(),
        FieldType::Int32 => "int32".to_owned(),
        FieldType::Int64 => "int64".to_owned(),
        FieldType::Float64 => "float64".to_owned(),
        FieldType::Bytes => "[]uint8".to_owned(),
        FieldType::Any => "interface {}".to_owned(),
        FieldType::Object(ty) => type_name(ty).to_owned(),
        FieldType::List(element) => format!("[]{}", field_type(element)),
        FieldType::Map(element) => format!("map[string]{}", field_type(element)),
    }
}
