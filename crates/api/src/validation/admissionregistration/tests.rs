use serde_json::{Value, json};

use crate::validation::cases::Kind;

const GROUP: &str = "admissionregistration.k8s.io";

fn rules() -> Value {
    json!([{
        "operations": ["CREATE"],
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["pods"],
    }])
}

fn hook() -> Value {
    json!({
        "name": "h.example.com",
        "clientConfig": {"url": "https://example.com"},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": rules(),
    })
}

fn configuration(kind: &'static str) -> Kind {
    Kind {
        group: GROUP,
        kind,
        good: json!({"metadata": {"name": "x"}, "webhooks": [hook()]}),
    }
}

fn policy(kind: &'static str) -> Kind {
    let mut good = json!({
        "metadata": {"name": "x"},
        "spec": {"matchConstraints": {"resourceRules": rules()}},
    });
    if kind.starts_with('V') {
        good["spec"]["validations"] = json!([{"expression": "true"}]);
    } else {
        good["spec"]["reinvocationPolicy"] = json!("Never");
        good["spec"]["mutations"] = json!([
            {"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/a', value: 1}]"}},
        ]);
    }
    Kind {
        group: GROUP,
        kind,
        good,
    }
}

fn binding(kind: &'static str) -> Kind {
    let mut good = json!({"metadata": {"name": "x"}, "spec": {"policyName": "p"}});
    if kind.starts_with('V') {
        good["spec"]["validationActions"] = json!(["Deny"]);
    }
    Kind {
        group: GROUP,
        kind,
        good,
    }
}

const CONFIGURATIONS: [&str; 2] = [
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
];

/// Both sorts of webhooks, of which one is changed.
#[track_caller]
fn check_hook(change: &Value, said: &[&str]) {
    let mut changed = hook();
    for (key, value) in change.as_object().into_iter().flatten() {
        changed[key] = value.clone();
    }
    for kind in CONFIGURATIONS {
        configuration(kind).create(json!({"webhooks": [changed]}), said);
    }
}

#[test]
fn a_webhook_says_how_it_is_called() {
    check_hook(&Value::Null, &[]);
    check_hook(
        &json!({"name": "short"}),
        &[
            "webhooks[0].name: Invalid value: \"short\": should be a domain with at least three segments separated by dots",
        ],
    );
    check_hook(
        &json!({"clientConfig": {}}),
        &["webhooks[0].clientConfig: Required value: exactly one of url or service is required"],
    );
    check_hook(
        &json!({"clientConfig": {"url": "http://example.com"}}),
        &[
            "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
        ],
    );
    check_hook(
        &json!({"timeoutSeconds": 31, "sideEffects": "Some", "failurePolicy": "Odd", "matchPolicy": "Odd"}),
        &[
            "webhooks[0].failurePolicy: Unsupported value: \"Odd\": supported values: \"Fail\", \"Ignore\"",
            "webhooks[0].matchPolicy: Unsupported value: \"Odd\": supported values: \"Equivalent\", \"Exact\"",
            "webhooks[0].sideEffects: Unsupported value: \"Some\": supported values: \"None\", \"NoneOnDryRun\"",
            "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
        ],
    );
    check_hook(
        &json!({"sideEffects": null, "admissionReviewVersions": []}),
        &[
            "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
            "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
        ],
    );
    check_hook(
        &json!({"namespaceSelector": {"matchExpressions": [
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["b"]},
            {"key": "a", "operator": "Odd", "values": ["b"]},
        ]}}),
        &[
            "webhooks[0].namespaceSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            "webhooks[0].namespaceSelector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            "webhooks[0].namespaceSelector.matchExpressions[2].operator: Invalid value: \"Odd\": not a valid selector operator",
        ],
    );
    check_hook(
        &json!({"admissionReviewVersions": ["v9", "v9"]}),
        &[
            "webhooks[0].admissionReviewVersions[1]: Invalid value: \"v9\": duplicate version",
            "webhooks[0].admissionReviewVersions: Invalid value: [\"v9\",\"v9\"]: must include at least one of v1, v1beta1",
        ],
    );
    check_hook(
        &json!({"matchConditions": [{"name": "", "expression": " "}]}),
        &[
            "webhooks[0].matchConditions[0].expression: Required value",
            "webhooks[0].matchConditions[0].name: Required value",
        ],
    );
}

#[test]
fn a_rule_is_not_beside_a_star() {
    let check = |rule: Value, said: &[&str]| {
        let mut changed = rules()[0].clone();
        for (key, value) in rule.as_object().into_iter().flatten() {
            changed[key] = value.clone();
        }
        check_hook(&json!({"rules": [changed]}), said);
    };
    let at = "webhooks[0].rules[0]";
    check(
        json!({"operations": ["*", "FLY"]}),
        &[
            &format!(
                "{at}.operations: Invalid value: [\"*\",\"FLY\"]: if '*' is present, must not specify other operations"
            ),
            &format!(
                "{at}.operations[1]: Unsupported value: \"FLY\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"DELETE\", \"UPDATE\""
            ),
        ],
    );
    check(
        json!({"apiGroups": ["*", "a"], "apiVersions": [], "scope": "Odd"}),
        &[
            &format!(
                "{at}.apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other API groups"
            ),
            &format!("{at}.apiVersions: Required value"),
            &format!(
                "{at}.scope: Unsupported value: \"Odd\": supported values: \"*\", \"Cluster\", \"Namespaced\""
            ),
        ],
    );
    check(
        json!({"resources": ["*/*", "pods", ""]}),
        &[
            &format!("{at}.resources[2]: Required value"),
            &format!(
                "{at}.resources: Invalid value: [\"*/*\",\"pods\",\"\"]: if '*/*' is present, must not specify other resources"
            ),
        ],
    );
    check(
        json!({"resources": ["pods/*", "pods/log", "*/scale", "x/scale", "*", "y"]}),
        &[
            &format!(
                "{at}.resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log"
            ),
            &format!(
                "{at}.resources[3]: Invalid value: \"x/scale\": if '*/scale' is present, must not specify x/scale"
            ),
            &format!(
                "{at}.resources: Invalid value: [\"pods/*\",\"pods/log\",\"*/scale\",\"x/scale\",\"*\",\"y\"]: if '*' is present, must not specify other resources without subresources"
            ),
        ],
    );
}

#[test]
fn what_a_configuration_lacked_it_may_go_on_lacking() {
    let mut old = hook();
    old["sideEffects"] = json!("Unknown");
    old["admissionReviewVersions"] = json!(["v9"]);
    let twice = json!({"webhooks": [old, old]});
    for kind in CONFIGURATIONS {
        configuration(kind).update_from(twice.clone(), twice.clone(), &[]);
        configuration(kind).create(
            json!({"webhooks": [hook(), hook()]}),
            &["webhooks[1].name: Duplicate value: \"h.example.com\""],
        );
    }
}

#[test]
fn a_policy_has_something_to_say() {
    let kind = policy("ValidatingAdmissionPolicy");
    kind.create(Value::Null, &[]);
    let check = |spec: Value, said: &[&str]| kind.create(json!({"spec": spec}), said);
    let one = "Required value: validations or auditAnnotations must contain at least one item";
    check(
        json!({"validations": null}),
        &[
            &format!("spec.validations: {one}"),
            &format!("spec.auditAnnotations: {one}"),
        ],
    );
    check(
        json!({"matchConstraints": null}),
        &["spec.matchConstraints: Required value"],
    );
    check(
        json!({"paramKind": {"apiVersion": "a/b/c", "kind": "A.B"}}),
        &[
            "spec.paramKind.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
            "spec.paramKind.kind: Invalid value: \"A.B\": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
        ],
    );
    check(
        json!({"validations": [{"expression": " ", "message": "a\nb", "messageExpression": " ", "reason": "Odd"}]}),
        &[
            "spec.validations[0].expression: Required value: expression is not specified",
            "spec.validations[0].messageExpression: Invalid value: \" \": must be non-empty if specified",
            "spec.validations[0].message: Invalid value: \"a\\nb\": message must not contain line breaks",
            "spec.validations[0].reason: Unsupported value: \"Odd\": supported values: \"Forbidden\", \"Invalid\", \"RequestEntityTooLarge\"",
        ],
    );
    check(
        json!({"validations": [{"expression": "object.a", "messageExpression": "1 + ''"}],
               "variables": [{"name": "v", "expression": "params.a"}],
               "matchConditions": [{"name": "m", "expression": "variables.v"}],
               "auditAnnotations": [{"key": "k", "valueExpression": "1"}]}),
        &[
            "spec.matchConditions[0].expression: Invalid value: \"variables.v\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'variables' (in container '')\n | variables.v\n | ^",
            "spec.variables[0].expression: Invalid value: \"params.a\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.a\n | ^",
            "spec.validations[0].expression: Invalid value: \"object.a\": must evaluate to bool but got dyn",
            "spec.validations[0].messageExpression: Invalid value: \"1 + ''\": compilation failed: ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + ''\n | ..^",
            "spec.auditAnnotations[0].valueExpression: Invalid value: \"1\": must evaluate to one of [string null_type] but got int",
        ],
    );
    check(
        json!({"variables": [{"name": "in", "expression": ""}, {"name": " ", "expression": "1"}]}),
        &[
            "spec.variables[0].name: Invalid value: \"in\": name is not a valid CEL identifier",
            "spec.variables[0].expression: Required value: expression is not specified",
            "spec.variables[1].name: Required value: name is not specified",
        ],
    );
    check(
        json!({"paramKind": {"apiVersion": "a/", "kind": ""}, "validations": [{"expression": "true", "message": " "}]}),
        &[
            "spec.paramKind.apiVersion: Invalid value: \"a/\": version must be specified",
            "spec.paramKind.kind: Required value",
            "spec.validations[0].message: Invalid value: \" \": message must be non-empty if specified",
        ],
    );
    let long = json!([{"key": "k", "valueExpression": "x".repeat(5 * 1024 + 1)}]);
    check(
        json!({"auditAnnotations": long}),
        &[
            "spec.auditAnnotations[0].valueExpression: Required value: must not exceed 5120 bytes in length",
        ],
    );
    let nameless = json!({"metadata": {"name": null}, "spec": {"auditAnnotations": [{"key": "k", "valueExpression": "'x'"}]}});
    kind.create(
        nameless,
        &["spec.auditAnnotations[0].key: Invalid value: \"k\": requires metadata.name be non-empty"],
    );
    let many: Vec<Value> = (0..21)
        .map(|at| json!({"key": format!("k{at}"), "valueExpression": "'x'"}))
        .collect();
    let shown: Vec<String> = (0..21)
        .map(|at| format!("{{\"Key\":\"k{at}\",\"ValueExpression\":\"'x'\"}}"))
        .collect();
    let said = format!(
        "spec.auditAnnotations: Invalid value: [{}]: must not have more than 20 auditAnnotations",
        shown.join(",")
    );
    check(json!({"auditAnnotations": many}), &[&said]);
    check(
        json!({"auditAnnotations": [{"key": "k", "valueExpression": ""}, {"key": "k", "valueExpression": "'x'"}]}),
        &[
            "spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified",
            "spec.auditAnnotations[1].key: Duplicate value: \"k\"",
        ],
    );
}

#[test]
fn a_mutating_policy_changes_what_can_be_changed() {
    let kind = policy("MutatingAdmissionPolicy");
    kind.create(Value::Null, &[]);
    let mut deleting = rules();
    deleting[0]["operations"] = json!(["DELETE"]);
    kind.create(
        json!({"spec": {
            "matchConstraints": {"resourceRules": deleting},
            "reinvocationPolicy": "",
            "mutations": [
                {"patchType": "Odd"},
                {"patchType": "JSONPatch", "applyConfiguration": {"expression": "x"}},
                {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": ""}},
                {"patchType": "ApplyConfiguration", "jsonPatch": {"expression": "x"}},
            ],
        }}),
        &[
            "spec.matchConstraints.resourceRules.operations: Unsupported value: \"DELETE\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"UPDATE\"",
            "spec.mutations[0].patchType: Unsupported value: \"Odd\": supported values: \"ApplyConfiguration\", \"JSONPatch\"",
            "spec.mutations[1].jsonPatch: Required value: must be specified when patchType is JSONPatch",
            "spec.mutations[1].applyConfiguration: Invalid value: \"{applyConfiguration}\": must not be specified when patchType is JSONPatch",
            "spec.mutations[2].applyConfiguration.expression: Required value",
            "spec.mutations[3].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration",
            "spec.mutations[3].jsonPatch: Invalid value: \"{jsonPatch}\": must not be specified when patchType is ApplyConfiguration",
            "spec.reinvocationPolicy: Required value",
        ],
    );
    kind.create(
        json!({"spec": {"mutations": null}}),
        &["spec.mutations: Required value: mutations must contain at least one item"],
    );
}

#[test]
fn a_binding_names_a_policy_and_params() {
    for kind in [
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicyBinding",
    ] {
        binding(kind).create(Value::Null, &[]);
        binding(kind).create(
            json!({"spec": {"policyName": "", "paramRef": {"parameterNotFoundAction": "Odd"}}}),
            &[
                "spec.policyName: Required value",
                "spec.paramRef: Required value: one of name or selector must be specified",
                "spec.paramRef.parameterNotFoundAction: Unsupported value: \"Odd\": supported values: \"Deny\", \"Allow\"",
            ],
        );
        binding(kind).create(
            json!({"spec": {"paramRef": {"name": "p", "selector": {}}}}),
            &[
                "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.parameterNotFoundAction: Required value",
            ],
        );
        let rule = json!({"operations": [], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]});
        binding(kind).create(
            json!({"spec": {"matchResources": {"resourceRules": [rule]}}}),
            &["spec.matchResouces.resourceRules[0].operations: Required value"],
        );
    }
    let actions = |actions: Value| json!({"spec": {"validationActions": actions}});
    let kind = binding("ValidatingAdmissionPolicyBinding");
    kind.create(
        actions(json!([])),
        &["spec.validationActions: Required value: at least one validation action is required"],
    );
    kind.create(
        actions(json!(["Deny", "Warn", "Warn", "Odd"])),
        &[
            "spec.validationActions[2]: Duplicate value: \"Warn\"",
            "spec.validationActions[3]: Unsupported value: \"Odd\": supported values: \"Audit\", \"Deny\", \"Warn\"",
            "spec.validationActions: Invalid value: [\"Deny\",\"Warn\",\"Warn\",\"Odd\"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
        ],
    );
}
