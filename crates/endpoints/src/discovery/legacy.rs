//! The documents that every client has understood since v1.0.

use pintle_runtime::resource::{Group, GroupVersion, Resource, Subresource};
use prost::Message;
use serde::Serialize;

use super::Answer;

/// `/api`. It has no `apiVersion`, as it is older than that field.
pub(super) fn versions(core: Option<&Group>, server_address: &str) -> Answer {
    let versions = core.into_iter().flat_map(|group| group.versions.iter());
    let object = ApiVersions {
        versions: versions
            .map(|version| version.version.to_string())
            .collect(),
        server_addresses: vec![ServerAddress {
            client_cidr: "0.0.0.0/0".to_owned(),
            server_address: server_address.to_owned(),
        }],
    };
    Answer::legacy("", "APIVersions", &object)
}

/// `/apis`.
pub(super) fn group_list(groups: &[&Group]) -> Answer {
    let groups = groups.iter().map(|group| api_group(group)).collect();
    Answer::legacy("v1", "APIGroupList", &ApiGroupList { groups })
}

/// `/apis/{group}`.
pub(super) fn group(group: &Group) -> Answer {
    Answer::legacy("v1", "APIGroup", &api_group(group))
}

fn api_group(group: &Group) -> ApiGroup {
    let versions: Vec<_> = group
        .versions
        .iter()
        .map(|version| VersionOfGroup {
            group_version: format!("{}/{}", group.name, version.version),
            version: version.version.to_string(),
        })
        .collect();
    ApiGroup {
        name: group.name.to_string(),
        preferred_version: versions.first().cloned(),
        versions,
    }
}

/// `/api/{version}` and `/apis/{group}/{version}`. The former has no `apiVersion`.
pub(super) fn resource_list(group: &str, version: &GroupVersion) -> Answer {
    let group_version = if group.is_empty() {
        version.version.to_string()
    } else {
        format!("{group}/{}", version.version)
    };
    let resources = version.resources.iter().flat_map(|row| {
        let subresources = row
            .subresources
            .iter()
            .map(move |subresource| api_subresource(row, subresource));
        std::iter::once(api_resource(row)).chain(subresources)
    });
    let list = ApiResourceList {
        group_version,
        resources: resources.collect(),
    };
    Answer::legacy(
        if group.is_empty() { "" } else { "v1" },
        "APIResourceList",
        &list,
    )
}

fn api_resource(row: &Resource) -> ApiResource {
    ApiResource {
        name: row.name.to_string(),
        singular_name: row.singular.to_string(),
        namespaced: row.namespaced,
        kind: row.kind.to_string(),
        verbs: Verbs::of(&row.verbs),
        short_names: super::aggregated::texts(&row.short_names),
        categories: super::aggregated::texts(&row.categories),
        storage_version_hash: row
            .storage
            .as_ref()
            .map(|storage| storage.hash.to_string())
            .unwrap_or_default(),
        ..ApiResource::default()
    }
}

fn api_subresource(parent: &Resource, row: &Subresource) -> ApiResource {
    let foreign = row.group != parent.group || row.version != parent.version;
    ApiResource {
        name: format!("{}/{}", parent.name, row.name),
        namespaced: parent.namespaced,
        group: if foreign {
            row.group.to_string()
        } else {
            String::new()
        },
        version: if foreign {
            row.version.to_string()
        } else {
            String::new()
        },
        kind: row.kind.to_string(),
        verbs: Verbs::of(&row.verbs),
        ..ApiResource::default()
    }
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ApiVersions {
    #[prost(string, repeated, tag = "1")]
    versions: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    #[serde(rename = "serverAddressByClientCIDRs")]
    server_addresses: Vec<ServerAddress>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ServerAddress {
    #[prost(string, required, tag = "1")]
    #[serde(rename = "clientCIDR")]
    client_cidr: String,
    #[prost(string, required, tag = "2")]
    #[serde(rename = "serverAddress")]
    server_address: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ApiGroupList {
    #[prost(message, repeated, tag = "1")]
    groups: Vec<ApiGroup>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiGroup {
    #[prost(string, required, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    versions: Vec<VersionOfGroup>,
    #[prost(message, optional, tag = "3")]
    preferred_version: Option<VersionOfGroup>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionOfGroup {
    #[prost(string, required, tag = "1")]
    group_version: String,
    #[prost(string, required, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResourceList {
    #[prost(string, required, tag = "1")]
    group_version: String,
    #[prost(message, repeated, tag = "2")]
    resources: Vec<ApiResource>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResource {
    #[prost(string, required, tag = "1")]
    name: String,
    #[prost(string, required, tag = "6")]
    singular_name: String,
    #[prost(bool, required, tag = "2")]
    namespaced: bool,
    #[prost(string, required, tag = "8")]
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    #[prost(string, required, tag = "9")]
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[prost(string, required, tag = "3")]
    kind: String,
    #[prost(message, required, tag = "4")]
    verbs: Verbs,
    #[prost(string, repeated, tag = "5")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    short_names: Vec<String>,
    #[prost(string, repeated, tag = "7")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
    #[prost(string, required, tag = "10")]
    #[serde(skip_serializing_if = "String::is_empty")]
    storage_version_hash: String,
}

/// A message of its own in protobuf, a plain list in JSON.
#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(transparent)]
struct Verbs {
    #[prost(string, repeated, tag = "1")]
    items: Vec<String>,
}

impl Verbs {
    fn of(names: &[pintle_runtime::resource::Name]) -> Self {
        Self {
            items: super::aggregated::texts(names),
        }
    }
}
