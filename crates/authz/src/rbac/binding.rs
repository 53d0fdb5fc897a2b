//! What a binding says: who is granted which role.

use std::fmt;

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;

/// Who is granted something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A user by name.
    User(Text),
    /// The members of a group.
    Group(Text),
    /// A service account.
    ServiceAccount {
        /// Its namespace; where the binding leaves it out, the binding's.
        namespace: Text,
        /// Its name.
        name: Text,
    },
}

/// Which kind of role a binding grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleKind {
    /// A role of the binding's namespace.
    Role,
    /// A cluster-wide one.
    ClusterRole,
}

/// The role that a binding grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRef {
    /// Its kind.
    pub kind: RoleKind,
    /// Its name.
    pub name: Text,
}

/// A `RoleBinding`, or a `ClusterRoleBinding` if the namespace is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Its namespace, or empty.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
    /// What it grants.
    pub role: RoleRef,
    /// To whom.
    pub subjects: Vec<Subject>,
}

/// Which of the maps a subject is in.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Users,
    Groups,
}

impl Subject {
    /// Where requests of the subject are looked up; nowhere for an account without a namespace.
    pub(super) fn key(&self) -> Option<(Part, Text)> {
        match self {
            Self::User(name) => Some((Part::Users, name.clone())),
            Self::Group(name) => Some((Part::Groups, name.clone())),
            Self::ServiceAccount { namespace, .. } if namespace.is_empty() => None,
            Self::ServiceAccount { namespace, name } => {
                let user = format!("system:serviceaccount:{namespace}:{name}");
                Some((Part::Users, user.into()))
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "User {}", Quoted(name)),
            Self::Group(name) => write!(f, "Group {}", Quoted(name)),
            Self::ServiceAccount { namespace, name } => {
                let text = format!("{name}/{namespace}");
                write!(f, "ServiceAccount {}", Quoted(&text))
            }
        }
    }
}

impl fmt::Display for RoleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
        })
    }
}

/// A binding grants a role that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}.rbac.authorization.k8s.io {} not found", singular(.0.kind), Quoted(&.0.name))]
pub struct NoSuchRole(pub RoleRef);

fn singular(kind: RoleKind) -> &'static str {
    match kind {
        RoleKind::Role => "role",
        RoleKind::ClusterRole => "clusterrole",
    }
}
