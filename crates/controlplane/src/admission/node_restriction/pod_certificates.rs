//! Requests of nodes for certificates of pods.

use std::sync::Arc;

use pintle_api::certificates::v1beta1::PodCertificateRequest;
use pintle_api::core::v1::Pod;
use pintle_endpoints::admission::Operation;
use pintle_endpoints::cache::Entry;
use pintle_runtime::gvk::GroupResource;
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
        let (Operation::Create, "", Some(object)) = (
            self.attributes.operation,
            self.attributes.subresource,
            self.object,
        ) else {
            return self.unexpected_operation();
        };
        let (node, lookup) = (self.node, &self.plugin.lookup);
        let spec = PodCertificateRequest::from_record(object).spec();
        if spec.node_name() != node {
            let named = Quoted(spec.node_name());
            return self.refuse(format!(
                "PodCertificateRequest.Spec.NodeName={named}, which is not the requesting node \"{node}\""
            ));
        }
        let (namespace, name) = (self.attributes.namespace, spec.pod_name());
        let Some(pod) = lookup.object(PODS, namespace, name)? else {
            return self.refuse(ApiError::not_found(&GroupResource::new("", "pods"), name));
        };
        let pod = Pod::from_record(&pod);
        let (of, about) = (Quoted(name), pod.metadata());
        if about.annotations().contains_key(MIRROR) {
            return self.refuse(format!("pod {of} is a mirror pod"));
        }
        if pod.spec().node_name() != node {
            return self.refuse(format!("pod {of} is not running on node \"{node}\""));
        }
        let account = spec.service_account_name();
        let uid = |entry: Option<Arc<Entry>>| entry.map(|it| it.uid().to_owned());
        let account_uid = uid(lookup.entry(ACCOUNTS, namespace, account)?);
        let node_uid = uid(lookup.entry(NODES, "", node)?);
        for (what, given, found) in [
            ("pod UID", spec.pod_uid(), Some(about.uid())),
            (
                "service account name",
                account,
                Some(pod.spec().service_account_name()),
            ),
            (
                "service account UID",
                spec.service_account_uid(),
                account_uid.as_deref(),
            ),
            ("node UID", spec.node_uid(), node_uid.as_deref()),
        ] {
            if found != Some(given) {
                let given = Quoted(given);
                return self.refuse(format!(
                    "PodCertificateRequest for pod {of} contains {what} {given}, which is another"
                ));
            }
        }
        Ok(())
    }
}
