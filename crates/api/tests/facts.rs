//! The tables are what the facts say, and hang together.

use std::collections::{HashMap, HashSet};

use pintle_api::{groups, type_by_kind, type_by_name, types};
use pintle_runtime::resource::{Resource, Subresource};
use pintle_runtime::schema::{FieldType, ProtoField, Shape, Type, TypeRef};

fn resources() -> impl Iterator<Item = &'static Resource> {
    groups()
        .iter()
        .flat_map(|group| group.versions.iter())
        .flat_map(|version| version.resources.iter())
}

fn subresources() -> impl Iterator<Item = &'static Subresource> {
    resources().flat_map(|resource| resource.subresources.iter())
}

/// The type that a field leads to, through lists and maps.
fn target(ty: &FieldType) -> Option<&TypeRef> {
    match ty {
        FieldType::Object(ty) => Some(ty),
        FieldType::List(element) | FieldType::Map(element) => target(element),
        _ => None,
    }
}

#[test]
fn nothing_is_missing() {
    assert_eq!(types().count(), 993);
    assert_eq!(types().filter(|ty| ty.published).count(), 771);
    assert_eq!(types().filter(|ty| ty.shape == Shape::Struct).count(), 969);
    assert_eq!(types().filter(|ty| ty.message.is_empty()).count(), 5);
    assert_eq!(groups().len(), 23);
    assert_eq!(
        groups()
            .iter()
            .map(|group| group.versions.len())
            .sum::<usize>(),
        36
    );
    assert_eq!(resources().count(), 95);
    assert_eq!(resources().filter(|resource| resource.default).count(), 68);
    assert_eq!(
        resources()
            .filter(|resource| resource.storage.is_some())
            .count(),
        87
    );
    assert_eq!(subresources().count(), 55);
    assert_eq!(pintle_api::feature_gates().len(), 230);
}

#[test]
fn types_are_found_by_name_and_kind() {
    for ty in types() {
        let found = type_by_name(&ty.name).unwrap_or_else(|| panic!("{} is not found", ty.name));
        assert!(std::ptr::eq::<Type>(&*found, ty), "{}", ty.name);
        for kind in ty.kinds.iter() {
            let found = type_by_kind(&kind.group, &kind.version, &kind.kind);
            assert_eq!(
                found.map(|found| found.name.clone()),
                Some(ty.name.clone()),
                "{kind:?}"
            );
        }
    }
    assert!(type_by_name("io.k8s.api.core.v1.Nothing").is_none());
    assert!(type_by_kind("", "v1", "Nothing").is_none());
}

#[test]
fn options_are_kinds_of_every_group_version() {
    let found = type_by_kind("example.com", "v7", "DeleteOptions").unwrap();
    assert_eq!(
        found.name,
        "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
    );
}

#[test]
fn every_reference_leads_to_a_type_of_the_tables() {
    for ty in types() {
        for field in ty.fields.iter() {
            let Some(target) = target(&field.ty) else {
                continue;
            };
            let found = type_by_name(&target.name);
            assert_eq!(found.as_ref(), Some(target), "{} {}", ty.name, field.name);
        }
    }
}

#[test]
fn every_field_is_found_by_its_name() {
    for ty in types() {
        for (index, field) in ty.fields.iter().enumerate() {
            assert_eq!(
                ty.field_index(&field.name),
                Some(index),
                "{} {}",
                ty.name,
                field.name
            );
        }
    }
}

#[test]
fn protobuf_numbers_ascend_and_every_field_travels_once() {
    for ty in types().filter(|ty| ty.shape == Shape::Struct && !ty.message.is_empty()) {
        let mut seen = HashSet::new();
        visit(&ty.name, &ty.protobuf, &mut seen);
        let in_envelope = |name: &str| ["kind", "apiVersion"].contains(&name);
        for (index, field) in ty.fields.iter().enumerate() {
            let travels = seen.contains(&index) || in_envelope(&field.name);
            assert!(travels, "{} {} has no number", ty.name, field.name);
        }
    }
}

fn visit(name: &str, fields: &[ProtoField], seen: &mut HashSet<usize>) {
    assert!(
        fields.is_sorted_by(|a, b| a.number() < b.number()),
        "{name}"
    );
    for field in fields {
        match field {
            ProtoField::Field { field, .. } => {
                assert!(
                    seen.insert(usize::from(*field)),
                    "{name} sends field {field} twice"
                );
            }
            ProtoField::Inline { fields, .. } => visit(name, fields, seen),
        }
    }
}

#[test]
fn kinds_have_kind_version_and_metadata_at_their_places() {
    use pintle_runtime::meta::{API_VERSION, ITEMS, KIND, METADATA};
    for resource in resources() {
        let fields = &resource.object.fields;
        assert_eq!(fields[KIND].name, "kind", "{}", resource.name);
        assert_eq!(fields[API_VERSION].name, "apiVersion", "{}", resource.name);
        assert_eq!(fields[METADATA].name, "metadata", "{}", resource.name);
        if let Some(list) = &resource.list {
            assert_eq!(list.fields[METADATA].name, "metadata", "{}", resource.name);
            assert_eq!(list.fields[ITEMS].name, "items", "{}", resource.name);
        }
    }
}

#[test]
fn rows_name_the_types_of_their_kinds() {
    for resource in resources() {
        let named = type_by_kind(&resource.group, &resource.version, &resource.kind);
        assert_eq!(
            named.as_ref(),
            Some(&resource.object),
            "{}",
            resource.group_resource()
        );
        let Some(list) = &resource.list else { continue };
        let kind = format!("{}List", resource.kind);
        let named = type_by_kind(&resource.group, &resource.version, &kind);
        assert_eq!(named.as_ref(), Some(list), "{}", resource.group_resource());
    }
    for subresource in subresources() {
        let Some(input) = &subresource.input else {
            continue;
        };
        let named = type_by_kind(&subresource.group, &subresource.version, &subresource.kind);
        assert_eq!(named.as_ref(), Some(input), "{}", subresource.name);
    }
}

#[test]
fn stored_types_are_of_the_stored_version() {
    for resource in resources() {
        let Some(storage) = &resource.storage else {
            continue;
        };
        let named = type_by_kind(&storage.group, &storage.version, &resource.kind);
        assert_eq!(
            named.as_ref(),
            Some(&storage.object),
            "{}",
            resource.group_resource()
        );
    }
}

#[test]
fn the_storage_hash_is_that_of_one_stored_kind() {
    let mut hashes = HashMap::new();
    for resource in resources() {
        let Some(storage) = &resource.storage else {
            continue;
        };
        // Eight bytes in base64.
        assert_eq!(storage.hash.len(), 12, "{}", resource.group_resource());
        let stored = (&storage.group, &storage.version, &resource.kind);
        let known = *hashes.entry(&storage.hash).or_insert(stored);
        assert_eq!(known, stored, "{}", storage.hash);
    }
    let distinct: HashSet<_> = hashes.values().collect();
    assert_eq!(distinct.len(), hashes.len());
}

#[test]
fn every_stored_kind_served_by_default_has_columns() {
    for resource in resources().filter(|resource| resource.default && resource.storage.is_some()) {
        let columns = pintle_api::columns(&resource.kind, &resource.group);
        assert!(
            columns.is_some_and(|columns| columns.iter().any(|column| column.format == "name")),
            "{}",
            resource.kind
        );
    }
    assert!(pintle_api::columns("Nothing", "").is_none());
}

#[test]
fn deprecated_kinds_say_so() {
    let endpoints = pintle_api::lifecycle("", "v1", "Endpoints").unwrap();
    assert_eq!((endpoints.deprecated, endpoints.removed), ("1.33", ""));
    let policy = pintle_api::lifecycle(
        "admissionregistration.k8s.io",
        "v1beta1",
        "MutatingAdmissionPolicy",
    )
    .unwrap();
    assert_eq!(
        (policy.introduced, policy.deprecated, policy.removed),
        ("1.34", "1.37", "1.40")
    );
    assert_eq!(
        policy.replacement.map(|replacement| replacement.version),
        Some("v1")
    );
}
