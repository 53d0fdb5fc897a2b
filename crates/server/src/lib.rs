//! Flags, configuration, and a server that runs.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use pintle_server::{Config, Flags, run};
//!
//! let flags = Flags::parse(["pintle", "--data-dir=/tmp/cluster", "--secure-port=0"])?;
//! let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//! run(Config::from_flags(&flags)?, |ready| println!("{}", ready.address), stop).await
//! # }
//! ```
//!
//! What was typed ([`Flags`]), what it means ([`Config`]) and the running thing ([`run`]) are three steps; the
//! first two report every fault at once. No rule of any API group is here.

mod about;
mod audit;
mod authentication;
mod authorization;
mod backend;
mod config;
mod descriptions;
mod documents;
mod encryption;
mod etcd_config;
mod fault;
mod files;
mod flags;
mod identity;
mod kubeconfig;
mod kubelets;
mod log;
mod machine;
mod measured;
mod metrics;
mod peer;
mod pki;
mod resources;
mod run;
mod service_accounts;
pub mod snapshot;
mod tables;
mod tls;
mod unknown;
mod version;

pub use audit::{AuditConfig, AuditWebhookConfig, Delivery, Mode};
pub use authentication::{AuthenticationConfig, Provider, TokenWebhookConfig};
pub use authorization::{
    AuthorizationConfig, AuthorizationMode, AuthorizationWebhookConfig, AuthorizerConfig,
};
pub use config::{Config, FrontProxy, ServiceAccounts};
pub use encryption::EncryptionConfig;
pub use etcd_config::EtcdConfig;
pub use fault::Faults;
pub use flags::{Effect, FLAGS, Flag, Flags, Section, Takes};
pub use kubelets::KubeletConfig;
pub use log::{LogFormat, start_log};
pub use run::{Ready, run, run_on};
pub use tls::{NamedCertificate, TlsConfig};
