//! A `SubjectAccessReview` in JSON: [`Review`].

use std::collections::BTreeMap;

use pintle_runtime::selector::{FieldOperator, FieldSelector, LabelSelector, Operator};
use pintle_runtime::text::Text;
use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_attributes: Option<Resource<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    non_resource_attributes: Option<Path<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: &'a str,
    /// `group` in the older version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group: Vec<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra: BTreeMap<&'a str, Vec<&'a str>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    verb: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    resource: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subresource: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "Requirements::is_empty")]
    field_selector: Requirements,
    #[serde(skip_serializing_if = "Requirements::is_empty")]
    label_selector: Requirements,
}

#[derive(Serialize)]
struct Path<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    verb: &'a str,
}

#[derive(Default, Serialize)]
pub(super) struct Requirements {
    pub(super) requirements: Vec<Requirement>,
}

#[derive(Serialize)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) values: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Review<'a> {
    kind: &'static str,
    api_version: String,
    metadata: Nothing,
    spec: &'a Spec<'a>,
    status: Status,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub(super) status: Status,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) allowed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) denied: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
}

impl<'a> Spec<'a> {
    /// What is asked of `attributes` in a version of the API.
    pub(super) fn of(attributes: &'a Attributes, version: &str) -> Self {
        let user = &*attributes.user;
        let (groups, group) = match version {
            "v1beta1" => (Vec::new(), texts(&user.groups)),
            _ => (texts(&user.groups), Vec::new()),
        };
        let resource = attributes.resource.as_ref();
        Self {
            resource_attributes: resource.map(|target| Resource {
                namespace: &target.namespace,
                verb: &attributes.verb,
                group: &target.group,
                version: &target.version,
                resource: &target.resource,
                subresource: &target.subresource,
                name: &target.name,
                field_selector: Requirements::of_fields(&target.field_selector),
                label_selector: Requirements::of_labels(&target.label_selector),
            }),
            non_resource_attributes: resource.is_none().then(|| Path {
                path: &attributes.path,
                verb: &attributes.verb,
            }),
            user: &user.name,
            groups,
            group,
            extra: user
                .extra
                .iter()
                .map(|(key, values)| (key.as_str(), texts(values)))
                .collect(),
            uid: &user.uid,
        }
    }
}

impl<'a> Review<'a> {
    /// Asks `spec` in a version of the API.
    pub(super) fn new(spec: &'a Spec<'a>, version: &str) -> Self {
        Self {
            kind: "SubjectAccessReview",
            api_version: format!("authorization.k8s.io/{version}"),
            metadata: Nothing {},
            spec,
            status: Status::default(),
        }
    }
}

impl Requirements {
    pub(super) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Of a field selector. What cannot be read narrows nothing.
    pub(super) fn of_fields(selector: &str) -> Self {
        let Ok(selector) = FieldSelector::parse(selector) else {
            return Self::default();
        };
        let requirements = selector.terms().iter().map(|term| Requirement {
            key: term.field.to_string(),
            operator: match term.operator {
                FieldOperator::Equals => "In",
                FieldOperator::NotEquals => "NotIn",
            },
            values: vec![term.value.to_string()],
        });
        Self {
            requirements: requirements.collect(),
        }
    }

    /// Of a label selector. What the API has no word for narrows nothing.
    pub(super) fn of_labels(selector: &str) -> Self {
        let Ok(selector) = LabelSelector::parse(selector) else {
            return Self::default();
        };
        let requirement = |requirement: &pintle_runtime::selector::Requirement| {
            Some(Requirement {
                key: requirement.key().to_owned(),
                operator: match requirement.operator() {
                    Operator::Equals | Operator::DoubleEquals | Operator::In => "In",
                    Operator::NotEquals | Operator::NotIn => "NotIn",
                    Operator::Exists => "Exists",
                    Operator::DoesNotExist => "DoesNotExist",
                    Operator::GreaterThan | Operator::LessThan => return None,
                },
                values: requirement.values().map(str::to_owned).collect(),
            })
        };
        Self {
            requirements: selector
                .requirements()
                .iter()
                .filter_map(requirement)
                .collect(),
        }
    }
}

fn texts(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(Text::as_str).collect()
}
