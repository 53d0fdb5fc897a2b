//! What kube-apiserver finds wrong with an object of a built-in kind.
//!
//! Objects come in the version that is stored, with defaults filled in and metadata looked at:
//! `metadata` is for `pintle_runtime::object_meta`, all else is for here. Errors come all at once, in
//! upstream's order and words, because clients see them.
//!
//! Each API group has a module whose `rules` names what there is for a kind. A kind without rules
//! takes whatever its schema takes.
//!
//! ```
//! use bytes::Bytes;
//! use pintle_runtime::codec::{Problems, json};
//!
//! let ty = pintle_api::type_by_kind("", "v1", "ConfigMap").expect("a kind of this release");
//! let body = Bytes::from_static(br#"{"metadata":{"name":"a"},"data":{"no/slash":"x"}}"#);
//! let record = json::decode(&ty, &body, &mut Problems::ignored())?;
//! let errors = pintle_api::validation::create(&record);
//! assert_eq!(errors.iter().next().map(|error| error.field.as_str()), Some("data[no/slash]"));
//! # Ok::<(), pintle_runtime::codec::DecodeError>(())
//! ```

use pintle_runtime::field_path::ErrorList;
use pintle_runtime::value::Record;
use pintle_runtime::view::Strings;

mod admissionregistration;
mod apiextensions;
mod apiregistration;
mod apps;
mod autoscaling;
mod batch;
#[cfg(test)]
mod cases;
mod certificates;
#[cfg(test)]
mod check;
mod coordination;
mod core;
mod difference;
mod discovery;
mod flowcontrol;
mod immutable;
mod int_or_percent;
mod internal_form;
mod labels;
mod networking;
mod node;
mod node_selector;
pub mod pod;
mod policy;
mod quantity;
mod rbac;
mod resource;
mod scheduling;
mod storage;
mod volume_source;
mod webhook;
mod workload;

/// What is asked of a custom resource definition outside of validation.
pub mod definition {
    pub use super::apiextensions::definition::{Approval, is_protected};
    pub use super::apiextensions::formats::unrecognized as unrecognized_formats;
}

/// What is asked of a Service outside of validation.
pub mod service {
    pub use super::core::service::{
        TOPOLOGY_HINTS, cluster_ips, is_external, is_headless, needs_health_check,
    };
}

/// What there is to check of a kind.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// A new object.
    create: fn(&Record, &mut ErrorList),
    /// A change: the new object and the old one.
    update: fn(&Record, &Record, &mut ErrorList),
    /// A change through a subresource that is got and updated as the object itself is, by its name.
    subresources: &'static [(&'static str, Update)],
}

impl Rules {
    /// Those of a kind of which metadata is all that is checked.
    const NONE: Self = Self {
        create: |_, _| {},
        update: |_, _, _| {},
        subresources: &[],
    };
}

/// Checks a new object against the old one.
type Update = fn(&Record, &Record, &mut ErrorList);

/// All that is wrong with a new object, metadata apart.
pub fn create(new: &Record) -> ErrorList {
    let mut errors = ErrorList::new();
    if let Some(rules) = rules(new) {
        (rules.create)(new, &mut errors);
    }
    errors
}

/// All that is wrong with a change of the object itself, metadata apart.
pub fn update(new: &Record, old: &Record) -> ErrorList {
    let mut errors = ErrorList::new();
    if let Some(rules) = rules(new) {
        (rules.update)(new, old, &mut errors);
    }
    errors
}

/// All that is wrong with a change through a subresource such as `status`, metadata apart.
pub fn update_subresource(subresource: &str, new: &Record, old: &Record) -> ErrorList {
    let mut errors = ErrorList::new();
    let rule = rules(new).and_then(|rules| {
        let mut known = rules.subresources.iter();
        known.find(|(name, _)| *name == subresource)
    });
    if let Some((_, update)) = rule {
        update(new, old, &mut errors);
    }
    errors
}

/// All that is wrong with a new event that came by `events.k8s.io/v1`, which asks for more.
pub fn create_event(new: &Record) -> ErrorList {
    let mut errors = ErrorList::new();
    core::event::strict_create(new, &mut errors);
    errors
}

/// All that is wrong with a change of an event that came by `events.k8s.io/v1`.
pub fn update_event(new: &Record, old: &Record) -> ErrorList {
    let mut errors = ErrorList::new();
    core::event::strict_update(new, old, &mut errors);
    errors
}

/// What is wrong with the finalizers in an object's metadata beyond their being names: without a domain there are only
/// Kubernetes' own.
pub fn finalizers(finalizers: Strings<'_>, errors: &mut ErrorList) {
    core::namespace::of_metadata(finalizers, errors);
}

/// Whether two objects of one type mean the same to Go: nothing and empty are one for all but pointers,
/// and amounts are compared as numbers.
pub fn is_same(new: &Record, old: &Record) -> bool {
    immutable::is_same(new, old)
}

/// What became of `old`, as a unified difference of the forms that upstream has inside, which its messages show.
pub fn changes(old: &Record, new: &Record) -> String {
    internal_form::difference(old, new)
}

/// Whether a kind has rules of its own, by the name of its type.
pub fn is_known(type_name: &str) -> bool {
    by_name(type_name).is_some()
}

/// Whether there are rules for a type, by the name of its definition.
pub fn has_rules(type_name: &str) -> bool {
    by_name(type_name).is_some()
}

fn rules(object: &Record) -> Option<Rules> {
    by_name(&object.ty().name)
}

fn by_name(type_name: &str) -> Option<Rules> {
    let (package, kind) = type_name.rsplit_once('.')?;
    match package {
        "io.k8s.api.admissionregistration.v1" => admissionregistration::rules(kind),
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1" => apiextensions::rules(kind),
        "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1" => apiregistration::rules(kind),
        "io.k8s.api.apps.v1" => apps::rules(kind),
        "io.k8s.api.autoscaling.v2" => autoscaling::rules(kind),
        "io.k8s.api.batch.v1" => batch::rules(kind),
        "io.k8s.api.certificates.v1" => certificates::rules(kind),
        "io.k8s.api.coordination.v1" => coordination::rules(kind),
        "io.k8s.api.core.v1" => core::rules(kind),
        "io.k8s.api.discovery.v1" => discovery::rules(kind),
        "io.k8s.api.flowcontrol.v1" => flowcontrol::rules(kind),
        "io.k8s.api.networking.v1" => networking::rules(kind),
        "io.k8s.api.node.v1" => node::rules(kind),
        "io.k8s.api.policy.v1" => policy::rules(kind),
        "io.k8s.api.rbac.v1" => rbac::rules(kind),
        "io.k8s.api.resource.v1" => resource::rules(kind),
        "io.k8s.api.scheduling.v1" => scheduling::rules(kind),
        "io.k8s.api.storage.v1" => storage::rules(kind),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
