//! What is to be known of a kind to cache its objects.

use std::sync::Arc;

use bytes::Bytes;
use pintle_runtime::codec::protobuf::{self, envelope};
use pintle_runtime::codec::{Problems, json, normalize};
use pintle_runtime::resource::FieldLabel;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};

use super::path::Path;
use crate::convert::{Converter, Form};
use crate::strategy::Strategy;

/// The forms of one stored kind: those it is served in, and the one it is kept in.
///
/// The first served form is the *hub*: strategies see it, its JSON is made with every write, and the
/// other forms are made from it when someone asks.
pub struct Forms {
    served: Box<[Form]>,
    stored: Form,
    /// Kept as JSON and not as protobuf.
    stored_as_json: bool,
    namespaced: bool,
    /// Field labels beyond name and namespace, by canonical name.
    selectable: Box<[Selectable]>,
    converter: Arc<dyn Converter>,
    strategy: Arc<dyn Strategy>,
}

/// A field that a selector may ask for, and where its value is.
struct Selectable {
    label: Box<str>,
    paths: Box<[Path]>,
    empty: Box<str>,
    indexed: bool,
}

/// The position of a served form in its [`Forms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub(crate) u8);

impl Version {
    /// The form that is made with every write.
    pub const HUB: Self = Self(0);

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What [`Forms`] are made of.
pub struct FormsOptions {
    /// The served forms, the hub first.
    pub served: Vec<Form>,
    /// The stored form.
    pub stored: Form,
    /// Kept as JSON and not as protobuf.
    pub stored_as_json: bool,
    /// Whether the objects live in a namespace.
    pub namespaced: bool,
    /// The field labels of all served forms.
    pub field_labels: Vec<FieldLabel>,
    /// Between the forms.
    pub converter: Arc<dyn Converter>,
    /// For defaults on what is read, and for what is indexed.
    pub strategy: Arc<dyn Strategy>,
}

impl Forms {
    /// Forms from their parts.
    pub fn new(options: FormsOptions) -> Self {
        let mut selectable: Vec<Selectable> = Vec::new();
        for label in &options.field_labels {
            let canonical = &*label.canonical;
            let known = selectable.iter().any(|known| *known.label == *canonical);
            if known || matches!(canonical, "metadata.name" | "metadata.namespace") {
                continue;
            }
            selectable.push(Selectable {
                label: canonical.into(),
                paths: label.paths.iter().map(|path| Path::parse(path)).collect(),
                empty: (&*label.empty).into(),
                indexed: options.strategy.indexed_fields().contains(&canonical),
            });
        }
        Self {
            served: options.served.into(),
            stored: options.stored,
            stored_as_json: options.stored_as_json,
            namespaced: options.namespaced,
            selectable: selectable.into(),
            converter: options.converter,
            strategy: options.strategy,
        }
    }

    /// The served form at `version`.
    pub fn form(&self, version: Version) -> &Form {
        &self.served[version.index()]
    }

    /// The form that strategies see.
    pub fn hub(&self) -> &Form {
        &self.served[0]
    }

    /// The version whose form has this `apiVersion`.
    pub fn version(&self, group: &str, version: &str) -> Option<Version> {
        let at = self
            .served
            .iter()
            .position(|form| form.group == group && form.version == version)?;
        u8::try_from(at).ok().map(Version)
    }

    /// How many versions are served.
    pub(crate) fn versions(&self) -> usize {
        self.served.len()
    }

    /// Annotations that are fields in the hub, which what shows only metadata leaves out.
    pub(crate) fn annotations_of_fields(&self) -> &[&'static str] {
        self.strategy.annotations_of_fields()
    }

    /// Whether the objects live in a namespace.
    pub fn namespaced(&self) -> bool {
        self.namespaced
    }

    /// The position of a selectable field among an entry's values, by its canonical label.
    pub(crate) fn selectable(&self, label: &str) -> Option<usize> {
        self.selectable
            .iter()
            .position(|field| *field.label == *label)
    }

    /// The canonical label of the selectable field at a position.
    pub(crate) fn label(&self, at: usize) -> &str {
        &self.selectable[at].label
    }

    /// The positions of the fields that are indexed.
    pub(crate) fn indexed(&self) -> impl Iterator<Item = usize> {
        self.selectable
            .iter()
            .enumerate()
            .filter(|(_, field)| field.indexed)
            .map(|(at, _)| at)
    }

    /// The values of the selectable fields of an object in the hub form, in order.
    pub(crate) fn values(&self, hub: &Record) -> Vec<String> {
        self.selectable
            .iter()
            .map(|field| field.value(hub))
            .collect()
    }

    /// Whether objects are kept as JSON and not as protobuf, as custom resources are.
    pub(crate) fn stored_as_json(&self) -> bool {
        self.stored_as_json
    }

    /// Whether the stored form, completed with a revision, is the hub's protobuf.
    pub(crate) fn stores_protobuf_of_hub(&self) -> bool {
        !self.stored_as_json && self.stored == *self.hub()
    }

    /// `object`, which is the served form `from`, in the hub form.
    pub(crate) fn to_hub(&self, object: Record, from: Version) -> Result<Record, ApiError> {
        self.convert(object, self.form(from), self.hub())
    }

    /// `hub` in the served form `to`.
    #[expect(clippy::wrong_self_convention, reason = "the other way of `to_hub`")]
    pub(crate) fn from_hub(&self, hub: Record, to: Version) -> Result<Record, ApiError> {
        self.convert(hub, self.hub(), self.form(to))
    }

    fn convert(&self, object: Record, from: &Form, to: &Form) -> Result<Record, ApiError> {
        if from == to {
            Ok(object)
        } else {
            self.converter.convert(object, from, to)
        }
    }

    /// The bytes to store for an object in the hub form.
    pub(crate) fn encode_stored(&self, hub: &Record) -> Result<Bytes, ApiError> {
        let converted;
        let object = if self.stored == *self.hub() {
            hub
        } else {
            converted = self.convert(hub.clone(), self.hub(), &self.stored)?;
            &converted
        };
        Ok(if self.stored_as_json {
            encode_json_document(object)
        } else {
            self.envelope(object, &self.stored)
        })
    }

    /// The object in stored bytes, in the hub form and with the defaults that it lacks.
    ///
    /// What an earlier release or another server stored may be in any form of the kind, and in JSON
    /// or protobuf.
    pub(crate) fn decode_stored(&self, stored: &Bytes) -> Result<Record, ApiError> {
        let (mut object, from) = if stored.starts_with(&envelope::MAGIC) {
            let envelope = envelope::unwrap(stored).map_err(undecodable)?;
            let form = self.form_called(&envelope.api_version)?;
            (
                protobuf::decode(&form.ty, &envelope.raw).map_err(undecodable)?,
                form,
            )
        } else {
            let form =
                self.form_called(&json::type_meta(stored).map_err(undecodable)?.api_version)?;
            (
                json::decode(&form.ty, stored, &mut Problems::ignored()).map_err(undecodable)?,
                form,
            )
        };
        from.name(&mut object);
        self.strategy.default(&mut object);
        self.convert(object, from, self.hub())
    }

    /// The hub's JSON, read again. It was written by this process.
    pub(crate) fn decode_hub(&self, json: &Bytes) -> Result<Record, ApiError> {
        let mut hub =
            json::decode(&self.hub().ty, json, &mut Problems::ignored()).map_err(undecodable)?;
        self.normalize(&mut hub);
        Ok(hub)
    }

    /// Brings an object to the form that it has after it was stored and read, so that what is
    /// compared and answered now is what will be read later.
    pub(crate) fn normalize(&self, hub: &mut Record) {
        if !self.stored_as_json {
            normalize(hub);
        }
    }

    /// The hub's protobuf, made from stored bytes that are it but for the revision.
    pub(crate) fn complete_stored(&self, stored: &Bytes, revision: u64) -> Option<Bytes> {
        let envelope = envelope::unwrap(stored).ok()?;
        let mut raw = Vec::with_capacity(envelope.raw.len() + 24);
        let digits = itoa::Buffer::new().format(revision).to_owned();
        protobuf::set_resource_version(&envelope.raw, &digits, &mut raw).ok()?;
        let mut out = Vec::with_capacity(raw.len() + 64);
        envelope::wrap(&self.hub().api_version, &self.hub().kind, &raw, &mut out);
        Some(out.into_boxed_slice().into())
    }

    /// The enveloped protobuf of an object in the given served form.
    pub(crate) fn encode_protobuf(&self, object: &Record, version: Version) -> Bytes {
        self.envelope(object, self.form(version))
    }

    fn envelope(&self, object: &Record, form: &Form) -> Bytes {
        let mut raw = Vec::new();
        protobuf::encode(object, &mut raw);
        let mut out = Vec::with_capacity(raw.len() + 64);
        envelope::wrap(&form.api_version, &form.kind, &raw, &mut out);
        out.into_boxed_slice().into()
    }

    fn form_called(&self, api_version: &str) -> Result<&Form, ApiError> {
        if self.stored.api_version == *api_version {
            return Ok(&self.stored);
        }
        let served = self
            .served
            .iter()
            .find(|form| form.api_version == *api_version);
        served.ok_or_else(|| {
            undecodable(format_args!(
                "no kind \"{}\" is registered for version \"{api_version}\"",
                self.hub().kind
            ))
        })
    }
}

impl Selectable {
    fn value(&self, hub: &Record) -> String {
        let found = self
            .paths
            .iter()
            .filter_map(|path| path.text(hub))
            .find(|text| !text.is_empty());
        found.unwrap_or_else(|| self.empty.to_string())
    }
}

/// Compact JSON with the final newline, as custom resources are stored.
fn encode_json_document(object: &Record) -> Bytes {
    let mut out = Vec::new();
    json::encode(object, &mut out);
    out.push(b'\n');
    out.into()
}

fn undecodable(error: impl std::fmt::Display) -> ApiError {
    ApiError::unknown(error.to_string())
}

/// The text that a selector compares with a value: strings as they are, numbers and booleans as JSON.
pub(crate) fn selector_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.as_str().to_owned()),
        Value::Int(number) => Some(itoa::Buffer::new().format(*number).to_owned()),
        Value::Bool(truth) => Some(if *truth { "true" } else { "false" }.to_owned()),
        _ => None,
    }
}
