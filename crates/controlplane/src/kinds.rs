//! What is particular to each kind, as data: one row per stored resource.
//!
//! A row says what upstream's strategy objects say in methods: whether a PUT may create, whether it
//! may be blind, what a DELETE answers, what counts as a new generation, and how a name is checked.

use pintle_endpoints::strategy::{Generation, Look, NameRule, Traits};
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::ip;
use pintle_runtime::name::{Messages, Part};

use Generation::{
    AllAndLabels, AllButStatus, AllButStatusFromNone, Fixed, Spec, SpecOrAnnotations,
};
use Look::{AsNew, AtChanges};
use NameRule::{DnsLabel as Label, PathSegment};

/// What is particular to a kind.
#[derive(Debug, Clone)]
pub struct KindFacts {
    /// API group.
    pub group: &'static str,
    /// Plural name.
    pub resource: &'static str,
    /// The rules of its verbs.
    pub traits: Traits,
    /// There is a status endpoint: the main one ignores `status`, the other all but `status` and metadata.
    pub has_status: bool,
    /// A new object may come with a status, as that of a node does.
    pub may_create_status: bool,
    /// What of metadata the status endpoint does not write.
    pub status_keeps: Kept,
    /// A finalizer whose name has no domain is one of Kubernetes' own.
    pub knows_finalizers: bool,
}

/// What of an object's metadata the status endpoint leaves as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Nothing: it writes all that a client may write.
    Nothing,
    /// Who owns it.
    Owners,
    /// Its labels.
    Labels,
    /// All that a client may write.
    Metadata,
}

const fn kind(group: &'static str, resource: &'static str) -> KindFacts {
    KindFacts {
        group,
        resource,
        traits: Traits::DEFAULT,
        has_status: false,
        may_create_status: false,
        status_keeps: Kept::Nothing,
        knows_finalizers: true,
    }
}

impl KindFacts {
    const fn may_create_on_update(mut self) -> Self {
        self.traits.create_on_update = true;
        self
    }

    const fn needs_version(mut self) -> Self {
        self.traits.unconditional_update = false;
        self
    }

    const fn returned(mut self) -> Self {
        self.traits.returns_deleted_object = true;
        self
    }

    const fn generation(mut self, generation: Generation) -> Self {
        self.traits.generation = generation;
        self
    }

    const fn named(mut self, name: NameRule) -> Self {
        self.traits.name = name;
        self
    }

    const fn with_status(mut self) -> Self {
        self.has_status = true;
        self
    }

    const fn with_status_that_keeps(mut self, kept: Kept) -> Self {
        self.status_keeps = kept;
        self.with_status()
    }

    const fn looking(mut self, looks: &'static [Look]) -> Self {
        self.traits.looks = looks;
        self
    }

    const fn with_any_finalizer(mut self) -> Self {
        self.knows_finalizers = false;
        self
    }

    const fn created_with_status(mut self) -> Self {
        self.may_create_status = true;
        self
    }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const FLOWCONTROL: &str = "flowcontrol.apiserver.k8s.io";
const RESOURCE: &str = "resource.k8s.io";

/// One row per stored resource.
pub const KINDS: &[KindFacts] = &[
    kind("", "configmaps").looking(&[AtChanges, AsNew]),
    kind("", "endpoints").may_create_on_update(),
    kind("", "events")
        .looking(&[])
        .with_any_finalizer()
        .may_create_on_update()
        .named(PathSegment),
    kind("", "limitranges")
        .looking(&[AsNew])
        .may_create_on_update(),
    kind("", "namespaces")
        .looking(&[AsNew, AtChanges])
        .returned()
        .named(Label)
        .with_status(),
    kind("", "nodes")
        .looking(&[AsNew, AtChanges])
        .with_status()
        .created_with_status(),
    kind("", "persistentvolumeclaims")
        .looking(&[AtChanges, AsNew])
        .returned()
        .with_status(),
    kind("", "persistentvolumes")
        .looking(&[AsNew, AsNew])
        .returned()
        .with_status(),
    kind("", "pods")
        .looking(&[AtChanges, AsNew])
        .returned()
        .generation(Spec)
        .with_status_that_keeps(Kept::Owners),
    kind("", "podtemplates").returned().generation(AllButStatus),
    kind("", "replicationcontrollers")
        .generation(Spec)
        .with_status(),
    kind("", "resourcequotas").returned().with_status(),
    kind("", "secrets").looking(&[AtChanges, AsNew]),
    kind("", "serviceaccounts")
        .looking(&[AtChanges, AsNew])
        .returned(),
    kind("", "services")
        .looking(&[AtChanges, AsNew])
        .may_create_on_update()
        .returned()
        .named(Label)
        .with_status(),
    kind(ADMISSION, "mutatingadmissionpolicies")
        .with_any_finalizer()
        .needs_version()
        .generation(Spec),
    kind(ADMISSION, "mutatingadmissionpolicybindings")
        .with_any_finalizer()
        .needs_version()
        .generation(Spec),
    kind(ADMISSION, "mutatingwebhookconfigurations")
        .with_any_finalizer()
        .needs_version()
        .generation(AllButStatus),
    kind(ADMISSION, "validatingadmissionpolicies")
        .with_any_finalizer()
        .needs_version()
        .generation(Spec)
        .with_status_that_keeps(Kept::Metadata),
    kind(ADMISSION, "validatingadmissionpolicybindings")
        .with_any_finalizer()
        .needs_version()
        .generation(Spec),
    kind(ADMISSION, "validatingwebhookconfigurations")
        .with_any_finalizer()
        .needs_version()
        .generation(AllButStatus),
    kind("apiextensions.k8s.io", "customresourcedefinitions")
        .with_any_finalizer()
        .needs_version()
        .generation(Spec)
        .with_status(),
    kind("apiregistration.k8s.io", "apiservices")
        .with_any_finalizer()
        .needs_version()
        .named(PathSegment)
        .with_status_that_keeps(Kept::Metadata),
    kind("apps", "controllerrevisions"),
    kind("apps", "daemonsets").generation(Spec).with_status(),
    kind("apps", "deployments")
        .generation(SpecOrAnnotations)
        .with_status_that_keeps(Kept::Labels),
    kind("apps", "replicasets").generation(Spec).with_status(),
    kind("apps", "statefulsets")
        .generation(Spec)
        .named(Label)
        .with_status(),
    kind("autoscaling", "horizontalpodautoscalers").with_status(),
    kind("batch", "cronjobs").generation(Spec).with_status(),
    kind("batch", "jobs")
        .looking(&[AsNew, AtChanges])
        .generation(Spec)
        .with_status(),
    kind("certificates.k8s.io", "certificatesigningrequests")
        .looking(&[AsNew, AtChanges])
        .named(PathSegment)
        .with_status(),
    kind("coordination.k8s.io", "leases")
        .with_any_finalizer()
        .may_create_on_update()
        .needs_version(),
    kind("discovery.k8s.io", "endpointslices").generation(AllAndLabels),
    kind(FLOWCONTROL, "flowschemas")
        .generation(Spec)
        .with_status_that_keeps(Kept::Metadata),
    kind(FLOWCONTROL, "prioritylevelconfigurations")
        .generation(Spec)
        .with_status_that_keeps(Kept::Metadata),
    kind("networking.k8s.io", "ingressclasses").generation(Spec),
    kind("networking.k8s.io", "ingresses")
        .generation(Spec)
        .with_status(),
    kind("networking.k8s.io", "ipaddresses").named(NameRule::Custom(ip_address)),
    kind("networking.k8s.io", "networkpolicies").generation(Spec),
    kind("networking.k8s.io", "servicecidrs").with_status_that_keeps(Kept::Metadata),
    kind("node.k8s.io", "runtimeclasses")
        .looking(&[AsNew, AtChanges])
        .may_create_on_update()
        .needs_version(),
    kind("policy", "poddisruptionbudgets")
        .looking(&[])
        .with_any_finalizer()
        .needs_version()
        .named(PathSegment)
        .generation(Spec)
        .with_status(),
    kind(RBAC, "clusterrolebindings")
        .looking(&[AsNew, AtChanges])
        .may_create_on_update()
        .named(PathSegment),
    kind(RBAC, "clusterroles")
        .looking(&[AsNew, AtChanges])
        .may_create_on_update()
        .named(PathSegment),
    kind(RBAC, "rolebindings")
        .looking(&[AsNew, AtChanges])
        .may_create_on_update()
        .named(PathSegment),
    kind(RBAC, "roles")
        .looking(&[AsNew, AtChanges])
        .may_create_on_update()
        .named(PathSegment),
    kind(RESOURCE, "deviceclasses")
        .looking(&[AsNew, AtChanges])
        .returned()
        .generation(AllButStatus),
    kind(RESOURCE, "resourceclaims")
        .looking(&[AsNew, AtChanges])
        .returned()
        .with_status_that_keeps(Kept::Metadata),
    kind(RESOURCE, "resourceclaimtemplates").returned(),
    kind(RESOURCE, "resourceslices")
        .returned()
        .generation(AllButStatus),
    kind("scheduling.k8s.io", "priorityclasses").generation(Fixed),
    kind(STORAGE, "csidrivers")
        .needs_version()
        .returned()
        .generation(AllButStatusFromNone),
    kind(STORAGE, "csinodes").needs_version().returned(),
    kind(STORAGE, "csistoragecapacities").needs_version(),
    kind(STORAGE, "storageclasses")
        .looking(&[AsNew, AtChanges])
        .returned(),
    kind(STORAGE, "volumeattachments")
        .needs_version()
        .returned()
        .with_status_that_keeps(Kept::Metadata),
    kind(STORAGE, "volumeattributesclasses")
        .looking(&[AsNew, AtChanges])
        .returned(),
];

/// The row of a resource. A stored resource without one is treated like the plainest row.
pub fn facts(group: &str, resource: &str) -> KindFacts {
    // The two event resources are one.
    let group = if group == "events.k8s.io" { "" } else { group };
    let found = KINDS
        .iter()
        .find(|row| row.group == group && row.resource == resource);
    found.cloned().unwrap_or(const { kind("", "") })
}

/// An address is called as it is written.
fn ip_address(name: &str, _: Part) -> Messages {
    let mut errors = ErrorList::new();
    ip::validate(name, &Path::NOWHERE, &mut errors);
    errors
        .into_iter()
        .map(|error| error.detail.into())
        .collect()
}

#[cfg(test)]
mod tests;
