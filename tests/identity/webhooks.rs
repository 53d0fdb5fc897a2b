//! Webhooks that say whose a token is, and who may do what.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pintle_tests::peer::{Asked, Peer};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::{bearer, until, who_am_i, whose, write};

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).expect("a review is JSON")
}

#[tokio::test]
async fn a_webhook_says_whose_a_token_is() {
    let peer = Peer::start(|_| {
        |asked: &Asked| {
            let review = body(asked);
            let status = match review["spec"]["token"].as_str() {
                Some("of-dave") => json!({
                    "authenticated": true,
                    "user": {"username": "dave", "uid": "7", "groups": ["devs"], "extra": {"k": ["v"]}},
                }),
                Some("broken") => return (500, "down".to_owned()),
                _ => json!({"authenticated": false}),
            };
            let answer = json!({
                "apiVersion": review["apiVersion"], "kind": "TokenReview", "status": status,
            });
            (200, answer.to_string())
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("webhook.kubeconfig");
    write(&file, &peer.kubeconfig("/authenticate"));
    let flags = [
        format!(
            "--authentication-token-webhook-config-file={}",
            file.display()
        ),
        "--authentication-token-webhook-version=v1".into(),
    ];
    let server = TestServer::start_with(&[&flags[0], &flags[1]]).await;
    peer.asked();
    for _ in 0..3 {
        let user = who_am_i(&mut server.client(), &bearer("of-dave")).await;
        let user = user.expect("a user");
        assert_eq!(user["username"], "dave");
        assert_eq!(user["uid"], "7");
        assert_eq!(user["groups"], json!(["devs", "system:authenticated"]));
        assert_eq!(user["extra"], json!({"k": ["v"]}));
    }
    let asked = peer.asked();
    assert_eq!(asked.len(), 1, "the answer is remembered");
    assert_eq!(asked[0].path, "/authenticate");
    assert_eq!(asked[0].authorization, "Bearer ours");
    let review = body(&asked[0]);
    assert_eq!(review["apiVersion"], "authentication.k8s.io/v1");
    assert_eq!(
        review["spec"]["audiences"],
        json!(["https://kubernetes.default.svc"])
    );
    // Nobody's, and known from a file without a question.
    assert_eq!(whose(&server, "unknown").await, Err(401));
    assert_eq!(whose(&server, "alicetoken").await.as_deref(), Ok("alice"));
    // A failure is no permission, and is tried again.
    peer.asked();
    assert_eq!(whose(&server, "broken").await, Err(401));
    assert_eq!(peer.asked().len(), 5);
    let metrics = server
        .client()
        .request("GET", "/metrics", &server.authorization(), None)
        .await;
    let metrics = metrics.expect("the server answers").text();
    for told in [
        "authentication_token_cache_request_total{status=\"hit\"} 2",
        "authentication_token_cache_fetch_total{status=\"error\"} 1",
        "authentication_token_cache_active_fetch_count{status=\"in_flight\"} 0",
        "authentication_token_cache_active_fetch_count{status=\"blocked\"} 0",
    ] {
        assert!(metrics.contains(told), "{told}");
    }
    assert!(!server.log().contains("of-dave"), "no token in the log");
}

#[tokio::test]
async fn a_webhook_says_who_may_do_what() {
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let peer = Peer::start(move |_| {
        move |asked: &Asked| {
            if down.load(Relaxed) {
                return (503, String::new());
            }
            let review = body(asked);
            let resource = &review["spec"]["resourceAttributes"]["resource"];
            let status = match resource.as_str() {
                Some("configmaps") => json!({"allowed": true, "reason": "they may"}),
                Some("secrets") => json!({"allowed": false, "denied": true, "reason": "never"}),
                _ => json!({"allowed": false}),
            };
            (200, json!({"status": status}).to_string())
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let kubeconfig = folder.path().join("webhook.kubeconfig");
    write(&kubeconfig, &peer.kubeconfig("/authorize"));
    let file = folder.path().join("authorization.yaml");
    let config = |policy: &str| {
        json!({
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthorizationConfiguration",
            "authorizers": [
                {"type": "Node", "name": "node"},
                {"type": "Webhook", "name": "hook", "webhook": {
                    "timeout": "3s", "subjectAccessReviewVersion": "v1", "failurePolicy": policy,
                    "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": kubeconfig},
                }},
                {"type": "RBAC", "name": "rbac"},
            ],
        })
    };
    write(&file, &config("Deny").to_string());
    let flag = format!("--authorization-config={}", file.display());
    let server = TestServer::start_with(&[&flag]).await;
    let get = async |resource: &str, query: &str| {
        let path = format!("/api/v1/namespaces/default/{resource}{query}");
        let headers = bearer("alicetoken");
        let answer = server.client().request("GET", &path, &headers, None).await;
        let answer = answer.expect("the server answers");
        (answer.status, answer.text())
    };
    peer.asked();
    assert_eq!(get("configmaps", "?labelSelector=a%3Db").await.0, 200);
    assert_eq!(get("configmaps", "?labelSelector=a%3Db").await.0, 200);
    let asked = peer.asked();
    assert_eq!(asked.len(), 1, "the answer is remembered");
    let spec = &body(&asked[0])["spec"];
    assert_eq!(spec["user"], "alice");
    assert_eq!(spec["resourceAttributes"]["verb"], "list");
    assert_eq!(
        spec["resourceAttributes"]["labelSelector"]["requirements"],
        json!([{"key": "a", "operator": "In", "values": ["b"]}])
    );
    let (status, text) = get("secrets", "").await;
    assert_eq!(status, 403);
    assert!(text.contains("never"), "{text}");
    assert_eq!(get("pods", "").await.0, 403, "RBAC is asked then");
    // Members of system:masters are not asked about.
    let headers = server.authorization();
    let path = "/api/v1/namespaces/default/secrets";
    let answer = server.client().request("GET", path, &headers, None).await;
    assert_eq!(answer.expect("the server answers").status, 200);

    is_down.store(true, Relaxed);
    let (status, text) = get("services", "").await;
    let path = "/api/v1/namespaces/default/services";
    let fault = format!("Internal Server Error: \"{path}\": webhook authorizer failed\n");
    assert_eq!((status, &*text), (500, &*fault), "a failure denies");
    write(&file, &config("NoOpinion").to_string());
    // Discovery is allowed by RBAC, once the webhook's failure does not decide any more.
    until("the new file counts", async || {
        let headers = bearer("alicetoken");
        let answer = server.client().request("GET", "/api", &headers, None).await;
        answer.expect("the server answers").status == 200
    })
    .await;
    assert_eq!(get("services", "").await.0, 500, "no failure allows");
    let headers = server.authorization();
    let metrics = server
        .client()
        .request("GET", "/metrics", &headers, None)
        .await;
    let metrics = metrics.expect("the server answers").text();
    for series in [
        "apiserver_authorization_webhook_evaluations_total{name=\"hook\",result=\"success\"}",
        "apiserver_authorization_webhook_evaluations_fail_open_total{name=\"hook\",result=\"error\"}",
        "apiserver_authorization_config_controller_automatic_reloads_total{status=\"success\"",
        "apiserver_authorization_decisions_total{type=\"Webhook\",name=\"hook\",decision=\"denied\"}",
        "apiserver_authorization_decisions_total{type=\"RBAC\",name=\"rbac\",decision=\"allowed\"}",
        "authorization_attempts_total{result=\"error\"}",
        "authentication_attempts{result=\"success\"}",
        "authenticated_user_requests{username=\"other\"}",
    ] {
        assert!(metrics.contains(series), "{series}");
    }
}

#[tokio::test]
async fn a_webhook_is_asked_where_its_conditions_hold() {
    let peer = Peer::start(|_| {
        |_: &Asked| {
            let status = json!({"allowed": false, "denied": true, "reason": "never"});
            (200, json!({"status": status}).to_string())
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let kubeconfig = folder.path().join("webhook.kubeconfig");
    write(&kubeconfig, &peer.kubeconfig("/authorize"));
    let file = folder.path().join("authorization.yaml");
    let config = |policy: &str, conditions: &[&str]| {
        let conditions = conditions.iter().map(|text| json!({"expression": text}));
        json!({
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthorizationConfiguration",
            "authorizers": [
                {"type": "Webhook", "name": "hook", "webhook": {
                    "timeout": "3s", "subjectAccessReviewVersion": "v1", "failurePolicy": policy,
                    "matchConditionSubjectAccessReviewVersion": "v1",
                    "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": kubeconfig},
                    "matchConditions": conditions.collect::<Vec<_>>(),
                }},
                {"type": "Node", "name": "node"},
                {"type": "RBAC", "name": "rbac"},
            ],
        })
    };
    let blue = "request.resourceAttributes.namespace == 'blue'";
    let alice = "request.user == 'alice' && 'system:authenticated' in request.groups";
    write(&file, &config("Deny", &[blue, alice]).to_string());
    let flag = format!("--authorization-config={}", file.display());
    let server = TestServer::start_with(&[&flag]).await;
    let get = async |token: &str, path: &str| {
        let headers = bearer(token);
        let answer = server.client().request("GET", path, &headers, None).await;
        let answer = answer.expect("the server answers");
        (answer.status, answer.text())
    };
    let pods = |namespace: &str| format!("/api/v1/namespaces/{namespace}/pods");
    peer.asked();
    let (status, text) = get("alicetoken", &pods("blue")).await;
    assert_eq!(status, 403);
    assert!(text.contains("never"), "{text}");
    assert_eq!(peer.asked().len(), 1);
    // A condition does not hold: the others are asked, and here allow nothing.
    for (token, namespace) in [("alicetoken", "red"), ("bobtoken", "blue")] {
        let (status, text) = get(token, &pods(namespace)).await;
        assert_eq!(status, 403);
        assert!(!text.contains("never"), "{text}");
    }
    // No request for a resource has no namespace; that of somebody else is no matter.
    let fault = |path: &str| {
        format!(
            "Internal Server Error: \"{path}\": cel evaluation error: expression '{blue}' resulted in error: no such key: resourceAttributes\n"
        )
    };
    assert_eq!(get("alicetoken", "/api").await, (500, fault("/api")));
    assert_eq!(get("bobtoken", "/api").await.0, 200, "RBAC allows it");
    assert!(peer.asked().is_empty());

    // With NoOpinion the others decide; a failure is told if they do not allow it.
    write(&file, &config("NoOpinion", &[blue, alice]).to_string());
    until("the new file counts", async || {
        get("alicetoken", "/api").await.0 == 200
    })
    .await;
    assert_eq!(
        get("alicetoken", "/metrics").await,
        (500, fault("/metrics"))
    );
    assert_eq!(get("alicetoken", &pods("blue")).await.0, 403);
    let metrics = get("admintoken", "/metrics").await.1;
    for series in [
        "apiserver_authorization_match_condition_evaluation_seconds_bucket{type=\"Webhook\",name=\"hook\",le=\"0.001\"}",
        "apiserver_authorization_match_condition_evaluation_errors_total{type=\"Webhook\",name=\"hook\"}",
        "apiserver_authorization_match_condition_exclusions_total{type=\"Webhook\",name=\"hook\"}",
    ] {
        assert!(metrics.contains(series), "{series}");
    }

    // What cannot be used changes nothing, and is told.
    write(
        &file,
        &config("Deny", &["request.time == 'now'"]).to_string(),
    );
    until("the fault is told", async || {
        let log = server.log();
        log.contains("authorizers[0].matchConditions[0].expression")
            && log.contains("the old one stays")
    })
    .await;
    assert_eq!(get("alicetoken", "/api").await.0, 200);

    // Selectors are spoken of as well.
    let selects = "has(request.resourceAttributes) && request.resourceAttributes.?labelSelector.requirements.orValue([]).exists(r, r.key == 'a' && r.operator == 'In' && 'b' in r.values)";
    write(&file, &config("Deny", &[selects]).to_string());
    until("the new file counts", async || {
        get("alicetoken", "/metrics").await.0 == 403
    })
    .await;
    peer.asked();
    let path = format!("{}?labelSelector=a%3Db", pods("red"));
    assert!(get("alicetoken", &path).await.1.contains("never"));
    assert!(!get("alicetoken", &pods("red")).await.1.contains("never"));
    assert_eq!(peer.asked().len(), 1);
}

#[tokio::test]
async fn expressions_of_policies_may_ask_a_webhook() {
    let peer = Peer::start(|_| {
        |asked: &Asked| {
            let review = body(asked);
            let target = &review["spec"]["resourceAttributes"];
            let is_allowed = target["resource"] == "configmaps" || target["name"] == "open";
            let status = json!({"allowed": is_allowed, "reason": "so it is"});
            (200, json!({"status": status}).to_string())
        }
    })
    .await;
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let kubeconfig = folder.path().join("webhook.kubeconfig");
    write(&kubeconfig, &peer.kubeconfig("/authorize"));
    let file = format!(
        "--authorization-webhook-config-file={}",
        kubeconfig.display()
    );
    let server = TestServer::start_with(&["--authorization-mode=Node,RBAC,Webhook", &file]).await;
    let post = async |token: &str, path: &str, object: &Value| {
        let mut headers = bearer(token);
        headers.push(("content-type".into(), "application/json".into()));
        let body = Some(object.to_string().into());
        let answer = server.client().request("POST", path, &headers, body).await;
        let answer = answer.expect("the server answers");
        (answer.status, answer.text())
    };
    let api = "/apis/admissionregistration.k8s.io/v1";
    let may = "authorizer.group('').resource('secrets').namespace('blue').name(object.metadata.name).check('get')";
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "secrets"},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"],
            }]},
            "validations": [{
                "expression": format!("{may}.allowed() && {may}.reason() == 'so it is'"),
                "message": "they may not see it",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "secrets"},
        "spec": {"policyName": "secrets", "validationActions": ["Deny"]},
    });
    for (kind, object) in [
        ("validatingadmissionpolicies", policy),
        ("validatingadmissionpolicybindings", binding),
    ] {
        let (status, text) = post("admintoken", &format!("{api}/{kind}"), &object).await;
        assert_eq!(status, 201, "{text}");
    }
    let map = async |name: &str| {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        post(
            "alicetoken",
            "/api/v1/namespaces/default/configmaps",
            &object,
        )
        .await
    };
    peer.asked();
    let (status, text) = map("open").await;
    assert_eq!(status, 201, "{text}");
    assert_eq!(peer.asked().len(), 2, "about the map, and about the secret");
    let (status, text) = map("closed").await;
    assert_eq!(status, 422);
    assert!(text.contains("they may not see it"), "{text}");
    assert_eq!(peer.asked().len(), 1, "what is known is not asked again");
}
