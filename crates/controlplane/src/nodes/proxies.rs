//! Proxies to pods, services and nodes.

use std::sync::Arc;

use http::Response;
use pintle_api::core::v1::{
    EndpointAddress, Endpoints, NodeProxyOptions, Pod, PodProxyOptions, Service,
    ServiceProxyOptions,
};
use pintle_endpoints::body::Body;
use pintle_endpoints::connect::{Connect, Passed};
use pintle_endpoints::unkept::{Answer, Asked};
use pintle_runtime::quote::Quoted;
use pintle_runtime::schema::TypeRef;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::View;

use super::Kubelets;
use super::dial::Peer;
use super::pass::{Way, pass};
use super::place::{Place, check};

/// `pods/proxy`
pub(super) struct Pods(pub(super) Arc<Kubelets>);

impl Connect for Pods {
    fn options(&self) -> TypeRef {
        <PodProxyOptions<'_> as View>::new_record()
            .type_ref()
            .clone()
    }

    fn connect<'a>(
        &'a self,
        asked: Asked<'a>,
        options: Record,
        request: Passed,
    ) -> Answer<'a, Response<Body>> {
        Box::pin(async move {
            let path = PodProxyOptions::from_record(&options).path().to_owned();
            let mut place = place(asked.name, "pod")?;
            let pods = asked.parent()?;
            let record = pods
                .get(asked.permit, asked.cx, place.name, "")
                .await?
                .record()?;
            let pod = Pod::from_record(&record);
            let first = pod
                .spec()
                .containers()
                .iter()
                .find_map(|it| it.ports().first());
            let first = first.map(|port| port.container_port().to_string());
            if let (true, Some(first)) = (place.port.is_empty(), &first) {
                place.port = first;
            }
            let status = pod.status();
            let address = status.pod_ips().first().map(|it| it.ip());
            let address = address.unwrap_or(status.pod_ip());
            check(address)?;
            let peer = peer(place, address.to_owned())?;
            onward(&self.0, peer, path, request).await
        })
    }
}

/// `services/proxy`
pub(super) struct Services(pub(super) Arc<Kubelets>);

impl Connect for Services {
    fn options(&self) -> TypeRef {
        <ServiceProxyOptions<'_> as View>::new_record()
            .type_ref()
            .clone()
    }

    fn connect<'a>(
        &'a self,
        asked: Asked<'a>,
        options: Record,
        request: Passed,
    ) -> Answer<'a, Response<Body>> {
        Box::pin(async move {
            let path = ServiceProxyOptions::from_record(&options).path().to_owned();
            let place = place(asked.name, "service")?;
            let (address, port) = endpoint(asked, place).await?;
            let peer = Peer {
                tls: place.tls,
                host: address,
                port,
            };
            onward(&self.0, peer, path, request).await
        })
    }
}

/// An endpoint of a Service that is a pod, and the port there.
async fn endpoint(asked: Asked<'_>, place: Place<'_>) -> Result<(String, u16), ApiError> {
    let mut port = place.port.to_owned();
    if let Ok(number) = place.port.parse::<i64>() {
        let services = asked.parent()?;
        let record = services
            .get(asked.permit, asked.cx, place.name, "")
            .await?
            .record()?;
        let mut ports = Service::from_record(&record).spec().ports().iter();
        let found = ports.find(|port| i64::from(port.port()) == number);
        port = found.map(|port| port.name().to_owned()).ok_or_else(|| {
            let name = Quoted(place.name);
            let message = format!("no service port {number} found for service {name}");
            ApiError::service_unavailable(message)
        })?;
    }
    let store = asked.store("", "v1", "endpoints")?;
    let record = store
        .get(asked.permit, asked.cx, place.name, "")
        .await?
        .record()?;
    let subsets = Endpoints::from_record(&record).subsets();
    let nobody = |id: &str| {
        ApiError::service_unavailable(format!("no endpoints available for service {}", Quoted(id)))
    };
    if subsets.is_empty() {
        return Err(nobody(place.name));
    }
    let mut found = Vec::new();
    for subset in subsets {
        let at = subset.ports().iter().find(|known| known.name() == port);
        let Some(at) = at.and_then(|at| u16::try_from(at.port()).ok()) else {
            continue;
        };
        for address in subset.addresses() {
            if is_of_pod(asked, address) {
                found.push((address.ip().to_owned(), at));
            }
        }
    }
    if found.is_empty() {
        return Err(nobody(asked.name));
    }
    let die = asked.cx.environment.random.fraction() * found.len() as f64;
    let at = (die as usize).min(found.len() - 1);
    Ok(found.swap_remove(at))
}

/// Whether the address is that of the pod that it says it is of: no other is reached through a Service.
fn is_of_pod(asked: Asked<'_>, address: EndpointAddress<'_>) -> bool {
    let Some(target) = address.target_ref().filter(|target| target.kind() == "Pod") else {
        return false;
    };
    let Ok(pods) = asked.store("", "v1", "pods") else {
        return false;
    };
    let key = format!("{}/{}", target.namespace(), target.name());
    let Some(Ok(record)) = pods.cache().get(&key).map(|entry| entry.record()) else {
        return false;
    };
    let status = Pod::from_record(&record).status();
    let mut all = status
        .pod_ips()
        .iter()
        .map(|it| it.ip())
        .chain([status.pod_ip()]);
    all.any(|ip| ip == address.ip()) && check(address.ip()).is_ok()
}

/// `nodes/proxy`
pub(super) struct Nodes(pub(super) Arc<Kubelets>);

impl Connect for Nodes {
    fn options(&self) -> TypeRef {
        <NodeProxyOptions<'_> as View>::new_record()
            .type_ref()
            .clone()
    }

    fn connect<'a>(
        &'a self,
        asked: Asked<'a>,
        options: Record,
        request: Passed,
    ) -> Answer<'a, Response<Body>> {
        Box::pin(async move {
            let path = NodeProxyOptions::from_record(&options).path().to_owned();
            let place = place(asked.name, "node")?;
            let kubelet = self.0.of_node(asked, place.name).await?;
            if place.port.is_empty() || place.port == kubelet.port.to_string() {
                let way = Way {
                    peer: kubelet,
                    connector: &self.0.verified,
                    path,
                    query: request.query.clone(),
                    only_upgrades: false,
                };
                return pass(way, request).await;
            }
            check(&kubelet.host)?;
            let peer = peer(place, kubelet.host)?;
            onward(&self.0, peer, path, request).await
        })
    }
}

fn place<'a>(name: &'a str, kind: &str) -> Result<Place<'a>, ApiError> {
    Place::parse(name).ok_or_else(|| {
        let name = Quoted(name);
        ApiError::bad_request(format!("invalid {kind} request {name}"))
    })
}

fn peer(place: Place<'_>, host: String) -> Result<Peer, ApiError> {
    Ok(Peer {
        tls: place.tls,
        host,
        port: place.number()?,
    })
}

async fn onward(
    kubelets: &Kubelets,
    peer: Peer,
    path: String,
    request: Passed,
) -> Result<Response<Body>, ApiError> {
    let way = Way {
        peer,
        connector: &kubelets.plain,
        path,
        query: request.query.clone(),
        only_upgrades: false,
    };
    pass(way, request).await
}
