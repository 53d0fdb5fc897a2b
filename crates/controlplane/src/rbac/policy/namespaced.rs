//! Roles in `kube-system` and `kube-public`, and who has them.

use super::{BindingRow, COORDINATION, CORE, EVENTS, READ, RoleRow, binding, on, role};

const SYSTEM: &str = "kube-system";
const PUBLIC: &str = "kube-public";
/// What holding a lease takes.
const LOCK: &str = "create get list update watch";

/// By namespace.
pub(in crate::rbac) const ROLES: &[(&str, RoleRow)] = &[
    (
        SYSTEM,
        role(
            "extension-apiserver-authentication-reader",
            &[on(READ, CORE, "configmaps").named("extension-apiserver-authentication")],
        ),
    ),
    (
        SYSTEM,
        role(
            "system:controller:bootstrap-signer",
            &[on(READ, CORE, "secrets")],
        ),
    ),
    (
        SYSTEM,
        role(
            "system:controller:cloud-provider",
            &[on("create get list watch", CORE, "configmaps")],
        ),
    ),
    (
        SYSTEM,
        role(
            "system:controller:token-cleaner",
            &[on("get list watch delete", CORE, "secrets"), EVENTS],
        ),
    ),
    (
        SYSTEM,
        role(
            "system::leader-locking-kube-controller-manager",
            &[
                on(LOCK, COORDINATION, "leases"),
                on(LOCK, COORDINATION, "leasecandidates"),
            ],
        ),
    ),
    (
        SYSTEM,
        role(
            "system::leader-locking-kube-scheduler",
            &[
                on(LOCK, COORDINATION, "leases"),
                on(LOCK, COORDINATION, "leasecandidates"),
            ],
        ),
    ),
    (
        PUBLIC,
        role(
            "system:controller:bootstrap-signer",
            &[
                on(READ, CORE, "configmaps"),
                on("update", CORE, "configmaps").named("cluster-info"),
                EVENTS,
            ],
        ),
    ),
];

/// By namespace.
pub(in crate::rbac) const ROLE_BINDINGS: &[(&str, BindingRow)] = &[
    (
        SYSTEM,
        BindingRow {
            name: "system::extension-apiserver-authentication-reader",
            role: "extension-apiserver-authentication-reader",
            subjects: &[
                "user:system:kube-controller-manager",
                "user:system:kube-scheduler",
            ],
            gate: None,
        },
    ),
    (
        SYSTEM,
        binding(
            "system::leader-locking-kube-controller-manager",
            &[
                "user:system:kube-controller-manager",
                "account:kube-system/kube-controller-manager",
                "account:kube-system/leader-election-controller",
            ],
        ),
    ),
    (
        SYSTEM,
        binding(
            "system::leader-locking-kube-scheduler",
            &[
                "user:system:kube-scheduler",
                "account:kube-system/kube-scheduler",
            ],
        ),
    ),
    (
        SYSTEM,
        binding(
            "system:controller:bootstrap-signer",
            &["account:kube-system/bootstrap-signer"],
        ),
    ),
    (
        SYSTEM,
        binding(
            "system:controller:cloud-provider",
            &["account:kube-system/cloud-provider"],
        ),
    ),
    (
        SYSTEM,
        binding(
            "system:controller:token-cleaner",
            &["account:kube-system/token-cleaner"],
        ),
    ),
    (
        PUBLIC,
        binding(
            "system:controller:bootstrap-signer",
            &["account:kube-system/bootstrap-signer"],
        ),
    ),
];
