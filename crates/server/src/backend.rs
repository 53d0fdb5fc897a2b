//! What keeps the objects: RocksDB in the data directory, or an etcd cluster.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::FutureExt;
use pintle_controlplane::registry::Override;
use pintle_endpoints::cache::Progress;
use pintle_storage::{
    EtcdOptions, EtcdStore, Options, Revision, RocksStore, Storage, StorageError,
};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use crate::config::Config;
use crate::etcd_config::EtcdConfig;
use crate::measured::Leases;

/// The store of a server.
pub(crate) enum Backend {
    Rocks(Arc<RocksStore>),
    Etcd(EtcdStore, Box<EtcdConfig>),
}

/// What is kept in other stores than the main one.
#[derive(Default)]
pub(crate) struct Elsewhere {
    /// The resources.
    pub(crate) overrides: Vec<Override>,
    /// Whether each store is alive, and whether it is ready.
    pub(crate) checks: Vec<[StoreCheck; 2]>,
}

/// Whether a store answers: what `/readyz` and the others are told.
#[derive(Clone)]
pub(crate) struct StoreCheck(Arc<dyn Fn() -> Result<(), String> + Send + Sync>);

impl pintle_endpoints::health::Check for StoreCheck {
    fn check(&self) -> Result<(), String> {
        (self.0)()
    }
}

/// How often etcd is asked how it is.
const PROBE_EVERY: Duration = Duration::from_secs(1);

impl Backend {
    /// Opens the store that the flags name.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let Some(etcd) = &config.etcd else {
            let directory = config.data_dir.join("store");
            let options = Options {
                durability: config.durability,
                ..Options::default()
            };
            return Ok(Self::Rocks(Arc::new(RocksStore::open(
                &directory, options,
            )?)));
        };
        let store = EtcdStore::new(&options(etcd)?).context("--etcd-servers")?;
        Ok(Self::Etcd(store, Box::new(etcd.clone())))
    }

    /// The store, for those who do not care which it is.
    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        match self {
            Self::Rocks(store) => Arc::clone(store) as Arc<dyn Storage>,
            Self::Etcd(store, _) => Arc::new(store.clone()),
        }
    }

    /// Has leases counted there.
    pub(crate) fn count_leases(&self, leases: &Arc<Leases>) {
        if let Self::Etcd(store, _) = self {
            let leases = Arc::clone(leases);
            store.tell_of_leases(move |values| leases.given(values));
        }
    }

    /// The stores of resources that are kept elsewhere; those of the same members are one. They are
    /// compacted like the main one, and asked how they are.
    pub(crate) fn overrides(
        &self,
        interval: Duration,
        background: &mut JoinSet<()>,
    ) -> Result<Elsewhere> {
        let Self::Etcd(_, config) = self else {
            return Ok(Elsewhere::default());
        };
        let mut known: Vec<(&[String], Arc<dyn Storage>)> = Vec::new();
        let mut found = Elsewhere::default();
        for ((group, resource), servers) in &config.overrides {
            let same = known.iter().find(|(known, _)| known == servers);
            let storage = match same {
                Some((_, store)) => Arc::clone(store),
                None => {
                    let config = EtcdConfig {
                        servers: servers.clone(),
                        ..EtcdConfig::clone(config)
                    };
                    let store = EtcdStore::new(&options(&config)?);
                    let store = store.context("--etcd-servers-overrides")?;
                    if !interval.is_zero() {
                        let store = store.clone();
                        background.spawn(async move {
                            store.compact_together(interval, |_| {}).await;
                        });
                    }
                    let check = |patience| probe(store.clone(), patience, background);
                    found
                        .checks
                        .push([config.healthcheck_timeout, config.readycheck_timeout].map(check));
                    let store: Arc<dyn Storage> = Arc::new(store);
                    known.push((servers, Arc::clone(&store)));
                    store
                }
            };
            found.overrides.push(Override {
                group: group.clone(),
                resource: resource.clone(),
                storage,
            });
        }
        Ok(found)
    }

    /// The checks `etcd` and `etcd-readiness`. What they and the metrics need to know is found out in the background.
    pub(crate) fn checks(&self, background: &mut JoinSet<()>) -> (StoreCheck, StoreCheck) {
        match self {
            Self::Rocks(store) => {
                let store = Arc::clone(store);
                let check = StoreCheck(Arc::new(move || match store.current().now_or_never() {
                    Some(Ok(_)) => Ok(()),
                    Some(Err(error)) => Err(error.to_string()),
                    None => Err("the store does not answer at once".to_owned()),
                }));
                (check.clone(), check)
            }
            Self::Etcd(store, config) => {
                if !config.size_interval.is_zero() {
                    let (store, interval) = (store.clone(), config.size_interval);
                    background.spawn(async move {
                        loop {
                            if let Err(error) = store.measure().await {
                                debug!(%error, "etcd does not say its size");
                            }
                            tokio::time::sleep(interval).await;
                        }
                    });
                }
                let mut check = |patience| probe(store.clone(), patience, background);
                (
                    check(config.healthcheck_timeout),
                    check(config.readycheck_timeout),
                )
            }
        }
    }

    /// Compacts the store every `interval`, until it is dropped.
    pub(crate) fn compaction(
        &self,
        progress: Arc<Progress>,
        interval: Duration,
    ) -> futures_util::future::BoxFuture<'static, ()> {
        if interval.is_zero() {
            return std::future::pending().boxed();
        }
        match self {
            Self::Rocks(store) => compact(Arc::clone(store), progress, interval).boxed(),
            Self::Etcd(store, _) => {
                let store = store.clone();
                async move {
                    let told = |revision| progress.compacted(revision);
                    store.compact_together(interval, told).await;
                }
                .boxed()
            }
        }
    }

    /// Closes it. Nobody uses it any more.
    pub(crate) async fn close(self) -> Result<()> {
        match self {
            Self::Rocks(store) => {
                info!("closing the store");
                tokio::task::spawn_blocking(move || store.close())
                    .await
                    .context("the store did not close cleanly")
            }
            Self::Etcd(..) => Ok(()),
        }
    }
}

/// etcd's addresses and credentials, as the flags name them.
pub(crate) fn options(config: &EtcdConfig) -> Result<EtcdOptions> {
    let read = |flag: &str, file: &Path| {
        std::fs::read(file).with_context(|| format!("--{flag}: cannot read {}", file.display()))
    };
    let mut options = EtcdOptions::new(config.servers.iter().cloned());
    options.lease_reuse = config.lease_reuse;
    if let Some(file) = &config.ca_file {
        options = options.with_authorities(read("etcd-cafile", file)?);
    }
    if let Some((certificate, key)) = &config.identity {
        let certificate = read("etcd-certfile", certificate)?;
        options = options.with_identity(certificate, read("etcd-keyfile", key)?);
    }
    Ok(options)
}

/// A check that tells what a task in the background found last.
fn probe(store: EtcdStore, patience: Duration, background: &mut JoinSet<()>) -> StoreCheck {
    let last = Arc::new(Mutex::new(Ok(())));
    let found = Arc::clone(&last);
    background.spawn(async move {
        loop {
            let answer = store.check(patience).await;
            let answer = answer.map_err(|error| {
                let said = std::error::Error::source(&error).map(ToString::to_string);
                format!("error getting data from etcd: {}", said.unwrap_or_default())
            });
            *found.lock().unwrap_or_else(PoisonError::into_inner) = answer;
            tokio::time::sleep(PROBE_EVERY).await;
        }
    });
    StoreCheck(Arc::new(move || {
        last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }))
}

/// Compacts to the revision noted one round earlier, so that a revision stays readable for one to two rounds.
async fn compact(storage: Arc<RocksStore>, progress: Arc<Progress>, interval: Duration) {
    let mut noted: Option<Revision> = None;
    loop {
        tokio::time::sleep(interval).await;
        if let Some(revision) = noted {
            match storage.compact(revision).await {
                Ok(()) | Err(StorageError::Compacted { .. }) => progress.compacted(revision),
                Err(error) => warn!(%error, "cannot compact the store; trying again next time"),
            }
        }
        match storage.current().await {
            Ok(revision) => noted = Some(revision),
            Err(error) => warn!(%error, "the store does not say its revision"),
        }
    }
}
