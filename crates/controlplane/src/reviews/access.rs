//! Whether somebody may do something: the three kinds of access review.

use std::sync::Arc;

use pintle_api::authorization::v1::{
    FieldSelectorAttributes, LabelSelectorAttributes, LocalSubjectAccessReview,
    LocalSubjectAccessReviewMut, NonResourceAttributes, ResourceAttributes,
    SelfSubjectAccessReview, SelfSubjectAccessReviewMut, SubjectAccessReview,
    SubjectAccessReviewMut, SubjectAccessReviewSpec, SubjectAccessReviewStatusMut,
};
use pintle_authz::{Attributes, Decision};
use pintle_endpoints::unkept::{Action, Answer, Asked, Outcome};
use pintle_runtime::codec::json;
use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::meta::{METADATA, ObjectMeta};
use pintle_runtime::name::label_value;
use pintle_runtime::selector::{FieldSelector, LabelSelector};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::{Record, Value};

use super::AUTHORIZATION;
use super::validation::{check_attributes, check_selectors, shown};
use crate::access::Access;

/// Whom a review is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Of whomever it names: `subjectaccessreviews`.
    Anybody,
    /// The same, for one namespace: `localsubjectaccessreviews`.
    AnybodyHere,
    /// Of who asks: `selfsubjectaccessreviews`.
    Oneself,
}

/// One of the reviews.
pub(super) struct Review {
    access: Access,
    of: Of,
}

impl Review {
    pub(super) fn new(access: Access, of: Of) -> Self {
        Self { access, of }
    }

    async fn answer(&self, asked: Asked<'_>, mut body: Record) -> Result<Outcome, ApiError> {
        let errors = self.check(&body);
        if !errors.is_empty() {
            // Upstream names the group and no kind.
            return Err(ApiError::invalid(
                &GroupKind::new(AUTHORIZATION, ""),
                "",
                &errors,
            ));
        }
        let (attributes, ignored) = match self.of {
            Of::Anybody => of_spec(SubjectAccessReview::from_record(&body).spec()),
            Of::AnybodyHere => of_spec(LocalSubjectAccessReview::from_record(&body).spec()),
            Of::Oneself => {
                let spec = SelfSubjectAccessReview::from_record(&body).spec();
                let (resource, path) = (spec.resource_attributes(), spec.non_resource_attributes());
                attributes(Arc::clone(&asked.cx.user), resource, path)
            }
        };
        let decision = self.access.authorizer.authorize(&attributes).wait().await;
        let write = |mut status: SubjectAccessReviewStatusMut<'_>| {
            write(&decision, &ignored, &mut status);
        };
        match self.of {
            Of::Anybody => write(SubjectAccessReviewMut::from_record(&mut body).status_mut()),
            Of::AnybodyHere => {
                write(LocalSubjectAccessReviewMut::from_record(&mut body).status_mut());
            }
            Of::Oneself => {
                write(SelfSubjectAccessReviewMut::from_record(&mut body).status_mut());
            }
        }
        Ok(Outcome::Object(body))
    }

    fn check(&self, body: &Record) -> ErrorList {
        let mut errors = ErrorList::new();
        let check_subject = |spec: SubjectAccessReviewSpec<'_>, errors: &mut ErrorList| {
            check_attributes(
                spec.resource_attributes(),
                spec.non_resource_attributes(),
                errors,
            );
            if spec.user().is_empty() && spec.groups().is_empty() {
                let why = "at least one of user or group must be specified";
                errors.invalid(&Path::new("spec.user"), "", why);
            }
            check_selectors(spec.resource_attributes(), errors);
        };
        match self.of {
            Of::Anybody => {
                check_subject(SubjectAccessReview::from_record(body).spec(), &mut errors);
                check_metadata(body, "must be empty", &[], &mut errors);
            }
            Of::Oneself => {
                let spec = SelfSubjectAccessReview::from_record(body).spec();
                check_attributes(
                    spec.resource_attributes(),
                    spec.non_resource_attributes(),
                    &mut errors,
                );
                check_selectors(spec.resource_attributes(), &mut errors);
                check_metadata(body, "must be empty", &[], &mut errors);
            }
            Of::AnybodyHere => {
                let review = LocalSubjectAccessReview::from_record(body);
                let spec = review.spec();
                check_subject(spec, &mut errors);
                check_metadata(
                    body,
                    "must be empty except for namespace",
                    &["namespace"],
                    &mut errors,
                );
                if let Some(resource) = spec.resource_attributes()
                    && resource.namespace() != review.metadata().namespace()
                {
                    errors.invalid(
                        &Path::new("spec.resourceAttributes.namespace"),
                        resource.namespace(),
                        "must match metadata.namespace",
                    );
                }
                if let Some(path) = spec.non_resource_attributes() {
                    errors.invalid(
                        &Path::new("spec.nonResourceAttributes"),
                        shown(path),
                        "disallowed on this kind of request",
                    );
                }
            }
        }
        errors
    }
}

impl Action for Review {
    fn create<'a>(&'a self, asked: Asked<'a>, body: Record) -> Answer<'a, Outcome> {
        Box::pin(self.answer(asked, body))
    }
}

/// Nothing but the books may be in a review's metadata.
fn check_metadata(body: &Record, why: &str, allowed: &[&str], errors: &mut ErrorList) {
    let Some(metadata) = body.get(METADATA).and_then(Value::as_record) else {
        return;
    };
    let mut rest = metadata.clone();
    for name in allowed.iter().chain(&["managedFields"]) {
        if let Some(at) = rest.ty().field_index(name) {
            rest.remove(at);
        }
    }
    if rest != *ObjectMeta::empty().record() {
        let mut out = Vec::new();
        json::encode(metadata, &mut out);
        let shown = BadValue::Json(String::from_utf8_lossy(&out).into_owned());
        errors.invalid(&Path::new("metadata"), shown, why);
    }
}

fn of_spec(spec: SubjectAccessReviewSpec<'_>) -> (Attributes, Ignored) {
    let texts = |value: &Value| -> Vec<Text> {
        let items = value.as_list().unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(own).collect()
    };
    let user = UserInfo {
        name: own(spec.user()),
        uid: own(spec.uid()),
        groups: spec.groups().iter().map(own).collect(),
        extra: spec
            .extra()
            .iter()
            .map(|(key, values)| (key.clone(), texts(values)))
            .collect(),
    };
    attributes(
        Arc::new(user),
        spec.resource_attributes(),
        spec.non_resource_attributes(),
    )
}

fn attributes(
    user: Arc<UserInfo>,
    resource: Option<ResourceAttributes<'_>>,
    path: Option<NonResourceAttributes<'_>>,
) -> (Attributes, Ignored) {
    let Some(resource) = resource else {
        let path = path.unwrap_or_else(NonResourceAttributes::empty);
        let attributes = Attributes {
            user,
            verb: own(path.verb()),
            path: own(path.path()),
            resource: None,
        };
        return (attributes, Ignored::default());
    };
    let version = match resource.version() {
        "" => "*",
        given => given,
    };
    let fields = resource.field_selector().map(of_fields).unwrap_or_default();
    let labels = resource.label_selector().map(of_labels).unwrap_or_default();
    let ignored = [("fieldSelector", &fields), ("labelSelector", &labels)]
        .into_iter()
        .filter(|(_, said)| said.is_faulty)
        .map(|(which, said)| {
            let partially = if said.words.is_empty() {
                ""
            } else {
                "partially "
            };
            format!("spec.resourceAttributes.{which} {partially}ignored due to parse error")
        })
        .collect();
    let attributes = Attributes {
        user,
        verb: own(resource.verb()),
        path: Text::default(),
        resource: Some(pintle_authz::ResourceAttributes {
            group: own(resource.group()),
            version: own(version),
            resource: own(resource.resource()),
            subresource: own(resource.subresource()),
            namespace: own(resource.namespace()),
            name: own(resource.name()),
            field_selector: fields.words.into(),
            label_selector: labels.words.into(),
        }),
    };
    (attributes, ignored)
}

/// What of a review's selectors could not be understood, a text each.
type Ignored = Vec<String>;

/// A selector in the words of a query. What cannot be said in them is left out, which asks for more.
#[derive(Default)]
struct Said {
    words: String,
    is_faulty: bool,
}

impl Said {
    /// Of a text, which is understood as a whole or not at all.
    fn whole(text: &str, is_understood: bool) -> Self {
        Self {
            words: if is_understood { text } else { "" }.to_owned(),
            is_faulty: !is_understood,
        }
    }

    /// Of requirements, each of which is understood or not.
    fn all(requirements: impl Iterator<Item = Option<String>>) -> Self {
        let mut said = Self::default();
        let mut words = Vec::new();
        for requirement in requirements {
            match requirement {
                Some(word) => words.push(word),
                None => said.is_faulty = true,
            }
        }
        said.words = words.join(",");
        said
    }
}

fn of_fields(selector: FieldSelectorAttributes<'_>) -> Said {
    let raw = selector.raw_selector();
    if selector.requirements().is_empty() {
        return Said::whole(raw, FieldSelector::parse(raw).is_ok());
    }
    Said::all(selector.requirements().iter().map(|found| {
        let operator = match (found.operator(), found.values().len()) {
            ("In", 1) => "=",
            ("NotIn", 1) => "!=",
            _ => return None,
        };
        let value = escaped(found.values().first().unwrap_or_default());
        Some(format!("{}{operator}{value}", found.key()))
    }))
}

/// A value as field selectors have it.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ',' | '=') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

fn of_labels(selector: LabelSelectorAttributes<'_>) -> Said {
    let raw = selector.raw_selector();
    if selector.requirements().is_empty() {
        return Said::whole(raw, LabelSelector::parse(raw).is_ok());
    }
    Said::all(selector.requirements().iter().map(|found| {
        // Nothing in a value may be taken for a word of the selector.
        if found
            .values()
            .iter()
            .any(|value| !label_value(value).is_empty())
        {
            return None;
        }
        let (key, values) = (found.key(), found.values().iter().collect::<Vec<_>>());
        let word = match (found.operator(), values.len()) {
            ("In", 1..) => format!("{key} in ({})", values.join(",")),
            ("NotIn", 1..) => format!("{key} notin ({})", values.join(",")),
            ("Exists", 0) => key.to_owned(),
            ("DoesNotExist", 0) => format!("!{key}"),
            _ => return None,
        };
        LabelSelector::parse(&word).is_ok().then_some(word)
    }))
}

fn write(decision: &Decision, ignored: &Ignored, status: &mut SubjectAccessReviewStatusMut<'_>) {
    let (allowed, reason) = match decision {
        Decision::Allow(reason) => (true, reason),
        Decision::Deny(reason) => {
            status.set_denied(true);
            (false, reason)
        }
        Decision::NoOpinion(reason) => (false, reason),
    };
    status.set_allowed(allowed);
    if !reason.is_empty() {
        status.set_reason(Text::from(reason.as_str().to_owned()));
    }
    let faults: Vec<String> = reason
        .failures()
        .into_iter()
        .chain(ignored.iter().cloned())
        .collect();
    if !faults.is_empty() {
        status.set_evaluation_error(faults.join("; "));
    }
}

fn own(text: &str) -> Text {
    Text::from(text.to_owned())
}
