//! What strategic merge patches make of objects of built-in kinds.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::patch::{PatchError, strategic_merge};
use pintle_runtime::value::{Map, Value};

fn map(text: &str) -> Map {
    let text = Bytes::copy_from_slice(text.as_bytes());
    match json::decode_value(&text, &mut Problems::ignored()) {
        Ok(Value::Map(map)) => map,
        other => panic!("{other:?}"),
    }
}

fn merged(group: &str, kind: &str, old: &str, patch: &str) -> Result<Map, PatchError> {
    let ty = pintle_api::type_by_kind(group, "v1", kind).expect("the kind is built in");
    strategic_merge(map(old), map(patch), &ty)
}

/// `old` and `patch` are the spec of a pod, or of another kind.
#[track_caller]
fn check(old: &str, patch: &str, expected: &str) {
    let spec = |text: &str| format!(r#"{{"spec":{text}}}"#);
    let made = merged("", "Pod", &spec(old), &spec(patch));
    assert_eq!(made, Ok(map(&spec(expected))), "{old} + {patch}");
}

#[track_caller]
fn refuses(old: &str, patch: &str, expected: &PatchError) {
    let spec = |text: &str| format!(r#"{{"spec":{text}}}"#);
    let made = merged("", "Pod", &spec(old), &spec(patch));
    assert_eq!(made.as_ref(), Err(expected), "{old} + {patch}");
}

fn failed(text: &str) -> PatchError {
    PatchError::Failed(text.to_owned())
}

const TWO: &str = r#"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}"#;

#[test]
fn items_are_found_by_their_merge_key() {
    check(
        TWO,
        r#"{"containers":[{"name":"b","image":"3"}]}"#,
        r#"{"containers":[{"name":"a","image":"1"},{"name":"b","image":"3"}]}"#,
    );
    check(
        TWO,
        r#"{"containers":[{"name":"c"}]}"#,
        r#"{"containers":[{"name":"c"},{"name":"a","image":"1"},{"name":"b","image":"2"}]}"#,
    );
    check(
        r#"{"containers":[{"name":"a","env":[{"name":"X","value":"1"}],"ports":[{"containerPort":80,"protocol":"UDP"}]}]}"#,
        r#"{"containers":[{"name":"a","env":[{"name":"Y","value":"2"}],"ports":[{"containerPort":80,"protocol":"TCP"}]}]}"#,
        r#"{"containers":[{"name":"a","env":[{"name":"Y","value":"2"},{"name":"X","value":"1"}],
            "ports":[{"containerPort":80,"protocol":"TCP"}]}]}"#,
    );
}

#[test]
fn lists_without_a_strategy_are_replaced() {
    check(
        r#"{"tolerations":[{"key":"a"}],"containers":[{"name":"a","args":["x","y"]}]}"#,
        r#"{"tolerations":[{"key":"b"}],"containers":[{"name":"a","args":["z"]}]}"#,
        r#"{"tolerations":[{"key":"b"}],"containers":[{"name":"a","args":["z"]}]}"#,
    );
}

#[test]
fn directives_delete_and_replace() {
    check(
        TWO,
        r#"{"containers":[{"$patch":"delete","name":"a"}]}"#,
        r#"{"containers":[{"name":"b","image":"2"}]}"#,
    );
    check(
        TWO,
        r#"{"containers":[{"$patch":"delete","name":"none"}]}"#,
        TWO,
    );
    check(
        TWO,
        r#"{"containers":[{"name":"c"},{"$patch":"replace"}]}"#,
        r#"{"containers":[{"name":"c"}]}"#,
    );
    check(
        r#"{"securityContext":{"runAsUser":1,"runAsGroup":2}}"#,
        r#"{"securityContext":{"$patch":"replace","runAsUser":3}}"#,
        r#"{"securityContext":{"runAsUser":3}}"#,
    );
    check(
        r#"{"securityContext":{"runAsUser":1}}"#,
        r#"{"securityContext":{"$patch":"delete"}}"#,
        r#"{"securityContext":{}}"#,
    );
    check(
        r#"{}"#,
        r#"{"securityContext":{"$patch":"delete"},"volumes":[{"$patch":"replace"},{"name":"v"}]}"#,
        r#"{"volumes":[{"name":"v"}]}"#,
    );
    check(
        r#"{"volumes":[{"name":"v","emptyDir":{},"hostPath":{"path":"/x"}}]}"#,
        r#"{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/y"}}]}"#,
        r#"{"volumes":[{"name":"v","hostPath":{"path":"/y"}}]}"#,
    );
}

#[test]
fn nulls_take_away_and_say_nothing_of_what_is_not_there() {
    check(
        r#"{"nodeName":"n","containers":[{"name":"a","image":"1"}]}"#,
        r#"{"nodeName":null,"hostname":null,"containers":[{"name":"a","image":null},{"name":"b","image":null}]}"#,
        // A decoder takes it away.
        r#"{"containers":[{"name":"a"},{"name":"b","image":null}]}"#,
    );
    check(TWO, r#"{"$deleteFromPrimitiveList/containers":null}"#, "{}");
}

#[test]
fn lists_are_put_in_the_order_that_is_said() {
    check(
        TWO,
        r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}"#,
        r#"{"containers":[{"name":"b","image":"2"},{"name":"a","image":"1"}]}"#,
    );
    check(
        r#"{"containers":[{"name":"a"},{"name":"server"},{"name":"b"}]}"#,
        r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"c"},{"name":"a"}],"containers":[{"name":"c"}]}"#,
        r#"{"containers":[{"name":"server"},{"name":"b"},{"name":"c"},{"name":"a"}]}"#,
    );
    check(
        r#"{}"#,
        r#"{"$setElementOrder/volumes":[{"name":"a"}]}"#,
        r#"{}"#,
    );
}

#[test]
fn scalars_merge_by_value() {
    let check = |old: &str, patch: &str, expected: &str| {
        let metadata = |text: &str| format!(r#"{{"metadata":{text}}}"#);
        let made = merged("", "Pod", &metadata(old), &metadata(patch));
        assert_eq!(made, Ok(map(&metadata(expected))), "{old} + {patch}");
    };
    let old = r#"{"finalizers":["x/a","x/b"]}"#;
    check(
        old,
        r#"{"finalizers":["x/c","x/a"]}"#,
        r#"{"finalizers":["x/c","x/a","x/b"]}"#,
    );
    check(
        old,
        r#"{"$deleteFromPrimitiveList/finalizers":["x/a"]}"#,
        r#"{"finalizers":["x/b"]}"#,
    );
    check(
        old,
        r#"{"$setElementOrder/finalizers":["x/b","x/c"],"finalizers":["x/c"],"$deleteFromPrimitiveList/finalizers":["x/a"]}"#,
        r#"{"finalizers":["x/b","x/c"]}"#,
    );
}

#[test]
fn what_does_not_fit_is_refused_in_upstreams_words() {
    refuses(
        TWO,
        r#"{"containers":[{"image":"3"}]}"#,
        &failed("map: map[image:3] does not contain declared merge key: name"),
    );
    refuses(
        TWO,
        r#"{"containers":["a"]}"#,
        &failed(
            "list element types are not identical: [[map[image:1 name:a] map[image:2 name:b]] [a]]",
        ),
    );
    refuses(
        TWO,
        r#"{"containers":[{"name":"a","$patch":"merge"}]}"#,
        &failed("merging lists cannot yet be specified in the patch"),
    );
    refuses(
        TWO,
        r#"{"$patch":null}"#,
        &failed("unknown patch type: %!s(<nil>) in map: map[$patch:<nil>]"),
    );
    refuses(
        TWO,
        r#"{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"a"},{"name":"b"}]}"#,
        &failed(
            "The order in patch list:\n[map[name:a] map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:b] \
             map[name:a]]\n",
        ),
    );
    refuses(
        TWO,
        r#"{"$setElementOrder/bogus":[]}"#,
        &failed("unable to find api field in struct PodSpec for the json field \"bogus\""),
    );
    refuses(
        r#"{"nodeName":"a"}"#,
        r#"{"$setElementOrder/nodeName":[]}"#,
        &failed("expected a []interface {}, but received a string"),
    );
    refuses(
        TWO,
        r#"{"$setElementOrder/containers":null}"#,
        &failed("expected a []interface {}, but received a %!s(<nil>)"),
    );
    refuses(
        r#"{"tolerations":[{"key":"a"}]}"#,
        r#"{"$deleteFromPrimitiveList/tolerations":[{"key":"a"}]}"#,
        &failed("cannot merge lists without merge key for struct"),
    );
    let malformed = |text: &str| PatchError::Malformed(text.to_owned());
    refuses(
        TWO,
        r#"{"$setElementOrder":[]}"#,
        &malformed("invalid patch format of setElementOrder list"),
    );
    refuses(
        TWO,
        r#"{"$deleteFromPrimitiveListOf/containers":[]}"#,
        &malformed("invalid patch format of primitive list"),
    );
    refuses(
        TWO,
        r#"{"$retainKeys":["containers"],"nodeName":"n"}"#,
        &malformed("invalid patch format of retainKeys"),
    );
}

#[test]
fn what_the_table_does_not_know_does_not_merge() {
    let made = merged(
        "apps",
        "ControllerRevision",
        r#"{"data":{"a":{"b":1}}}"#,
        r#"{"data":{"a":{"c":2}}}"#,
    );
    let why = "unable to find api field in struct RawExtension for the json field \"a\"";
    assert_eq!(made, Err(failed(why)));
}
