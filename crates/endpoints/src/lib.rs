//! A generic Kubernetes API server: handler chain, verbs, cache, watch, discovery and OpenAPI.
//!
//! It knows no API group: a [`registry`] is given rows of resources and their rules, a [`server`] an authenticator, an
//! authorizer and that registry. What a request is about, the path alone says:
//!
//! ```
//! use pintle_endpoints::request_info::RequestInfo;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let uri = "/apis/apps/v1/namespaces/blue/deployments/web/scale".parse()?;
//! let info = RequestInfo::parse(&http::Method::PUT, &uri)?;
//! let resource = info.resource.expect("it is about one");
//! assert_eq!((info.verb.as_str(), resource.resource.as_str()), ("update", "deployments"));
//! assert_eq!((resource.name.as_str(), resource.subresource.as_str()), ("web", "scale"));
//! # Ok(())
//! # }
//! ```

pub mod admission;
pub mod allocation;
pub mod audit;
pub mod body;
pub mod cache;
mod chain;
pub mod client;
pub mod connect;
pub mod context;
pub mod continue_token;
pub mod convert;
pub mod data;
pub mod delete_options;
pub mod discovery;
pub mod document;
pub mod documents;
pub mod facet;
pub mod fairness;
mod gate;
pub mod gzip;
mod handlers;
pub mod health;
mod impersonation;
pub mod inflight;
pub mod list_options;
pub mod metadata;
pub mod metrics;
pub mod negotiate;
pub mod openapi;
pub mod partial;
pub mod per_client;
pub mod permit;
pub mod query;
pub mod registry;
pub mod request_info;
pub mod respond;
mod roots;
pub mod scheme;
pub mod serve;
pub mod server;
pub mod store;
pub mod strategy;
pub mod table;
pub mod unkept;
pub mod watch;
pub mod websocket;

pub use handlers::is_served;
