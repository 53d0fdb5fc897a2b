//! The strategy of every built-in kind: its facts, and code where facts do not do.

use std::sync::Arc;
use std::time::Duration;

use pintle_api::core::v1::Pod;
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::metadata::Metadata;
use pintle_endpoints::store::finalizers;
use pintle_endpoints::strategy::{GarbageCollection, Grace, Hold, Strategy, Traits};
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};

use crate::kinds::{self, KindFacts};
use crate::namespaces::{self, Namespaces};

/// What the kinds that are more than facts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Particular {
    Nothing,
    Namespace,
    Pod,
    Event,
    /// Dependents stay unless a delete says otherwise.
    Orphaning,
}

/// The strategy of a built-in kind.
pub struct KindStrategy {
    facts: KindFacts,
    particular: Particular,
    resource: GroupResource,
    namespaces: Arc<Namespaces>,
    event_ttl: Duration,
}

impl KindStrategy {
    /// Of the kind of `row`. Events live for `event_ttl`.
    pub fn of(row: &Resource, namespaces: Arc<Namespaces>, event_ttl: Duration) -> Self {
        let particular = match (row.group.as_ref(), row.name.as_ref()) {
            ("", "namespaces") => Particular::Namespace,
            ("", "pods") => Particular::Pod,
            ("" | "events.k8s.io", "events") => Particular::Event,
            ("", "replicationcontrollers") | ("batch", "jobs") => Particular::Orphaning,
            _ => Particular::Nothing,
        };
        let resource = GroupResource::new(row.group.to_string(), row.name.to_string());
        Self {
            facts: kinds::facts(&row.group, &row.name),
            particular,
            resource,
            namespaces,
            event_ttl,
        }
    }

    /// The position of `status` where the main endpoint does not write it.
    fn status_of(&self, object: &Record) -> Option<usize> {
        if self.facts.has_status {
            object.ty().field_index("status")
        } else {
            None
        }
    }
}

impl Strategy for KindStrategy {
    fn traits(&self) -> &Traits {
        &self.facts.traits
    }

    fn indexed_fields(&self) -> &[&str] {
        match self.particular {
            Particular::Pod => &["spec.nodeName"],
            _ => &[],
        }
    }

    fn default(&self, object: &mut Record) {
        pintle_api::defaults::apply(object);
    }

    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        if let Some(status) = self.status_of(new) {
            new.remove(status);
            // Some status fields have defaults, which a fresh object has too.
            pintle_api::defaults::apply(new);
        }
        if self.particular == Particular::Namespace {
            namespaces::prepare_for_create(new);
        }
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        if let Some(status) = self.status_of(new) {
            match old.get(status) {
                Some(value) => new.set(status, value.clone()),
                None => new.remove(status),
            };
        }
        if self.particular == Particular::Namespace {
            namespaces::prepare_for_update(new, old);
        }
    }

    fn reset_fields(&self) -> &[&[&'static str]] {
        if self.facts.has_status {
            &[&["status"]]
        } else {
            &[]
        }
    }

    fn time_to_live(&self, _: &Record) -> Option<Duration> {
        (self.particular == Particular::Event && !self.event_ttl.is_zero())
            .then_some(self.event_ttl)
    }

    fn is_graceful(&self) -> bool {
        self.particular == Particular::Pod
    }

    fn graceful_deletion(
        &self,
        _: &RequestContext,
        old: &Record,
        options: &DeleteOptions,
    ) -> Option<Grace> {
        if self.particular != Particular::Pod {
            return None;
        }
        let pod = Pod::from_record(old);
        let asked = options
            .grace_period_seconds
            .or(pod.spec().termination_grace_period_seconds())
            .unwrap_or(0);
        // What never ran, or has ended, needs no time.
        let idle = pod.spec().node_name().is_empty()
            || matches!(pod.status().phase(), "Failed" | "Succeeded");
        let seconds = match asked {
            _ if idle => 0,
            negative if negative < 0 => 1,
            seconds => seconds,
        };
        Some(Grace { seconds })
    }

    fn check_creation(&self, cx: &RequestContext, new: &Record) -> Result<(), ApiError> {
        if cx.namespace.is_empty() {
            return Ok(());
        }
        self.namespaces
            .admit(&self.resource, Metadata::of(new).name(), &cx.namespace)
    }

    fn check_deletion(&self, cx: &RequestContext, old: &Record) -> Result<(), ApiError> {
        match self.particular {
            Particular::Namespace => namespaces::check_deletion(cx, old),
            _ => Ok(()),
        }
    }

    fn on_delete(&self, cx: &RequestContext, options: &DeleteOptions) {
        let unsaid = options.orphan_dependents.is_none() && options.propagation_policy.is_none();
        if unsaid && self.particular == Particular::Orphaning && self.resource.group == "batch" {
            cx.warn(
                "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove \
                 them or set propagationPolicy=Orphan to suppress this warning",
            );
        }
    }

    fn hold(&self, cx: &RequestContext, object: &mut Record) -> Hold {
        match self.particular {
            Particular::Namespace => namespaces::hold(cx, object),
            _ => Hold::Nothing,
        }
    }

    fn unknown_field_label(&self, label: &str) -> Option<String> {
        let is_job = self.resource.group == "batch" && self.resource.resource == "jobs";
        is_job.then(|| format!("field label \"{label}\" not supported for Job"))
    }

    fn is_deleted_by_update(&self, new: &Record, old: &Record) -> bool {
        let held = self.particular == Particular::Namespace && !namespaces::is_finalized(new);
        !held && finalizers::is_deleted_by_update(new, old)
    }

    fn default_garbage_collection(&self, _: &RequestContext, _: &Record) -> GarbageCollection {
        match self.particular {
            Particular::Orphaning => GarbageCollection::OrphanDependents,
            Particular::Event => GarbageCollection::Unsupported,
            _ => GarbageCollection::DeleteDependents,
        }
    }
}

/// The rules of a status endpoint: everything but `status` and metadata stays as it is.
pub struct StatusStrategy(pub KindStrategy);

impl Strategy for StatusStrategy {
    fn traits(&self) -> &Traits {
        self.0.traits()
    }

    fn default(&self, object: &mut Record) {
        self.0.default(object);
    }

    fn reset_fields(&self) -> &[&[&'static str]] {
        &[&["spec"]]
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        let keep: Vec<usize> = (0..new.ty().fields.len())
            .filter(|at| {
                !matches!(
                    new.ty().fields[*at].name.as_ref(),
                    "kind" | "apiVersion" | "metadata" | "status"
                )
            })
            .collect();
        for at in keep {
            match old.get(at) {
                Some(value) => new.set(at, value.clone()),
                None => new.remove(at),
            };
        }
        keep_owners(new, old);
    }
}

/// The rules of a namespace's `finalize`.
pub struct FinalizeStrategy(pub KindStrategy);

impl Strategy for FinalizeStrategy {
    fn traits(&self) -> &Traits {
        self.0.traits()
    }

    fn default(&self, object: &mut Record) {
        self.0.default(object);
    }

    fn reset_fields(&self) -> &[&[&'static str]] {
        &[&["status"]]
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        namespaces::prepare_for_finalize(new, old);
    }

    fn is_deleted_by_update(&self, new: &Record, old: &Record) -> bool {
        self.0.is_deleted_by_update(new, old)
    }
}

/// A status endpoint does not change who owns the object.
fn keep_owners(new: &mut Record, old: &Record) {
    let part = |record: &Record| record.ty().field_index("metadata");
    let Some(at) = part(new) else { return };
    let owners = old
        .get(at)
        .and_then(Value::as_record)
        .and_then(|old| old.get_by_name("ownerReferences").cloned());
    if let Some(Value::Record(metadata)) = new.get_mut(at)
        && let Some(field) = metadata.ty().field_index("ownerReferences")
    {
        match owners {
            Some(owners) => metadata.set(field, owners),
            None => metadata.remove(field),
        };
    }
}
