//! A watch held open beside the other requests of a scenario.

use std::time::Duration;

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::json::Json;
use super::prepare::Prepared;
use crate::http::{Answer, Endpoint, header_lines};

/// No scenario has as many events on the way.
const BUFFER: usize = 4096;

/// Collects events in the background.
pub(super) struct Watch {
    events: mpsc::Receiver<Json>,
    /// Whether the server has ended the stream and all its events are taken.
    ended: bool,
    waiting: Vec<Json>,
    reader: Option<JoinHandle<()>>,
}

impl Watch {
    /// Opens the watch on a connection of its own. An answer other than 200 is read to its end.
    pub(super) async fn open(endpoint: &Endpoint, request: Prepared) -> Result<(Self, Answer)> {
        let mut connection = endpoint.connect().await?;
        let response = connection
            .open(
                &request.method,
                &request.path,
                &request.headers,
                request.body,
            )
            .await?;
        let (status, headers) = (response.status().as_u16(), header_lines(&response));
        let (sender, events) = mpsc::channel(BUFFER);
        if status != 200 {
            let body = response.into_body().collect().await?.to_bytes();
            let watch = Self {
                events,
                ended: true,
                waiting: Vec::new(),
                reader: None,
            };
            return Ok((
                watch,
                Answer {
                    status,
                    headers,
                    body,
                },
            ));
        }
        let reader = tokio::spawn(async move {
            pump(response.into_body(), &sender).await;
            drop(connection);
        });
        let watch = Self {
            events,
            ended: false,
            waiting: Vec::new(),
            reader: Some(reader),
        };
        Ok((
            watch,
            Answer {
                status,
                headers,
                body: Bytes::new(),
            },
        ))
    }

    /// The events not yet taken: waits for `count`, at most `patience`, then `quiet` for stragglers.
    pub(super) async fn take(
        &mut self,
        count: usize,
        patience: Duration,
        quiet: Duration,
    ) -> Vec<Json> {
        let deadline = Instant::now() + patience;
        while self.waiting.len() < count && self.receive(deadline).await {}
        let deadline = Instant::now() + quiet;
        while self.receive(deadline).await {}
        std::mem::take(&mut self.waiting)
    }

    /// Whether the server ends the stream within `patience`.
    pub(super) async fn ends(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.receive(deadline).await {}
        self.ended
    }

    /// Takes one more event; false at the deadline or the end.
    async fn receive(&mut self, deadline: Instant) -> bool {
        if self.ended {
            return false;
        }
        match timeout_at(deadline, self.events.recv()).await {
            Ok(Some(event)) => {
                self.waiting.push(event);
                true
            }
            Ok(None) => {
                self.ended = true;
                false
            }
            Err(_) => false,
        }
    }

    /// Hangs up.
    pub(super) fn close(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.abort();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.close();
    }
}

/// Sends each line of the body as an event, until the stream ends or makes no sense.
async fn pump(mut body: Incoming, events: &mpsc::Sender<Json>) {
    let mut buffer = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else {
            continue;
        };
        buffer.extend_from_slice(&data);
        while let Some(end) = buffer.iter().position(|&byte| byte == b'\n') {
            let line = buffer.split_to(end + 1);
            if line.trim_ascii().is_empty() || is_mere_bookmark(&line) {
                continue;
            }
            let Ok(event) = Json::parse(&line) else {
                return;
            };
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// Bookmarks come when the server likes, except for the one after the initial events.
fn is_mere_bookmark(line: &[u8]) -> bool {
    let Ok(event) = Json::parse(line) else {
        return false;
    };
    event.get("type").and_then(Json::as_str) == Some("BOOKMARK")
        && !String::from_utf8_lossy(line).contains("k8s.io/initial-events-end")
}
