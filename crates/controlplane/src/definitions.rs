//! What custom resource definitions say of themselves: whether their names are theirs, and when they may go.
//!
//! A definition whose names nobody else has gets them (`NamesAccepted`). That its resources are served, which is what
//! `Established` says, is said by whoever serves them; until then it is being installed. A definition that is to go and
//! was never established has no objects, so nothing holds it.

use std::collections::HashSet;

use pintle_api::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionCondition, CustomResourceDefinitionMut,
    CustomResourceDefinitionNames, CustomResourceDefinitionStatusMut,
};
use pintle_api::validation::definition::{Approval, is_protected};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::{Metadata, MetadataMut};
use pintle_endpoints::strategy::Hold;
use pintle_runtime::quote::Quoted;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use crate::hooks::{MANAGER, Ours};

/// What holds a definition whose objects are still there.
const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";
/// Where somebody says that Kubernetes agrees to a kind in one of its groups.
const APPROVAL: &str = "api-approved.kubernetes.io";

const SEE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

/// What a definition says of itself.
struct Condition {
    kind: &'static str,
    status: &'static str,
    reason: &'static str,
    message: String,
}

impl Condition {
    fn new(
        kind: &'static str,
        status: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into();
        Self {
            kind,
            status,
            reason,
            message,
        }
    }

    fn is_said(&self, known: List<'_, CustomResourceDefinitionCondition<'_>>) -> bool {
        condition(known, self.kind).is_some_and(|it| {
            it.status() == self.status && it.reason() == self.reason && it.message() == self.message
        })
    }

    /// Says it; since when is kept where it was as true before.
    fn say(&self, status: &mut CustomResourceDefinitionStatusMut<'_>, now: Time) {
        let mut conditions = status.conditions_mut();
        let known = conditions
            .iter_mut()
            .position(|it| it.view().type_() == self.kind);
        let mut condition = match known {
            Some(at) => match conditions.get_mut(at) {
                Some(condition) => condition,
                None => return,
            },
            None => conditions.push_new(),
        };
        if condition.view().status() != self.status {
            condition.set_last_transition_time(now);
        }
        condition.set_type(self.kind);
        condition.set_status(self.status);
        condition.set_reason(self.reason);
        condition.set_message(self.message.clone());
    }
}

fn condition<'a>(
    conditions: List<'a, CustomResourceDefinitionCondition<'a>>,
    kind: &str,
) -> Option<CustomResourceDefinitionCondition<'a>> {
    conditions.iter().find(|it| it.type_() == kind)
}

/// The first request to delete a definition only says that it is to go, and has it wait for its objects.
pub(crate) fn hold(cx: &RequestContext, object: &mut Record) -> Hold {
    if Metadata::of(object).deletion_timestamp().is_some() {
        return Hold::Nothing;
    }
    let now = cx.now().truncate_to_seconds();
    if let Some(mut metadata) = MetadataMut::of(object) {
        metadata.set_deletion_timestamp(Some(now));
        let mut finalizers: Vec<_> = metadata.read().finalizers().map(str::to_owned).collect();
        if !finalizers.iter().any(|it| it == FINALIZER) {
            finalizers.push(FINALIZER.to_owned());
            metadata.set_finalizers(finalizers.into_iter().map(Into::into).collect());
        }
    }
    let pending = Condition::new(
        "Terminating",
        "True",
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    );
    pending.say(
        &mut CustomResourceDefinitionMut::from_record(object).status_mut(),
        now,
    );
    Hold::Kept
}

/// Looks at every definition, and has it say what is so.
pub(crate) async fn look(ours: &Ours) -> Result<(), ApiError> {
    let store = ours.store("apiextensions.k8s.io", "customresourcedefinitions")?;
    let Some(status) = store.subresource("status") else {
        return Ok(());
    };
    let (snapshot, _) = store.cache().newest();
    let mut all = Vec::new();
    for entry in snapshot.iter() {
        all.push(entry.record()?);
    }
    for at in 0..all.len() {
        let now = ours.now();
        let Some(new) = settled(&all, at, now) else {
            continue;
        };
        let name = Metadata::of(&new).name().to_owned();
        let seen = Metadata::of(&new).resource_version().to_owned();
        let result = ours
            .update(status, "", MANAGER, &name, |record| {
                // Whoever was faster is looked at in the next pass.
                if Metadata::of(record).resource_version() == seen {
                    *record = new.clone();
                }
            })
            .await;
        match result {
            Ok(_) => all[at] = new,
            Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The definition at `at` as it should be; `None` where it is.
fn settled(all: &[Record], at: usize, now: Time) -> Option<Record> {
    let definition = CustomResourceDefinition::from_record(&all[at]);
    let known = definition.status().conditions();
    let established = condition(known, "Established");
    let is_established = established.is_some_and(|it| it.status() == "True");
    let metadata = Metadata::of(&all[at]);
    if metadata.deletion_timestamp().is_some() {
        let is_held = metadata.finalizers().any(|it| it == FINALIZER);
        // Objects that another server keeps are for that server to delete.
        if is_established || !is_held {
            return None;
        }
        let finalizers = metadata.finalizers().filter(|it| *it != FINALIZER);
        let finalizers = finalizers.map(|it| it.to_owned().into()).collect();
        let mut new = all[at].clone();
        MetadataMut::of(&mut new)?.set_finalizers(finalizers);
        let reason = "NeverEstablished";
        Condition::new(
            "Terminating",
            "False",
            reason,
            "resource was never established",
        )
        .say(
            &mut CustomResourceDefinitionMut::from_record(&mut new).status_mut(),
            now,
        );
        return Some(new);
    }
    let (names, accepted) = names(all, definition);
    let mut conditions: Vec<_> = approval(definition).into_iter().collect();
    let is_free = accepted.status == "True";
    conditions.push(accepted);
    if !is_established && is_free {
        let message = "the initial names have been accepted";
        conditions.push(Condition::new(
            "Established",
            "False",
            "Installing",
            message,
        ));
    } else if established.is_none() {
        let message = "not all names are accepted";
        conditions.push(Condition::new(
            "Established",
            "False",
            "NotAccepted",
            message,
        ));
    }
    let has_names = definition.status().accepted_names().record() == &names;
    if has_names && conditions.iter().all(|it| it.is_said(known)) {
        return None;
    }
    let mut new = all[at].clone();
    let mut definition = CustomResourceDefinitionMut::from_record(&mut new);
    let mut status = definition.status_mut();
    status.set_accepted_names(names);
    for condition in conditions {
        condition.say(&mut status, now);
    }
    Some(new)
}

/// One of a definition's names.
type NameOf = fn(CustomResourceDefinitionNames<'_>) -> &str;

/// The names that a definition gets, and whether they are those that it asks for.
fn names(all: &[Record], definition: CustomResourceDefinition<'_>) -> (Record, Condition) {
    let group = definition.spec().group();
    let others = all
        .iter()
        .map(CustomResourceDefinition::from_record)
        .filter(|other| {
            other.spec().group() == group && other.metadata().uid() != definition.metadata().uid()
        });
    let (mut resources, mut kinds) = (HashSet::new(), HashSet::new());
    for other in others {
        let names = other.status().accepted_names();
        resources.extend([names.plural(), names.singular()]);
        resources.extend(names.short_names().iter());
        kinds.extend([names.kind(), names.list_kind()]);
    }
    let (wanted, had) = (
        definition.spec().names(),
        definition.status().accepted_names(),
    );
    let mut names = had.record().clone();
    let mut refused = None;
    let mut refuse = |reason, message: String| {
        refused = Some(Condition::new("NamesAccepted", "False", reason, message));
    };
    let in_use = |name: &str| format!("{} is already in use", Quoted(name));
    let single: [(&str, NameOf, _, _); 4] = [
        ("plural", |it| it.plural(), &resources, "PluralConflict"),
        (
            "singular",
            |it| it.singular(),
            &resources,
            "SingularConflict",
        ),
        ("kind", |it| it.kind(), &kinds, "KindConflict"),
        ("listKind", |it| it.list_kind(), &kinds, "ListKindConflict"),
    ];
    let lists = ["shortNames", "categories"];
    let mut taken = Vec::new();
    for (field, name, used, reason) in single {
        if field == "kind" {
            let fresh =
                |short: &&str| !had.short_names().contains(short) && resources.contains(short);
            let clashes: Vec<_> = wanted
                .short_names()
                .iter()
                .filter(fresh)
                .map(in_use)
                .collect();
            match &*clashes {
                [] => taken.push(lists[0]),
                [one] => refuse("ShortNamesConflict", one.clone()),
                more => refuse("ShortNamesConflict", format!("[{}]", more.join(", "))),
            }
        }
        let asked = name(wanted);
        if asked != name(had) && used.contains(asked) {
            refuse(reason, in_use(asked));
        } else {
            taken.push(field);
        }
    }
    taken.push(lists[1]);
    for field in taken {
        let Some(at) = names.ty().field_index(field) else {
            continue;
        };
        match wanted.record().get(at) {
            Some(value) => names.set(at, value.clone()),
            None => names.remove(at),
        };
    }
    let accepted = refused.unwrap_or_else(|| {
        Condition::new("NamesAccepted", "True", "NoConflicts", "no conflicts found")
    });
    (names, accepted)
}

/// Whether Kubernetes agrees to the definition, where the group is its own.
fn approval(definition: CustomResourceDefinition<'_>) -> Option<Condition> {
    if !is_protected(definition.spec().group()) {
        return None;
    }
    let must = format!(
        "protected groups must have approval annotation {}",
        Quoted(APPROVAL)
    );
    let annotation = definition.metadata().annotations().get(APPROVAL);
    let given = annotation.unwrap_or_default();
    let (status, reason, message) = match Approval::of(annotation) {
        Approval::Missing => ("False", "MissingAnnotation", format!("{must}, {SEE}")),
        Approval::Malformed => (
            "False",
            "InvalidAnnotation",
            format!("{must} with either a URL or a reason starting with \"unapproved\", {SEE}"),
        ),
        Approval::Approved => ("True", "ApprovedAnnotation", format!("approved in {given}")),
        Approval::Bypassed => (
            "False",
            "UnapprovedAnnotation",
            format!("not approved: {}", Quoted(given)),
        ),
    };
    let kind = "KubernetesAPIApprovalPolicyConformant";
    Some(Condition::new(kind, status, reason, message))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pintle_runtime::codec::{Problems, json};
    use serde_json::{Value, json};

    use super::*;

    fn definition(name: &str, names: Value, status: Value) -> Record {
        let ty = pintle_api::type_by_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        let text = json!({
            "metadata": {"name": name, "uid": name},
            "spec": {"group": "example.com", "names": names}, "status": status,
        });
        let text = Bytes::from(text.to_string());
        json::decode(&ty.expect("a kind"), &text, &mut Problems::ignored()).expect("a definition")
    }

    fn names(plural: &str, kind: &str) -> Value {
        json!({"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List")})
    }

    /// What the conditions of a definition say, as `type=status reason`.
    fn said(record: &Record) -> Vec<String> {
        let conditions = CustomResourceDefinition::from_record(record)
            .status()
            .conditions();
        let text = |it: CustomResourceDefinitionCondition<'_>| {
            format!("{}={} {}", it.type_(), it.status(), it.reason())
        };
        conditions.iter().map(text).collect()
    }

    #[test]
    fn names_are_given_to_who_asks_first() {
        let now = Time::from_seconds(1);
        let mut all = vec![
            definition("a", names("things", "Thing"), json!({})),
            definition("b", names("things", "Other"), json!({})),
        ];
        all[0] = settled(&all, 0, now).expect("something is new");
        assert_eq!(
            said(&all[0]),
            [
                "NamesAccepted=True NoConflicts",
                "Established=False Installing"
            ]
        );
        assert!(settled(&all, 0, now).is_none(), "nothing more is");
        all[1] = settled(&all, 1, now).expect("something is new");
        assert_eq!(
            said(&all[1]),
            [
                "NamesAccepted=False PluralConflict",
                "Established=False NotAccepted"
            ]
        );
        let accepted = CustomResourceDefinition::from_record(&all[1])
            .status()
            .accepted_names();
        assert_eq!((accepted.plural(), accepted.kind()), ("", "Other"));
        // Who has the names goes.
        all.swap_remove(0);
        let new = settled(&all, 0, now).expect("something is new");
        assert_eq!(
            said(&new),
            [
                "NamesAccepted=True NoConflicts",
                "Established=False Installing"
            ]
        );
    }

    #[test]
    fn what_was_never_established_may_go_and_what_was_waits() {
        let now = Time::from_seconds(1);
        let going = |status: &str| {
            let established = json!([{"type": "Established", "status": status}]);
            let mut record = definition(
                "a",
                names("things", "Thing"),
                json!({"conditions": established}),
            );
            let mut metadata = MetadataMut::of(&mut record).expect("metadata");
            metadata.set_deletion_timestamp(Some(now));
            metadata.set_finalizers(vec![FINALIZER.into(), "mine".into()]);
            settled(&[record], 0, now)
        };
        let new = going("False").expect("it may go");
        assert_eq!(
            Metadata::of(&new).finalizers().collect::<Vec<_>>(),
            ["mine"]
        );
        assert_eq!(said(&new)[1], "Terminating=False NeverEstablished");
        assert!(
            going("True").is_none(),
            "its objects are another server's to delete"
        );
    }

    #[test]
    fn groups_of_kubernetes_need_its_approval() {
        let mut record = definition("a", names("things", "Thing"), json!({}));
        let mut definition = CustomResourceDefinitionMut::from_record(&mut record);
        definition.spec_mut().set_group("x.k8s.io");
        definition
            .metadata_mut()
            .annotations_mut()
            .insert(APPROVAL, "unapproved, experimental");
        let new = settled(&[record], 0, Time::from_seconds(1)).expect("something is new");
        assert_eq!(
            said(&new)[0],
            "KubernetesAPIApprovalPolicyConformant=False UnapprovedAnnotation"
        );
    }
}
