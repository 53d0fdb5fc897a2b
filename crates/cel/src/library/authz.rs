//! Whether someone may do something.

use std::sync::Arc;

use pintle_runtime::text::Text;

use super::{Opaque, Row, fail, truth};
use crate::value::{Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    (
        "path",
        path,
        &[("authorizer_path", "authorizer.(string) pathcheck")],
    ),
    (
        "group",
        group,
        &[("authorizer_group", "authorizer.(string) groupcheck")],
    ),
    (
        "serviceAccount",
        service_account,
        &[(
            "authorizer_serviceaccount",
            "authorizer.(string, string) authorizer",
        )],
    ),
    (
        "resource",
        resource,
        &[("groupcheck_resource", "groupcheck.(string) resourcecheck")],
    ),
    (
        "subresource",
        subresource,
        &[(
            "resourcecheck_subresource",
            "resourcecheck.(string) resourcecheck",
        )],
    ),
    (
        "namespace",
        namespace,
        &[(
            "resourcecheck_namespace",
            "resourcecheck.(string) resourcecheck",
        )],
    ),
    (
        "name",
        name,
        &[("resourcecheck_name", "resourcecheck.(string) resourcecheck")],
    ),
    (
        "fieldSelector",
        field_selector,
        &[(
            "authorizer_fieldselector",
            "resourcecheck.(string) resourcecheck",
        )],
    ),
    (
        "labelSelector",
        label_selector,
        &[(
            "authorizer_labelselector",
            "resourcecheck.(string) resourcecheck",
        )],
    ),
    (
        "check",
        check,
        &[
            ("pathcheck_check", "pathcheck.(string) decision"),
            ("resourcecheck_check", "resourcecheck.(string) decision"),
        ],
    ),
    (
        "errored",
        errored,
        &[("decision_errored", "decision.() bool")],
    ),
    ("error", error, &[("decision_error", "decision.() string")]),
    (
        "allowed",
        allowed,
        &[("decision_allowed", "decision.() bool")],
    ),
    (
        "reason",
        reason,
        &[("decision_reason", "decision.() string")],
    ),
];

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why.
    pub reason: String,
    /// What went wrong on the way.
    pub error: Option<String>,
}

/// What is asked about a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// The API group.
    pub group: String,
    /// The resource.
    pub resource: String,
    /// The subresource.
    pub subresource: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The field selector, as written.
    pub field_selector: Option<String>,
    /// The label selector, as written.
    pub label_selector: Option<String>,
}

/// What is asked.
#[derive(Debug)]
pub enum Question<'q> {
    /// Whether a path may be reached.
    Path(&'q str),
    /// Whether something may be done with a resource.
    Resource(&'q Resource),
}

/// Who answers what expressions ask with `authorizer`.
pub trait Authorizer: Send + Sync {
    /// Whether whoever sent the request, or else the service account, may do `verb`.
    fn decide(
        &self,
        service_account: Option<(&str, &str)>,
        verb: &str,
        question: Question<'_>,
    ) -> Decision;
}

/// Someone who may be asked about: whoever sent the request, or a service account.
#[derive(Clone)]
pub struct Subject<'a> {
    authorizer: &'a dyn Authorizer,
    service_account: Option<Arc<(String, String)>>,
}

/// A path that may be asked about.
pub struct PathCheck<'a> {
    subject: Subject<'a>,
    path: String,
}

/// A group or resource that may be asked about.
#[derive(Clone)]
pub struct ResourceCheck<'a> {
    subject: Subject<'a>,
    resource: Resource,
}

impl<'a> Val<'a> {
    /// What expressions know as `authorizer`.
    pub fn authorizer(authorizer: &'a dyn Authorizer) -> Self {
        Self::Opaque(Opaque::Authorizer(Subject {
            authorizer,
            service_account: None,
        }))
    }

    /// What expressions know as `authorizer.requestResource`.
    pub fn request_resource(authorizer: &'a dyn Authorizer, resource: Resource) -> Self {
        Self::Opaque(Opaque::Resource(Arc::new(ResourceCheck {
            subject: Subject {
                authorizer,
                service_account: None,
            },
            resource,
        })))
    }
}

impl Subject<'_> {
    fn ask(&self, verb: &str, question: Question<'_>) -> Decision {
        let account = self.service_account.as_deref();
        let account = account.map(|(namespace, name)| (namespace.as_str(), name.as_str()));
        self.authorizer.decide(account, verb, question)
    }
}

fn path<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::Opaque(Opaque::Authorizer(subject)), Val::String(path)] = args else {
        return None;
    };
    if path.is_empty() {
        return Some(fail("path must not be empty"));
    }
    Some(Ok(Val::Opaque(Opaque::Path(Arc::new(PathCheck {
        subject: subject.clone(),
        path: path.to_string(),
    })))))
}

fn group<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::Opaque(Opaque::Authorizer(subject)), Val::String(group)] = args else {
        return None;
    };
    Some(Ok(Val::Opaque(Opaque::Group(Arc::new(ResourceCheck {
        subject: subject.clone(),
        resource: Resource {
            group: group.to_string(),
            ..Resource::default()
        },
    })))))
}

fn service_account<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [
        Val::Opaque(Opaque::Authorizer(subject)),
        Val::String(namespace),
        Val::String(name),
    ] = args
    else {
        return None;
    };
    if !pintle_runtime::name::dns1123_subdomain(name).is_empty() {
        return Some(fail("Invalid service account name"));
    }
    if !pintle_runtime::name::dns1123_label(namespace).is_empty() {
        return Some(fail("Invalid service account namespace"));
    }
    Some(Ok(Val::Opaque(Opaque::Authorizer(Subject {
        authorizer: subject.authorizer,
        service_account: Some(Arc::new((namespace.to_string(), name.to_string()))),
    }))))
}

fn resource<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::Opaque(Opaque::Group(group)), Val::String(resource)] = args else {
        return None;
    };
    if resource.is_empty() {
        return Some(fail("resource must not be empty"));
    }
    let mut check = (**group).clone();
    check.resource.resource = resource.to_string();
    Some(Ok(Val::Opaque(Opaque::Resource(Arc::new(check)))))
}

fn with<'a>(args: Args<'_, 'a>, set: fn(&mut Resource, &Text)) -> Answer<'a> {
    let [Val::Opaque(Opaque::Resource(check)), Val::String(value)] = args else {
        return None;
    };
    let mut check = (**check).clone();
    set(&mut check.resource, value);
    Some(Ok(Val::Opaque(Opaque::Resource(Arc::new(check)))))
}

fn subresource<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    with(args, |resource, value| {
        resource.subresource = value.to_string();
    })
}

fn namespace<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    with(args, |resource, value| {
        resource.namespace = value.to_string();
    })
}

fn name<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    with(args, |resource, value| resource.name = value.to_string())
}

fn field_selector<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    with(args, |resource, value| {
        resource.field_selector = Some(value.to_string());
    })
}

fn label_selector<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    with(args, |resource, value| {
        resource.label_selector = Some(value.to_string());
    })
}

fn check<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let decision = match args {
        [Val::Opaque(Opaque::Path(check)), Val::String(verb)] => {
            check.subject.ask(verb, Question::Path(&check.path))
        }
        [Val::Opaque(Opaque::Resource(check)), Val::String(verb)] => {
            check.subject.ask(verb, Question::Resource(&check.resource))
        }
        _ => return None,
    };
    Some(Ok(Val::Opaque(Opaque::Decision(Arc::new(decision)))))
}

fn decision<'v>(args: &'v [Val<'_>]) -> Option<&'v Decision> {
    match args {
        [Val::Opaque(Opaque::Decision(decision))] => Some(decision),
        _ => None,
    }
}

fn errored<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(decision(args)?.error.is_some())
}

fn error<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let error = decision(args)?.error.clone();
    Some(Ok(Val::string(error.unwrap_or_default())))
}

fn allowed<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(decision(args)?.allowed)
}

fn reason<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(Ok(Val::string(&*decision(args)?.reason)))
}
