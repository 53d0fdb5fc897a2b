//! `NodeRestriction`: a kubelet touches what is its node's, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use pintle_api::authentication::v1::TokenRequest;
use pintle_api::core::v1::{Node, Pod};
use pintle_endpoints::admission::{Answer, Attributes, Interest, Operation, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::ApiError;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::{Record, Value};

use super::accounts::has_secrets;
use super::lookup::{Lookup, Place};
use super::nodes::NODES;

const PODS: Place = ("", "v1", "pods");
const MIRROR: &str = "kubernetes.io/config.mirror";

/// The plug-in.
pub(super) struct NodeRestriction(pub Lookup);

/// The node that a user is: `Some("")` for one that cannot be told.
fn node_of(user: &UserInfo) -> Option<&str> {
    let name = user.name.as_str().strip_prefix("system:node:")?;
    user.is_in("system:nodes").then_some(name)
}

impl Plugin for NodeRestriction {
    fn name(&self) -> &'static str {
        "NodeRestriction"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        let cares = matches!(
            (&*target.resource.group, &*target.resource.name),
            (
                "",
                "pods" | "nodes" | "persistentvolumeclaims" | "serviceaccounts"
            ) | ("coordination.k8s.io", "leases")
                | ("storage.k8s.io", "csinodes")
                | ("resource.k8s.io", "resourceslices")
        );
        Interest::MUTATES.when(cares && target.operation != Operation::Connect)
    }

    fn mutate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a mut Record>,
    ) -> Answer<'a> {
        let Some(node) = node_of(&cx.user) else {
            return Answer::YES;
        };
        if node.is_empty() {
            let user = &cx.user.name;
            let why = format!("could not determine node from user \"{user}\"");
            return Answer::Now(Err(attributes.forbid(why)));
        }
        let request = Request {
            plugin: self,
            node,
            attributes,
            object: object.map(|object| &*object),
        };
        request.check().into()
    }
}

/// A request of a node.
struct Request<'a> {
    plugin: &'a NodeRestriction,
    node: &'a str,
    attributes: &'a Attributes<'a>,
    object: Option<&'a Record>,
}

impl Request<'_> {
    fn check(&self) -> Result<(), ApiError> {
        let subresource = self.attributes.subresource;
        match (&*self.attributes.resource.name, subresource) {
            ("pods", "") => self.pod(),
            ("pods", "status") => self.pod_status(),
            ("pods", "eviction") => self.eviction(),
            ("pods", other) => self.refuse(format!("unexpected pod subresource \"{other}\"")),
            ("nodes", _) => self.own_node(),
            ("persistentvolumeclaims", "status") => self.claim_status(),
            ("persistentvolumeclaims", _) => self.refuse("may only update PVC status"),
            ("serviceaccounts", "token") => self.token(),
            ("serviceaccounts", _) => Ok(()),
            ("leases", _) => self.lease(),
            ("csinodes", _) => {
                self.same_name("can only access CSINode with the same name as the requesting node")
            }
            _ => self.slice(),
        }
    }

    fn refuse(&self, why: impl std::fmt::Display) -> Result<(), ApiError> {
        Err(self.attributes.forbid(why))
    }

    fn unexpected(&self, only: &str) -> Result<(), ApiError> {
        let (operation, node) = (self.attributes.operation.as_str(), self.node);
        self.refuse(format!(
            "unexpected operation \"{operation}\", node \"{node}\" {only}"
        ))
    }

    fn pod(&self) -> Result<(), ApiError> {
        let node = self.node;
        match (self.attributes.operation, self.object, self.attributes.old) {
            (Operation::Create, Some(object), _) => self.mirror_pod(Pod::from_record(object)),
            (Operation::Delete, _, Some(old)) => {
                if Pod::from_record(old).spec().node_name() == node {
                    return Ok(());
                }
                self.refuse(format!(
                    "node \"{node}\" can only delete pods with spec.nodeName set to itself"
                ))
            }
            _ => self.unexpected("can only create and delete mirror pods"),
        }
    }

    fn mirror_pod(&self, pod: Pod<'_>) -> Result<(), ApiError> {
        let node = self.node;
        let only = |what: &str| self.refuse(format!("node \"{node}\" {what}"));
        if !pod.metadata().annotations().contains_key(MIRROR) {
            return self.refuse(format!(
                "pod does not have \"{MIRROR}\" annotation, node \"{node}\" can only create mirror pods"
            ));
        }
        if pod.spec().node_name() != node {
            return only("can only create pods with spec.nodeName set to itself");
        }
        let owners = pod.metadata().owner_references();
        if owners.len() > 1 {
            return only("can only create pods with a single owner reference set to itself");
        }
        let itself = "can only create pods with an owner reference set to itself";
        let Some(owner) = owners.first() else {
            return only(itself);
        };
        if (owner.api_version(), owner.kind(), owner.name()) != ("v1", "Node", node) {
            return only(itself);
        }
        if owner.controller() != Some(true) {
            return only("can only create pods with a controller owner reference set to itself");
        }
        if owner.block_owner_deletion() == Some(true) {
            return only("must not set blockOwnerDeletion on an owner reference");
        }
        let Some(entry) = self.plugin.0.entry(NODES, "", node)? else {
            let absent = ApiError::not_found(&GroupResource::new("", "nodes"), node);
            return self.refuse(absent);
        };
        if owner.uid() != entry.uid() {
            let (found, given) = (entry.uid(), owner.uid());
            return self.refuse(format!(
                "node {node} UID mismatch: expected {given} got {found}"
            ));
        }
        let spec = pod.spec();
        let volumes = || spec.volumes().iter();
        let environment = || {
            let containers = spec
                .init_containers()
                .iter()
                .chain(spec.containers().iter());
            containers.flat_map(|it| it.env().iter())
        };
        let has_maps = volumes().any(|it| it.config_map().is_some())
            || environment().any(|it| {
                it.value_from()
                    .is_some_and(|from| from.config_map_key_ref().is_some())
            });
        let what = if !spec.service_account_name().is_empty() {
            "a service account"
        } else if has_secrets(pod) {
            "secrets"
        } else if has_maps {
            "configmaps"
        } else if volumes().any(|it| it.persistent_volume_claim().is_some()) {
            "persistentvolumeclaims"
        } else if !spec.resource_claims().is_empty() {
            "resourceclaims"
        } else {
            return Ok(());
        };
        self.refuse(format!(
            "node \"{node}\" can not create pods that reference {what}"
        ))
    }

    fn pod_status(&self) -> Result<(), ApiError> {
        let node = self.node;
        let (Operation::Update, Some(new), Some(old)) =
            (self.attributes.operation, self.object, self.attributes.old)
        else {
            return self.unexpected("can only update pod status");
        };
        let (new, old) = (Pod::from_record(new), Pod::from_record(old));
        if old.spec().node_name() != node {
            return self.refuse(format!(
                "node \"{node}\" can only update pod status for pods with spec.nodeName set to itself"
            ));
        }
        let labels = |pod: Pod<'_>| pod.metadata().labels().map().cloned().unwrap_or_default();
        if labels(new) != labels(old) {
            let why = format!("node \"{node}\" cannot update labels through pod status");
            return self.refuse(why);
        }
        let claims = |pod: Pod<'_>| pod.status().resource_claim_statuses().values().to_vec();
        if claims(new) != claims(old) {
            let why = format!("node \"{node}\" cannot update resource claim statuses");
            return self.refuse(why);
        }
        Ok(())
    }

    fn eviction(&self) -> Result<(), ApiError> {
        if self.attributes.operation != Operation::Create {
            let operation = self.attributes.operation.as_str();
            return self.refuse(format!("unexpected operation {operation}"));
        }
        let (namespace, name) = (self.attributes.namespace, &self.attributes.name);
        let pod = self.plugin.0.object(PODS, namespace, name)?;
        let pod = pod.ok_or_else(|| ApiError::not_found(&GroupResource::new("", "pods"), name))?;
        if Pod::from_record(&pod).spec().node_name() == self.node {
            return Ok(());
        }
        let node = self.node;
        self.refuse(format!(
            "node {node} can only evict pods with spec.nodeName set to itself"
        ))
    }

    fn own_node(&self) -> Result<(), ApiError> {
        let (node, requested) = (self.node, self.attributes.name.as_str());
        let new = self.object.map(Node::from_record);
        let old = self.attributes.old.map(Node::from_record);
        if let (Operation::Create, Some(new)) = (self.attributes.operation, new) {
            if new.spec().config_source().is_some() {
                return self.refuse(format!(
                    "node \"{node}\" is not allowed to create pods with a non-nil configSource"
                ));
            }
            let forbidden = forbidden_labels(Some(new), None);
            if !forbidden.is_empty() {
                return self.refuse(format!(
                    "node \"{node}\" is not allowed to set the following labels: {}",
                    forbidden.join(", ")
                ));
            }
        }
        if requested != node {
            let why = format!("node \"{node}\" is not allowed to modify node \"{requested}\"");
            return self.refuse(why);
        }
        let (Operation::Update, Some(new), Some(old)) = (self.attributes.operation, new, old)
        else {
            return Ok(());
        };
        let not = |what: &str| self.refuse(format!("node \"{node}\" is not allowed to {what}"));
        let source = |node: Node<'_>| node.spec().config_source().map(|it| it.record().clone());
        if source(new).is_some() && source(new) != source(old) {
            return not("update configSource to a new non-nil configSource");
        }
        if new.spec().taints().values() != old.spec().taints().values() {
            return not("modify taints");
        }
        let forbidden = forbidden_labels(Some(new), Some(old));
        if !forbidden.is_empty() {
            return not(&format!("modify labels: {}", forbidden.join(", ")));
        }
        let owners = |node: Node<'_>| node.metadata().owner_references().values().to_vec();
        if owners(new) != owners(old) {
            return not("modify ownerReferences");
        }
        Ok(())
    }

    fn claim_status(&self) -> Result<(), ApiError> {
        let (Operation::Update, Some(new), Some(old)) =
            (self.attributes.operation, self.object, self.attributes.old)
        else {
            let operation = self.attributes.operation.as_str();
            return self.refuse(format!("unexpected operation \"{operation}\""));
        };
        // Sizes, their states and conditions are what a node knows of.
        let rest = |object: &Record| {
            let mut rest = object.clone();
            for field in ["metadata", "kind", "apiVersion"] {
                if let Some(at) = rest.ty().field_index(field) {
                    rest.remove(at);
                }
            }
            let at = rest.ty().field_index("status");
            if let Some(Value::Record(status)) = at.and_then(|at| rest.get_mut(at)) {
                for field in [
                    "capacity",
                    "conditions",
                    "allocatedResources",
                    "allocatedResourceStatuses",
                ] {
                    if let Some(at) = status.ty().field_index(field) {
                        status.remove(at);
                    }
                }
            }
            rest
        };
        if rest(new) == rest(old) {
            return Ok(());
        }
        let node = self.node;
        self.refuse(format!(
            "node \"{node}\" is not allowed to update fields other than status.quantity and status.conditions"
        ))
    }

    fn token(&self) -> Result<(), ApiError> {
        let (Operation::Create, Some(object)) = (self.attributes.operation, self.object) else {
            return Ok(());
        };
        let spec = TokenRequest::from_record(object).spec();
        let bound = spec
            .bound_object_ref()
            .filter(|it| (it.api_version(), it.kind()) == ("v1", "Pod") && !it.name().is_empty());
        let Some(bound) = bound else {
            return self.refuse("node requested token not bound to a pod");
        };
        let uid = bound.uid();
        if uid.is_empty() {
            return self.refuse("node requested token with a pod binding without a uid");
        }
        let pod = self
            .plugin
            .0
            .object(PODS, self.attributes.namespace, bound.name())?;
        let pods = GroupResource::new("", "pods");
        let pod = pod.ok_or_else(|| ApiError::not_found(&pods, bound.name()))?;
        let pod = Pod::from_record(&pod);
        if pod.metadata().uid() != uid {
            return self.refuse(format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might \
                 have been deleted and then recreated"
            ));
        }
        if pod.spec().node_name() != self.node {
            return self
                .refuse("node requested token bound to a pod scheduled on a different node");
        }
        if spec.audiences().len() > 1 {
            return self.refuse("node may only request 0 or 1 audiences");
        }
        let audience = spec.audiences().first().unwrap_or_default();
        let projected = pod.spec().volumes().iter().any(|volume| {
            let sources = volume
                .projected()
                .into_iter()
                .flat_map(|it| it.sources().iter());
            let mut tokens = sources.filter_map(|it| it.service_account_token());
            tokens.any(|token| token.audience() == audience)
        });
        // What a storage driver asks for is known to the driver alone.
        let has_driver = pod.spec().volumes().iter().any(|it| {
            it.csi().is_some() || it.persistent_volume_claim().is_some() || it.ephemeral().is_some()
        });
        if projected || has_driver {
            return Ok(());
        }
        self.refuse(format!(
            "audience \"{audience}\" not found in pod spec volume"
        ))
    }

    fn lease(&self) -> Result<(), ApiError> {
        if self.attributes.namespace != "kube-node-lease" {
            return self
                .refuse("can only access leases in the \"kube-node-lease\" system namespace");
        }
        self.same_name("can only access node lease with the same name as the requesting node")
    }

    fn same_name(&self, why: &str) -> Result<(), ApiError> {
        if self.attributes.name.as_str() == self.node {
            return Ok(());
        }
        self.refuse(why)
    }

    fn slice(&self) -> Result<(), ApiError> {
        let node_name = |object: &Record| {
            let spec = object.get_by_name("spec").and_then(Value::as_record)?;
            spec.get_by_name("nodeName")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let (verb, seen) = match self.attributes.operation {
            Operation::Create => ("create", self.object),
            Operation::Update => ("update", self.attributes.old),
            _ => ("delete", self.attributes.old),
        };
        if seen.and_then(node_name).as_deref() == Some(self.node) {
            return Ok(());
        }
        self.refuse(format!(
            "can only {verb} ResourceSlice with the same NodeName as the requesting node"
        ))
    }
}

/// Labels that a kubelet may give its node though Kubernetes speaks for them.
const KUBELET_LABELS: &[&str] = &[
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
];

fn is_forbidden(label: &str) -> bool {
    let namespace = label.split_once('/').map_or("", |(namespace, _)| namespace);
    let is_of = |domain: &str| {
        namespace == domain
            || namespace
                .strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
    };
    if is_of("node-restriction.kubernetes.io") {
        return true;
    }
    let is_kubernetes = is_of("kubernetes.io") || is_of("k8s.io");
    let is_kubelets = KUBELET_LABELS.contains(&label)
        || is_of("kubelet.kubernetes.io")
        || is_of("node.kubernetes.io");
    is_kubernetes && !is_kubelets
}

/// Labels that are not for a kubelet to set, change or take away, sorted.
fn forbidden_labels(new: Option<Node<'_>>, old: Option<Node<'_>>) -> Vec<String> {
    let labels = |node: Option<Node<'_>>| -> BTreeMap<String, String> {
        let record = node.map(|node| node.record().clone());
        let labels = record
            .as_ref()
            .into_iter()
            .flat_map(|it| Metadata::of(it).labels());
        labels
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    let (new, old) = (labels(new), labels(old));
    let all: BTreeSet<&String> = new.keys().chain(old.keys()).collect();
    all.into_iter()
        .filter(|key| new.get(*key) != old.get(*key) && is_forbidden(key))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_kubernetes_speaks_for_are_not_the_kubelets() {
        for (label, forbidden) in [
            ("node-restriction.kubernetes.io/team", true),
            ("a.node-restriction.kubernetes.io/team", true),
            ("kubernetes.io/team", true),
            ("x.k8s.io/team", true),
            ("kubernetes.io/hostname", false),
            ("node.kubernetes.io/anything", false),
            ("a.kubelet.kubernetes.io/anything", false),
            ("notkubernetes.io/anything", false),
            ("team", false),
        ] {
            assert_eq!(is_forbidden(label), forbidden, "{label}");
        }
    }
}
