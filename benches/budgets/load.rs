//! Requests, many at a time.

use std::cell::Cell;

use anyhow::Result;
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use pintle_tests::http::{Connection, Endpoint, Headers};

pub(crate) const JSON: &str = "application/json";
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// The server under load.
pub(crate) struct Target {
    endpoint: Endpoint,
    authorization: String,
    /// Connections that are kept, each with one request at a time.
    connections: usize,
    callers: Vec<Caller>,
}

/// One kept connection.
pub(crate) struct Caller {
    connection: Connection,
    authorization: String,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: String,
    pub(crate) accept: &'a str,
    /// With its content type.
    pub(crate) body: Option<(&'a str, Bytes)>,
}

/// Which of many requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Number of the connection.
    pub(crate) connection: usize,
    /// Number of the request, through all connections.
    pub(crate) index: usize,
}

/// An answer that was not success.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    body: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = self.body.chars().take(200).collect();
        write!(formatter, "{} {}", self.status, body.trim())
    }
}

impl std::error::Error for Refused {}

impl<'a> Request<'a> {
    /// A GET of JSON.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            accept: JSON,
            body: None,
        }
    }

    /// A request with a body, answered in JSON.
    pub(crate) fn with_body(
        method: &'a str,
        path: impl Into<String>,
        kind: &'a str,
        body: Bytes,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            accept: JSON,
            body: Some((kind, body)),
        }
    }
}

impl Target {
    /// Connects when it is first used.
    pub(crate) fn new(endpoint: Endpoint, token: &str, connections: usize) -> Self {
        let authorization = format!("Bearer {token}");
        Self {
            endpoint,
            authorization,
            connections,
            callers: Vec::new(),
        }
    }

    /// A connection beside the kept ones.
    pub(crate) async fn connect(&self) -> Result<Caller> {
        let connection = self.endpoint.connect().await?;
        Ok(Caller {
            connection,
            authorization: self.authorization.clone(),
        })
    }

    /// Forgets the kept connections: the server has ended.
    pub(crate) fn disconnect(&mut self) {
        self.callers.clear();
    }

    /// Opens some watches on one connection over HTTP/2, as a kubelet does.
    pub(crate) async fn watch_together(&self, path: &str, count: usize) -> Result<Vec<Incoming>> {
        let streams = self.endpoint.connect_http2().await?;
        let headers = self.headers(JSON);
        let opening = (0..count).map(|_| {
            let (mut streams, headers) = (streams.clone(), &headers);
            async move { streams.get(path, headers).await }
        });
        let answers = try_join_all(opening).await?;
        Ok(answers
            .into_iter()
            .map(hyper::Response::into_body)
            .collect())
    }

    fn headers(&self, accept: &str) -> Headers {
        headers(&self.authorization, accept)
    }

    /// Sends one request; gives the body of a successful answer.
    pub(crate) async fn one(&mut self, request: Request<'_>) -> Result<Bytes> {
        self.fill().await?;
        self.callers[0].collect(request).await
    }

    /// Has all connections work until `count` turns are done.
    pub(crate) async fn drive<F>(&mut self, count: usize, operation: F) -> Result<()>
    where
        F: AsyncFn(&mut Caller, Turn) -> Result<()>,
    {
        self.drive_on(self.connections, count, operation).await
    }

    /// Has some of the connections work until `count` turns are done.
    pub(crate) async fn drive_on<F>(
        &mut self,
        connections: usize,
        count: usize,
        operation: F,
    ) -> Result<()>
    where
        F: AsyncFn(&mut Caller, Turn) -> Result<()>,
    {
        self.fill().await?;
        let next = Cell::new(0);
        let (next, operation) = (&next, &operation);
        let workers = self.callers.iter_mut().take(connections).enumerate().map(
            |(connection, caller)| async move {
                while next.get() < count {
                    let turn = Turn {
                        connection,
                        index: next.replace(next.get() + 1),
                    };
                    operation(caller, turn).await?;
                }
                Ok::<_, anyhow::Error>(())
            },
        );
        let done = try_join_all(workers).await;
        if done.is_err() {
            // What the others were in the middle of is lost with their connections.
            self.callers.clear();
        }
        done.map(drop)
    }

    async fn fill(&mut self) -> Result<()> {
        while self.callers.len() < self.connections {
            self.callers.push(self.connect().await?);
        }
        Ok(())
    }
}

fn headers(authorization: &str, accept: &str) -> Headers {
    vec![
        ("authorization".into(), authorization.into()),
        ("user-agent".into(), "pintle-budgets".into()),
        ("accept".into(), accept.into()),
    ]
}

impl Caller {
    /// Sends a request; gives the answer's body, once its status is known to be success.
    pub(crate) async fn open(&mut self, request: Request<'_>) -> Result<Incoming> {
        let (kind, body) = request.body.unzip();
        let mut headers = headers(&self.authorization, request.accept);
        headers.extend(kind.map(|kind| ("content-type".into(), kind.into())));
        let answer = self
            .connection
            .open(request.method, &request.path, &headers, body)
            .await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        let body = answer.into_body().collect().await?.to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Err(Refused {
            status: status.as_u16(),
            body,
        }
        .into())
    }

    /// Sends a request and reads the answer without keeping it. Gives its length.
    pub(crate) async fn drain(&mut self, request: Request<'_>) -> Result<usize> {
        let mut body = self.open(request).await?;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(length)
    }

    /// Sends a request and keeps the answer.
    pub(crate) async fn collect(&mut self, request: Request<'_>) -> Result<Bytes> {
        Ok(self.open(request).await?.collect().await?.to_bytes())
    }
}
