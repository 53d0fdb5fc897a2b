//! Events that are kept a while after the answer, many at once: [`Batching`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::{AuditMetrics, Backend, Told};

/// Keeps many events at once.
pub trait Sink: Send + Sync + 'static {
    /// Keeps events: lines of JSON with their newlines. Says whether it could.
    fn deliver(&self, events: Vec<Bytes>) -> BoxFuture<'_, bool>;
}

/// How events are gathered.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOptions {
    /// Events that may wait; what comes while so many do is lost, and counted.
    pub buffer: usize,
    /// Events of one batch.
    pub max_size: usize,
    /// How long a batch waits to be full.
    pub max_wait: Duration,
    /// Batches a second on average, and at once after a while without any; as many as there are if `None`.
    pub throttle: Option<(f64, u32)>,
    /// Batches on their way at the same time.
    pub at_once: usize,
}

enum Message {
    Event(Bytes),
    Close(oneshot::Sender<()>),
}

/// Takes events at once and has a [`Sink`] keep them later.
pub struct Batching {
    messages: mpsc::Sender<Message>,
    metrics: Arc<AuditMetrics>,
}

impl Batching {
    /// Gathers events for `sink`, in a task of its own.
    pub fn start(sink: Arc<dyn Sink>, options: BatchOptions, metrics: Arc<AuditMetrics>) -> Self {
        let (messages, received) = mpsc::channel(options.buffer.max(1));
        let worker = Worker {
            throttle: options.throttle.map(Throttle::new),
            options,
            sink,
            received,
            delivering: JoinSet::new(),
        };
        tokio::spawn(worker.work());
        Self { messages, metrics }
    }
}

impl Backend for Batching {
    fn take(&self, event: &Told<'_>) -> bool {
        if self
            .messages
            .try_send(Message::Event(event.line.clone()))
            .is_err()
        {
            self.metrics
                .lost("buffered", 1, "audit buffer queue blocked");
        }
        true
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let (done, closed) = oneshot::channel();
            if self.messages.send(Message::Close(done)).await.is_ok() {
                // If the worker is gone there is nothing to wait for.
                let _ = closed.await;
            }
        })
    }
}

struct Worker {
    options: BatchOptions,
    sink: Arc<dyn Sink>,
    received: mpsc::Receiver<Message>,
    throttle: Option<Throttle>,
    delivering: JoinSet<()>,
}

/// Why a batch is what it is.
enum Gathered {
    /// It is full, or its time has come.
    Batch,
    /// Nothing comes any more but what is waiting; tell when it is kept.
    Close(oneshot::Sender<()>),
    /// Nobody is left who could send anything.
    End,
}

impl Worker {
    async fn work(mut self) {
        loop {
            let mut events = Vec::new();
            let gathered = self.gather(&mut events).await;
            self.deliver(events).await;
            match gathered {
                Gathered::Batch => {}
                Gathered::Close(done) => {
                    while self.delivering.join_next().await.is_some() {}
                    // Who asked may have stopped waiting.
                    let _ = done.send(());
                }
                Gathered::End => return,
            }
        }
    }

    async fn gather(&mut self, events: &mut Vec<Bytes>) -> Gathered {
        let mut deadline = None;
        while events.len() < self.options.max_size.max(1) {
            let received = match deadline {
                // The first event of a batch may come when it likes.
                None => self.received.recv().await,
                Some(deadline) => tokio::select! {
                    biased;
                    received = self.received.recv() => received,
                    () = sleep_until(deadline) => return Gathered::Batch,
                },
            };
            match received {
                Some(Message::Event(event)) => events.push(event),
                Some(Message::Close(done)) => return Gathered::Close(done),
                None => return Gathered::End,
            }
            deadline.get_or_insert_with(|| Instant::now() + self.options.max_wait);
        }
        Gathered::Batch
    }

    async fn deliver(&mut self, events: Vec<Bytes>) {
        if events.is_empty() {
            return;
        }
        if let Some(throttle) = &mut self.throttle {
            throttle.pass().await;
        }
        while self.delivering.len() >= self.options.at_once.max(1) {
            self.delivering.join_next().await;
        }
        let sink = Arc::clone(&self.sink);
        self.delivering.spawn(async move {
            // What it could not keep, it has counted.
            sink.deliver(events).await;
        });
        while self.delivering.try_join_next().is_some() {}
    }
}

/// So many a second on average, and some at once.
struct Throttle {
    rate: f64,
    burst: f64,
    left: f64,
    since: Instant,
}

impl Throttle {
    fn new((rate, burst): (f64, u32)) -> Self {
        Self {
            rate,
            burst: f64::from(burst),
            left: f64::from(burst),
            since: Instant::now(),
        }
    }

    async fn pass(&mut self) {
        let now = Instant::now();
        let gained = (now - self.since).as_secs_f64() * self.rate;
        self.left = (self.left + gained).min(self.burst);
        self.since = now;
        if self.left < 1.0 {
            let missing = (1.0 - self.left) / self.rate;
            sleep(Duration::from_secs_f64(missing)).await;
            self.since = Instant::now();
            self.left = 1.0;
        }
        self.left -= 1.0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<usize>>);

    impl Sink for Kept {
        fn deliver(&self, events: Vec<Bytes>) -> BoxFuture<'_, bool> {
            self.0.lock().expect("no panic").push(events.len());
            Box::pin(async { true })
        }
    }

    fn options(buffer: usize, max_size: usize) -> BatchOptions {
        BatchOptions {
            buffer,
            max_size,
            max_wait: Duration::from_secs(3600),
            throttle: None,
            at_once: 1,
        }
    }

    fn event() -> Told<'static> {
        Told {
            line: "1\n".into(),
            bare: None,
        }
    }

    #[tokio::test]
    async fn events_go_in_batches_and_the_rest_at_the_end() {
        let (kept, metrics) = (Arc::new(Kept::default()), Arc::default());
        let batching = Batching::start(kept.clone(), options(10, 3), metrics);
        for _ in 0..7 {
            assert!(batching.take(&event()));
        }
        batching.close().await;
        assert_eq!(*kept.0.lock().expect("no panic"), [3, 3, 1]);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted() {
        let (kept, metrics) = (Arc::new(Kept::default()), Arc::new(AuditMetrics::default()));
        let batching = Batching::start(kept.clone(), options(2, 10), Arc::clone(&metrics));
        // The worker does not run before this waits for something.
        for _ in 0..5 {
            batching.take(&event());
        }
        batching.close().await;
        assert_eq!(*kept.0.lock().expect("no panic"), [2]);
        assert_eq!(metrics.errors.with(&["buffered"]).value(), 3);
    }
}
