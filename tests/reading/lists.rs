//! Lists by revision and by page.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{OBJECTS, Reader, names};

async fn with_letters() -> Reader {
    let mut reader = Reader::start(&[]).await;
    for name in ["a", "b", "c", "d", "e"] {
        reader.make(name).await;
    }
    reader
}

#[tokio::test]
async fn a_revision_and_a_limit_mean_what_they_mean_upstream() {
    let mut reader = with_letters().await;
    let first: u64 = reader.json(&format!("{OBJECTS}/a")).await["metadata"]["resourceVersion"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a revision");
    // Query, with R for the revision of `a`; names; whether there is a further page; how many follow.
    let cases: &[(&str, &str, bool, Option<u64>)] = &[
        ("", "abcde", false, None),
        ("limit=2", "ab", true, Some(3)),
        ("limit=5", "abcde", false, None),
        ("limit=-1", "abcde", false, None),
        // Whatever is at hand is not cut into pages.
        ("limit=2&resourceVersion=0", "abcde", false, None),
        (
            "limit=2&resourceVersion=0&resourceVersionMatch=NotOlderThan",
            "abcde",
            false,
            None,
        ),
        // Of old, a limit beside a revision means exactly that revision.
        ("limit=2&resourceVersion=R", "a", false, None),
        (
            "limit=2&resourceVersion=R&resourceVersionMatch=NotOlderThan",
            "ab",
            true,
            Some(3),
        ),
        ("resourceVersion=R", "abcde", false, None),
        (
            "resourceVersion=R&resourceVersionMatch=NotOlderThan",
            "abcde",
            false,
            None,
        ),
        (
            "resourceVersion=R&resourceVersionMatch=Exact",
            "a",
            false,
            None,
        ),
        (
            "resourceVersion=1&resourceVersionMatch=Exact",
            "",
            false,
            None,
        ),
        // What is counted is keys, so a selector leaves the count out.
        ("limit=1&labelSelector=first%20in%20(b,d)", "b", true, None),
        ("limit=2&labelSelector=first%20in%20(b,d)", "bd", true, None),
        ("limit=2&labelSelector=first=e", "e", false, None),
        ("fieldSelector=metadata.name=c", "c", false, None),
        ("fieldSelector=metadata.name!=c", "abde", false, None),
    ];
    for (query, expected, more, remaining) in cases {
        let query = query.replace("=R", &format!("={first}"));
        let list = reader.json(&format!("{OBJECTS}?{query}")).await;
        let found: String = names(&list).concat();
        assert_eq!(found, *expected, "{query}: {list}");
        let metadata = &list["metadata"];
        assert_eq!(
            metadata["continue"].is_string(),
            *more,
            "{query}: {metadata}"
        );
        assert_eq!(
            metadata["remainingItemCount"].as_u64(),
            *remaining,
            "{query}: {metadata}"
        );
    }
}

#[tokio::test]
async fn what_does_not_go_together_is_refused_in_upstreams_words() {
    let mut reader = Reader::start(&[]).await;
    let invalid = |why: &str| {
        (
            422,
            format!("ListOptions.meta.k8s.io \"\" is invalid: {why}"),
        )
    };
    let bad = |why: &str| (400, why.to_owned());
    let cases = [
        (
            "resourceVersionMatch=Exact",
            invalid(
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
            ),
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            invalid(
                "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ),
        ),
        (
            "sendInitialEvents=true",
            invalid("sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
        ),
        (
            "watch=1&sendInitialEvents=true",
            invalid(
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ),
        ),
        (
            "limit=x",
            bad("strconv.ParseInt: parsing \"x\": invalid syntax"),
        ),
        (
            "continue=YWJj",
            bad(
                "invalid continue token: continue key is not valid: invalid character 'a' looking for beginning of value",
            ),
        ),
        (
            "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTAsInN0YXJ0IjoiLi4vYSJ9",
            bad("invalid continue token: continue key is not valid: ../a"),
        ),
        (
            "labelSelector=a=b=c",
            bad("found '=', expected: ',' or 'end of string'"),
        ),
        (
            "fieldSelector=foo=bar",
            bad(
                "\"foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            ),
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(
            reader.refusal(&format!("{OBJECTS}?{query}")).await,
            expected,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_list_goes_on_inconsistently_after_its_revision_was_compacted() {
    let mut reader = Reader::start(&["--etcd-compaction-interval=1s"]).await;
    for name in ["a", "b", "c", "d"] {
        reader.make(name).await;
    }
    let first = reader.json(&format!("{OBJECTS}?limit=2")).await;
    let token = first["metadata"]["continue"]
        .as_str()
        .expect("a further page")
        .to_owned();
    let revision = first["metadata"]["resourceVersion"]
        .as_str()
        .expect("a revision")
        .to_owned();
    // Something has to be written, or there is nothing to compact.
    reader.make("bb").await;
    let page = format!("{OBJECTS}?limit=2&continue={token}");
    let deadline = Instant::now() + Duration::from_secs(30);
    let expired = loop {
        let answer = reader.json(&page).await;
        if answer["code"] == 410 {
            break answer;
        }
        assert_eq!(
            names(&answer),
            ["c", "d"],
            "until then the page is of the first one's revision"
        );
        assert!(Instant::now() < deadline, "the token does not expire");
        sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(expired["reason"], "Expired");
    let token = expired["metadata"]["continue"]
        .as_str()
        .expect("a token to go on with");
    let rest = reader
        .json(&format!("{OBJECTS}?limit=5&continue={token}"))
        .await;
    assert_eq!(names(&rest), ["bb", "c", "d"]);
    let exact = format!("{OBJECTS}?resourceVersion={revision}&resourceVersionMatch=Exact");
    let expected = "The resourceVersion for the provided list is too old.";
    assert_eq!(reader.refusal(&exact).await, (410, expected.to_owned()));
}

#[tokio::test]
async fn a_revision_that_does_not_come_is_waited_for_and_then_said_to_be_too_large() {
    let mut reader = Reader::start(&[]).await;
    let (code, message) = reader
        .refusal(&format!("{OBJECTS}?resourceVersion=1000000"))
        .await;
    assert_eq!(code, 504);
    assert!(
        message.starts_with("Timeout: Too large resource version: 1000000, current: "),
        "{message}"
    );
}
