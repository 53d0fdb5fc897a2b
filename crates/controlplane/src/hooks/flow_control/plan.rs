//! What flow schemas and priority levels say, as priority and fairness takes it.

use pintle_api::flowcontrol::v1 as api;
use pintle_endpoints::fairness::{
    Distinguisher, FlowSchema, Handling, PathRule, Plan, PriorityLevel, ResourceRule, Rule, Subject,
};
use pintle_endpoints::store::Store;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::view::Strings;
use tracing::warn;

/// All that is there now.
///
/// # Errors
/// Where an object cannot be read.
pub(super) fn plan(schemas: &Store, levels: &Store) -> Result<Plan, ApiError> {
    let mut plan = Plan::default();
    for entry in schemas.cache().newest().0.entries() {
        let record = entry.record()?;
        plan.schemas
            .push(schema(api::FlowSchema::from_record(&record)));
    }
    for entry in levels.cache().newest().0.entries() {
        let record = entry.record()?;
        let level = level(api::PriorityLevelConfiguration::from_record(&record));
        if level.is_none() {
            warn!(
                name = entry.name(),
                "a priority level is not what its type says, and left out"
            );
        }
        plan.levels.extend(level);
    }
    Ok(plan)
}

fn text(text: &str) -> Text {
    text.to_owned().into()
}

fn texts(list: Strings<'_>) -> Vec<Text> {
    list.iter().map(text).collect()
}

fn schema(schema: api::FlowSchema<'_>) -> FlowSchema {
    let (metadata, spec) = (schema.metadata(), schema.spec());
    let distinguisher = spec.distinguisher_method();
    FlowSchema {
        name: text(metadata.name()),
        uid: text(metadata.uid()),
        level: text(spec.priority_level_configuration().name()),
        precedence: spec.matching_precedence(),
        distinguisher: distinguisher.and_then(|method| match method.type_() {
            "ByUser" => Some(Distinguisher::User),
            "ByNamespace" => Some(Distinguisher::Namespace),
            _ => None,
        }),
        rules: spec.rules().iter().map(rule).collect(),
    }
}

fn rule(rule: api::PolicyRulesWithSubjects<'_>) -> Rule {
    let resource = |rule: api::ResourcePolicyRule<'_>| ResourceRule {
        verbs: texts(rule.verbs()),
        groups: texts(rule.api_groups()),
        resources: texts(rule.resources()),
        cluster_scope: rule.cluster_scope(),
        namespaces: texts(rule.namespaces()),
    };
    let path = |rule: api::NonResourcePolicyRule<'_>| PathRule {
        verbs: texts(rule.verbs()),
        paths: texts(rule.non_resource_urls()),
    };
    Rule {
        subjects: rule.subjects().iter().filter_map(subject).collect(),
        resources: rule.resource_rules().iter().map(resource).collect(),
        paths: rule.non_resource_rules().iter().map(path).collect(),
    }
}

fn subject(subject: api::Subject<'_>) -> Option<Subject> {
    Some(match subject.kind() {
        "User" => Subject::User(text(subject.user()?.name())),
        "Group" => Subject::Group(text(subject.group()?.name())),
        "ServiceAccount" => {
            let account = subject.service_account()?;
            Subject::ServiceAccount {
                namespace: text(account.namespace()),
                name: text(account.name()),
            }
        }
        _ => return None,
    })
}

/// A level, unless its parts contradict each other.
fn level(level: api::PriorityLevelConfiguration<'_>) -> Option<PriorityLevel> {
    let (metadata, spec) = (level.metadata(), level.spec());
    let number =
        |number: Option<i32>| u32::try_from(number.unwrap_or_default()).unwrap_or_default();
    let is_exempt = metadata.name() == "exempt";
    let common = |shares, lendable_percent, borrowing: Option<i32>, handling| PriorityLevel {
        name: text(metadata.name()),
        uid: text(metadata.uid()),
        shares: number(shares),
        lendable_percent: number(lendable_percent),
        borrowing_percent: borrowing.map(|percent| number(Some(percent))),
        handling,
    };
    match (spec.type_(), spec.limited(), spec.exempt()) {
        ("Exempt", None, Some(exempt)) if is_exempt => Some(common(
            exempt.nominal_concurrency_shares(),
            exempt.lendable_percent(),
            None,
            Handling::Exempt,
        )),
        ("Limited", Some(limited), None) if !is_exempt => {
            let response = limited.limit_response();
            let handling = match (response.type_(), response.queuing()) {
                ("Reject", None) => Handling::Reject,
                ("Queue", Some(queuing)) => Handling::Queue {
                    queues: number(Some(queuing.queues())),
                    hand: number(Some(queuing.hand_size())),
                    length: number(Some(queuing.queue_length_limit())),
                },
                _ => return None,
            };
            Some(common(
                limited.nominal_concurrency_shares(),
                limited.lendable_percent(),
                limited.borrowing_limit_percent(),
                handling,
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FLOW_SCHEMAS, PRIORITY_LEVELS, objects};
    use super::*;

    #[test]
    fn what_a_cluster_begins_with_is_read_in_full() {
        let levels = objects("PriorityLevelConfigurationList", PRIORITY_LEVELS).unwrap();
        let levels: Vec<PriorityLevel> = levels
            .iter()
            .map(|record| level(api::PriorityLevelConfiguration::from_record(record)).unwrap())
            .collect();
        assert_eq!(levels.iter().map(|level| level.shares).sum::<u32>(), 245);
        let elections = levels
            .iter()
            .find(|level| level.name == "leader-election")
            .unwrap();
        let expected = Handling::Queue {
            queues: 16,
            hand: 4,
            length: 50,
        };
        assert_eq!(elections.handling, expected);
        let schemas = objects("FlowSchemaList", FLOW_SCHEMAS).unwrap();
        for record in &schemas {
            let schema = schema(api::FlowSchema::from_record(record));
            assert!(!schema.rules.is_empty(), "{schema:?}");
            assert!(
                levels.iter().any(|level| level.name == schema.level),
                "{schema:?}"
            );
        }
    }
}
