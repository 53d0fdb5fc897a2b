use serde_json::{Value, json};

use crate::validation::cases::Kind;

const GROUP: &str = "rbac.authorization.k8s.io";

fn role(kind: &'static str) -> Kind {
    Kind {
        group: GROUP,
        kind,
        good: json!({
            "metadata": {"name": "x"},
            "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
        }),
    }
}

fn binding(kind: &'static str) -> Kind {
    Kind {
        group: GROUP,
        kind,
        good: json!({
            "metadata": {"name": "x"},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "r"},
            "subjects": [{"kind": "User", "apiGroup": GROUP, "name": "u"}],
        }),
    }
}

#[test]
fn a_rule_is_about_resources_or_urls() {
    for kind in ["Role", "ClusterRole"] {
        role(kind).create(Value::Null, &[]);
        role(kind).update(
            json!({"rules": [{}]}),
            &[
                "rules[0].verbs: Required value: verbs must contain at least one value",
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
            ],
        );
    }
    let both = json!({"rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"], "apiGroups": [""]}]});
    let mixed = "rules[0].nonResourceURLs: Invalid value: [\"/x\"]: rules cannot apply to both regular resources and non-resource URLs";
    role("ClusterRole").create(both.clone(), &[mixed]);
    role("Role").create(
        both,
        &[
            "rules[0].nonResourceURLs: Invalid value: [\"/x\"]: namespaced rules cannot apply to non-resource URLs",
            mixed,
        ],
    );
}

#[test]
fn an_aggregation_selects_roles() {
    let kind = role("ClusterRole");
    kind.create(
        json!({"aggregationRule": {}}),
        &[
            "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil",
        ],
    );
    kind.create(
        json!({"aggregationRule": {"clusterRoleSelectors": [
            {"matchExpressions": [{"key": "a", "operator": "Near"}]},
        ]}}),
        &[
            "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator",
            "aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector.",
        ],
    );
}

#[test]
fn a_binding_names_a_role_and_subjects() {
    for (kind, kinds) in [
        ("RoleBinding", "\"Role\", \"ClusterRole\""),
        ("ClusterRoleBinding", "\"ClusterRole\""),
    ] {
        binding(kind).create(Value::Null, &[]);
        let unknown =
            format!("roleRef.kind: Unsupported value: \"Pod\": supported values: {kinds}");
        binding(kind).create(
            json!({"roleRef": {"apiGroup": "apps", "kind": "Pod", "name": ""}}),
            &[
                "roleRef.apiGroup: Unsupported value: \"apps\": supported values: \"rbac.authorization.k8s.io\"",
                &unknown,
                "roleRef.name: Required value",
            ],
        );
        binding(kind).create(
            json!({"roleRef": {"name": "a/b"}}),
            &["roleRef.name: Invalid value: \"a/b\": may not contain '/'"],
        );
        binding(kind).update(
            json!({"roleRef": {"name": "other"}}),
            &[
                "roleRef: Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"ClusterRole\",\"Name\":\"other\"}: cannot change roleRef",
            ],
        );
    }
}

#[test]
fn a_subject_is_one_of_three_kinds() {
    let check = |kind: &'static str, subject: Value, said: &[&str]| {
        binding(kind).create(json!({"subjects": [subject]}), said);
    };
    check(
        "RoleBinding",
        json!({"kind": "User", "apiGroup": "apps", "name": ""}),
        &[
            "subjects[0].name: Required value",
            "subjects[0].apiGroup: Unsupported value: \"apps\": supported values: \"rbac.authorization.k8s.io\"",
        ],
    );
    check(
        "RoleBinding",
        json!({"kind": "Robot", "name": "r"}),
        &[
            "subjects[0].kind: Unsupported value: \"Robot\": supported values: \"ServiceAccount\", \"User\", \"Group\"",
        ],
    );
    let account = json!({"kind": "ServiceAccount", "name": "a", "apiGroup": "apps"});
    let group = "subjects[0].apiGroup: Unsupported value: \"apps\": supported values: \"\"";
    check("RoleBinding", account.clone(), &[group]);
    check(
        "ClusterRoleBinding",
        account,
        &[group, "subjects[0].namespace: Required value"],
    );
}
