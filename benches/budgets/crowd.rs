//! Crowds of watchers: what they keep in memory, and how late they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use memchr::memmem::Finder;
use tokio::time::{Instant, sleep, sleep_until};

use crate::bodies;
use crate::load::{JSON, Request, Target};
use crate::processes::Processes;
use crate::rest;
use crate::watchers::{Watchers, from_now_on, lines};

/// How long writes come at their rate.
const SECONDS: usize = 5;
/// Objects that are written in turn.
const OBJECTS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(60);

/// Watches on one connection, over HTTP/2: as many as a kubelet has.
const TOGETHER: usize = 10;

/// Bytes of memory that so many watches take to which nothing happens.
pub(crate) async fn idle(
    target: &mut Target,
    processes: &Processes,
    collection: &str,
    watches: usize,
) -> Result<f64> {
    rest().await;
    let before = processes.memory()?;
    let path = from_now_on(target, collection).await?;
    let mut open = Vec::new();
    for _ in 0..watches / TOGETHER {
        open.push(target.watch_together(&path, TOGETHER).await?);
    }
    rest().await;
    let grown = processes.memory()? - before;
    drop(open);
    Ok(grown.max(0.0))
}

/// How long events took, in classes of a tenth of a millisecond.
struct Latencies {
    classes: Vec<AtomicU32>,
    events: AtomicUsize,
    began: Instant,
}

const CLASS: u128 = 100;
const CLASSES: usize = 100_000;

impl Latencies {
    fn new() -> Self {
        Self {
            classes: (0..CLASSES).map(|_| AtomicU32::new(0)).collect(),
            events: AtomicUsize::new(0),
            began: Instant::now(),
        }
    }

    /// µs since the beginning.
    fn now(&self) -> u128 {
        self.began.elapsed().as_micros()
    }

    /// Counts the events of which `bytes` say when they were sent. One that is cut between two reads is not seen here,
    /// which is seldom and has nothing to do with how late it is.
    fn take(&self, bytes: &[u8], finder: &Finder<'_>) {
        let now = self.now();
        for at in finder.find_iter(bytes) {
            let rest = &bytes[at + SENT.len()..];
            let Some(end) = memchr::memchr(b'"', rest) else {
                continue;
            };
            let digits = rest[..end].iter();
            let sent = digits.fold(0, |sent, digit| sent * 10 + u128::from(digit - b'0'));
            let class = (now.saturating_sub(sent) / CLASS) as usize;
            self.classes[class.min(CLASSES - 1)].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The µs within which `share` of all events came.
    fn quantile(&self, share: f64) -> f64 {
        let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
        let total = f64::from(self.classes.iter().map(of).sum::<u32>());
        let mut seen = 0;
        for (class, count) in self.classes.iter().enumerate() {
            seen += of(count);
            if f64::from(seen) >= total * share {
                return (class + 1) as f64 * CLASS as f64;
            }
        }
        f64::INFINITY
    }
}

const SENT: &[u8] = br#""sent":""#;

/// The µs from the sending of a write until all but one of a hundred watchers have its event.
pub(crate) async fn latency(
    target: &mut Target,
    collection: &str,
    watchers: usize,
    per_second: usize,
) -> Result<f64> {
    for number in 0..OBJECTS {
        let body = bodies::stamped(&format!("sent-{number}"), 0);
        target
            .one(Request::with_body("POST", collection, JSON, body))
            .await?;
    }
    let path = from_now_on(target, collection).await?;
    let latencies = Arc::new(Latencies::new());
    let seen = Arc::clone(&latencies);
    let open = Watchers::open(target, &path, watchers, move |body| {
        count(body, Arc::clone(&seen))
    });
    let open = open.await?;
    sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    let writes = per_second * SECONDS;
    let clock = &latencies;
    target
        .drive(writes, async |caller, turn| {
            sleep_until(began + Duration::from_secs(1) / per_second as u32 * turn.index as u32)
                .await;
            let name = format!("sent-{}", turn.index % OBJECTS);
            let body = bodies::stamped(&name, clock.now());
            let path = format!("{collection}/{name}");
            caller
                .drain(Request::with_body("PUT", path, JSON, body))
                .await
                .map(drop)
        })
        .await?;
    let expected = writes * watchers;
    let deadline = Instant::now() + PATIENCE;
    while latencies.events.load(Ordering::Relaxed) < expected {
        if Instant::now() > deadline {
            let seen = latencies.events.load(Ordering::Relaxed);
            bail!("{seen} events came, not {expected}");
        }
        sleep(Duration::from_millis(50)).await;
    }
    drop(open);
    Ok(latencies.quantile(0.99))
}

async fn count(mut body: Incoming, latencies: Arc<Latencies>) {
    let finder = Finder::new(SENT);
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            latencies.take(data, &finder);
        }
        latencies
            .events
            .fetch_add(lines(frame.data_ref()), Ordering::Relaxed);
    }
}
