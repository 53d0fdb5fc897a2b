//! The object in a request's body.

use std::sync::Arc;

use bytes::Bytes;
use pintle_runtime::codec::protobuf::envelope;
use pintle_runtime::codec::{DecodeError, Problems, json, protobuf, yaml};
use pintle_runtime::gvk::GroupVersion;
use pintle_runtime::quote::Quoted;
use pintle_runtime::resource::{Name, Resource};
use pintle_runtime::schema::TypeRef;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};

use super::options::FieldValidation;
use crate::context::RequestContext;
use crate::metadata::Metadata;
use crate::negotiate::Format;
use crate::registry::Registry;
use crate::scheme::Known;
use crate::store::Store;

/// What a body has to be.
pub(super) struct Expected<'a> {
    /// Its group and version, if it does not say.
    pub group: &'a str,
    /// Its version, if it does not say.
    pub version: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its table.
    pub ty: &'a TypeRef,
    /// Further groups and versions that it may say it is of.
    pub accepts: &'a [(Name, Name)],
}

impl<'a> Expected<'a> {
    /// An object of a resource.
    pub(super) fn object(row: &'a Resource) -> Self {
        Self {
            group: &row.group,
            version: &row.version,
            kind: &row.kind,
            ty: &row.object,
            accepts: &[],
        }
    }

    fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// Kind and `apiVersion` as a body says them; empty where it says nothing.
struct Said {
    api_version: String,
    kind: String,
}

/// Why a body is not what is expected.
enum Mismatch {
    /// It is of another kind, or of none; the table of the one that it is of.
    Kind(String, Option<TypeRef>),
    /// It is of the kind in another version, whose table this is.
    Version(String, TypeRef),
}

impl Mismatch {
    /// What the body is read as before it is refused for not being what is expected.
    fn table(&self) -> Option<&TypeRef> {
        match self {
            Self::Kind(_, table) => table.as_ref(),
            Self::Version(_, table) => Some(table),
        }
    }
}

/// Decodes what a patch made of an object; fields that should not be there are noted in `problems`.
///
/// # Errors
/// Why it is no object of the kind any more.
pub(super) fn decode_patched(
    body: &Bytes,
    expected: &Expected<'_>,
    problems: &mut Problems,
    registry: &Registry,
) -> Result<Record, String> {
    let said = json::type_meta(body).map_err(|error| json_syntax(&error))?;
    let said = Said {
        api_version: said.api_version.to_string(),
        kind: said.kind.to_string(),
    };
    if said.api_version.is_empty() {
        return Ok(nothing_of(expected, body, problems));
    }
    let decode = |ty: &TypeRef, problems: &mut Problems| {
        json::decode(ty, body, problems).map_err(|error| error.to_string())
    };
    match said.mismatch(expected, registry) {
        None => decode(expected.ty, problems),
        Some(Mismatch::Kind(text, _)) => Err(text),
        Some(Mismatch::Version(text, _)) => {
            let Some((other, store)) = said.other_version(expected, registry) else {
                return Err(text);
            };
            let mut record = decode(&other.row().object, problems)?;
            other.strategy().default(&mut record);
            let hub = store.forms().to_hub(record, other.version());
            hub.and_then(|hub| store.forms().from_hub(hub, store.version()))
                .map_err(|error| error.to_string())
        }
    }
}

/// What upstream reads where a patch takes the version away: by a table whose fields have no names in JSON, so that
/// none is known.
fn nothing_of(expected: &Expected<'_>, body: &Bytes, problems: &mut Problems) -> Record {
    if let (true, Ok(Value::Map(members))) = (problems.wanted(), json::open(body)) {
        let is_known = |name: &str| matches!(name, "kind" | "apiVersion");
        for (name, _) in members.iter().filter(|(name, _)| !is_known(name)) {
            problems.unknown(name);
        }
    }
    Record::new(expected.ty.clone())
}

/// Decodes a body; fields that should not be there are warned of or refused, as asked.
///
/// # Errors
/// 400, in upstream's words for each way in which a body can be wrong.
pub(super) fn decode(
    body: &Bytes,
    format: Format,
    expected: &Expected<'_>,
    validation: FieldValidation,
    registry: &Registry,
    cx: &RequestContext,
) -> Result<Record, ApiError> {
    let mut problems = if validation == FieldValidation::Ignore {
        Problems::ignored()
    } else {
        Problems::collected()
    };
    let unreadable = |error: DecodeError| unrecognized(expected, &error, body);
    let said_in_json = |body: &Bytes| json::type_meta(body).map(Said::of_json);
    let (said, raw) = match format {
        Format::Json => {
            let syntax = |error| unrecognized(expected, &json_syntax(&error), body);
            (said_in_json(body).map_err(syntax)?, body.clone())
        }
        Format::Yaml => {
            let json = yaml::to_json(body, &mut Problems::ignored());
            let said = json.and_then(|json| said_in_json(&json));
            (said.map_err(unreadable)?, body.clone())
        }
        Format::Protobuf => {
            let envelope = envelope::unwrap(body).map_err(unreadable)?;
            let said = Said {
                api_version: envelope.api_version.to_string(),
                kind: envelope.kind.to_string(),
            };
            (said, envelope.raw)
        }
    };
    // What is something else is read as that first, and may be wrong as that.
    let mismatch = said.mismatch(expected, registry);
    let ty = match &mismatch {
        None => expected.ty,
        Some(mismatch) => (mismatch.table()).ok_or_else(|| said.refused(expected, mismatch))?,
    };
    let record = match format {
        Format::Json => json::decode(ty, &raw, &mut problems),
        Format::Yaml => yaml::decode(ty, &raw, &mut problems),
        Format::Protobuf => protobuf::decode(ty, &raw),
    };
    let record = record.map_err(|error| match error {
        DecodeError::Syntax(_) if said.kind.is_empty() => unreadable(error),
        error => said.cannot_be(expected, &error.to_string()),
    })?;
    if let Some(mismatch) = &mismatch {
        return Err(said.refused(expected, mismatch));
    }
    match validation {
        FieldValidation::Strict => {
            if let Some(error) = problems.strict_error() {
                return Err(said.cannot_be(expected, &error));
            }
        }
        FieldValidation::Warn => problems
            .texts()
            .iter()
            .for_each(|text| cx.warn(text.clone())),
        FieldValidation::Ignore => {}
    }
    if let Some(recording) = &cx.recording {
        recording.request(Metadata::of(&record), || {
            let (mut named, mut out) = (record.clone(), Vec::new());
            for (name, value) in [
                ("kind", expected.kind.to_owned()),
                ("apiVersion", expected.api_version()),
            ] {
                if let Some(field) = named.ty().field_index(name) {
                    named.set(field, Value::String(value.into()));
                }
            }
            json::encode(&named, &mut out);
            out
        });
    }
    Ok(record)
}

impl Said {
    fn of_json(said: json::TypeMeta) -> Self {
        Self {
            api_version: said.api_version.to_string(),
            kind: said.kind.to_string(),
        }
    }

    fn refused(&self, expected: &Expected<'_>, mismatch: &Mismatch) -> ApiError {
        match mismatch {
            Mismatch::Version(text, _) => ApiError::bad_request(text.clone()),
            Mismatch::Kind(text, _) => self.cannot_be(expected, text),
        }
    }

    fn mismatch(&self, expected: &Expected<'_>, registry: &Registry) -> Option<Mismatch> {
        let wanted = expected.api_version();
        let api_version = if self.api_version.is_empty() {
            &wanted
        } else {
            &self.api_version
        };
        let kind = if self.kind.is_empty() {
            expected.kind
        } else {
            &self.kind
        };
        if *api_version == wanted && kind == expected.kind {
            return None;
        }
        let version = match GroupVersion::parse(api_version) {
            Ok(version) => version,
            Err(error) => return Some(Mismatch::Kind(error.to_string(), None)),
        };
        let (named_group, named_version) = (version.group.as_str(), version.version.as_str());
        if kind == expected.kind
            && (expected.accepts.iter())
                .any(|(group, version)| group == named_group && version == named_version)
        {
            return None;
        }
        let (group, table) =
            match registry.known(expected.group, (named_group, named_version, kind)) {
                Some(Known::As(table)) => (named_group, Some(table)),
                Some(Known::Was(group)) if group == expected.group && kind == expected.kind => {
                    (group, Some(expected.ty.clone()))
                }
                Some(Known::Was(group)) => (group, None),
                None => {
                    let text = format!(
                        "no kind {} is registered for version {} in scheme \"{}\"",
                        Quoted(kind),
                        Quoted(api_version),
                        registry.scheme_name(expected.group)
                    );
                    return Some(Mismatch::Kind(text, None));
                }
            };
        let is_same_kind = kind == expected.kind && group == expected.group;
        Some(
            if is_same_kind || self.other_version(expected, registry).is_some() {
                let text = format!(
                    "the API version in the data ({api_version}) does not match the expected API version ({wanted})"
                );
                Mismatch::Version(text, table.unwrap_or_else(|| expected.ty.clone()))
            } else {
                let text = format!(
                    "converting ({}.{kind}) to ({}.{}): unknown conversion",
                    version.version,
                    package(expected.group),
                    expected.kind
                );
                Mismatch::Kind(text, table)
            },
        )
    }

    /// Who serves the same objects in the version that the body says it is of, and who in the expected one.
    fn other_version(
        &self,
        expected: &Expected<'_>,
        registry: &Registry,
    ) -> Option<(Arc<Store>, Arc<Store>)> {
        let said = GroupVersion::parse(&self.api_version).ok()?;
        let kind = if self.kind.is_empty() {
            expected.kind
        } else {
            &self.kind
        };
        registry.same_objects(
            (&said.group, &said.version, kind),
            (expected.group, expected.version, expected.kind),
        )
    }

    /// `ConfigMap in version "v1" cannot be handled as a ConfigMap: …`
    fn cannot_be(&self, expected: &Expected<'_>, why: &str) -> ApiError {
        let kind = if self.kind.is_empty() {
            expected.kind
        } else {
            &self.kind
        };
        let api_version = if self.api_version.is_empty() {
            expected.version
        } else {
            &self.api_version
        };
        let version = Quoted(api_version.rsplit('/').next().unwrap_or_default());
        ApiError::bad_request(format!(
            "{kind} in version {version} cannot be handled as a {}: {why}",
            expected.kind
        ))
    }
}

/// The name of the package that holds upstream's internal types of a group.
fn package(group: &str) -> &str {
    match group.split('.').next() {
        Some("") | None => "core",
        Some(package) => package,
    }
}

/// What Go's serializer puts before a syntax error in JSON.
fn json_syntax(error: &DecodeError) -> String {
    match error {
        DecodeError::Syntax(text) => format!("couldn't get version/kind; json parse error: {text}"),
        DecodeError::Mismatch(text) => text.clone(),
    }
}

fn unrecognized(expected: &Expected<'_>, why: &dyn std::fmt::Display, body: &[u8]) -> ApiError {
    let summary = summary(body);
    ApiError::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): {why} ({summary})",
        expected.kind
    ))
}

/// The beginning of a body: as text if it looks like JSON, else in hexadecimal.
fn summary(body: &[u8]) -> String {
    const MOST: usize = 30;
    let start = &body[..body.len().min(MOST)];
    let mut text = match start.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(start).into_owned(),
        Some(_) => start.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    if body.len() > MOST {
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_summed_up_as_upstream_does() {
        assert_eq!(summary(b""), "<empty>");
        assert_eq!(summary(b"{}"), "{}");
        assert_eq!(summary(b"a: b: c"), "613a20623a2063");
        assert_eq!(
            summary(br#"{"apiVersion":"v1","kind":"ConfigMap"}"#),
            r#"{"apiVersion":"v1","kind":"Con ..."#
        );
    }
}
