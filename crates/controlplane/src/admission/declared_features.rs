//! `NodeDeclaredFeatureValidator`: a pod that runs changes only in ways that its node says it can follow.

use pintle_api::core::v1::{Node, Pod};
use pintle_endpoints::admission::{Attributes, Interest, Operation, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::lookup::Lookup;
use super::nodes::NODES;
use super::rule::Rule;

/// The plug-in, and whether the feature is on.
pub(super) struct DeclaredFeatures(pub Lookup, pub bool);

/// Whether a change of a pod, to the first from the second, asks for something.
type Asks = fn(Pod<'_>, Pod<'_>) -> bool;

/// What a change of a pod asks of its node, by name and in the order of names.
const FEATURES: [(&str, Asks); 2] = [
    ("InPlacePodLevelResourcesVerticalScaling", resizes_whole_pod),
    (
        "InPlacePodVerticalScalingInitContainers",
        resizes_init_containers,
    ),
];

/// Other resources for the pod as a whole.
fn resizes_whole_pod(new: Pod<'_>, old: Pod<'_>) -> bool {
    match (new.spec().resources(), old.spec().resources()) {
        (None, None) => false,
        (Some(new), Some(old)) => !pintle_api::validation::is_same(new.record(), old.record()),
        _ => true,
    }
}

/// Other resources for a container that starts first and does not stay.
fn resizes_init_containers(new: Pod<'_>, old: Pod<'_>) -> bool {
    let pairs = old
        .spec()
        .init_containers()
        .iter()
        .zip(new.spec().init_containers());
    pairs
        .filter(|(before, _)| before.restart_policy() != Some("Always"))
        .any(|(before, now)| {
            let (now, before) = (now.resources(), before.resources());
            !pintle_api::validation::is_same(now.record(), before.record())
        })
}

impl Rule for DeclaredFeatures {
    const NAME: &'static str = "NodeDeclaredFeatureValidator";

    fn interest(&self, target: Target<'_>) -> Interest {
        let is_pod = target.is("", "pods") || target.is_below("", "pods", "resize");
        Interest::VALIDATES.when(self.1 && is_pod && target.operation == Operation::Update)
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let Some(old) = attributes.old else {
            return Ok(());
        };
        let name = Pod::from_record(object).spec().node_name();
        let generation = |object| Metadata::of(object).generation();
        if name.is_empty() || generation(old) == generation(object) {
            return Ok(());
        }
        let (new, old) = (Pod::from_record(object), Pod::from_record(old));
        let mut asked = FEATURES
            .iter()
            .filter(|(_, asks)| asks(new, old))
            .peekable();
        if asked.peek().is_none() {
            return Ok(());
        }
        let Some(node) = self.0.object(NODES, "", name)? else {
            return Err(attributes.forbid(format!("node \"{name}\" not found")));
        };
        let declared = Node::from_record(&node).status().declared_features();
        let missing: Vec<&str> = asked
            .map(|(feature, _)| *feature)
            .filter(|feature| !declared.contains(feature))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        Err(attributes.forbid(format!(
            "pod update requires features {missing} which are not available on node \"{name}\""
        )))
    }
}
