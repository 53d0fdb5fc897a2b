//! A generic Kubernetes API server: handler chain, verbs, cache, watch, discovery and OpenAPI.

pub mod allocation;
pub mod body;
pub mod cache;
mod chain;
pub mod context;
pub mod continue_token;
pub mod convert;
pub mod delete_options;
pub mod discovery;
pub mod document;
pub mod documents;
pub mod gzip;
mod handlers;
pub mod health;
pub mod inflight;
pub mod list_options;
pub mod metadata;
pub mod metrics;
pub mod negotiate;
pub mod openapi;
pub mod partial;
pub mod permit;
pub mod query;
pub mod registry;
pub mod request_info;
pub mod respond;
mod roots;
pub mod serve;
pub mod server;
pub mod store;
pub mod strategy;
pub mod table;
pub mod unkept;
pub mod watch;
pub mod websocket;

pub use handlers::is_served;
