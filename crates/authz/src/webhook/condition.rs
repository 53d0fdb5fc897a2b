//! Which requests a webhook is asked about: [`MatchCondition`].

use std::sync::{Arc, LazyLock};

use pintle_cel::types::{Declared, ObjectType, Type};
use pintle_cel::value::{EvalError, Fields, Key, Map, Object, OwnedMap, Val};
use pintle_cel::{Budget, Environment, Program};
use pintle_runtime::text::Text;

use super::review::{Requirement, Requirements};
use crate::attributes::{Attributes, ResourceAttributes};
use crate::rules::joined;

/// An expression that has to hold of a request for a webhook to be asked about it.
#[derive(Debug, Clone)]
pub struct MatchCondition {
    text: Arc<str>,
    program: Program,
}

const REQUEST: &str = "kubernetes.SubjectAccessReviewSpec";
const RESOURCE: &str = "kubernetes.ResourceAttributes";
const PATH: &str = "kubernetes.NonResourceAttributes";
const FIELD_SELECTOR: &str = "kubernetes.FieldSelectorAttributes";
const LABEL_SELECTOR: &str = "kubernetes.LabelSelectorAttributes";
const REQUIREMENT: &str = "kubernetes.SelectorRequirement";

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let text = |name| (name, Type::String);
    let texts = || Type::list(Type::String);
    let selector = || {
        let requirements = Type::list(Type::object(REQUIREMENT));
        ObjectType::new([text("rawSelector"), ("requirements", requirements)])
    };
    let request = ObjectType::new([
        ("resourceAttributes", Type::object(RESOURCE)),
        ("nonResourceAttributes", Type::object(PATH)),
        text("user"),
        ("groups", texts()),
        ("extra", Type::map(Type::String, texts())),
        text("uid"),
    ]);
    let resource = ObjectType::new([
        text("namespace"),
        text("verb"),
        text("group"),
        text("version"),
        text("resource"),
        text("subresource"),
        text("name"),
        ("fieldSelector", Type::object(FIELD_SELECTOR)),
        ("labelSelector", Type::object(LABEL_SELECTOR)),
    ]);
    let requirement = ObjectType::new([text("key"), text("operator"), ("values", texts())]);
    let types = Declared::new()
        .with(REQUEST, request)
        .with(RESOURCE, resource)
        .with(PATH, ObjectType::new([text("path"), text("verb")]))
        .with(FIELD_SELECTOR, selector())
        .with(LABEL_SELECTOR, selector())
        .with(REQUIREMENT, requirement);
    Environment::base()
        .with_variable("request", Type::object(REQUEST))
        .with_objects(Arc::new(types))
});

impl MatchCondition {
    /// Reads an expression about `request`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(text: &str) -> Result<Self, String> {
        let program = Program::compile(text, &ENVIRONMENT)
            .map_err(|issues| format!("compilation failed: {issues}"))?;
        match program.result() {
            Type::Bool => Ok(Self {
                text: text.into(),
                program,
            }),
            found => Err(format!(
                "must evaluate to bool but got {}",
                found.declared_name()
            )),
        }
    }

    fn holds<'a>(&self, request: &Val<'a>) -> Result<bool, String> {
        let variables = [("request", request.clone())];
        let mut budget = Budget::new(Budget::PER_CALL);
        let value = self.program.evaluate(&variables, &mut budget);
        let value = value.map_err(|error| {
            format!(
                "cel evaluation error: expression '{}' resulted in error: {error}",
                self.text
            )
        })?;
        value.as_bool().ok_or_else(|| {
            format!(
                "cel evaluation error: expression '{}' eval result type should be bool but got {}",
                self.text,
                value.type_name()
            )
        })
    }
}

/// What conditions come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Matched {
    /// One does not hold, so the webhook is not asked.
    pub(super) is_excluded: bool,
    /// What went wrong, if something did: one fault as it is, several as Go shows an aggregate of errors. It does not
    /// count where another condition does not hold.
    pub(super) failures: Option<String>,
}

impl Matched {
    /// The first condition that does not hold decides, whatever went wrong before.
    pub(super) fn of(conditions: &[MatchCondition], attributes: &Attributes) -> Self {
        let asked = Asked::about(attributes);
        let request = Val::Object(Object::Lent(&asked));
        let mut failures = Vec::new();
        let mut is_excluded = false;
        for condition in conditions {
            match condition.holds(&request) {
                Ok(true) => {}
                Ok(false) => {
                    is_excluded = true;
                    break;
                }
                Err(failure) => failures.push(failure),
            }
        }
        Self {
            is_excluded,
            failures: joined(failures),
        }
    }
}

/// A request as expressions see it: every text is there, though it be empty, and a selector only if it selects.
struct Asked<'a> {
    attributes: &'a Attributes,
    resource: Option<OfResource<'a>>,
}

struct OfResource<'a> {
    verb: &'a Text,
    target: &'a ResourceAttributes,
}

impl<'a> Asked<'a> {
    fn about(attributes: &'a Attributes) -> Self {
        let resource = attributes.resource.as_ref().map(|target| OfResource {
            verb: &attributes.verb,
            target,
        });
        Self {
            attributes,
            resource,
        }
    }
}

fn text(text: &Text) -> Val<'static> {
    Val::String(text.clone())
}

fn texts(list: &[Text]) -> Val<'static> {
    Val::list(list.iter().map(text).collect())
}

/// The fields of these names that are there.
fn entries<'v>(of: &'v dyn Fields, names: &[&'static str]) -> Vec<(Text, Val<'v>)> {
    let entries = names.iter().filter_map(|name| {
        let value = of.field(name).ok()??;
        Some((Text::from_static(name), value))
    });
    entries.collect()
}

impl Fields for Asked<'_> {
    fn type_name(&self) -> &str {
        REQUEST
    }

    fn field(&self, name: &str) -> Result<Option<Val<'_>>, EvalError> {
        let user = &*self.attributes.user;
        Ok(match name {
            "user" => Some(text(&user.name)),
            "uid" => Some(text(&user.uid)),
            "groups" => Some(texts(&user.groups)),
            "extra" => {
                let mut extra = OwnedMap::default();
                for (key, values) in &user.extra {
                    extra.insert(Key::String(key.clone()), texts(values));
                }
                Some(Val::Map(Map::Owned(Arc::new(extra))))
            }
            "resourceAttributes" => self
                .resource
                .as_ref()
                .map(|resource| Val::Object(Object::Lent(resource))),
            "nonResourceAttributes" if self.resource.is_none() => Some(Val::object(
                PATH,
                vec![
                    ("path", text(&self.attributes.path)),
                    ("verb", text(&self.attributes.verb)),
                ],
            )),
            _ => None,
        })
    }

    fn entries(&self) -> Vec<(Text, Val<'_>)> {
        entries(
            self,
            &[
                "resourceAttributes",
                "nonResourceAttributes",
                "user",
                "groups",
                "extra",
                "uid",
            ],
        )
    }
}

impl Fields for OfResource<'_> {
    fn type_name(&self) -> &str {
        RESOURCE
    }

    fn field(&self, name: &str) -> Result<Option<Val<'_>>, EvalError> {
        let target = self.target;
        Ok(match name {
            "namespace" => Some(text(&target.namespace)),
            "verb" => Some(text(self.verb)),
            "group" => Some(text(&target.group)),
            "version" => Some(text(&target.version)),
            "resource" => Some(text(&target.resource)),
            "subresource" => Some(text(&target.subresource)),
            "name" => Some(text(&target.name)),
            "fieldSelector" => selector(
                FIELD_SELECTOR,
                Requirements::of_fields(&target.field_selector),
            ),
            "labelSelector" => selector(
                LABEL_SELECTOR,
                Requirements::of_labels(&target.label_selector),
            ),
            _ => None,
        })
    }

    fn entries(&self) -> Vec<(Text, Val<'_>)> {
        entries(
            self,
            &[
                "namespace",
                "verb",
                "group",
                "version",
                "resource",
                "subresource",
                "name",
                "fieldSelector",
                "labelSelector",
            ],
        )
    }
}

fn selector(type_name: &str, selector: Requirements) -> Option<Val<'static>> {
    if selector.is_empty() {
        return None;
    }
    let requirement = |requirement: Requirement| {
        let values = requirement.values.into_iter().map(Val::string).collect();
        Val::object(
            REQUIREMENT,
            vec![
                ("key", Val::string(requirement.key)),
                ("operator", Val::string(requirement.operator)),
                ("values", Val::list(values)),
            ],
        )
    };
    let requirements = selector.requirements.into_iter().map(requirement).collect();
    Some(Val::object(
        type_name,
        vec![("requirements", Val::list(requirements))],
    ))
}

#[cfg(test)]
mod tests {
    use pintle_runtime::user::UserInfo;

    use super::*;

    fn list() -> Attributes {
        let user = UserInfo {
            groups: vec!["devs".into(), "ops".into()],
            extra: vec![("example.org/a".into(), vec!["b".into()])],
            ..UserInfo::named("jane")
        };
        Attributes {
            user: Arc::new(user),
            verb: "list".into(),
            path: "/apis/apps/v1/namespaces/blue/deployments".into(),
            resource: Some(ResourceAttributes {
                group: "apps".into(),
                version: "v1".into(),
                resource: "deployments".into(),
                namespace: "blue".into(),
                field_selector: "metadata.name=web".into(),
                label_selector: "app in (a,b),!old,size>3".into(),
                ..ResourceAttributes::default()
            }),
        }
    }

    fn path() -> Attributes {
        Attributes {
            verb: "get".into(),
            path: "/metrics".into(),
            resource: None,
            ..list()
        }
    }

    fn matched(conditions: &[&str], attributes: &Attributes) -> Result<bool, String> {
        let conditions: Vec<MatchCondition> = conditions
            .iter()
            .map(|text| MatchCondition::compile(text).expect(text))
            .collect();
        let matched = Matched::of(&conditions, attributes);
        match matched.failures {
            Some(failures) if !matched.is_excluded => Err(failures),
            _ => Ok(!matched.is_excluded),
        }
    }

    #[track_caller]
    fn check(text: &str, attributes: &Attributes, expected: bool) {
        assert_eq!(matched(&[text], attributes), Ok(expected), "{text}");
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let why = MatchCondition::compile(text).map(|_| ()).expect_err(text);
        assert_eq!(why.lines().next(), Some(expected), "{text}");
    }

    #[test]
    fn conditions_speak_of_the_request() {
        let list = &list();
        for text in [
            "request.user == 'jane' && request.uid == ''",
            "'devs' in request.groups && request.groups.size() == 2",
            "request.extra['example.org/a'] == ['b']",
            "has(request.resourceAttributes) && !has(request.nonResourceAttributes)",
            "request.resourceAttributes.verb == 'list'",
            "request.resourceAttributes.namespace == 'blue'",
            "request.resourceAttributes.group + '/' + request.resourceAttributes.version == 'apps/v1'",
            "request.resourceAttributes.resource == 'deployments'",
            // What is empty is there.
            "has(request.resourceAttributes.name) && request.resourceAttributes.name == ''",
            "has(request.resourceAttributes.subresource) && has(request.uid)",
            "request.resourceAttributes.fieldSelector.requirements == [request.resourceAttributes.fieldSelector.requirements[0]]",
            "request.resourceAttributes.fieldSelector.requirements.exists(r, r.key == 'metadata.name' && r.operator == 'In' && r.values == ['web'])",
            "!has(request.resourceAttributes.fieldSelector.rawSelector)",
            // There is no word for what is greater than something.
            "request.resourceAttributes.labelSelector.requirements.map(r, r.key + ' ' + r.operator + ' ' + r.values.join(',')) == ['app In a,b', 'old DoesNotExist ']",
        ] {
            check(text, list, true);
        }
        let path = &path();
        check("has(request.resourceAttributes)", path, false);
        check(
            "request.nonResourceAttributes.path == '/metrics'",
            path,
            true,
        );
        check("request.nonResourceAttributes.verb == 'get'", path, true);
        check(
            "request.?resourceAttributes.namespace.orValue('none') == 'none'",
            path,
            true,
        );
        let mut plain = list.clone();
        if let Some(target) = &mut plain.resource {
            target.field_selector = "nothing".into();
            target.label_selector = "size>3".into();
        }
        check(
            "has(request.resourceAttributes.fieldSelector)",
            &plain,
            false,
        );
        check(
            "has(request.resourceAttributes.labelSelector)",
            &plain,
            false,
        );
    }

    #[test]
    fn every_condition_has_to_hold() {
        let (list, path) = (&list(), &path());
        let blue = "request.resourceAttributes.namespace == 'blue'";
        let jane = "request.user == 'jane'";
        let joe = "request.user == 'joe'";
        assert_eq!(matched(&[], list), Ok(true));
        assert_eq!(matched(&[blue, jane], list), Ok(true));
        assert_eq!(matched(&[blue, joe], list), Ok(false));
        let failure = format!(
            "cel evaluation error: expression '{blue}' resulted in error: no such key: resourceAttributes"
        );
        assert_eq!(matched(&[blue, jane], path), Err(failure.clone()));
        // What does not hold counts, whatever went wrong.
        assert_eq!(matched(&[blue, joe], path), Ok(false));
        let lists = "request.resourceAttributes.verb == 'list'";
        let other = failure.replace(blue, lists);
        assert_eq!(
            matched(&[blue, lists], path),
            Err(format!("[{failure}, {other}]"))
        );
    }

    #[test]
    fn work_is_limited() {
        let ten = "[0,1,2,3,4,5,6,7,8,9]";
        let mut text = "true".to_owned();
        for name in ["a", "b", "c", "d", "e", "f"] {
            text = format!("{ten}.all({name}, {text})");
        }
        let failure = matched(&[&text], &list()).expect_err("it is too much");
        assert!(
            failure.ends_with("operation cancelled: actual cost limit exceeded"),
            "{failure}"
        );
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        check_refused("request.user", "must evaluate to bool but got string");
        check_refused(
            "request.time == 'now'",
            "compilation failed: ERROR: <input>:1:8: undefined field 'time'",
        );
        check_refused(
            "x.user",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'x' (in container '')",
        );
        check_refused(
            "request.resourceAttributes.fieldSelector.none == ''",
            "compilation failed: ERROR: <input>:1:41: undefined field 'none'",
        );
    }
}
