//! `PodSecurity`: pods keep to the Pod Security Standards, at the level that their namespace says.

mod checks;
mod counted;
mod policy;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pintle_api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use pintle_api::batch::v1::{CronJob, Job};
use pintle_api::core::v1::{Pod, PodSpec, PodTemplate, PodTemplateSpec, ReplicationController};
use pintle_endpoints::admission::{Attributes, Interest, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::name::{dns1123_label, dns1123_subdomain};
use pintle_runtime::quote::Quoted;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::StringMap;

pub use self::counted::PodSecurityMetrics;

use self::checks::{Violation, details, evaluate, reasons};
use self::policy::{Level, LevelVersion, Policy};
use super::configuration::{self, ConfigurationError};
use super::lookup::{Lookup, Place};
use super::namespaces::NAMESPACES;
use super::rule::Rule;

const PODS: Place = ("", "v1", "pods");

/// How many pods are looked at when a namespace becomes stricter, and for how long.
const MOST_PODS: usize = 3000;
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// Subresources of pods that say nothing of what the pod is.
const IGNORED: &[&str] = &[
    "exec",
    "attach",
    "binding",
    "eviction",
    "log",
    "portforward",
    "proxy",
    "status",
];

/// The plug-in.
pub(super) struct PodSecurity {
    lookup: Lookup,
    default: Policy,
    exempt_users: HashSet<String>,
    exempt_namespaces: HashSet<String>,
    exempt_runtime_classes: HashSet<String>,
    counted: Arc<PodSecurityMetrics>,
}

impl PodSecurity {
    /// From the settings, a `PodSecurityConfiguration`.
    pub(super) fn new(
        lookup: Lookup,
        settings: Option<&serde_json::Value>,
        counted: &Arc<PodSecurityMetrics>,
    ) -> Result<Self, ConfigurationError> {
        let default = match settings {
            None => Policy::default(),
            Some(settings) => {
                let group = "pod-security.admission.config.k8s.io";
                let versions = ["v1", "v1beta1", "v1alpha1"].map(|it| format!("{group}/{it}"));
                configuration::check_kind(settings, &versions, &["PodSecurityConfiguration"])?;
                let policy = Policy::of_settings(&settings["defaults"]);
                policy.map_err(|faults| {
                    let faults = super::limits::together(faults).unwrap_or_default();
                    ConfigurationError(format!("PodSecurity configuration error: {faults}"))
                })?
            }
        };
        let mut errors = ErrorList::new();
        let mut exempt = |list: &str, why: fn(&str) -> Option<String>| {
            let names = settings.and_then(|it| it["exemptions"][list].as_array());
            let names = names.into_iter().flatten().filter_map(|it| it.as_str());
            let mut known = HashSet::new();
            let exemptions = Path::new("exemptions");
            let list = exemptions.child(list);
            for (at, name) in names.enumerate() {
                let path = list.index(at);
                if let Some(why) = why(name) {
                    errors.invalid(&path, name, why);
                } else if !known.insert(name.to_owned()) {
                    errors.duplicate(&path, name);
                }
            }
            known
        };
        let exempt_namespaces = exempt("namespaces", |it| told(&dns1123_label(it)));
        let exempt_runtime_classes = exempt("runtimeClasses", |it| told(&dns1123_subdomain(it)));
        let exempt_users = exempt("usernames", |it| {
            it.is_empty()
                .then(|| "username must not be empty".to_owned())
        });
        let faults = errors.iter().map(ToString::to_string).collect();
        if let Some(fault) = super::limits::together(faults) {
            return Err(ConfigurationError(format!("PodSecurity invalid: {fault}")));
        }
        Ok(Self {
            lookup,
            default,
            exempt_users,
            exempt_namespaces,
            exempt_runtime_classes,
            counted: Arc::clone(counted),
        })
    }

    /// Labels of a namespace are right, and whoever makes it stricter learns what breaks.
    fn check_namespace(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        new: &Record,
    ) -> Result<(), ApiError> {
        let (policy, errors) = self.policy_of(new);
        let before = attributes.old.map(|old| self.policy_of(old));
        let texts = |errors: &ErrorList| -> Vec<String> {
            errors.iter().map(ToString::to_string).collect()
        };
        let was_wrong_too = before
            .as_ref()
            .is_some_and(|(_, old)| texts(old) == texts(&errors));
        if !errors.is_empty() && !was_wrong_too {
            let kind = GroupKind::new("", "Namespace");
            return Err(ApiError::invalid(&kind, &attributes.name, &errors));
        }
        if let Some((before, _)) = &before {
            let (now, before) = (policy.enforce, before.enforce);
            let relaxes = now.version == before.version && now.level <= before.level;
            if now == before || now.level == Level::Privileged || relaxes {
                return Ok(());
            }
        }
        if self.exempt_namespaces.contains(attributes.name.as_str()) {
            if !policy.is_privileged() && !policy.is_like(self.default) {
                let labels: BTreeMap<&str, &str> = Metadata::of(new).labels().collect();
                let asked = policy.asked_for(|key| labels.get(key).copied());
                let name = Quoted(attributes.name.as_str());
                cx.warn(format!(
                    "namespace {name} is exempt from Pod Security, and the policy ({asked}) will be ignored"
                ));
            }
            return Ok(());
        }
        if before.is_none() {
            return Ok(());
        }
        let now = policy.enforce;
        for warning in self.look_at_pods(&attributes.name, now)? {
            cx.warn(warning);
        }
        Ok(())
    }

    fn policy_of(&self, namespace: &Record) -> (Policy, ErrorList) {
        let labels: BTreeMap<&str, &str> = Metadata::of(namespace).labels().collect();
        Policy::of_labels(self.default, |key| labels.get(key).copied())
    }

    /// What pods that are there break at a level, as warnings.
    fn look_at_pods(
        &self,
        namespace: &str,
        enforce: LevelVersion,
    ) -> Result<Vec<String>, ApiError> {
        let mut first = Vec::new();
        let mut replicas = Vec::new();
        let mut controllers = HashSet::new();
        for entry in self.lookup.all(PODS, Some(namespace))? {
            let pod = entry.record()?;
            if self.is_exempt_class(Pod::from_record(&pod).spec()) {
                continue;
            }
            // One pod of a controller says most of what there is to say.
            let owners = Pod::from_record(&pod).metadata().owner_references();
            let controller = owners.iter().find(|it| it.controller() == Some(true));
            let is_new = controller.is_none_or(|it| controllers.insert(it.uid().to_owned()));
            if is_new {
                first.push(pod);
            } else {
                replicas.push(pod);
            }
        }
        first.append(&mut replicas);
        let total = first.len();
        let (mut checked, began) = (0, Instant::now());
        let mut found: BTreeMap<String, (String, usize)> = BTreeMap::new();
        for pod in first.iter().take(MOST_PODS) {
            checked += 1;
            let pod = Pod::from_record(pod);
            let violations = evaluate(enforce, pod.metadata().annotations(), pod.spec());
            if !violations.is_empty() {
                let name = pod.metadata().name();
                let (least, count) = found
                    .entry(reasons(&violations))
                    .or_insert_with(|| (name.to_owned(), 0));
                if name < least.as_str() {
                    name.clone_into(least);
                }
                *count += 1;
            }
            if began.elapsed() > LONGEST_LOOK {
                break;
            }
        }
        let mut warnings = Vec::new();
        if checked < total {
            warnings.push(format!(
                "new PodSecurity enforce level only checked against the first {checked} of {total} existing pods"
            ));
        }
        if !found.is_empty() {
            warnings.push(format!(
                "existing pods in namespace \"{namespace}\" violate the new PodSecurity enforce level \"{enforce}\""
            ));
        }
        let mut of_pods: Vec<String> = found
            .into_iter()
            .map(|(reasons, (pod, count))| match count {
                1 => format!("{pod}: {reasons}"),
                2 => format!("{pod} (and 1 other pod): {reasons}"),
                _ => format!("{pod} (and {} other pods): {reasons}", count - 1),
            })
            .collect();
        of_pods.sort();
        warnings.extend(of_pods);
        Ok(warnings)
    }

    fn is_exempt_class(&self, spec: PodSpec<'_>) -> bool {
        let class = spec.runtime_class_name().unwrap_or_default();
        !class.is_empty() && self.exempt_runtime_classes.contains(class)
    }

    fn exemption(&self, cx: &RequestContext, attributes: &Attributes<'_>) -> Option<&'static str> {
        if self.exempt_namespaces.contains(attributes.namespace) {
            return Some("namespace");
        }
        let user = cx.user.name.as_str();
        self.exempt_users.contains(user).then_some("user")
    }

    fn check_pod(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let is_pod = attributes.resource.name == "pods";
        if let Some(why) = self.exemption(cx, attributes) {
            annotate(cx, "exempt", why);
            self.counted.exempted(attributes);
            return Ok(());
        }
        let namespace = attributes.namespace;
        let Some(entry) = self.lookup.entry(NAMESPACES, "", namespace)? else {
            let why = format!("failed to lookup namespace {}", Quoted(namespace));
            let cause = format!("namespaces {} not found", Quoted(namespace));
            self.counted.failed(is_pod, attributes);
            if is_pod {
                let error = ApiError::internal(why);
                annotate(cx, "error", format!("{error}: {cause}"));
                return Err(error);
            }
            let why = format!("{why}: {cause}");
            annotate(cx, "error", why);
            return Ok(());
        };
        let (policy, errors) = Policy::of_labels(self.default, |key| entry.label(key));
        if errors.is_empty() && is_pod && policy.is_privileged() {
            annotate(cx, "enforce-policy", "privileged:latest");
            self.counted
                .judged(true, LevelVersion::PRIVILEGED, "enforce", attributes);
            return Ok(());
        }
        if errors.is_empty() && !is_pod && policy.is_silent() {
            return Ok(());
        }
        if is_pod && !attributes.old.is_none_or(|old| is_significant(object, old)) {
            return Ok(());
        }
        let Some((annotations, spec)) = template(&attributes.resource.name, object) else {
            return Ok(());
        };
        if self.is_exempt_class(spec) {
            annotate(cx, "exempt", "runtimeClass");
            self.counted.exempted(attributes);
            return Ok(());
        }
        if !errors.is_empty() {
            let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
            let why = super::limits::together(texts).unwrap_or_default();
            annotate(cx, "error", format!("Failed to parse policy: {why}"));
            self.counted.failed(false, attributes);
        }
        self.judge(cx, attributes, policy, is_pod, |level| {
            evaluate(level, annotations, spec)
        })
    }

    /// Refuses, notes and warns as a policy says.
    fn judge(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        policy: Policy,
        is_pod: bool,
        evaluate: impl Fn(LevelVersion) -> Vec<Violation>,
    ) -> Result<(), ApiError> {
        let enforced = if is_pod {
            annotate(cx, "enforce-policy", policy.enforce.to_string());
            let violations = evaluate(policy.enforce);
            let is_allowed = violations.is_empty();
            self.counted
                .judged(is_allowed, policy.enforce, "enforce", attributes);
            violations
        } else {
            Vec::new()
        };
        let again = |level: LevelVersion| {
            if is_pod && level == policy.enforce {
                enforced.clone()
            } else {
                evaluate(level)
            }
        };
        let would = |level: LevelVersion, violations: &[Violation]| {
            format!(
                "would violate PodSecurity \"{level}\": {}",
                details(violations)
            )
        };
        let audited = again(policy.audit);
        if !audited.is_empty() {
            annotate(cx, "audit-violations", would(policy.audit, &audited));
            self.counted
                .judged(false, policy.audit, "audit", attributes);
        }
        if !enforced.is_empty() {
            return Err(attributes.forbid(format!(
                "violates PodSecurity \"{}\": {}",
                policy.enforce,
                details(&enforced)
            )));
        }
        let warned = again(policy.warn);
        if !warned.is_empty() {
            cx.warn(would(policy.warn, &warned));
            self.counted.judged(false, policy.warn, "warn", attributes);
        }
        Ok(())
    }
}

/// What is wrong with a name of the settings.
fn told(faults: &[Cow<'_, str>]) -> Option<String> {
    (!faults.is_empty()).then(|| faults.join(", "))
}

fn annotate(cx: &RequestContext, key: &str, value: impl Into<String>) {
    cx.annotate(format!("pod-security.kubernetes.io/{key}"), value);
}

/// Whether a change of a pod is one that the standards speak of.
fn is_significant(new: &Record, old: &Record) -> bool {
    let (new, old) = (Pod::from_record(new), Pod::from_record(old));
    let lists = [
        (new.spec().containers(), old.spec().containers()),
        (new.spec().init_containers(), old.spec().init_containers()),
    ];
    let mut debugging = new.spec().ephemeral_containers().iter();
    lists.iter().any(|(new, old)| {
        let mut pairs = new.iter().zip(old.iter());
        new.len() != old.len() || pairs.any(|(new, old)| new.image() != old.image())
    }) || debugging.any(|it| {
        let old = old.spec().ephemeral_containers();
        let before = old.iter().find(|old| old.name() == it.name());
        before.is_none_or(|old| it.image() != old.image())
    })
}

/// Annotations and spec of the pod that an object is, or makes; absent if it makes none.
fn template<'a>(resource: &str, object: &'a Record) -> Option<(StringMap<'a>, PodSpec<'a>)> {
    let of = |it: PodTemplateSpec<'a>| Some((it.metadata().annotations(), it.spec()));
    match resource {
        "pods" => {
            let pod = Pod::from_record(object);
            Some((pod.metadata().annotations(), pod.spec()))
        }
        "podtemplates" => of(PodTemplate::from_record(object).template()),
        "replicationcontrollers" => {
            let spec = ReplicationController::from_record(object).spec();
            spec.template().and_then(of)
        }
        "replicasets" => of(ReplicaSet::from_record(object).spec().template()),
        "deployments" => of(Deployment::from_record(object).spec().template()),
        "statefulsets" => of(StatefulSet::from_record(object).spec().template()),
        "daemonsets" => of(DaemonSet::from_record(object).spec().template()),
        "jobs" => of(Job::from_record(object).spec().template()),
        "cronjobs" => {
            let job = CronJob::from_record(object).spec().job_template();
            of(job.spec().template())
        }
        _ => None,
    }
}

impl Rule for PodSecurity {
    const NAME: &'static str = "PodSecurity";

    fn interest(&self, target: Target<'_>) -> Interest {
        let row = target.resource;
        let cares = match (&*row.group, &*row.name) {
            ("", "pods") => !IGNORED.contains(&target.subresource),
            ("", "namespaces" | "podtemplates" | "replicationcontrollers")
            | ("apps", "replicasets" | "deployments" | "statefulsets" | "daemonsets")
            | ("batch", "jobs" | "cronjobs") => target.subresource.is_empty(),
            _ => false,
        };
        Interest::VALIDATES.when(cares && target.writes())
    }

    fn validate(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        if attributes.resource.name == "namespaces" {
            self.check_namespace(cx, attributes, object)
        } else {
            self.check_pod(cx, attributes, object)
        }
    }
}

#[cfg(test)]
mod tests;
