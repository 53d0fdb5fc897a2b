//! How finding out who asks, and whether they may, ends and how long it takes.

use std::sync::Arc;
use std::time::Duration;

use super::Collector;
use super::family::Family;
use super::text::Samples;
use super::value::{Counter, Histogram};

/// Bounds of durations, in seconds: a millisecond, doubled fourteen times.
const DURATIONS: &[f64] = &[
    0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096,
    8.192, 16.384,
];

/// Bounds of the time that certificates are still good for, in seconds.
const LIFETIMES: &[f64] = &[
    0.0,
    1800.0,
    3600.0,
    7200.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    345_600.0,
    604_800.0,
    2_592_000.0,
    7_776_000.0,
    15_552_000.0,
    31_104_000.0,
];

/// How finding out who asks ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// It is somebody.
    Success,
    /// Nobody whom the server lets in.
    Failure,
    /// A credential was bad.
    Error,
}

/// How a request was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It may go on.
    Allowed,
    /// It may not.
    Denied,
    /// Nobody said that it may.
    NoOpinion,
    /// Somebody could not be asked.
    Error,
}

/// Authentication, authorization and impersonation.
#[derive(Debug)]
pub struct AccessMetrics {
    users: Family<Counter>,
    /// The same, by their places in [`CLASSES`].
    kept_users: [Arc<Counter>; CLASSES.len()],
    attempts: Outcomes<3>,
    judgements: Outcomes<4>,
    decisions: Family<Counter>,
    impersonations: Family<Counter>,
    impersonating: Family<Histogram>,
    certificates: Family<Histogram>,
    /// The only one of them: there is no label.
    certificate: Arc<Histogram>,
}

/// Ends of one thing, by a label, each counted and timed.
#[derive(Debug)]
struct Outcomes<const N: usize> {
    counts: Family<Counter>,
    durations: Family<Histogram>,
    /// The same, found without looking for them.
    kept: [(Arc<Counter>, Arc<Histogram>); N],
}

impl<const N: usize> Outcomes<N> {
    fn new(
        [count, count_help]: [&'static str; 2],
        [duration, duration_help]: [&'static str; 2],
        results: [&'static str; N],
    ) -> Self {
        let counts = Family::new(count, count_help, &["result"], Counter::default);
        let durations = Family::new(duration, duration_help, &["result"], || {
            Histogram::new(DURATIONS)
        });
        let kept = results.map(|result| (counts.with(&[result]), durations.with(&[result])));
        Self {
            counts,
            durations,
            kept,
        }
    }

    fn ended(&self, outcome: usize, elapsed: Duration) {
        let (count, duration) = &self.kept[outcome];
        count.inc();
        duration.observe(elapsed.as_secs_f64());
    }

    /// What has happened at all.
    fn collect(&self, samples: &mut Samples<'_>) {
        self.counts
            .collect_those(samples, |count| count.value() > 0);
        self.durations
            .collect_those(samples, |duration| duration.snapshot().1 > 0);
    }
}

impl Default for AccessMetrics {
    fn default() -> Self {
        let users = Family::new(
            "authenticated_user_requests",
            "[ALPHA] Counter of authenticated requests broken out by username.",
            &["username"],
            Counter::default,
        );
        let certificates = Family::new(
            "apiserver_client_certificate_expiration_seconds",
            "[ALPHA] Distribution of the remaining lifetime on the certificate used to authenticate a request.",
            &[],
            || Histogram::new(LIFETIMES),
        );
        Self {
            certificate: certificates.with(&[]),
            certificates,
            kept_users: CLASSES.map(|class| users.with(&[class])),
            users,
            attempts: Outcomes::new(
                [
                    "authentication_attempts",
                    "[ALPHA] Counter of authenticated attempts.",
                ],
                [
                    "authentication_duration_seconds",
                    "[ALPHA] Authentication duration in seconds broken out by result.",
                ],
                ["success", "failure", "error"],
            ),
            judgements: Outcomes::new(
                [
                    "authorization_attempts_total",
                    "[ALPHA] Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', \
                     'no-opinion' or 'error'.",
                ],
                [
                    "authorization_duration_seconds",
                    "[ALPHA] Authorization duration in seconds broken out by result.",
                ],
                ["allowed", "denied", "no-opinion", "error"],
            ),
            decisions: Family::new(
                "apiserver_authorization_decisions_total",
                "[ALPHA] Total number of terminal decisions made by an authorizer split by authorizer type, name, and decision.",
                &["type", "name", "decision"],
                Counter::default,
            ),
            impersonations: Family::new(
                "apiserver_impersonation_attempts_total",
                "[ALPHA] Total number of impersonation attempts split by mode and decision.",
                &["mode", "decision"],
                Counter::default,
            ),
            impersonating: Family::new(
                "apiserver_impersonation_attempts_duration_seconds",
                "[ALPHA] Latency of impersonation attempts in seconds split by mode and decision.",
                &["mode", "decision"],
                || Histogram::new(DURATIONS),
            ),
        }
    }
}

impl AccessMetrics {
    /// It was found out who asks, or not; `user` is their name if it was.
    pub(crate) fn authenticated(&self, attempt: Attempt, user: Option<&str>, elapsed: Duration) {
        self.attempts.ended(attempt as usize, elapsed);
        if let Some(user) = user {
            self.kept_users[class_of(user)].inc();
        }
    }

    /// A request came by a certificate that is good for so long.
    pub(crate) fn showed_certificate(&self, left: Duration) {
        self.certificate.observe(left.as_secs_f64());
    }

    /// It was decided whether a request may go on.
    pub(crate) fn judged(&self, judgement: Judgement, elapsed: Duration) {
        self.judgements.ended(judgement as usize, elapsed);
    }

    /// Somebody was allowed in a mode to act as somebody else, or in none.
    pub(crate) fn impersonated(&self, mode: Option<&str>, elapsed: Duration) {
        let labels = match mode {
            Some(mode) => [mode, "allowed"],
            None => ["", "denied"],
        };
        self.impersonations.with(&labels).inc();
        self.impersonating
            .with(&labels)
            .observe(elapsed.as_secs_f64());
    }

    /// Decisions of one sort, `allowed` or `denied`, of the authorizer of a type and a name.
    pub fn decisions(&self, kind: &str, name: &str, decision: &str) -> Arc<Counter> {
        self.decisions.with(&[kind, name, decision])
    }
}

/// What is told of users: no name that could be a person's. All but the last two are names.
const CLASSES: [&str; 7] = [
    "admin",
    "client",
    "kube_proxy",
    "kubelet",
    "system:serviceaccount:kube-system:default",
    "email_id",
    "other",
];

/// Which of [`CLASSES`] a user is of.
fn class_of(user: &str) -> usize {
    let [names @ .., _, _] = &CLASSES;
    let other = names.len() + usize::from(!user.contains('@'));
    names.iter().position(|name| *name == user).unwrap_or(other)
}

impl Collector for AccessMetrics {
    fn collect(&self, samples: &mut Samples<'_>) {
        let counts = [&self.users, &self.decisions, &self.impersonations];
        for family in counts {
            family.collect_those(samples, |count| count.value() > 0);
        }
        self.attempts.collect(samples);
        self.judgements.collect(samples);
        self.impersonating.collect(samples);
        self.certificates.collect(samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(user: &str, expected: &str) {
        assert_eq!(CLASSES[class_of(user)], expected, "{user}");
    }

    #[test]
    fn no_persons_name_is_told() {
        check("admin", "admin");
        check("alice", "other");
        check("alice@example.com", "email_id");
        check(
            "system:serviceaccount:kube-system:default",
            "system:serviceaccount:kube-system:default",
        );
        check("system:serviceaccount:blue:default", "other");
    }
}
