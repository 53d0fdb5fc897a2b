//! Configuration with several faults: all are told, and the server does not start.

use pintle_tests::server::TestServer;

use crate::{bearer, until, write};

#[track_caller]
fn check(flags: &[&str], expected: &[&str]) {
    let said = TestServer::refused(flags);
    for part in expected {
        assert!(said.contains(part), "{part} is missing from:\n{said}");
    }
    // Where in an expression a fault is, is shown below it.
    let lines = said.lines().filter(|line| !line.starts_with(" | "));
    assert_eq!(lines.count(), expected.len(), "{said}");
}

#[test]
fn faults_of_flags_are_told_at_once() {
    check(
        &[
            "--oidc-issuer-url=http://issuer?x=1",
            "--oidc-client-id=c",
            "--oidc-signing-algs=HS256",
            "--authorization-mode=RBAC,Some",
            "--tls-min-version=VersionTLS10",
            "--tls-sni-cert-key=only.crt",
            "--tls-cipher-suites=NONE",
            "--audit-webhook-mode=some",
            "--authentication-token-webhook-version=v2",
            "--authentication-token-webhook-config-file=/none",
        ],
        &[
            "URL scheme must be https",
            "URL must not contain a query",
            "--oidc-signing-algs=HS256",
            "\"Some\" is not a valid mode",
            "--tls-min-version",
            "--tls-sni-cert-key",
            "--tls-cipher-suites",
            "--audit-webhook-mode",
            "--authentication-token-webhook-version",
            "--authentication-token-webhook-config-file",
        ],
    );
}

#[test]
fn faults_of_files_are_told_at_once() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let (who, may) = (
        folder.path().join("who.yaml"),
        folder.path().join("may.yaml"),
    );
    write(
        &who,
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nmore: 1\njwt:\n- issuer: {url: 'https://i', audiences: []}\n  claimMappings: {username: {expression: claims.email}, extra: [{key: A, valueExpression: 'claims.'}]}\n  claimValidationRules: [{expression: claims.sub}]\n  userValidationRules: [{expression: user.name == 'a'}]\n",
    );
    write(
        &may,
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n- {type: RBAC, name: Not-A-Name}\n- {type: RBAC, name: again}\n- {type: Webhook, name: w}\n- {type: Webhook, name: v, webhook: {timeout: 3s, subjectAccessReviewVersion: v1, matchConditionSubjectAccessReviewVersion: v1, failurePolicy: Deny, connectionInfo: {type: KubeConfigFile, kubeConfigFile: /none}, matchConditions: [{expression: request.user}, {expression: request.users == 'a'}]}}\n",
    );
    let (who, may) = (
        format!("--authentication-config={}", who.display()),
        format!("--authorization-config={}", may.display()),
    );
    check(
        &[&who, &may],
        &[
            "unknown field \"more\"",
            "jwt[0].issuer.audiences: Required value",
            "jwt[0].claimValidationRules[0].expression: Invalid value: \"claims.sub\": must evaluate to bool",
            "jwt[0].claimMappings.extra[0].key: Invalid value: \"A\": must be a domain-prefixed path",
            "jwt[0].claimMappings.extra[0].key: Invalid value: \"A\": must be lowercase",
            "jwt[0].claimMappings.extra[0].valueExpression: Invalid value: \"claims.\": compilation failed: ERROR: <input>:1:8: Syntax error",
            "jwt[0].claimMappings.username.expression: Invalid value: \"claims.email\": claims.email_verified must be used",
            "jwt[0].userValidationRules[0].expression: Invalid value: \"user.name == 'a'\": compilation failed: ERROR: <input>:1:5: undefined field 'name'",
            "authorizers[0].name: Invalid value",
            "authorizers[1].type: Duplicate value",
            "authorizers[2].webhook: Required value",
            "authorizers[3].connectionInfo.kubeConfigFile: Invalid value: \"/none\"",
            "authorizers[3].matchConditions[0].expression: Invalid value: \"request.user\": must evaluate to bool but got string",
            "authorizers[3].matchConditions[1].expression: Invalid value: \"request.users == 'a'\": compilation failed: ERROR: <input>:1:8: undefined field 'users'",
        ],
    );
}

#[tokio::test]
async fn faults_of_a_file_that_is_read_again_change_nothing() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let may = folder.path().join("may.yaml");
    let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n";
    let good = "authorizers: [{type: Node, name: node}, {type: RBAC, name: rbac}]\n";
    write(&may, &format!("{head}{good}"));
    let flag = format!("--authorization-config={}", may.display());
    let server = TestServer::start_with(&[&flag]).await;
    let get = async |token: &str, path: &str| {
        let headers = bearer(token);
        let answer = server.client().request("GET", path, &headers, None).await;
        answer.expect("the server answers")
    };
    write(
        &may,
        &format!(
            "{head}authorizers: [{{type: AlwaysAllow, name: Bad_Name}}, {{type: Some, name: b}}]\n"
        ),
    );
    let failures =
        "apiserver_authorization_config_controller_automatic_reloads_total{status=\"failure\"";
    until("the fault is counted", async || {
        get("admintoken", "/metrics")
            .await
            .text()
            .contains(failures)
    })
    .await;
    let log = server.log();
    for fault in [
        "authorizers[0].name",
        "authorizers[1].type",
        "the old one stays",
    ] {
        assert!(log.contains(fault), "{fault} is missing from:\n{log}");
    }
    assert_eq!(get("alicetoken", "/api").await.status, 200);
    assert_eq!(get("alicetoken", "/api/v1/secrets").await.status, 403);
    // A file that is whole again counts.
    write(
        &may,
        &format!("{head}authorizers: [{{type: AlwaysAllow, name: all}}]\n"),
    );
    until("the new file counts", async || {
        get("alicetoken", "/api/v1/secrets").await.status == 200
    })
    .await;
}
