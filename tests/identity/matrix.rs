//! Who may do what by default, as a running server says.

use pintle_tests::http::Client;
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::until;

/// Asks whether `user` may do something in the namespace `default`.
async fn may(server: &TestServer, client: &mut Client, user: &str, verb: &str, what: &str) -> bool {
    let mut headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    let groups = match user {
        "system:anonymous" => json!(["system:unauthenticated"]),
        "system:node:n1" => json!(["system:nodes", "system:authenticated"]),
        "root" => json!(["system:masters", "system:authenticated"]),
        _ => json!(["system:authenticated"]),
    };
    let mut spec = json!({"user": user, "groups": groups});
    if what.starts_with('/') {
        spec["nonResourceAttributes"] = json!({"verb": verb, "path": what});
    } else {
        let (name, group) = what.split_once('.').unwrap_or((what, ""));
        let (resource, subresource) = name.split_once('/').unwrap_or((name, ""));
        spec["resourceAttributes"] = json!({
            "verb": verb, "resource": resource, "subresource": subresource, "group": group,
            "namespace": "default",
        });
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec,
    });
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let body = Some(review.to_string().into());
    let answer = client.request("POST", path, &headers, body).await;
    let answer = answer.expect("the server answers");
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json().expect("JSON")["status"]["allowed"] == Value::Bool(true)
}

#[tokio::test]
async fn the_default_roles_let_everybody_do_their_work() {
    let server = TestServer::start_with(&["--builtin-controllers=*"]).await;
    let mut headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    for role in ["view", "edit", "admin"] {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": role}],
        });
        let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
        let body = Some(binding.to_string().into());
        let made = server.client().request("POST", path, &headers, body).await;
        assert_eq!(made.expect("the server answers").status, 201);
    }
    let mut client = server.client();
    until("roles have gathered their rules", async || {
        may(
            &server,
            &mut client,
            "admin",
            "create",
            "roles.rbac.authorization.k8s.io",
        )
        .await
    })
    .await;
    let controller = |name: &str| format!("system:serviceaccount:kube-system:{name}");
    let (collector, cleaner) = (
        controller("generic-garbage-collector"),
        controller("pod-garbage-collector"),
    );
    for (user, verb, what, expected) in [
        ("system:anonymous", "get", "/version", true),
        ("system:anonymous", "get", "/api", false),
        ("system:anonymous", "list", "pods", false),
        ("bob", "get", "/api", true),
        ("bob", "get", "/metrics", false),
        (
            "bob",
            "create",
            "selfsubjectaccessreviews.authorization.k8s.io",
            true,
        ),
        ("bob", "list", "pods", false),
        ("view", "list", "pods", true),
        ("view", "get", "pods/log", true),
        ("view", "get", "secrets", false),
        ("view", "create", "pods", false),
        ("edit", "get", "secrets", true),
        ("edit", "create", "pods/exec", true),
        ("edit", "create", "roles.rbac.authorization.k8s.io", false),
        ("edit", "update", "resourcequotas", false),
        (
            "admin",
            "create",
            "rolebindings.rbac.authorization.k8s.io",
            true,
        ),
        (
            "admin",
            "create",
            "localsubjectaccessreviews.authorization.k8s.io",
            true,
        ),
        ("admin", "delete", "nodes", false),
        ("root", "delete", "nodes", true),
        ("root", "get", "/anything", true),
        ("system:node:n1", "create", "nodes", true),
        ("system:node:n1", "list", "secrets", false),
        ("system:node:n1", "delete", "configmaps", false),
        ("system:kube-scheduler", "create", "pods/binding", true),
        (
            "system:kube-scheduler",
            "create",
            "leasecandidates.coordination.k8s.io",
            true,
        ),
        ("system:kube-scheduler", "get", "secrets", false),
        ("system:kube-controller-manager", "list", "secrets", true),
        ("system:kube-controller-manager", "delete", "pods", false),
        (&collector, "delete", "pods", true),
        (&collector, "create", "pods", false),
        (&cleaner, "delete", "pods", true),
        (&cleaner, "get", "secrets", false),
    ] {
        let found = may(&server, &mut client, user, verb, what).await;
        assert_eq!(found, expected, "{user} {verb} {what}");
    }
}
