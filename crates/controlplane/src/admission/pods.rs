//! Opt-in plug-ins about pods: `AlwaysPullImages`, `LimitPodHardAntiAffinityTopology`, `PodNodeSelector`.

use std::collections::BTreeMap;

use pintle_api::core::v1::{Pod, PodMut};
use pintle_endpoints::admission::{Attributes, Interest, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::limits::together;
use super::lookup::Lookup;
use super::namespaces::NAMESPACES;
use super::rule::Rule;

/// `AlwaysPullImages`: whoever runs an image has to have the right to pull it.
pub(super) struct AlwaysPull;

impl AlwaysPull {
    /// Whether an update brings no image that was not there.
    fn brings_nothing(attributes: &Attributes<'_>, new: Pod<'_>) -> bool {
        let Some(old) = attributes.old.map(Pod::from_record) else {
            return false;
        };
        let known = images(old);
        images(new).iter().all(|image| known.contains(image))
    }
}

fn images(pod: Pod<'_>) -> Vec<&str> {
    let spec = pod.spec();
    let regular = spec
        .init_containers()
        .iter()
        .chain(spec.containers().iter());
    let debugging = spec.ephemeral_containers().iter();
    let volumes = spec.volumes().iter();
    regular
        .map(|it| it.image())
        .chain(debugging.map(|it| it.image()))
        .chain(volumes.filter_map(|volume| Some(volume.image()?.reference())))
        .collect()
}

impl Rule for AlwaysPull {
    const NAME: &'static str = "AlwaysPullImages";

    fn interest(&self, target: Target<'_>) -> Interest {
        let runs = target.is("", "pods") || target.is_below("", "pods", "ephemeralcontainers");
        Interest::BOTH.when(runs && target.writes())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        if Self::brings_nothing(attributes, Pod::from_record(object)) {
            return Ok(());
        }
        let mut pod = PodMut::from_record(object);
        let mut spec = pod.spec_mut();
        for mut container in spec.init_containers_mut().iter_mut() {
            container.set_image_pull_policy("Always");
        }
        for mut container in spec.containers_mut().iter_mut() {
            container.set_image_pull_policy("Always");
        }
        for mut container in spec.ephemeral_containers_mut().iter_mut() {
            container.set_image_pull_policy("Always");
        }
        for mut volume in spec.volumes_mut().iter_mut() {
            if let Some(mut image) = volume.image_mut() {
                image.set_pull_policy("Always");
            }
        }
        Ok(())
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let pod = Pod::from_record(object);
        if Self::brings_nothing(attributes, pod) {
            return Ok(());
        }
        let spec = pod.spec();
        let of = |list: &'static str, policies: Vec<String>, field: &'static str| {
            let wrong = policies.into_iter().enumerate();
            wrong
                .filter(|(_, policy)| policy != "Always")
                .map(|(at, policy)| {
                    let why = format!(
                        "spec.{list}[{at}]{field}: Unsupported value: \"{policy}\": supported values: \"Always\""
                    );
                    attributes.forbid(why).to_string()
                })
                .collect::<Vec<_>>()
        };
        let owned = |policy: &str| policy.to_owned();
        let init = spec
            .init_containers()
            .iter()
            .map(|it| owned(it.image_pull_policy()));
        let regular = spec
            .containers()
            .iter()
            .map(|it| owned(it.image_pull_policy()));
        let debugging = spec.ephemeral_containers().iter();
        let debugging = debugging.map(|it| owned(it.image_pull_policy()));
        let mut faults = of("initContainers", init.collect(), ".imagePullPolicy");
        faults.extend(of("containers", regular.collect(), ".imagePullPolicy"));
        faults.extend(of(
            "ephemeralContainers",
            debugging.collect(),
            ".imagePullPolicy",
        ));
        let volumes = spec.volumes().iter();
        // Volumes that are no images say nothing of a policy.
        let volumes = volumes.map(|it| {
            it.image()
                .map_or(owned("Always"), |it| owned(it.pull_policy()))
        });
        faults.extend(of("volumes", volumes.collect(), ".image.pullPolicy"));
        match together(faults) {
            None => Ok(()),
            // Each of them is a refusal, as they are together.
            Some(message) => Err(attributes.forbid("").with_message(message)),
        }
    }
}

/// `LimitPodHardAntiAffinityTopology`: a pod keeps others from its host and from nothing larger.
pub(super) struct AntiAffinityTopology;

impl Rule for AntiAffinityTopology {
    const NAME: &'static str = "LimitPodHardAntiAffinityTopology";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::VALIDATES.when(target.is("", "pods") && target.writes())
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let affinity = Pod::from_record(object).spec().affinity();
        let Some(anti) = affinity.and_then(|affinity| affinity.pod_anti_affinity()) else {
            return Ok(());
        };
        let mut terms = anti
            .required_during_scheduling_ignored_during_execution()
            .iter();
        let hostname = "kubernetes.io/hostname";
        match terms.find(|term| term.topology_key() != hostname) {
            None => Ok(()),
            Some(term) => Err(attributes.forbid(format!(
                "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {} but only key {hostname} is \
                 allowed",
                term.topology_key()
            ))),
        }
    }
}

/// `PodNodeSelector`: a namespace says on which nodes its pods run.
pub(super) struct NodeSelector {
    lookup: Lookup,
    /// Of namespaces that do not say.
    default: BTreeMap<String, String>,
    /// What pods of a namespace may say, by namespace.
    allowed: BTreeMap<String, BTreeMap<String, String>>,
}

const SELECTOR_ANNOTATION: &str = "scheduler.alpha.kubernetes.io/node-selector";

impl NodeSelector {
    /// From the settings, a map `podNodeSelectorPluginConfig` from a namespace, or `clusterDefaultNodeSelector`, to a
    /// selector.
    pub(super) fn new(
        lookup: Lookup,
        settings: Option<&serde_json::Value>,
    ) -> Result<Self, String> {
        let map = settings.and_then(|it| it["podNodeSelectorPluginConfig"].as_object());
        let (mut default, mut allowed) = (BTreeMap::new(), BTreeMap::new());
        for (namespace, selector) in map.into_iter().flatten() {
            let selector = parse_selector(selector.as_str().unwrap_or_default())?;
            if namespace == "clusterDefaultNodeSelector" {
                default = selector;
            } else {
                allowed.insert(namespace.clone(), selector);
            }
        }
        Ok(Self {
            lookup,
            default,
            allowed,
        })
    }

    fn of_namespace(
        &self,
        attributes: &Attributes<'_>,
    ) -> Result<BTreeMap<String, String>, ApiError> {
        let namespace = self.lookup.object(NAMESPACES, "", attributes.namespace)?;
        let mut annotations = namespace.as_ref().into_iter().flat_map(|namespace| {
            let annotations = Metadata::of(namespace).annotations();
            annotations.filter(|(key, _)| *key == SELECTOR_ANNOTATION)
        });
        match annotations.next() {
            Some((_, text)) => parse_selector(text).map_err(ApiError::unknown),
            None => Ok(self.default.clone()),
        }
    }
}

/// `a=b,c=d`
fn parse_selector(text: &str) -> Result<BTreeMap<String, String>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .map(|term| {
            let (key, value) = term
                .split_once('=')
                .ok_or_else(|| format!("invalid selector: [{term}]"))?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// A refusal that calls the pod by its own name, which one whose name is to be generated does not have yet.
fn refuse(pod: &Record, why: &'static str) -> ApiError {
    let name = Metadata::of(pod).name();
    ApiError::forbidden(&GroupResource::new("", "pods"), name, why)
}

impl Rule for NodeSelector {
    const NAME: &'static str = "PodNodeSelector";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::BOTH.when(target.is("", "pods") && target.creates())
    }

    fn mutate(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let wanted = self.of_namespace(attributes)?;
        let own = Pod::from_record(object).spec().node_selector();
        if own
            .iter()
            .any(|(key, value)| wanted.get(key).is_some_and(|it| it != value))
        {
            return Err(refuse(
                object,
                "pod node label selector conflicts with its namespace node label selector",
            ));
        }
        let mut pod = PodMut::from_record(object);
        let mut spec = pod.spec_mut();
        for (key, value) in wanted {
            spec.node_selector_mut().insert(key, value);
        }
        self.validate(cx, attributes, object)
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let wanted = self.of_namespace(attributes)?;
        let own = Pod::from_record(object).spec().node_selector();
        if own
            .iter()
            .any(|(key, value)| wanted.get(key).is_some_and(|it| it != value))
        {
            return Err(refuse(
                object,
                "pod node label selector conflicts with its namespace node label selector",
            ));
        }
        let allowed = self.allowed.get(attributes.namespace);
        let breaks = |allowed: &BTreeMap<String, String>| {
            !own.iter()
                .all(|(key, value)| allowed.get(key).is_some_and(|it| it == value))
        };
        if allowed.is_some_and(|allowed| !allowed.is_empty() && breaks(allowed)) {
            return Err(refuse(
                object,
                "pod node label selector labels conflict with its namespace whitelist",
            ));
        }
        Ok(())
    }
}
