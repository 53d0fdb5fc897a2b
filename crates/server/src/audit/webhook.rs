//! Events for somebody else: [`Events`].

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use pintle_endpoints::audit::{AuditMetrics, Backend, Sink, Told};
use pintle_endpoints::client::{Retries, Webhook};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::AuditWebhookConfig;
use crate::peer;

/// Of one delivery.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What each event begins with, and needs not in a list.
const KIND: &[u8] = br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","#;

/// Sends events to a webhook, as lists.
pub(super) struct Events {
    webhook: Webhook,
    metrics: Arc<AuditMetrics>,
}

impl Events {
    /// As configured.
    pub(super) fn connect(config: &AuditWebhookConfig, metrics: Arc<AuditMetrics>) -> Result<Self> {
        let peer = peer::read_for("audit-webhook-config-file", &config.file)
            .map_err(|faults| anyhow!(faults.join("\n")))?;
        // Nothing is a good reason to lose an event.
        let retries = Retries {
            first: config.initial_backoff,
            always: true,
            ..Retries::default()
        };
        let webhook = peer
            .webhook(TIMEOUT, retries)
            .map_err(|fault| anyhow!("--audit-webhook-config-file: {fault}"))?;
        Ok(Self { webhook, metrics })
    }

    async fn send(&self, events: &[Bytes]) -> bool {
        let sent = self.webhook.post(list(events).into(), |_| ()).await;
        if let Err(error) = &sent {
            self.metrics.lost("webhook", events.len() as u64, error);
        }
        sent.is_ok()
    }
}

/// An `EventList`.
fn list(events: &[Bytes]) -> Vec<u8> {
    let mut list =
        br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#.to_vec();
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        let event = event.trim_ascii_end();
        match event.strip_prefix(KIND) {
            Some(rest) => {
                list.push(b'{');
                list.extend_from_slice(rest);
            }
            None => list.extend_from_slice(event),
        }
    }
    list.extend_from_slice(b"]}");
    list
}

impl Sink for Events {
    fn deliver(&self, events: Vec<Bytes>) -> BoxFuture<'_, bool> {
        Box::pin(async move { self.send(&events).await })
    }
}

impl Backend for Events {
    /// Waits for the answer: this is for those who asked for it.
    fn take(&self, event: &Told<'_>) -> bool {
        let sending = self.send(std::slice::from_ref(&event.line));
        block_in_place(|| Handle::current().block_on(sending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_a_list_need_no_kind() {
        let event = |id: &str| {
            Bytes::from(format!(
                r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"{id}"}}{}"#,
                "\n"
            ))
        };
        let text = String::from_utf8(list(&[event("a"), event("b")])).expect("text");
        let expected = r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"auditID":"a"},{"auditID":"b"}]}"#;
        assert_eq!(text, expected);
    }
}
