//! Which requests a policy or a binding is about.

use pintle_api::admissionregistration::v1::{MatchResources, NamedRuleWithOperations};
use pintle_endpoints::admission::{Attributes, Operation};
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::resource::Resource;
use pintle_runtime::selector::LabelSelector;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use crate::admission::lookup::Lookup;

const NAMESPACES: (&str, &str, &str) = ("", "v1", "namespaces");

/// What a policy or a binding says of the requests that it is about.
#[derive(Debug, Default)]
pub(super) struct Matching {
    namespaces: Option<LabelSelector>,
    objects: Option<LabelSelector>,
    rules: Vec<Rule>,
    excluded: Vec<Rule>,
    /// Whether a request for another version of what is named is meant, too.
    equivalent: bool,
}

#[derive(Debug)]
struct Rule {
    names: Vec<String>,
    operations: Vec<String>,
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    scope: Option<String>,
}

/// A selector that is not there, or empty, asks nothing of anybody; one that can not be read fits nobody.
fn selector(object: Option<pintle_runtime::meta::LabelSelector<'_>>) -> Option<LabelSelector> {
    let selector =
        LabelSelector::try_from(Some(object?)).unwrap_or_else(|_| LabelSelector::nothing());
    (!selector.is_everything()).then_some(selector)
}

impl Matching {
    pub(super) fn new(resources: MatchResources<'_>) -> Self {
        Self {
            namespaces: selector(resources.namespace_selector()),
            objects: selector(resources.object_selector()),
            rules: resources.resource_rules().iter().map(Rule::new).collect(),
            excluded: resources
                .exclude_resource_rules()
                .iter()
                .map(Rule::new)
                .collect(),
            equivalent: resources.match_policy() == Some("Equivalent"),
        }
    }

    /// The version of the resource in which a request is meant, if it is.
    ///
    /// # Errors
    /// 500 if namespaces can not be looked up.
    pub(super) fn version_of(
        &self,
        lookup: &Lookup,
        attributes: &Attributes<'_>,
        object: Option<&Record>,
    ) -> Result<Option<String>, ApiError> {
        if !self.fits_object(attributes, object)
            || !self.fits_namespace(lookup, attributes, object)?
        {
            return Ok(None);
        }
        let fitting = |rules: &[Rule]| -> Result<Option<String>, ApiError> {
            let asked = attributes.resource;
            let exact = rules
                .iter()
                .any(|rule| rule.fits(attributes, &asked.version));
            if exact || !self.equivalent {
                return Ok(exact.then(|| asked.version.to_string()));
            }
            let stores = lookup.registry()?.stores();
            let others = stores
                .iter()
                .map(|store| store.row())
                .filter(|row| is_other(row, asked));
            let mut versions = others.map(|row| row.version.to_string());
            Ok(versions.find(|version| rules.iter().any(|rule| rule.fits(attributes, version))))
        };
        if fitting(&self.excluded)?.is_some() {
            return Ok(None);
        }
        if self.rules.is_empty() {
            return Ok(Some(attributes.resource.version.to_string()));
        }
        fitting(&self.rules)
    }

    fn fits_object(&self, attributes: &Attributes<'_>, object: Option<&Record>) -> bool {
        let Some(selector) = &self.objects else {
            return true;
        };
        let mut objects = object.into_iter().chain(attributes.old);
        objects.any(|object| has_labels(selector, object))
    }

    fn fits_namespace(
        &self,
        lookup: &Lookup,
        attributes: &Attributes<'_>,
        object: Option<&Record>,
    ) -> Result<bool, ApiError> {
        let Some(selector) = &self.namespaces else {
            return Ok(true);
        };
        let is_namespace = attributes.is("", "namespaces");
        if let Some(object) = object
            && is_namespace
            && matches!(attributes.operation, Operation::Create | Operation::Update)
        {
            return Ok(has_labels(selector, object));
        }
        let name = if is_namespace {
            attributes.name.as_str()
        } else {
            attributes.namespace
        };
        if name.is_empty() {
            return Ok(true);
        }
        let namespace = lookup.object(NAMESPACES, "", name)?;
        Ok(namespace.is_some_and(|namespace| has_labels(selector, &namespace)))
    }
}

fn is_other(row: &Resource, asked: &Resource) -> bool {
    row.group == asked.group && row.name == asked.name && row.version != asked.version
}

fn has_labels(selector: &LabelSelector, object: &Record) -> bool {
    let metadata = Metadata::of(object);
    selector.matches(|key| {
        metadata
            .labels()
            .find(|(found, _)| *found == key)
            .map(|(_, value)| value)
    })
}

fn fits(items: &[String], asked: &str) -> bool {
    items.iter().any(|item| item == "*" || item == asked)
}

impl Rule {
    fn new(rule: NamedRuleWithOperations<'_>) -> Self {
        let own =
            |texts: pintle_runtime::view::Strings<'_>| texts.iter().map(str::to_owned).collect();
        Self {
            names: own(rule.resource_names()),
            operations: own(rule.operations()),
            groups: own(rule.api_groups()),
            versions: own(rule.api_versions()),
            resources: own(rule.resources()),
            scope: rule.scope().map(str::to_owned),
        }
    }

    /// Whether it means the request, were it for this version.
    fn fits(&self, attributes: &Attributes<'_>, version: &str) -> bool {
        let resource = attributes.resource;
        let is_namespaced = resource.namespaced && !attributes.namespace.is_empty();
        let in_scope = match self.scope.as_deref() {
            Some("Namespaced") => is_namespaced,
            Some("Cluster") => !is_namespaced,
            _ => true,
        };
        let is_resource = self.resources.iter().any(|said| {
            let (said, below) = said.split_once('/').unwrap_or((said, ""));
            let fits = |said: &str, asked: &str| said == "*" || said == asked;
            fits(said, &resource.name) && fits(below, attributes.subresource)
        });
        in_scope
            && is_resource
            && fits(&self.operations, attributes.operation.as_str())
            && fits(&self.groups, &resource.group)
            && fits(&self.versions, version)
            && (self.names.is_empty()
                || self
                    .names
                    .iter()
                    .any(|name| *name == attributes.name.as_str()))
    }
}
