//! What a delete is asked for.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::meta::positions::{delete_options as at, preconditions};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};

use crate::list_options::{parse_bool, parse_int};

/// What a delete is asked for, by its body or, where that is empty, by its query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// How long the object has left; zero: nothing.
    pub grace_period_seconds: Option<i64>,
    /// What the object must be.
    pub preconditions: Preconditions,
    /// The old way to say [`Propagation::Orphan`] or not.
    pub orphan_dependents: Option<bool>,
    /// What happens to dependents.
    pub propagation_policy: Option<Propagation>,
    /// `dryRun`, as given.
    pub dry_run: Vec<String>,
    /// It is to be deleted although it can not be read. Clients set it in vain, unless the server has the feature gate
    /// `AllowUnsafeMalformedObjectDeletion`.
    pub ignore_unreadable: bool,
}

/// What an object must be for a write to happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// Its uid.
    pub uid: Option<String>,
    /// Its revision.
    pub resource_version: Option<String>,
}

/// What happens to the dependents of a deleted object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They stay.
    Orphan,
    /// They are deleted, after the object.
    Background,
    /// They are deleted, before the object.
    Foreground,
    /// Something else: refused by [`DeleteOptions::validate`].
    Unknown(String),
}

impl DeleteOptions {
    /// From a decoded body of type `DeleteOptions`.
    pub fn from_record(body: &Record) -> Self {
        let text =
            |record: &Record, index| record.get(index).and_then(Value::as_str).map(str::to_owned);
        let required = body.get(at::PRECONDITIONS).and_then(Value::as_record);
        let dry_run = body
            .get(at::DRY_RUN)
            .and_then(Value::as_list)
            .unwrap_or_default();
        Self {
            grace_period_seconds: body.get(at::GRACE_PERIOD_SECONDS).and_then(Value::as_int),
            preconditions: Preconditions {
                uid: required.and_then(|required| text(required, preconditions::UID)),
                resource_version: required
                    .and_then(|required| text(required, preconditions::RESOURCE_VERSION)),
            },
            orphan_dependents: body.get(at::ORPHAN_DEPENDENTS).and_then(Value::as_bool),
            propagation_policy: text(body, at::PROPAGATION_POLICY).map(Propagation::from),
            dry_run: dry_run
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            ignore_unreadable: body
                .get(at::IGNORE_STORE_READ_ERROR_WITH_CLUSTER_BREAKING_POTENTIAL)
                .and_then(Value::as_bool)
                .unwrap_or_default(),
        }
    }

    /// From the decoded pairs of a query; unknown parameters are left alone.
    ///
    /// # Errors
    /// 400 for a grace period that is not a number.
    pub fn parse<'a>(
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ApiError> {
        let mut options = Self::default();
        for (name, value) in query {
            match name {
                "gracePeriodSeconds" if options.grace_period_seconds.is_none() => {
                    options.grace_period_seconds = Some(parse_int(value)?);
                }
                "orphanDependents" => {
                    options.orphan_dependents.get_or_insert(parse_bool(value));
                }
                "propagationPolicy" => {
                    options
                        .propagation_policy
                        .get_or_insert_with(|| Propagation::from(value.to_owned()));
                }
                "dryRun" => options.dry_run.push(value.to_owned()),
                IGNORE_UNREADABLE => options.ignore_unreadable |= parse_bool(value),
                _ => {}
            }
        }
        Ok(options)
    }

    /// Nothing is kept: `dryRun=All`.
    pub fn is_dry_run(&self) -> bool {
        !self.dry_run.is_empty()
    }

    /// # Errors
    /// 422 for what is unknown or does not go together.
    pub fn validate(&self) -> Result<(), ApiError> {
        let mut errors = ErrorList::new();
        let field = Path::new("propagationPolicy");
        if let Some(policy) = &self.propagation_policy {
            if self.orphan_dependents.is_some() {
                errors.invalid(
                    &field,
                    policy.as_str(),
                    "orphanDependents and deletionPropagation cannot be both set",
                );
            }
            if let Propagation::Unknown(policy) = policy {
                errors.not_supported(
                    &field,
                    policy.as_str(),
                    ["Foreground", "Background", "Orphan", "nil"],
                );
            }
        }
        if self.dry_run.iter().any(|value| value != "All") {
            errors.not_supported(
                &Path::new("dryRun"),
                BadValue::strings(&self.dry_run),
                ["All"],
            );
        }
        let others = [
            (!self.dry_run.is_empty(), "dryRun"),
            (self.propagation_policy.is_some(), "propagationPolicy"),
            (self.orphan_dependents.is_some(), "orphanDependents"),
            (self.grace_period_seconds.is_some(), "gracePeriodSeconds"),
            (
                self.preconditions != Preconditions::default(),
                "preconditions",
            ),
        ];
        for (_, other) in others
            .iter()
            .filter(|(given, _)| *given && self.ignore_unreadable)
        {
            let why = format!("cannot be set together with .{other}");
            errors.invalid(&Path::new(IGNORE_UNREADABLE), true, why);
        }
        refuse(&errors)
    }

    /// # Errors
    /// 422 for what one object may be deleted with, and many may not.
    pub fn validate_for_many(&self) -> Result<(), ApiError> {
        let mut errors = ErrorList::new();
        if self.ignore_unreadable {
            let why = "is not allowed with DELETECOLLECTION, try again after removing the option";
            errors.invalid(&Path::new(IGNORE_UNREADABLE), true, why);
        }
        refuse(&errors)
    }
}

fn refuse(errors: &ErrorList) -> Result<(), ApiError> {
    if errors.is_empty() {
        return Ok(());
    }
    let kind = GroupKind::new("meta.k8s.io", "DeleteOptions");
    Err(ApiError::invalid(&kind, "", errors))
}

const IGNORE_UNREADABLE: &str = "ignoreStoreReadErrorWithClusterBreakingPotential";

impl Propagation {
    /// As clients write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Orphan => "Orphan",
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Unknown(text) => text,
        }
    }
}

impl From<String> for Propagation {
    fn from(text: String) -> Self {
        match text.as_str() {
            "Orphan" => Self::Orphan,
            "Background" => Self::Background,
            "Foreground" => Self::Foreground,
            _ => Self::Unknown(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: &str) {
        let options =
            DeleteOptions::parse(query.split('&').filter_map(|pair| pair.split_once('=')));
        let error = options
            .and_then(|options| options.validate())
            .expect_err(query);
        assert_eq!(
            error.to_string(),
            format!("DeleteOptions.meta.k8s.io \"\" is invalid: {expected}")
        );
    }

    #[test]
    fn what_does_not_go_together_is_refused_in_upstreams_words() {
        check(
            "propagationPolicy=Orphan&orphanDependents=true",
            "propagationPolicy: Invalid value: \"Orphan\": orphanDependents and deletionPropagation cannot be both set",
        );
        check(
            "propagationPolicy=Later",
            "propagationPolicy: Unsupported value: \"Later\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
        );
        check(
            "dryRun=Some",
            "dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"",
        );
        check(
            "ignoreStoreReadErrorWithClusterBreakingPotential=true&gracePeriodSeconds=0",
            "ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: cannot be set together with .gracePeriodSeconds",
        );
    }
}
