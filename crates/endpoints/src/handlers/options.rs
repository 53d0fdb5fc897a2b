//! The query of a write, checked.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::object_meta::{validate_field_manager, validate_field_validation};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;

use crate::query::Query;

/// What to do about fields that are not known, or given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldValidation {
    /// Nothing.
    Ignore,
    /// Tell the client; the default.
    Warn,
    /// Refuse the object.
    Strict,
}

/// The query of a create or an update.
#[derive(Debug)]
pub(super) struct WriteOptions {
    /// Run everything but the write.
    pub dry_run: bool,
    /// Who is to own what changes; empty if not given.
    pub field_manager: Text,
    /// What to do about fields that are not known.
    pub field_validation: FieldValidation,
}

impl WriteOptions {
    /// Reads a query; `kind` is what errors call it, such as `CreateOptions`.
    ///
    /// # Errors
    /// 422
    pub(super) fn parse(query: Query<'_>, kind: &'static str) -> Result<Self, ApiError> {
        let mut options = Self {
            dry_run: false,
            field_manager: Text::default(),
            field_validation: FieldValidation::Warn,
        };
        if query.is_empty() {
            return Ok(options);
        }
        let mut errors = ErrorList::new();
        if let Some(manager) = query.first("fieldManager") {
            validate_field_manager(&manager, &Path::new("fieldManager"), &mut errors);
            options.field_manager = Text::from(manager.into_owned());
        }
        let dry_run: Vec<_> = query.all("dryRun").collect();
        options.dry_run = !dry_run.is_empty();
        if dry_run.iter().any(|stage| stage != "All") {
            errors.not_supported(&Path::new("dryRun"), BadValue::strings(&dry_run), ["All"]);
        }
        if let Some(validation) = query.first("fieldValidation") {
            validate_field_validation(&validation, &Path::new("fieldValidation"), &mut errors);
            options.field_validation = match &*validation {
                "Ignore" => FieldValidation::Ignore,
                "Strict" => FieldValidation::Strict,
                _ => FieldValidation::Warn,
            };
        }
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(ApiError::invalid(
                &GroupKind::new("meta.k8s.io", kind),
                "",
                &errors,
            ))
        }
    }

    /// The field manager, or else the beginning of the user agent.
    pub(super) fn manager(&self, user_agent: &str) -> Text {
        if !self.field_manager.is_empty() {
            return self.field_manager.clone();
        }
        let prefix = user_agent.split('/').next().unwrap_or_default();
        let printable = prefix.chars().filter(|c| !c.is_control());
        let mut bytes = 0;
        let short = printable.take_while(|c| {
            bytes += c.len_utf8();
            bytes <= MANAGER_LIMIT
        });
        Text::from(short.collect::<String>())
    }
}

/// In bytes.
const MANAGER_LIMIT: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fails(query: &str, expected: &str) {
        let error = WriteOptions::parse(Query::new(query), "CreateOptions").expect_err(query);
        assert_eq!(
            error.to_string(),
            format!("CreateOptions.meta.k8s.io \"\" is invalid: {expected}")
        );
    }

    #[test]
    fn bad_options_are_refused_in_upstreams_words() {
        fails(
            "dryRun=Some",
            r#"dryRun: Unsupported value: ["Some"]: supported values: "All""#,
        );
        fails(
            "fieldManager=a%01b",
            r#"fieldManager: Invalid value: "a\x01b": invalid character U+0001 (at position 1)"#,
        );
        fails(
            &format!("fieldManager={}", "x".repeat(129)),
            "fieldManager: Too long: may not be more than 128 bytes",
        );
        fails(
            "fieldValidation=Maybe",
            r#"fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn""#,
        );
    }

    #[test]
    fn the_manager_is_named_or_the_user_agent() {
        let manager = |query, agent| {
            WriteOptions::parse(Query::new(query), "")
                .expect(query)
                .manager(agent)
                .to_string()
        };
        assert_eq!(manager("fieldManager=me", "kubectl/v1"), "me");
        assert_eq!(manager("", "kubectl/v1.36 (linux)"), "kubectl");
        assert_eq!(manager("dryRun=All&dryRun=All", ""), "");
    }
}
