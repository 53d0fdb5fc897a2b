//! Asks others: an HTTPS client for issuers of tokens, webhooks and whoever else the server depends on.
//!
//! A [`Transport`] knows whom to trust and what to show, and keeps connections to those that it has asked. A
//! [`Webhook`] is one that answers reviews: it is asked again when it has a bad moment, as upstream does.

mod counted;
mod transport;
mod webhook;

pub(crate) use counted::CLIENT;
pub use transport::{Answer, CallError, Identity, Transport, TransportOptions, system_roots};
pub use webhook::{Credential, Retries, Webhook, WebhookOptions};
