//! Paths that lead nowhere, or further than one would think.

use super::Reader;

const NOT_FOUND: &str = "the server could not find the requested resource";
const NOT_ALLOWED: &str = "the server does not allow this method on the requested resource";
const PAGE: &str = "404 page not found\n";

#[tokio::test]
async fn there_are_two_ways_to_be_told_that_nothing_is_there() {
    let mut reader = Reader::start(&[]).await;
    let cases = [
        ("/foo", 404, PAGE),
        ("//api/v1/namespaces", 404, PAGE),
        ("/apis/nope", 404, PAGE),
        ("/apis/nope/v1", 404, PAGE),
        ("/healthz/", 404, PAGE),
        ("/metrics/x", 404, PAGE),
        ("/openapi/v3/nope", 404, ""),
        ("/apis/apps/v2", 404, NOT_FOUND),
        ("/apis/apps/v1/nope", 404, NOT_FOUND),
        ("/api/v2/pods", 404, NOT_FOUND),
        ("/api//v1/namespaces", 404, NOT_FOUND),
        ("/api/v1/configmaps/a", 404, NOT_FOUND),
        ("/api/v1/namespaces/default/nodes", 404, NOT_FOUND),
        (
            "/api/v1/namespaces/default/configmaps/a/status",
            404,
            NOT_FOUND,
        ),
        (
            "/api/v1/namespaces/default/configmaps/a%2Fb",
            404,
            NOT_FOUND,
        ),
        ("/version/x", 404, NOT_FOUND),
        ("/api/v1/namespaces/default/finalize", 405, NOT_ALLOWED),
        (
            "/api/v1/namespaces/default/configmaps/a",
            404,
            "configmaps \"a\" not found",
        ),
        (
            "/api/v1/namespaces/default/configmaps/..",
            400,
            "Name parameter invalid: \"..\": may not be '..'",
        ),
        (
            "/api/v1/namespaces/default/configmaps/a%25",
            400,
            "Name parameter invalid: \"a%\": may not contain '%'",
        ),
        (
            "/api/v1/watch",
            500,
            "Internal Server Error: \"/api/v1/watch\": failed to create RequestInfo: unable to determine kind and \
             namespace from url, /api/v1/watch\n",
        ),
    ];
    for (path, code, message) in cases {
        assert_eq!(
            reader.refusal(path).await,
            (code, message.to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_slash_at_the_end_makes_no_difference_below_an_api() {
    let mut reader = Reader::start(&[]).await;
    for path in [
        "/api/",
        "/apis/",
        "/apis/apps/v1/",
        "/version/",
        "/api/v1/namespaces/",
        "/api/v1/namespaces/default/",
    ] {
        assert_eq!(reader.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn methods_that_a_resource_does_not_have_are_refused() {
    let mut reader = Reader::start(&[]).await;
    for (method, path) in [
        ("HEAD", "/api/v1/namespaces/default"),
        ("OPTIONS", "/api/v1/namespaces"),
        ("PUT", "/api/v1/namespaces"),
        ("POST", "/api/v1/namespaces/default"),
        ("DELETE", "/api/v1/namespaces"),
        ("POST", "/apis/apps/v1"),
    ] {
        assert_eq!(
            reader.send(method, path, &[], None).await.status,
            405,
            "{method} {path}"
        );
    }
    // Health is asked with any.
    assert_eq!(reader.send("HEAD", "/healthz", &[], None).await.status, 200);
    assert_eq!(
        reader.send("POST", "/healthz", &[], None).await.text(),
        "ok"
    );
}
