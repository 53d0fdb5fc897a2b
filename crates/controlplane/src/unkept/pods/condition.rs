//! Conditions of pods.

use pintle_api::core::v1::PodStatusMut;
use pintle_runtime::time::Time;

/// A condition that the server itself sets.
pub(super) struct Condition {
    /// What it is about; it is true.
    pub(super) kind: &'static str,
    /// For programs.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) message: &'static str,
}

impl Condition {
    /// Puts the condition in the place of what was said before; the time of the last change stays if
    /// nothing has changed (`UpdatePodCondition`).
    pub(super) fn set(&self, status: &mut PodStatusMut<'_>, now: Time) {
        let now = now.truncate_to_seconds();
        let known = status
            .view()
            .conditions()
            .iter()
            .position(|condition| condition.type_() == self.kind);
        let mut conditions = status.conditions_mut();
        let mut condition = match known.and_then(|at| conditions.get_mut(at)) {
            Some(condition) => condition,
            None => return self.add(status, now),
        };
        let since = condition
            .view()
            .last_transition_time()
            .filter(|_| condition.view().status() == "True");
        condition.set_status("True");
        condition.clear_last_probe_time();
        condition.clear_observed_generation();
        condition.set_last_transition_time(since.unwrap_or(now));
        condition.set_reason(self.reason);
        condition.set_message(self.message);
    }

    fn add(&self, status: &mut PodStatusMut<'_>, now: Time) {
        let mut conditions = status.conditions_mut();
        let mut condition = conditions.push_new();
        condition.set_type(self.kind);
        condition.set_status("True");
        condition.set_last_transition_time(now);
        condition.set_reason(self.reason);
        condition.set_message(self.message);
    }
}
