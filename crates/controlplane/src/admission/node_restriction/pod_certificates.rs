//! Requests of nodes for certificates of pods.

use pintle_api::certificates::v1beta1::PodCertificateRequest;
use pintle_api::core::v1::Pod;
use pintle_endpoints::admission::Operation;
use pintle_runtime::quote::Quoted;
use pintle_runtime::status::ApiError;

use super::Request;
use super::pods::{MIRROR, PODS};
use crate::admission::lookup::Place;
use crate::admission::nodes::NODES;

const ACCOUNTS: Place = ("", "v1", "serviceaccounts");

impl Request<'_> {
    /// A node asks for certificates of pods that run on it, and for those that they are.
    pub(super) fn pod_certificate(&self) -> Result<(), ApiError> {
        let operation = self.attributes.operation;
        let (Operation::Create, Some(object)) = (operation, self.object) else {
            return self.refuse(format!("unexpected operation {}", operation.as_str()));
        };
        let subresource = self.attributes.subresource;
        if !subresource.is_empty() {
            return self.refuse(format!("unexpected subresource {subresource}"));
        }
        let (node, lookup) = (self.node, &self.plugin.lookup);
        let spec = PodCertificateRequest::from_record(object).spec();
        if spec.node_name() != node {
            let named = Quoted(spec.node_name());
            return self.refuse(format!(
                "PodCertificateRequest.Spec.NodeName={named}, which is not the requesting node \"{node}\""
            ));
        }
        let (namespace, name) = (self.attributes.namespace, spec.pod_name());
        let (named, found) = (spec.node_uid(), lookup.entry(NODES, "", node)?);
        let Some(found) = found else {
            return Err(missing("node", node, node));
        };
        let of = &format!("{namespace}/{name}");
        let of = Quoted(of);
        if found.uid() != named {
            return perhaps(format!(
                "PodCertificateRequest for pod {of} names node UID {}, inconsistent with the running node ({})",
                Quoted(named),
                Quoted(found.uid())
            ));
        }
        let Some(pod) = lookup.object(PODS, namespace, name)? else {
            return Err(missing("pod", of.0, name));
        };
        let pod = Pod::from_record(&pod);
        let about = pod.metadata();
        if about.uid() != spec.pod_uid() {
            return perhaps(format!(
                "PodCertificateRequest for pod {of} contains pod UID ({}) which differs from running pod {}",
                Quoted(spec.pod_uid()),
                Quoted(about.uid())
            ));
        }
        if pod.spec().node_name() != node {
            let node = Quoted(node);
            return self.refuse(format!(
                "pod {of} is not running on node {node} named in the PodCertificateRequest"
            ));
        }
        if about.annotations().contains_key(MIRROR) {
            return self.refuse(format!("pod {of} is a mirror pod"));
        }
        let (account, of_pod) = (
            spec.service_account_name(),
            pod.spec().service_account_name(),
        );
        if account != of_pod {
            return self.refuse(format!(
                "PodCertificateRequest for pod {of} contains serviceAccountName ({}) that differs from running pod ({})",
                Quoted(account),
                Quoted(of_pod)
            ));
        }
        let Some(found) = lookup.entry(ACCOUNTS, namespace, account)? else {
            let path = format!("{namespace}/{account}");
            return Err(missing("service account", &path, account));
        };
        if found.uid() != spec.service_account_uid() {
            return perhaps(format!(
                "PodCertificateRequest for pod {of} names service account UID {}, which differs from the running service account ({})",
                Quoted(spec.service_account_uid()),
                Quoted(found.uid())
            ));
        }
        Ok(())
    }
}

/// What an informer may only not have seen yet is not forbidden: another attempt may succeed.
fn perhaps(why: String) -> Result<(), ApiError> {
    Err(ApiError::unknown(why))
}

fn missing(what: &str, path: &str, name: &str) -> ApiError {
    let (path, name) = (Quoted(path), Quoted(name));
    let kind = what.replace(' ', "");
    ApiError::unknown(format!(
        "while retrieving {what} {path} named in the PodCertificateRequest: {kind} {name} not found"
    ))
}
