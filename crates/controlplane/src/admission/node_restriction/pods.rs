//! What a kubelet does to pods: it mirrors those that it runs by itself, and says how its own are.

use std::sync::Arc;

use pintle_api::core::v1::{Pod, ProjectedVolumeSource, Volume};
use pintle_endpoints::admission::Operation;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::Request;
use crate::admission::accounts::has_secrets;
use crate::admission::lookup::Place;
use crate::admission::nodes::NODES;

pub(super) const PODS: Place = ("", "v1", "pods");
pub(super) const MIRROR: &str = "kubernetes.io/config.mirror";

impl Request<'_> {
    pub(super) fn pod(&self) -> Result<(), ApiError> {
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
            (operation, ..) => {
                let operation = operation.as_str();
                self.refuse(format!(
                    "unexpected operation \"{operation}\", node \"{node}\" can only create and delete mirror pods"
                ))
            }
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
        let Some(entry) = self.plugin.lookup.entry(NODES, "", node)? else {
            // As what upstream keeps in memory calls it.
            return Err(ApiError::not_found(&GroupResource::new("", "node"), node));
        };
        if owner.uid() != entry.uid() {
            let (found, given) = (entry.uid(), owner.uid());
            return self.refuse(format!(
                "node {node} UID mismatch: expected {given} got {found}"
            ));
        }
        match reference_in(pod) {
            Some(what) => only(&format!("can not create pods that reference {what}")),
            None => Ok(()),
        }
    }

    pub(super) fn pod_status(&self) -> Result<(), ApiError> {
        let node = self.node;
        let (Operation::Update, Some(new), Some(old)) =
            (self.attributes.operation, self.object, self.attributes.old)
        else {
            return self.unexpected_operation();
        };
        let (new, old) = (Pod::from_record(new), Pod::from_record(old));
        let cannot = |what: &str| self.refuse(format!("node \"{node}\" cannot update {what}"));
        if old.spec().node_name() != node {
            return self.refuse(format!(
                "node \"{node}\" can only update pod status for pods with spec.nodeName set to itself"
            ));
        }
        let labels = |pod: Pod<'_>| pod.metadata().labels().map().cloned().unwrap_or_default();
        if labels(new) != labels(old) {
            return cannot("labels through pod status");
        }
        let claims = |pod: Pod<'_>| pod.status().resource_claim_statuses().values().to_vec();
        if claims(new) != claims(old) {
            return cannot("resource claim statues");
        }
        let extended = |pod: Pod<'_>| {
            let status = pod.status().extended_resource_claim_status();
            status.map(|status| status.record().clone())
        };
        if extended(new) != extended(old) {
            return cannot("extended resource claim status");
        }
        Ok(())
    }

    pub(super) fn eviction(&self) -> Result<(), ApiError> {
        if self.attributes.operation != Operation::Create {
            let operation = self.attributes.operation.as_str();
            return self.refuse(format!("unexpected operation {operation}"));
        }
        let pod = self.existing_pod(&self.attributes.name)?;
        if Pod::from_record(&pod).spec().node_name() == self.node {
            return Ok(());
        }
        let node = self.node;
        self.refuse(format!(
            "node {node} can only evict pods with spec.nodeName set to itself"
        ))
    }

    /// A pod in the namespace of the request.
    pub(super) fn existing_pod(&self, name: &str) -> Result<Arc<Record>, ApiError> {
        let found = self
            .plugin
            .lookup
            .object(PODS, self.attributes.namespace, name)?;
        found.ok_or_else(|| ApiError::not_found(&GroupResource::new("", "pod"), name))
    }
}

/// What of the API a pod refers to, which one that only its kubelet knows can not.
fn reference_in(pod: Pod<'_>) -> Option<&'static str> {
    let spec = pod.spec();
    if !spec.service_account_name().is_empty() {
        return Some("serviceaccounts");
    }
    if has_secrets(pod) {
        return Some("secrets");
    }
    if has_maps(pod) {
        return Some("configmaps");
    }
    if !spec.resource_claims().is_empty() {
        return Some("resourceclaims");
    }
    spec.volumes().iter().find_map(reference_of)
}

fn has_maps(pod: Pod<'_>) -> bool {
    let spec = pod.spec();
    let containers = spec
        .init_containers()
        .iter()
        .chain(spec.containers().iter())
        .map(|it| (it.env(), it.env_from()));
    let debugging = spec.ephemeral_containers();
    let debugging = debugging.iter().map(|it| (it.env(), it.env_from()));
    let in_environment = containers.chain(debugging).any(|(env, from)| {
        let mut values = env.iter().filter_map(|it| it.value_from());
        values.any(|value| value.config_map_key_ref().is_some())
            || from.iter().any(|it| it.config_map_ref().is_some())
    });
    let in_sources = |projected: ProjectedVolumeSource<'_>| {
        let mut sources = projected.sources().iter();
        sources.any(|source| source.config_map().is_some())
    };
    in_environment
        || spec.volumes().iter().any(|volume| {
            volume.config_map().is_some() || volume.projected().is_some_and(in_sources)
        })
}

fn reference_of(volume: Volume<'_>) -> Option<&'static str> {
    if volume.csi().is_some() {
        return Some("csidrivers (via CSI volumes)");
    }
    if volume.glusterfs().is_some() {
        return Some("endpoints (via glusterFS volumes)");
    }
    if volume.persistent_volume_claim().is_some() {
        return Some("persistentvolumeclaims");
    }
    if volume.ephemeral().is_some() {
        return Some("persistentvolumeclaims (via ephemeral volumes)");
    }
    volume.projected()?.sources().iter().find_map(|source| {
        if source.service_account_token().is_some() {
            Some("serviceaccounts (via projected volumes)")
        } else if source.cluster_trust_bundle().is_some() {
            Some("clustertrustbundles")
        } else if source.pod_certificate().is_some() {
            Some("podcertificates")
        } else {
            None
        }
    })
}
