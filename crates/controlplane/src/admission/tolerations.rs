//! Plug-ins about tolerations: `DefaultTolerationSeconds`, `ExtendedResourceToleration`, `PodTolerationRestriction`;
//! and merging them.

use std::collections::BTreeSet;

use pintle_api::core::v1::{PodMut, Taint, Toleration, TolerationMut};
use pintle_endpoints::admission::{Attributes, Interest, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::schema::Ref;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{List, View};

use super::configuration::{ConfigurationError, check_kind};
use super::lookup::Lookup;
use super::namespaces::NAMESPACES;
use super::rule::Rule;

/// How long pods stay on a node that is gone, by default, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct TolerationSeconds {
    /// `--default-not-ready-toleration-seconds`
    pub not_ready: i64,
    /// `--default-unreachable-toleration-seconds`
    pub unreachable: i64,
}

impl Default for TolerationSeconds {
    fn default() -> Self {
        Self {
            not_ready: 300,
            unreachable: 300,
        }
    }
}

/// `DefaultTolerationSeconds`: a pod stays for a while on a node that is not ready or not reachable.
pub(super) struct DefaultSeconds(pub TolerationSeconds);

impl Rule for DefaultSeconds {
    const NAME: &'static str = "DefaultTolerationSeconds";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::MUTATES.when(target.is("", "pods") && target.writes())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        _: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let mut pod = PodMut::from_record(object);
        for (key, seconds) in [
            ("node.kubernetes.io/not-ready", self.0.not_ready),
            ("node.kubernetes.io/unreachable", self.0.unreachable),
        ] {
            let tolerates = |it: Toleration<'_>| {
                (it.key() == key || it.key().is_empty()) && matches!(it.effect(), "NoExecute" | "")
            };
            if pod.view().spec().tolerations().iter().any(tolerates) {
                continue;
            }
            let mut spec = pod.spec_mut();
            let mut tolerations = spec.tolerations_mut();
            let mut toleration = tolerations.push_new();
            toleration.set_key(key);
            toleration.set_operator("Exists");
            toleration.set_effect("NoExecute");
            toleration.set_toleration_seconds(seconds);
        }
        Ok(())
    }
}

/// `ExtendedResourceToleration`: who asks for a device tolerates the taint of nodes that are for it.
pub(super) struct ExtendedResource;

impl Rule for ExtendedResource {
    const NAME: &'static str = "ExtendedResourceToleration";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::MUTATES.when(target.is("", "pods") && target.writes())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        _: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let mut pod = PodMut::from_record(object);
        let spec = pod.view().spec();
        let containers = spec
            .containers()
            .iter()
            .chain(spec.init_containers().iter());
        let names: BTreeSet<String> = containers
            .flat_map(|container| container.resources().requests().iter())
            .map(|(name, _)| name)
            .filter(|name| is_extended(name))
            .map(str::to_owned)
            .collect();
        for name in names {
            let mut wanted = <Toleration<'_> as View>::new_record();
            let mut toleration = TolerationMut::from_record(&mut wanted);
            toleration.set_key(name);
            toleration.set_operator("Exists");
            toleration.set_effect("NoSchedule");
            let mut spec = pod.spec_mut();
            let mut tolerations = spec.tolerations_mut();
            if !tolerations
                .values_mut()
                .iter()
                .any(|it| it.as_record() == Some(&wanted))
            {
                tolerations.push(wanted);
            }
        }
        Ok(())
    }
}

/// Whether a resource is of a device plug-in: its name has a domain that is not Kubernetes' own.
fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.")
}

/// `PodTolerationRestriction`: a namespace says what its pods tolerate, by default and at most.
pub(super) struct Restriction {
    pub lookup: Lookup,
    /// Of namespaces that do not say.
    pub default: Vec<Record>,
    /// Of namespaces that do not say.
    pub allowed: Vec<Record>,
}

const DEFAULT_ANNOTATION: &str = "scheduler.alpha.kubernetes.io/defaultTolerations";
const ALLOWED_ANNOTATION: &str = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";

impl Restriction {
    /// From the settings, whose lists are `default` and `whitelist`.
    pub(super) fn new(
        lookup: Lookup,
        settings: Option<&serde_json::Value>,
    ) -> Result<Self, ConfigurationError> {
        if let Some(settings) = settings {
            let versions = ["podtolerationrestriction.admission.k8s.io/v1alpha1"];
            check_kind(settings, &versions, &["Configuration"])?;
        }
        let list = |name: &str| {
            settings
                .and_then(|settings| parse(&settings[name].to_string()))
                .unwrap_or_default()
        };
        Ok(Self {
            lookup,
            default: list("default"),
            allowed: list("whitelist"),
        })
    }

    /// What a namespace's annotation says; `None` if it has none, and the settings count.
    fn of_namespace(
        &self,
        attributes: &Attributes<'_>,
        annotation: &str,
    ) -> Result<Option<Vec<Record>>, ApiError> {
        let namespace = self.lookup.object(NAMESPACES, "", attributes.namespace)?;
        let metadata = namespace
            .as_deref()
            .map(pintle_endpoints::metadata::Metadata::of);
        let said = metadata
            .and_then(|metadata| metadata.annotations().find(|(key, _)| *key == annotation));
        match said {
            None => Ok(None),
            Some((_, "")) => Ok(Some(Vec::new())),
            Some((_, text)) => parse(text).map(Some).ok_or_else(|| {
                ApiError::internal(format!(
                    "the annotation {annotation} is no list of tolerations"
                ))
            }),
        }
    }
}

fn parse(text: &str) -> Option<Vec<Record>> {
    let ty = Ref::Static(<Toleration<'_> as View>::table());
    let items: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(text).ok()?;
    items
        .iter()
        .map(|item| {
            let body = bytes::Bytes::copy_from_slice(item.get().as_bytes());
            json::decode(&ty, &body, &mut Problems::ignored()).ok()
        })
        .collect()
}

impl Rule for Restriction {
    const NAME: &'static str = "PodTolerationRestriction";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::BOTH.when(target.is("", "pods") && target.writes())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let mut pod = PodMut::from_record(object);
        let mut add = Vec::new();
        if attributes.old.is_none() {
            let said = self.of_namespace(attributes, DEFAULT_ANNOTATION)?;
            add = said.unwrap_or_else(|| self.default.clone());
        }
        let own = records(pod.view().spec().tolerations());
        let mut all = merge(add, own);
        if !crate::quota::is_best_effort(pod.view()) {
            let mut pressure = <Toleration<'_> as View>::new_record();
            let mut view = TolerationMut::from_record(&mut pressure);
            view.set_key("node.kubernetes.io/memory-pressure");
            view.set_operator("Exists");
            view.set_effect("NoSchedule");
            all = merge(all, vec![pressure]);
        }
        set(&mut pod, all);
        self.validate_pod(attributes, pod.view())
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        self.validate_pod(attributes, pintle_api::core::v1::Pod::from_record(object))
    }
}

impl Restriction {
    fn validate_pod(
        &self,
        attributes: &Attributes<'_>,
        pod: pintle_api::core::v1::Pod<'_>,
    ) -> Result<(), ApiError> {
        let own = records(pod.spec().tolerations());
        if own.is_empty() {
            return Ok(());
        }
        let said = self.of_namespace(attributes, ALLOWED_ANNOTATION)?;
        let (scope, allowed) = match said {
            Some(allowed) => ("namespace", allowed),
            None => ("cluster", self.allowed.clone()),
        };
        let covers = |own: &Record| allowed.iter().any(|it| is_superset(view(it), view(own)));
        if allowed.is_empty() || own.iter().all(covers) {
            return Ok(());
        }
        // Upstream gives a plain error here, which clients see as a 500.
        Err(ApiError::unknown(format!(
            "pod tolerations (possibly merged with namespace default tolerations) conflict with its {scope} whitelist"
        )))
    }
}

fn view(record: &Record) -> Toleration<'_> {
    Toleration::from_record(record)
}

pub(super) fn records(list: List<'_, Toleration<'_>>) -> Vec<Record> {
    list.iter().map(|it| it.record().clone()).collect()
}

pub(super) fn set(pod: &mut PodMut<'_>, tolerations: Vec<Record>) {
    let values = tolerations.into_iter().map(Value::Record).collect();
    let mut spec = pod.spec_mut();
    if spec.view().tolerations().values() != AsRef::<[Value]>::as_ref(&values) {
        spec.set_tolerations(values);
    }
}

/// Both lists as one, without what another of them says as well.
pub(super) fn merge(first: Vec<Record>, second: Vec<Record>) -> Vec<Record> {
    let mut all = first;
    all.extend(second);
    let mut merged: Vec<Record> = Vec::new();
    for (at, toleration) in all.iter().enumerate() {
        let is_covered = |other: &Record| is_superset(view(other), view(toleration));
        let is_said = merged.iter().any(is_covered);
        // Of equal ones, the first stays.
        let comes = all[at + 1..]
            .iter()
            .any(|other| other != toleration && is_covered(other));
        if !is_said && !comes {
            merged.push(toleration.clone());
        }
    }
    merged
}

/// Whether `wide` tolerates all that `narrow` does.
pub(super) fn is_superset(wide: Toleration<'_>, narrow: Toleration<'_>) -> bool {
    let exists = wide.operator() == "Exists";
    let same_key = wide.key() == narrow.key() || (wide.key().is_empty() && exists);
    let same_effect = wide.effect().is_empty() || wide.effect() == narrow.effect();
    let long_enough = match (wide.effect(), wide.toleration_seconds()) {
        ("NoExecute", Some(most)) => narrow.toleration_seconds().is_some_and(|it| it <= most),
        _ => true,
    };
    let same_value = match wide.operator() {
        "Equal" | "" => narrow.operator() == wide.operator() && narrow.value() == wide.value(),
        _ => exists,
    };
    same_key && same_effect && long_enough && same_value
}

/// Whether a taint has this key and effect.
pub(super) fn is_taint(taint: Taint<'_>, key: &str, effect: &str) -> bool {
    taint.key() == key && taint.effect() == effect
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tolerations(text: &str) -> Vec<Record> {
        parse(text).unwrap()
    }

    #[track_caller]
    fn check(wide: &str, narrow: &str, expected: bool) {
        let parsed = tolerations(&format!("[{wide},{narrow}]"));
        let found = is_superset(view(&parsed[0]), view(&parsed[1]));
        assert_eq!(found, expected, "{wide} {narrow}");
    }

    #[test]
    fn some_tolerations_have_others_in_them() {
        let exists = r#"{"key":"a","operator":"Exists"}"#;
        let equals = r#"{"key":"a","operator":"Equal","value":"x"}"#;
        check(exists, equals, true);
        check(equals, exists, false);
        check(r#"{"operator":"Exists"}"#, equals, true);
        check(
            r#"{"operator":"Exists","effect":"NoSchedule"}"#,
            equals,
            false,
        );
        let short = r#"{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":5}"#;
        let long = r#"{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9}"#;
        check(long, short, true);
        check(short, long, false);
    }

    #[test]
    fn merging_keeps_each_toleration_once() {
        let first = tolerations(r#"[{"key":"a","operator":"Exists"}]"#);
        let second = tolerations(
            r#"[{"key":"a","operator":"Equal","value":"x"},{"key":"b","operator":"Exists"},{"key":"a","operator":"Exists"}]"#,
        );
        let merged = merge(first, second);
        let keys: Vec<_> = merged.iter().map(|it| view(it).key()).collect();
        assert_eq!(keys, ["a", "b"]);
    }

    #[test]
    fn devices_are_told_from_what_every_node_has() {
        for (name, extended) in [
            ("example.com/gpu", true),
            ("cpu", false),
            ("hugepages-2Mi", false),
            ("kubernetes.io/batch", false),
        ] {
            assert_eq!(is_extended(name), extended, "{name}");
        }
    }
}
