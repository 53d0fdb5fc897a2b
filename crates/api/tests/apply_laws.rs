//! What holds of ownership and patches whatever is written.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic, and so may what it calls"
)]

mod records;

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json, normalize};
use pintle_runtime::fields::{
    FieldManager, Manager, Managers, Set, Updater, Versions, keep_times_if_same,
};
use pintle_runtime::patch::{merge, strategic_merge};
use pintle_runtime::schema::Ref;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Map, Record, Value};
use proptest::collection::btree_map;
use proptest::prelude::*;
use records::Maker;
use serde_json::json;

#[derive(Debug)]
struct OneVersion;

impl Versions for OneVersion {
    fn convert(&self, record: &Record, _: &str) -> Option<Record> {
        Some(record.clone())
    }

    fn reset_fields(&self, _: &str) -> &Set {
        static NONE: Set = Set::new();
        &NONE
    }
}

fn manager(seconds: i64) -> FieldManager<'static> {
    FieldManager {
        versions: &OneVersion,
        version: "v1".into(),
        subresource: "".into(),
        now: Time { seconds, nanos: 0 },
    }
}

/// What one manager says of a service; `owner` keeps its keys apart from another's.
fn config(owner: &'static str) -> impl Strategy<Value = serde_json::Value> {
    let labels = btree_map("[a-c]", "[x-z]", 0..3);
    let ports = btree_map(1u16..5, "[p-r]", 0..4);
    (labels.clone(), labels, ports).prop_map(move |(labels, annotations, ports)| {
        let keyed = |map: std::collections::BTreeMap<String, String>| {
            let entries = map.into_iter();
            entries
                .map(|(key, value)| (format!("{owner}{key}"), json!(value)))
                .collect::<serde_json::Map<_, _>>()
        };
        let base = if owner == "m" { 100 } else { 200 };
        let ports: Vec<_> = ports
            .into_iter()
            .map(|(port, name)| {
                json!({"port": base + port, "protocol": "TCP", "name": format!("{owner}{name}{port}")})
            })
            .collect();
        let mut config = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "s"},
            "spec": {},
        });
        // Who applies an empty map owns it as a whole, and minds what others put there.
        if !labels.is_empty() {
            config["metadata"]["labels"] = keyed(labels).into();
        }
        if !annotations.is_empty() {
            config["metadata"]["annotations"] = keyed(annotations).into();
        }
        if !ports.is_empty() {
            config["spec"]["ports"] = ports.into();
        }
        config
    })
}

fn record(value: &serde_json::Value) -> Record {
    let ty = pintle_api::type_by_kind("", "v1", "Service").unwrap();
    let text = Bytes::from(value.to_string());
    json::decode(&ty, &text, &mut Problems::ignored()).unwrap()
}

fn live() -> Record {
    let mut live =
        record(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}));
    normalize(&mut live);
    live
}

fn apply(live: &Record, config: &serde_json::Value, by: &str, seconds: i64) -> Record {
    let mut new = manager(seconds)
        .apply(live, &record(config).into(), by, false)
        .unwrap();
    // As it is after it was kept and read.
    normalize(&mut new);
    keep_times_if_same(live, &mut new);
    new
}

/// As JSON with lists that have keys in one order: only items of one manager have an order of their own.
fn unordered(record: &Record) -> serde_json::Value {
    let mut text = Vec::new();
    json::encode(record, &mut text);
    let mut value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    if let Some(ports) = value["spec"]["ports"].as_array_mut() {
        ports.sort_by_key(|port| port["port"].as_i64());
    }
    value
}

fn plain(value: &serde_json::Value) -> Map {
    match json::decode_value(&Bytes::from(value.to_string()), &mut Problems::ignored()) {
        Ok(Value::Map(map)) => map,
        _ => Map::new(),
    }
}

proptest! {
    #[test]
    fn an_apply_again_changes_nothing(config in config("m")) {
        let once = apply(&live(), &config, "one", 1);
        prop_assert_eq!(&apply(&once, &config, "one", 2), &once);
    }

    #[test]
    fn applies_of_different_fields_commute(mine in config("m"), theirs in config("t")) {
        let forth = apply(&apply(&live(), &mine, "one", 1), &theirs, "two", 1);
        let back = apply(&apply(&live(), &theirs, "two", 1), &mine, "one", 1);
        prop_assert_eq!(unordered(&forth), unordered(&back));
    }

    #[test]
    fn what_is_not_applied_any_more_goes_and_leaves_the_rest(mine in config("m"), theirs in config("t")) {
        let both = apply(&apply(&live(), &mine, "one", 1), &theirs, "two", 1);
        let nothing = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}});
        let left = unordered(&apply(&both, &nothing, "one", 2));
        let alone = unordered(&apply(&live(), &theirs, "two", 1));
        prop_assert_eq!(&left["metadata"]["labels"], &alone["metadata"]["labels"]);
        prop_assert_eq!(&left["metadata"]["annotations"], &alone["metadata"]["annotations"]);
        prop_assert_eq!(&left["spec"]["ports"], &alone["spec"]["ports"]);
    }

    #[test]
    fn sets_survive_their_text(config in config("m")) {
        let applied = apply(&live(), &config, "one", 1);
        let mut text = Vec::new();
        json::encode(&applied, &mut text);
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        for entry in value["metadata"]["managedFields"].as_array().into_iter().flatten() {
            let fields = entry["fieldsV1"].to_string();
            let set = Set::from_fields_v1(&Bytes::from(fields.clone())).unwrap();
            let again: serde_json::Value = serde_json::from_slice(&set.to_fields_v1()).unwrap();
            prop_assert_eq!(again.to_string(), fields);
        }
    }

    #[test]
    fn a_strategic_patch_of_what_is_there_changes_nothing(config in config("m")) {
        let (object, ty) = (plain(&config), pintle_api::type_by_kind("", "v1", "Service").unwrap());
        prop_assert_eq!(strategic_merge(object.clone(), object.clone(), &ty).unwrap(), object);
    }

    #[test]
    fn a_strategic_patch_merges_lists_by_their_keys(old in config("m"), new in config("t")) {
        let ty = pintle_api::type_by_kind("", "v1", "Service").unwrap();
        let merged = strategic_merge(plain(&old), plain(&new), &ty).unwrap();
        let ports = |map: &Map| -> Vec<Value> {
            let spec = map.get("spec").and_then(Value::as_map);
            let ports = spec.and_then(|spec| spec.get("ports")).and_then(Value::as_list);
            ports.unwrap_or_default().to_vec()
        };
        let (found, old, new) = (ports(&merged), ports(&plain(&old)), ports(&plain(&new)));
        prop_assert_eq!(found.len(), old.len() + new.len());
        prop_assert!(old.iter().chain(&new).all(|port| found.contains(port)));
    }

    #[test]
    fn without_lists_a_strategic_patch_is_a_merge_patch(old in config("m"), new in config("m")) {
        let bare = |value: &serde_json::Value| {
            let mut value = value.clone();
            if let Some(spec) = value["spec"].as_object_mut() {
                spec.remove("ports");
            }
            value
        };
        let (old, new) = (bare(&old), bare(&new));
        let ty = pintle_api::type_by_kind("", "v1", "Service").unwrap();
        let strategic = strategic_merge(plain(&old), plain(&new), &ty).unwrap();
        let merged = merge(&Bytes::from(old.to_string()), &Bytes::from(new.to_string())).unwrap();
        let merged: serde_json::Value = serde_json::from_slice(&merged).unwrap();
        prop_assert_eq!(strategic, plain(&merged));
    }
}

/// A kind in one version, some of whose fields a write resets.
#[derive(Debug)]
struct Resets(Set);

impl Versions for Resets {
    fn convert(&self, record: &Record, _: &str) -> Option<Record> {
        Some(record.clone())
    }

    fn reset_fields(&self, _: &str) -> &Set {
        &self.0
    }
}

/// What `made` says of its only manager's fields.
fn owned_by_its_maker(made: &Record) -> Option<String> {
    let mut text = Vec::new();
    json::encode(made, &mut text);
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let entries = value["metadata"]["managedFields"].as_array()?;
    assert_eq!(entries.len(), 1);
    Some(entries[0]["fieldsV1"].to_string())
}

#[test]
fn who_makes_an_object_owns_what_it_added_to_nothing() {
    let nobodys: Vec<[&str; 2]> =
        "name namespace creationTimestamp selfLink uid clusterName generation \
                                   managedFields resourceVersion"
            .split_whitespace()
            .map(|name| ["metadata", name])
            .collect();
    let mut nobodys: Vec<&[&'static str]> = nobodys.iter().map(|path| &path[..]).collect();
    nobodys.extend([&["apiVersion"][..], &["kind"], &["metadata"]]);
    let nobodys = Set::of_fields(&nobodys);
    let resets = [
        Resets(Set::new()),
        Resets(Set::of_fields(&[&["status"], &["metadata", "labels"]])),
    ];
    let mut compared = 0;
    for (index, ty) in pintle_api::types().enumerate() {
        for (round, versions) in (0..12).flat_map(|round| resets.iter().map(move |v| (round, v))) {
            let mut made = Maker::new(index as u64 * 12 + round).record(&Ref::Static(ty));
            let metadata = ty.field_index("metadata").and_then(|at| made.get_mut(at));
            let Some(Value::Record(metadata)) = metadata else {
                continue;
            };
            // That of lists has none, and that of templates is none of an object.
            let books = metadata.ty().field_index("managedFields");
            let Some(books) = books.filter(|_| ty.field("kind").is_some()) else {
                continue;
            };
            metadata.remove(books);
            let maker = Manager::default();
            let mut managers = Managers::new();
            let version = "v1".into();
            Updater::new(versions).update(None, &made, &version, &mut managers, &maker);
            let set = managers.remove(&maker).map(|owned| owned.set().clone());
            let set = set.unwrap_or_default().difference(&nobodys);
            let manager = FieldManager {
                versions,
                ..manager(1)
            };
            manager.update(None, &mut made, "maker");
            let expected = (!set.is_empty()).then(|| {
                let text: serde_json::Value = serde_json::from_slice(&set.to_fields_v1()).unwrap();
                text.to_string()
            });
            assert_eq!(owned_by_its_maker(&made), expected, "{made:?}");
            compared += 1;
        }
    }
    assert!(compared > 1_000, "{compared}");
}
