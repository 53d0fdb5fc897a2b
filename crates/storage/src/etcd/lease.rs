//! Leases, shared by values that end at about the same time.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::{sync::Mutex, time::Instant};
use tonic::Status;

use super::{
    cluster::{Cluster, Repeat},
    messages::{LeaseGrantRequest, LeaseGrantResponse},
};

/// Hands out leases. One is given to many values, as upstream does, because each costs etcd a
/// timer and a write of its own: to as many as come while it ends late enough, and not much too late.
pub(super) struct Leases {
    reuse: Duration,
    last: Mutex<Option<Lease>>,
    tell: OnceLock<Tell>,
}

/// Told how many values a lease was given to, or asked for, when there is another.
pub(super) type Tell = Box<dyn Fn(usize) + Send + Sync>;

struct Lease {
    id: i64,
    ends: Instant,
    values: usize,
}

/// Upstream's: a delete of more than that at once would hold up others.
const MOST_VALUES: usize = 1000;

impl Leases {
    /// Leases that are given away for up to `reuse` after they were made.
    pub(super) fn new(reuse: Duration) -> Self {
        Self {
            reuse,
            last: Mutex::default(),
            tell: OnceLock::new(),
        }
    }

    /// Has `tell` told of leases from now on. Only the first is.
    pub(super) fn tell(&self, tell: Tell) {
        let _ = self.tell.set(tell);
    }

    /// A lease that ends `time` from now, or up to a twentieth of that later.
    pub(super) async fn get(&self, cluster: &Cluster, time: Duration) -> Result<i64, Status> {
        let whole = seconds(time);
        let (time, extra) = (Duration::from_secs(whole), self.extra(whole));
        let mut last = self.last.lock().await;
        let now = Instant::now();
        if let Some(lease) = last.as_mut() {
            let lives_long_enough = now + time < lease.ends;
            let and_no_longer = now + time + extra > lease.ends;
            lease.values += 1;
            if lives_long_enough && and_no_longer && lease.values <= MOST_VALUES {
                return Ok(lease.id);
            }
        }
        let ttl = i64::try_from(whole + extra.as_secs()).unwrap_or(i64::MAX);
        let path = "/etcdserverpb.Lease/LeaseGrant";
        let granted: LeaseGrantResponse = cluster
            .ask(path, LeaseGrantRequest { ttl }, Repeat::Safe)
            .await?;
        if !granted.error.is_empty() {
            return Err(Status::unknown(granted.error));
        }
        if let Some(tell) = self.tell.get() {
            tell(last.as_ref().map_or(1, |lease| lease.values));
        }
        *last = Some(Lease {
            id: granted.id,
            ends: now + time + extra,
            values: 1,
        });
        Ok(granted.id)
    }

    fn extra(&self, seconds: u64) -> Duration {
        Duration::from_secs(seconds / 20).min(Duration::from_secs(self.reuse.as_secs()))
    }
}

/// etcd counts whole ones; a value is never taken away early.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
