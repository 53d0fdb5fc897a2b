//! All groups with all their resources in one document (`apidiscovery.k8s.io/v2`).

use pintle_runtime::resource::{Group, GroupVersion, Name, Resource, Subresource};
use prost::Message;
use serde::Serialize;

use super::Answer;

/// `/api` or `/apis`, with everything below them.
pub(super) fn group_list(groups: &[&Group]) -> Answer {
    let items = groups.iter().map(|group| ApiGroupDiscovery {
        metadata: ObjectMeta {
            name: group.name.to_string(),
        },
        versions: group.versions.iter().map(version).collect(),
    });
    Answer::aggregated(&ApiGroupDiscoveryList {
        metadata: ListMeta {},
        items: items.collect(),
    })
}

fn version(version: &GroupVersion) -> ApiVersionDiscovery {
    ApiVersionDiscovery {
        version: version.version.to_string(),
        resources: version.resources.iter().map(resource).collect(),
        // A server has its own resources at hand; only those of an aggregated server can be stale.
        freshness: "Current".to_owned(),
    }
}

fn resource(row: &Resource) -> ApiResourceDiscovery {
    ApiResourceDiscovery {
        resource: row.name.to_string(),
        response_kind: Kind {
            kind: row.kind.to_string(),
            ..Kind::default()
        },
        scope: if row.namespaced {
            "Namespaced"
        } else {
            "Cluster"
        }
        .to_owned(),
        singular_resource: row.singular.to_string(),
        verbs: texts(&row.verbs),
        short_names: texts(&row.short_names),
        categories: texts(&row.categories),
        subresources: row
            .subresources
            .iter()
            .map(|subresource| self::subresource(row, subresource))
            .collect(),
    }
}

fn subresource(parent: &Resource, row: &Subresource) -> ApiSubresourceDiscovery {
    // The group version of the containing document goes without saying.
    let foreign = row.group != parent.group || row.version != parent.version;
    ApiSubresourceDiscovery {
        subresource: row.name.to_string(),
        response_kind: Kind {
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
        },
        verbs: texts(&row.verbs),
    }
}

pub(super) fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ApiGroupDiscoveryList {
    #[prost(message, required, tag = "1")]
    metadata: ListMeta,
    #[prost(message, repeated, tag = "2")]
    items: Vec<ApiGroupDiscovery>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ListMeta {}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ApiGroupDiscovery {
    #[prost(message, required, tag = "1")]
    metadata: ObjectMeta,
    #[prost(message, repeated, tag = "2")]
    versions: Vec<ApiVersionDiscovery>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ObjectMeta {
    #[prost(string, required, tag = "1")]
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct ApiVersionDiscovery {
    #[prost(string, required, tag = "1")]
    version: String,
    #[prost(message, repeated, tag = "2")]
    resources: Vec<ApiResourceDiscovery>,
    #[prost(string, required, tag = "3")]
    freshness: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResourceDiscovery {
    #[prost(string, required, tag = "1")]
    resource: String,
    #[prost(message, required, tag = "2")]
    response_kind: Kind,
    #[prost(string, required, tag = "3")]
    scope: String,
    #[prost(string, required, tag = "4")]
    singular_resource: String,
    #[prost(string, repeated, tag = "5")]
    verbs: Vec<String>,
    #[prost(string, repeated, tag = "6")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    short_names: Vec<String>,
    #[prost(string, repeated, tag = "7")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
    #[prost(message, repeated, tag = "8")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subresources: Vec<ApiSubresourceDiscovery>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiSubresourceDiscovery {
    #[prost(string, required, tag = "1")]
    subresource: String,
    #[prost(message, required, tag = "2")]
    response_kind: Kind,
    #[prost(string, repeated, tag = "4")]
    verbs: Vec<String>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
struct Kind {
    #[prost(string, required, tag = "1")]
    group: String,
    #[prost(string, required, tag = "2")]
    version: String,
    #[prost(string, required, tag = "3")]
    kind: String,
}
