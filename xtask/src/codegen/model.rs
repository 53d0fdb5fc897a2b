//! The facts put in order: where each type lives in Rust, and its fields with inlined structs
//! expanded.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};

use super::facts::{Facts, Field, Type};
use super::names;

/// `TypeMeta`, whose fields travel in the protobuf envelope.
const TYPE_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.TypeMeta";
const META: &str = "io.k8s.apimachinery.";
const META_V1: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// A Go package, or all of apimachinery, which is one module.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Home {
    /// `pintle_runtime::meta`
    Meta,
    /// `pintle_api::<group>::<version>`
    Api { group: String, version: String },
}

impl Home {
    fn of(definition: &str) -> Result<Self> {
        if definition.starts_with(META) {
            return Ok(Self::Meta);
        }
        let mut parts = definition.rsplit('.').skip(1);
        match (parts.next(), parts.next()) {
            (Some(version), Some(group)) => Ok(Self::Api {
                group: group.to_owned(),
                version: version.to_owned(),
            }),
            _ => bail!("{definition} names no package"),
        }
    }

    /// The module of another home as seen from this one, with `::` at the end; empty for itself.
    pub(super) fn path_to(&self, other: &Self, module: &str) -> String {
        match (self, other) {
            _ if self == other => String::new(),
            (_, Self::Meta) => format!("pintle_runtime::meta::{module}::"),
            (_, Self::Api { group, version }) => {
                format!("crate::{group}::{version}::{module}::")
            }
        }
    }
}

/// One type with its place in Rust.
pub(super) struct Entry<'f> {
    pub(super) definition: &'f str,
    pub(super) facts: &'f Type,
    pub(super) home: Home,
    /// Name of the view, such as `PodSpec`.
    pub(super) view: String,
    /// Name of the static, such as `POD_SPEC`.
    pub(super) table: String,
    pub(super) fields: Vec<&'f Field>,
    pub(super) inlined: Vec<(&'f str, usize, usize)>,
    pub(super) protobuf: Vec<Proto>,
    /// Whether lists or maps hold it.
    pub(super) is_element: bool,
}

/// A protobuf field: of the record, or the nested message of an inlined struct.
pub(super) enum Proto {
    Field {
        number: u64,
        field: usize,
        name: String,
    },
    Inline {
        number: u64,
        fields: Vec<Proto>,
    },
}

impl Proto {
    fn number(&self) -> u64 {
        match self {
            Self::Field { number, .. } | Self::Inline { number, .. } => *number,
        }
    }
}

/// All types by definition name.
pub(super) struct Model<'f> {
    pub(super) entries: BTreeMap<&'f str, Entry<'f>>,
}

impl<'f> Model<'f> {
    pub(super) fn new(facts: &'f Facts) -> Result<Self> {
        let elements: BTreeSet<&str> = facts
            .types
            .values()
            .flat_map(|ty| &ty.fields)
            .filter_map(|field| element(&field.code)?.strip_prefix('#'))
            .collect();
        let mut entries = BTreeMap::new();
        for (definition, ty) in &facts.types {
            let mut flat = Flat {
                facts,
                fields: Vec::new(),
                inlined: Vec::new(),
            };
            let protobuf = flat.add(ty).with_context(|| format!("in {definition}"))?;
            let view = view_name(facts, definition);
            entries.insert(
                definition.as_str(),
                Entry {
                    definition,
                    facts: ty,
                    home: Home::of(definition)?,
                    table: names::screaming(&view),
                    view,
                    fields: flat.fields,
                    inlined: flat.inlined,
                    protobuf,
                    is_element: elements.contains(definition.as_str()),
                },
            );
        }
        let model = Self { entries };
        model.check_names()?;
        Ok(model)
    }

    /// The type that `code` refers to with its leading `#`.
    pub(super) fn referred(&self, code: &str) -> Result<&Entry<'f>> {
        code.strip_prefix('#')
            .and_then(|definition| self.entries.get(definition))
            .with_context(|| format!("{code} refers to no type"))
    }

    /// The homes in order, each with its types.
    pub(super) fn homes(&self) -> BTreeMap<&Home, Vec<&Entry<'f>>> {
        let mut homes: BTreeMap<&Home, Vec<&Entry<'f>>> = BTreeMap::new();
        for entry in self.entries.values() {
            homes.entry(&entry.home).or_default().push(entry);
        }
        homes
    }

    fn check_names(&self) -> Result<()> {
        let mut tables = BTreeSet::new();
        for entry in self.entries.values() {
            if !tables.insert((&entry.home, &entry.table)) {
                bail!("{} has the table name of another type", entry.definition);
            }
            let mut methods = BTreeSet::new();
            for field in &entry.fields {
                if !methods.insert(names::method(&field.name)) {
                    bail!("{} has two methods called {}", entry.definition, field.name);
                }
            }
        }
        Ok(())
    }
}

/// The last part of the definition name; in apimachinery, `meta/v1` has the plain names and a
/// type of another package with the same name says which.
fn view_name(facts: &Facts, definition: &str) -> String {
    let (package, name) = definition.rsplit_once('.').unwrap_or(("", definition));
    let taken = package.starts_with(META)
        && package != META_V1
        && facts.types.contains_key(&format!("{META_V1}.{name}"));
    if !taken {
        return name.to_owned();
    }
    let last = package.rsplit('.').next().unwrap_or_default();
    let (first, rest) = last.split_at(1);
    format!("{}{rest}{name}", first.to_ascii_uppercase())
}

/// What a list or map code holds.
pub(super) fn element(code: &str) -> Option<&str> {
    code.strip_prefix("[]").or_else(|| code.strip_prefix("{}"))
}

/// A struct on the way to being flat.
struct Flat<'f> {
    facts: &'f Facts,
    fields: Vec<&'f Field>,
    inlined: Vec<(&'f str, usize, usize)>,
}

impl<'f> Flat<'f> {
    fn add(&mut self, ty: &'f Type) -> Result<Vec<Proto>> {
        let mut protobuf = Vec::new();
        for field in &ty.fields {
            let number = field.protobuf.first().and_then(serde_json::Value::as_u64);
            if field.inlined == 0 {
                if let Some(number) = number {
                    let name = field.protobuf_name.clone();
                    protobuf.push(Proto::Field {
                        number,
                        field: self.fields.len(),
                        name,
                    });
                }
                self.fields.push(field);
                continue;
            }
            let definition = field.code.trim_start_matches('#');
            let inner = self
                .facts
                .types
                .get(definition)
                .context("inlines an unknown type")?;
            let (first, at) = (self.fields.len(), self.inlined.len());
            self.inlined.push((definition, first, 0));
            let fields = self.add(inner)?;
            self.inlined[at].2 = self.fields.len() - first;
            match number {
                Some(number) => protobuf.push(Proto::Inline { number, fields }),
                None if definition == TYPE_META || ty.message.is_empty() => {}
                None => bail!("{definition} is inlined without a protobuf number"),
            }
        }
        protobuf.sort_by_key(Proto::number);
        Ok(protobuf)
    }
}
