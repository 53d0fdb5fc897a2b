//! Watches, from their first event to their end.

use serde_json::{Value, json};

use super::{OBJECTS, Reader};

/// Types and names of the events of a watch that ends by itself; a bookmark has no name, but may mark the end of
/// the initial events.
async fn events(reader: &mut Reader, query: &str) -> String {
    let answer = reader
        .get(&format!("{OBJECTS}?watch=1&timeoutSeconds=1&{query}"))
        .await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let text = answer.text();
    let events = text.lines().map(|line| {
        let event: Value = serde_json::from_str(line).expect("an event in a line");
        let metadata = &event["object"]["metadata"];
        let ended = &metadata["annotations"]["k8s.io/initial-events-end"];
        let name = metadata["name"]
            .as_str()
            .or(ended.as_str())
            .unwrap_or_default();
        format!("{} {name}", event["type"].as_str().unwrap_or_default())
    });
    events.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_watch_begins_where_it_is_asked_to() {
    let mut reader = Reader::start(&[]).await;
    for name in ["a", "b"] {
        reader.make(name).await;
    }
    let revision =
        reader.json(&format!("{OBJECTS}/a")).await["metadata"]["resourceVersion"].clone();
    let after_a = format!("resourceVersion={}", revision.as_str().expect("a revision"));
    let all = "resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let cases = [
        (String::new(), "ADDED a, ADDED b"),
        ("resourceVersion=0".to_owned(), "ADDED a, ADDED b"),
        (after_a.clone(), "ADDED b"),
        (
            format!("sendInitialEvents=true&{all}"),
            "ADDED a, ADDED b, BOOKMARK true",
        ),
        (
            format!("sendInitialEvents=true&{all}&{after_a}"),
            "ADDED a, ADDED b, BOOKMARK true",
        ),
        (
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan".to_owned(),
            "ADDED a, ADDED b",
        ),
        (format!("sendInitialEvents=false&{all}"), ""),
        (
            format!("sendInitialEvents=false&{all}&{after_a}"),
            "ADDED b",
        ),
        ("labelSelector=first=b".to_owned(), "ADDED b"),
        ("fieldSelector=metadata.name=a".to_owned(), "ADDED a"),
    ];
    for (query, expected) in cases {
        assert_eq!(events(&mut reader, &query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_watch_of_tables_and_of_metadata_tells_the_same_in_those_forms() {
    let mut reader = Reader::start(&[]).await;
    reader.make("a").await;
    let path = format!("{OBJECTS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=a");
    let cases = [
        (
            "application/json;as=Table;v=v1;g=meta.k8s.io",
            "/object/rows/0/cells/0",
        ),
        (
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            "/object/metadata/name",
        ),
        ("application/json;stream=watch", "/object/metadata/name"),
    ];
    for (accept, pointer) in cases {
        let answer = reader.send("GET", &path, &[("accept", accept)], None).await;
        let event: Value = serde_json::from_str(&answer.text()).expect("one event");
        assert_eq!(
            event.pointer(pointer),
            Some(&"a".into()),
            "{accept}: {event}"
        );
    }
    let protobuf = [("accept", "application/vnd.kubernetes.protobuf")];
    let answer = reader.send("GET", &path, &protobuf, None).await;
    let length = u32::from_be_bytes(answer.body[..4].try_into().expect("a length"));
    assert_eq!(answer.body.len(), 4 + length as usize, "one frame");
}

/// Upstream agrees to it, finds with the first event that no single object is a list, and says nothing more.
#[tokio::test]
async fn a_watch_of_lists_ends_at_the_first_event() {
    let mut reader = Reader::start(&[]).await;
    let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    reader.make("a").await;
    let path = format!("{OBJECTS}?watch=1&fieldSelector=metadata.name=a");
    let answer = reader.send("GET", &path, &[("accept", accept)], None).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
}

#[tokio::test]
async fn a_bookmark_has_the_form_of_what_is_watched() {
    let mut reader = Reader::start(&[]).await;
    let path = format!(
        "{OBJECTS}?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    );
    let ended = json!({"k8s.io/initial-events-end": "true"});
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let metadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let cases = [
        ("application/json", "", "v1", "LimitRange", ""),
        (metadata, "", "meta.k8s.io/v1", "PartialObjectMetadata", ""),
        (table, "", "meta.k8s.io/v1", "Table", "/rows/0/object"),
        // Whatever was asked for, as it says something.
        (
            table,
            "&includeObject=None",
            "meta.k8s.io/v1",
            "Table",
            "/rows/0/object",
        ),
    ];
    for (accept, query, version, kind, at) in cases {
        let path = format!("{path}{query}");
        let answer = reader.send("GET", &path, &[("accept", accept)], None).await;
        let event: Value = serde_json::from_str(&answer.text()).expect("one event");
        assert_eq!(event["type"], "BOOKMARK", "{accept}");
        let object = &event["object"];
        assert_eq!(object["apiVersion"], version, "{accept}");
        assert_eq!(object["kind"], kind, "{accept}");
        let carrier = object.pointer(at).expect("there is an object");
        assert_eq!(carrier["metadata"]["annotations"], ended, "{event}");
        assert_eq!(
            carrier["metadata"]["resourceVersion"], object["metadata"]["resourceVersion"],
            "{event}"
        );
        if kind == "Table" {
            assert_eq!(
                object["rows"][0]["cells"],
                json!(["", "0001-01-01T00:00:00Z"])
            );
        }
    }
    let accept = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let answer = reader.send("GET", &path, &[("accept", accept)], None).await;
    let says = |text: &str| {
        answer
            .body
            .windows(text.len())
            .any(|found| found == text.as_bytes())
    };
    assert!(
        says("PartialObjectMetadata") && !says("LimitRange"),
        "{:?}",
        answer.body
    );
}

/// Paths of all resources that can be watched.
async fn watched(reader: &mut Reader) -> Vec<String> {
    let groups = reader.json("/apis").await;
    let groups = groups["groups"].as_array().expect("groups").iter();
    let versions = groups.flat_map(|group| group["versions"].as_array().expect("versions"));
    let mut roots: Vec<String> = versions
        .filter_map(|version| Some(format!("/apis/{}", version["groupVersion"].as_str()?)))
        .collect();
    roots.push("/api/v1".to_owned());
    let mut paths = Vec::new();
    for root in roots {
        let list = reader.json(&root).await;
        for resource in list["resources"].as_array().expect("resources") {
            let verbs = resource["verbs"].as_array().expect("verbs");
            if verbs.contains(&"watch".into()) {
                let name = resource["name"].as_str().expect("a name");
                paths.push(format!("{root}/{name}"));
            }
        }
    }
    paths
}

#[tokio::test]
async fn every_kind_can_be_watched_in_every_form() {
    let mut reader = Reader::start(&[]).await;
    let paths = watched(&mut reader).await;
    assert!(paths.len() > 50, "{paths:?}");
    let query = "watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&\
                 allowWatchBookmarks=true&includeObject=Object";
    let (endpoint, authorization) = (&reader.server.endpoint(), &reader.server.authorization());
    for (accept, kind) in [
        ("application/json", ""),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", "Table"),
        (
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            "PartialObjectMetadata",
        ),
        ("application/vnd.kubernetes.protobuf", ""),
        (
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            "PartialObjectMetadata",
        ),
    ] {
        let all = paths.iter().map(|path| async move {
            let mut headers = authorization.clone();
            headers.push(("accept".into(), accept.into()));
            let mut connection = endpoint.connect().await.expect("a connection");
            let path = format!("{path}?{query}");
            let answer = connection.request("GET", &path, &headers, None).await;
            let answer = answer.expect("there is an answer");
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            if accept.contains("protobuf") {
                let says = |text: &[u8]| answer.body.windows(text.len()).any(|it| it == text);
                assert!(says(b"BOOKMARK"), "{accept} {path}");
                assert!(kind.is_empty() || says(kind.as_bytes()), "{accept} {path}");
                return;
            }
            let text = answer.text();
            let last = text.lines().last().unwrap_or_default();
            let last: Value = serde_json::from_str(last).expect("an event in a line");
            assert_eq!(last["type"], "BOOKMARK", "{accept} {path}: {last}");
            for event in text.lines() {
                let event: Value = serde_json::from_str(event).expect("an event in a line");
                let object = &event["object"];
                assert!(kind.is_empty() || object["kind"] == kind, "{path}: {event}");
                if kind == "Table" {
                    let row = &object["rows"][0];
                    let columns = text.lines().next().map(serde_json::from_str::<Value>);
                    let columns = columns.expect("a first event").expect("JSON");
                    let columns = columns["object"]["columnDefinitions"]
                        .as_array()
                        .map(Vec::len);
                    let cells = row["cells"].as_array().map(Vec::len);
                    // Upstream gives an IPAddress an age, and no column for it.
                    assert!(cells >= columns, "{path}: {event}");
                    assert!(row["object"]["apiVersion"].is_string(), "{path}: {event}");
                }
            }
        });
        futures_util::future::join_all(all).await;
    }
}
