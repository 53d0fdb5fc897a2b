use super::*;

fn read(text: &str) -> Result<Vec<AuthorizerConfig>, Vec<String>> {
    let text =
        format!("apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n{text}");
    parse(text.into_bytes())
}

#[track_caller]
fn check(text: &str, expected: Result<&[&str], &[&str]>) {
    let found = read(text)
        .map(|all| all.into_iter().map(|it| it.name).collect::<Vec<_>>())
        .map_err(|faults| {
            let field = |fault: String| fault.split(": ").next().unwrap_or_default().to_owned();
            faults.into_iter().map(field).collect::<Vec<_>>()
        });
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(found, expected.map(owned).map_err(owned), "{text}");
}

#[test]
fn authorizers_have_types_and_names() {
    check(
        "authorizers: [{type: Node, name: node}, {type: RBAC, name: rbac}]",
        Ok(&["node", "rbac"]),
    );
}

#[test]
fn every_fault_is_told() {
    check("", Err(&["authorizers"]));
    check(
        "authorizers: [{type: Node, name: x}, {type: Node, name: w}, {type: Some, name: z}, {name: a}, {type: RBAC, name: x, more: 1}]",
        Err(&[
            "unknown field \"authorizers[4].more\"",
            "authorizers[1].type",
            "authorizers[2].type",
            "authorizers[3].type",
            "authorizers[4].name",
        ]),
    );
    check(
        "authorizers: [{type: Webhook, name: w, webhook: {timeout: 31s, subjectAccessReviewVersion: v2, failurePolicy: Some, connectionInfo: {type: KubeConfigFile, kubeConfigFile: x}, matchConditions: [{expression: 'true', more: 1}, {}, {expression: request.user}]}}]",
        Err(&[
            "unknown field \"authorizers[0].webhook.matchConditions[0].more\"",
            "authorizers[0].timeout",
            "authorizers[0].subjectAccessReviewVersion",
            "authorizers[0].matchConditionSubjectAccessReviewVersion",
            "authorizers[0].failurePolicy",
            "authorizers[0].connectionInfo.kubeConfigFile",
            "authorizers[0].matchConditions[1].expression",
            "authorizers[0].matchConditions[2].expression",
        ]),
    );
}

/// What is told of the conditions of a webhook that is in order otherwise, but for the path to them.
#[track_caller]
fn check_conditions(version: &str, conditions: &str, expected: &[&str]) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let kubeconfig = folder.path().join("kubeconfig");
    let text = "{clusters: [{name: c, cluster: {server: 'https://w'}}], users: [{name: u}], contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x}";
    std::fs::write(&kubeconfig, text).expect("the folder can be written to");
    let file = read(&format!(
        "authorizers: [{{type: Webhook, name: w, webhook: {{timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: Deny, connectionInfo: {{type: KubeConfigFile, kubeConfigFile: {}}}, matchConditionSubjectAccessReviewVersion: {version}, matchConditions: [{conditions}]}}}}]",
        kubeconfig.display()
    ));
    let faults = match file {
        Ok(_) => Vec::new(),
        Err(faults) => faults,
    };
    let told: Vec<&str> = faults
        .iter()
        .map(|fault| fault.strip_prefix("authorizers[0].").unwrap_or(fault))
        .collect();
    assert_eq!(told, expected, "{conditions}");
}

#[test]
fn conditions_say_when_a_webhook_is_asked() {
    check_conditions("''", "", &[]);
    check_conditions("v1", "", &[]);
    check_conditions(
        "v1",
        "{expression: \"has(request.resourceAttributes)\"}, {expression: request.user != 'a'}",
        &[],
    );
    check_conditions(
        "''",
        "{expression: 'true'}",
        &[
            "matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified",
        ],
    );
    check_conditions(
        "v1beta1",
        "",
        &[
            "matchConditionSubjectAccessReviewVersion: Unsupported value: \"v1beta1\": supported values: \"v1\"",
        ],
    );
    check_conditions(
        "v1",
        "{expression: ' '}, {expression: request.user == 'a'}, {expression: request.user == 'a'}, {expression: request.user}, {expression: request.invalid == 'a'}",
        &[
            "matchConditions[0].expression: Required value",
            "matchConditions[2].expression: Duplicate value: \"request.user == 'a'\"",
            "matchConditions[3].expression: Invalid value: \"request.user\": must evaluate to bool but got string",
            "matchConditions[4].expression: Invalid value: \"request.invalid == 'a'\": compilation failed: ERROR: <input>:1:8: undefined field 'invalid'\n | request.invalid == 'a'\n | .......^",
        ],
    );
    let many = |count: usize| {
        let all = (0..count).map(|at| format!("{{expression: request.user != '{at}'}}"));
        all.collect::<Vec<_>>().join(", ")
    };
    check_conditions("v1", &many(64), &[]);
    check_conditions(
        "v1",
        &many(65),
        &["matchConditions: Too many: 65: must have at most 64 items"],
    );
}
