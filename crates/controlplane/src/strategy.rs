//! The strategy of every built-in kind: its facts, and code where facts do not do.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use pintle_api::core::v1::Pod;
use pintle_api::settings::{self, Settings};
use pintle_endpoints::allocation::Allocation;
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::store::finalizers;
use pintle_endpoints::strategy::{GarbageCollection, Grace, Hold, Look, Strategy, Traits};
use pintle_runtime::field_path::ErrorList;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};

use crate::access::Access;
use crate::admission::Elsewhere;
use crate::definitions;
use crate::kinds::{self, Kept, KindFacts};
use crate::namespaces;
use crate::particular::{self, Particular};
use crate::rights::{Rights, Write};

/// Kinds whose life is not that of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Nothing,
    Namespace,
    Pod,
    Event,
    /// Dependents stay unless a delete says otherwise.
    Orphaning,
    /// It goes after the objects that it defines.
    Definition,
}

/// The strategy of a built-in kind.
pub struct KindStrategy {
    facts: KindFacts,
    life: Life,
    particular: &'static dyn Particular,
    resource: GroupResource,
    event_ttl: Duration,
    /// What a write takes beyond the right to write.
    rights: Option<Rights>,
    allocation: Option<Arc<dyn Allocation>>,
    settings: Settings,
}

impl KindStrategy {
    /// Of the kind of `row`. Events live for `event_ttl`.
    pub fn of(row: &Resource, event_ttl: Duration) -> Self {
        let life = match (row.group.as_ref(), row.name.as_ref()) {
            ("", "namespaces") => Life::Namespace,
            ("", "pods") => Life::Pod,
            ("" | "events.k8s.io", "events") => Life::Event,
            ("", "replicationcontrollers") | ("batch", "jobs") => Life::Orphaning,
            ("apiextensions.k8s.io", "customresourcedefinitions") => Life::Definition,
            _ => Life::Nothing,
        };
        let resource = GroupResource::new(row.group.to_string(), row.name.to_string());
        Self {
            facts: kinds::facts(&row.group, &row.name),
            life,
            particular: particular::of(&row.group, &row.name),
            resource,
            event_ttl,
            rights: None,
            allocation: None,
            settings: Settings::default(),
        }
    }

    /// The same on a server where other things are on and off than by default.
    #[must_use]
    pub fn with_settings(self, settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            ..self
        }
    }

    /// The same where some writes take rights of their own, which may depend on other objects.
    #[must_use]
    pub(crate) fn with_rights(self, access: &Access, elsewhere: &Elsewhere) -> Self {
        let rights = Rights::of(&self.resource, access, elsewhere);
        Self { rights, ..self }
    }

    fn check_rights_below<'a>(
        &'a self,
        cx: &'a RequestContext,
        subresource: &'a str,
        new: &'a Record,
        old: Option<&'a Record>,
        validate: impl FnOnce() -> ErrorList,
    ) -> Option<BoxFuture<'a, Result<(), ApiError>>> {
        let write = Write {
            cx,
            resource: &self.resource,
            subresource,
            new,
            old,
            by_part: self
                .settings
                .is_on("DRAResourceClaimGranularStatusAuthorization"),
        };
        self.rights.as_ref()?.check(write, validate)
    }

    /// The same for objects that take something from a stock that they share.
    #[must_use]
    pub fn with_allocation(self, allocation: Arc<dyn Allocation>) -> Self {
        Self {
            allocation: Some(allocation),
            ..self
        }
    }

    /// Whether it is of events by `events.k8s.io`, which asks for more than the core group.
    fn is_named_event(&self) -> bool {
        self.life == Life::Event && !self.resource.group.is_empty()
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
        match self.life {
            Life::Pod => &["spec.nodeName"],
            _ => &[],
        }
    }

    fn allocation(&self) -> Option<&dyn Allocation> {
        self.allocation.as_deref()
    }

    fn default(&self, object: &mut Record) {
        pintle_api::defaults::apply(object);
    }

    fn prepare_for_create(&self, cx: &RequestContext, new: &mut Record) {
        if let Some(status) = self.status_of(new)
            && !self.facts.may_create_status
        {
            new.remove(status);
            // Some status fields have defaults, which a fresh object has too.
            pintle_api::defaults::apply(new);
        }
        if self.life == Life::Namespace {
            namespaces::prepare_for_create(new);
        }
        settings::with(&self.settings, || {
            self.particular.prepare_for_create(cx, new);
        });
    }

    fn prepare_for_update(&self, cx: &RequestContext, new: &mut Record, old: &Record) {
        if let Some(status) = self.status_of(new) {
            match old.get(status) {
                Some(value) => new.set(status, value.clone()),
                None => new.remove(status),
            };
        }
        if self.life == Life::Namespace {
            namespaces::prepare_for_update(new, old);
        }
        settings::with(&self.settings, || {
            self.particular.prepare_for_update(cx, new, old);
        });
    }

    fn check_rights<'a>(
        &'a self,
        cx: &'a RequestContext,
        new: &'a Record,
        old: Option<&'a Record>,
    ) -> Option<BoxFuture<'a, Result<(), ApiError>>> {
        self.check_rights_below(cx, "", new, old, || match old {
            Some(old) => self.validate_update(cx, new, old),
            None => self.validate(cx, new),
        })
    }

    fn validate_metadata(&self, metadata: ObjectMeta<'_>, errors: &mut ErrorList) {
        if self.facts.knows_finalizers {
            pintle_api::validation::finalizers(metadata.finalizers(), errors);
        }
    }

    fn validate(&self, _: &RequestContext, new: &Record) -> ErrorList {
        if self.is_named_event() {
            return pintle_api::validation::create_event(new);
        }
        settings::with(&self.settings, || pintle_api::validation::create(new))
    }

    fn validate_update(&self, _: &RequestContext, new: &Record, old: &Record) -> ErrorList {
        if self.is_named_event() {
            return pintle_api::validation::update_event(new, old);
        }
        settings::with(&self.settings, || pintle_api::validation::update(new, old))
    }

    fn warnings(&self, _: &RequestContext, new: &Record, old: Option<&Record>) -> Vec<String> {
        self.particular.warnings(new, old)
    }

    fn reset_fields(&self) -> &[&[&'static str]] {
        if let Some(fields) = self.particular.reset_fields("") {
            fields
        } else if self.facts.has_status {
            &[&["status"]]
        } else {
            &[]
        }
    }

    fn annotations_of_fields(&self) -> &[&'static str] {
        self.particular.annotations_of_fields()
    }

    fn time_to_live(&self, _: &Record) -> Option<Duration> {
        (self.life == Life::Event && !self.event_ttl.is_zero()).then_some(self.event_ttl)
    }

    fn is_graceful(&self) -> bool {
        self.life == Life::Pod
    }

    fn graceful_deletion(
        &self,
        _: &RequestContext,
        old: &Record,
        options: &DeleteOptions,
    ) -> Option<Grace> {
        if self.life != Life::Pod {
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

    fn on_delete(&self, cx: &RequestContext, options: &DeleteOptions) {
        let unsaid = options.orphan_dependents.is_none() && options.propagation_policy.is_none();
        if unsaid && self.life == Life::Orphaning && self.resource.group == "batch" {
            cx.warn(
                "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove \
                 them or set propagationPolicy=Orphan to suppress this warning",
            );
        }
    }

    fn check_deletion(&self, name: &str) -> Result<(), ApiError> {
        self.particular.check_deletion(name)
    }

    fn hold(&self, cx: &RequestContext, object: &mut Record) -> Hold {
        match self.life {
            Life::Namespace => namespaces::hold(cx, object),
            Life::Definition => definitions::hold(cx, object),
            _ => Hold::Nothing,
        }
    }

    fn unknown_field_label(&self, label: &str) -> Option<String> {
        let is_job = self.resource.group == "batch" && self.resource.resource == "jobs";
        is_job.then(|| format!("field label \"{label}\" not supported for Job"))
    }

    fn is_deleted_by_update(&self, new: &Record, old: &Record) -> bool {
        let held = self.life == Life::Namespace && !namespaces::is_finalized(new);
        !held && finalizers::is_deleted_by_update(new, old)
    }

    fn default_garbage_collection(&self, _: &RequestContext, _: &Record) -> GarbageCollection {
        match self.life {
            Life::Orphaning => GarbageCollection::OrphanDependents,
            Life::Event => GarbageCollection::Unsupported,
            _ => GarbageCollection::DeleteDependents,
        }
    }
}

/// The rules of a subresource that is the object itself with few fields to write, as `status` is:
/// everything but those and metadata stays as it is.
pub struct PartStrategy {
    kind: KindStrategy,
    subresource: Text,
}

impl PartStrategy {
    /// Of a subresource of a kind.
    pub fn new(kind: KindStrategy, subresource: impl Into<Text>) -> Self {
        Self {
            kind,
            subresource: subresource.into(),
        }
    }

    /// Whether it is `status` that is written, if only a part of it.
    fn is_status(&self) -> bool {
        matches!(&*self.subresource, "status" | "approval")
    }
}

impl Strategy for PartStrategy {
    fn traits(&self) -> &Traits {
        self.kind.traits()
    }

    fn default(&self, object: &mut Record) {
        self.kind.default(object);
    }

    fn reset_fields(&self) -> &[&[&'static str]] {
        if let Some(fields) = self.kind.particular.reset_fields(&self.subresource) {
            return fields;
        }
        if !self.is_status() {
            return &[&["status"]];
        }
        match self.kind.facts.status_keeps {
            Kept::Nothing | Kept::Owners => &[&["spec"]],
            Kept::Labels => &[&["spec"], &["metadata", "labels"]],
            Kept::Metadata => &[&["spec"], &["metadata"]],
        }
    }

    fn prepare_for_update(&self, cx: &RequestContext, new: &mut Record, old: &Record) {
        let written = if self.is_status() { "status" } else { "spec" };
        let keep: Vec<usize> = (0..new.ty().fields.len())
            .filter(|at| {
                let name = new.ty().fields[*at].name.as_ref();
                !matches!(name, "kind" | "apiVersion" | "metadata") && name != written
            })
            .collect();
        for at in keep {
            match old.get(at) {
                Some(value) => new.set(at, value.clone()),
                None => new.remove(at),
            };
        }
        if self.is_status() {
            keep_metadata(new, old, self.kind.facts.status_keeps);
        }
        let particular = self.kind.particular;
        settings::with(&self.kind.settings, || {
            particular.prepare_subresource(cx, &self.subresource, new, old);
        });
    }

    fn check_rights<'a>(
        &'a self,
        cx: &'a RequestContext,
        new: &'a Record,
        old: Option<&'a Record>,
    ) -> Option<BoxFuture<'a, Result<(), ApiError>>> {
        let old = old?;
        let validate = || self.validate_update(cx, new, old);
        let kind = &self.kind;
        kind.check_rights_below(cx, &self.subresource, new, Some(old), validate)
    }

    fn validate_metadata(&self, metadata: ObjectMeta<'_>, errors: &mut ErrorList) {
        self.kind.validate_metadata(metadata, errors);
    }

    fn looks(&self) -> &'static [Look] {
        match self.kind.looks() {
            [] => &[],
            _ if self.is_status() => Traits::DEFAULT.looks,
            looks => looks,
        }
    }

    fn validate_update(&self, _: &RequestContext, new: &Record, old: &Record) -> ErrorList {
        settings::with(&self.kind.settings, || {
            pintle_api::validation::update_subresource(&self.subresource, new, old)
        })
    }

    fn warnings(&self, _: &RequestContext, new: &Record, _: Option<&Record>) -> Vec<String> {
        let particular = self.kind.particular;
        particular.subresource_warnings(&self.subresource, new)
    }

    fn is_deleted_by_update(&self, new: &Record, old: &Record) -> bool {
        self.kind.is_deleted_by_update(new, old)
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

    fn validate_metadata(&self, metadata: ObjectMeta<'_>, errors: &mut ErrorList) {
        self.0.validate_metadata(metadata, errors);
    }

    fn looks(&self) -> &'static [Look] {
        Traits::DEFAULT.looks
    }

    fn validate_update(&self, _: &RequestContext, new: &Record, old: &Record) -> ErrorList {
        pintle_api::validation::update_subresource("finalize", new, old)
    }

    fn is_deleted_by_update(&self, new: &Record, old: &Record) -> bool {
        self.0.is_deleted_by_update(new, old)
    }
}

/// Puts back what a status endpoint does not change of metadata.
fn keep_metadata(new: &mut Record, old: &Record, kept: Kept) {
    let Some(at) = new.ty().field_index("metadata") else {
        return;
    };
    let Some(before) = old.get(at).and_then(Value::as_record) else {
        return;
    };
    let Some(Value::Record(metadata)) = new.get_mut(at) else {
        return;
    };
    let names: &[&str] = match kept {
        Kept::Nothing => return,
        Kept::Owners => &["ownerReferences"],
        Kept::Labels => &["labels"],
        Kept::Metadata => &["ownerReferences", "labels", "annotations", "finalizers"],
    };
    for field in names
        .iter()
        .filter_map(|name| before.ty().field_index(name))
    {
        match before.get(field) {
            Some(value) => metadata.set(field, value.clone()),
            None => metadata.remove(field),
        };
    }
}
