//! Tokens that a kubelet asks for: for a pod that it runs, and for an audience that the pod wants.

use std::sync::Arc;

use pintle_api::authentication::v1::TokenRequest;
use pintle_api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod, Volume};
use pintle_api::storage::v1::CSIDriver;
use pintle_authz::{self as authz, ResourceAttributes};
use pintle_endpoints::admission::{Attributes, Operation};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;

use super::{NodeRestriction, Request, Verdict};
use crate::admission::lookup::Place;

const CLAIMS: Place = ("", "v1", "persistentvolumeclaims");
const VOLUMES: Place = ("", "v1", "persistentvolumes");
const DRIVERS: Place = ("storage.k8s.io", "v1", "csidrivers");

impl Request<'_> {
    pub(super) fn token(&self) -> Result<Verdict, ApiError> {
        let (Operation::Create, Some(object)) = (self.attributes.operation, self.object) else {
            return Ok(Verdict::Fine);
        };
        let no = |why: &str| Err(self.attributes.forbid(why));
        let spec = TokenRequest::from_record(object).spec();
        let bound = spec
            .bound_object_ref()
            .filter(|it| (it.api_version(), it.kind()) == ("v1", "Pod") && !it.name().is_empty());
        let Some(bound) = bound else {
            return no("node requested token not bound to a pod");
        };
        let uid = bound.uid();
        if uid.is_empty() {
            return no("node requested token with a pod binding without a uid");
        }
        let pod = self.existing_pod(bound.name())?;
        let pod = Pod::from_record(&pod);
        if pod.metadata().uid() != uid {
            return no(&format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might \
                 have been deleted and then recreated"
            ));
        }
        if pod.spec().node_name() != self.node {
            return no("node requested token bound to a pod scheduled on a different node");
        }
        if spec.audiences().len() > 1 {
            return no("node may only request 0 or 1 audiences");
        }
        let audience = spec.audiences().first().unwrap_or_default();
        for volume in pod.spec().volumes() {
            if self.plugin.wants(pod, volume, audience)? {
                return Ok(Verdict::Fine);
            }
        }
        Ok(Verdict::IfMayHave(audience.to_owned()))
    }
}

impl NodeRestriction {
    /// Whether a volume of a pod takes tokens for an audience: it projects one, or its driver asks for it.
    fn wants(&self, pod: Pod<'_>, volume: Volume<'_>, audience: &str) -> Result<bool, ApiError> {
        let projected = volume.projected();
        let mut sources = projected.into_iter().flat_map(|it| it.sources().iter());
        let is_projected = sources.any(|source| {
            let token = source.service_account_token();
            token.is_some_and(|token| token.audience() == audience)
        });
        if is_projected {
            return Ok(true);
        }
        let Some(driver) = self.driver_of(pod, volume)? else {
            return Ok(false);
        };
        let Some(driver) = self.lookup.object(DRIVERS, "", &driver)? else {
            return Ok(false);
        };
        let mut requests = CSIDriver::from_record(&driver)
            .spec()
            .token_requests()
            .iter();
        Ok(requests.any(|request| request.audience() == audience))
    }

    /// The CSI driver behind a volume, if that is one.
    fn driver_of(&self, pod: Pod<'_>, volume: Volume<'_>) -> Result<Option<String>, ApiError> {
        let template = volume.ephemeral().and_then(|it| it.volume_claim_template());
        let namespace = pod.metadata().namespace();
        let name = if let Some(template) = template {
            match template.spec().volume_name() {
                "" => {
                    let claim = format!("{}-{}", pod.metadata().name(), volume.name());
                    self.volume_of_claim(namespace, &claim)?
                }
                name => Some(name.to_owned()),
            }
        } else if let Some(claim) = volume.persistent_volume_claim() {
            self.volume_of_claim(namespace, claim.claim_name())?
        } else {
            return Ok(volume.csi().map(|it| it.driver().to_owned()));
        };
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let Some(object) = self.lookup.object(VOLUMES, "", &name)? else {
            return Ok(None);
        };
        let csi = PersistentVolume::from_record(&object).spec().csi();
        Ok(csi.map(|csi| csi.driver().to_owned()))
    }

    fn volume_of_claim(&self, namespace: &str, claim: &str) -> Result<Option<String>, ApiError> {
        let found = self.lookup.object(CLAIMS, namespace, claim)?;
        let volume = |object| {
            let claim = PersistentVolumeClaim::from_record(object);
            claim.spec().volume_name().to_owned()
        };
        Ok(found.as_deref().map(volume))
    }

    /// Whether a node was granted tokens for an audience that no pod speaks of.
    pub(super) async fn check_audience(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        audience: String,
    ) -> Result<(), ApiError> {
        let asked = authz::Attributes {
            user: Arc::clone(&cx.user),
            verb: Text::from_static("request-serviceaccounts-token-audience"),
            path: Text::default(),
            resource: Some(ResourceAttributes {
                version: Text::from_static("v1"),
                resource: Text::from(audience.clone()),
                namespace: Text::from(attributes.namespace.to_owned()),
                name: attributes.name.clone(),
                ..ResourceAttributes::default()
            }),
        };
        if self.authorizer.authorize(&asked).wait().await.is_allow() {
            return Ok(());
        }
        let user = &cx.user.name;
        Err(attributes.forbid(format!(
            "audience \"{audience}\" not found in pod spec volume, {user} is not authorized to request tokens for this \
             audience"
        )))
    }
}
