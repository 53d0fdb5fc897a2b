//! The `ServiceCIDR` called `kubernetes`: what `--service-cluster-ip-range` says, for everybody to see.

use pintle_api::networking::v1::{ServiceCIDR, ServiceCIDRMut};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Value;
use pintle_runtime::view::View;
use tracing::warn;

use super::{MANAGER, Ours, found};
use crate::services::Services;

const NAME: &str = "kubernetes";
/// Who says that it is ready.
const STATUS_MANAGER: &str = "kubernetes-service-cidr-controller";

pub(super) async fn make(ours: &Ours, services: &Services) -> Result<(), ApiError> {
    let store = ours.store("networking.k8s.io", "servicecidrs")?;
    let wanted: Vec<String> = services.ranges().iter().map(ToString::to_string).collect();
    let texts = || -> Vec<Value> {
        let texts = wanted.iter().map(|range| Text::from(range.clone()));
        texts.map(Value::String).collect()
    };
    let Some(record) = found(&store, NAME)? else {
        let mut object = <ServiceCIDR<'_> as View>::new_record();
        let mut network = ServiceCIDRMut::from_record(&mut object);
        network.metadata_mut().set_name(NAME);
        network.spec_mut().set_cidrs(texts());
        ours.create(&store, "", MANAGER, object).await?;
        return say_ready(ours).await;
    };
    let network = ServiceCIDR::from_record(&record);
    let cidrs: Vec<&str> = network.spec().cidrs().iter().collect();
    if cidrs != wanted {
        let second_is_new = matches!((&*cidrs, &*wanted), ([had], [first, _]) if had == first);
        if second_is_new {
            ours.update(&store, "", MANAGER, NAME, |record| {
                ServiceCIDRMut::from_record(record)
                    .spec_mut()
                    .set_cidrs(texts());
            })
            .await?;
        } else {
            warn!(
                ?cidrs,
                ?wanted,
                "the ServiceCIDR kubernetes differs from --service-cluster-ip-range"
            );
        }
    }
    let says = network.status().conditions();
    if says.iter().any(|condition| condition.type_() == "Ready") {
        return Ok(());
    }
    say_ready(ours).await
}

async fn say_ready(ours: &Ours) -> Result<(), ApiError> {
    let store = ours.store("networking.k8s.io", "servicecidrs")?;
    let Some(status) = store.subresource("status") else {
        return Ok(());
    };
    let mut config = <ServiceCIDR<'_> as View>::new_record();
    let mut network = ServiceCIDRMut::from_record(&mut config);
    network.metadata_mut().set_name(NAME);
    let mut says = network.status_mut();
    let mut conditions = says.conditions_mut();
    let mut ready = conditions.push_new();
    ready.set_type("Ready");
    ready.set_status("True");
    ready.set_last_transition_time(ours.now());
    ready.set_message("Kubernetes default Service CIDR is ready");
    ours.apply(status, STATUS_MANAGER, NAME, &config).await?;
    Ok(())
}
