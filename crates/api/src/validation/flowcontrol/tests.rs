use serde_json::{Value, json};

use super::mandatory;
use crate::validation::cases::Kind;

const GROUP: &str = "flowcontrol.apiserver.k8s.io";

fn schema() -> Kind {
    Kind {
        group: GROUP,
        kind: "FlowSchema",
        good: json!({
            "metadata": {"name": "x"},
            "spec": {
                "matchingPrecedence": 100,
                "priorityLevelConfiguration": {"name": "p"},
                "rules": [rule(json!({}))],
            },
        }),
    }
}

fn rule(change: Value) -> Value {
    let mut rule = json!({
        "subjects": [{"kind": "User", "user": {"name": "u"}}],
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}],
    });
    for (key, value) in change.as_object().into_iter().flatten() {
        rule[key] = value.clone();
    }
    rule
}

fn level() -> Kind {
    Kind {
        group: GROUP,
        kind: "PriorityLevelConfiguration",
        good: json!({
            "metadata": {"name": "x"},
            "spec": {"type": "Limited", "limited": {
                "nominalConcurrencyShares": 5,
                "limitResponse": {"type": "Reject"},
            }},
        }),
    }
}

fn spec(spec: Value) -> Value {
    json!({ "spec": spec })
}

#[test]
fn what_is_mandatory_is_there() {
    for name in ["exempt", "catch-all"] {
        let schema = mandatory::flow_schema(name).expect("a mandatory schema");
        let level = mandatory::priority_level(name).expect("a mandatory level");
        assert!(!schema.is_empty() && !level.is_empty(), "{name}");
    }
    assert!(mandatory::flow_schema("other").is_none());
}

#[test]
fn a_schema_has_a_place_in_the_order() {
    schema().create(Value::Null, &[]);
    let check = |change: Value, said: &[&str]| schema().create(spec(change), said);
    check(
        json!({"matchingPrecedence": 20000}),
        &["spec.matchingPrecedence: Invalid value: 20000: must not be greater than 10000"],
    );
    check(
        json!({"matchingPrecedence": -1}),
        &["spec.matchingPrecedence: Invalid value: -1: must be a positive value"],
    );
    check(
        json!({"matchingPrecedence": 1}),
        &[
            "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
        ],
    );
    check(
        json!({"priorityLevelConfiguration": {"name": ""}, "distinguisherMethod": {"type": "Odd"}}),
        &[
            "spec.distinguisherMethod.type: Unsupported value: {\"Type\":\"Odd\"}: supported values: \"ByNamespace\", \"ByUser\"",
            "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
        ],
    );
}

#[test]
fn a_rule_says_who_does_what() {
    let check = |change: Value, said: &[&str]| {
        schema().create(spec(json!({"rules": [rule(change)]})), said);
    };
    check(
        json!({"subjects": [], "nonResourceRules": []}),
        &[
            "spec.rules[0].subjects: Required value: subjects must contain at least one value",
            "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
        ],
    );
    check(
        json!({"subjects": [{"kind": "Robot"}, {"kind": "Group", "user": {"name": "u"}}]}),
        &[
            "spec.rules[0].subjects[0].kind: Unsupported value: \"Robot\": supported values: \"Group\", \"ServiceAccount\", \"User\"",
            "spec.rules[0].subjects[1].group: Required value: group is required when subject kind is 'Group'",
            "spec.rules[0].subjects[1].user: Forbidden: user is forbidden when subject kind is not 'User'",
        ],
    );
    check(
        json!({"subjects": [{"kind": "ServiceAccount", "serviceAccount": {"name": "", "namespace": ""}}]}),
        &[
            "spec.rules[0].subjects[0].serviceAccount.name: Required value",
            "spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account",
        ],
    );
    check(
        json!({"nonResourceRules": [
            {"verbs": [], "nonResourceURLs": ["x"]},
            {"verbs": ["*", "get"], "nonResourceURLs": ["/a//b", "/a*"]},
            {"verbs": ["fly"], "nonResourceURLs": []},
            {"verbs": ["get"], "nonResourceURLs": ["*", "/a"]},
            {"verbs": ["get"], "nonResourceURLs": ["", "/a b", "/"]},
        ]}),
        &[
            "spec.rules[0].nonResourceRules[0].verbs: Required value: verbs must contain at least one value",
            "spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: \"x\": must start with slash",
            "spec.rules[0].nonResourceRules[1].verbs: Invalid value: [\"*\",\"get\"]: if '*' is present, must not specify other verbs",
            "spec.rules[0].nonResourceRules[1].nonResourceURLs[0]: Invalid value: \"/a//b\": must not contain double slash",
            "spec.rules[0].nonResourceRules[1].nonResourceURLs[1]: Invalid value: \"/a*\": wildcard can only do suffix matching",
            "spec.rules[0].nonResourceRules[2].verbs: Unsupported value: [\"fly\"]: supported values: \"create\", \"delete\", \"deletecollection\", \"get\", \"list\", \"patch\", \"proxy\", \"update\", \"watch\"",
            "spec.rules[0].nonResourceRules[2].nonResourceURLs: Required value: nonResourceURLs must contain at least one value",
            "spec.rules[0].nonResourceRules[3].nonResourceURLs: Invalid value: [\"*\",\"/a\"]: if '*' is present, must not specify other non-resource URLs",
            "spec.rules[0].nonResourceRules[4].nonResourceURLs[0]: Invalid value: \"\": must not be empty",
            "spec.rules[0].nonResourceRules[4].nonResourceURLs[1]: Invalid value: \"/a b\": must not contain white-space",
        ],
    );
    check(
        json!({"resourceRules": [
            {"verbs": ["get"], "apiGroups": ["*", "a"], "resources": []},
            {"verbs": ["get"], "apiGroups": [], "resources": ["*", "a"], "namespaces": ["*", "a"]},
            {"verbs": ["get"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["A"]},
        ]}),
        &[
            "spec.rules[0].resourceRules[0].apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other api groups",
            "spec.rules[0].resourceRules[0].resources: Required value: resource rules must supply at least one resource",
            "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace",
            "spec.rules[0].resourceRules[1].apiGroups: Required value: resource rules must supply at least one api group",
            "spec.rules[0].resourceRules[1].resources: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other resources",
            "spec.rules[0].resourceRules[1].namespaces: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other namespaces",
            "spec.rules[0].resourceRules[2].namespaces[0]: Invalid value: \"A\": each member of this list must be '*' or a DNS-1123 label; a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        ],
    );
}

#[test]
fn a_level_is_limited_unless_it_is_exempt() {
    level().create(Value::Null, &[]);
    let check = |change: Value, said: &[&str]| level().create(spec(change), said);
    check(
        json!({"type": "Exempt"}),
        &[
            "spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'",
            "spec.limited: Forbidden: must be nil if the type is not Limited",
        ],
    );
    check(
        json!({"type": "Odd"}),
        &["spec.type: Unsupported value: \"Odd\": supported values: \"Exempt\", \"Limited\""],
    );
    check(
        json!({"limited": null}),
        &["spec.limited: Required value: must not be empty when type is Limited"],
    );
    check(
        json!({"exempt": {}, "limited": {
            "nominalConcurrencyShares": -1,
            "lendablePercent": 101,
            "borrowingLimitPercent": -1,
            "limitResponse": {"type": "Queue"},
        }}),
        &[
            "spec.exempt: Forbidden: must be nil if the type is Limited",
            "spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
            "spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited",
            "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
            "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
        ],
    );
}

#[test]
fn what_an_older_version_wrote_down_is_not_for_clients() {
    let zero = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
    let said = format!("metadata.annotations: Forbidden: annotation '{zero}' is forbidden");
    level().create(json!({"metadata": {"annotations": {zero: ""}}}), &[&said]);
}

#[test]
fn queues_and_hands_fit_a_hash() {
    let check = |queues: i32, hand: i32, said: &[&str]| {
        let queuing = json!({"queues": queues, "handSize": hand, "queueLengthLimit": 5});
        let response = json!({"type": "Queue", "queuing": queuing});
        level().create(spec(json!({"limited": {"limitResponse": response}})), said);
    };
    check(128, 6, &[]);
    let at = "spec.limited.limitResponse.queuing";
    check(
        -1,
        -1,
        &[
            &format!("{at}.queues: Invalid value: -1: must be positive"),
            &format!("{at}.handSize: Invalid value: -1: must be positive"),
        ],
    );
    check(
        10_000_001,
        1,
        &[&format!(
            "{at}.queues: Invalid value: 10000001: must not be greater than 10000000"
        )],
    );
    let queuing = json!({"queues": 8, "handSize": 1, "queueLengthLimit": -1});
    let limited = |response: Value| spec(json!({"limited": {"limitResponse": response}}));
    level().create(
        limited(json!({"type": "Queue", "queuing": queuing})),
        &[&format!(
            "{at}.queueLengthLimit: Invalid value: -1: must be positive"
        )],
    );
    level().create(
        limited(json!({"type": "Reject", "queuing": queuing})),
        &[&format!(
            "{at}: Forbidden: must be nil if limited.limitResponse.type is not Limited"
        )],
    );
    check(
        8,
        9,
        &[
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 9: should not be greater than queues (8)",
        ],
    );
    check(
        10_000_000,
        10,
        &[
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 10: required entropy bits of deckSize 10000000 and handSize 10 should not be greater than 60",
        ],
    );
}

#[test]
fn what_is_mandatory_stays_as_it_is() {
    let said =
        "spec.type: Invalid value: \"Limited\": must be 'Exempt' if and only if `name` is 'exempt'";
    let shown = "{\"Type\":\"Limited\",\"Limited\":{\"NominalConcurrencyShares\":5,\"LimitResponse\":{\"Type\":\"Reject\",\"Queuing\":null},\"LendablePercent\":0,\"BorrowingLimitPercent\":null},\"Exempt\":null}";
    let fixed = format!(
        "spec: Invalid value: {shown}: spec of 'exempt' except the 'spec.exempt' field must equal the fixed value"
    );
    level().create(json!({"metadata": {"name": "exempt"}}), &[said, &fixed]);
    level().create(json!({"metadata": {"name": "catch-all"}}), &[]);
    let shown = shown.replacen("Shares\":5", "Shares\":6", 1);
    let fixed =
        format!("spec: Invalid value: {shown}: spec of 'catch-all' must equal the fixed value");
    level().create(
        json!({"metadata": {"name": "catch-all"}, "spec": {"limited": {"nominalConcurrencyShares": 6}}}),
        &[&fixed],
    );
}

#[test]
fn conditions_have_types_of_their_own() {
    let change = json!({"status": {"conditions": [{"type": "A"}, {"type": "A"}, {"type": ""}]}});
    for kind in [schema(), level()] {
        kind.part(
            "status",
            Value::Null,
            change.clone(),
            &[
                "status.conditions[1].type: Duplicate value: \"A\"",
                "status.conditions[2].type: Required value: must not be empty",
            ],
        );
    }
}
