//! The rows of the `Table` representation of every built-in kind, as `kubectl get` shows them.
//!
//! [`printer`] finds what turns objects of a type into cells; a type without one has the columns
//! `Name` and `Created At`, whose cells [`default_cells`] makes. [`conditions`] is what else a row
//! says, [`order`] the order of rows where it is not that of the list, and [`ColumnDefinitions`] are
//! the columns with their descriptions.
//!
//! All columns are filled, wide ones too: it is the client who leaves them out. Ages depend on the
//! time of the request, so a row cannot be kept.
//!
//! ```
//! use pintle_api::{printers, type_by_kind};
//! use pintle_runtime::codec::{Problems, json};
//! use pintle_runtime::time::Time;
//!
//! let ty = type_by_kind("", "v1", "Secret").expect("secrets are built in");
//! let body = br#"{"metadata":{"name":"colors","creationTimestamp":"2026-01-01T00:00:00Z"},"type":"Opaque"}"#;
//! let secret = json::decode(&ty, &body.to_vec().into(), &mut Problems::ignored());
//! let secret = secret.expect("the body is a secret");
//!
//! let printer = printers::printer(secret.ty()).expect("secrets have one");
//! let now = Time::parse("2026-01-01T00:05:30Z").expect("this is RFC 3339");
//! let mut row = Vec::new();
//! printers::write_cells(&printer(&secret, now), &mut row);
//! assert_eq!(row, br#"["colors","Opaque",0,"5m30s"]"#);
//! ```

mod access;
mod admission;
mod age;
mod autoscaling;
mod cell;
mod columns;
mod control;
mod core;
mod describe;
mod network;
mod node;
mod pod;
mod resource;
mod row;
mod storage;
mod text;
mod workloads;

use std::cmp::Ordering;

use pintle_runtime::schema::Type;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

pub use age::{age, human_duration};
pub use cell::{Cell, Cells, write_cells};
pub use columns::{ColumnDefinition, ColumnDefinitions, OfField};
pub use row::{RowCondition, default_cells};

/// Makes the cells of an object at the time of the request. It must be of the type that the
/// printer was asked for.
pub type Printer = for<'a> fn(&'a Record, Time) -> Cells<'a>;

/// The cells of `object`, or `None` where its type has the default columns.
pub fn cells(object: &Record, now: Time) -> Option<Cells<'_>> {
    printer(object.ty()).map(|print| print(object, now))
}

/// What a row says besides its cells.
pub fn conditions(object: &Record) -> &'static [RowCondition] {
    match object.ty().name.as_ref() {
        "io.k8s.api.core.v1.Pod" => pod::conditions(object),
        _ => &[],
    }
}

/// The order of the rows of a list, where it is not that of its items.
pub fn order(ty: &Type) -> Option<fn(&Record, &Record) -> Ordering> {
    (ty.name == "io.k8s.api.flowcontrol.v1.FlowSchema").then_some(control::flow_schema_order)
}

/// What makes the cells of objects of a type, or `None` where it has the default columns.
pub fn printer(ty: &Type) -> Option<Printer> {
    Some(match ty.name.as_ref() {
        "io.k8s.api.core.v1.ComponentStatus" => core::component_status,
        "io.k8s.api.core.v1.ConfigMap" => core::config_map,
        "io.k8s.api.core.v1.Endpoints" => network::endpoints,
        "io.k8s.api.core.v1.Event" => core::event,
        "io.k8s.api.core.v1.Namespace" => core::namespace,
        "io.k8s.api.core.v1.Node" => node::node,
        "io.k8s.api.core.v1.PersistentVolume" => storage::persistent_volume,
        "io.k8s.api.core.v1.PersistentVolumeClaim" => storage::persistent_volume_claim,
        "io.k8s.api.core.v1.Pod" => pod::pod,
        "io.k8s.api.core.v1.PodTemplate" => pod::pod_template,
        "io.k8s.api.core.v1.ReplicationController" => workloads::replication_controller,
        "io.k8s.api.core.v1.ResourceQuota" => core::resource_quota,
        "io.k8s.api.core.v1.Secret" => core::secret,
        "io.k8s.api.core.v1.Service" => network::service,
        "io.k8s.api.core.v1.ServiceAccount" => core::service_account,
        "io.k8s.api.apps.v1.ControllerRevision" => workloads::controller_revision,
        "io.k8s.api.apps.v1.DaemonSet" => workloads::daemon_set,
        "io.k8s.api.apps.v1.Deployment" => workloads::deployment,
        "io.k8s.api.apps.v1.ReplicaSet" => workloads::replica_set,
        "io.k8s.api.apps.v1.StatefulSet" => workloads::stateful_set,
        "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler" => autoscaling::v1,
        "io.k8s.api.autoscaling.v1.Scale" => workloads::scale,
        "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler" => autoscaling::v2,
        "io.k8s.api.batch.v1.CronJob" => workloads::cron_job,
        "io.k8s.api.batch.v1.Job" => workloads::job,
        "io.k8s.api.certificates.v1.CertificateSigningRequest" => {
            access::certificate_signing_request
        }
        "io.k8s.api.certificates.v1alpha1.ClusterTrustBundle" => {
            access::v1alpha1::cluster_trust_bundle
        }
        "io.k8s.api.certificates.v1beta1.ClusterTrustBundle" => {
            access::v1beta1::cluster_trust_bundle
        }
        "io.k8s.api.certificates.v1beta1.PodCertificateRequest" => access::pod_certificate_request,
        "io.k8s.api.coordination.v1.Lease" => node::lease,
        "io.k8s.api.coordination.v1alpha2.LeaseCandidate" => node::v1alpha2::lease_candidate,
        "io.k8s.api.coordination.v1beta1.LeaseCandidate" => node::v1beta1::lease_candidate,
        "io.k8s.api.discovery.v1.EndpointSlice" => network::endpoint_slice,
        "io.k8s.api.events.v1.Event" => core::events_event,
        "io.k8s.api.flowcontrol.v1.FlowSchema" => control::flow_schema,
        "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration" => control::priority_level,
        "io.k8s.api.networking.v1.IPAddress" => network::v1::ip_address,
        "io.k8s.api.networking.v1.Ingress" => network::ingress,
        "io.k8s.api.networking.v1.IngressClass" => network::ingress_class,
        "io.k8s.api.networking.v1.NetworkPolicy" => network::network_policy,
        "io.k8s.api.networking.v1.ServiceCIDR" => network::v1::service_cidr,
        "io.k8s.api.networking.v1beta1.IPAddress" => network::v1beta1::ip_address,
        "io.k8s.api.networking.v1beta1.ServiceCIDR" => network::v1beta1::service_cidr,
        "io.k8s.api.node.v1.RuntimeClass" => node::runtime_class,
        "io.k8s.api.policy.v1.PodDisruptionBudget" => workloads::pod_disruption_budget,
        "io.k8s.api.rbac.v1.ClusterRoleBinding" => access::cluster_role_binding,
        "io.k8s.api.rbac.v1.RoleBinding" => access::role_binding,
        "io.k8s.api.resource.v1.DeviceClass" => resource::v1::device_class,
        "io.k8s.api.resource.v1.ResourceClaim" => resource::v1::claim,
        "io.k8s.api.resource.v1.ResourceClaimTemplate" => resource::v1::claim_template,
        "io.k8s.api.resource.v1.ResourceSlice" => resource::v1::slice,
        "io.k8s.api.resource.v1alpha3.DeviceTaintRule" => {
            resource::taints_v1alpha3::device_taint_rule
        }
        "io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequest" => resource::pool_status_request,
        "io.k8s.api.resource.v1beta1.DeviceClass" => resource::v1beta1::device_class,
        "io.k8s.api.resource.v1beta1.ResourceClaim" => resource::v1beta1::claim,
        "io.k8s.api.resource.v1beta1.ResourceClaimTemplate" => resource::v1beta1::claim_template,
        "io.k8s.api.resource.v1beta1.ResourceSlice" => resource::v1beta1::slice,
        "io.k8s.api.resource.v1beta2.DeviceClass" => resource::v1beta2::device_class,
        "io.k8s.api.resource.v1beta2.DeviceTaintRule" => {
            resource::taints_v1beta2::device_taint_rule
        }
        "io.k8s.api.resource.v1beta2.ResourceClaim" => resource::v1beta2::claim,
        "io.k8s.api.resource.v1beta2.ResourceClaimTemplate" => resource::v1beta2::claim_template,
        "io.k8s.api.resource.v1beta2.ResourceSlice" => resource::v1beta2::slice,
        "io.k8s.api.scheduling.v1.PriorityClass" => control::priority_class,
        "io.k8s.api.scheduling.v1alpha2.PodGroup" => control::pod_group,
        "io.k8s.api.scheduling.v1alpha2.Workload" => control::workload,
        "io.k8s.api.storage.v1.CSIDriver" => storage::csi_driver,
        "io.k8s.api.storage.v1.CSINode" => storage::csi_node,
        "io.k8s.api.storage.v1.StorageClass" => storage::storage_class,
        "io.k8s.api.storage.v1.VolumeAttachment" => storage::volume_attachment,
        "io.k8s.api.storage.v1.VolumeAttributesClass" => storage::v1::volume_attributes_class,
        "io.k8s.api.storage.v1beta1.VolumeAttributesClass" => {
            storage::v1beta1::volume_attributes_class
        }
        "io.k8s.api.storagemigration.v1beta1.StorageVersionMigration" => {
            control::storage_version_migration
        }
        "io.k8s.api.apiserverinternal.v1alpha1.StorageVersion" => control::storage_version,
        "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy" => {
            admission::v1::mutating_policy
        }
        "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding" => {
            admission::v1::mutating_binding
        }
        "io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration" => {
            admission::mutating_webhooks
        }
        "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy" => {
            admission::validating_policy
        }
        "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding" => {
            admission::validating_binding
        }
        "io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration" => {
            admission::validating_webhooks
        }
        "io.k8s.api.admissionregistration.v1alpha1.MutatingAdmissionPolicy" => {
            admission::v1alpha1::mutating_policy
        }
        "io.k8s.api.admissionregistration.v1alpha1.MutatingAdmissionPolicyBinding" => {
            admission::v1alpha1::mutating_binding
        }
        "io.k8s.api.admissionregistration.v1beta1.MutatingAdmissionPolicy" => {
            admission::v1beta1::mutating_policy
        }
        "io.k8s.api.admissionregistration.v1beta1.MutatingAdmissionPolicyBinding" => {
            admission::v1beta1::mutating_binding
        }
        "io.k8s.apimachinery.pkg.apis.meta.v1.Status" => core::status,
        "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService" => control::api_service,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
