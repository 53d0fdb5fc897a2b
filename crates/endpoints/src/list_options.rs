//! What a list, a watch or a deletion of many is asked for.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::quote::Quoted;
use pintle_runtime::resource::Resource;
use pintle_runtime::selector::{FieldSelector, LabelSelector};
use pintle_runtime::status::ApiError;

use crate::continue_token::ContinueToken;
use crate::strategy::Strategy;

/// The query of a list, a watch or a deletion of many, checked.
#[derive(Clone, Debug)]
pub struct ListOptions {
    /// Which objects, by labels.
    pub labels: LabelSelector,
    /// Which objects, by fields, as the client wrote it. See [`canonical_fields`].
    pub fields: FieldSelector,
    /// It is a watch.
    pub watch: bool,
    /// The watch may send bookmarks.
    pub allow_watch_bookmarks: bool,
    /// `resourceVersion`, as the client wrote it.
    pub resource_version: String,
    /// How `resource_version` is meant.
    pub resource_version_match: Option<ResourceVersionMatch>,
    /// How long a watch runs.
    pub timeout_seconds: Option<i64>,
    /// At most this many objects; zero and less: all of them.
    pub limit: i64,
    /// The token of the page before, empty for the first.
    pub continue_token: String,
    /// The watch begins with what is there.
    pub send_initial_events: Option<bool>,
}

/// How a `resourceVersion` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceVersionMatch {
    /// As of that revision.
    Exact,
    /// As of that revision or a later one.
    NotOlderThan,
}

/// As of when a list is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadAt {
    /// The newest state there is.
    Newest,
    /// Whatever is at hand.
    Any,
    /// That revision or a later one.
    NotOlderThan(u64),
    /// That revision.
    Exact(u64),
    /// As of the token's revision, from the token's key on.
    Continue(ContinueToken),
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            labels: LabelSelector::everything(),
            fields: FieldSelector::everything(),
            watch: false,
            allow_watch_bookmarks: false,
            resource_version: String::new(),
            resource_version_match: None,
            timeout_seconds: None,
            limit: 0,
            continue_token: String::new(),
            send_initial_events: None,
        }
    }
}

impl ListOptions {
    /// Reads the decoded pairs of a query; of parameters given twice the first counts, unknown ones
    /// are left alone. `watch` says that the path asks for a watch already.
    ///
    /// # Errors
    /// 400 for what can not be read, 422 for what does not go together.
    pub fn parse<'a>(
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
        watch: bool,
    ) -> Result<Self, ApiError> {
        let mut given = Given::default();
        for (name, value) in query {
            if let Some(slot) = given.slot(name) {
                slot.get_or_insert(value);
            }
        }
        // In upstream's order: numbers are read before selectors are.
        let timeout_seconds = given.timeout_seconds.map(parse_int).transpose()?;
        let limit = given.limit.map(parse_int).transpose()?.unwrap_or_default();
        let labels = LabelSelector::parse(given.label_selector.unwrap_or_default())
            .map_err(|error| ApiError::bad_request(error.to_string()))?;
        let fields = FieldSelector::parse(given.field_selector.unwrap_or_default())
            .map_err(|error| ApiError::bad_request(error.to_string()))?;
        let options = Self {
            labels,
            fields,
            watch: watch || given.watch.is_some_and(parse_bool),
            allow_watch_bookmarks: given.allow_watch_bookmarks.is_some_and(parse_bool),
            resource_version: given.resource_version.unwrap_or_default().to_owned(),
            resource_version_match: match given.resource_version_match {
                Some("Exact") => Some(ResourceVersionMatch::Exact),
                Some("NotOlderThan") => Some(ResourceVersionMatch::NotOlderThan),
                _ => None,
            },
            timeout_seconds,
            limit,
            continue_token: given.continue_token.unwrap_or_default().to_owned(),
            send_initial_events: given.send_initial_events.map(parse_bool),
        };
        let errors = options.validate(given.resource_version_match.unwrap_or_default());
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(ApiError::invalid(
                &GroupKind::new("meta.k8s.io", "ListOptions"),
                "",
                &errors,
            ))
        }
    }

    /// What does not go together. `given` is `resourceVersionMatch` as the client wrote it.
    fn validate(&self, given: &str) -> ErrorList {
        let mut errors = ErrorList::new();
        let (field, events) = (
            Path::new("resourceVersionMatch"),
            Path::new("sendInitialEvents"),
        );
        let is_not_older = self.resource_version_match == Some(ResourceVersionMatch::NotOlderThan);
        if self.watch {
            if self.send_initial_events.is_some() && !is_not_older {
                errors.forbidden(
                    &field,
                    "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                );
            }
            if !given.is_empty() {
                if self.send_initial_events.is_none() {
                    errors.forbidden(
                        &field,
                        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                    );
                }
                if !is_not_older {
                    errors.not_supported(&field, given, ["NotOlderThan"]);
                }
                if !self.continue_token.is_empty() {
                    errors.forbidden(
                        &field,
                        "resourceVersionMatch is forbidden when continue is provided",
                    );
                }
            }
            return errors;
        }
        if !given.is_empty() {
            if self.resource_version.is_empty() {
                errors.forbidden(
                    &field,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                );
            }
            if !self.continue_token.is_empty() {
                errors.forbidden(
                    &field,
                    "resourceVersionMatch is forbidden when continue is provided",
                );
            }
            if self.resource_version_match.is_none() {
                errors.not_supported(&field, given, ["Exact", "NotOlderThan", ""]);
            }
            if given == "Exact" && self.resource_version == "0" {
                errors.forbidden(
                    &field,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                );
            }
        }
        if self.send_initial_events.is_some() {
            errors.forbidden(&events, "sendInitialEvents is forbidden for list");
        }
        errors
    }

    /// As of when the list is to be.
    ///
    /// A limit together with a revision and without a word how that is meant means exactly that
    /// revision, as it did before there was a word for it.
    ///
    /// # Errors
    /// 400 for a revision that is not a number, and for a token that is none or has a revision beside it.
    pub fn read_at(&self) -> Result<ReadAt, ApiError> {
        if !self.continue_token.is_empty() {
            let token = ContinueToken::decode(&self.continue_token)?;
            if !matches!(self.resource_version.as_str(), "" | "0") {
                return Err(ApiError::bad_request(
                    "specifying resource version is not allowed when using continue",
                ));
            }
            return Ok(ReadAt::Continue(token));
        }
        if self.resource_version.is_empty() {
            return Ok(ReadAt::Newest);
        }
        let revision = parse_resource_version(&self.resource_version)
            .map_err(|why| ApiError::bad_request(format!("invalid resource version: {why}")))?;
        Ok(match (revision, self.resource_version_match) {
            (0, _) => ReadAt::Any,
            (_, Some(ResourceVersionMatch::Exact)) => ReadAt::Exact(revision),
            (_, None) if self.limit > 0 => ReadAt::Exact(revision),
            (_, Some(ResourceVersionMatch::NotOlderThan) | None) => ReadAt::NotOlderThan(revision),
        })
    }
}

/// A `resourceVersion` as a number; empty is zero. The error is upstream's text.
pub(crate) fn parse_resource_version(text: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let why = match text.parse::<u64>() {
        Ok(revision) if !text.starts_with('+') => return Ok(revision),
        Err(error) if *error.kind() == std::num::IntErrorKind::PosOverflow => "value out of range",
        _ => "invalid syntax",
    };
    let text = Quoted(text);
    Err(format!(
        "resourceVersion: Invalid value: {text}: strconv.ParseUint: parsing {text}: {why}"
    ))
}

/// A field selector by canonical labels, for objects served as `row`.
///
/// # Errors
/// 400 for a label that the kind does not know.
pub fn canonical_fields(
    row: &Resource,
    strategy: &dyn Strategy,
    selector: &FieldSelector,
) -> Result<FieldSelector, ApiError> {
    selector.clone().transform(|label, value| {
        let canonical =
            canonical_label(row, label).ok_or_else(|| unknown_label(row, strategy, label))?;
        Ok((canonical.into(), value.into()))
    })
}

fn canonical_label<'a>(row: &'a Resource, label: &str) -> Option<&'a str> {
    row.field_labels
        .iter()
        .find(|known| known.label == label)
        .map(|known| &*known.canonical)
}

fn unknown_label(row: &Resource, strategy: &dyn Strategy, label: &str) -> ApiError {
    let own_labels = row
        .field_labels
        .iter()
        .any(|known| !known.label.starts_with("metadata."));
    ApiError::bad_request(match strategy.unknown_field_label(label) {
        Some(message) => message,
        None if own_labels => format!("field label not supported: {label}"),
        None => {
            format!(
                "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                Quoted(label)
            )
        }
    })
}

/// The parameters that are known, as they came.
#[derive(Default)]
struct Given<'a> {
    label_selector: Option<&'a str>,
    field_selector: Option<&'a str>,
    watch: Option<&'a str>,
    allow_watch_bookmarks: Option<&'a str>,
    resource_version: Option<&'a str>,
    resource_version_match: Option<&'a str>,
    timeout_seconds: Option<&'a str>,
    limit: Option<&'a str>,
    continue_token: Option<&'a str>,
    send_initial_events: Option<&'a str>,
}

impl<'a> Given<'a> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<&'a str>> {
        Some(match name {
            "labelSelector" => &mut self.label_selector,
            "fieldSelector" => &mut self.field_selector,
            "watch" => &mut self.watch,
            "allowWatchBookmarks" => &mut self.allow_watch_bookmarks,
            "resourceVersion" => &mut self.resource_version,
            "resourceVersionMatch" => &mut self.resource_version_match,
            "timeoutSeconds" => &mut self.timeout_seconds,
            "limit" => &mut self.limit,
            "continue" => &mut self.continue_token,
            "sendInitialEvents" => &mut self.send_initial_events,
            _ => return None,
        })
    }
}

/// Everything is true but `0` and `false`, as upstream reads a query; nothing at all is true too.
pub(crate) fn parse_bool(text: &str) -> bool {
    !(text == "0" || text.eq_ignore_ascii_case("false"))
}

/// # Errors
/// 400 with the text of Go's `strconv`.
pub(crate) fn parse_int(text: &str) -> Result<i64, ApiError> {
    let why = match text.parse::<i64>() {
        Ok(number) => return Ok(number),
        Err(error) => match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                "value out of range"
            }
            _ => "invalid syntax",
        },
    };
    Err(ApiError::bad_request(format!(
        "strconv.ParseInt: parsing {}: {why}",
        Quoted(text)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str, watch: bool) -> Result<ListOptions, ApiError> {
        ListOptions::parse(
            query.split('&').filter_map(|pair| pair.split_once('=')),
            watch,
        )
    }

    #[track_caller]
    fn fails(query: &str, watch: bool, expected: &str) {
        let error = parse(query, watch)
            .and_then(|options| options.read_at())
            .expect_err(query);
        assert_eq!(error.to_string(), expected, "{query}");
    }

    #[track_caller]
    fn reads(query: &str, expected: ReadAt) {
        assert_eq!(
            parse(query, false)
                .and_then(|options| options.read_at())
                .expect(query),
            expected,
            "{query}"
        );
    }

    #[test]
    fn what_does_not_go_together_is_refused_in_upstreams_words() {
        let invalid = |what: &str| format!("ListOptions.meta.k8s.io \"\" is invalid: {what}");
        fails(
            "resourceVersionMatch=Exact",
            false,
            &invalid(
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
            ),
        );
        fails(
            "resourceVersion=0&resourceVersionMatch=Exact",
            false,
            &invalid(
                "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ),
        );
        fails(
            "resourceVersion=1&resourceVersionMatch=Exact&sendInitialEvents=true",
            true,
            &invalid(
                "[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, \
                 resourceVersionMatch: Unsupported value: \"Exact\": supported values: \"NotOlderThan\"]",
            ),
        );
        fails(
            "resourceVersionMatch=NotOlderThan",
            true,
            &invalid(
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ),
        );
        fails(
            "sendInitialEvents=true",
            false,
            &invalid("sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
        );
        let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NDIsInN0YXJ0IjoiYVx1MDAwMCJ9";
        fails(
            &format!("continue={token}&resourceVersion=1"),
            false,
            "specifying resource version is not allowed when using continue",
        );
    }

    #[test]
    fn what_can_not_be_read_is_refused_in_upstreams_words() {
        fails(
            "limit=many",
            false,
            "strconv.ParseInt: parsing \"many\": invalid syntax",
        );
        fails(
            "timeoutSeconds=soon",
            true,
            "strconv.ParseInt: parsing \"soon\": invalid syntax",
        );
        fails(
            "labelSelector=a in",
            true,
            "unable to parse requirement: found '' expected: '('",
        );
        fails(
            "resourceVersion=abc",
            false,
            "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
        );
    }

    #[test]
    fn a_revision_means_what_it_is_said_to_mean() {
        reads("limit=0", ReadAt::Newest);
        reads("resourceVersion=0", ReadAt::Any);
        reads("resourceVersion=0&limit=1", ReadAt::Any);
        reads("resourceVersion=7", ReadAt::NotOlderThan(7));
        reads("resourceVersion=7&limit=1", ReadAt::Exact(7));
        reads(
            "resourceVersion=7&limit=1&resourceVersionMatch=NotOlderThan",
            ReadAt::NotOlderThan(7),
        );
        reads(
            "resourceVersion=7&resourceVersionMatch=Exact",
            ReadAt::Exact(7),
        );
        reads("resourceVersionMatch=", ReadAt::Newest);
    }

    #[test]
    fn anything_but_no_is_yes() {
        for (text, expected) in [
            ("true", true),
            ("1", true),
            ("maybe", true),
            ("", true),
            ("0", false),
            ("False", false),
        ] {
            assert_eq!(parse_bool(text), expected, "{text}");
        }
    }
}
