//! What is said about columns: mostly what is said about the field that is shown.

/// Where the description of a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Description {
    /// A text of the printer's own.
    Text(&'static str),
    /// The description of a field: the definition and its JSON name.
    Field(&'static str, &'static str),
}

use Description::{Field, Text};

/// A field of a type in Kubernetes' own API: `field!("core.v1.PodStatus", "podIP")`.
macro_rules! field {
    ($ty:literal, $field:literal) => {
        Field(concat!("io.k8s.api.", $ty), $field)
    };
}

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

/// What v1beta1 said about `spec.signerName` of a CertificateSigningRequest.
const SIGNER_NAME: &str = concat!(
    "Requested signer for the request. It is a qualified name in the form: `scope-hostname.io/name`. If empty, it will be defaulted:\n",
    " 1. If it's a kubelet client certificate, it is assigned\n",
    "    \"kubernetes.io/kube-apiserver-client-kubelet\".\n",
    " 2. If it's a kubelet serving certificate, it is assigned\n",
    "    \"kubernetes.io/kubelet-serving\".\n",
    " 3. Otherwise, it is assigned \"kubernetes.io/legacy-unknown\".\n",
    "Distribution of trust for signers happens out of band. You can select on this field using `spec.signerName`.",
);

/// Where the description of a kind's column comes from; no text where there is none. No two groups
/// have kinds of the same name with different columns.
pub(super) fn describe(kind: &str, column: &str) -> Description {
    match column {
        "Name" => Field(OBJECT_META, "name"),
        "Age" | "Created At" => Field(OBJECT_META, "creationTimestamp"),
        "Containers" => Text("Names of each container in the template."),
        "Images" => Text("Images referenced by each container in the template."),
        _ => of_workload(kind, column)
            .or_else(|| of_core(kind, column))
            .or_else(|| of_network(kind, column))
            .or_else(|| of_storage(kind, column))
            .or_else(|| of_policy(kind, column))
            .unwrap_or(Text("")),
    }
}

fn of_workload(kind: &str, column: &str) -> Option<Description> {
    Some(match (kind, column) {
        ("Pod", "Ready") => {
            Text("The aggregate readiness state of this pod for accepting traffic.")
        }
        ("Pod", "Status") => Text("The aggregate status of the containers in this pod."),
        ("Pod", "Restarts") => Text(
            "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
        ),
        ("Pod", "IP") => field!("core.v1.PodStatus", "podIP"),
        ("Pod", "Node") => field!("core.v1.PodSpec", "nodeName"),
        ("Pod", "Nominated Node") => field!("core.v1.PodStatus", "nominatedNodeName"),
        ("Pod", "Readiness Gates") => field!("core.v1.PodSpec", "readinessGates"),
        ("PodTemplate", "Pod Labels") => Text("The labels for the pod template."),
        ("ReplicationController", "Desired") => {
            field!("core.v1.ReplicationControllerSpec", "replicas")
        }
        ("ReplicationController", "Current") => {
            field!("core.v1.ReplicationControllerStatus", "replicas")
        }
        ("ReplicationController", "Ready") => {
            field!("core.v1.ReplicationControllerStatus", "readyReplicas")
        }
        ("ReplicationController", "Selector") => {
            field!("core.v1.ReplicationControllerSpec", "selector")
        }
        ("ReplicaSet", "Desired") => field!("apps.v1.ReplicaSetSpec", "replicas"),
        ("ReplicaSet", "Current") => field!("apps.v1.ReplicaSetStatus", "replicas"),
        ("ReplicaSet", "Ready") => field!("apps.v1.ReplicaSetStatus", "readyReplicas"),
        ("ReplicaSet", "Selector") => field!("apps.v1.ReplicaSetSpec", "selector"),
        ("DaemonSet", "Desired") => field!("apps.v1.DaemonSetStatus", "desiredNumberScheduled"),
        ("DaemonSet", "Current") => field!("apps.v1.DaemonSetStatus", "currentNumberScheduled"),
        ("DaemonSet", "Ready") => field!("apps.v1.DaemonSetStatus", "numberReady"),
        ("DaemonSet", "Up-to-date") => field!("apps.v1.DaemonSetStatus", "updatedNumberScheduled"),
        ("DaemonSet", "Available") => field!("apps.v1.DaemonSetStatus", "numberAvailable"),
        ("DaemonSet", "Node Selector") => field!("core.v1.PodSpec", "nodeSelector"),
        ("DaemonSet", "Selector") => field!("apps.v1.DaemonSetSpec", "selector"),
        ("Deployment" | "StatefulSet", "Ready") => Text("Number of the pod with ready state"),
        ("Deployment", "Up-to-date") => field!("apps.v1.DeploymentStatus", "updatedReplicas"),
        ("Deployment", "Available") => field!("apps.v1.DeploymentStatus", "availableReplicas"),
        ("Deployment", "Selector") => field!("apps.v1.DeploymentSpec", "selector"),
        ("ControllerRevision", "Controller") => Text("Controller of the object"),
        ("ControllerRevision", "Revision") => field!("apps.v1.ControllerRevision", "revision"),
        ("Job", "Status") => Text("Status of the job."),
        ("Job", "Completions") => field!("batch.v1.JobStatus", "succeeded"),
        ("Job", "Duration") => Text("Time required to complete the job."),
        ("Job" | "CronJob", "Selector") => field!("batch.v1.JobSpec", "selector"),
        ("CronJob", "Schedule") => field!("batch.v1.CronJobSpec", "schedule"),
        ("CronJob", "Timezone") => field!("batch.v1.CronJobSpec", "timeZone"),
        ("CronJob", "Suspend") => field!("batch.v1.CronJobSpec", "suspend"),
        ("CronJob", "Active") => field!("batch.v1.CronJobStatus", "active"),
        ("CronJob", "Last Schedule") => field!("batch.v1.CronJobStatus", "lastScheduleTime"),
        ("HorizontalPodAutoscaler", "Reference") => field!(
            "autoscaling.v2.HorizontalPodAutoscalerSpec",
            "scaleTargetRef"
        ),
        ("HorizontalPodAutoscaler", "Targets") => {
            field!("autoscaling.v2.HorizontalPodAutoscalerSpec", "metrics")
        }
        ("HorizontalPodAutoscaler", "MinPods") => {
            field!("autoscaling.v2.HorizontalPodAutoscalerSpec", "minReplicas")
        }
        ("HorizontalPodAutoscaler", "MaxPods") => {
            field!("autoscaling.v2.HorizontalPodAutoscalerSpec", "maxReplicas")
        }
        ("HorizontalPodAutoscaler", "Replicas") => {
            field!(
                "autoscaling.v2.HorizontalPodAutoscalerStatus",
                "currentReplicas"
            )
        }
        ("Scale", "Desired") => field!("autoscaling.v1.ScaleSpec", "replicas"),
        ("Scale", "Available") => field!("autoscaling.v1.ScaleStatus", "replicas"),
        ("PodDisruptionBudget", "Min Available") => {
            Text("The minimum number of pods that must be available.")
        }
        ("PodDisruptionBudget", "Max Unavailable") => {
            Text("The maximum number of pods that may be unavailable.")
        }
        ("PodDisruptionBudget", "Allowed Disruptions") => {
            Text("Calculated number of pods that may be disrupted at this time.")
        }
        ("PodGroup", "Policy") => field!("scheduling.v1alpha2.PodGroupSpec", "schedulingPolicy"),
        ("PodGroup", "Workload") => Text("Name of the referenced Workload object"),
        ("PodGroup", "Status") => Text("Status of the PodGroup"),
        _ => return None,
    })
}

fn of_core(kind: &str, column: &str) -> Option<Description> {
    Some(match (kind, column) {
        ("Node", "Status") => Text("The status of the node"),
        ("Node", "Roles") => Text("The roles of the node"),
        ("Node", "Version") => field!("core.v1.NodeSystemInfo", "kubeletVersion"),
        ("Node", "Internal-IP" | "External-IP") => field!("core.v1.NodeStatus", "addresses"),
        ("Node", "OS-Image") => field!("core.v1.NodeSystemInfo", "osImage"),
        ("Node", "Kernel-Version") => field!("core.v1.NodeSystemInfo", "kernelVersion"),
        ("Node", "Container-Runtime") => {
            field!("core.v1.NodeSystemInfo", "containerRuntimeVersion")
        }
        ("Event", "Last Seen") => field!("core.v1.Event", "lastTimestamp"),
        ("Event", "Type") => field!("core.v1.Event", "type"),
        ("Event", "Reason") => field!("core.v1.Event", "reason"),
        ("Event", "Object") => field!("core.v1.Event", "involvedObject"),
        ("Event", "Subobject") => field!("core.v1.ObjectReference", "fieldPath"),
        ("Event", "Source") => field!("core.v1.Event", "source"),
        ("Event", "Message") => field!("core.v1.Event", "message"),
        ("Event", "First Seen") => field!("core.v1.Event", "firstTimestamp"),
        ("Event", "Count") => field!("core.v1.Event", "count"),
        ("Namespace", "Status") => Text("The status of the namespace"),
        ("Secret", "Type") => field!("core.v1.Secret", "type"),
        ("Secret", "Data") => field!("core.v1.Secret", "data"),
        ("ConfigMap", "Data") => field!("core.v1.ConfigMap", "data"),
        ("ComponentStatus", "Status") => Text("Status of the component conditions"),
        ("ComponentStatus", "Message") => Text("Message of the component conditions"),
        ("ComponentStatus", "Error") => Text("Error of the component conditions"),
        ("ResourceQuota", "Request") => {
            Text("Request represents a minimum amount of cpu/memory that a container may consume.")
        }
        ("ResourceQuota", "Limit") => Text(
            "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
        ),
        ("Status", "Status") => Field(STATUS, "status"),
        ("Status", "Reason") => Field(STATUS, "reason"),
        ("Lease", "Holder") => field!("coordination.v1.LeaseSpec", "holderIdentity"),
        ("LeaseCandidate", "LeaseName") => {
            field!("coordination.v1alpha2.LeaseCandidateSpec", "leaseName")
        }
        _ => return None,
    })
}

fn of_network(kind: &str, column: &str) -> Option<Description> {
    Some(match (kind, column) {
        ("Service", "Type") => field!("core.v1.ServiceSpec", "type"),
        ("Service", "Cluster-IP") => field!("core.v1.ServiceSpec", "clusterIP"),
        ("Service", "External-IP") => field!("core.v1.ServiceSpec", "externalIPs"),
        ("Service", "Port(s)") => field!("core.v1.ServiceSpec", "ports"),
        ("Service", "Selector") => field!("core.v1.ServiceSpec", "selector"),
        ("Endpoints", "Endpoints") => field!("core.v1.Endpoints", "subsets"),
        ("EndpointSlice", "AddressType") => field!("discovery.v1.EndpointSlice", "addressType"),
        ("EndpointSlice", "Ports") => field!("discovery.v1.EndpointSlice", "ports"),
        ("EndpointSlice", "Endpoints") => field!("discovery.v1.EndpointSlice", "endpoints"),
        ("Ingress", "Class") => Text(
            "The name of the IngressClass resource that should be used for additional configuration",
        ),
        ("Ingress", "Hosts") => {
            Text("Hosts that incoming requests are matched against before the ingress rule")
        }
        ("Ingress", "Address") => {
            Text("Address is a list containing ingress points for the load-balancer")
        }
        ("Ingress", "Ports") => Text("Ports of TLS configurations that open"),
        ("IngressClass", "Controller") => {
            Text("Controller that is responsible for handling this class")
        }
        ("IngressClass", "Parameters") => {
            Text("A reference to a resource with additional parameters")
        }
        ("NetworkPolicy", "Pod-Selector") => {
            field!("networking.v1.NetworkPolicySpec", "podSelector")
        }
        ("ServiceCIDR", "CIDRs") => field!("networking.v1.ServiceCIDRSpec", "cidrs"),
        ("IPAddress", "ParentRef") => field!("networking.v1.IPAddressSpec", "parentRef"),
        _ => return None,
    })
}

fn of_storage(kind: &str, column: &str) -> Option<Description> {
    Some(match (kind, column) {
        ("PersistentVolume", "Capacity") => field!("core.v1.PersistentVolumeSpec", "capacity"),
        ("PersistentVolume", "Access Modes") => {
            field!("core.v1.PersistentVolumeSpec", "accessModes")
        }
        ("PersistentVolume", "Reclaim Policy") => {
            field!(
                "core.v1.PersistentVolumeSpec",
                "persistentVolumeReclaimPolicy"
            )
        }
        ("PersistentVolume", "Status") => field!("core.v1.PersistentVolumeStatus", "phase"),
        ("PersistentVolume", "Claim") => field!("core.v1.PersistentVolumeSpec", "claimRef"),
        ("PersistentVolume", "StorageClass") => Text("StorageClass of the pv"),
        ("PersistentVolume", "VolumeAttributesClass") => Text("VolumeAttributesClass of the pv"),
        ("PersistentVolume", "Reason") => field!("core.v1.PersistentVolumeStatus", "reason"),
        ("PersistentVolume", "VolumeMode") => field!("core.v1.PersistentVolumeSpec", "volumeMode"),
        ("PersistentVolumeClaim", "Status") => {
            field!("core.v1.PersistentVolumeClaimStatus", "phase")
        }
        ("PersistentVolumeClaim", "Volume") => {
            field!("core.v1.PersistentVolumeClaimSpec", "volumeName")
        }
        ("PersistentVolumeClaim", "Capacity") => {
            field!("core.v1.PersistentVolumeClaimStatus", "capacity")
        }
        ("PersistentVolumeClaim", "Access Modes") => {
            field!("core.v1.PersistentVolumeClaimStatus", "accessModes")
        }
        ("PersistentVolumeClaim", "StorageClass") => Text("StorageClass of the pvc"),
        ("PersistentVolumeClaim", "VolumeAttributesClass") => {
            Text("VolumeAttributesClass of the pvc")
        }
        ("PersistentVolumeClaim", "VolumeMode") => {
            field!("core.v1.PersistentVolumeClaimSpec", "volumeMode")
        }
        ("StorageClass", "Provisioner") => field!("storage.v1.StorageClass", "provisioner"),
        ("StorageClass", "ReclaimPolicy") => field!("storage.v1.StorageClass", "reclaimPolicy"),
        ("StorageClass", "VolumeBindingMode") => {
            field!("storage.v1.StorageClass", "volumeBindingMode")
        }
        ("StorageClass", "AllowVolumeExpansion") => {
            field!("storage.v1.StorageClass", "allowVolumeExpansion")
        }
        ("VolumeAttributesClass", "DriverName") => {
            field!("storage.v1.VolumeAttributesClass", "driverName")
        }
        ("VolumeAttachment", "Attacher") => field!("storage.v1.VolumeAttachmentSpec", "attacher"),
        ("VolumeAttachment", "PV") => {
            field!("storage.v1.VolumeAttachmentSource", "persistentVolumeName")
        }
        ("VolumeAttachment", "Node") => field!("storage.v1.VolumeAttachmentSpec", "nodeName"),
        ("VolumeAttachment", "Attached") => field!("storage.v1.VolumeAttachmentStatus", "attached"),
        ("CSINode", "Drivers") => {
            Text("Drivers indicates the number of CSI drivers registered on the node")
        }
        ("CSIDriver", "AttachRequired") => field!("storage.v1.CSIDriverSpec", "attachRequired"),
        ("CSIDriver", "PodInfoOnMount") => field!("storage.v1.CSIDriverSpec", "podInfoOnMount"),
        ("CSIDriver", "StorageCapacity") => field!("storage.v1.CSIDriverSpec", "storageCapacity"),
        ("CSIDriver", "TokenRequests") => field!("storage.v1.CSIDriverSpec", "tokenRequests"),
        ("CSIDriver", "RequiresRepublish") => {
            field!("storage.v1.CSIDriverSpec", "requiresRepublish")
        }
        ("CSIDriver", "Modes") => field!("storage.v1.CSIDriverSpec", "volumeLifecycleModes"),
        ("ResourceClaim", "State") => {
            Text("A summary of the current state (allocated, pending, reserved, etc.).")
        }
        ("ResourceSlice", "Node") => field!("resource.v1.ResourceSliceSpec", "nodeName"),
        ("ResourceSlice", "Driver") => field!("resource.v1.ResourceSliceSpec", "driver"),
        ("ResourceSlice", "Pool") => field!("resource.v1.ResourcePool", "name"),
        ("DeviceTaintRule", "Key") => field!("resource.v1.DeviceTaint", "key"),
        ("DeviceTaintRule", "Value") => field!("resource.v1.DeviceTaint", "value"),
        ("DeviceTaintRule", "Effect") => field!("resource.v1.DeviceTaint", "effect"),
        ("DeviceTaintRule", "TimeAdded") => field!("resource.v1.DeviceTaint", "timeAdded"),
        ("ResourcePoolStatusRequest", "Driver") => Text("The driver to query pools for."),
        ("ResourcePoolStatusRequest", "Total") => Text("Total number of devices across all pools."),
        ("ResourcePoolStatusRequest", "Available") => {
            Text("Number of available devices across all pools.")
        }
        ("ResourcePoolStatusRequest", "Allocated") => {
            Text("Number of allocated devices across all pools.")
        }
        ("ResourcePoolStatusRequest", "Unavailable") => {
            Text("Number of unavailable devices across all pools.")
        }
        ("ResourcePoolStatusRequest", "Errors") => Text("Number of pools with validation errors."),
        ("ResourcePoolStatusRequest", "Pools") => Text("Total number of matching pools."),
        ("ResourcePoolStatusRequest", "Status") => Text("Processing status."),
        ("ResourcePoolStatusRequest", "Completed") => Text("Time since the observation completed."),
        _ => return None,
    })
}

fn of_policy(kind: &str, column: &str) -> Option<Description> {
    Some(match (kind, column) {
        // Those of v1beta1, which do not say that the field cannot be changed.
        ("RoleBinding", "Role") => Text(
            "RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.",
        ),
        ("ClusterRoleBinding", "Role") => Text(
            "RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error.",
        ),
        ("RoleBinding", "Users") => Text("Users in the roleBinding"),
        ("RoleBinding", "Groups") => Text("Groups in the roleBinding"),
        ("RoleBinding", "ServiceAccounts") => Text("ServiceAccounts in the roleBinding"),
        ("ClusterRoleBinding", "Users") => Text("Users in the clusterRoleBinding"),
        ("ClusterRoleBinding", "Groups") => Text("Groups in the clusterRoleBinding"),
        ("ClusterRoleBinding", "ServiceAccounts") => {
            Text("ServiceAccounts in the clusterRoleBinding")
        }
        // That of v1beta1 too.
        ("CertificateSigningRequest", "SignerName") => Text(SIGNER_NAME),
        // The column shows who asks, and is described as what they ask for.
        ("CertificateSigningRequest", "Requestor") => Text("Base64-encoded PKCS#10 CSR data"),
        ("CertificateSigningRequest", "RequestedDuration") => {
            field!(
                "certificates.v1.CertificateSigningRequestSpec",
                "expirationSeconds"
            )
        }
        ("CertificateSigningRequest", "Condition") => {
            Text("Conditions applied to the request, such as approval or denial.")
        }
        ("ClusterTrustBundle", "SignerName") => {
            field!("certificates.v1beta1.ClusterTrustBundleSpec", "signerName")
        }
        ("PodCertificateRequest", "PodName") => {
            field!("certificates.v1beta1.PodCertificateRequestSpec", "podName")
        }
        ("PodCertificateRequest", "ServiceAccountName") => {
            field!(
                "certificates.v1beta1.PodCertificateRequestSpec",
                "serviceAccountName"
            )
        }
        ("PodCertificateRequest", "NodeName") => {
            field!("certificates.v1beta1.PodCertificateRequestSpec", "nodeName")
        }
        ("PodCertificateRequest", "SignerName") => {
            field!(
                "certificates.v1beta1.PodCertificateRequestSpec",
                "signerName"
            )
        }
        ("PodCertificateRequest", "State") => {
            Text("Is the request Pending, Issued, Denied, or Failed?")
        }
        ("PodCertificateRequest", "UnverifiedUserAnnotations") => {
            field!(
                "certificates.v1beta1.PodCertificateRequestSpec",
                "unverifiedUserAnnotations"
            )
        }
        ("MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration", "Webhooks") => {
            Text("Webhooks indicates the number of webhooks registered in this configuration")
        }
        ("ValidatingAdmissionPolicy", "Validations") => Text(
            "Validations indicates the number of validation rules defined in this configuration",
        ),
        ("MutatingAdmissionPolicy", "Mutations") => {
            Text("Mutation indicates the number of mutations rules defined in this configuration")
        }
        (_, "ParamKind") => {
            Text("ParamKind specifies the kind of resources used to parameterize this policy")
        }
        (_, "PolicyName") => {
            Text("PolicyName indicates the policy definition which the policy binding binded to")
        }
        (_, "ParamRef") => {
            Text("ParamRef indicates the param resource which sets the configuration param")
        }
        ("FlowSchema", "PriorityLevel") => {
            field!("flowcontrol.v1.PriorityLevelConfigurationReference", "name")
        }
        ("FlowSchema", "MatchingPrecedence") => {
            field!("flowcontrol.v1.FlowSchemaSpec", "matchingPrecedence")
        }
        ("FlowSchema", "DistinguisherMethod") => {
            field!("flowcontrol.v1.FlowSchemaSpec", "distinguisherMethod")
        }
        ("FlowSchema", "MissingPL") => {
            Text("references a broken or non-existent PriorityLevelConfiguration")
        }
        ("PriorityLevelConfiguration", "Type") => {
            field!("flowcontrol.v1.PriorityLevelConfigurationSpec", "type")
        }
        ("PriorityLevelConfiguration", "NominalConcurrencyShares") => {
            field!(
                "flowcontrol.v1.LimitedPriorityLevelConfiguration",
                "nominalConcurrencyShares"
            )
        }
        ("PriorityLevelConfiguration", "Queues") => {
            field!("flowcontrol.v1.QueuingConfiguration", "queues")
        }
        ("PriorityLevelConfiguration", "HandSize") => {
            field!("flowcontrol.v1.QueuingConfiguration", "handSize")
        }
        ("PriorityLevelConfiguration", "QueueLengthLimit") => {
            field!("flowcontrol.v1.QueuingConfiguration", "queueLengthLimit")
        }
        ("PriorityClass", "Value") => field!("scheduling.v1.PriorityClass", "value"),
        ("PriorityClass", "Global-Default") => {
            field!("scheduling.v1.PriorityClass", "globalDefault")
        }
        ("PriorityClass", "PreemptionPolicy") => {
            field!("scheduling.v1.PriorityClass", "preemptionPolicy")
        }
        ("StorageVersion", "CommonEncodingVersion") => {
            field!(
                "apiserverinternal.v1alpha1.StorageVersionStatus",
                "commonEncodingVersion"
            )
        }
        ("StorageVersion", "StorageVersions") => {
            field!(
                "apiserverinternal.v1alpha1.StorageVersionStatus",
                "storageVersions"
            )
        }
        ("StorageVersionMigration", "Resource") => Text("GroupResource to migrate"),
        ("StorageVersionMigration", "Status") => Text("Status of the migration"),
        ("APIService", "Service") => {
            Text("The reference to the service that hosts this API endpoint.")
        }
        ("APIService", "Available") => Text("Whether this service is available."),
        _ => return None,
    })
}
