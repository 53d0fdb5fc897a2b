//! A cluster role for each controller of kube-controller-manager, bound to its service account in `kube-system`.

use super::{
    APPS, AUTHORIZATION, AUTOSCALING, BATCH, CERTIFICATES, COORDINATION, CORE, DISCOVERY, EVENTS,
    NETWORKING, POLICY, RBAC, READ, RESOURCE, RoleRow, STORAGE, on, role,
};

const APIEXTENSIONS: &str = "apiextensions.k8s.io";
const SCHEDULING: &str = "scheduling.k8s.io";

/// What the roles' names begin with; the rest is the account's.
pub(in crate::rbac) const PREFIX: &str = "system:controller:";

const BOTH_APPS: &str = "apps extensions";

/// Names are without [`PREFIX`].
pub(in crate::rbac) const CONTROLLER_ROLES: &[RoleRow] = &[
    role(
        "attachdetach-controller",
        &[
            on(
                "list watch",
                CORE,
                "persistentvolumes persistentvolumeclaims",
            ),
            on(READ, CORE, "nodes"),
            on("patch update", CORE, "nodes/status"),
            on("list watch", CORE, "pods"),
            EVENTS,
            on("get create delete list watch", STORAGE, "volumeattachments"),
            on(READ, STORAGE, "csidrivers"),
            on(READ, STORAGE, "csinodes"),
        ],
    ),
    role(
        "clusterrole-aggregation-controller",
        &[on(
            "escalate get list watch update patch",
            RBAC,
            "clusterroles",
        )],
    ),
    role(
        "cronjob-controller",
        &[
            on("get list watch update", BATCH, "cronjobs"),
            on("get list watch create update delete patch", BATCH, "jobs"),
            on("update", BATCH, "cronjobs/status"),
            on("update", BATCH, "cronjobs/finalizers"),
            on("list watch delete", CORE, "pods"),
            EVENTS,
        ],
    ),
    role(
        "daemon-set-controller",
        &[
            on(READ, BOTH_APPS, "daemonsets"),
            on("update", BOTH_APPS, "daemonsets/status"),
            on("update", BOTH_APPS, "daemonsets/finalizers"),
            on("list watch", CORE, "nodes"),
            on("list watch create delete patch", CORE, "pods"),
            on("create", CORE, "pods/binding"),
            on(
                "get list watch create delete update patch",
                APPS,
                "controllerrevisions",
            ),
            EVENTS,
        ],
    ),
    role(
        "deployment-controller",
        &[
            on("get list watch update", BOTH_APPS, "deployments"),
            on("update", BOTH_APPS, "deployments/status"),
            on("update", BOTH_APPS, "deployments/finalizers"),
            on(
                "get list watch create update patch delete",
                BOTH_APPS,
                "replicasets",
            ),
            on("get list watch update", CORE, "pods"),
            EVENTS,
        ],
    ),
    role(
        "disruption-controller",
        &[
            on(READ, BOTH_APPS, "deployments"),
            on(READ, BOTH_APPS, "replicasets"),
            on(READ, CORE, "replicationcontrollers"),
            on(READ, POLICY, "poddisruptionbudgets"),
            on(READ, APPS, "statefulsets"),
            on("update", POLICY, "poddisruptionbudgets/status"),
            on("patch update", CORE, "pods/status"),
            on("get", "*", "*/scale"),
            EVENTS,
        ],
    ),
    role(
        "endpoint-controller",
        &[
            on(READ, CORE, "services pods"),
            on("get list watch create update delete", CORE, "endpoints"),
            on("create", CORE, "endpoints/restricted"),
            EVENTS,
        ],
    ),
    role(
        "endpointslice-controller",
        &[
            on(READ, CORE, "services pods nodes"),
            on("update", CORE, "services/finalizers"),
            on(
                "get list watch create update delete",
                DISCOVERY,
                "endpointslices",
            ),
            on("create", DISCOVERY, "endpointslices/restricted"),
            EVENTS,
        ],
    ),
    role(
        "endpointslicemirroring-controller",
        &[
            on(READ, CORE, "services endpoints"),
            on("update", CORE, "services/finalizers"),
            on("update", CORE, "endpoints/finalizers"),
            on(
                "get list watch create update delete",
                DISCOVERY,
                "endpointslices",
            ),
            on("create", DISCOVERY, "endpointslices/restricted"),
            EVENTS,
        ],
    ),
    role(
        "expand-controller",
        &[
            on("get list watch update patch", CORE, "persistentvolumes"),
            on("update patch", CORE, "persistentvolumeclaims/status"),
            on(READ, CORE, "persistentvolumeclaims"),
            EVENTS,
        ],
    ),
    role(
        "ephemeral-volume-controller",
        &[
            on(READ, CORE, "pods"),
            on("update", CORE, "pods/finalizers"),
            on("get list watch create", CORE, "persistentvolumeclaims"),
            EVENTS,
        ],
    ),
    role(
        "resource-claim-controller",
        &[
            on(READ, CORE, "pods"),
            on("update", CORE, "pods/finalizers"),
            on("get list watch create delete", RESOURCE, "resourceclaims"),
            on(
                "update patch",
                RESOURCE,
                "resourceclaims resourceclaims/status",
            ),
            on("update patch", CORE, "pods/status"),
            EVENTS,
            on(READ, SCHEDULING, "podgroups").with("DRAWorkloadResourceClaims"),
            on("update patch", SCHEDULING, "podgroups/status").with("DRAWorkloadResourceClaims"),
            on("update patch", RESOURCE, "resourceclaims/binding")
                .with("DRAResourceClaimGranularStatusAuthorization"),
        ],
    )
    .with("DynamicResourceAllocation"),
    role(
        "device-taint-eviction-controller",
        &[
            on("get list watch delete", CORE, "pods"),
            on("update patch", CORE, "pods/status"),
            on(READ, RESOURCE, "resourceclaims"),
            on(READ, RESOURCE, "resourceslices"),
            on(READ, RESOURCE, "deviceclasses"),
            EVENTS,
            on("update patch", RESOURCE, "devicetaintrules/status").with("DRADeviceTaintRules"),
            on(READ, RESOURCE, "devicetaintrules").with("DRADeviceTaintRules"),
        ],
    )
    .with("DRADeviceTaints"),
    role(
        "generic-garbage-collector",
        &[on("get list watch patch update delete", "*", "*"), EVENTS],
    ),
    role(
        "horizontal-pod-autoscaler",
        &[
            on(READ, AUTOSCALING, "horizontalpodautoscalers"),
            on("update", AUTOSCALING, "horizontalpodautoscalers/status"),
            on("get update", "*", "*/scale"),
            on("list watch", CORE, "pods"),
            on("list watch", "metrics.k8s.io", "pods"),
            on(READ, "custom.metrics.k8s.io", "*"),
            on(READ, "external.metrics.k8s.io", "*"),
            EVENTS,
        ],
    ),
    role(
        "job-controller",
        &[
            on("get list watch update patch", BATCH, "jobs"),
            on("update", BATCH, "jobs/status"),
            on("update", BATCH, "jobs/finalizers"),
            on("list watch create delete patch", CORE, "pods"),
            EVENTS,
            on(
                "get list watch create update patch",
                SCHEDULING,
                "workloads podgroups",
            )
            .with("WorkloadWithJob"),
        ],
    ),
    role(
        "namespace-controller",
        &[
            on("get list watch delete", CORE, "namespaces"),
            on("update", CORE, "namespaces/finalize namespaces/status"),
            on("get list watch delete deletecollection", "*", "*"),
        ],
    ),
    role(
        "node-controller",
        &[
            on("get list watch update delete patch", CORE, "nodes"),
            on("patch update", CORE, "nodes/status"),
            on("patch update", CORE, "pods/status"),
            on("list watch get delete", CORE, "pods"),
            EVENTS,
        ],
    ),
    role(
        "persistent-volume-binder",
        &[
            on(
                "get list watch update create delete",
                CORE,
                "persistentvolumes",
            ),
            on("update", CORE, "persistentvolumes/status"),
            on("get list watch update", CORE, "persistentvolumeclaims"),
            on("update", CORE, "persistentvolumeclaims/status"),
            on("list watch get create delete", CORE, "pods"),
            on(READ, STORAGE, "storageclasses"),
            on("list watch", CORE, "nodes"),
            EVENTS,
            on("watch", CORE, "events"),
        ],
    ),
    role(
        "pod-garbage-collector",
        &[
            on("list watch delete", CORE, "pods"),
            on(READ, CORE, "nodes"),
            on("patch", CORE, "pods/status"),
        ],
    ),
    role(
        "replicaset-controller",
        &[
            on("get list watch update", BOTH_APPS, "replicasets"),
            on("update", BOTH_APPS, "replicasets/status"),
            on("update", BOTH_APPS, "replicasets/finalizers"),
            on("list watch patch create delete", CORE, "pods"),
            EVENTS,
        ],
    ),
    role(
        "replication-controller",
        &[
            on("get list watch update", CORE, "replicationcontrollers"),
            on("update", CORE, "replicationcontrollers/status"),
            on("update", CORE, "replicationcontrollers/finalizers"),
            on("list watch patch create delete", CORE, "pods"),
            EVENTS,
        ],
    ),
    role(
        "resourcequota-controller",
        &[
            on("list watch", "*", "*"),
            on("update", CORE, "resourcequotas/status"),
            EVENTS,
        ],
    ),
    role(
        "route-controller",
        &[
            on("list watch", CORE, "nodes"),
            on("patch", CORE, "nodes/status"),
            EVENTS,
        ],
    ),
    role(
        "service-account-controller",
        &[on("create", CORE, "serviceaccounts"), EVENTS],
    ),
    role(
        "service-controller",
        &[
            on(READ, CORE, "services"),
            on("patch update", CORE, "services/status"),
            on("list watch", CORE, "nodes"),
            EVENTS,
        ],
    ),
    role(
        "service-cidrs-controller",
        &[
            on("get list watch patch update", NETWORKING, "servicecidrs"),
            on("patch update", NETWORKING, "servicecidrs/finalizers"),
            on("patch update", NETWORKING, "servicecidrs/status"),
            on(READ, NETWORKING, "ipaddresses"),
            EVENTS,
        ],
    )
    .with("MultiCIDRServiceAllocator"),
    role(
        "statefulset-controller",
        &[
            on("list watch", CORE, "pods"),
            on(READ, APPS, "statefulsets"),
            on("update", APPS, "statefulsets/status"),
            on("update", APPS, "statefulsets/finalizers"),
            on("get create delete update patch", CORE, "pods"),
            on(
                "get create delete update patch list watch",
                APPS,
                "controllerrevisions",
            ),
            on("get create list watch", CORE, "persistentvolumeclaims"),
            on("update delete", CORE, "persistentvolumeclaims"),
            on("update", CORE, "pods/finalizers"),
            EVENTS,
        ],
    ),
    role(
        "ttl-controller",
        &[on("update patch list watch", CORE, "nodes"), EVENTS],
    ),
    role(
        "certificate-controller",
        &[
            on(
                "get list watch delete",
                CERTIFICATES,
                "certificatesigningrequests",
            ),
            on(
                "update",
                CERTIFICATES,
                "certificatesigningrequests/status certificatesigningrequests/approval",
            ),
            on("approve", CERTIFICATES, "signers")
                .named("kubernetes.io/kube-apiserver-client-kubelet"),
            on("sign", CERTIFICATES, "signers").named(
                "kubernetes.io/legacy-unknown kubernetes.io/kube-apiserver-client \
                 kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving",
            ),
            on("create", AUTHORIZATION, "subjectaccessreviews"),
            EVENTS,
        ],
    ),
    role(
        "podcertificaterequestcleaner",
        &[on(
            "get list watch delete",
            CERTIFICATES,
            "podcertificaterequests",
        )],
    )
    .with("PodCertificateRequest"),
    role(
        "pvc-protection-controller",
        &[
            on("get list watch update", CORE, "persistentvolumeclaims"),
            on("update", CORE, "persistentvolumeclaims/status"),
            on("list watch get", CORE, "pods"),
            EVENTS,
        ],
    ),
    role(
        "podgroup-protection-controller",
        &[
            on("get list watch update", SCHEDULING, "podgroups"),
            on(READ, CORE, "pods"),
        ],
    )
    .with("GenericWorkload"),
    role(
        "resourcepoolstatusrequest-controller",
        &[
            on(
                "get list watch delete",
                RESOURCE,
                "resourcepoolstatusrequests",
            ),
            on(
                "update patch",
                RESOURCE,
                "resourcepoolstatusrequests/status",
            ),
            on(READ, RESOURCE, "resourceslices"),
            on(READ, RESOURCE, "resourceclaims"),
            EVENTS,
        ],
    )
    .with("DRAResourcePoolStatus"),
    role(
        "pv-protection-controller",
        &[
            on("get list watch update", CORE, "persistentvolumes"),
            EVENTS,
        ],
    ),
    role(
        "volumeattributesclass-protection-controller",
        &[
            on(READ, CORE, "persistentvolumeclaims"),
            on(READ, CORE, "persistentvolumes"),
            on("get list watch update", STORAGE, "volumeattributesclasses"),
            EVENTS,
        ],
    )
    .with("VolumeAttributesClass"),
    role(
        "ttl-after-finished-controller",
        &[on("get list watch delete", BATCH, "jobs"), EVENTS],
    ),
    role(
        "root-ca-cert-publisher",
        &[on("create update", CORE, "configmaps"), EVENTS],
    ),
    role(
        "kube-apiserver-serving-clustertrustbundle-publisher",
        &[
            on("attest", CERTIFICATES, "signers").named("kubernetes.io/kube-apiserver-serving"),
            on(
                "create update delete list watch",
                CERTIFICATES,
                "clustertrustbundles",
            ),
            EVENTS,
        ],
    )
    .with("ClusterTrustBundle"),
    role(
        "validatingadmissionpolicy-status-controller",
        &[
            on(
                READ,
                "admissionregistration.k8s.io",
                "validatingadmissionpolicies",
            ),
            on(
                "get patch update",
                "admissionregistration.k8s.io",
                "validatingadmissionpolicies/status",
            ),
            EVENTS,
        ],
    ),
    role(
        "storage-version-garbage-collector",
        &[
            on(READ, COORDINATION, "leases"),
            on(
                "get list watch patch update delete",
                "internal.apiserver.k8s.io",
                "storageversions",
            ),
            on(
                "get patch update",
                "internal.apiserver.k8s.io",
                "storageversions/status",
            ),
        ],
    )
    .with("StorageVersionAPI"),
    role(
        "legacy-service-account-token-cleaner",
        &[
            on("get", CORE, "configmaps")
                .named("kube-apiserver-legacy-service-account-token-tracking"),
            on("patch delete", CORE, "secrets"),
        ],
    ),
    role(
        "storage-version-migrator-controller",
        &[
            on("list patch", "*", "*"),
            on("get", APIEXTENSIONS, "customresourcedefinitions"),
            on("patch", APIEXTENSIONS, "customresourcedefinitions/status"),
            on(
                "update",
                "storagemigration.k8s.io",
                "storageversionmigrations/status",
            ),
        ],
    )
    .with("StorageVersionMigrator"),
    role(
        "selinux-warning-controller",
        &[
            EVENTS,
            on(READ, CORE, "persistentvolumes"),
            on(READ, CORE, "persistentvolumeclaims"),
            on(READ, CORE, "pods"),
            on(READ, STORAGE, "csidrivers"),
        ],
    )
    .with("SELinuxChangePolicy"),
];
