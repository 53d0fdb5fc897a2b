//! Encryption at rest: from the file to the rules of the store, and again when the file changes.

mod counted;
mod file;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow};
use pintle_storage::Storage;
use pintle_storage::encryption::{
    Chain, EncryptedStore, Kms, KmsEvents, KmsOptions, Provider, Rules,
};
use tracing::{info, warn};

use crate::files::Watched;
use crate::metrics::Reloads;
use crate::resources::Resources;
pub(crate) use counted::KmsMetrics;

/// `--encryption-provider-config`, and whether it is read again.
#[derive(Debug, Clone)]
pub struct EncryptionConfig {
    /// The file.
    pub file: PathBuf,
    /// Whether changes of it take effect without a restart.
    pub reload: bool,
}

/// A store that is encrypted, and what keeps it so.
pub(crate) struct Encryption {
    config: EncryptionConfig,
    resources: Arc<Resources>,
    pub(crate) store: EncryptedStore,
    services: Arc<Mutex<Vec<Arc<Kms>>>>,
    counted: Arc<KmsMetrics>,
}

impl Encryption {
    /// Seals what `inner` keeps, as the file says.
    pub(crate) async fn start(
        config: &EncryptionConfig,
        resources: &Arc<Resources>,
        inner: Arc<dyn Storage>,
        counted: &Arc<KmsMetrics>,
    ) -> Result<Self> {
        let loaded = load(&config.file, resources, counted).await;
        let (rules, services) = loaded.map_err(|faults| {
            let fault = |fault| format!("--encryption-provider-config: {fault}");
            anyhow!(faults.into_iter().map(fault).collect::<Vec<_>>().join("\n"))
        })?;
        Ok(Self {
            config: config.clone(),
            resources: Arc::clone(resources),
            store: EncryptedStore::new(inner, rules),
            services: Arc::new(Mutex::new(services)),
            counted: Arc::clone(counted),
        })
    }

    /// The health check of the key management services, if there is one: how they all are.
    pub(crate) fn check(&self) -> Option<impl Fn() -> Result<(), String> + Send + Sync + 'static> {
        let services = Arc::clone(&self.services);
        let none = services
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty();
        (self.config.reload || !none).then_some(move || {
            let services = services.lock().unwrap_or_else(PoisonError::into_inner);
            let unwell = services.iter().enumerate().filter_map(|(at, service)| {
                let why = service.health().err()?;
                Some(format!("kms-provider-{at}: {why}"))
            });
            match unwell.collect::<Vec<_>>() {
                well if well.is_empty() => Ok(()),
                unwell => Err(unwell.join(", ")),
            }
        })
    }

    /// Takes changes of the file in, if that is wanted.
    pub(crate) async fn follow(self, reloads: Arc<Reloads>) {
        if !self.config.reload {
            return;
        }
        reloads.first(&self.config.file);
        let mut watched = Watched::new(vec![self.config.file.clone()]);
        loop {
            watched.changed().await;
            let loaded = load(&self.config.file, &self.resources, &self.counted).await;
            watched.used(loaded.is_ok());
            reloads.done(&self.config.file, loaded.is_ok());
            match loaded {
                Ok((rules, services)) => {
                    self.store.replace_rules(rules);
                    *self.services.lock().unwrap_or_else(PoisonError::into_inner) = services;
                    info!(file = %self.config.file.display(), "the encryption configuration was read again");
                }
                Err(faults) => {
                    warn!(file = %self.config.file.display(), faults = faults.join("; "), "the encryption configuration can not be used; the one before it stays");
                }
            }
        }
    }
}

/// Chains by group and resource.
type ByResource = HashMap<(String, String), Arc<Chain>>;

async fn load(
    file: &Path,
    resources: &Arc<Resources>,
    counted: &Arc<KmsMetrics>,
) -> Result<(Rules, Vec<Arc<Kms>>), Vec<String>> {
    let mut services = Vec::new();
    let mut chains: HashMap<(String, String), Vec<Arc<Provider>>> = HashMap::new();
    for entry in file::read(file)? {
        let mut providers: Vec<Arc<Provider>> = Vec::new();
        for found in entry.providers {
            let provider = provider(found, &mut services, counted).await;
            providers.push(Arc::new(
                provider.map_err(|refusal| vec![refusal.to_string()])?,
            ));
        }
        for resource in entry.resources {
            chains
                .entry(resource)
                .or_default()
                .extend(providers.iter().cloned());
        }
    }
    let chains: ByResource = chains
        .into_iter()
        .map(|(resource, providers)| (resource, Arc::new(Chain::new(providers))))
        .collect();
    let resources = Arc::clone(resources);
    let rules: Rules = Box::new(move |key| chain(&chains, resources.of(key)?));
    Ok((rules, services))
}

async fn provider(
    found: file::Provider,
    services: &mut Vec<Arc<Kms>>,
    counted: &Arc<KmsMetrics>,
) -> Result<Provider, pintle_storage::encryption::Refusal> {
    Ok(match found {
        file::Provider::Identity => Provider::Identity,
        file::Provider::AesGcm(keys) => Provider::aesgcm(&keys)?,
        file::Provider::AesCbc(keys) => Provider::aescbc(&keys)?,
        file::Provider::Secretbox(keys) => Provider::secretbox(&keys)?,
        file::Provider::Kms {
            name,
            endpoint,
            timeout,
        } => {
            let options = KmsOptions {
                name,
                endpoint,
                timeout,
            };
            let events = Arc::clone(counted) as Arc<dyn KmsEvents>;
            let kms = Kms::start(&options, events).await?;
            services.push(Arc::clone(&kms));
            Provider::Kms(kms)
        }
    })
}

/// The narrowest rule there is.
fn chain(chains: &ByResource, (group, resource): (&str, &str)) -> Option<Arc<Chain>> {
    let find = |group: &str, resource: &str| chains.get(&(group.to_owned(), resource.to_owned()));
    find(group, resource)
        .or_else(|| find(group, "*"))
        .or_else(|| find("*", "*"))
        .cloned()
}
