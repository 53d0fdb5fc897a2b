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

/// Writes that are not yet seen by all watchers; no server has to buffer more.
const AHEAD: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections that are made at once.
const OPENING: usize = 32;

/// Open watches, each on a connection of its own. They end when this is dropped.
pub(crate) struct Watchers(#[expect(dead_code, reason = "held")] JoinSet<()>);

impl Watchers {
    /// Opens `count` watches at `path`, and has each of them read by a `reader`.
    pub(crate) async fn open<R, F>(
        target: &Target,
        path: &str,
        count: usize,
        reader: R,
    ) -> Result<Self>
    where
        R: Fn(Incoming) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut watchers = JoinSet::new();
        for start in (0..count).step_by(OPENING) {
            let opening = (start..count.min(start + OPENING)).map(|_| async {
                let mut caller = target.connect().await?;
                let body = caller.open(Request::get(path)).await?;
                Ok::<_, anyhow::Error>((caller, body))
            });
            for (caller, body) in futures_util::future::try_join_all(opening).await? {
                let reading = reader(body);
                watchers.spawn(async move {
                    reading.await;
                    drop(caller);
                });
            }
        }
        Ok(Self(watchers))
    }
}

/// The path of a watch of a collection from now on.
pub(crate) async fn from_now_on(target: &mut Target, collection: &str) -> Result<String> {
    let list = target
        .one(Request::get(format!("{collection}?limit=1")))
        .await?;
    let list: Value = serde_json::from_slice(&list)?;
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .context("a list without a resourceVersion")?;
    Ok(format!(
        "{collection}?watch=true&resourceVersion={version}&timeoutSeconds=600"
    ))
}

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
    collection: &str,
    watchers: usize,
    events: usize,
    write: impl Fn(usize) -> Request<'a>,
) -> Result<f64> {
    let path = from_now_on(target, collection).await?;
    let seen = Arc::new(Seen::default());
    let open = Watchers::open(target, &path, watchers, |body| {
        let seen = Arc::clone(&seen);
        async move { count(body, &seen).await }
    });
    let open = open.await?;
    let before = processes.cpu()?;
    for round in 0..events {
        wait(&seen, round.saturating_sub(AHEAD) * watchers).await?;
        target.one(write(round)).await?;
    }
    wait(&seen, events * watchers).await?;
    let spent = processes.cpu()? - before;
    drop(open);
    Ok(spent)
}

/// Counts lines until the watch ends.
async fn count(mut body: Incoming, seen: &Seen) {
    while let Some(Ok(frame)) = body.frame().await {
        seen.count
            .fetch_add(lines(frame.data_ref()), Ordering::Relaxed);
        seen.changed.notify_one();
    }
}

/// How many events end in these bytes.
pub(crate) fn lines(data: Option<&bytes::Bytes>) -> usize {
    data.map_or(0, |data| memchr::memchr_iter(b'\n', data).count())
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
