//! `namespace-controller`: empties namespaces that are to go, says how far that has come, and lets them go.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use pintle_api::core::v1::{Namespace, NamespaceMut};
use pintle_endpoints::delete_options::{DeleteOptions, Propagation};
use pintle_endpoints::list_options::ListOptions;
use pintle_endpoints::metadata::Metadata;
use pintle_endpoints::store::{Change, Store};
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::{Controller, Tools};

/// The finalizer in `spec` that is this controller's.
const FINALIZER: &str = "kubernetes";

/// The controller.
pub(super) struct Namespaces {
    tools: Tools,
}

/// What is left in a namespace after its content was told to go.
#[derive(Default)]
struct Remains {
    /// How many of which resource.
    resources: BTreeMap<String, usize>,
    /// How many have which finalizer.
    finalizers: BTreeMap<String, usize>,
    /// What could not be deleted, and why.
    faults: Vec<String>,
}

impl Namespaces {
    pub(super) fn new(tools: Tools) -> Self {
        Self { tools }
    }

    async fn look_at(&self, namespaces: &Store, name: &str) -> Result<bool, ApiError> {
        let Some(entry) = namespaces.cache().get(name) else {
            return Ok(true);
        };
        if !entry.mentions("\"deletionTimestamp\"") {
            return Ok(true);
        }
        let object = entry.record()?;
        let spec = Namespace::from_record(&object).spec();
        let is_going = Metadata::of(&object).deletion_timestamp().is_some();
        if !is_going || !spec.finalizers().contains(FINALIZER) {
            return Ok(true);
        }
        let remains = self.empty(name).await?;
        self.say(namespaces, name, &remains).await?;
        if !remains.resources.is_empty() || !remains.faults.is_empty() {
            return Ok(false);
        }
        self.finalize(namespaces, name).await?;
        Ok(true)
    }

    /// Has everything in a namespace deleted, and tells what is still there.
    async fn empty(&self, namespace: &str) -> Result<Remains, ApiError> {
        let mut remains = Remains::default();
        let options = DeleteOptions {
            propagation_policy: Some(Propagation::Background),
            ..DeleteOptions::default()
        };
        let (cx, permit) = (self.tools.context(namespace), self.tools.permit());
        let mut stores = self.tools.stores();
        let is_pods = |store: &Store| store.row().group.is_empty() && store.row().name == "pods";
        // Nothing that pods may need goes before they are gone.
        stores.sort_by_key(|store| !is_pods(store));
        for store in stores {
            let row = store.row();
            if !row.namespaced || !row.has_verb("delete") {
                continue;
            }
            if remains.resources.contains_key("pods.") {
                break;
            }
            let all = || store.cache().all(Some(namespace));
            // What can not be read stays, and so does the namespace.
            match all() {
                Ok(none) if none.is_empty() => continue,
                Ok(_) => {}
                Err(error) => {
                    remains.faults.push(error.to_string());
                    continue;
                }
            }
            let deleted = store
                .delete_collection(&permit, &cx, &options, &ListOptions::default())
                .await;
            if let Err(error) = deleted {
                remains.faults.push(error.to_string());
            }
            let left = all()?;
            if !left.is_empty() {
                // Upstream writes the dot of the core group too.
                let resource = format!("{}.{}", row.name, row.group);
                remains.resources.insert(resource, left.len());
            }
            for entry in left {
                let object = entry.record()?;
                for finalizer in Metadata::of(&object).finalizers() {
                    *remains.finalizers.entry(finalizer.to_owned()).or_default() += 1;
                }
            }
        }
        Ok(remains)
    }

    /// Writes into the namespace's status how far it has come.
    async fn say(&self, namespaces: &Store, name: &str, remains: &Remains) -> Result<(), ApiError> {
        let Some(status) = namespaces.subresource("status") else {
            return Err(ApiError::internal("namespaces have no status"));
        };
        let cx = self.tools.context("");
        let conditions = conditions(remains);
        let now = cx.now().truncate_to_seconds();
        let make = |old: Option<&Record>| {
            let mut object = old
                .cloned()
                .ok_or_else(|| ApiError::internal("the namespace is gone"))?;
            for condition in &conditions {
                write(NamespaceMut::from_record(&mut object), condition, now);
            }
            Ok(object)
        };
        tolerate(
            status
                .update_with(&self.tools.permit(), &cx, name, &Change::default(), make)
                .await,
        )
    }

    async fn finalize(&self, namespaces: &Store, name: &str) -> Result<(), ApiError> {
        let Some(finalize) = namespaces.subresource("finalize") else {
            return Err(ApiError::internal("namespaces can not be finalized"));
        };
        let make = |old: Option<&Record>| {
            let mut object = old
                .cloned()
                .ok_or_else(|| ApiError::internal("the namespace is gone"))?;
            let mut namespace = NamespaceMut::from_record(&mut object);
            namespace
                .spec_mut()
                .finalizers_mut()
                .retain(|finalizer| finalizer != FINALIZER);
            Ok(object)
        };
        let cx = self.tools.context("");
        tolerate(
            finalize
                .update_with(&self.tools.permit(), &cx, name, &Change::default(), make)
                .await,
        )
    }
}

/// A namespace that is gone needs nothing more.
fn tolerate<T>(result: Result<T, ApiError>) -> Result<(), ApiError> {
    match result {
        Ok(_) | Err(ApiError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A condition of a namespace's status.
struct Condition {
    name: &'static str,
    holds: bool,
    reason: &'static str,
    message: String,
}

fn conditions(remains: &Remains) -> [Condition; 5] {
    let counted = |counts: &BTreeMap<String, usize>, has: &str| {
        let texts = counts
            .iter()
            .map(|(name, count)| format!("{name}{has} {count} resource instances"));
        texts.collect::<Vec<_>>().join(", ")
    };
    let either = |name, holds, yes: (&'static str, String), no: (&'static str, &str)| {
        let (reason, message) = if holds { yes } else { (no.0, no.1.to_owned()) };
        Condition {
            name,
            holds,
            reason,
            message,
        }
    };
    [
        either(
            "NamespaceDeletionDiscoveryFailure",
            false,
            ("", String::new()),
            (
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
        ),
        either(
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            ("", String::new()),
            (
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
        ),
        either(
            "NamespaceDeletionContentFailure",
            !remains.faults.is_empty(),
            (
                "ContentDeletionFailed",
                format!(
                    "Failed to delete all resource types, {} remaining: {}",
                    remains.faults.len(),
                    remains.faults.join(", ")
                ),
            ),
            (
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
        ),
        either(
            "NamespaceContentRemaining",
            !remains.resources.is_empty(),
            (
                "SomeResourcesRemain",
                format!(
                    "Some resources are remaining: {}",
                    counted(&remains.resources, " has")
                ),
            ),
            ("ContentRemoved", "All content successfully removed"),
        ),
        either(
            "NamespaceFinalizersRemaining",
            !remains.finalizers.is_empty(),
            (
                "SomeFinalizersRemain",
                format!(
                    "Some content in the namespace has finalizers remaining: {}",
                    counted(&remains.finalizers, " in")
                ),
            ),
            (
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
        ),
    ]
}

fn write(mut namespace: NamespaceMut<'_>, condition: &Condition, now: Time) {
    let holds = if condition.holds { "True" } else { "False" };
    let there = namespace.view().status().conditions();
    let at = there.iter().position(|it| it.type_() == condition.name);
    let mut status = namespace.status_mut();
    let mut list = status.conditions_mut();
    if at.is_none() {
        list.push_new().set_type(condition.name);
    }
    let at = at.unwrap_or_else(|| list.len().saturating_sub(1));
    let Some(mut it) = list.get_mut(at) else {
        return;
    };
    if it.view().status() != holds {
        it.set_status(holds);
        it.set_last_transition_time(now);
    }
    it.set_reason(condition.reason);
    it.set_message(condition.message.clone());
}

impl Controller for Namespaces {
    fn pass(&mut self) -> Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + '_>> {
        Box::pin(async move {
            let namespaces: Arc<Store> = self.tools.store("", "namespaces")?;
            for entry in namespaces.cache().all(None)? {
                if entry.field("status.phase") == "Terminating" {
                    // What stays is looked at again when something changes.
                    self.look_at(&namespaces, entry.name()).await?;
                }
            }
            Ok(())
        })
    }
}
