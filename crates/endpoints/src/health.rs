//! `/healthz`, `/livez` and `/readyz`: whether the server is well, and what is wrong with it.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pintle_runtime::quote::Quoted;
use tokio::sync::watch;

use crate::metrics::{Counter, Family, Gauge, Samples};
use crate::query::Query;

/// Something that may be wrong.
pub trait Check: Send + Sync + 'static {
    /// Whether all is well.
    ///
    /// # Errors
    /// What is not, for who asks this check alone, and for logs.
    fn check(&self) -> Result<(), String>;
}

impl<F: Fn() -> Result<(), String> + Send + Sync + 'static> Check for F {
    fn check(&self) -> Result<(), String> {
        self()
    }
}

/// Something that is not so until it is done, such as a start-up hook; then it stays so.
#[derive(Debug, Clone, Default)]
pub struct Milestone(watch::Sender<bool>);

impl Milestone {
    /// It is done.
    pub fn reach(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is done.
    pub fn is_reached(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is done.
    pub async fn reached(&self) {
        // Never an error: the sender is here.
        let _ = self.0.subscribe().wait_for(|reached| *reached).await;
    }
}

impl Check for Milestone {
    fn check(&self) -> Result<(), String> {
        if self.is_reached() {
            Ok(())
        } else {
            Err("not finished".to_owned())
        }
    }
}

/// A root path of health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/healthz`, of old: all of `/livez`.
    Healthz,
    /// `/livez`: to be restarted if not.
    Livez,
    /// `/readyz`: not to be asked if not.
    Readyz,
}

impl Endpoint {
    /// Name and path.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Healthz, "healthz", "/healthz"),
        (Self::Livez, "livez", "/livez"),
        (Self::Readyz, "readyz", "/readyz"),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Healthz => "healthz",
            Self::Livez => "livez",
            Self::Readyz => "readyz",
        }
    }
}

/// Named checks, in the order in which they are told.
pub struct Health {
    checks: Vec<Named>,
    /// Until when `/livez` forgives checks of the start-up.
    grace_ends: Instant,
    /// `kubernetes_healthcheck` and `kubernetes_healthchecks_total`, for `/metrics/slis`.
    last: Family<Gauge>,
    total: Family<Counter>,
}

struct Named {
    name: String,
    part: Part,
    check: Arc<dyn Check>,
}

/// Where a check counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// At all three endpoints.
    All,
    /// At all three, but `/livez` forgives it while the server starts.
    StartUp,
    /// At `/healthz` and `/livez`.
    Live,
    /// At `/readyz`.
    Ready,
    /// At `/healthz` and `/readyz`.
    Serving,
}

impl Part {
    fn is_of(self, endpoint: Endpoint) -> bool {
        match self {
            Self::All | Self::StartUp => true,
            Self::Live => endpoint != Endpoint::Readyz,
            Self::Ready => endpoint == Endpoint::Readyz,
            Self::Serving => endpoint != Endpoint::Livez,
        }
    }
}

/// An answer in plain text.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether all is well: 200, or else 500.
    pub healthy: bool,
    /// Whether `Content-Type` and `nosniff` are set as for a page, as a single check's `ok` is not.
    pub guarded: bool,
    /// The text.
    pub text: String,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            checks: Vec::new(),
            grace_ends: Instant::now(),
            last: Family::new(
                "kubernetes_healthcheck",
                "[STABLE] This metric records the result of a single healthcheck.",
                &["name", "type"],
                Gauge::default,
            ),
            total: Family::new(
                "kubernetes_healthchecks_total",
                "[STABLE] This metric records the results of all healthcheck.",
                &["name", "status", "type"],
                Counter::default,
            ),
        }
    }
}

impl Health {
    /// `ping` and `log`, which are always well.
    pub fn new() -> Self {
        let mut health = Self::default();
        health.add(Part::All, "ping", || Ok(()));
        health.add(Part::All, "log", || Ok(()));
        health
    }

    /// The same where `/livez` forgives checks of the start-up for this long from now.
    #[must_use]
    pub fn with_livez_grace(self, grace: Duration) -> Self {
        Self {
            grace_ends: Instant::now() + grace,
            ..self
        }
    }

    /// Adds a check, to be told after those that are there.
    pub fn add(&mut self, part: Part, name: impl Into<String>, check: impl Check) {
        self.checks.push(Named {
            name: name.into(),
            part,
            check: Arc::new(check),
        });
    }

    /// Appends what `/metrics/slis` tells: how the checks went when they were asked for last, and how often they did.
    pub fn collect(&self, samples: &mut Samples<'_>) {
        self.last.collect(samples);
        self.total.collect(samples);
    }

    /// The paths of all endpoints and checks, for the index at `/`.
    pub fn paths(&self) -> Vec<String> {
        let paths = Endpoint::ALL.iter().flat_map(|(endpoint, _, path)| {
            let below = (self.of(*endpoint))
                .filter(move |check| {
                    *endpoint != Endpoint::Readyz || !UNLISTED.contains(&&*check.name)
                })
                .map(move |check| format!("{path}/{}", check.name));
            std::iter::once((*path).to_owned()).chain(below)
        });
        paths.collect()
    }

    /// The report of `path`, if it is one of health.
    pub fn report(&self, path: &str, query: Query<'_>) -> Option<Report> {
        for (endpoint, _, root) in Endpoint::ALL {
            match path.strip_prefix(root) {
                Some("") => return Some(self.all(endpoint, query)),
                Some(below) => return self.single(endpoint, below.strip_prefix('/')?),
                None => {}
            }
        }
        None
    }

    /// Whether every check of an endpoint is well.
    pub fn is_well(&self, endpoint: Endpoint) -> bool {
        self.of(endpoint)
            .all(|check| self.ask(endpoint, check).is_ok())
    }

    fn of(&self, endpoint: Endpoint) -> impl Iterator<Item = &Named> {
        self.checks
            .iter()
            .filter(move |check| check.part.is_of(endpoint))
    }

    fn ask(&self, endpoint: Endpoint, check: &Named) -> Result<(), String> {
        let forgiven = check.part == Part::StartUp && endpoint == Endpoint::Livez;
        if forgiven && Instant::now() < self.grace_ends {
            return Ok(());
        }
        check.check.check()
    }

    /// Asks a check, and remembers what it said.
    fn observe(&self, endpoint: Endpoint, check: &Named) -> Result<(), String> {
        let result = self.ask(endpoint, check);
        let (name, root) = (&*check.name, endpoint.name());
        let status = if result.is_ok() { "success" } else { "error" };
        self.last.with(&[name, root]).set(i64::from(result.is_ok()));
        self.total.with(&[name, status, root]).inc();
        result
    }

    fn single(&self, endpoint: Endpoint, name: &str) -> Option<Report> {
        let check = self.of(endpoint).find(|check| check.name == name)?;
        Some(match self.ask(endpoint, check) {
            Ok(()) => Report {
                healthy: true,
                guarded: false,
                text: "ok".to_owned(),
            },
            Err(why) => Report {
                healthy: false,
                guarded: true,
                text: format!("internal server error: {why}\n"),
            },
        })
    }

    fn all(&self, endpoint: Endpoint, query: Query<'_>) -> Report {
        let name = endpoint.name();
        let mut excluded: Vec<(String, bool)> = query
            .all("exclude")
            .map(|name| (name.into_owned(), false))
            .collect();
        let mut healthy = true;
        let mut text = String::new();
        // Writing to a string cannot fail.
        for check in self.of(endpoint) {
            let mut skip = false;
            for (_, met) in excluded
                .iter_mut()
                .filter(|(excluded, _)| *excluded == check.name)
            {
                (skip, *met) = (true, true);
            }
            let _ = if skip {
                writeln!(text, "[+]{} excluded: ok", check.name)
            } else if let Err(why) = self.observe(endpoint, check) {
                healthy = false;
                tracing::info!(
                    endpoint = name,
                    check = check.name,
                    why,
                    "health check failed"
                );
                writeln!(text, "[-]{} failed: reason withheld", check.name)
            } else {
                writeln!(text, "[+]{} ok", check.name)
            };
        }
        let mut unknown: Vec<String> = excluded
            .iter()
            .filter(|(_, met)| !met)
            .map(|(name, _)| Quoted(name).to_string())
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let _ = writeln!(
                text,
                "warn: some health checks cannot be excluded: no matches for {}",
                unknown.join(",")
            );
        }
        if !healthy {
            let _ = writeln!(text, "{name} check failed");
        } else if query.has("verbose") {
            let _ = writeln!(text, "{name} check passed");
        } else {
            text = "ok".to_owned();
        }
        Report {
            healthy,
            guarded: true,
            text,
        }
    }
}

/// Checks of readiness that upstream's index of paths leaves out.
const UNLISTED: [&str; 2] = ["etcd", "etcd-readiness"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, query: &str, expected: Option<(bool, &str)>) {
        let mut health = Health::new();
        health.add(Part::All, "etcd", || Ok(()));
        health.add(Part::Ready, "informer-sync", Milestone::default());
        let report = health.report(path, Query::new(query));
        let found = report
            .as_ref()
            .map(|report| (report.healthy, report.text.as_str()));
        assert_eq!(found, expected, "{path}?{query}");
    }

    #[test]
    fn a_healthy_server_says_ok() {
        check("/livez", "", Some((true, "ok")));
        check(
            "/livez",
            "verbose",
            Some((
                true,
                "[+]ping ok\n[+]log ok\n[+]etcd ok\nlivez check passed\n",
            )),
        );
        check("/healthz/ping", "", Some((true, "ok")));
        check("/healthz/none", "", None);
        check("/healthzz", "", None);
    }

    #[test]
    fn a_failing_check_is_named_and_its_reason_withheld() {
        let text = "[+]ping ok\n[+]log ok\n[+]etcd ok\n[-]informer-sync failed: reason withheld\nreadyz check failed\n";
        check("/readyz", "", Some((false, text)));
        check(
            "/readyz/informer-sync",
            "",
            Some((false, "internal server error: not finished\n")),
        );
    }

    #[test]
    fn checks_may_be_excluded() {
        check("/readyz", "exclude=informer-sync", Some((true, "ok")));
        check(
            "/livez",
            "verbose&exclude=etcd&exclude=b&exclude=a",
            Some((
                true,
                "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\n\
                 warn: some health checks cannot be excluded: no matches for \"a\",\"b\"\nlivez check passed\n",
            )),
        );
    }
}
