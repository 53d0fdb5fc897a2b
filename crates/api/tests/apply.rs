//! Ownership and apply on real types.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic, and so may what it calls"
)]

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::fields::{ApplyError, FieldManager, Set, Versions};
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

/// A kind with one version, whose endpoint resets nothing.
#[derive(Debug)]
struct OneVersion;

impl Versions for OneVersion {
    fn convert(&self, record: &Record, version: &str) -> Option<Record> {
        (version == "v1" || version == "apps/v1").then(|| record.clone())
    }

    fn reset_fields(&self, _version: &str) -> &Set {
        static NONE: Set = Set::new();
        &NONE
    }
}

fn manager(version: &'static str, seconds: i64) -> FieldManager<'static> {
    FieldManager {
        versions: &OneVersion,
        version: version.into(),
        subresource: "".into(),
        now: Time { seconds, nanos: 0 },
    }
}

fn object(kind: (&str, &str, &str), text: &str) -> Record {
    let ty = pintle_api::type_by_kind(kind.0, kind.1, kind.2).unwrap();
    json::decode(
        &ty,
        &Bytes::copy_from_slice(text.as_bytes()),
        &mut Problems::ignored(),
    )
    .unwrap()
}

fn config_map(text: &str) -> Record {
    object(("", "v1", "ConfigMap"), text)
}

fn shown(record: &Record) -> String {
    let mut out = Vec::new();
    json::encode(record, &mut out);
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn created(record: &mut Record, version: &'static str, fields: &str) {
    manager(version, 0).update(None, record, "golden");
    let expected = format!(
        r#"{{"manager":"golden","operation":"Update","apiVersion":"{version}","time":"1970-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{fields}}}"#
    );
    let text = shown(record);
    assert!(text.contains(&expected), "wanted {expected}\nin {text}");
}

#[test]
fn a_create_owns_what_it_sets() {
    created(
        &mut config_map(r#"{"metadata":{"name":"a","labels":{"b":"2","a":"1"}},"data":{"k":"v"}}"#),
        "v1",
        r#"{"f:data":{".":{},"f:k":{}},"f:metadata":{"f:labels":{".":{},"f:a":{},"f:b":{}}}}"#,
    );
}

#[test]
fn fields_that_go_always_writes_are_not_owned_as_wholes() {
    created(
        &mut object(
            ("", "v1", "Pod"),
            r#"{"metadata":{"name":"a"},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}]}]}}"#,
        ),
        "v1",
        r#"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}},"f:resources":{}}},"f:volumes":{".":{},"k:{\"name\":\"v\"}":{".":{},"f:emptyDir":{},"f:name":{}}}}}"#,
    );
}

#[test]
fn an_apply_conflicts_on_other_values_only() {
    let live = {
        let mut live =
            config_map(r#"{"metadata":{"name":"a","uid":"u"},"data":{"k":"v","l":"w"}}"#);
        manager("v1", 0).update(None, &mut live, "one");
        live
    };
    let same = config_map(
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}"#,
    );
    manager("v1", 1)
        .apply(&live, &same.clone().into(), "two", false)
        .unwrap();
    let other = config_map(
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"x"}}"#,
    );
    let Err(ApplyError::Conflicts(conflicts)) =
        manager("v1", 1).apply(&live, &other.clone().into(), "two", false)
    else {
        panic!("no conflict");
    };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].manager.to_string(), r#""one" using v1"#);
    assert_eq!(
        conflicts[0]
            .path
            .iter()
            .map(ToString::to_string)
            .collect::<String>(),
        ".data.k"
    );
    let forced = manager("v1", 1)
        .apply(&live, &other.clone().into(), "two", true)
        .unwrap();
    let text = shown(&forced);
    assert!(text.contains(r#""data":{"k":"x","l":"w"}"#), "{text}");
    assert!(text.contains(r#"{"manager":"one","operation":"Update","apiVersion":"v1","time":"1970-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:l":{}}}}"#), "{text}");
}

#[test]
fn what_is_not_applied_any_more_goes_unless_others_own_it() {
    let start = config_map(r#"{"metadata":{"name":"a"}}"#);
    let first =
        config_map(r#"{"metadata":{"name":"a","labels":{"x":"1"}},"data":{"k":"v","l":"w"}}"#);
    let live = manager("v1", 0)
        .apply(&start, &first.clone().into(), "one", false)
        .unwrap();
    let shared = config_map(r#"{"metadata":{"name":"a"},"data":{"l":"w"}}"#);
    let live = manager("v1", 1)
        .apply(&live, &shared.clone().into(), "two", false)
        .unwrap();
    let second = config_map(r#"{"metadata":{"name":"a"}}"#);
    let live = manager("v1", 2)
        .apply(&live, &second.clone().into(), "one", false)
        .unwrap();
    let text = shown(&live);
    assert!(text.contains(r#""data":{"l":"w"}"#), "{text}");
    assert!(!text.contains("labels"), "{text}");
}

#[test]
fn an_apply_of_the_same_changes_nothing() {
    let config = object(
        ("apps", "v1", "Deployment"),
        r#"{"metadata":{"name":"a"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","env":[{"name":"X","value":"y"}]}]}}}}"#,
    );
    let start = object(("apps", "v1", "Deployment"), r#"{"metadata":{"name":"a"}}"#);
    let once = manager("apps/v1", 5)
        .apply(&start, &config.clone().into(), "one", false)
        .unwrap();
    let twice = manager("apps/v1", 6)
        .apply(&once, &config.clone().into(), "one", false)
        .unwrap();
    assert_eq!(shown(&once), shown(&twice));
}

#[test]
fn the_eleventh_updater_joins_the_ancient_changes() {
    let mut live = config_map(r#"{"metadata":{"name":"a","uid":"u"},"data":{"k0":"v"}}"#);
    manager("v1", 0).update(None, &mut live, "m00");
    for at in 1..=11 {
        let data: Vec<String> = (0..=at).map(|key| format!(r#""k{key}":"v""#)).collect();
        let mut new = config_map(&format!(
            r#"{{"metadata":{{"name":"a","uid":"u"}},"data":{{{}}}}}"#,
            data.join(",")
        ));
        manager("v1", at).update(Some(&live), &mut new, &format!("m{at:02}"));
        live = new;
    }
    let text = shown(&live);
    assert_eq!(
        text.matches(r#""operation":"Update""#).count(),
        10,
        "{text}"
    );
    assert!(text.contains("ancient-changes"), "{text}");
}
