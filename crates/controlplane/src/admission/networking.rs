//! Plug-ins about services and ingresses: `DefaultIngressClass`, `DenyServiceExternalIPs`.

use pintle_api::core::v1::Service;
use pintle_api::networking::v1::IngressMut;
use pintle_endpoints::admission::{Attributes, Interest, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::lookup::{Computed, Lookup, Place};
use super::rule::Rule;
use super::volumes::default_of;

const INGRESS_CLASSES: Place = ("networking.k8s.io", "v1", "ingressclasses");

/// `DefaultIngressClass`: an ingress that names no class gets the default one.
pub(super) struct DefaultIngressClass {
    lookup: Lookup,
    default: Computed<Option<String>>,
}

impl DefaultIngressClass {
    pub(super) fn new(lookup: Lookup) -> Self {
        Self {
            lookup,
            default: Computed::default(),
        }
    }
}

impl Rule for DefaultIngressClass {
    const NAME: &'static str = "DefaultIngressClass";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::MUTATES.when(target.is("networking.k8s.io", "ingresses") && target.creates())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        _: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let mut ingress = IngressMut::from_record(object);
        let annotations = ingress.view().metadata().annotations();
        let says = ingress.view().spec().ingress_class_name().is_some()
            || annotations.contains_key("kubernetes.io/ingress.class");
        if says {
            return Ok(());
        }
        let annotation = ["ingressclass.kubernetes.io/is-default-class"];
        let default = self.default.get(&self.lookup, INGRESS_CLASSES, |classes| {
            default_of(classes, &annotation)
        })?;
        if let Some(name) = &*default {
            ingress.spec_mut().set_ingress_class_name(name.clone());
        }
        Ok(())
    }
}

/// `DenyServiceExternalIPs`: nobody adds an external IP to a service.
pub(super) struct DenyExternalIps;

impl Rule for DenyExternalIps {
    const NAME: &'static str = "DenyServiceExternalIPs";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::VALIDATES.when(target.is("", "services") && target.writes())
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let old = attributes.old.map(Service::from_record);
        let is_known = |ip: &str| old.is_some_and(|old| old.spec().external_ips().contains(ip));
        let mut ips = Service::from_record(object).spec().external_ips().iter();
        if ips.all(is_known) {
            Ok(())
        } else {
            Err(attributes.forbid("Use of external IPs is denied by admission control"))
        }
    }
}
