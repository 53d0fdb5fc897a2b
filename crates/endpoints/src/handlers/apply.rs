//! Server-side apply: the fields that a manager cares for, laid over an object.

use bytes::Bytes;
use pintle_runtime::codec::{DecodeError, Problems, json, yaml};
use pintle_runtime::fields::{
    ApplyError, Config, ConfigError, Conflict, FieldManager, Manager, configuration,
};
use pintle_runtime::gvk::GroupVersion;
use pintle_runtime::resource::Resource;
use pintle_runtime::status::{ApiError, CauseReason, StatusCause};
use pintle_runtime::value::{Map, Record, Value};

use super::options::{FieldValidation, WriteOptions};
use crate::context::RequestContext;

/// What a manager applies, as it was sent.
pub(super) struct Configuration<'a> {
    body: &'a Bytes,
    options: &'a WriteOptions,
}

impl<'a> Configuration<'a> {
    /// The configuration in the body of a request.
    pub(super) fn new(body: &'a Bytes, options: &'a WriteOptions) -> Self {
        Self { body, options }
    }

    /// The object that it makes of `live`, with its managed fields; without a uid `live` is not there yet.
    ///
    /// # Errors
    /// 400 for what is no object of the kind, 409 for fields that others own, 500 for fields that the kind does not
    /// have, as upstream says it.
    pub(super) fn applied(
        &self,
        live: &Record,
        row: &Resource,
        books: &FieldManager<'_>,
        cx: &RequestContext,
    ) -> Result<Record, ApiError> {
        let mut problems = match self.options.field_validation {
            FieldValidation::Ignore => Problems::ignored(),
            FieldValidation::Warn | FieldValidation::Strict => Problems::collected(),
        };
        let said = read(self.body, &mut problems)?;
        check_kind(&said, row)?;
        check_managed_fields(&said)?;
        let config = typed(&said, row)?;
        let manager = &self.options.field_manager;
        let new = books
            .apply(live, &config, manager, self.options.force)
            .map_err(apply_error)?;
        for text in problems.texts() {
            let text = format!("error converting YAML to JSON: {text}");
            if self.options.field_validation == FieldValidation::Strict {
                let text = format!("error strict decoding YAML: {text}");
                return Err(ApiError::bad_request(text));
            }
            cx.warn(text);
        }
        Ok(new)
    }
}

fn read(body: &Bytes, problems: &mut Problems) -> Result<Map, ApiError> {
    let refused = |text: String| ApiError::bad_request(format!("error decoding YAML: {text}"));
    let text = yaml::to_json(body, problems)
        .map_err(|error| refused(format!("error converting YAML to JSON: {error}")))?;
    let kind = match json::decode_value(&text, &mut Problems::ignored()) {
        Ok(Value::Map(said)) => return Ok(said),
        Ok(Value::Null) => return Ok(Map::new()),
        Ok(Value::List(_)) => "array",
        Ok(Value::Bool(_)) => "bool",
        Ok(Value::String(_)) => "string",
        Ok(_) => "number",
        Err(DecodeError::Syntax(text) | DecodeError::Mismatch(text)) => return Err(refused(text)),
    };
    Err(refused(format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type \
         map[string]interface {{}}"
    )))
}

fn text<'a>(map: &'a Map, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn check_kind(said: &Map, row: &Resource) -> Result<(), ApiError> {
    // A version that is none hides the kind too.
    let found = GroupVersion::parse(text(said, "apiVersion")).ok();
    let kind = if found.is_some() {
        text(said, "kind")
    } else {
        ""
    };
    let (group, version) =
        found.map_or_else(Default::default, |found| (found.group, found.version));
    if *group == *row.group && *version == *row.version && kind == row.kind {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "invalid object type: {group}/{version}, Kind={kind}"
    )))
}

/// Nobody applies who owns what.
fn check_managed_fields(said: &Map) -> Result<(), ApiError> {
    let metadata = said.get("metadata").and_then(Value::as_map);
    match metadata.and_then(|metadata| metadata.get("managedFields")) {
        Some(Value::List(_)) => Err(ApiError::bad_request("metadata.managedFields must be nil")),
        _ => Ok(()),
    }
}

/// What was said, by the table of the kind.
fn typed(said: &Map, row: &Resource) -> Result<Config, ApiError> {
    let metadata = said.get("metadata").and_then(Value::as_map);
    let named = |key| metadata.map_or("", |metadata| text(metadata, key));
    configuration(said, &row.object).map_err(|error| {
        let what = match error {
            ConfigError::Untyped(_) => "failed to create typed patch object",
            ConfigError::Meaningless(_) => "failed to convert new typed object",
        };
        ApiError::unknown(format!(
            "{what} ({}/{}; {}/{}, Kind={}){}: {error}",
            named("namespace"),
            named("name"),
            row.group,
            row.version,
            row.kind,
            match error {
                ConfigError::Untyped(_) => "",
                ConfigError::Meaningless(_) => " to object",
            }
        ))
    })
}

fn apply_error(error: ApplyError) -> ApiError {
    match error {
        ApplyError::ManagedFields(why) => {
            ApiError::unknown(format!("failed to decode managed fields: {why}"))
        }
        ApplyError::Conflicts(conflicts) => conflict(conflicts),
    }
}

/// 409 in upstream's words: one conflict in a line, several by manager.
fn conflict(mut conflicts: Vec<Conflict>) -> ApiError {
    // Upstream sorts by the JSON that names a manager.
    conflicts.sort_by(|Conflict { manager: a, .. }, Conflict { manager: b, .. }| {
        (&a.name, !a.applied, &a.version, &a.subresource).cmp(&(
            &b.name,
            !b.applied,
            &b.version,
            &b.subresource,
        ))
    });
    let path = |conflict: &Conflict| {
        conflict
            .path
            .iter()
            .map(ToString::to_string)
            .collect::<String>()
    };
    let causes = conflicts
        .iter()
        .map(|conflict| {
            let message = format!("conflict with {}", conflict.manager);
            StatusCause::new(CauseReason::FieldManagerConflict, message, path(conflict))
        })
        .collect();
    let text = match &conflicts[..] {
        [only] => format!("conflict with {}: {}", only.manager, path(only)),
        several => {
            let mut lines = Vec::with_capacity(several.len() + 1);
            let mut last: Option<&Manager> = None;
            for conflict in several {
                if last != Some(&conflict.manager) {
                    lines.push(format!("conflicts with {}:", conflict.manager));
                    last = Some(&conflict.manager);
                }
                lines.push(format!("- {}", path(conflict)));
            }
            lines.join("\n")
        }
    };
    let plural = if conflicts.len() == 1 { "" } else { "s" };
    let count = conflicts.len();
    ApiError::apply_conflict(
        causes,
        format!("Apply failed with {count} conflict{plural}: {text}"),
    )
}
