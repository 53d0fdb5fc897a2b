use serde_json::{Value, json};

use crate::validation::cases::Kind;

mod schema;

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
    definition().create(
        json!({"metadata": {"name": "things.example"}, "spec": {"group": "example"}}),
        &["spec.group: Invalid value: \"example\": should be a domain with at least one dot"],
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
    let mut again = second.clone();
    again["name"] = json!("v1");
    again["storage"] = json!(false);
    let twice = format!(
        "spec.versions: Invalid value: [{},{}]: must contain unique version names",
        shown("v1", true),
        shown("v1", false)
    );
    check(
        json!({"versions": [version(json!({"type": "object"})), again]}),
        &[&twice],
    );
    let none = format!(
        "spec.versions: Invalid value: [{}]: must have exactly one version marked as storage version",
        shown("v1", false)
    );
    definition().create(
        json!({"spec": {"versions": [again]}, "status": {"storedVersions": null}}),
        &[
            &none,
            "status.storedVersions: Invalid value: null: must have at least one stored version",
        ],
    );
    definition().create(json!({"status": {"storedVersions": null}}), &[]);
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
        &json!({"subresources": {"scale": {"specReplicasPath": "x", "statusReplicasPath": ".x", "labelSelectorPath": "x"}}}),
        &[
            "spec.subresources.scale.specReplicasPath: Invalid value: \"x\": must be a simple json path starting with .",
            "spec.subresources.scale.statusReplicasPath: Invalid value: \".x\": should be a json path under .status",
            "spec.subresources.scale.labelSelectorPath: Invalid value: \"x\": must be a simple json path starting with .",
        ],
    );
    let long = "x".repeat(257);
    let said = format!(
        "spec.versions[0].deprecationWarning: Invalid value: \"{long}\": must be <= 256 characters long"
    );
    check_version(
        &json!({"deprecated": true, "deprecationWarning": long}),
        &[&said],
    );
    check_version(
        &json!({"deprecated": true, "deprecationWarning": "old\u{a0}"}),
        &[
            "spec.versions[0].deprecationWarning: Invalid value: \"old\\u00a0\": must only contain printable UTF-8 characters; non-printable character found at index 3",
        ],
    );
    check_version(
        &json!({"deprecated": true, "deprecationWarning": ""}),
        &["spec.versions[0].deprecationWarning: Invalid value: \"\": must not be an empty string"],
    );
}

#[test]
fn lists_are_narrowed_by_fields_with_one_value() {
    let fields = |schema: &Value, paths: &[&str], said: &[&str]| {
        let paths: Vec<Value> = paths.iter().map(|path| json!({"jsonPath": path})).collect();
        let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}});
        let said: Vec<String> = said
            .iter()
            .map(|said| format!("spec.selectableFields{said}"))
            .collect();
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        check_version(&json!({"selectableFields": paths, "schema": schema}), &said);
    };
    let spec = json!({"type": "object", "properties": {
        "a": {"type": "string"}, "o": {"type": "object", "additionalProperties": {"type": "integer"}},
    }});
    fields(&spec, &[".spec.a", ".spec.o.any"], &[]);
    let invalid = |index: usize, path: &str, problem: &str| {
        format!("[{index}].jsonPath: Invalid value: \"{path}\": is an invalid path: {problem}")
    };
    let nowhere = "does not refer to a valid field";
    let paths = [".spec.x", "spec", ".spec['a']", ".spec.", ".spec.a.b", ""];
    let said = [
        invalid(0, paths[0], nowhere),
        invalid(1, paths[1], "expected [ or . but got: spec"),
        invalid(2, paths[2], "array notation is not allowed"),
        invalid(3, paths[3], "unexpected end of JSON path"),
        invalid(4, paths[4], nowhere),
        "[5].jsonPath: Required value".to_owned(),
    ];
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    fields(&spec, &paths, &said);
    fields(
        &spec,
        &[".spec.a", ".spec.a", ".spec"],
        &[
            "[1].jsonPath: Duplicate value: \".spec.a\"",
            "[2].jsonPath: Invalid value: \".spec\": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
        ],
    );
    let named = json!({"type": "object", "properties": {
        "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
    }});
    check_version(
        &json!({"schema": {"openAPIV3Schema": named}, "selectableFields": [{"jsonPath": ".metadata.name"}]}),
        &[
            "spec.selectableFields[0].jsonPath: Invalid value: \".metadata.name\": must not point to fields in metadata",
        ],
    );
    let mut first = version(json!({"type": "object", "properties": {"a": {"type": "string"}}}));
    first["selectableFields"] = json!([{"jsonPath": ".a"}]);
    let mut second = first.clone();
    second["name"] = json!("v2");
    second["storage"] = json!(false);
    let mut plain = second.clone();
    plain["selectableFields"] = Value::Null;
    check(
        json!({"versions": [first, plain]}),
        &[
            "spec.versions[0].selectableFields: Invalid value: \"\": may only be set when `version.schema.openAPIV3Schema` is not included",
        ],
    );
    second["schema"]["openAPIV3Schema"]["description"] = json!("x");
    check(
        json!({"versions": [first, second]}),
        &[
            "spec.selectableFields: Invalid value: \"\": may only be set when validations.schema is included",
        ],
    );
    let names: Vec<String> = (0..9).map(|at| format!("f{at}")).collect();
    let many: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| (name.clone(), json!({"type": "string"})))
        .collect();
    let paths: Vec<String> = names.iter().map(|name| format!(".spec.{name}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    fields(
        &json!({"type": "object", "properties": many}),
        &paths,
        &[": Too many: 9: must have at most 8 items"],
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
    let webhook =
        json!({"clientConfig": {"url": "https://example.com"}, "conversionReviewVersions": ["v1"]});
    check(
        json!({"conversion": {"strategy": "None", "webhook": webhook}}),
        &[
            "spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
            "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
        ],
    );
    check(
        json!({"preserveUnknownFields": true, "conversion": {"strategy": "Webhook", "webhook": webhook}}),
        &[
            "spec.conversion.strategy: Invalid value: \"Webhook\": must be None if spec.preserveUnknownFields is true",
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ],
    );
    let mut defaulted = version(json!({"type": "object"}));
    defaulted["schema"]["openAPIV3Schema"]["properties"] =
        json!({"a": {"type": "string", "default": "x"}});
    check(
        json!({"preserveUnknownFields": true, "versions": [defaulted]}),
        &[
            "spec.preserveUnknownFields: Invalid value: true: must be false in order to use defaults in the schema",
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
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
