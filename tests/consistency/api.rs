//! A client that never asks twice: an answer that is lost stays lost, and its outcome is open.

use bytes::Bytes;
use pintle_tests::http::{Connection, Endpoint, Headers};
use pintle_tests::server::TestServer;
use serde_json::Value;

/// A connection to the server, made anew when it is gone.
pub(crate) struct Api {
    endpoint: Endpoint,
    headers: Headers,
    connection: Option<Connection>,
}

/// There is no answer.
#[derive(Debug)]
pub(crate) struct Lost;

impl Api {
    pub(crate) fn of(server: &TestServer) -> Self {
        let mut headers = server.authorization();
        headers.push(("content-type".into(), "application/json".into()));
        Self {
            endpoint: server.endpoint(),
            headers,
            connection: None,
        }
    }

    /// Sees to it that there is a connection.
    pub(crate) async fn connect(&mut self) -> Result<&mut Connection, Lost> {
        if self.connection.is_none() {
            self.connection = self.endpoint.connect().await.ok();
        }
        self.connection.as_mut().ok_or(Lost)
    }

    /// A connection of its own, for a watch, and the headers to use on it.
    pub(crate) async fn apart(&self) -> Result<(Connection, Headers), Lost> {
        let connection = self.endpoint.connect().await.map_err(|_| Lost)?;
        Ok((connection, self.headers.clone()))
    }

    /// Status and body of an answer.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), Lost> {
        self.ask_as(method, path, "application/json", body).await
    }

    /// The same, with a body of another type.
    pub(crate) async fn ask_as(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), Lost> {
        let mut headers = self.headers.clone();
        if let Some((_, value)) = headers.last_mut() {
            content_type.clone_into(value);
        }
        let body = body.map(|body| Bytes::from(body.to_string()));
        self.connect().await?;
        let Some(mut connection) = self.connection.take() else {
            return Err(Lost);
        };
        let answer = connection.request(method, path, &headers, body).await;
        let answer = answer.map_err(|_| Lost)?;
        self.connection = Some(connection);
        let body = answer.json().unwrap_or(Value::Null);
        Ok((answer.status, body))
    }
}

/// The number that an object's resourceVersion is.
pub(crate) fn revision(object: &Value) -> u64 {
    let text = object["metadata"]["resourceVersion"].as_str();
    text.and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no resourceVersion: {object}"))
}
