//! `resourcequota-controller`: counts what is used of every quota.

use std::collections::HashMap;
use std::pin::Pin;

use pintle_api::core::v1::{ResourceQuota, ResourceQuotaMut};
use pintle_endpoints::store::{Change, Store};
use pintle_runtime::quantity::Quantity;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Map, Record, Value};

use super::{Controller, Tools};
use crate::admission::amounts::{Amounts, add, amounts};
use crate::quota::{Evaluator, Scope};

/// The controller.
///
/// What is being created is charged before it is there. So a count that is lower than the charges counts only when it
/// has been the same twice.
pub(super) struct Quotas {
    tools: Tools,
    /// Counts of the pass before, by the quota's key.
    before: HashMap<String, Amounts>,
}

impl Quotas {
    pub(super) fn new(tools: Tools) -> Self {
        Self {
            tools,
            before: HashMap::new(),
        }
    }

    /// What is there of what a quota limits. Names that nothing measures are not in it.
    fn count(&self, quota: ResourceQuota<'_>) -> Result<Amounts, ApiError> {
        let namespace = quota.metadata().namespace();
        let hard = amounts(quota.spec().hard());
        let scopes = Scope::of_quota(quota.spec());
        let now = self.tools.environment.clock.now();
        let mut used = Amounts::new();
        for store in self.tools.stores() {
            let row = store.row();
            let evaluator = row
                .namespaced
                .then(|| Evaluator::of(&row.group, &row.name))
                .flatten();
            let Some(mut evaluator) = evaluator else {
                continue;
            };
            let measured = || hard.keys().filter(|name| evaluator.measures(name));
            if measured().next().is_none() {
                continue;
            }
            for name in measured() {
                used.entry(name.clone()).or_insert(Quantity::ZERO);
            }
            if evaluator.asks_for_classes() {
                let classes = self.tools.store("resource.k8s.io", "deviceclasses")?;
                evaluator = evaluator.knowing(&classes.cache().all(None)?)?;
            }
            for entry in store.cache().all(Some(namespace))? {
                let object = entry.record()?;
                if scopes.iter().all(|scope| evaluator.is_in(scope, &object)) {
                    let mut usage = evaluator.usage(&object, now);
                    usage.retain(|name, _| hard.contains_key(name));
                    add(&mut used, &usage);
                }
            }
        }
        Ok(used)
    }

    async fn look_at(&mut self, quotas: &Store, key: &str) -> Result<bool, ApiError> {
        let Some(entry) = quotas.cache().get(key) else {
            self.before.remove(key);
            return Ok(true);
        };
        let object = entry.record()?;
        let quota = ResourceQuota::from_record(&object);
        let counted = self.count(quota)?;
        let (said, wanted) = (amounts(quota.status().used()), amounts(quota.spec().hard()));
        let is_new = amounts(quota.status().hard()) != wanted || said.len() != counted.len();
        if said == counted && !is_new {
            self.before.remove(key);
            return Ok(true);
        }
        let is_sure = self.before.insert(key.to_owned(), counted.clone()) == Some(counted.clone());
        if !is_new && !is_sure {
            return Ok(false);
        }
        self.write(
            quotas,
            entry.namespace(),
            entry.name(),
            entry.revision().to_string(),
            &counted,
        )
        .await?;
        self.before.remove(key);
        Ok(true)
    }

    async fn write(
        &self,
        quotas: &Store,
        namespace: &str,
        name: &str,
        revision: String,
        used: &Amounts,
    ) -> Result<(), ApiError> {
        let Some(status) = quotas.subresource("status") else {
            return Err(ApiError::internal("quotas have no status"));
        };
        let make = |old: Option<&Record>| {
            let mut object = old
                .cloned()
                .ok_or_else(|| ApiError::internal("the quota is gone"))?;
            let texts = used.iter().map(|(name, amount)| {
                (
                    name.clone().into(),
                    Value::String(amount.to_string().into()),
                )
            });
            let texts = Map::from_entries(texts.collect());
            let hard = ResourceQuota::from_record(&object)
                .spec()
                .hard()
                .map()
                .cloned();
            let mut quota = ResourceQuotaMut::from_record(&mut object);
            let mut status = quota.status_mut();
            match hard {
                Some(hard) => status.set_hard(hard),
                None => status.clear_hard(),
            }
            status.set_used(texts);
            Ok(object)
        };
        let mut change = Change::default();
        change.preconditions.resource_version = Some(revision);
        let cx = self.tools.context(namespace);
        match status
            .update_with(&self.tools.permit(), &cx, name, &change, make)
            .await
        {
            // Whoever was faster has charged it; it is counted again.
            Ok(_) | Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Controller for Quotas {
    fn pass(&mut self) -> Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + '_>> {
        Box::pin(async move {
            let quotas = self.tools.store("", "resourcequotas")?;
            let mut settled = true;
            for entry in quotas.cache().all(None)? {
                settled &= self.look_at(&quotas, entry.key()).await?;
            }
            if !settled {
                // Nothing may change any more, and the second count is still to come.
                tokio::time::sleep(super::GLANCE * 3).await;
                for key in self.before.keys().cloned().collect::<Vec<_>>() {
                    self.look_at(&quotas, &key).await?;
                }
            }
            Ok(())
        })
    }
}
