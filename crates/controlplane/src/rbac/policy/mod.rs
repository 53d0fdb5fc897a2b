//! The roles and bindings that every cluster has: upstream's bootstrap policy, as data.
//!
//! Rules are written in words: verbs, groups and resources, with `core` for the group without a name. Their order is
//! upstream's; within a rule, words are sorted when an object is made of it, as upstream sorts them.

mod cluster;
mod controllers;
mod namespaced;

pub(super) use cluster::{CLUSTER_BINDINGS, CLUSTER_ROLES};
pub(super) use controllers::{CONTROLLER_ROLES, PREFIX};
pub(super) use namespaced::{ROLE_BINDINGS, ROLES};

/// A rule in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleRow {
    pub(super) verbs: &'static str,
    pub(super) groups: &'static str,
    pub(super) resources: &'static str,
    pub(super) names: &'static str,
    pub(super) urls: &'static str,
    /// The gate that it is there with.
    pub(super) gate: Option<&'static str>,
}

impl RuleRow {
    const fn named(self, names: &'static str) -> Self {
        Self { names, ..self }
    }

    const fn with(self, gate: &'static str) -> Self {
        Self {
            gate: Some(gate),
            ..self
        }
    }
}

/// Verbs on resources of groups.
const fn on(verbs: &'static str, groups: &'static str, resources: &'static str) -> RuleRow {
    RuleRow {
        verbs,
        groups,
        resources,
        names: "",
        urls: "",
        gate: None,
    }
}

/// A verb on paths.
const fn at(verbs: &'static str, urls: &'static str) -> RuleRow {
    RuleRow {
        urls,
        ..on(verbs, "", "")
    }
}

/// A role: its name, and its rules or whose rules it gathers.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoleRow {
    pub(super) name: &'static str,
    pub(super) rules: &'static [RuleRow],
    /// The role whose rules this one's become part of: `rbac.authorization.k8s.io/aggregate-to-<name>`.
    pub(super) part_of: &'static str,
    /// Its rules are those that are part of it.
    pub(super) gathers: bool,
    /// The gate that it is there with.
    pub(super) gate: Option<&'static str>,
}

impl RoleRow {
    const fn part_of(self, part_of: &'static str) -> Self {
        Self { part_of, ..self }
    }

    const fn with(self, gate: &'static str) -> Self {
        Self {
            gate: Some(gate),
            ..self
        }
    }
}

const fn role(name: &'static str, rules: &'static [RuleRow]) -> RoleRow {
    RoleRow {
        name,
        rules,
        part_of: "",
        gathers: false,
        gate: None,
    }
}

const fn gathering(name: &'static str) -> RoleRow {
    RoleRow {
        gathers: true,
        ..role(name, &[])
    }
}

/// A binding: its name, the role and to whom. Subjects are `user:…`, `group:…` and `account:namespace/name`.
#[derive(Debug, Clone, Copy)]
pub(super) struct BindingRow {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) subjects: &'static [&'static str],
    /// The gate that it is there with.
    pub(super) gate: Option<&'static str>,
}

impl BindingRow {
    const fn with(self, gate: &'static str) -> Self {
        Self {
            gate: Some(gate),
            ..self
        }
    }
}

const fn binding(name: &'static str, subjects: &'static [&'static str]) -> BindingRow {
    BindingRow {
        name,
        role: name,
        subjects,
        gate: None,
    }
}

const READ: &str = "get list watch";
const WRITE: &str = "create update patch delete deletecollection";
const READ_WRITE: &str = "get list watch create update patch delete deletecollection";
const READ_UPDATE: &str = "get list watch update patch";

/// Both groups that events are in.
const BOTH_EVENTS: &str = "core events.k8s.io";

const EVENTS: RuleRow = on("create update patch", BOTH_EVENTS, "events");

const APPS: &str = "apps";
const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const AUTOSCALING: &str = "autoscaling";
const BATCH: &str = "batch";
const CERTIFICATES: &str = "certificates.k8s.io";
const COORDINATION: &str = "coordination.k8s.io";
const CORE: &str = "core";
const DISCOVERY: &str = "discovery.k8s.io";
const EXTENSIONS: &str = "extensions";
const NETWORKING: &str = "networking.k8s.io";
const POLICY: &str = "policy";
const RBAC: &str = "rbac.authorization.k8s.io";
const RESOURCE: &str = "resource.k8s.io";
const STORAGE: &str = "storage.k8s.io";
