//! What the repair finds, told as events.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use pintle_api::core::v1::{Event, EventMut};
use pintle_endpoints::context::Environment;
use pintle_endpoints::permit::Permit;
use pintle_endpoints::store::Store;
use pintle_runtime::meta::ObjectMeta;
use pintle_runtime::time::Time;
use pintle_runtime::view::View;
use tracing::warn;

use crate::hooks::server_context;

/// Which half of the repair found it. Upstream's are two controllers, of which the one of addresses is the younger and
/// speaks of events as `events.k8s.io` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Half {
    Addresses,
    Ports,
}

/// Something that is not as it should be.
pub(super) struct Finding<'a> {
    pub half: Half,
    /// `Service` or `IPAddress`.
    pub kind: &'static str,
    pub about: ObjectMeta<'a>,
    pub reason: &'static str,
    pub message: String,
}

/// Tells what is found, once for as long as it is found again in each pass.
#[derive(Default)]
pub(super) struct Findings {
    told: Mutex<BTreeSet<Told>>,
    found: Mutex<BTreeSet<Told>>,
}

type Told = (Half, String, String);

impl Findings {
    /// Tells of `finding` unless that was told of in the last pass.
    pub(super) async fn tell(
        &self,
        environment: &Environment,
        events: Option<&Arc<Store>>,
        hostname: &str,
        finding: Finding<'_>,
    ) {
        let Finding { about, reason, .. } = finding;
        warn!(
            name = about.name(),
            namespace = about.namespace(),
            reason,
            message = finding.message
        );
        let told = (
            finding.half,
            about.uid().to_owned(),
            finding.message.clone(),
        );
        lock(&self.found).insert(told.clone());
        if lock(&self.told).contains(&told) {
            return;
        }
        let Some(events) = events else { return };
        let namespace = match about.namespace() {
            "" => "default",
            namespace => namespace,
        };
        let cx = server_context(environment, namespace);
        let object = event(&finding, namespace, hostname, cx.now());
        let permit = Permit::of_the_server_itself("services");
        if let Err(error) = events.create(&permit, &cx, object).await {
            warn!(%error, "cannot tell of what was found");
        }
    }

    /// Ends a pass.
    pub(super) fn forget_what_is_mended(&self) {
        let found = std::mem::take(&mut *lock(&self.found));
        *lock(&self.told) = found;
    }
}

fn lock(set: &Mutex<BTreeSet<Told>>) -> std::sync::MutexGuard<'_, BTreeSet<Told>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

fn event(
    finding: &Finding<'_>,
    namespace: &str,
    hostname: &str,
    now: Time,
) -> pintle_runtime::value::Record {
    let about = finding.about;
    let mut object = <Event<'_> as View>::new_record();
    let mut event = EventMut::from_record(&mut object);
    let mut metadata = event.metadata_mut();
    let nanos = now.nanos_since(Time::from_seconds(0));
    metadata.set_name(format!("{}.{nanos:x}", about.name()));
    metadata.set_namespace(namespace.to_owned());
    let mut involved = event.involved_object_mut();
    involved.set_api_version(match finding.kind {
        "Service" => "v1",
        _ => "networking.k8s.io/v1",
    });
    involved.set_kind(finding.kind);
    involved.set_name(about.name().to_owned());
    involved.set_namespace(about.namespace().to_owned());
    involved.set_uid(about.uid().to_owned());
    involved.set_resource_version(about.resource_version().to_owned());
    event.set_reason(finding.reason);
    event.set_message(finding.message.clone());
    event.set_type("Warning");
    match finding.half {
        Half::Addresses => {
            let controller = "ipallocator-repair-controller";
            event.set_reporting_component(controller);
            event.set_reporting_instance(format!("{controller}-{hostname}"));
            event.set_event_time(now.truncate_to_micros());
            event.set_action(match (finding.kind, finding.reason) {
                ("Service", "ClusterIPNotValid") => "ClusterIPValidation",
                ("Service", _) => "ClusterIPAllocation",
                _ => "IPAddressAllocation",
            });
        }
        Half::Ports => {
            let controller = "portallocator-repair-controller";
            event.source_mut().set_component(controller);
            event.set_reporting_component(controller);
            event.set_first_timestamp(now.truncate_to_seconds());
            event.set_last_timestamp(now.truncate_to_seconds());
            event.set_count(1);
        }
    }
    object
}
