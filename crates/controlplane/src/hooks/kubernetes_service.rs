//! The Service `kubernetes`, under which pods reach the API.

use pintle_api::core::v1::{Service, ServiceMut};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{IntOrString, View};

use super::{HookOptions, MANAGER, Ours, found};
use crate::services::range::Range;

/// What it is called.
pub(super) const NAME: &str = "kubernetes";
/// Where it is.
pub(super) const NAMESPACE: &str = "default";
/// The name of its port.
pub(super) const PORT_NAME: &str = "https";
const PORT: i32 = 443;

pub(super) async fn make(ours: &Ours, options: &HookOptions) -> Result<(), ApiError> {
    let store = ours.store("", "services")?;
    let Some(range) = options.services.ranges().first() else {
        return Ok(());
    };
    match found(&store, "default/kubernetes")? {
        None => {
            let mut object = <Service<'_> as View>::new_record();
            describe(&mut object, &Range::of(*range).first().to_string());
            set_port(&mut object, options.port);
            ours.create(&store, NAMESPACE, MANAGER, object).await
        }
        Some(record) if is_current(&record, options.port) => Ok(()),
        Some(_) => {
            let change = |record: &mut Record| set_port(record, options.port);
            ours.update(&store, NAMESPACE, MANAGER, NAME, change)
                .await?;
            Ok(())
        }
    }
}

fn describe(object: &mut Record, address: &str) {
    let mut service = ServiceMut::from_record(object);
    let mut metadata = service.metadata_mut();
    metadata.set_name(NAME);
    metadata.set_namespace(NAMESPACE);
    metadata.labels_mut().insert("component", "apiserver");
    metadata.labels_mut().insert("provider", "kubernetes");
    let mut spec = service.spec_mut();
    spec.set_cluster_ip(address.to_owned());
    spec.set_ip_family_policy("SingleStack");
    spec.set_session_affinity("None");
    spec.set_type("ClusterIP");
}

fn set_port(object: &mut Record, target: u16) {
    let mut service = ServiceMut::from_record(object);
    let mut spec = service.spec_mut();
    spec.set_ports(Vec::<Value>::new());
    let mut ports = spec.ports_mut();
    let mut port = ports.push_new();
    port.set_name(PORT_NAME);
    port.set_protocol("TCP");
    port.set_port(PORT);
    port.set_target_port(IntOrString::Int(target.into()));
    spec.set_type("ClusterIP");
}

fn is_current(record: &Record, target: u16) -> bool {
    let spec = Service::from_record(record).spec();
    let same = spec.ports().iter().all(|port| {
        port.name() == PORT_NAME
            && port.protocol() == "TCP"
            && port.port() == PORT
            && port.target_port() == IntOrString::Int(target.into())
    });
    spec.type_() == "ClusterIP" && spec.ports().len() == 1 && same
}
