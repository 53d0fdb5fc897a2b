//! Definitions.

use std::collections::BTreeSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1035_label, dns1123_subdomain};
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::{List, Strings};

use super::conversion::{self, Bundle};
use super::leeway::{self, Leeway};
use super::schema::{self, Schema};
use super::{names, structural, version};
use crate::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion,
    CustomResourceDefinitionVersionMut,
};
use crate::validation::immutable::{Content, immutable};
use crate::validation::{Rules, internal_form};

pub(super) const RULES: Rules = Rules {
    create: |new, errors| definition(new, None, errors),
    update: |new, old, errors| definition(new, Some(old), errors),
    subresources: &[("status", |new, _, errors| accepted_names(new, errors))],
};

const APPROVAL: &str = "api-approved.kubernetes.io";

fn definition(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    let definition = CustomResourceDefinition::from_record(new);
    let before = old.map(CustomResourceDefinition::from_record);
    let (spec, status) = (definition.spec(), definition.status());
    let metadata = Path::new("metadata");
    let name = definition.metadata().name();
    let wanted = format!("{}.{}", spec.names().plural(), spec.group());
    if before.is_none() && name != wanted {
        errors.invalid(
            &metadata.child("name"),
            name,
            "must be spec.names.plural+\".\"+spec.group",
        );
    }
    let path = Path::new("spec");
    self::spec(spec, before, &path, errors);
    if let Some(before) = before {
        unchanged(spec, before, &path, errors);
    }
    accepted_names(new, errors);
    stored_versions(status.stored_versions(), spec, errors);
    let annotations = definition.metadata().annotations();
    let given = annotations.get(APPROVAL);
    let given_before = before.map(|before| before.metadata().annotations().get(APPROVAL));
    if is_protected(spec.group())
        && given_before.is_none_or(|before| Approval::of(before) != Approval::of(given))
    {
        let annotations = metadata.child("annotations");
        approval(given, &annotations.key(APPROVAL), errors);
    }
    let preserved = before.is_some_and(|before| before.spec().preserve_unknown_fields());
    if spec.preserve_unknown_fields() && !preserved {
        errors.invalid(
            &path.child("preserveUnknownFields"),
            true,
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        );
    }
}

/// What the versions have in common, and so stands beside them.
struct Shared {
    schema: bool,
    subresources: bool,
    columns: bool,
    selectable: bool,
}

impl Shared {
    fn of(versions: List<'_, CustomResourceDefinitionVersion<'_>>) -> Self {
        let same = |name: &str| {
            let field = |version: CustomResourceDefinitionVersion<'_>| {
                let value = version.record().get_by_name(name);
                value.filter(|value| !value.is_empty()).cloned()
            };
            let mut fields = versions.iter().map(field);
            let first = fields.next();
            first.is_some_and(|first| fields.all(|other| other == first))
        };
        Self {
            schema: same("schema"),
            subresources: same("subresources"),
            columns: same("additionalPrinterColumns"),
            selectable: same("selectableFields"),
        }
    }

    /// The versions without what they share, as a message shows them.
    fn shown(&self, versions: List<'_, CustomResourceDefinitionVersion<'_>>) -> BadValue {
        let without = |version: CustomResourceDefinitionVersion<'_>| {
            let mut record = version.record().clone();
            let mut view = CustomResourceDefinitionVersionMut::from_record(&mut record);
            if self.schema {
                view.clear_schema();
            }
            if self.subresources {
                view.clear_subresources();
            }
            if self.columns {
                view.clear_additional_printer_columns();
            }
            if self.selectable {
                view.clear_selectable_fields();
            }
            Value::Record(record)
        };
        let versions: Vec<Value> = versions.iter().map(without).collect();
        internal_form::shown_list(&versions)
    }
}

fn spec(
    spec: CustomResourceDefinitionSpec<'_>,
    before: Option<CustomResourceDefinition<'_>>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    group(spec.group(), &path.child("group"), errors);
    let at = path.child("scope");
    match spec.scope() {
        "" => errors.required(&at, ""),
        "Cluster" | "Namespaced" => {}
        other => errors.not_supported(&at, other, ["Cluster", "Namespaced"]),
    }
    let versions = spec.versions();
    let shared = Shared::of(versions);
    let at_versions = path.child("versions");
    let leeway = Leeway::of(spec, before.map(|before| before.spec()));
    for (index, version) in versions.iter().enumerate() {
        let detail = match (leeway.no_schema, spec.preserve_unknown_fields()) {
            (false, _) => "",
            (true, false) if version.served() => "because otherwise all fields are pruned",
            _ => continue,
        };
        if schema_of(version).is_none() {
            let version = at_versions.index(index);
            let schema = version.child("schema");
            errors.required(&schema.child("openAPIV3Schema"), detail);
        }
    }
    if spec.preserve_unknown_fields() && leeway::has(spec, |part| part.default().is_some()) {
        errors.invalid(
            &path.child("preserveUnknownFields"),
            true,
            "must be false in order to use defaults in the schema",
        );
    }
    let context = Context {
        shared: &shared,
        leeway,
        before: before.map(|before| before.spec()),
    };
    for (index, found) in versions.iter().enumerate() {
        one_version(found, context, &at_versions.index(index), errors);
    }
    let mut seen = BTreeSet::new();
    if !versions.iter().all(|version| seen.insert(version.name())) {
        errors.invalid(
            &at_versions,
            shared.shown(versions),
            "must contain unique version names",
        );
    }
    if versions.iter().filter(|version| version.storage()).count() != 1 {
        errors.invalid(
            &at_versions,
            shared.shown(versions),
            "must have exactly one version marked as storage version",
        );
    }
    let at_names = path.child("names");
    names::required(spec.names(), &at_names, errors);
    names::check(spec.names(), &at_names, errors);
    if let Some(first) = versions.first() {
        let any_status = versions.iter().any(has_status);
        in_common(first, any_status, context, path, errors);
    }
    let Some(conversion) = spec.conversion() else {
        return;
    };
    let at = path.child("conversion");
    if conversion.strategy() != "None" && spec.preserve_unknown_fields() {
        errors.invalid(
            &at.child("strategy"),
            BadValue::json_string(conversion.strategy()),
            "must be None if spec.preserveUnknownFields is true",
        );
    }
    let old = before.and_then(|before| before.spec().conversion());
    conversion::check(
        conversion,
        conversion::needs_known_version(old),
        Bundle::of(before.is_some_and(is_established), old),
        &at,
        errors,
    );
}

fn group(group: &str, path: &Path<'_>, errors: &mut ErrorList) {
    let messages = dns1123_subdomain(group);
    if group.is_empty() {
        errors.required(path, "");
    } else if !messages.is_empty() {
        errors.invalid(path, group, messages.join(","));
    } else if !group.contains('.') {
        errors.invalid(path, group, "should be a domain with at least one dot");
    }
}

fn schema_of(version: CustomResourceDefinitionVersion<'_>) -> Option<Schema<'_>> {
    version.schema()?.open_apiv3_schema()
}

fn has_status(version: CustomResourceDefinitionVersion<'_>) -> bool {
    let subresources = version.subresources();
    subresources.is_some_and(|subresources| subresources.status().is_some())
}

/// What the look at a version depends on.
#[derive(Clone, Copy)]
struct Context<'a> {
    shared: &'a Shared,
    leeway: Leeway,
    before: Option<CustomResourceDefinitionSpec<'a>>,
}

/// What a version has for itself.
fn one_version(
    version: CustomResourceDefinitionVersion<'_>,
    context: Context<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let shared = context.shared;
    let messages = dns1035_label(version.name());
    if !messages.is_empty() {
        errors.invalid(&path.child("name"), version.name(), messages.join(","));
    }
    let warning = version.deprecation_warning();
    version::deprecation(version.deprecated(), warning, path, errors);
    if !shared.schema
        && let Some(found) = schema_of(version)
    {
        let at = path.child("schema");
        schema::check(
            found,
            has_status(version),
            context.leeway,
            &at.child("openAPIV3Schema"),
            errors,
        );
    }
    if !shared.subresources
        && let Some(found) = version.subresources()
    {
        version::subresources(found, &path.child("subresources"), errors);
    }
    if !shared.columns {
        let at = path.child("additionalPrinterColumns");
        version::columns(version.additional_printer_columns(), &at, errors);
    }
    if !shared.selectable {
        let detail = "may only be set when `version.schema.openAPIV3Schema` is not included";
        // A schema that all versions share is not this version's own.
        let schema = schema_of(version).filter(|_| !shared.schema);
        selectable(version, schema, context, detail, path, errors);
    }
}

/// What all versions have.
fn in_common(
    version: CustomResourceDefinitionVersion<'_>,
    any_status: bool,
    context: Context<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let shared = context.shared;
    if shared.schema
        && let Some(found) = schema_of(version)
    {
        let at = path.child("validation");
        let at = at.child("openAPIV3Schema");
        schema::check(found, any_status, context.leeway, &at, errors);
    }
    if shared.subresources
        && let Some(found) = version.subresources()
    {
        version::subresources(found, &path.child("subresources"), errors);
    }
    if shared.columns {
        let at = path.child("additionalPrinterColumns");
        version::columns(version.additional_printer_columns(), &at, errors);
    }
    if shared.selectable {
        let detail = "may only be set when validations.schema is included";
        let schema = schema_of(version).filter(|_| shared.schema);
        selectable(version, schema, context, detail, path, errors);
    }
}

fn selectable(
    version: CustomResourceDefinitionVersion<'_>,
    schema: Option<Schema<'_>>,
    context: Context<'_>,
    no_schema: &str,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let fields = version.selectable_fields();
    let at = path.child("selectableFields");
    match schema {
        _ if fields.is_empty() => {}
        Some(schema) => {
            if let Some(problem) = structural::unsupported(schema) {
                return errors.invalid(&path.child("schema.openAPIV3Schema"), "", problem);
            }
            let mut versions = context.before.into_iter().flat_map(|spec| spec.versions());
            let kept = versions.any(|old| {
                old.name() == version.name() && old.selectable_fields().is_same(&fields)
            });
            version::selectable(fields, schema, kept, &at, errors);
        }
        None => errors.invalid(&at, "", no_schema),
    }
}

fn is_established(definition: CustomResourceDefinition<'_>) -> bool {
    let mut conditions = definition.status().conditions().into_iter();
    conditions.any(|condition| condition.type_() == "Established" && condition.status() == "True")
}

fn unchanged(
    new: CustomResourceDefinitionSpec<'_>,
    before: CustomResourceDefinition<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let old = before.spec();
    let names = path.child("names");
    if is_established(before) {
        immutable(new.scope(), old.scope(), &path.child("scope"), errors);
        let at = names.child("kind");
        immutable(new.names().kind(), old.names().kind(), &at, errors);
    }
    immutable(new.group(), old.group(), &path.child("group"), errors);
    let at = names.child("plural");
    immutable(new.names().plural(), old.names().plural(), &at, errors);
}

fn accepted_names(new: &Record, errors: &mut ErrorList) {
    let status = CustomResourceDefinition::from_record(new).status();
    let path = Path::new("status");
    names::check(
        status.accepted_names(),
        &path.child("acceptedNames"),
        errors,
    );
}

/// Every version that an object may be kept in must still be there.
fn stored_versions(
    stored: Strings<'_>,
    spec: CustomResourceDefinitionSpec<'_>,
    errors: &mut ErrorList,
) {
    let status = Path::new("status");
    let path = status.child("storedVersions");
    if stored.is_empty() {
        let value = if stored.is_present() {
            stored.shown()
        } else {
            BadValue::null()
        };
        return errors.invalid(&path, value, "must have at least one stored version");
    }
    for version in spec.versions() {
        if version.storage() && !stored.contains(version.name()) {
            let detail = format!("must have the storage version {}", version.name());
            errors.invalid(&path, stored.shown(), detail);
        }
    }
    for (index, name) in stored.iter().enumerate() {
        if !spec.versions().iter().any(|version| version.name() == name) {
            errors.invalid(
                &path.index(index),
                name,
                format!(
                    "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
                ),
            );
        }
    }
}

/// Whether a group belongs to Kubernetes.
pub fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"].iter().any(|domain| {
        let rest = group.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Whether Kubernetes has agreed to a kind in a group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Nothing is said.
    Missing,
    /// It has not been asked.
    Bypassed,
    /// It has: the annotation is the URL of where.
    Approved,
    /// What is said is neither.
    Malformed,
}

impl Approval {
    /// What the annotation says.
    pub fn of(annotation: Option<&str>) -> Self {
        match annotation {
            None | Some("") => Self::Missing,
            Some(text) if text.starts_with("unapproved") => Self::Bypassed,
            Some(text) => match text.split_once("://") {
                Some((scheme, rest))
                    if !scheme.is_empty() && !rest.starts_with(['/', '?']) && !rest.is_empty() =>
                {
                    Self::Approved
                }
                _ => Self::Malformed,
            },
        }
    }
}

fn approval(annotation: Option<&str>, path: &Path<'_>, errors: &mut ErrorList) {
    const SEE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";
    let must = format!("protected groups must have approval annotation \"{APPROVAL}\"");
    match Approval::of(annotation) {
        Approval::Missing => errors.required(path, format!("{must}, {SEE}")),
        Approval::Malformed => errors.invalid(
            path,
            annotation.unwrap_or_default(),
            format!("{must} with either a URL or a reason starting with \"unapproved\", {SEE}"),
        ),
        Approval::Bypassed | Approval::Approved => {}
    }
}
