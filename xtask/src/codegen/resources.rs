//! Writes the rows of groups, versions, resources and subresources.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

use super::facts::{Facts, Resource, Storage, Subresource};
use super::model::{Home, Model};
use super::names;
use super::output::{HEADER, words};

/// Where the rows stand: a home that no type has.
fn here() -> Home {
    Home::Api {
        group: String::new(),
        version: String::new(),
    }
}

/// `resources.rs`.
pub(super) fn file(model: &Model<'_>, facts: &Facts) -> Result<String> {
    let mut text = format!(
        "{HEADER}\n//! Rows of groups, versions and resources, in the order of discovery.\n\n\
         use std::borrow::Cow::{{self, Borrowed}};\n\n\
         use pintle_runtime::resource::{{Conversion, FieldLabel, Group, GroupVersion, Resource, StorageRow, Subresource}};\n\
         use pintle_runtime::schema::{{Ref, Type}};\n\n\
         const fn some(ty: &'static Type) -> Option<Ref<Type>> {{ Some(Ref::Static(ty)) }}\n\n\
         /// The Kubernetes release that the tables are of.\n\
         pub static RELEASE: &str = {:?};\n\n\
         /// The default root of storage keys.\n\
         pub static ROOT: &str = {:?};\n\n",
        facts.resources.release, facts.resources.root
    );
    let mut groups = Vec::new();
    for group in &facts.resources.groups {
        let group_name = if group.name.is_empty() {
            "core"
        } else {
            &group.name
        };
        let mut versions = Vec::new();
        for version in &group.versions {
            let symbol = symbol(&format!("{group_name}_{}", version.version));
            let rows = Rows {
                model,
                group: &group.name,
                version: &version.version,
                symbol: &symbol,
            };
            let mut statics = String::new();
            let mut resources = Vec::new();
            for resource in &version.resources {
                resources.push(
                    rows.resource(resource, &mut statics)
                        .with_context(|| format!("in {symbol} {}", resource.name))?,
                );
            }
            writeln!(
                text,
                "static {symbol}: [Resource; {}] = [{}];\n\n{statics}",
                resources.len(),
                resources.join(", ")
            )?;
            versions.push(format!(
                "GroupVersion {{ version: Borrowed({:?}), default: {}, priority: {}, resources: Borrowed(&{symbol}) }}",
                version.version, version.default, version.priority
            ));
        }
        let symbol = symbol(&format!("{group_name}_versions"));
        writeln!(
            text,
            "static {symbol}: [GroupVersion; {}] = [{}];\n",
            versions.len(),
            versions.join(", ")
        )?;
        groups.push(format!(
            "Group {{ name: Borrowed({:?}), priority: {}, versions: Borrowed(&{symbol}) }}",
            group.name, group.priority
        ));
    }
    writeln!(
        text,
        "/// The groups, the core group first.\npub(crate) static GROUPS: [Group; {}] = [{}];",
        groups.len(),
        groups.join(", ")
    )?;
    Ok(text)
}

fn symbol(name: &str) -> String {
    name.replace(['.', '-', '/'], "_").to_ascii_uppercase()
}

/// What the resources of one group version share.
struct Rows<'a> {
    model: &'a Model<'a>,
    group: &'a str,
    version: &'a str,
    symbol: &'a str,
}

impl Rows<'_> {
    fn resource(&self, resource: &Resource, statics: &mut String) -> Result<String> {
        let symbol = format!("{}_{}", self.symbol, names::screaming(&resource.name));
        let labels = self.labels(resource, &symbol, statics)?;
        let subresources = if resource.subresources.is_empty() {
            "Cow::Borrowed(&[])".to_owned()
        } else {
            let rows: Vec<String> = resource
                .subresources
                .iter()
                .map(|row| self.subresource(row))
                .collect::<Result<_>>()?;
            writeln!(
                statics,
                "static {symbol}_SUBRESOURCES: [Subresource; {}] = [{}];\n",
                rows.len(),
                rows.join(", ")
            )?;
            format!("Borrowed(&{symbol}_SUBRESOURCES)")
        };
        let storage = match &resource.storage {
            Some(storage) => format!("Some({})", self.storage(storage, &resource.kind)?),
            None => "None".to_owned(),
        };
        Ok(format!(
            "Resource {{ group: Borrowed({:?}), version: Borrowed({:?}), name: Borrowed({:?}), singular: Borrowed({:?}), \
             kind: Borrowed({:?}), namespaced: {}, verbs: Borrowed(&{}), short_names: Borrowed(&{}), \
             categories: Borrowed(&{}), object: Ref::Static(&{}), list: {}, create_result: {}, \
             delete_result: {}, gates: Borrowed(&{}), default: {}, storage: {storage}, \
             field_labels: {labels}, subresources: {subresources} }}",
            self.group,
            self.version,
            resource.name,
            resource.singular,
            resource.kind,
            resource.namespaced,
            words(&resource.verbs),
            words(&resource.short_names),
            words(&resource.categories),
            self.table(&resource.object)?,
            self.optional(resource.list.as_ref())?,
            self.optional(resource.result.as_ref())?,
            self.optional(resource.delete_result.as_ref())?,
            words(&resource.gates),
            resource.default,
        ))
    }

    fn storage(&self, storage: &Storage, kind: &str) -> Result<String> {
        let [group, version] = &storage.gv;
        let object = self.stored(storage, kind)?;
        let json = match storage.encoding.as_str() {
            "json" => true,
            "protobuf" => false,
            other => bail!("there is no encoding {other}"),
        };
        let conversion = match storage.convert.as_str() {
            "none" => "None",
            "identity" => "Identity",
            "json" => "Json",
            "custom" => "Custom",
            other => bail!("there is no conversion {other}"),
        };
        Ok(format!(
            "StorageRow {{ prefix: Borrowed({:?}), group: Borrowed({group:?}), version: Borrowed({version:?}), \
             object: Ref::Static(&{}), json: {json}, hash: Borrowed({:?}), conversion: Conversion::{conversion} }}",
            storage.prefix,
            self.table(&format!("#{object}"))?,
            storage.hash,
        ))
    }

    /// The definition that has the stored group, version and kind.
    fn stored(&self, storage: &Storage, kind: &str) -> Result<&str> {
        let wanted = [&storage.gv[0], &storage.gv[1], kind];
        self.model
            .entries
            .values()
            .find(|entry| {
                entry
                    .facts
                    .kinds
                    .iter()
                    .any(|found| found.each_ref() == wanted)
            })
            .map(|entry| entry.definition)
            .with_context(|| format!("no type is the stored {wanted:?}"))
    }

    /// The labels that a selector may name; a path that leads nowhere is an error in the facts.
    fn labels(&self, resource: &Resource, symbol: &str, statics: &mut String) -> Result<String> {
        if resource.field_selectors.is_empty() {
            return Ok("Cow::Borrowed(&[])".to_owned());
        }
        let stored = match &resource.storage {
            Some(storage) => self.stored(storage, &resource.kind)?,
            None => resource.object.trim_start_matches('#'),
        };
        let mut rows = Vec::new();
        for label in &resource.field_selectors {
            let canonical = resource.field_selector_alias.get(label).unwrap_or(label);
            let value = resource.field_selector_value.get(canonical);
            let paths = value.map_or_else(|| vec![canonical.clone()], |value| value.paths.clone());
            for path in &paths {
                self.follow(stored, path)?;
            }
            rows.push(format!(
                "FieldLabel {{ label: Borrowed({label:?}), canonical: Borrowed({canonical:?}), \
                 paths: Borrowed(&{}), empty: Borrowed({:?}) }}",
                words(&paths),
                value.map_or("", |value| &value.empty),
            ));
        }
        let name = format!("{symbol}_LABELS");
        writeln!(
            statics,
            "static {name}: [FieldLabel; {}] = [{}];\n",
            rows.len(),
            rows.join(", ")
        )?;
        Ok(format!("Borrowed(&{name})"))
    }

    fn follow(&self, stored: &str, path: &str) -> Result<()> {
        let mut definition = stored;
        for part in path.split('.') {
            let name = part.split('[').next().unwrap_or(part);
            let field = self
                .model
                .entries
                .get(definition)
                .and_then(|entry| entry.fields.iter().find(|field| field.name == name))
                .with_context(|| format!("the path {path} leads nowhere in {stored}"))?;
            definition = field.code.trim_start_matches("[]").trim_start_matches('#');
        }
        Ok(())
    }

    fn subresource(&self, row: &Subresource) -> Result<String> {
        let (group, version) = match &row.gv {
            Some([group, version]) => (group.as_str(), version.as_str()),
            None => (self.group, self.version),
        };
        let accepts: Vec<String> = row
            .accepts
            .iter()
            .map(|[group, version]| format!("(Borrowed({group:?}), Borrowed({version:?}))"))
            .collect();
        Ok(format!(
            "Subresource {{ name: Borrowed({:?}), kind: Borrowed({:?}), group: Borrowed({group:?}), \
             version: Borrowed({version:?}), verbs: Borrowed(&{}), input: {}, output: {}, result: {}, \
             accepts: Borrowed(&[{}]), gates: Borrowed(&{}), default: {}, connect: Borrowed(&{}), \
             options: {}, subpath: {} }}",
            row.name,
            row.kind,
            words(&row.verbs),
            self.optional(row.input.as_ref())?,
            self.optional(row.output.as_ref())?,
            self.optional(row.result.as_ref())?,
            accepts.join(", "),
            words(&row.gates),
            row.default,
            words(&row.connect),
            self.optional(row.options.as_ref())?,
            row.subpath,
        ))
    }

    /// A body that is no object, as the plain text of a log, has no table.
    fn optional(&self, code: Option<&String>) -> Result<String> {
        match code.filter(|code| code.starts_with('#')) {
            Some(code) => Ok(format!("some(&{})", self.table(code)?)),
            None => Ok("None".to_owned()),
        }
    }

    fn table(&self, code: &str) -> Result<String> {
        let entry = self.model.referred(code)?;
        Ok(format!(
            "{}{}",
            here().path_to(&entry.home, "tables"),
            entry.table
        ))
    }
}
