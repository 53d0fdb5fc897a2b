//! Many watchers of the same objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::load::{Request, Target};
use crate::processes::Processes;

/// Each on a connection of its own.
pub(crate) const WATCHERS: usize = 500;
/// Writes that are not yet seen by all watchers; no server has to buffer more.
const AHEAD: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

/// Events seen by all watchers together.
#[derive(Default)]
struct Seen {
    count: AtomicUsize,
    changed: Notify,
}

/// CPU time, in µs, of `events` writes and of telling all watchers of them.
pub(crate) async fn measure<'a>(
    target: &mut Target,
    processes: &Processes,
    collection: String,
    events: usize,
    write: impl Fn(usize) -> Request<'a>,
) -> Result<f64> {
    let list = target
        .one(Request::get(format!("{collection}?limit=1")))
        .await?;
    let list: Value = serde_json::from_slice(&list)?;
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .context("a list without a resourceVersion")?;
    let path = format!("{collection}?watch=true&resourceVersion={version}&timeoutSeconds=600");
    let seen = Arc::new(Seen::default());
    let mut watchers = JoinSet::new();
    for _ in 0..WATCHERS {
        let mut caller = target.connect().await?;
        let body = caller.open(Request::get(path.as_str())).await?;
        let seen = seen.clone();
        watchers.spawn(async move {
            count(body, &seen).await;
            drop(caller);
        });
    }
    let before = processes.cpu()?;
    for round in 0..events {
        wait(&seen, round.saturating_sub(AHEAD) * WATCHERS).await?;
        target.one(write(round)).await?;
    }
    wait(&seen, events * WATCHERS).await?;
    Ok(processes.cpu()? - before)
}

/// Counts lines until the watch ends.
async fn count(mut body: Incoming, seen: &Seen) {
    while let Some(Ok(frame)) = body.frame().await {
        let lines = frame
            .data_ref()
            .map_or(0, |data| memchr::memchr_iter(b'\n', data).count());
        seen.count.fetch_add(lines, Ordering::Relaxed);
        seen.changed.notify_one();
    }
}

async fn wait(seen: &Seen, count: usize) -> Result<()> {
    while seen.count.load(Ordering::Relaxed) < count {
        if tokio::time::timeout(PATIENCE, seen.changed.notified())
            .await
            .is_err()
        {
            bail!(
                "{} events came, not {count}",
                seen.count.load(Ordering::Relaxed)
            );
        }
    }
    Ok(())
}
