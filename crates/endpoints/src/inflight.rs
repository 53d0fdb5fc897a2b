//! How many requests are served at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pintle_runtime::user::{MASTERS, UserInfo};

use crate::metrics::{Gauge, RequestMetrics};

/// Requests that are not long-running, counted as reads and writes apart. One too many is turned
/// away at once, unless it comes from `system:masters`, who always get an answer.
pub struct Inflight {
    reads: Arc<Kind>,
    writes: Arc<Kind>,
}

struct Kind {
    limit: usize,
    count: AtomicUsize,
    gauge: Arc<Gauge>,
}

/// The place of a request; free again when it is dropped.
pub struct Slot(Arc<Kind>);

impl Inflight {
    /// At most so many reads and writes at once; zero is no limit.
    pub fn new(reads: usize, writes: usize, metrics: &RequestMetrics) -> Self {
        let kind = |limit, mutating| {
            Arc::new(Kind {
                limit,
                count: AtomicUsize::new(0),
                gauge: metrics.inflight(mutating),
            })
        };
        Self {
            reads: kind(reads, false),
            writes: kind(writes, true),
        }
    }

    /// A place for a request that somebody else has let in.
    pub(crate) fn count(&self, mutating: bool) -> Slot {
        let kind = if mutating { &self.writes } else { &self.reads };
        kind.count.fetch_add(1, Ordering::Relaxed);
        kind.gauge.inc();
        Slot(Arc::clone(kind))
    }

    /// A place for a request, if there is one.
    pub fn enter(&self, mutating: bool, user: &UserInfo) -> Option<Slot> {
        let kind = if mutating { &self.writes } else { &self.reads };
        let slot = Slot(Arc::clone(kind));
        let before = kind.count.fetch_add(1, Ordering::Relaxed);
        kind.gauge.inc();
        (kind.limit == 0 || before < kind.limit || user.is_in(MASTERS)).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_is_turned_away_unless_it_is_a_master() {
        let inflight = Inflight::new(1, 0, &RequestMetrics::default());
        let (bob, root) = (
            UserInfo::named("bob"),
            UserInfo {
                groups: vec![MASTERS.into()],
                ..UserInfo::default()
            },
        );
        let first = inflight.enter(false, &bob);
        assert!(first.is_some());
        assert!(inflight.enter(false, &bob).is_none());
        assert!(inflight.enter(false, &root).is_some());
        assert!(
            inflight.enter(true, &bob).is_some(),
            "writes are not limited"
        );
        drop(first);
        assert!(inflight.enter(false, &bob).is_some());
    }
}
