//! What an authorizer sees of a request: [`Attributes`].

use std::fmt;
use std::sync::Arc;

use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

/// What an authorizer sees of a request. Texts are slices of the request's path, so a copy is cheap.
#[derive(Debug, Clone)]
pub struct Attributes {
    /// Who asks.
    pub user: Arc<UserInfo>,
    /// What is asked: `get`, `list`, … for a resource, the method in lower case for another path.
    pub verb: Text,
    /// The path of the request, percent-decoded.
    pub path: Text,
    /// The resource, unless the path is not one of a resource.
    pub resource: Option<ResourceAttributes>,
}

/// The resource that a request is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceAttributes {
    /// API group, empty for the core group.
    pub group: Text,
    /// Version, such as `v1`.
    pub version: Text,
    /// Plural name, such as `pods`.
    pub resource: Text,
    /// Subresource, or empty.
    pub subresource: Text,
    /// Namespace, or empty: for a cluster-wide resource, and for all namespaces.
    pub namespace: Text,
    /// Name of the object, or empty.
    pub name: Text,
    /// The field selector of a list, watch or deletion of many, as the client wrote it.
    pub field_selector: Text,
    /// The label selector of a list, watch or deletion of many, as the client wrote it.
    pub label_selector: Text,
}

impl Attributes {
    /// Whether the request changes nothing.
    pub fn is_read_only(&self) -> bool {
        matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// The attributes as a refusal names them, such as
/// `User "bob" cannot list resource "pods" in API group "" in the namespace "probe"`.
impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = Quoted(&self.user.name);
        let Some(target) = &self.resource else {
            return write!(
                f,
                "User {user} cannot {} path {}",
                self.verb,
                Quoted(&self.path)
            );
        };
        write!(
            f,
            "User {user} cannot {} resource \"{}",
            self.verb, target.resource
        )?;
        if !target.subresource.is_empty() {
            write!(f, "/{}", target.subresource)?;
        }
        write!(f, "\" in API group \"{}\"", target.group)?;
        if target.namespace.is_empty() {
            f.write_str(" at the cluster scope")
        } else {
            write!(f, " in the namespace \"{}\"", target.namespace)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        verb: &'static str,
        path: &'static str,
        resource: Option<ResourceAttributes>,
        expected: &str,
    ) {
        let user = Arc::new(UserInfo::named("bob"));
        let attributes = Attributes {
            user,
            verb: verb.into(),
            path: path.into(),
            resource,
        };
        assert_eq!(attributes.to_string(), expected);
    }

    #[test]
    fn a_refusal_names_user_verb_resource_and_scope() {
        let pods = ResourceAttributes {
            resource: "pods".into(),
            namespace: "probe".into(),
            ..Default::default()
        };
        check(
            "list",
            "",
            Some(pods.clone()),
            r#"User "bob" cannot list resource "pods" in API group "" in the namespace "probe""#,
        );
        let status = ResourceAttributes {
            subresource: "status".into(),
            group: "apps".into(),
            namespace: Text::default(),
            ..pods
        };
        check(
            "update",
            "",
            Some(status),
            r#"User "bob" cannot update resource "pods/status" in API group "apps" at the cluster scope"#,
        );
    }

    #[test]
    fn a_refusal_of_another_path_names_the_path() {
        check(
            "get",
            "/metrics",
            None,
            r#"User "bob" cannot get path "/metrics""#,
        );
    }
}
