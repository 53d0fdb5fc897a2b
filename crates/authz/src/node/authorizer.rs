//! Lets nodes do what their pods need: [`NodeAuthorizer`].

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use pintle_runtime::quote::Quoted;
use pintle_runtime::user::UserInfo;

use super::graph::{Graph, Used};
use crate::attributes::{Attributes, ResourceAttributes};
use crate::authorizer::{Authorizer, Verdict};
use crate::decision::{Decision, Reason};
use crate::rbac::Rule;
use crate::rules::RulesFor;

/// Lets users `system:node:<name>` of the group `system:nodes` do what the pods on that node need.
pub struct NodeAuthorizer {
    graph: RwLock<Graph>,
    /// What every node may do.
    rules: Vec<Rule>,
}

const PREFIX: &str = "system:node:";
const GROUP: &str = "system:nodes";
const LEASES: &str = "kube-node-lease";

/// Why not.
type Refusal = Reason;

impl NodeAuthorizer {
    /// Knows of no object yet. `rules` are what every node may do besides.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self {
            graph: RwLock::default(),
            rules,
        }
    }

    /// Changes what is used where.
    pub fn change(&self, change: impl FnOnce(&mut Graph)) {
        change(&mut self.graph.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn graph(&self) -> RwLockReadGuard<'_, Graph> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, node: &str, attributes: &Attributes) -> Result<(), Refusal> {
        if let Some(target) = &attributes.resource {
            let asked = Asked {
                authorizer: self,
                node,
                verb: attributes.verb.as_str(),
                target,
            };
            match (target.group.as_str(), target.resource.as_str()) {
                ("", "secrets") => return asked.read_namespaced(Used::Secret),
                ("", "configmaps") => return asked.read_namespaced(Used::ConfigMap),
                ("", "persistentvolumeclaims") if target.subresource == "status" => {
                    return asked.update_claim_status();
                }
                ("", "persistentvolumeclaims") => return asked.get(Asked::uses(Used::VolumeClaim)),
                ("", "persistentvolumes") => {
                    return asked
                        .get(|asked, graph| graph.uses_volume(asked.node, &asked.target.name));
                }
                ("", "serviceaccounts") => return asked.service_account(),
                ("", "nodes") => return asked.node(),
                ("", "pods") => return asked.pod(),
                ("resource.k8s.io", "resourceclaims") => {
                    return asked.get(Asked::uses(Used::ResourceClaim));
                }
                ("resource.k8s.io", "resourceslices") => return asked.slice(),
                ("storage.k8s.io", "volumeattachments") => {
                    return asked
                        .get(|asked, graph| graph.attaches(asked.node, &asked.target.name));
                }
                ("storage.k8s.io", "csinodes") => return asked.csi_node(),
                ("coordination.k8s.io", "leases") => return asked.lease(),
                ("certificates.k8s.io", "podcertificaterequests") if self.is_ruled(attributes) => {
                    return asked.certificate();
                }
                _ => {}
            }
        }
        if self.is_ruled(attributes) {
            Ok(())
        } else {
            Err(Reason::NONE)
        }
    }

    /// Whether every node may.
    fn is_ruled(&self, attributes: &Attributes) -> bool {
        self.rules.iter().any(|rule| rule.allows(attributes))
    }
}

/// A request of a node for a resource.
#[derive(Clone, Copy)]
struct Asked<'a> {
    authorizer: &'a NodeAuthorizer,
    node: &'a str,
    verb: &'a str,
    target: &'a ResourceAttributes,
}

impl Asked<'_> {
    fn uses(kind: Used) -> impl Fn(&Asked<'_>, &Graph) -> bool {
        move |asked, graph| {
            graph.uses(
                asked.node,
                kind,
                &asked.target.namespace,
                &asked.target.name,
            )
        }
    }

    /// Whether the object has to do with the node.
    fn related(&self, is_related: impl Fn(&Self, &Graph) -> bool) -> Result<(), Refusal> {
        if self.target.name.is_empty() {
            return no("No Object name found");
        }
        if is_related(self, &self.authorizer.graph()) {
            return Ok(());
        }
        let node = self.node;
        Err(Reason::new(format!(
            "no relationship found between node '{node}' and this object"
        )))
    }

    fn get(&self, is_related: impl Fn(&Self, &Graph) -> bool) -> Result<(), Refusal> {
        if self.verb != "get" {
            return no("can only get individual resources of this type");
        }
        if !self.target.subresource.is_empty() {
            return no("cannot get subresource");
        }
        self.related(is_related)
    }

    fn read_namespaced(&self, kind: Used) -> Result<(), Refusal> {
        if !matches!(self.verb, "get" | "list" | "watch") {
            return no("can only read resources of this type");
        }
        if !self.target.subresource.is_empty() {
            return no("cannot read subresource");
        }
        if self.target.namespace.is_empty() {
            return no("can only read namespaced object of this type");
        }
        self.related(Self::uses(kind))
    }

    fn update_claim_status(&self) -> Result<(), Refusal> {
        if !matches!(self.verb, "get" | "update" | "patch") {
            return no("can only get/update/patch this type");
        }
        self.related(Self::uses(Used::VolumeClaim))
    }

    fn service_account(&self) -> Result<(), Refusal> {
        if self.verb == "get" && self.target.subresource.is_empty() {
            return self.related(Self::uses(Used::ServiceAccount));
        }
        if self.verb != "create" || self.target.name.is_empty() {
            return no("can only create tokens for individual service accounts");
        }
        if self.target.subresource != "token" {
            return no("can only create token subresource of service account");
        }
        self.related(Self::uses(Used::ServiceAccount))
    }

    fn lease(&self) -> Result<(), Refusal> {
        if !matches!(self.verb, "get" | "create" | "update" | "patch" | "delete") {
            return no("can only get, create, update, patch, or delete a node lease");
        }
        if self.target.namespace != LEASES {
            return no("can only access leases in the \"kube-node-lease\" system namespace");
        }
        // Who creates one says its name in the body only.
        if self.verb != "create" && self.target.name != self.node {
            return no("can only access node lease with the same name as the requesting node");
        }
        Ok(())
    }

    fn csi_node(&self) -> Result<(), Refusal> {
        if !matches!(self.verb, "get" | "create" | "update" | "patch" | "delete") {
            return no("can only get, create, update, patch, or delete a CSINode");
        }
        if !self.target.subresource.is_empty() {
            return no("cannot authorize CSINode subresources");
        }
        if self.verb != "create" && self.target.name != self.node {
            return no("can only access CSINode with the same name as the requesting node");
        }
        Ok(())
    }

    fn slice(&self) -> Result<(), Refusal> {
        if !self.target.subresource.is_empty() {
            return no("cannot authorize ResourceSlice subresources");
        }
        match self.verb {
            "create" => Ok(()),
            "get" | "update" | "patch" | "delete" => {
                self.related(|asked, graph| graph.publishes(asked.node, &asked.target.name))
            }
            "list" | "watch" | "deletecollection" if self.selects_node() => Ok(()),
            "list" | "watch" | "deletecollection" => no(
                "can only list/watch/deletecollection resourceslices with nodeName field selector",
            ),
            _ => no(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, \
                 delete, deletecollection",
            ),
        }
    }

    /// What is in a new one, admission looks at.
    fn certificate(&self) -> Result<(), Refusal> {
        if !self.target.subresource.is_empty() {
            return no("nodes may not access subresources of PodCertificateRequests");
        }
        match self.verb {
            "create" => Ok(()),
            "get" => self.related(|asked, graph| {
                graph.requests(asked.node, &asked.target.namespace, &asked.target.name)
            }),
            "list" | "watch" if self.selects_node() => Ok(()),
            "list" | "watch" => {
                no("can only list/watch podcertificaterequests with spec.nodeName field selector")
            }
            _ => no("can only create, get, list, or watch podcertificaterequests"),
        }
    }

    /// Whether the request is for what has the node's name in `spec.nodeName` only.
    fn selects_node(&self) -> bool {
        self.target.field_selector.split(',').any(|term| {
            let Some((field, value)) = term.split_once('=') else {
                return false;
            };
            field == "spec.nodeName" && value.strip_prefix('=').unwrap_or(value) == self.node
        })
    }

    fn node(&self) -> Result<(), Refusal> {
        match (self.target.subresource.as_str(), self.verb) {
            ("", "create" | "update" | "patch") | ("status", "update" | "patch") => Ok(()),
            ("", "get" | "list" | "watch") => {
                let (node, name) = (self.node, &self.target.name);
                if *name == node {
                    return Ok(());
                }
                let what = if name.is_empty() {
                    "all nodes".to_owned()
                } else {
                    format!("'{name}'")
                };
                Err(Reason::new(format!(
                    "node '{node}' cannot read {what}, only its own Node object"
                )))
            }
            _ => Err(Reason::NONE),
        }
    }

    fn pod(&self) -> Result<(), Refusal> {
        let runs = |asked: &Self, graph: &Graph| {
            graph.runs(asked.node, &asked.target.namespace, &asked.target.name)
        };
        match (self.target.subresource.as_str(), self.verb) {
            ("", "get") => self.get(runs),
            ("", "list" | "watch") if self.selects_node() => Ok(()),
            ("", "list" | "watch") if !self.target.name.is_empty() => self.related(runs),
            ("", "list" | "watch") => {
                no("can only list/watch pods with spec.nodeName field selector")
            }
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => {
                Ok(())
            }
            _ => Err(Reason::NONE),
        }
    }
}

fn no(why: &'static str) -> Result<(), Refusal> {
    Err(Reason::new(why))
}

/// The node that a user is; `None` if it is none, and empty if it is nobody knows which.
fn identity(user: &UserInfo) -> Option<&str> {
    let node = user.name.strip_prefix(PREFIX)?;
    user.is_in(GROUP).then_some(node)
}

impl Authorizer for NodeAuthorizer {
    fn name(&self) -> &str {
        "Node"
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes) -> Verdict<'a> {
        Verdict::Now(match identity(&attributes.user) {
            None => Decision::NO_OPINION,
            Some("") => Decision::NoOpinion(Reason::new(format!(
                "unknown node for user {}",
                Quoted(&attributes.user.name)
            ))),
            Some(node) => match self.judge(node, attributes) {
                Ok(()) => Decision::ALLOW,
                Err(reason) => Decision::NoOpinion(reason),
            },
        })
    }

    fn rules_for(&self, user: &UserInfo, _: &str) -> RulesFor {
        match identity(user) {
            Some(_) => RulesFor::unknown("node authorizer does not support user rule resolution"),
            None => RulesFor::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::graph::PodUses;
    use super::*;
    use crate::rbac::rule::tests::{asked, rule};

    fn authorizer() -> NodeAuthorizer {
        let certificates = "create,get,list certificates.k8s.io podcertificaterequests";
        let rules = vec![rule("get,list core services"), rule(certificates)];
        let authorizer = NodeAuthorizer::new(rules);
        authorizer.change(|graph| {
            let uses = vec![
                (Used::Secret, "s".into()),
                (Used::ServiceAccount, "bot".into()),
            ];
            let node = "n1".into();
            graph.put_pod(&"blue".into(), &"web".into(), PodUses { node, uses });
            graph.set_certificate(&"blue".into(), &"web-1".into(), Some("n1".into()));
        });
        authorizer
    }

    #[track_caller]
    fn check(user: &str, wanted: &str, expected: Result<(), &str>) {
        let mut asked = asked(user, wanted);
        asked.user = Arc::new(UserInfo {
            groups: vec![GROUP.into()],
            ..(*asked.user).clone()
        });
        if let (Some(target), Some(selected)) = (&mut asked.resource, wanted.split_once('?')) {
            target.field_selector = selected.1.to_owned().into();
            target.namespace = target
                .namespace
                .split('?')
                .next()
                .unwrap_or_default()
                .to_owned()
                .into();
        }
        let Verdict::Now(decision) = authorizer().authorize(&asked) else {
            panic!("decides at once")
        };
        let found = match &decision {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(reason) | Decision::NoOpinion(reason) => Err(reason.as_str()),
        };
        assert_eq!(found, expected, "{user} {wanted}");
    }

    const STRANGER: Result<(), &str> =
        Err("no relationship found between node 'n1' and this object");

    #[test]
    fn a_node_reads_what_its_pods_use() {
        check("system:node:n1", "get core secrets:s blue", Ok(()));
        check("system:node:n1", "list core secrets:s blue", Ok(()));
        check("system:node:n1", "get core secrets:x blue", STRANGER);
        check(
            "system:node:n2",
            "get core secrets:s blue",
            Err("no relationship found between node 'n2' and this object"),
        );
        check(
            "system:node:n1",
            "list core secrets blue",
            Err("No Object name found"),
        );
        check(
            "system:node:n1",
            "delete core secrets:s blue",
            Err("can only read resources of this type"),
        );
    }

    #[test]
    fn tokens_are_for_accounts_of_pods() {
        check(
            "system:node:n1",
            "create core serviceaccounts/token:bot blue",
            Ok(()),
        );
        check(
            "system:node:n1",
            "create core serviceaccounts/token:other blue",
            STRANGER,
        );
        check(
            "system:node:n1",
            "create core serviceaccounts:bot blue",
            Err("can only create token subresource of service account"),
        );
    }

    #[test]
    fn a_node_sees_itself_and_its_pods() {
        check("system:node:n1", "get core nodes:n1", Ok(()));
        check(
            "system:node:n1",
            "get core nodes:n2",
            Err("node 'n1' cannot read 'n2', only its own Node object"),
        );
        check(
            "system:node:n1",
            "list core nodes",
            Err("node 'n1' cannot read all nodes, only its own Node object"),
        );
        check("system:node:n1", "get core pods:web blue", Ok(()));
        check("system:node:n1", "list core pods ?spec.nodeName=n1", Ok(()));
        check(
            "system:node:n1",
            "list core pods ?spec.nodeName=n2",
            Err("can only list/watch pods with spec.nodeName field selector"),
        );
        check("system:node:n1", "update core pods/status:x blue", Ok(()));
    }

    #[test]
    fn certificates_of_pods_are_asked_for_where_they_run() {
        let check = |node: &str, wanted: &str, expected| {
            let user = format!("system:node:{node}");
            let (verb, rest) = wanted.split_once(' ').expect("a verb");
            let wanted = format!("{verb} certificates.k8s.io podcertificaterequests{rest}");
            check(&user, &wanted, expected);
        };
        check("n1", "get :web-1 blue", Ok(()));
        check("n1", "get :web-1 red", STRANGER);
        check(
            "n2",
            "get :web-1 blue",
            Err("no relationship found between node 'n2' and this object"),
        );
        check("n2", "create  blue", Ok(()));
        check("n1", "list  ?spec.nodeName=n1", Ok(()));
        check(
            "n1",
            "list  ?spec.nodeName=n2",
            Err("can only list/watch podcertificaterequests with spec.nodeName field selector"),
        );
        check("n1", "update :web-1 blue", Err(""));
    }

    #[test]
    fn leases_are_nodes_own() {
        check(
            "system:node:n1",
            "update coordination.k8s.io leases:n1 kube-node-lease",
            Ok(()),
        );
        check(
            "system:node:n1",
            "update coordination.k8s.io leases:n2 kube-node-lease",
            Err("can only access node lease with the same name as the requesting node"),
        );
        check(
            "system:node:n1",
            "update coordination.k8s.io leases:n1 blue",
            Err("can only access leases in the \"kube-node-lease\" system namespace"),
        );
    }

    #[test]
    fn all_else_is_the_same_for_every_node() {
        check("system:node:n7", "list core services", Ok(()));
        check("system:node:n7", "delete core services:x blue", Err(""));
        check("alice", "list core services", Err(""));
        check(
            "system:node:",
            "list core services",
            Err("unknown node for user \"system:node:\""),
        );
    }
}
