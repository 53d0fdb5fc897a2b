//! Nodes, and what is said of labels that nodes had once.

use pintle_api::core::v1::{Node, NodeMut};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::Path;
use pintle_runtime::ip;
use pintle_runtime::value::Record;

use crate::particular::Particular;

/// Nodes: their configuration is no longer the server's to hand on.
pub(super) struct Nodes;

impl Particular for Nodes {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        let mut node = NodeMut::from_record(new);
        node.spec_mut().clear_config_source();
        node.status_mut().clear_config();
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, old: &Record) {
        if Node::from_record(old).spec().config_source().is_none() {
            NodeMut::from_record(new).spec_mut().clear_config_source();
        }
    }

    fn prepare_subresource(
        &self,
        _: &RequestContext,
        subresource: &str,
        new: &mut Record,
        old: &Record,
    ) {
        if subresource == "status" && Node::from_record(old).status().config().is_none() {
            NodeMut::from_record(new).status_mut().clear_config();
        }
    }

    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let spec = Node::from_record(new).spec();
        let mut warnings = Vec::new();
        if spec.config_source().is_some() {
            warnings.push("spec.configSource: the feature is removed".to_owned());
        }
        if !spec.external_id().is_empty() {
            warnings.push(
                "spec.externalID: this field is deprecated, and is unused by Kubernetes".to_owned(),
            );
        }
        for (at, cidr) in spec.pod_cidrs().iter().enumerate() {
            ip::cidr_warnings(cidr, &Path::new("spec.podCIDRs").index(at), &mut warnings);
        }
        warnings
    }
}

/// What is said of a label that nodes no longer have.
pub(crate) fn label_warning(key: &str) -> Option<&'static str> {
    Some(match key {
        "beta.kubernetes.io/arch" => r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#,
        "beta.kubernetes.io/os" => r#"deprecated since v1.14; use "kubernetes.io/os" instead"#,
        "failure-domain.beta.kubernetes.io/region" => {
            r#"deprecated since v1.17; use "topology.kubernetes.io/region" instead"#
        }
        "failure-domain.beta.kubernetes.io/zone" => {
            r#"deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#
        }
        "beta.kubernetes.io/instance-type" => {
            r#"deprecated since v1.17; use "node.kubernetes.io/instance-type" instead"#
        }
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => {
            "deprecated since v1.22; use Taints and Tolerations instead"
        }
        "node-role.kubernetes.io/master" => {
            r#"use "node-role.kubernetes.io/control-plane" instead"#
        }
        _ => return None,
    })
}
