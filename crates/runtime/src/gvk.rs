//! The coordinates of the API: groups, versions, kinds and resources.
//!
//! A *kind* is the type of an object (`Deployment`), a *resource* its place in a path
//! (`deployments`). The core group has the empty name.

use std::fmt;

use crate::resource::Resource;
use crate::text::Text;

macro_rules! coordinates {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Text,)+
        }

        impl $name {
            /// From its parts.
            pub fn new($($field: impl Into<Text>),+) -> Self {
                Self { $($field: $field.into()),+ }
            }

            /// Whether every part is empty.
            pub fn is_empty(&self) -> bool {
                $(self.$field.is_empty())&&+
            }
        }
    };
}

coordinates! {
    /// A version of a group; an `apiVersion`. Shown as `apps/v1`, or `v1` for the core group.
    GroupVersion {
        /// API group, empty for the core group.
        group,
        /// Version, such as `v1`.
        version
    }
}

coordinates! {
    /// A kind in any version. Shown as `Deployment.apps`, or `Pod` for the core group.
    GroupKind {
        /// API group, empty for the core group.
        group,
        /// Kind, such as `Deployment`.
        kind
    }
}

coordinates! {
    /// A resource in any version. Shown as `deployments.apps`, or `pods` for the core group.
    GroupResource {
        /// API group, empty for the core group.
        group,
        /// Plural name as in the path, such as `deployments`.
        resource
    }
}

coordinates! {
    /// The type of an object. Shown as `apps/v1, Kind=Deployment`.
    GroupVersionKind {
        /// API group, empty for the core group.
        group,
        /// Version, such as `v1`.
        version,
        /// Kind, such as `Deployment`.
        kind
    }
}

coordinates! {
    /// A place in the API. Shown as `apps/v1, Resource=deployments`.
    GroupVersionResource {
        /// API group, empty for the core group.
        group,
        /// Version, such as `v1`.
        version,
        /// Plural name as in the path, such as `deployments`.
        resource
    }
}

/// An `apiVersion` with more than one slash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unexpected GroupVersion string: {0}")]
pub struct ParseGroupVersionError(String);

impl GroupVersion {
    /// Reads an `apiVersion`. Empty text and a single slash are the empty group version, as they
    /// are to Kubernetes.
    ///
    /// # Errors
    /// Where it has more than one slash.
    pub fn parse(api_version: &str) -> Result<Self, ParseGroupVersionError> {
        if api_version.is_empty() || api_version == "/" {
            return Ok(Self::default());
        }
        match api_version.split_once('/') {
            None => Ok(Self {
                group: Text::default(),
                version: Text::from(api_version.to_owned()),
            }),
            Some((_, version)) if version.contains('/') => {
                Err(ParseGroupVersionError(api_version.to_owned()))
            }
            Some((group, version)) => Ok(Self::new(group.to_owned(), version.to_owned())),
        }
    }

    /// A kind of this version.
    pub fn with_kind(&self, kind: impl Into<Text>) -> GroupVersionKind {
        GroupVersionKind {
            group: self.group.clone(),
            version: self.version.clone(),
            kind: kind.into(),
        }
    }

    /// A resource of this version.
    pub fn with_resource(&self, resource: impl Into<Text>) -> GroupVersionResource {
        GroupVersionResource {
            group: self.group.clone(),
            version: self.version.clone(),
            resource: resource.into(),
        }
    }
}

impl GroupKind {
    /// Reads `Deployment.apps`; what follows the first dot is the group.
    pub fn parse(text: &str) -> Self {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        Self::new(group.to_owned(), kind.to_owned())
    }
}

impl GroupResource {
    /// Reads `deployments.apps`; what follows the first dot is the group.
    pub fn parse(text: &str) -> Self {
        let (resource, group) = text.split_once('.').unwrap_or((text, ""));
        Self::new(group.to_owned(), resource.to_owned())
    }

    /// The resource in a version.
    pub fn with_version(&self, version: impl Into<Text>) -> GroupVersionResource {
        GroupVersionResource {
            group: self.group.clone(),
            version: version.into(),
            resource: self.resource.clone(),
        }
    }
}

impl GroupVersionKind {
    /// From an object's `apiVersion` and `kind`.
    ///
    /// # Errors
    /// Where the `apiVersion` has more than one slash.
    pub fn from_api_version(api_version: &str, kind: &str) -> Result<Self, ParseGroupVersionError> {
        Ok(GroupVersion::parse(api_version)?.with_kind(kind.to_owned()))
    }

    /// The group and version.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion {
            group: self.group.clone(),
            version: self.version.clone(),
        }
    }

    /// The kind without its version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind {
            group: self.group.clone(),
            kind: self.kind.clone(),
        }
    }
}

impl GroupVersionResource {
    /// The group and version.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion {
            group: self.group.clone(),
            version: self.version.clone(),
        }
    }

    /// The resource without its version.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource {
            group: self.group.clone(),
            resource: self.resource.clone(),
        }
    }
}

impl From<&Resource> for GroupResource {
    fn from(row: &Resource) -> Self {
        Self {
            group: row.group.clone().into(),
            resource: row.name.clone().into(),
        }
    }
}

impl From<&Resource> for GroupVersionResource {
    fn from(row: &Resource) -> Self {
        Self {
            group: row.group.clone().into(),
            version: row.version.clone().into(),
            resource: row.name.clone().into(),
        }
    }
}

impl From<&Resource> for GroupKind {
    fn from(row: &Resource) -> Self {
        Self {
            group: row.group.clone().into(),
            kind: row.kind.clone().into(),
        }
    }
}

impl From<&Resource> for GroupVersionKind {
    fn from(row: &Resource) -> Self {
        Self {
            group: row.group.clone().into(),
            version: row.version.clone().into(),
            kind: row.kind.clone().into(),
        }
    }
}

impl fmt::Display for GroupVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.version)
        } else {
            write!(f, "{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.kind)
        } else {
            write!(f, "{}.{}", self.kind, self.group)
        }
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.resource)
        } else {
            write!(f, "{}.{}", self.resource, self.group)
        }
    }
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

impl fmt::Display for GroupVersionResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}, Resource={}",
            self.group, self.version, self.resource
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(shown: &impl fmt::Display, expected: &str) {
        assert_eq!(shown.to_string(), expected);
    }

    #[test]
    fn coordinates_are_shown_as_upstream_does() {
        let apps = GroupVersion::new("apps", "v1");
        check(&apps, "apps/v1");
        check(&GroupVersion::new("", "v1"), "v1");
        check(&apps.with_kind("Deployment"), "apps/v1, Kind=Deployment");
        check(
            &apps.with_kind("Deployment").group_kind(),
            "Deployment.apps",
        );
        check(
            &apps.with_resource("deployments"),
            "apps/v1, Resource=deployments",
        );
        check(
            &apps.with_resource("deployments").group_resource(),
            "deployments.apps",
        );
        check(&GroupVersionKind::new("", "v1", "Pod"), "/v1, Kind=Pod");
        check(&GroupResource::new("", "pods"), "pods");
    }

    #[test]
    fn coordinates_are_read() {
        assert_eq!(
            GroupVersion::parse("apps/v1"),
            Ok(GroupVersion::new("apps", "v1"))
        );
        assert_eq!(GroupVersion::parse("v1"), Ok(GroupVersion::new("", "v1")));
        assert!(GroupVersion::parse("/").is_ok_and(|version| version.is_empty()));
        assert_eq!(
            GroupResource::parse("roles.rbac.authorization.k8s.io").group,
            "rbac.authorization.k8s.io"
        );
        assert_eq!(GroupKind::parse("Pod"), GroupKind::new("", "Pod"));
    }

    #[test]
    fn two_slashes_are_no_api_version() {
        let error = GroupVersion::parse("a/b/c").expect_err("two slashes");
        check(&error, "unexpected GroupVersion string: a/b/c");
    }
}
