//! `batch`: work that comes to an end.

use super::Rules;

mod cron_job;
mod indexes;
mod job;
mod job_policy;
mod job_spec;
mod job_status;
mod schedule;
#[cfg(test)]
mod tests;
mod zones;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "CronJob" => cron_job::RULES,
        "Job" => job::RULES,
        _ => return None,
    })
}
