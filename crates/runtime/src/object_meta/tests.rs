use bytes::Bytes;

use super::*;
use crate::codec::Problems;
use crate::codec::json::decode;
use crate::meta::{Condition, CreateOptions, DeleteOptions, PatchOptions, tables};
use crate::schema::{Ref, Type};
use crate::value::Record;

fn record(table: &'static Type, json: &str) -> Record {
    let body = Bytes::copy_from_slice(json.as_bytes());
    decode(&Ref::Static(table), &body, &mut Problems::ignored()).expect("valid JSON")
}

#[track_caller]
fn expect(errors: &ErrorList, expected: &[&str]) {
    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.starts_with(expected),
            "{found} does not start with {expected}"
        );
    }
}

#[track_caller]
fn check(json: &str, expected: &[&str]) {
    let meta = record(&tables::OBJECT_META, json);
    let mut errors = ErrorList::new();
    let path = Path::new("metadata");
    validate_create(
        ObjectMeta::from_record(&meta),
        Scope::Namespaced,
        NameRule::DnsSubdomain,
        &path,
        &mut errors,
    );
    expect(&errors, expected);
}

#[track_caller]
fn check_update(new: &str, old: &str, expected: &[&str]) {
    let (new, old) = (
        record(&tables::OBJECT_META, new),
        record(&tables::OBJECT_META, old),
    );
    let mut errors = ErrorList::new();
    let path = Path::new("metadata");
    validate_update(
        ObjectMeta::from_record(&new),
        ObjectMeta::from_record(&old),
        &path,
        &mut errors,
    );
    expect(&errors, expected);
}

#[test]
fn a_new_object_has_a_good_name_and_namespace() {
    check(r#"{"name":"a","namespace":"b"}"#, &[]);
    check(
        r#"{"namespace":"b"}"#,
        &["metadata.name: Required value: name or generateName is required"],
    );
    check(r#"{"name":"a"}"#, &["metadata.namespace: Required value"]);
    check(
        r#"{"name":"a","namespace":"b.c"}"#,
        &["metadata.namespace: Invalid value: \"b.c\": must not contain dots"],
    );
    check(
        r#"{"name":"Gen_x","generateName":"Gen_","namespace":"b"}"#,
        &[
            "metadata.generateName: Invalid value: \"Gen_\": a lowercase RFC 1123 subdomain must consist",
            "metadata.name: Invalid value: \"Gen_x\": a lowercase RFC 1123 subdomain must consist",
        ],
    );
    let meta = record(
        &tables::OBJECT_META,
        r#"{"name":"a","namespace":"b","generation":-1}"#,
    );
    let mut errors = ErrorList::new();
    let path = Path::new("metadata");
    validate_create(
        ObjectMeta::from_record(&meta),
        Scope::Cluster,
        NameRule::PathSegment,
        &path,
        &mut errors,
    );
    expect(
        &errors,
        &[
            "metadata.namespace: Forbidden: not allowed on this type",
            "metadata.generation: Invalid value: -1: must be greater than or equal to 0",
        ],
    );
}

#[test]
fn labels_and_annotations_are_named_and_sized_well() {
    let meta = |rest: &str| format!(r#"{{"name":"a","namespace":"b",{rest}}}"#);
    check(
        &meta(r#""labels":{"a":"b","ex.com/a":""},"annotations":{"EX.com/a":"any thing"}"#),
        &[],
    );
    check(
        &meta(r#""labels":{"a/b/c":"x"}"#),
        &["metadata.labels: Invalid value: \"a/b/c\": a valid label key must"],
    );
    check(
        &meta(r#""labels":{"a":"x y"}"#),
        &["metadata.labels: Invalid value: \"x y\": a valid label must be"],
    );
    check(
        &meta(r#""annotations":{"a b":""}"#),
        &["metadata.annotations: Invalid value: \"a b\": name part must"],
    );
    let long = format!(r#""annotations":{{"a":"{}"}}"#, "x".repeat(256 << 10));
    check(
        &meta(&long),
        &["metadata.annotations: Too long: may not be more than 262144 bytes"],
    );
}

#[test]
fn owners_are_named_completely_and_one_controls() {
    let owned =
        |owners: &str| format!(r#"{{"name":"a","namespace":"b","ownerReferences":[{owners}]}}"#);
    check(
        &owned(r#"{"apiVersion":"v1","kind":"Pod","name":"p","uid":"1","controller":true}"#),
        &[],
    );
    check(
        &owned(r#"{"apiVersion":"a/b/c","kind":"","name":"","uid":""}"#),
        &[
            "metadata.ownerReferences.apiVersion: Invalid value: \"a/b/c\": version must not be empty",
            "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty",
            "metadata.ownerReferences.name: Invalid value: \"\": must not be empty",
            "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
        ],
    );
    check(
        &owned(r#"{"apiVersion":"v1","kind":"Event","name":"p","uid":"1"}"#),
        &[
            r#"metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"p","uid":"1"}: /v1, Kind=Event is disallowed from being an owner"#,
        ],
    );
    check(
        &owned(
            r#"{"apiVersion":"v1","kind":"Pod","name":"p","uid":"1","controller":true},{"apiVersion":"v1","kind":"Pod","name":"q","uid":"2","controller":true}"#,
        ),
        &[
            r#"metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"Pod","name":"p","uid":"1","controller":true},{"apiVersion":"v1","kind":"Pod","name":"q","uid":"2","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q"#,
        ],
    );
}

#[test]
fn finalizers_and_managers_are_named_well() {
    let meta = |rest: &str| format!(r#"{{"name":"a","namespace":"b",{rest}}}"#);
    check(&meta(r#""finalizers":["orphan","example.com/x"]"#), &[]);
    check(
        &meta(r#""finalizers":["a b/c"]"#),
        &["metadata.finalizers: Invalid value: \"a b/c\": prefix part a lowercase"],
    );
    check(
        &meta(r#""finalizers":["orphan","foregroundDeletion"]"#),
        &[
            r#"metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set"#,
        ],
    );
    check(
        &meta(r#""managedFields":[{"operation":"Frob","fieldsType":"V0","manager":"a\u0001"}]"#),
        &[
            "metadata.managedFields[0].operation: Invalid value: \"Frob\": must be `Apply` or `Update`",
            "metadata.managedFields[0].fieldsType: Invalid value: \"V0\": must be `FieldsV1`",
            "metadata.managedFields[0].manager: Invalid value: \"a\\x01\": invalid character U+0001 (at position 1)",
        ],
    );
}

#[test]
fn what_the_server_set_stays() {
    let old = r#"{"name":"a","namespace":"b","uid":"1","resourceVersion":"5","generation":2,"creationTimestamp":"2024-02-29T12:34:56Z"}"#;
    check_update(old, old, &[]);
    check_update(
        r#"{"name":"x","namespace":"y","uid":"2","generation":1,"deletionTimestamp":"2024-02-29T12:34:56Z","deletionGracePeriodSeconds":30}"#,
        old,
        &[
            "metadata.resourceVersion: Invalid value: \"\": must be specified for an update",
            "metadata.generation: Invalid value: 1: must not be decremented",
            "metadata.name: Invalid value: \"x\": field is immutable",
            "metadata.namespace: Invalid value: \"y\": field is immutable",
            "metadata.uid: Invalid value: \"2\": field is immutable",
            "metadata.creationTimestamp: Invalid value: null: field is immutable",
            "metadata.deletionTimestamp: Invalid value: \"2024-02-29T12:34:56Z\": field is immutable",
            "metadata.deletionGracePeriodSeconds: Invalid value: 30: field is immutable",
        ],
    );
}

#[test]
fn no_finalizer_is_added_to_what_is_being_deleted() {
    let old = r#"{"name":"a","resourceVersion":"5","deletionTimestamp":"2024-02-29T12:34:56Z","finalizers":["a/b"]}"#;
    check_update(&old.replace(r#"["a/b"]"#, "[]"), old, &[]);
    check_update(
        &old.replace(r#"["a/b"]"#, r#"["z/z","a/b","c/d"]"#),
        old,
        &[
            r#"metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d", "z/z"}"#,
        ],
    );
}

#[test]
fn options_of_requests_are_checked() {
    let create = |json| {
        let record = record(&tables::CREATE_OPTIONS, json);
        validate_create_options(CreateOptions::from_record(&record))
    };
    expect(
        &create(r#"{"dryRun":["All"],"fieldManager":"me","fieldValidation":"Warn"}"#),
        &[],
    );
    let wrong = format!(
        r#"{{"dryRun":["Some"],"fieldManager":"{}","fieldValidation":"Maybe"}}"#,
        "x".repeat(129)
    );
    expect(
        &create(&wrong),
        &[
            "fieldManager: Too long: may not be more than 128 bytes",
            r#"dryRun: Unsupported value: ["Some"]: supported values: "All""#,
            r#"fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn""#,
        ],
    );
    let patch = record(&tables::PATCH_OPTIONS, r#"{"force":true}"#);
    let patch = PatchOptions::from_record(&patch);
    expect(
        &validate_patch_options(patch, false),
        &["force: Forbidden: may not be specified for non-apply patch"],
    );
    expect(
        &validate_patch_options(patch, true),
        &["fieldManager: Required value: is required for apply patch"],
    );
    let delete = record(
        &tables::DELETE_OPTIONS,
        r#"{"orphanDependents":true,"propagationPolicy":"Later"}"#,
    );
    expect(
        &validate_delete_options(DeleteOptions::from_record(&delete)),
        &[
            r#"propagationPolicy: Invalid value: "Later": orphanDependents and deletionPropagation cannot be both set"#,
            r#"propagationPolicy: Unsupported value: "Later": supported values: "Foreground", "Background", "Orphan", "nil""#,
        ],
    );
}

#[test]
fn a_condition_has_a_type_a_status_a_time_and_a_reason() {
    let check = |json: &str, expected: &[&str]| {
        let record = record(&tables::CONDITION, json);
        let mut errors = ErrorList::new();
        validate_condition(
            Condition::from_record(&record),
            &Path::new("c"),
            &mut errors,
        );
        expect(&errors, expected);
    };
    check(
        r#"{"type":"Ready","status":"True","lastTransitionTime":"2024-02-29T12:34:56Z","reason":"Good","message":""}"#,
        &[],
    );
    check(
        r#"{"type":"Ready","status":"Yes","observedGeneration":-1,"reason":"not good"}"#,
        &[
            r#"c.status: Unsupported value: "Yes": supported values: "False", "True", "Unknown""#,
            "c.observedGeneration: Invalid value: -1: must be greater than or equal to zero",
            "c.lastTransitionTime: Required value",
            r#"c.reason: Invalid value: "not good": a condition reason must start with alphabetic character"#,
        ],
    );
}
