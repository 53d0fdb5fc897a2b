//! What a patch makes of an object.

use bytes::Bytes;
use pintle_runtime::codec::{DecodeError, Problems, json};
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::patch::{JsonPatch, PatchError, merge, misfit, printed, strategic_merge};
use pintle_runtime::status::{ApiError, Responded};
use pintle_runtime::text::Text;
use pintle_runtime::value::{Map, Record, Value};

use super::decode::{Expected, decode_patched};
use super::options::FieldValidation;
use super::patch::PatchType;
use crate::context::RequestContext;
use crate::registry::Registry;

/// A patch as it was sent. It is read anew for each object that it is applied to, as upstream does: only
/// where there is an object is there anything wrong with a patch.
pub(super) struct Patch<'a> {
    kind: PatchType,
    body: &'a Bytes,
    validation: FieldValidation,
    /// How many bytes the copies of a JSON patch may add.
    copy_limit: usize,
}

impl<'a> Patch<'a> {
    /// A patch of one of the types that are not apply.
    pub(super) fn new(
        kind: PatchType,
        body: &'a Bytes,
        validation: FieldValidation,
        copy_limit: usize,
    ) -> Self {
        Self {
            kind,
            body,
            validation,
            copy_limit,
        }
    }

    /// The object that it makes of the record `existing`, whose JSON is `old`.
    ///
    /// # Errors
    /// 400 for what is no patch, 413 for one beyond a limit, 422 for one that does not fit the object, or that makes
    /// what is no such object.
    pub(super) fn patched(
        &self,
        existing: &Record,
        old: &Bytes,
        expected: &Expected<'_>,
        registry: &Registry,
        cx: &RequestContext,
    ) -> Result<Record, ApiError> {
        let mut known = self.problems();
        let mut problems = self.problems();
        match self.kind {
            PatchType::Strategic => {
                let patch = self.object(&mut known, "")?;
                let shown = Value::Map(patch.clone());
                let before = reached(existing, old, &patch)?;
                let new = strategic_merge(plain(&before)?, patch, expected.ty).map_err(unfit)?;
                let mut made = spliced(existing, &before, new, &mut problems).map_err(|error| {
                    let why = unrestored(&before, &shown, expected).unwrap_or(error);
                    refused(&printed(&shown), &why)
                })?;
                rewrite_raw(&mut made);
                let mut texts = problems.texts().to_vec();
                texts.sort_unstable();
                self.judge(known.texts().iter().cloned().chain(texts), cx, || {
                    printed(&shown)
                })?;
                Ok(made)
            }
            _ => {
                let (new, known) = self.changed(old, known)?;
                let shown = || String::from_utf8_lossy(&new).into_owned();
                let before = members(old)?;
                let made = match json::open(&new) {
                    Ok(Value::Map(after)) if is_of_one_kind(&before, &after) => {
                        spliced(existing, &before, after, &mut problems)
                    }
                    _ => decode_patched(&new, expected, &mut problems, registry),
                };
                let mut made = made.map_err(|error| refused(&shown(), &error))?;
                rewrite_raw(&mut made);
                let texts = problems.texts().iter().cloned();
                self.judge(known.into_iter().chain(texts), cx, shown)?;
                Ok(made)
            }
        }
    }

    /// What a JSON patch or a merge patch makes of a document, and what is odd about the patch.
    fn changed(
        &self,
        document: &Bytes,
        mut problems: Problems,
    ) -> Result<(Bytes, Vec<String>), ApiError> {
        if self.kind == PatchType::Merge {
            if problems.wanted() {
                self.object(&mut problems, "error decoding patch: ")?;
            }
            let new = merge(document, self.body).map_err(unfit)?;
            return Ok((new, problems.texts().to_vec()));
        }
        let mut odd = Vec::new();
        if problems.wanted() {
            odd = super::operations::check(self.body, problems)?;
        }
        let patch = JsonPatch::parse(self.body).map_err(unfit)?;
        let new = patch.apply(document, self.copy_limit).map_err(unfit)?;
        Ok((new, odd))
    }

    fn problems(&self) -> Problems {
        if self.validation == FieldValidation::Ignore {
            Problems::ignored()
        } else {
            Problems::collected()
        }
    }

    /// The patch as an object; `null` is one without members, as in Go.
    fn object(&self, problems: &mut Problems, prefix: &str) -> Result<Map, ApiError> {
        let kind = match json::decode_value(self.body, problems) {
            Ok(Value::Map(patch)) => return Ok(patch),
            Ok(Value::Null) => return Ok(Map::new()),
            Ok(Value::List(_)) => "array",
            Ok(Value::Bool(_)) => "bool",
            Ok(Value::String(_)) => "string",
            Ok(_) => "number",
            Err(DecodeError::Syntax(error) | DecodeError::Mismatch(error)) => {
                return Err(ApiError::bad_request(format!("{prefix}{error}")));
            }
        };
        Err(ApiError::bad_request(format!(
            "{prefix}json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
        )))
    }

    /// Warns of what is odd, or refuses it.
    fn judge(
        &self,
        odd: impl Iterator<Item = String>,
        cx: &RequestContext,
        shown: impl FnOnce() -> String,
    ) -> Result<(), ApiError> {
        if self.validation != FieldValidation::Strict {
            odd.for_each(|text| cx.warn(text));
            return Ok(());
        }
        let odd: Vec<_> = odd.collect();
        if odd.is_empty() {
            return Ok(());
        }
        let why = format!("strict decoding error: {}", odd.join(", "));
        Err(refused(&shown(), &why))
    }
}

/// Why upstream refuses what the strategic merge patch `patch` makes of an object's members.
fn unrestored(before: &Map, patch: &Value, expected: &Expected<'_>) -> Option<String> {
    let (old, patch) = (plain(before).ok()?, patch.as_map()?.clone());
    misfit(&strategic_merge(old, patch, expected.ty).ok()?, expected.ty)
}

/// The members of an object's JSON, each as text.
fn members(object: &Bytes) -> Result<Map, ApiError> {
    match json::open(object) {
        Ok(Value::Map(members)) => Ok(members),
        _ => Err(ApiError::internal("an object that is no JSON object")),
    }
}

/// The members of an object that a strategic merge patch reaches, each as text; all of them if it has something to
/// say about the object as a whole.
fn reached(existing: &Record, old: &Bytes, patch: &Map) -> Result<Map, ApiError> {
    let ty = existing.ty();
    let mut reached = Vec::with_capacity(patch.len());
    for (key, _) in patch.iter() {
        let name = match key.split_once('/') {
            None if key.starts_with('$') => return members(old),
            Some((directive, list)) if directive.starts_with('$') => list,
            _ => key,
        };
        let index = ty.field_index(name);
        if let Some(text) = index.and_then(|index| json::member(existing, index)) {
            reached.push((Text::from(name.to_owned()), Value::Raw(text)));
        }
    }
    Ok(Map::from_entries(reached))
}

/// The same as plain values.
fn plain(members: &Map) -> Result<Map, ApiError> {
    let plain = |(name, text): (&Text, &Value)| match text {
        Value::Raw(text) => json::decode_value(text, &mut Problems::ignored())
            .map(|value| (name.clone(), value))
            .map_err(|_| ApiError::internal("an object that is no JSON object")),
        other => Ok((name.clone(), other.clone())),
    };
    members.iter().map(plain).collect()
}

/// The record `old`, whose JSON has the members `before`, with the members `after` instead: only those that differ
/// are decoded.
fn spliced(
    old: &Record,
    before: &Map,
    after: Map,
    problems: &mut Problems,
) -> Result<Record, String> {
    let mut record = old.clone();
    let forget = |record: &mut Record, name: &str| {
        if let Some(index) = record.ty().field_index(name) {
            record.remove(index);
        }
    };
    for (name, _) in before.iter() {
        if !after.contains_key(name) {
            forget(&mut record, name);
        }
    }
    let changed: Map = after
        .into_iter()
        .filter(|(name, value)| before.get(name) != Some(value))
        .collect();
    if changed.is_empty() {
        return Ok(record);
    }
    for (name, _) in changed.iter() {
        forget(&mut record, name);
    }
    let mut text = Vec::new();
    json::encode_value(&Value::Map(changed), &mut text);
    json::decode_onto(&mut record, &text.into(), problems).map_err(|error| error.to_string())?;
    Ok(record)
}

/// Writes JSON that the object itself holds anew, as every patch does upstream, reached or not: it goes over the
/// object's JSON. An object that may not change in it, as a `ControllerRevision` may not, is then refused if it was
/// created with white space there.
fn rewrite_raw(record: &mut Record) {
    for (_, value) in record.iter_mut() {
        if let Value::Raw(raw) = value
            && !raw.is_empty()
        {
            let mut text = Vec::with_capacity(raw.len());
            json::compact(raw, &mut text);
            *raw = text.into();
        }
    }
}

/// Whether two objects say that they are of the same kind.
fn is_of_one_kind(one: &Map, other: &Map) -> bool {
    let same = |name| one.get(name) == other.get(name);
    same("apiVersion") && same("kind")
}

/// 422 for what a patch made, which is `shown`.
fn refused(shown: &str, why: &str) -> ApiError {
    let mut errors = ErrorList::new();
    errors.invalid(&Path::new("patch"), shown, why);
    ApiError::invalid(&GroupKind::new("", ""), "", &errors)
}

fn unfit(error: PatchError) -> ApiError {
    match error {
        PatchError::Malformed(text) => ApiError::bad_request(text),
        PatchError::TooLarge(text) => ApiError::request_entity_too_large(text),
        PatchError::Failed(text) => ApiError::unknown(text),
        PatchError::Inapplicable(text) | PatchError::Untested(text) => {
            let responded = Responded {
                server_message: &text,
                ..Responded::new(422)
            };
            responded.into()
        }
    }
}
