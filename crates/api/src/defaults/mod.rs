//! What kube-apiserver fills in where a client says nothing.
//!
//! [`apply`] is called on every object that comes in, and on what comes from the store: an older
//! server may not have known a default.

use pintle_runtime::value::Record;

mod admissionregistration;
mod apps;
mod autoscaling;
mod batch;
mod core;
mod image;
mod pod;
mod pod_resources;
mod policy;
mod resource;
mod storage;
mod volume;

/// Sets a field where it is empty: `fill!(view; get set = value, …)`.
macro_rules! fill {
    ($view:expr; $($get:ident $set:ident = $value:expr),+ $(,)?) => {
        $(if $crate::defaults::Unset::is_unset(&$view.view().$get()) {
            $view.$set($value);
        })+
    };
}
pub(crate) use fill;

/// Whether a field reads as nothing.
pub(crate) trait Unset {
    fn is_unset(&self) -> bool;
}

impl Unset for &str {
    fn is_unset(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Unset for Option<T> {
    fn is_unset(&self) -> bool {
        self.is_none()
    }
}

impl Unset for i32 {
    fn is_unset(&self) -> bool {
        *self == 0
    }
}

impl Unset for i64 {
    fn is_unset(&self) -> bool {
        *self == 0
    }
}

/// Fills in the defaults of `object`, of whatever kind.
pub fn apply(object: &mut Record) {
    if let Some(defaults) = of(&object.ty().name) {
        defaults(object);
    }
}

/// Whether a type, by the name of its definition, has defaults that are not in its schema.
pub fn has(type_name: &str) -> bool {
    of(type_name).is_some()
}

fn of(type_name: &str) -> Option<fn(&mut Record)> {
    Some(match type_name {
        "io.k8s.api.core.v1.Pod" => pod::pod,
        "io.k8s.api.core.v1.PodTemplate" => pod::pod_template,
        "io.k8s.api.core.v1.ReplicationController" => apps::replication_controller,
        "io.k8s.api.core.v1.Service" => core::service,
        "io.k8s.api.core.v1.Secret" => core::secret,
        "io.k8s.api.core.v1.Namespace" => core::namespace,
        "io.k8s.api.core.v1.Node" => core::node,
        "io.k8s.api.core.v1.Endpoints" => core::endpoints,
        "io.k8s.api.core.v1.LimitRange" => core::limit_range,
        "io.k8s.api.core.v1.ResourceQuota" => core::resource_quota,
        "io.k8s.api.core.v1.PersistentVolume" => volume::persistent_volume,
        "io.k8s.api.core.v1.PersistentVolumeClaim" => volume::persistent_volume_claim,
        "io.k8s.api.apps.v1.Deployment" => apps::deployment,
        "io.k8s.api.apps.v1.DaemonSet" => apps::daemon_set,
        "io.k8s.api.apps.v1.StatefulSet" => apps::stateful_set,
        "io.k8s.api.apps.v1.ReplicaSet" => apps::replica_set,
        "io.k8s.api.batch.v1.Job" => batch::job,
        "io.k8s.api.batch.v1.CronJob" => batch::cron_job,
        "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler" => autoscaling::v1,
        "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler" => autoscaling::v2,
        "io.k8s.api.networking.v1.NetworkPolicy" => policy::network_policy,
        "io.k8s.api.networking.v1.IngressClass" => policy::ingress_class,
        "io.k8s.api.rbac.v1.RoleBinding" => policy::role_binding,
        "io.k8s.api.rbac.v1.ClusterRoleBinding" => policy::cluster_role_binding,
        "io.k8s.api.node.v1.RuntimeClass" => core::runtime_class,
        "io.k8s.api.scheduling.v1.PriorityClass" => policy::priority_class,
        "io.k8s.api.discovery.v1.EndpointSlice" => core::endpoint_slice,
        "io.k8s.api.flowcontrol.v1.FlowSchema" => policy::flow_schema,
        "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration" => policy::priority_level,
        "io.k8s.api.storage.v1.StorageClass" => storage::storage_class,
        "io.k8s.api.storage.v1.CSIDriver" => storage::csi_driver,
        "io.k8s.api.storage.v1.VolumeAttachment" => storage::volume_attachment,
        "io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration" => {
            admissionregistration::validating_webhooks
        }
        "io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration" => {
            admissionregistration::mutating_webhooks
        }
        "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy" => {
            admissionregistration::validating_policy
        }
        "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding" => {
            admissionregistration::validating_binding
        }
        "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy" => {
            admissionregistration::mutating_policy
        }
        "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding" => {
            admissionregistration::mutating_binding
        }
        "io.k8s.api.resource.v1.ResourceClaim" => resource::claim,
        "io.k8s.api.resource.v1.ResourceClaimTemplate" => resource::claim_template,
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition" => {
            resource::custom_resource_definition
        }
        "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService" => resource::api_service,
        _ => return None,
    })
}
