//! The facts as the files under `crates/api/spec` hold them; their README explains every key.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// All facts of a release.
pub(super) struct Facts {
    pub(super) types: BTreeMap<String, Type>,
    pub(super) resources: Resources,
    pub(super) columns: Columns,
    pub(super) gates: BTreeMap<String, Gate>,
}

impl Facts {
    /// Reads the files in `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        Ok(Self {
            types: read(&folder.join("types.json"))?,
            resources: read(&folder.join("resources.json"))?,
            columns: read(&folder.join("table_columns.json"))?,
            gates: read(&folder.join("feature_gates.json"))?,
        })
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("cannot make sense of {}", path.display()))
}

/// A type of `types.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Type {
    #[serde(rename = "k", default)]
    pub(super) special: Option<String>,
    #[serde(rename = "pb", default)]
    pub(super) message: String,
    #[serde(rename = "unpub", default)]
    pub(super) unpublished: u8,
    #[serde(rename = "all", default)]
    pub(super) everywhere: u8,
    #[serde(rename = "gvk", default)]
    pub(super) kinds: Vec<[String; 3]>,
    #[serde(rename = "life", default)]
    pub(super) lifecycle: Option<Lifecycle>,
    #[serde(rename = "mt", default)]
    pub(super) map_type: Option<String>,
    #[serde(rename = "un", default)]
    pub(super) unions: Vec<Union>,
    #[serde(rename = "f", default)]
    pub(super) fields: Vec<Field>,
    // What follows from the special kind, whose forms the codecs and documents know themselves.
    #[serde(rename = "pf", default)]
    _special_protobuf: Value,
    #[serde(rename = "oa", default)]
    _openapi_v2: Value,
    #[serde(rename = "oa3", default)]
    _openapi_v3: Value,
}

/// Since when, and until when, a kind is served.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lifecycle {
    #[serde(rename = "i", default)]
    pub(super) introduced: String,
    #[serde(rename = "d", default)]
    pub(super) deprecated: String,
    #[serde(rename = "r", default)]
    pub(super) removed: String,
    #[serde(rename = "rep", default)]
    pub(super) replacement: Option<[String; 3]>,
}

/// An `x-kubernetes-unions` entry.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Union {
    #[serde(rename = "d", default)]
    pub(super) discriminator: String,
    #[serde(rename = "f")]
    pub(super) members: BTreeMap<String, String>,
}

/// A field of `types.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    #[serde(rename = "n", default)]
    pub(super) name: String,
    #[serde(rename = "in", default)]
    pub(super) inlined: u8,
    #[serde(rename = "t")]
    pub(super) code: String,
    #[serde(rename = "r", default)]
    pub(super) required: u8,
    #[serde(rename = "oe", default)]
    pub(super) omit_empty: u8,
    #[serde(rename = "oz", default)]
    pub(super) omit_zero: u8,
    #[serde(rename = "ptr", default)]
    pub(super) pointer: u8,
    #[serde(rename = "d", default, deserialize_with = "present")]
    pub(super) default: Option<Value>,
    #[serde(rename = "dz", default)]
    pub(super) default_zero: u8,
    #[serde(rename = "idz", default)]
    pub(super) element_default_zero: u8,
    #[serde(rename = "e", default)]
    pub(super) enumeration: Vec<String>,
    #[serde(rename = "ie", default)]
    pub(super) element_enumeration: Vec<String>,
    #[serde(rename = "lt", default)]
    pub(super) list_type: Option<String>,
    #[serde(rename = "lk", default)]
    pub(super) list_keys: Vec<String>,
    #[serde(rename = "mt", default)]
    pub(super) map_type: Option<String>,
    #[serde(rename = "ps", default)]
    pub(super) patch: Option<String>,
    #[serde(rename = "pk", default)]
    pub(super) merge_key: String,
    #[serde(rename = "p", default)]
    pub(super) protobuf: Vec<Value>,
    #[serde(rename = "pn", default)]
    pub(super) protobuf_name: String,
    #[serde(rename = "dep", default)]
    pub(super) deprecated: u8,
    #[serde(rename = "fg", default)]
    pub(super) gates: Vec<String>,
    // Declarative validation is code of `pintle-api`, not part of the tables.
    #[serde(rename = "v", default)]
    _validation: Value,
}

/// A default may be anything that is given, even `null`.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// `resources.json`.
#[derive(Deserialize)]
pub(super) struct Resources {
    pub(super) release: String,
    pub(super) root: String,
    pub(super) groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) priority: i32,
    #[serde(rename = "preferred")]
    _preferred: String,
    pub(super) versions: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    pub(super) version: String,
    #[serde(rename = "stability")]
    _stability: String,
    pub(super) default: bool,
    /// Absent for the aggregator's own group, which has no `APIService`.
    #[serde(default)]
    pub(super) priority: i32,
    pub(super) resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) name: String,
    pub(super) singular: String,
    pub(super) kind: String,
    #[serde(rename = "type")]
    pub(super) object: String,
    #[serde(default)]
    pub(super) list: Option<String>,
    pub(super) namespaced: bool,
    pub(super) verbs: Vec<String>,
    #[serde(default)]
    pub(super) short_names: Vec<String>,
    #[serde(default)]
    pub(super) categories: Vec<String>,
    #[serde(default)]
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) delete_result: Option<String>,
    #[serde(default)]
    pub(super) gates: Vec<String>,
    pub(super) default: bool,
    #[serde(default)]
    pub(super) storage: Option<Storage>,
    #[serde(default)]
    pub(super) field_selectors: Vec<String>,
    #[serde(default)]
    pub(super) field_selector_alias: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) field_selector_value: BTreeMap<String, LabelValue>,
    #[serde(default)]
    pub(super) subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Storage {
    pub(super) prefix: String,
    pub(super) gv: [String; 2],
    pub(super) encoding: String,
    pub(super) hash: String,
    pub(super) convert: String,
    #[serde(rename = "also", default)]
    _also: Vec<[String; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelValue {
    pub(super) paths: Vec<String>,
    #[serde(default)]
    pub(super) empty: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subresource {
    pub(super) name: String,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) gv: Option<[String; 2]>,
    pub(super) verbs: Vec<String>,
    #[serde(rename = "in", default)]
    pub(super) input: Option<String>,
    #[serde(rename = "out", default)]
    pub(super) output: Option<String>,
    #[serde(default)]
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) accepts: Vec<[String; 2]>,
    #[serde(default)]
    pub(super) gates: Vec<String>,
    #[serde(default = "yes")]
    pub(super) default: bool,
    #[serde(default)]
    pub(super) connect: Vec<String>,
    #[serde(default)]
    pub(super) options: Option<String>,
    #[serde(default)]
    pub(super) subpath: bool,
}

fn yes() -> bool {
    true
}

/// Name, type, format and priority of a column.
pub(super) type Column = (String, String, String, i32);

/// `table_columns.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Columns {
    pub(super) default: Vec<Column>,
    pub(super) custom: Vec<Column>,
    pub(super) kinds: BTreeMap<String, KindColumns>,
}

/// The columns of a kind: its own, or those called `default`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum KindColumns {
    Own(Vec<Column>),
    Shared(String),
}

/// A gate of `feature_gates.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    pub(super) default: bool,
    pub(super) stage: String,
    #[serde(default)]
    pub(super) locked: bool,
}
