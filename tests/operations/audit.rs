//! `--audit-policy-file` and `--audit-log-path`.

use pintle_tests::http::Headers;
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

const POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  nonResourceURLs: ['*']
- level: RequestResponse
  resources: [{group: '', resources: [configmaps]}]
- level: Metadata
";
const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn requests_are_recorded_as_the_policy_says() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let (policy, log) = (
        folder.path().join("policy.yaml"),
        folder.path().join("audit.log"),
    );
    std::fs::write(&policy, POLICY).expect("the policy can be written");
    let flags = [
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
    ];
    let server = TestServer::start_with(&[&flags[0], &flags[1]]).await;
    let mut client = server.client();
    let mut headers: Headers = server.authorization();
    headers.push(("content-type".into(), "application/json".into()));
    headers.push(("audit-id".into(), "the-create".into()));
    let body = json!({"metadata": {"name": "colors"}, "data": {"sky": "blue"}});
    for (method, path, body, expected) in [
        ("POST", CONFIGMAPS, Some(body.to_string().into()), 201),
        ("GET", "/api/v1/namespaces/default/secrets/none", None, 404),
        ("GET", "/version", None, 200),
    ] {
        let answer = client.request(method, path, &headers, body).await;
        assert_eq!(
            answer.expect("the server answers").status,
            expected,
            "{path}"
        );
    }
    let stranger: Headers = vec![("authorization".into(), "Bearer nobody".into())];
    let answer = client.request("GET", CONFIGMAPS, &stranger, None).await;
    assert_eq!(answer.expect("the server answers").status, 401);

    let text = std::fs::read_to_string(&log).expect("the log is there");
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event is JSON"))
        .collect();
    let of = |verb: &str, resource: &str| {
        let found = events
            .iter()
            .find(|event| event["verb"] == verb && event["objectRef"]["resource"] == resource);
        found.unwrap_or_else(|| panic!("no {verb} of {resource} in {text}"))
    };
    let create = of("create", "configmaps");
    assert_eq!(create["auditID"], "the-create");
    assert_eq!(create["stage"], "ResponseComplete");
    assert_eq!(create["requestObject"]["data"]["sky"], "blue");
    assert_eq!(create["requestObject"]["kind"], "ConfigMap");
    assert_eq!(create["responseObject"]["metadata"]["name"], "colors");
    assert_eq!(
        create["responseObject"]["metadata"]["managedFields"],
        Value::Null
    );
    assert_eq!(create["responseStatus"]["code"], 201);
    assert_eq!(
        create["annotations"]["authorization.k8s.io/decision"],
        "allow"
    );
    let get = of("get", "secrets");
    assert_eq!(get["responseStatus"]["reason"], "NotFound");
    assert_eq!(get["responseObject"], Value::Null);
    let refused = of("list", "configmaps");
    assert_eq!(refused["responseStatus"]["code"], 401);
    assert_eq!(
        refused["responseStatus"]["message"],
        "Authentication failed, attempted: bearer"
    );
    assert!(events.iter().all(|event| event["requestURI"] != "/version"));
}
