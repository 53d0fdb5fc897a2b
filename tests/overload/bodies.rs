//! Bodies, selectors and headers that nobody sends who means well.

use super::*;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const DEFAULT: &str = "/api/v1/namespaces/default";
/// Far more than any JSON of use.
const DEPTH: usize = 100_000;

/// A list of lists of lists… in few bytes of YAML.
fn bomb() -> String {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        text += &format!("a{level}: &a{level} [{before}]\n");
    }
    text
}

fn deep_json() -> String {
    "{\"a\":".repeat(DEPTH) + "1" + &"}".repeat(DEPTH)
}

#[tokio::test]
async fn hostile_bodies_are_refused_with_an_answer() {
    let server = TestServer::start().await;
    let before = memory(&server);
    let deep = deep_json();
    let copies =
        r#"{"op":"copy","from":"/metadata","path":"/metadata/annotations/x"},"#.repeat(100);
    let tests = r#"{"op":"test","path":"/kind","value":"Namespace"},"#.repeat(10_001);
    let operations = |of: &str| format!("[{}]", of.trim_end_matches(','));
    let large = format!(
        r#"{{"metadata":{{"name":"a"}},"data":{{"x":"{}"}}}}"#,
        "y".repeat(100_000_000)
    );
    for (method, path, of, body, code, part) in [
        ("POST", CONFIGMAPS, JSON, large, 413, "limit is 3145728"),
        (
            "POST",
            CONFIGMAPS,
            JSON,
            deep.clone(),
            400,
            "exceeded max depth",
        ),
        (
            "POST",
            CONFIGMAPS,
            JSON,
            "[".repeat(DEPTH),
            400,
            "exceeded max depth",
        ),
        (
            "POST",
            CONFIGMAPS,
            YAML,
            "- ".repeat(DEPTH),
            400,
            "exceeded max depth",
        ),
        ("POST", CONFIGMAPS, YAML, bomb(), 400, "excessive aliasing"),
        (
            "POST",
            CONFIGMAPS,
            PROTOBUF,
            "k8s\0".to_owned() + &"\n".repeat(DEPTH),
            400,
            "unexpected EOF",
        ),
        (
            "PATCH",
            DEFAULT,
            "application/merge-patch+json",
            deep.clone(),
            400,
            "exceeded max depth",
        ),
        (
            "PATCH",
            DEFAULT,
            "application/strategic-merge-patch+json",
            deep,
            400,
            "exceeded max depth",
        ),
        (
            "PATCH",
            DEFAULT,
            "application/json-patch+json",
            operations(&copies),
            422,
            "",
        ),
        (
            "PATCH",
            DEFAULT,
            "application/json-patch+json",
            operations(&tests),
            413,
            "operations",
        ),
        (
            "PATCH",
            "/api/v1/namespaces/default?fieldManager=x",
            "application/apply-patch+yaml",
            bomb(),
            400,
            "excessive aliasing",
        ),
    ] {
        let answer = ask(&server, method, path, of, body.into()).await;
        let text = answer.text();
        assert_eq!(answer.status, code, "{method} {path} {of}: {text}");
        assert!(text.contains(part), "{method} {path} {of}: {text}");
    }
    is_well(&server).await;
    let grown = memory(&server).saturating_sub(before);
    assert!(grown < 100, "it has grown by {grown} MB");
}

#[tokio::test]
async fn long_selectors_and_headers_are_answered() {
    let server = TestServer::start().await;
    let labels = (0..2000)
        .map(|label| format!("l{label},"))
        .collect::<String>();
    let path = format!(
        "{CONFIGMAPS}?labelSelector={}",
        labels.trim_end_matches(',')
    );
    let answer = ask(&server, "GET", &path, "", Bytes::new()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let elements = format!("/api/v1/{}", "a/".repeat(20_000));
    let answer = ask(&server, "GET", &elements, "", Bytes::new()).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    let mut headers = as_user(server.token(), JSON);
    headers.extend((0..5000).map(|number| (format!("x-{number}"), "a".repeat(100))));
    let answer = server
        .client()
        .request("GET", CONFIGMAPS, &headers, None)
        .await;
    assert_eq!(answer.expect("an answer").status, 431);
    is_well(&server).await;
}
