//! `NodeRestriction`: a kubelet touches what is its node's, and nothing else.

mod pod_certificates;
mod pods;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pintle_api::certificates::v1::CertificateSigningRequest;
use pintle_api::core::v1::Node;
use pintle_authz::Authorizer;
use pintle_endpoints::admission::{Answer, Attributes, Interest, Operation, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::status::ApiError;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::{Record, Value};

use super::certificates;
use super::lookup::Lookup;

/// The plug-in.
pub(super) struct NodeRestriction {
    pub lookup: Lookup,
    pub authorizer: Arc<dyn Authorizer>,
}

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
                | (
                    "certificates.k8s.io",
                    "certificatesigningrequests" | "podcertificaterequests"
                )
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
        match request.check() {
            Ok(Verdict::Fine) => Answer::YES,
            Ok(Verdict::IfMayHave(audience)) => {
                Answer::later(self.check_audience(cx, attributes, audience))
            }
            Err(error) => Answer::Now(Err(error)),
        }
    }
}

/// What becomes of a request that is not refused.
enum Verdict {
    Fine,
    /// It is for a token for an audience of which the pod says nothing: others may have granted it.
    IfMayHave(String),
}

/// A request of a node.
struct Request<'a> {
    plugin: &'a NodeRestriction,
    node: &'a str,
    attributes: &'a Attributes<'a>,
    object: Option<&'a Record>,
}

impl Request<'_> {
    fn check(&self) -> Result<Verdict, ApiError> {
        let subresource = self.attributes.subresource;
        match (&*self.attributes.resource.name, subresource) {
            ("pods", "") => self.pod(),
            ("pods", "status") => self.pod_status(),
            ("pods", "eviction") => self.eviction(),
            ("pods", other) => self.refuse(format!(
                "unexpected pod subresource \"{other}\", only 'status' and 'eviction' are allowed"
            )),
            ("nodes", _) => self.own_node(),
            ("persistentvolumeclaims", "status") => self.claim_status(),
            ("persistentvolumeclaims", _) => self.refuse("may only update PVC status"),
            ("serviceaccounts", "token") => return self.token(),
            ("serviceaccounts", _) => Ok(()),
            ("leases", _) => self.lease(),
            ("csinodes", _) => {
                self.same_name("can only access CSINode with the same name as the requesting node")
            }
            ("certificatesigningrequests", _) => self.certificate(),
            ("podcertificaterequests", _) => self.pod_certificate(),
            _ => self.slice(),
        }
        .map(|()| Verdict::Fine)
    }

    fn refuse(&self, why: impl std::fmt::Display) -> Result<(), ApiError> {
        Err(self.attributes.forbid(why))
    }

    fn unexpected_operation(&self) -> Result<(), ApiError> {
        let operation = self.attributes.operation.as_str();
        self.refuse(format!("unexpected operation \"{operation}\""))
    }

    fn own_node(&self) -> Result<(), ApiError> {
        let (node, requested) = (self.node, self.attributes.name.as_str());
        if requested != node {
            let why = format!("node \"{node}\" is not allowed to modify node \"{requested}\"");
            return self.refuse(why);
        }
        let not = |what: &str| self.refuse(format!("node \"{node}\" is not allowed to {what}"));
        let Some(new) = self.object.map(Node::from_record) else {
            return Ok(());
        };
        let source = |node: Node<'_>| node.spec().config_source().map(|it| it.record().clone());
        if self.attributes.operation == Operation::Create {
            if source(new).is_some() {
                return not("create pods with a non-nil configSource");
            }
            let forbidden = forbidden_labels(new, None);
            if !forbidden.is_empty() {
                let labels = forbidden.join(", ");
                return not(&format!("set the following labels: {labels}"));
            }
        }
        let (Operation::Update, Some(old)) = (
            self.attributes.operation,
            self.attributes.old.map(Node::from_record),
        ) else {
            return Ok(());
        };
        if source(new).is_some() && source(new) != source(old) {
            return not("update configSource to a new non-nil configSource");
        }
        if new.spec().taints().values() != old.spec().taints().values() {
            return not("modify taints");
        }
        let owners = |node: Node<'_>| node.metadata().owner_references().values().to_vec();
        if owners(new) != owners(old) {
            return not("modify ownerReferences");
        }
        let forbidden = forbidden_labels(new, Some(old));
        if !forbidden.is_empty() {
            // Upstream does not say who.
            let labels = forbidden.join(", ");
            return self.refuse(format!("is not allowed to modify labels: {labels}"));
        }
        Ok(())
    }

    fn claim_status(&self) -> Result<(), ApiError> {
        let (Operation::Update, Some(new), Some(old)) =
            (self.attributes.operation, self.object, self.attributes.old)
        else {
            return self.unexpected_operation();
        };
        let (new, old) = (without_sizes(new), without_sizes(old));
        if pintle_api::validation::is_same(&new, &old) {
            return Ok(());
        }
        let (node, difference) = (self.node, pintle_api::validation::changes(&old, &new));
        self.refuse(format!(
            "node \"{node}\" is not allowed to update fields other than status.quantity and status.conditions: {difference}"
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

    /// What is made or deleted is the node's own. Of updates the authorizer of nodes sees to that.
    fn slice(&self) -> Result<(), ApiError> {
        let node_name = |object: &Record| {
            let spec = object.get_by_name("spec").and_then(Value::as_record)?;
            spec.get_by_name("nodeName")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let (verb, seen) = match self.attributes.operation {
            Operation::Create => ("create", self.object),
            Operation::Delete => ("delete", self.attributes.old),
            _ => return Ok(()),
        };
        if seen.and_then(node_name).as_deref() == Some(self.node) {
            return Ok(());
        }
        self.refuse(format!(
            "can only {verb} ResourceSlice with the same NodeName as the requesting node"
        ))
    }

    /// A certificate for a kubelet is for this one.
    fn certificate(&self) -> Result<(), ApiError> {
        let (Operation::Create, Some(object)) = (self.attributes.operation, self.object) else {
            return Ok(());
        };
        let spec = CertificateSigningRequest::from_record(object).spec();
        if !KUBELET_SIGNERS.contains(&spec.signer_name()) {
            return Ok(());
        }
        let Some(names) = certificates::common_names(spec.request()) else {
            return self.refuse("unable to parse csr: PEM block type must be CERTIFICATE REQUEST");
        };
        let wanted = format!("system:node:{}", self.node);
        if names.last() == Some(&wanted) {
            return Ok(());
        }
        self.refuse(format!("can only create a node CSR with CN={wanted}"))
    }
}

/// Signers of certificates for kubelets.
const KUBELET_SIGNERS: [&str; 2] = [
    "kubernetes.io/kubelet-serving",
    "kubernetes.io/kube-apiserver-client-kubelet",
];

/// A claim without what a node knows of it, sizes, their states and conditions, and without what every write changes.
fn without_sizes(object: &Record) -> Record {
    let mut rest = object.clone();
    let parts: [(&str, &[&str]); 2] = [
        ("metadata", &["resourceVersion", "managedFields"]),
        (
            "status",
            &[
                "capacity",
                "conditions",
                "allocatedResources",
                "allocatedResourceStatuses",
            ],
        ),
    ];
    for (part, fields) in parts {
        let at = rest.ty().field_index(part);
        if let Some(Value::Record(part)) = at.and_then(|at| rest.get_mut(at)) {
            for at in fields
                .iter()
                .filter_map(|field| part.ty().field_index(field))
                .collect::<Vec<_>>()
            {
                part.remove(at);
            }
        }
    }
    rest
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
fn forbidden_labels(new: Node<'_>, old: Option<Node<'_>>) -> Vec<String> {
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
    let (new, old) = (labels(Some(new)), labels(old));
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
