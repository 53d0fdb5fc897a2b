//! Plug-ins about nodes and what runs on them: `TaintNodesByCondition`, `PodTopologyLabels`, `PodResizeValidator`.

use pintle_api::core::v1::{Binding, BindingMut, Node, NodeMut, Pod, PodMut};
use pintle_endpoints::admission::{Attributes, Interest, Operation, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::status::{ApiError, CauseReason, StatusCause};
use pintle_runtime::value::Record;

use super::amounts::{self, Side, quantity};
use super::lookup::{Lookup, Place};
use super::rule::Rule;
use super::tolerations::is_taint;

pub(super) const NODES: Place = ("", "v1", "nodes");

/// `TaintNodesByCondition`: nothing is scheduled to a new node until it says that it is ready.
pub(super) struct NotReadyTaint;

impl Rule for NotReadyTaint {
    const NAME: &'static str = "TaintNodesByCondition";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::MUTATES.when(target.is("", "nodes") && target.creates())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        _: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let key = "node.kubernetes.io/not-ready";
        let mut node = NodeMut::from_record(object);
        let taints = node.view().spec().taints();
        if taints
            .iter()
            .any(|taint| is_taint(taint, key, "NoSchedule"))
        {
            return Ok(());
        }
        let mut spec = node.spec_mut();
        let mut taints = spec.taints_mut();
        let mut taint = taints.push_new();
        taint.set_key(key);
        taint.set_effect("NoSchedule");
        Ok(())
    }
}

/// `PodTopologyLabels`: a pod that is bound to a node gets the labels that say where the node is.
pub(super) struct TopologyLabels(pub Lookup);

const TOPOLOGY: [&str; 2] = [
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
];

impl TopologyLabels {
    fn of_node(&self, node: &str) -> Result<Vec<(&'static str, String)>, ApiError> {
        let Some(node) = self.0.entry(NODES, "", node)? else {
            return Ok(Vec::new());
        };
        let label = |key: &'static str| node.label(key).map(|value| (key, value.to_owned()));
        Ok(TOPOLOGY.into_iter().filter_map(label).collect())
    }
}

impl Rule for TopologyLabels {
    const NAME: &'static str = "PodTopologyLabels";

    fn interest(&self, target: Target<'_>) -> Interest {
        let binds = target.is("", "pods") || target.is_below("", "pods", "binding");
        Interest::MUTATES.when(binds && target.creates())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        if attributes.subresource == "binding" {
            let target = Binding::from_record(object).target();
            if target.kind() != "Node" {
                return Ok(());
            }
            for (key, value) in self.of_node(target.name())? {
                let mut binding = BindingMut::from_record(object);
                binding.metadata_mut().labels_mut().insert(key, value);
            }
            return Ok(());
        }
        let node = Pod::from_record(object).spec().node_name();
        if node.is_empty() {
            return Ok(());
        }
        for (key, value) in self.of_node(node)? {
            let mut pod = PodMut::from_record(object);
            pod.metadata_mut().labels_mut().insert(key, value);
        }
        Ok(())
    }
}

/// `PodResizeValidator`: a pod that runs grows within what its node has, if that is a Linux node.
pub(super) struct ResizeValidator(pub Lookup);

impl Rule for ResizeValidator {
    const NAME: &'static str = "PodResizeValidator";

    fn interest(&self, target: Target<'_>) -> Interest {
        let resizes = target.is_below("", "pods", "resize");
        Interest::VALIDATES.when(resizes && target.operation == Operation::Update)
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let pod = Pod::from_record(object);
        let name = pod.spec().node_name();
        let generation = |object: &Record| Metadata::of(object).generation();
        let is_same = attributes
            .old
            .is_some_and(|old| generation(old) == generation(object));
        if name.is_empty() || is_same {
            return Ok(());
        }
        let Some(node) = self.0.object(NODES, "", name)? else {
            return Err(attributes.forbid(format!("node \"{name}\" not found")));
        };
        let node = Node::from_record(&node);
        if let Some(why) = beyond_node(pod, node) {
            return Err(attributes.forbid(why).with_cause(StatusCause::new(
                CauseReason::from("NodeCapacity"),
                "",
                "",
            )));
        }
        let os = node
            .metadata()
            .labels()
            .get("kubernetes.io/os")
            .unwrap_or_default();
        if os != "linux" {
            let why =
                format!("pod resize is only supported on linux nodes, node \"{name}\" is \"{os}\"");
            return Err(attributes.forbid(why).with_cause(StatusCause::new(
                CauseReason::from("UnsupportedPlatform"),
                "",
                "",
            )));
        }
        Ok(())
    }
}

/// What a pod asks for beyond what a node can give to all its pods.
fn beyond_node(pod: Pod<'_>, node: Node<'_>) -> Option<String> {
    let asked = amounts::of_pod_with_overhead(pod.spec(), Side::Requests);
    let mut beyond = Vec::new();
    for name in ["cpu", "memory"] {
        let number = |amount: pintle_runtime::quantity::Quantity| match name {
            "cpu" => amount.milli_value(),
            _ => amount.value(),
        };
        let asked = asked.get(name).copied().map_or(0, number);
        let there = node.status().allocatable().get(name);
        let there = number(quantity(there.unwrap_or("0")));
        if asked > there {
            beyond.push(format!("{name}, requested: {asked}, allocatable: {there}"));
        }
    }
    (!beyond.is_empty()).then(|| {
        format!(
            "Node didn't have enough allocatable resources: {}",
            beyond.join("; ")
        )
    })
}
