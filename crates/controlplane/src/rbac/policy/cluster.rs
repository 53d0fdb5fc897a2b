//! Cluster roles for people, nodes and components, and who has them.

use super::{
    APPS, AUTHENTICATION, AUTHORIZATION, AUTOSCALING, BATCH, BOTH_EVENTS, BindingRow, CERTIFICATES,
    COORDINATION, CORE, DISCOVERY, EVENTS, EXTENSIONS, NETWORKING, POLICY, RBAC, READ, READ_UPDATE,
    READ_WRITE, RESOURCE, RoleRow, STORAGE, WRITE, at, binding, gathering, on, role,
};

pub(in crate::rbac) const CLUSTER_ROLES: &[RoleRow] = &[
    role("cluster-admin", &[on("*", "*", "*"), at("*", "*")]),
    role(
        "system:discovery",
        &[at(
            "get",
            "/livez /readyz /healthz /version /version/ /openapi /openapi/* /api /api/* /apis /apis/*",
        )],
    ),
    role(
        "system:monitoring",
        &[
            at(
                "get",
                "/metrics /metrics/slis /livez /readyz /healthz /livez/* /readyz/* /healthz/* /statusz /flagz",
            ),
            on("get", CORE, "nodes/metrics"),
        ],
    ),
    role(
        "system:basic-user",
        &[
            on(
                "create",
                AUTHORIZATION,
                "selfsubjectaccessreviews selfsubjectrulesreviews",
            ),
            on("create", AUTHENTICATION, "selfsubjectreviews"),
        ],
    ),
    role(
        "system:public-info-viewer",
        &[at("get", "/livez /readyz /healthz /version /version/")],
    ),
    gathering("admin"),
    gathering("edit").part_of("admin"),
    gathering("view").part_of("edit"),
    role(
        "system:aggregate-to-admin",
        &[
            on("create", AUTHORIZATION, "localsubjectaccessreviews"),
            on(READ_WRITE, RBAC, "roles rolebindings"),
        ],
    )
    .part_of("admin"),
    role(
        "system:aggregate-to-edit",
        &[
            on(
                READ,
                CORE,
                "pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy",
            ),
            on("impersonate", CORE, "serviceaccounts"),
            on(
                WRITE,
                CORE,
                "pods pods/attach pods/proxy pods/exec pods/portforward",
            ),
            on("create", CORE, "pods/eviction"),
            on(
                WRITE,
                CORE,
                "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/proxy \
                 persistentvolumeclaims configmaps secrets",
            ),
            on("create", CORE, "serviceaccounts/token"),
            on(WRITE, BOTH_EVENTS, "events"),
            on(
                WRITE,
                APPS,
                "statefulsets statefulsets/scale daemonsets deployments deployments/scale deployments/rollback \
                 replicasets replicasets/scale",
            ),
            on(WRITE, AUTOSCALING, "horizontalpodautoscalers"),
            on(WRITE, BATCH, "jobs cronjobs"),
            on(
                WRITE,
                EXTENSIONS,
                "daemonsets deployments deployments/scale deployments/rollback ingresses replicasets \
                 replicasets/scale replicationcontrollers/scale networkpolicies",
            ),
            on(WRITE, POLICY, "poddisruptionbudgets"),
            on(WRITE, NETWORKING, "networkpolicies ingresses"),
            on(READ_WRITE, COORDINATION, "leases"),
            on(WRITE, RESOURCE, "resourceclaims resourceclaimtemplates")
                .with("DynamicResourceAllocation"),
        ],
    )
    .part_of("edit"),
    role(
        "system:aggregate-to-view",
        &[
            on(
                READ,
                CORE,
                "pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status \
                 endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps",
            ),
            on(
                READ,
                CORE,
                "limitranges resourcequotas bindings pods/status resourcequotas/status namespaces/status \
                 replicationcontrollers/status pods/log",
            ),
            on(READ, CORE, "namespaces"),
            on(READ, BOTH_EVENTS, "events"),
            on(READ, DISCOVERY, "endpointslices"),
            on(
                READ,
                APPS,
                "controllerrevisions statefulsets statefulsets/status statefulsets/scale daemonsets \
                 daemonsets/status deployments deployments/status deployments/scale replicasets replicasets/status \
                 replicasets/scale",
            ),
            on(
                READ,
                AUTOSCALING,
                "horizontalpodautoscalers horizontalpodautoscalers/status",
            ),
            on(READ, BATCH, "jobs cronjobs cronjobs/status jobs/status"),
            on(
                READ,
                EXTENSIONS,
                "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses \
                 ingresses/status replicasets replicasets/scale replicasets/status replicationcontrollers/scale \
                 networkpolicies",
            ),
            on(
                READ,
                POLICY,
                "poddisruptionbudgets poddisruptionbudgets/status",
            ),
            on(
                READ,
                NETWORKING,
                "networkpolicies ingresses ingresses/status",
            ),
            on(
                READ,
                RESOURCE,
                "resourceclaims resourceclaims/status resourceclaimtemplates",
            )
            .with("DynamicResourceAllocation"),
        ],
    )
    .part_of("view"),
    role(
        "system:heapster",
        &[
            on(READ, CORE, "events pods nodes namespaces"),
            on(READ, EXTENSIONS, "deployments"),
        ],
    ),
    role(
        "system:node",
        &[
            on("create", AUTHENTICATION, "tokenreviews"),
            on(
                "create",
                AUTHORIZATION,
                "subjectaccessreviews localsubjectaccessreviews",
            ),
            on(READ, CORE, "services"),
            on("create get list watch", CORE, "nodes"),
            on("update patch", CORE, "nodes/status"),
            on("update patch", CORE, "nodes"),
            EVENTS,
            on(READ, CORE, "pods"),
            on("create delete", CORE, "pods"),
            on("update patch", CORE, "pods/status"),
            on("create", CORE, "pods/eviction"),
            on(READ, CORE, "secrets configmaps"),
            on("get", CORE, "persistentvolumeclaims persistentvolumes"),
            on("get", CORE, "endpoints"),
            on(
                "create get list watch",
                CERTIFICATES,
                "certificatesigningrequests",
            ),
            on("get create update patch delete", COORDINATION, "leases"),
            on("get", STORAGE, "volumeattachments"),
            on("create", CORE, "serviceaccounts/token"),
            on("get update patch", CORE, "persistentvolumeclaims/status"),
            on(READ, STORAGE, "csidrivers"),
            on("get create update patch delete", STORAGE, "csinodes"),
            on(READ, "node.k8s.io", "runtimeclasses"),
            on("get", RESOURCE, "resourceclaims").with("DynamicResourceAllocation"),
            on("deletecollection", RESOURCE, "resourceslices").with("DynamicResourceAllocation"),
            on(READ, CERTIFICATES, "clustertrustbundles").with("ClusterTrustBundle"),
            on(
                "create get list watch",
                CERTIFICATES,
                "podcertificaterequests",
            )
            .with("PodCertificateRequest"),
            on("get", CORE, "serviceaccounts").with("KubeletServiceAccountTokenForCredentialProviders"),
        ],
    ),
    role(
        "system:node-problem-detector",
        &[
            on("get", CORE, "nodes"),
            on("patch", CORE, "nodes/status"),
            EVENTS,
        ],
    ),
    role(
        "system:kubelet-api-admin",
        &[
            on(READ, CORE, "nodes"),
            on("proxy", CORE, "nodes"),
            on("*", CORE, "nodes/proxy nodes/metrics nodes/stats nodes/log"),
            on("*", CORE, "nodes/configz nodes/healthz nodes/pods").with("KubeletFineGrainedAuthz"),
        ],
    ),
    role(
        "system:node-bootstrapper",
        &[on(
            "create get list watch",
            CERTIFICATES,
            "certificatesigningrequests",
        )],
    ),
    role(
        "system:auth-delegator",
        &[
            on("create", AUTHENTICATION, "tokenreviews"),
            on("create", AUTHORIZATION, "subjectaccessreviews"),
        ],
    ),
    role(
        "system:kube-aggregator",
        &[on(READ, CORE, "services endpoints")],
    ),
    role(
        "system:kube-controller-manager",
        &[
            EVENTS,
            on("create", COORDINATION, "leases"),
            on("get update", COORDINATION, "leases").named("kube-controller-manager"),
            on("create", CORE, "secrets serviceaccounts"),
            on("delete", CORE, "secrets"),
            on("get", CORE, "namespaces secrets serviceaccounts configmaps"),
            on("update", CORE, "secrets serviceaccounts"),
            on("create", AUTHENTICATION, "tokenreviews"),
            on("create", AUTHORIZATION, "subjectaccessreviews"),
            on("list watch", "*", "*"),
            on("create", CORE, "serviceaccounts/token"),
        ],
    ),
    role(
        "system:kube-dns",
        &[on("list watch", CORE, "endpoints services")],
    ),
    role(
        "system:persistent-volume-provisioner",
        &[
            on("get list watch create delete", CORE, "persistentvolumes"),
            on("get list watch update", CORE, "persistentvolumeclaims"),
            on(READ, STORAGE, "storageclasses"),
            on("watch", CORE, "events"),
            EVENTS,
        ],
    ),
    role(
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        &[on(
            "create",
            CERTIFICATES,
            "certificatesigningrequests/nodeclient",
        )],
    ),
    role(
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        &[on(
            "create",
            CERTIFICATES,
            "certificatesigningrequests/selfnodeclient",
        )],
    ),
    role(
        "system:volume-scheduler",
        &[
            on(READ_UPDATE, CORE, "persistentvolumes"),
            on(READ, STORAGE, "storageclasses"),
            on(READ_UPDATE, CORE, "persistentvolumeclaims"),
        ],
    ),
    role(
        "system:certificates.k8s.io:legacy-unknown-approver",
        &[on("approve", CERTIFICATES, "signers").named("kubernetes.io/legacy-unknown")],
    ),
    role(
        "system:certificates.k8s.io:kubelet-serving-approver",
        &[on("approve", CERTIFICATES, "signers").named("kubernetes.io/kubelet-serving")],
    ),
    role(
        "system:certificates.k8s.io:kube-apiserver-client-approver",
        &[on("approve", CERTIFICATES, "signers").named("kubernetes.io/kube-apiserver-client")],
    ),
    role(
        "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
        &[on("approve", CERTIFICATES, "signers")
            .named("kubernetes.io/kube-apiserver-client-kubelet")],
    ),
    role(
        "system:service-account-issuer-discovery",
        &[at(
            "get",
            "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
        )],
    ),
    role(
        "system:cluster-trust-bundle-discovery",
        &[on(READ, CERTIFICATES, "clustertrustbundles")],
    )
    .with("ClusterTrustBundle"),
    role(
        "system:node-proxier",
        &[
            on("list watch", CORE, "services endpoints"),
            on(READ, CORE, "nodes"),
            EVENTS,
            on("list watch", NETWORKING, "servicecidrs").with("MultiCIDRServiceAllocator"),
            on("list watch", DISCOVERY, "endpointslices"),
        ],
    ),
    role(
        "system:kube-scheduler",
        &[
            EVENTS,
            on("create", COORDINATION, "leases"),
            on("get list watch update", COORDINATION, "leases").named("kube-scheduler"),
            on(READ_WRITE, COORDINATION, "leasecandidates"),
            on(READ, CORE, "nodes"),
            on("get list watch delete", CORE, "pods"),
            on("create", CORE, "pods/binding bindings"),
            on("patch update", CORE, "pods/status"),
            on(READ, CORE, "services replicationcontrollers"),
            on(READ, "apps extensions", "replicasets"),
            on(READ, APPS, "statefulsets"),
            on(READ, POLICY, "poddisruptionbudgets"),
            on(READ, CORE, "persistentvolumeclaims persistentvolumes"),
            on("create", AUTHENTICATION, "tokenreviews"),
            on("create", AUTHORIZATION, "subjectaccessreviews"),
            on(READ, STORAGE, "csinodes"),
            on(READ, STORAGE, "volumeattachments"),
            on(READ, CORE, "namespaces"),
            on(READ, STORAGE, "csidrivers"),
            on(READ, STORAGE, "csistoragecapacities"),
            on(READ, RESOURCE, "deviceclasses").with("DynamicResourceAllocation"),
            on(READ_UPDATE, RESOURCE, "resourceclaims").with("DynamicResourceAllocation"),
            on(READ_UPDATE, RESOURCE, "resourceclaims/status").with("DynamicResourceAllocation"),
            on("update", CORE, "pods/finalizers").with("DynamicResourceAllocation"),
            on(READ, RESOURCE, "resourceslices").with("DynamicResourceAllocation"),
            on("create delete", RESOURCE, "resourceclaims").with("DRAExtendedResource"),
            on("update patch", RESOURCE, "resourceclaims/binding")
                .with("DRAResourceClaimGranularStatusAuthorization"),
            on(READ, RESOURCE, "devicetaintrules").with("DRADeviceTaintRules"),
        ],
    ),
];

pub(in crate::rbac) const CLUSTER_BINDINGS: &[BindingRow] = &[
    binding("cluster-admin", &["group:system:masters"]),
    binding("system:monitoring", &["group:system:monitoring"]),
    binding("system:discovery", &["group:system:authenticated"]),
    binding("system:basic-user", &["group:system:authenticated"]),
    binding(
        "system:public-info-viewer",
        &["group:system:authenticated", "group:system:unauthenticated"],
    ),
    binding("system:node-proxier", &["user:system:kube-proxy"]),
    binding(
        "system:kube-controller-manager",
        &["user:system:kube-controller-manager"],
    ),
    binding("system:kube-dns", &["account:kube-system/kube-dns"]),
    binding("system:kube-scheduler", &["user:system:kube-scheduler"]),
    binding("system:volume-scheduler", &["user:system:kube-scheduler"]),
    // Bound to nobody: the Node authorizer does what this once did.
    binding("system:node", &[]),
    binding(
        "system:service-account-issuer-discovery",
        &["group:system:serviceaccounts"],
    ),
    binding(
        "system:cluster-trust-bundle-discovery",
        &["group:system:serviceaccounts"],
    )
    .with("ClusterTrustBundle"),
];
