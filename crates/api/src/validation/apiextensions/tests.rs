use serde_json::{Value, json};

use crate::validation::cases::Kind;

const LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

fn version(schema: Value) -> Value {
    json!({
        "name": "v1",
        "served": true,
        "storage": true,
        "schema": {"openAPIV3Schema": schema},
    })
}

fn definition() -> Kind {
    Kind {
        group: "apiextensions.k8s.io",
        kind: "CustomResourceDefinition",
        good: json!({
            "metadata": {"name": "things.a.example.com"},
            "spec": {
                "group": "a.example.com",
                "scope": "Namespaced",
                "names": {"plural": "things", "kind": "Thing"},
                "versions": [version(json!({"type": "object"}))],
            },
            "status": {"storedVersions": ["v1"]},
        }),
    }
}

#[track_caller]
fn check(spec: Value, said: &[&str]) {
    definition().create(json!({ "spec": spec }), said);
}

/// The one version with something more or other.
#[track_caller]
fn check_version(change: &Value, said: &[&str]) {
    let mut changed = version(json!({"type": "object"}));
    for (key, value) in change.as_object().into_iter().flatten() {
        changed[key] = value.clone();
    }
    check(json!({"versions": [changed]}), said);
}

/// A property `a` of the schema.
#[track_caller]
fn check_property(property: &Value, said: &[&str]) {
    let schema = json!({"type": "object", "properties": {"a": property}});
    let said: Vec<String> = said
        .iter()
        .map(|said| format!("spec.validation.openAPIV3Schema.properties[a]{said}"))
        .collect();
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    check(json!({"versions": [version(schema)]}), &said);
}

#[test]
fn a_definition_is_called_after_what_it_defines() {
    check(json!({}), &[]);
    definition().create(
        json!({"metadata": {"name": "other"}}),
        &["metadata.name: Invalid value: \"other\": must be spec.names.plural+\".\"+spec.group"],
    );
    check(
        json!({"scope": "Global"}),
        &[
            "spec.scope: Unsupported value: \"Global\": supported values: \"Cluster\", \"Namespaced\"",
        ],
    );
    let kind = format!(
        "spec.names.kind: Invalid value: \"A.B\": may have mixed case, but should otherwise match: {LABEL}"
    );
    let short = format!("spec.names.shortNames[0]: Invalid value: \"A\": {LABEL}");
    check(
        json!({"names": {"kind": "A.B", "listKind": "L", "singular": "s", "shortNames": ["A"]}}),
        &[&kind, &short],
    );
    check(
        json!({"names": {"kind": "A", "listKind": "A"}}),
        &["spec.names.listKind: Invalid value: \"A\": kind and listKind may not be the same"],
    );
}

#[test]
fn one_version_is_stored() {
    let mut second = version(json!({"type": "object"}));
    second["name"] = json!("v2");
    let shown = |name: &str, storage: bool| {
        format!(
            "{{\"Name\":\"{name}\",\"Served\":true,\"Storage\":{storage},\"Deprecated\":false,\"DeprecationWarning\":null,\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}}"
        )
    };
    let said = format!(
        "spec.versions: Invalid value: [{},{}]: must have exactly one version marked as storage version",
        shown("v1", true),
        shown("v2", true)
    );
    check(
        json!({"versions": [version(json!({"type": "object"})), second]}),
        &[
            &said,
            "status.storedVersions: Invalid value: [\"v1\"]: must have the storage version v2",
        ],
    );
    definition().create(
        json!({"status": {"storedVersions": ["v0", "v1"]}}),
        &[
            "status.storedVersions[0]: Invalid value: \"v0\": missing from spec.versions; v0 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v0 and removes v0 from status.storedVersions",
        ],
    );
}

#[test]
fn a_version_has_a_schema_columns_and_subresources() {
    check_version(
        &json!({"schema": null}),
        &["spec.versions[0].schema.openAPIV3Schema: Required value"],
    );
    check_version(
        &json!({"deprecationWarning": "old"}),
        &[
            "spec.versions[0].deprecationWarning: Invalid value: \"old\": can only be set for deprecated versions",
        ],
    );
    check_version(
        &json!({"additionalPrinterColumns": [{"name": "", "type": "thing", "jsonPath": "x", "format": "odd"}]}),
        &[
            "spec.additionalPrinterColumns[0].name: Required value",
            "spec.additionalPrinterColumns[0].type: Invalid value: \"thing\": must be one of boolean,date,integer,number,string",
            "spec.additionalPrinterColumns[0].format: Invalid value: \"odd\": must be one of byte,date,date-time,double,float,int32,int64,password",
            "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"x\": must be a simple json path starting with .",
        ],
    );
    check_version(
        &json!({"subresources": {"scale": {"specReplicasPath": ".x", "statusReplicasPath": "", "labelSelectorPath": ".x"}}}),
        &[
            "spec.subresources.scale.specReplicasPath: Invalid value: \".x\": should be a json path under .spec",
            "spec.subresources.scale.statusReplicasPath: Required value",
            "spec.subresources.scale.labelSelectorPath: Invalid value: \".x\": should be a json path under either .spec or .status",
        ],
    );
    check_version(
        &json!({"selectableFields": [{"jsonPath": ".spec.x"}]}),
        &[
            "spec.selectableFields[0].jsonPath: Invalid value: \".spec.x\": is an invalid path: does not refer to a valid field",
        ],
    );
}

#[test]
fn a_schema_is_structural() {
    let root = |schema: Value, said: &str| {
        let said = format!("spec.validation.openAPIV3Schema{said}");
        check(json!({"versions": [version(schema)]}), &[&said]);
    };
    root(
        json!({}),
        ".type: Required value: must not be empty at the root",
    );
    root(
        json!({"type": "string"}),
        ".type: Invalid value: \"string\": must be object at the root",
    );
    root(
        json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}),
        ".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
    );
    root(
        json!({"type": "object", "not": {"properties": {"b": {}}}}),
        ".properties[b]: Required value: because it is defined in spec.validation.openAPIV3Schema.not.properties[b]",
    );
    check_property(
        &json!({"type": "array"}),
        &[".items: Required value: must be specified"],
    );
    check_property(
        &json!({}),
        &[".type: Required value: must not be empty for specified object fields"],
    );
    check_property(
        &json!({"type": "object", "anyOf": [{"type": "string", "properties": {"b": {}}}]}),
        &[".anyOf[0].type: Forbidden: must be empty to be structural"],
    );
    check_property(
        &json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}),
        &[],
    );
    check_property(
        &json!({"type": "integer", "default": "x"}),
        &[".default: Invalid value: \"string\":  in body must be of type integer: \"string\""],
    );
}

#[test]
fn a_schema_lacks_what_cannot_be_checked() {
    check_property(
        &json!({"type": "strange"}),
        &[
            ".type: Unsupported value: \"strange\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"",
        ],
    );
    check_property(
        &json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true}),
        &[
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ],
    );
    check_property(
        &json!({"type": "object", "$ref": "#/x", "definitions": {"d": {"type": "object"}}}),
        &[
            ".definitions: Forbidden: definitions is not supported",
            ".$ref: Forbidden: $ref is not supported",
        ],
    );
    check_property(
        &json!({"type": "object", "additionalProperties": {"type": "string"}, "properties": {"b": {"type": "string"}}}),
        &[
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ],
    );
    check_property(
        &json!({"type": "string", "x-kubernetes-validations": [{"rule": " "}, {"rule": "true", "message": " ", "reason": "Odd"}]}),
        &[
            ".x-kubernetes-validations[0].rule: Required value: rule is not specified",
            ".x-kubernetes-validations[1].message: Invalid value: \" \": must be non-empty if specified",
            ".x-kubernetes-validations[1].reason: Unsupported value: \"Odd\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
        ],
    );
}

#[test]
fn a_map_list_has_keys() {
    let list = |change: &Value, said: &[&str]| {
        let mut list = json!({
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}},
        });
        for (key, value) in change.as_object().into_iter().flatten() {
            list[key] = value.clone();
        }
        check_property(&list, said);
    };
    list(&Value::Null, &[]);
    list(
        &json!({"x-kubernetes-list-map-keys": []}),
        &[
            ".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
        ],
    );
    list(
        &json!({"x-kubernetes-list-map-keys": ["k", "z"]}),
        &[
            ".x-kubernetes-list-map-keys: Invalid value: [\"k\",\"z\"]: entries must all be names of item properties",
        ],
    );
    list(
        &json!({"items": {"type": "object", "properties": {"k": {"type": "string"}}}}),
        &[
            ".items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ],
    );
    list(
        &json!({"x-kubernetes-list-type": "set"}),
        &[
            ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
            ".x-kubernetes-list-type: Invalid value: \"set\": must be map if x-kubernetes-list-map-keys is non-empty",
        ],
    );
}

#[test]
fn a_conversion_has_a_webhook_if_it_needs_one() {
    check(
        json!({"conversion": {"strategy": "Magic"}}),
        &[
            "spec.conversion.strategy: Unsupported value: \"Magic\": supported values: \"None\", \"Webhook\"",
        ],
    );
    check(
        json!({"conversion": {"strategy": "Webhook"}}),
        &[
            "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
            "spec.conversion.conversionReviewVersions: Required value",
        ],
    );
    check(
        json!({"preserveUnknownFields": true}),
        &[
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ],
    );
}

#[test]
fn kubernetes_groups_need_its_consent() {
    let protected = |annotations: Value| {
        json!({
            "metadata": {"name": "things.x.k8s.io", "annotations": annotations},
            "spec": {"group": "x.k8s.io"},
        })
    };
    let at = "metadata.annotations[api-approved.kubernetes.io]";
    let must = "protected groups must have approval annotation \"api-approved.kubernetes.io\"";
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    let missing = format!("{at}: Required value: {must}, {see}");
    definition().create(protected(Value::Null), &[&missing]);
    let odd = format!(
        "{at}: Invalid value: \"yes\": {must} with either a URL or a reason starting with \"unapproved\", {see}"
    );
    definition().create(
        protected(json!({"api-approved.kubernetes.io": "yes"})),
        &[&odd],
    );
    for fine in [
        "https://github.com/kubernetes/enhancements/1",
        "unapproved, for a test",
    ] {
        definition().create(protected(json!({"api-approved.kubernetes.io": fine})), &[]);
    }
}

#[test]
fn what_is_established_keeps_its_scope() {
    let established =
        json!({"status": {"conditions": [{"type": "Established", "status": "True"}]}});
    definition().update_from(
        established,
        json!({"spec": {"scope": "Cluster", "names": {"kind": "Other"}}}),
        &[
            "spec.scope: Invalid value: \"Cluster\": field is immutable",
            "spec.names.kind: Invalid value: \"Other\": field is immutable",
        ],
    );
    definition().update(json!({"spec": {"scope": "Cluster"}}), &[]);
}
