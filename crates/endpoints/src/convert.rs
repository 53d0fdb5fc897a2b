//! From one version of a kind to another.
//!
//! Most kinds have one version, and most others differ in nothing but the text of `apiVersion`.
//! What takes code is a [`Converter`] of the kind's own.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::resource::{Conversion, Resource, StorageRow};
use pintle_runtime::schema::TypeRef;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};

/// One version of a kind: what an object of it calls itself, and its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// API group, empty for the core group.
    pub group: Text,
    /// Version, such as `v1`.
    pub version: Text,
    /// Kind, such as `Deployment`.
    pub kind: Text,
    /// Group and version as an object writes them.
    pub api_version: Text,
    /// The table.
    pub ty: TypeRef,
}

impl Form {
    /// The form in which a row's objects are served.
    pub fn served(row: &Resource) -> Self {
        Self::new(
            row.group.clone().into(),
            row.version.clone().into(),
            row.kind.clone().into(),
            row.object.clone(),
        )
    }

    /// The form in which a row's objects are kept.
    pub fn stored(row: &Resource, storage: &StorageRow) -> Self {
        let (group, version) = (storage.group.clone().into(), storage.version.clone().into());
        Self::new(
            group,
            version,
            row.kind.clone().into(),
            storage.object.clone(),
        )
    }

    fn new(group: Text, version: Text, kind: Text, ty: TypeRef) -> Self {
        let api_version = if group.is_empty() {
            version.clone()
        } else {
            Text::from(format!("{group}/{version}"))
        };
        Self {
            group,
            version,
            kind,
            api_version,
            ty,
        }
    }

    /// Has `object` call itself by this form.
    pub fn name(&self, object: &mut Record) {
        for (name, text) in [("kind", &self.kind), ("apiVersion", &self.api_version)] {
            if let Some(index) = object.ty().field_index(name) {
                object.set(index, Value::String(text.clone()));
            }
        }
    }
}

/// Turns objects of one version into another. Both are versions of one stored kind.
///
/// What a version can not say is lost on the way to it, as upstream's conversions lose it, save what
/// the kind keeps in annotations.
pub trait Converter: Send + Sync {
    /// `object`, which is `from`, as `to`. Never called with `from` and `to` the same.
    ///
    /// # Errors
    /// Where the object can not be said in that version.
    fn convert(&self, object: Record, from: &Form, to: &Form) -> Result<Record, ApiError>;
}

/// The converter of kinds whose versions differ in their names, or in their protobuf only.
#[derive(Clone, Copy, Debug)]
pub struct SameFields(pub Conversion);

impl Converter for SameFields {
    fn convert(&self, object: Record, _: &Form, to: &Form) -> Result<Record, ApiError> {
        let mut object = match self.0 {
            // Positions agree, at this level and below it.
            Conversion::None | Conversion::Identity => object.with_type(to.ty.clone()),
            // Names agree, positions may not.
            Conversion::Json | Conversion::Custom => through_json(&object, &to.ty)?,
        };
        to.name(&mut object);
        Ok(object)
    }
}

fn through_json(object: &Record, ty: &TypeRef) -> Result<Record, ApiError> {
    let mut body = Vec::new();
    json::encode(object, &mut body);
    json::decode(ty, &Bytes::from(body), &mut Problems::ignored()).map_err(ApiError::internal)
}
