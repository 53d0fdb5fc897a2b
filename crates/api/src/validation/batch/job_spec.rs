//! What a job says, be it a job of its own or of a cron job.

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::name::domain_prefixed_path;
use pintle_runtime::value::Record;

use super::job_policy;
use crate::batch::v1::JobSpec;
use crate::validation::{internal_form, pod, workload};

/// With more pods at once, the finished indexes of an indexed job could not be kept.
const INDEXED_PARALLELISM: i32 = 100_000;
const FAILED_INDEXES: i32 = 100_000;
/// With more completions and a limit per index, fewer may run and fail.
const MANY_COMPLETIONS: i32 = 100_000;
const PARALLELISM_OF_MANY: i32 = 10_000;
const FAILED_OF_MANY: i32 = 10_000;
const MANAGER_LIMIT: usize = 63;

/// Whether each pod has an index.
pub(super) fn is_indexed(spec: JobSpec<'_>) -> bool {
    spec.completion_mode() == Some("Indexed")
}

/// All but the selector.
pub(super) fn common(
    spec: JobSpec<'_>,
    old: Option<JobSpec<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    workload::nonnegative(
        spec.record(),
        &[
            "parallelism",
            "completions",
            "activeDeadlineSeconds",
            "backoffLimit",
            "ttlSecondsAfterFinished",
            "backoffLimitPerIndex",
            "maxFailedIndexes",
        ],
        path,
        errors,
    );
    if spec.max_failed_indexes().is_some() && spec.backoff_limit_per_index().is_none() {
        errors.required(
            &path.child("backoffLimitPerIndex"),
            "when maxFailedIndexes is specified",
        );
    }
    if let Some(manager) = spec.managed_by() {
        let at = path.child("managedBy");
        domain_prefixed_path(&at, manager, errors);
        if manager.len() > MANAGER_LIMIT {
            errors.push(FieldError::too_long(&at, MANAGER_LIMIT));
        }
    }
    mode(spec, path, errors);
    if let Some(policy) = spec.pod_failure_policy() {
        job_policy::failure(spec, policy, &path.child("podFailurePolicy"), errors);
    }
    if let Some(policy) = spec.success_policy() {
        let at = path.child("successPolicy");
        if is_indexed(spec) {
            job_policy::success(spec, policy, &at, errors);
        } else {
            errors.invalid(
                &at,
                shown(policy.record()),
                "requires indexed completion mode",
            );
        }
    }
    replacement(spec, &path.child("podReplacementPolicy"), errors);
    let before = old.map(|old| old.template());
    pod::template(spec.template(), before, &path.child("template"), errors);
    restart_policy(spec, &path.child("template.spec.restartPolicy"), errors);
}

fn shown(record: &Record) -> BadValue {
    internal_form::shown(Some(record))
}

fn mode(spec: JobSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(mode) = spec.completion_mode()
        && !matches!(mode, "NonIndexed" | "Indexed")
    {
        errors.not_supported(
            &path.child("completionMode"),
            BadValue::json_string(mode),
            ["NonIndexed", "Indexed"],
        );
    }
    if is_indexed(spec) {
        indexed(spec, path, errors);
    }
    if matches!(spec.completion_mode(), None | Some("NonIndexed")) {
        let needs = "requires indexed completion mode";
        if let Some(limit) = spec.backoff_limit_per_index() {
            errors.invalid(&path.child("backoffLimitPerIndex"), limit, needs);
        }
        if let Some(limit) = spec.max_failed_indexes() {
            errors.invalid(&path.child("maxFailedIndexes"), limit, needs);
        }
    }
}

fn indexed(spec: JobSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (at_parallelism, at_failed) = (path.child("parallelism"), path.child("maxFailedIndexes"));
    if spec.completions().is_none() {
        errors.required(
            &path.child("completions"),
            "when completion mode is Indexed",
        );
    }
    let not_above = |limit: i32| format!("must be less than or equal to {limit}");
    let parallelism = spec.parallelism().unwrap_or(0);
    if parallelism > INDEXED_PARALLELISM {
        errors.invalid(
            &at_parallelism,
            parallelism,
            format!(
                "{} when completion mode is Indexed",
                not_above(INDEXED_PARALLELISM)
            ),
        );
    }
    let failed = spec.max_failed_indexes().unwrap_or(0);
    if spec.completions().is_some_and(|all| failed > all) && spec.max_failed_indexes().is_some() {
        errors.invalid(
            &at_failed,
            failed,
            "must be less than or equal to completions",
        );
    }
    if failed > FAILED_INDEXES {
        errors.invalid(&at_failed, failed, not_above(FAILED_INDEXES));
    }
    let many = spec.completions().is_some_and(|all| all > MANY_COMPLETIONS);
    if !many || spec.backoff_limit_per_index().is_none() {
        return;
    }
    if spec.max_failed_indexes().is_none() {
        errors.required(
            &at_failed,
            format!("must be specified when completions is above {MANY_COMPLETIONS}"),
        );
    }
    let of_many = |limit: i32| {
        format!(
            "{} when completions are above {MANY_COMPLETIONS} and used with backoff limit per index",
            not_above(limit)
        )
    };
    if parallelism > PARALLELISM_OF_MANY {
        errors.invalid(&at_parallelism, parallelism, of_many(PARALLELISM_OF_MANY));
    }
    if failed > FAILED_OF_MANY {
        errors.invalid(&at_failed, failed, of_many(FAILED_OF_MANY));
    }
}

fn replacement(spec: JobSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let Some(policy) = spec.pod_replacement_policy() else {
        return;
    };
    let supported: &[&str] = if spec.pod_failure_policy().is_some() {
        &["Failed"]
    } else {
        &["Failed", "TerminatingOrFailed"]
    };
    if !supported.contains(&policy) {
        errors.not_supported(path, BadValue::json_string(policy), supported);
    }
}

/// Pods that are started again for ever never end.
fn restart_policy(spec: JobSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let policy = spec.template().spec().restart_policy();
    let value = || BadValue::json_string(policy);
    match policy {
        "" | "Always" => errors.required(path, r#"valid values: "OnFailure", "Never""#),
        "Never" => {}
        "OnFailure" if spec.pod_failure_policy().is_none() => {}
        "OnFailure" => errors.invalid(
            path,
            value(),
            r#"only "Never" is supported when podFailurePolicy is specified"#,
        ),
        _ => errors.not_supported(path, value(), ["OnFailure", "Never"]),
    }
}
