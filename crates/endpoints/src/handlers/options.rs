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

/// The query of a create, an update or a patch.
#[derive(Debug)]
pub(super) struct WriteOptions {
    /// Run everything but the write.
    pub dry_run: bool,
    /// Who is to own what changes; empty if not given.
    pub field_manager: Text,
    /// What to do about fields that are not known.
    pub field_validation: FieldValidation,
    /// An apply takes what others own.
    pub force: bool,
}

impl WriteOptions {
    /// Reads a query; `kind` is what errors call it, such as `CreateOptions`.
    ///
    /// # Errors
    /// 422
    pub(super) fn parse(query: Query<'_>, kind: &'static str) -> Result<Self, ApiError> {
        Self::parse_after(ErrorList::new(), query, kind)
    }

    /// Reads the query of an apply, which has to name its manager.
    ///
    /// # Errors
    /// 422
    pub(super) fn parse_apply(query: Query<'_>) -> Result<Self, ApiError> {
        let mut errors = ErrorList::new();
        if query.first("fieldManager").unwrap_or_default().is_empty() {
            errors.required(&Path::new("fieldManager"), "is required for apply patch");
        }
        let options = Self::parse_after(errors, query, "PatchOptions")?;
        Ok(Self {
            force: query.flag("force"),
            ..options
        })
    }

    /// Reads the query of any other patch, which has nothing to force.
    ///
    /// # Errors
    /// 422
    pub(super) fn parse_patch(query: Query<'_>) -> Result<Self, ApiError> {
        let mut errors = ErrorList::new();
        if query.has("force") {
            let why = "may not be specified for non-apply patch";
            errors.forbidden(&Path::new("force"), why);
        }
        Self::parse_after(errors, query, "PatchOptions")
    }

    fn parse_after(
        mut errors: ErrorList,
        query: Query<'_>,
        kind: &'static str,
    ) -> Result<Self, ApiError> {
        let mut options = Self {
            dry_run: false,
            field_manager: Text::default(),
            field_validation: FieldValidation::Warn,
            force: false,
        };
        if query.is_empty() && errors.is_empty() {
            return Ok(options);
        }
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
    fn only_an_apply_forces_and_has_to_name_its_manager() {
        let refused = |result: Result<WriteOptions, ApiError>| {
            result
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert_eq!(
            refused(WriteOptions::parse_patch(Query::new("force"))),
            "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"
        );
        assert_eq!(
            refused(WriteOptions::parse_apply(Query::new("force=true"))),
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
        );
        let options = WriteOptions::parse_apply(Query::new("fieldManager=a&force=0"));
        assert_eq!(options.map(|options| options.force).ok(), Some(false));
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
