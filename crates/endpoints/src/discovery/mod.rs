//! What the server offers, for clients to find out.
//!
//! [`Discovery`] holds every discovery document of a set of resource rows, encoded once: the legacy
//! documents (`/api`, `/apis`, one per group, one per group version) and the aggregated form of the
//! first two. It is made from the rows that are really served ([`offered`] takes away the rest) and
//! made anew when they change.

mod aggregated;
mod legacy;
mod offered;

use std::collections::BTreeMap;

use pintle_runtime::resource::Group;
use prost::Message;
use serde::Serialize;

use crate::document::Document;

pub use offered::{Offer, offered};

/// Media types of discovery documents.
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const AGGREGATED_JSON: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const AGGREGATED_PROTOBUF: &str =
    "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// One answer in both of its encodings.
#[derive(Debug)]
pub struct Answer {
    /// Compact JSON, ending in a newline.
    pub json: Document,
    /// Protobuf in its envelope.
    pub protobuf: Document,
}

/// Every discovery document of the resources that a server offers.
#[derive(Debug)]
pub struct Discovery {
    legacy_root: Answer,
    groups: Answer,
    by_group: BTreeMap<String, Answer>,
    by_group_version: BTreeMap<(String, String), Answer>,
    aggregated_root: Answer,
    aggregated_groups: Answer,
    paths: Vec<String>,
}

impl Discovery {
    /// The documents of `groups`, of which the core group has an empty name. `server_address` is
    /// where clients of any network reach this server: a host name or IP with port.
    pub fn new(groups: &[Group], server_address: &str) -> Self {
        let (core, named): (Vec<&Group>, Vec<&Group>) =
            groups.iter().partition(|group| group.name.is_empty());
        let versions = |group: &&Group| {
            let name = group.name.to_string();
            let lists = group.versions.iter().map(|version| {
                let list = legacy::resource_list(&name, version);
                ((name.clone(), version.version.to_string()), list)
            });
            lists.collect::<Vec<_>>()
        };
        Self {
            legacy_root: legacy::versions(core.first().copied(), server_address),
            groups: legacy::group_list(&named),
            by_group: named
                .iter()
                .map(|group| (group.name.to_string(), legacy::group(group)))
                .collect(),
            by_group_version: groups
                .iter()
                .collect::<Vec<_>>()
                .iter()
                .flat_map(versions)
                .collect(),
            aggregated_root: aggregated::group_list(&core),
            aggregated_groups: aggregated::group_list(&named),
            paths: paths(groups),
        }
    }

    /// `/api`: the versions of the core group.
    pub fn legacy_root(&self) -> &Answer {
        &self.legacy_root
    }

    /// `/apis`: the named groups.
    pub fn groups(&self) -> &Answer {
        &self.groups
    }

    /// `/apis/{name}`: one group.
    pub fn group(&self, name: &str) -> Option<&Answer> {
        self.by_group.get(name)
    }

    /// `/api/{version}` if `group` is empty, else `/apis/{group}/{version}`: its resources.
    pub fn group_version(&self, group: &str, version: &str) -> Option<&Answer> {
        self.by_group_version
            .get(&(group.to_owned(), version.to_owned()))
    }

    /// `/api` in its aggregated form: the core group with all resources. To be sent with
    /// `Cache-Control: public` and `Vary: Accept`.
    pub fn aggregated_root(&self) -> &Answer {
        &self.aggregated_root
    }

    /// `/apis` in its aggregated form: the named groups with all resources.
    pub fn aggregated_groups(&self) -> &Answer {
        &self.aggregated_groups
    }

    /// The paths of the documents, sorted, for the index at `/`.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
}

fn paths(groups: &[Group]) -> Vec<String> {
    let mut paths = vec!["/api".to_owned(), "/apis".to_owned(), "/apis/".to_owned()];
    for group in groups {
        let root = if group.name.is_empty() {
            "/api".to_owned()
        } else {
            format!("/apis/{}", group.name)
        };
        paths.extend(
            group
                .versions
                .iter()
                .map(|version| format!("{root}/{}", version.version)),
        );
        if !group.name.is_empty() {
            paths.push(root);
        }
    }
    paths.sort_unstable();
    paths
}

/// An object of a discovery type with its kind, as it goes over the wire.
#[derive(Serialize)]
struct Typed<'a, T> {
    kind: &'static str,
    #[serde(rename = "apiVersion", skip_serializing_if = "str::is_empty")]
    api_version: &'static str,
    #[serde(flatten)]
    object: &'a T,
}

/// The protobuf envelope: `runtime.Unknown` behind its magic number.
#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(message, required, tag = "1")]
    type_meta: TypeMeta,
    #[prost(bytes = "vec", required, tag = "2")]
    raw: Vec<u8>,
    #[prost(string, required, tag = "3")]
    content_encoding: String,
    #[prost(string, required, tag = "4")]
    content_type: String,
}

#[derive(Clone, PartialEq, Message)]
struct TypeMeta {
    #[prost(string, required, tag = "1")]
    api_version: String,
    #[prost(string, required, tag = "2")]
    kind: String,
}

const MAGIC: &[u8] = b"k8s\0";

impl Answer {
    /// `written_version` is the `apiVersion` in JSON, which the oldest documents lack.
    fn new<T: Serialize + Message>(
        (json_type, protobuf_type): (&'static str, &'static str),
        (written_version, api_version): (&'static str, &'static str),
        kind: &'static str,
        object: &T,
    ) -> Self {
        let mut json = Vec::new();
        // Strings, numbers and lists always serialize.
        let _ = serde_json::to_writer(
            &mut json,
            &Typed {
                kind,
                api_version: written_version,
                object,
            },
        );
        json.push(b'\n');
        let envelope = Envelope {
            type_meta: TypeMeta {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
            },
            raw: object.encode_to_vec(),
            ..Envelope::default()
        };
        let mut protobuf = MAGIC.to_vec();
        protobuf.reserve(envelope.encoded_len());
        // A vector grows as needed.
        let _ = envelope.encode(&mut protobuf);
        Self {
            json: Document::new(json_type, json),
            protobuf: Document::new(protobuf_type, protobuf),
        }
    }

    fn legacy<T: Serialize + Message>(
        written_version: &'static str,
        kind: &'static str,
        object: &T,
    ) -> Self {
        Self::new((JSON, PROTOBUF), (written_version, "v1"), kind, object)
    }

    fn aggregated<T: Serialize + Message>(object: &T) -> Self {
        const VERSION: &str = "apidiscovery.k8s.io/v2";
        Self::new(
            (AGGREGATED_JSON, AGGREGATED_PROTOBUF),
            (VERSION, VERSION),
            "APIGroupDiscoveryList",
            object,
        )
    }
}

#[cfg(test)]
mod tests;
