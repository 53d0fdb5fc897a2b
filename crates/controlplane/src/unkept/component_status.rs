//! `componentstatuses`: whether the scheduler, the controller manager and the store are well, asked when a client asks.
//!
//! The two are asked at their health ports on this machine, as kube-apiserver does, which knows no other place. Their
//! certificates are not verified: nothing is sent that a stranger might not read, and what comes back is only shown.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use pintle_api::core::v1::{ComponentStatus, ComponentStatusMut};
use pintle_endpoints::list_options::ListOptions;
use pintle_endpoints::unkept::{Answer, Asked, View};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::View as _;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::nodes::dial::{self, Trust, words};

/// Components with a health port on this machine.
const COMPONENTS: [(&str, u16); 2] = [("controller-manager", 10257), ("scheduler", 10259)];
/// The store, whatever it is.
const STORE: &str = "etcd-0";
/// How long a component is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How much of an answer is shown, in bytes.
const MOST: usize = 10 * 1024;

/// The view of all components.
pub(super) struct Components {
    connector: TlsConnector,
}

/// How a component is.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    /// It says so, in these words.
    Healthy(String),
    /// It does not, in these words.
    Unhealthy(String),
    /// It could not be asked.
    Unknown(String),
}

impl Components {
    /// # Panics
    /// At start-up, where the TLS library has no cipher suites.
    pub(super) fn new() -> Self {
        let config = dial::client(Trust::Anyone, None)
            .expect("the provider has cipher suites for the default versions");
        Self {
            connector: TlsConnector::from(Arc::new(config)),
        }
    }

    async fn status(&self, asked: Asked<'_>, name: &str) -> Option<Record> {
        let condition = match COMPONENTS.iter().find(|(found, _)| *found == name) {
            Some((_, port)) => self.probe(*port).await,
            None if name == STORE => match asked.registry.storage().current().await {
                Ok(_) => Condition::Healthy("ok".to_owned()),
                Err(error) => Condition::Unknown(error.to_string()),
            },
            None => return None,
        };
        Some(record(name, condition))
    }

    async fn probe(&self, port: u16) -> Condition {
        let url = format!("https://127.0.0.1:{port}/healthz");
        let failed = |why: String| Condition::Unhealthy(format!("Get {url:?}: {why}"));
        match tokio::time::timeout(PATIENCE, self.get(port)).await {
            Ok(Ok((code, body))) if code.as_u16() < 400 => Condition::Healthy(body),
            Ok(Ok((code, _))) => Condition::Unhealthy(format!(
                "HTTP probe failed with statuscode: {}",
                code.as_u16()
            )),
            Ok(Err(Fault::Dial(error))) => failed(format!(
                "dial tcp 127.0.0.1:{port}: connect: {}",
                words(&error)
            )),
            Ok(Err(Fault::Talk(why))) => failed(why),
            Err(_) => failed(
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                    .to_owned(),
            ),
        }
    }

    async fn get(&self, port: u16) -> Result<(StatusCode, String), Fault> {
        let address = (Ipv4Addr::LOCALHOST, port);
        let stream = TcpStream::connect(address).await.map_err(Fault::Dial)?;
        let server = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let stream = self.connector.connect(server, stream).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get("/healthz")
            .header(http::header::HOST, format!("127.0.0.1:{port}"))
            .header(http::header::USER_AGENT, "kube-probe/1.36")
            .body(Empty::<Bytes>::new())?;
        let answer = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = Limited::new(body, MOST).collect().await?.to_bytes();
            Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
        };
        tokio::pin!(answer, connection);
        tokio::select! {
            answer = &mut answer => answer,
            // The peer is gone; what it said before that is read.
            _ = &mut connection => answer.await,
        }
    }
}

impl View for Components {
    fn list<'a>(&'a self, asked: Asked<'a>, _: &'a ListOptions) -> Answer<'a, Vec<Record>> {
        Box::pin(async move {
            let names = COMPONENTS.iter().map(|(name, _)| *name).chain([STORE]);
            let statuses = join_all(names.map(|name| self.status(asked, name))).await;
            Ok(statuses.into_iter().flatten().collect())
        })
    }

    fn get<'a>(&'a self, asked: Asked<'a>) -> Answer<'a, Record> {
        Box::pin(async move {
            let found = self.status(asked, asked.name).await;
            // Upstream's error is none of the API's, so it is a 500.
            found.ok_or_else(|| ApiError::unknown(format!("Component not found: {}", asked.name)))
        })
    }
}

/// Why there is no answer.
enum Fault {
    /// Nobody listens.
    Dial(io::Error),
    /// Who listens does not speak.
    Talk(String),
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Talk(error.into().to_string())
    }
}

fn record(name: &str, condition: Condition) -> Record {
    let (status, message, error) = match condition {
        Condition::Healthy(message) => ("True", message, String::new()),
        Condition::Unhealthy(message) => ("False", message, String::new()),
        Condition::Unknown(error) => ("Unknown", String::new(), error),
    };
    let mut record = ComponentStatus::new_record();
    let mut object = ComponentStatusMut::from_record(&mut record);
    object.metadata_mut().set_name(name.to_owned());
    let mut conditions = object.conditions_mut();
    let mut condition = conditions.push_new();
    condition.set_type("Healthy");
    condition.set_status(status);
    if !message.is_empty() {
        condition.set_message(message);
    }
    if !error.is_empty() {
        condition.set_error(error);
    }
    record
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_component_that_is_not_there_is_unhealthy_in_gos_words() {
        // A port that was free a moment ago.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let expected = format!(
            "Get \"https://127.0.0.1:{port}/healthz\": dial tcp 127.0.0.1:{port}: connect: connection refused"
        );
        assert_eq!(
            Components::new().probe(port).await,
            Condition::Unhealthy(expected)
        );
    }

    #[test]
    fn a_status_is_one_condition() {
        let text = |condition| {
            let mut out = Vec::new();
            pintle_runtime::codec::json::encode(&record("a", condition), &mut out);
            String::from_utf8(out).expect("text")
        };
        assert!(
            text(Condition::Healthy("ok".to_owned()))
                .contains(r#""conditions":[{"type":"Healthy","status":"True","message":"ok"}]"#)
        );
        assert!(
            text(Condition::Unknown("lost".to_owned()))
                .contains(r#""conditions":[{"type":"Healthy","status":"Unknown","error":"lost"}]"#)
        );
    }
}
