//! Which API services there are, and whether they can be reached.
//!
//! Every version of a group that this server serves has an `APIService` that says so, made at start-up. One that names a
//! Service of the cluster is looked at whenever it, its Service or the endpoints of that have changed. Requests are not
//! passed on to such a Service by this server, so the best that can be said of one is why.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use futures_util::future::try_join_all;
use pintle_api::apiregistration::v1::{
    APIService, APIServiceCondition, APIServiceMut, ServiceReference,
};
use pintle_api::core::v1::Service;
use pintle_api::discovery::v1::EndpointSlice;
use pintle_endpoints::metrics::{Counter, Family, Kind, Samples};
use pintle_endpoints::registry::Registry;
use pintle_endpoints::store::Store;
use pintle_runtime::quote::Quoted;
use pintle_runtime::resource::Group;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::View;

use crate::hooks::{MANAGER, Ours, found};

/// What [`look`] looks at.
pub(crate) const LOOKED_AT: [(&str, &str); 3] = [
    (GROUP, "apiservices"),
    ("", "services"),
    ("discovery.k8s.io", "endpointslices"),
];

const GROUP: &str = "apiregistration.k8s.io";
/// Which objects the server looks after, and until when: those of its own from start-up on.
const AUTOMANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";
const ON_START: &str = "onstart";
/// The highest priority that a group can have.
const HIGHEST_PRIORITY: i32 = 20_000;
/// Which endpoints a Service has.
const OF_SERVICE: &str = "kubernetes.io/service-name";

/// Sees to the `APIService` of every version of a group that is served, and takes away those of versions that are not.
pub(crate) async fn register(ours: &Ours, offered: &[Group]) -> Result<(), ApiError> {
    let store = ours.store(GROUP, "apiservices")?;
    let mut wanted = HashSet::new();
    let mut missing = Vec::new();
    for group in offered {
        // The group of the API services themselves has none, and no priority that one could have.
        if group.priority > HIGHEST_PRIORITY {
            continue;
        }
        for version in group.versions.iter().filter(|it| !it.resources.is_empty()) {
            let name = format!("{}.{}", version.version, group.name);
            if store.cache().get(&name).is_none() {
                let mut object = <APIService<'_> as View>::new_record();
                let mut service = APIServiceMut::from_record(&mut object);
                let mut metadata = service.metadata_mut();
                metadata.set_name(name.clone());
                metadata.labels_mut().insert(AUTOMANAGED, ON_START);
                let mut spec = service.spec_mut();
                spec.set_group(group.name.to_string());
                spec.set_version(version.version.to_string());
                spec.set_group_priority_minimum(group.priority);
                spec.set_version_priority(version.priority);
                missing.push(object);
            }
            wanted.insert(name);
        }
    }
    // At once, so that they are written at once.
    try_join_all(
        missing
            .into_iter()
            .map(|object| ours.create(&store, "", MANAGER, object)),
    )
    .await?;
    let (snapshot, _) = store.cache().newest();
    for entry in snapshot.iter() {
        if entry.label(AUTOMANAGED) == Some(ON_START) && !wanted.contains(entry.name()) {
            ours.delete(&store, entry.name()).await?;
        }
    }
    Ok(())
}

/// How often each `APIService` ceased to be available, in this process.
static UNAVAILABLE: LazyLock<Family<Counter>> = LazyLock::new(|| {
    Family::new(
        "aggregator_unavailable_apiservice_total",
        "[ALPHA] Counter of APIServices which are marked as unavailable broken down by APIService name and reason.",
        &["name", "reason"],
        Counter::default,
    )
});

/// Looks at every `APIService`, and has it say whether it is available.
pub(crate) async fn look(ours: &Ours) -> Result<(), ApiError> {
    let store = ours.store(GROUP, "apiservices")?;
    let Some(status) = store.subresource("status") else {
        return Ok(());
    };
    let (snapshot, _) = store.cache().newest();
    for entry in snapshot.iter() {
        let record = entry.record()?;
        let service = APIService::from_record(&record);
        let says = Availability::of(ours, service)?;
        if says.is_said(service) {
            continue;
        }
        let was_available = available(service).is_some_and(|it| it.status() == "True");
        let (is_available, reason) = (says.status == "True", says.reason);
        let now = ours.now();
        let result = ours
            .update(status, "", MANAGER, entry.name(), |record| {
                says.say(record, now);
            })
            .await;
        match result {
            Ok(_) if was_available && !is_available => {
                UNAVAILABLE.with(&[entry.name(), reason]).inc();
            }
            Ok(_) | Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Tells of every `APIService` whether it is out of reach.
pub fn unavailable(registry: Arc<Registry>) -> impl Fn(&mut Samples<'_>) + Send + Sync {
    move |samples| {
        let Some(store) = registry.store(GROUP, "v1", "apiservices") else {
            return;
        };
        let help = "[ALPHA] Gauge of APIServices which are marked as unavailable broken down by APIService name.";
        samples.family("aggregator_unavailable_apiservice", help, Kind::Gauge);
        let (snapshot, _) = store.cache().newest();
        for entry in snapshot.entries() {
            let is_available = entry.glance().is_ok_and(|record| {
                available(APIService::from_record(&record)).is_some_and(|it| it.status() == "True")
            });
            let value = f64::from(u8::from(!is_available));
            samples.sample(&[("name", entry.name())], value);
        }
        UNAVAILABLE.collect(samples);
    }
}

/// Whether requests for an API can be answered.
struct Availability {
    status: &'static str,
    reason: &'static str,
    message: String,
}

impl Availability {
    fn of(ours: &Ours, service: APIService<'_>) -> Result<Self, ApiError> {
        let Some(reference) = service.spec().service() else {
            return Ok(Self {
                status: "True",
                reason: "Local",
                message: "Local APIServices are always available".to_owned(),
            });
        };
        let no = |(reason, message)| Self {
            status: "False",
            reason,
            message,
        };
        Ok(no(fault(ours, reference)?))
    }

    fn is_said(&self, service: APIService<'_>) -> bool {
        available(service).is_some_and(|it| {
            it.status() == self.status && it.reason() == self.reason && it.message() == self.message
        })
    }

    fn say(&self, record: &mut Record, now: pintle_runtime::time::Time) {
        let known = APIService::from_record(record).status().conditions();
        let at = known.iter().position(|it| it.type_() == AVAILABLE);
        let mut service = APIServiceMut::from_record(record);
        let mut status = service.status_mut();
        let mut conditions = status.conditions_mut();
        let mut condition = match at {
            Some(at) => match conditions.get_mut(at) {
                Some(condition) => condition,
                None => return,
            },
            None => conditions.push_new(),
        };
        if condition.view().status() != self.status {
            condition.set_last_transition_time(now);
        }
        condition.set_type(AVAILABLE);
        condition.set_status(self.status);
        condition.set_reason(self.reason);
        condition.set_message(self.message.clone());
    }
}

const AVAILABLE: &str = "Available";

fn available(service: APIService<'_>) -> Option<APIServiceCondition<'_>> {
    let mut conditions = service.status().conditions().iter();
    conditions.find(|it| it.type_() == AVAILABLE)
}

/// Why a Service does not answer for an API.
fn fault(ours: &Ours, reference: ServiceReference<'_>) -> Result<(&'static str, String), ApiError> {
    let (namespace, name) = (reference.namespace(), reference.name());
    let at = format!("service/{name} in {}", Quoted(namespace));
    let Some(record) = found(
        &*ours.store("", "services")?,
        &format!("{namespace}/{name}"),
    )?
    else {
        return Ok(("ServiceNotFound", format!("{at} is not present")));
    };
    let service = Service::from_record(&record);
    let port = reference.port().unwrap_or(443);
    if service.spec().type_() == "ClusterIP" {
        let mut ports = service.spec().ports().iter();
        let Some(found) = ports.find(|it| it.port() == port) else {
            let message = format!("{at} is not listening on port {port}");
            return Ok(("ServicePortError", message));
        };
        let slices = ours.store("discovery.k8s.io", "endpointslices")?;
        match has_address(&slices, namespace, name, found.name())? {
            None => {
                let message = format!("cannot find endpointslices for {at}");
                return Ok(("EndpointsNotFound", message));
            }
            Some(false) => {
                let named = Quoted(found.name());
                let message =
                    format!("endpointslices for {at} have no addresses with port name {named}");
                return Ok(("MissingEndpoints", message));
            }
            Some(true) => {}
        }
    }
    let message = format!("{at} is there, but this server passes no requests on to it");
    Ok(("FailedDiscoveryCheck", message))
}

/// Whether an endpoint of a Service is ready at a port; `None` if nobody knows of its endpoints.
fn has_address(
    slices: &Store,
    namespace: &str,
    service: &str,
    port: &str,
) -> Result<Option<bool>, ApiError> {
    let mut is_known = None;
    for entry in slices.cache().all(Some(namespace))? {
        if entry.label(OF_SERVICE) != Some(service) {
            continue;
        }
        let record = entry.record()?;
        let slice = EndpointSlice::from_record(&record);
        let has_port = slice
            .ports()
            .iter()
            .any(|it| it.name().unwrap_or_default() == port);
        let is_ready = slice.endpoints().iter().any(|endpoint| {
            endpoint.conditions().ready().unwrap_or(true) && !endpoint.addresses().is_empty()
        });
        is_known = Some(is_known.unwrap_or(false) || (has_port && is_ready));
    }
    Ok(is_known)
}
