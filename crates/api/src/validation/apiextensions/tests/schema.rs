//! What is said of schemas.

use serde_json::{Value, json};

use super::{check, check_property, check_version, definition, version};

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
    root(
        json!({"type": "object", "properties": {"a": {"type": "string", "$schema": "x"}}}),
        ": Invalid value: \"\": OpenAPIV3Schema 'schema' is not supported",
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
    check_property(
        &json!({"type": "object", "properties": {"b": {"type": "string"}}, "default": {"b": "x", "c": [1]}}),
        &[".default: Invalid value: {\"b\":\"x\",\"c\":[1]}: must not have unknown fields"],
    );
    for open in [
        json!({"x-kubernetes-preserve-unknown-fields": true}),
        json!({"additionalProperties": true}),
    ] {
        let mut property = json!({"type": "object", "default": {"c": 1}});
        for (key, value) in open.as_object().into_iter().flatten() {
            property[key] = value.clone();
        }
        check_property(&property, &[]);
    }
    check_property(
        &json!({"type": "object", "not": {"additionalProperties": true}}),
        &[".not.additionalProperties: Forbidden: must be undefined to be structural"],
    );
    check_property(
        &json!({"type": "object", "not": {"additionalProperties": false}}),
        &[],
    );
}

#[test]
fn a_rule_points_to_a_field() {
    let rule = |path: &str, said: &[&str]| {
        check_property(
            &json!({
                "type": "object",
                "properties": {"b": {"type": "string"}, "x-y": {"type": "string"}},
                "x-kubernetes-validations": [{"rule": "true", "fieldPath": path}],
            }),
            said,
        );
    };
    for good in [".b", "['x-y']", "['b']"] {
        rule(good, &[]);
    }
    for bad in [".c", "b", "[b]", "['b'", "['b'.", "['\\q']", "[''b"] {
        let shown = bad.replace('\\', "\\\\");
        let said = format!(
            ".x-kubernetes-validations[0].fieldPath: Invalid value: \"{shown}\": must be a valid path"
        );
        rule(bad, &[&said]);
    }
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
        &json!({"items": null}),
        &[
            ".items: Required value: must be specified",
            ".items: Required value: must have a schema if x-kubernetes-list-type is map",
        ],
    );
    let shown = internal(
        "object",
        &format!(
            "{{\"Allows\":true,\"Schema\":{}}}",
            internal("string", "null")
        ),
    );
    let single = format!(
        ".items: Invalid value: {{\"Schema\":null,\"JSONSchemas\":[{shown}]}}: must only have a single schema if x-kubernetes-list-type is map"
    );
    list(
        &json!({"items": [{"type": "object", "additionalProperties": {"type": "string"}}]}),
        &[
            ".items: Forbidden: items must be a schema object and not an array",
            &single,
        ],
    );
    list(
        &json!({"items": {"type": "string"}}),
        &[
            ".items.type: Invalid value: \"string\": must be object if parent array's x-kubernetes-list-type is map",
        ],
    );
    list(
        &json!({"items": {"type": "object", "nullable": true, "required": ["k"], "properties": {"k": {"type": "object", "nullable": true}}}}),
        &[
            ".items.properties[k].type: Invalid value: \"object\": must be a scalar type if parent array's x-kubernetes-list-type is map",
            ".items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is map",
            ".items.properties[k].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable",
        ],
    );
    list(
        &json!({"x-kubernetes-list-map-keys": ["k", "k"]}),
        &[
            ".x-kubernetes-list-map-keys: Invalid value: [\"k\",\"k\"]: must not contain duplicate entries",
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
fn what_was_wrong_before_may_stay() {
    let with = |property: Value| {
        let schema = json!({"type": "object", "properties": {"a": property}});
        json!({"spec": {"versions": [version(schema)]}})
    };
    for property in [
        json!({"type": "strange"}),
        json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}),
        json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string", "nullable": true}}),
        json!({"type": "object", "default": {"a": 1}}),
    ] {
        let wrong = with(property);
        definition().update_from(wrong.clone(), wrong, &[]);
    }
    let legacy = json!({"spec": {"preserveUnknownFields": true, "versions": [version(json!({}))]}});
    definition().update_from(legacy.clone(), legacy, &[]);
    let mut bare = version(json!({}));
    bare["schema"] = Value::Null;
    let bare = json!({"spec": {"versions": [bare]}});
    definition().update_from(
        bare.clone(),
        bare,
        &["spec.versions[0].schema.openAPIV3Schema: Required value: because otherwise all fields are pruned"],
    );
}

/// What is said of properties, each on its own.
#[track_caller]
fn check_each(cases: &[(Value, &[&str])]) {
    for (property, said) in cases {
        check_property(property, said);
    }
}

#[test]
fn the_root_of_a_schema_says_little() {
    let root = |schema: Value, said: &[&str]| {
        let said: Vec<String> = said
            .iter()
            .map(|said| format!("spec.validation.openAPIV3Schema{said}"))
            .collect();
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        check(json!({"versions": [version(schema)]}), &said);
    };
    root(
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
        &[".additionalProperties: Forbidden: must not be used at the root"],
    );
    root(
        json!({"type": "object", "nullable": true}),
        &[".nullable: Forbidden: nullable cannot be true at the root"],
    );
    root(
        json!({"type": "object", "properties": {"kind": {"type": "string", "default": "x"}}}),
        &[".properties[kind].default: Forbidden: must not be set in top-level kind"],
    );
    let with_status = |schema: Value| json!({"schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}});
    check_version(
        &with_status(json!({"type": "string"})),
        &[
            "spec.validation.openAPIV3Schema.type: Invalid value: \"string\": only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled",
            "spec.validation.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root",
        ],
    );
    let shown = internal("object", "null");
    let said = format!(
        "spec.validation.openAPIV3Schema: Invalid value: {}: only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled",
        shown.replace("\"MaxProperties\":null", "\"MaxProperties\":1")
    );
    check_version(
        &with_status(json!({"type": "object", "maxProperties": 1})),
        &[&said],
    );
}

/// A schema as upstream's messages show it.
fn internal(ty: &str, additional: &str) -> String {
    format!(
        "{{\"ID\":\"\",\"Schema\":\"\",\"Ref\":null,\"Description\":\"\",\"Type\":\"{ty}\",\"Nullable\":false,\"Format\":\"\",\"Title\":\"\",\"Default\":null,\"Maximum\":null,\"ExclusiveMaximum\":false,\"Minimum\":null,\"ExclusiveMinimum\":false,\"MaxLength\":null,\"MinLength\":null,\"Pattern\":\"\",\"MaxItems\":null,\"MinItems\":null,\"UniqueItems\":false,\"MultipleOf\":null,\"Enum\":null,\"MaxProperties\":null,\"MinProperties\":null,\"Required\":null,\"Items\":null,\"AllOf\":null,\"OneOf\":null,\"AnyOf\":null,\"Not\":null,\"Properties\":null,\"AdditionalProperties\":{additional},\"PatternProperties\":null,\"Dependencies\":null,\"AdditionalItems\":null,\"Definitions\":null,\"ExternalDocs\":null,\"Example\":null,\"XPreserveUnknownFields\":null,\"XEmbeddedResource\":false,\"XIntOrString\":false,\"XListMapKeys\":null,\"XListType\":null,\"XMapType\":null,\"XValidations\":null}}"
    )
}

#[test]
fn a_structural_schema_keeps_to_its_form() {
    let open = "x-kubernetes-preserve-unknown-fields";
    let embedded = "x-kubernetes-embedded-resource";
    let number = "x-kubernetes-int-or-string";
    check_each(&[
        (
            json!({"type": "object", embedded: true, open: true, "additionalProperties": {"type": "string"}}),
            &[
                ".additionalProperties: Forbidden: must not be used if x-kubernetes-embedded-resource is set",
            ],
        ),
        (
            json!({"type": "object", embedded: true}),
            &[
                ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
            ],
        ),
        (
            json!({number: true, open: true}),
            &[
                ".x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true",
            ],
        ),
        (
            json!({"type": "string", embedded: true, open: true}),
            &[
                ".type: Invalid value: \"string\": must be object if x-kubernetes-embedded-resource is true",
            ],
        ),
        (
            json!({number: true, embedded: true}),
            &[
                ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
                ".type: Required value: must be object if x-kubernetes-embedded-resource is true",
                ".x-kubernetes-embedded-resource: Invalid value: true: must be false if x-kubernetes-int-or-string is true",
            ],
        ),
        (
            json!({"type": "string", "pattern": "(?=a)", "not": {"pattern": "a)"}}),
            &[
                ".not.pattern: Invalid value: \"a)\": must be a valid regular expression, but isn't: error parsing regexp: unexpected ): `a)`",
                ".pattern: Invalid value: \"(?=a)\": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
            ],
        ),
        (
            json!({"type": "array", "items": {}}),
            &[".items.type: Required value: must not be empty for specified array items"],
        ),
        (
            json!({"type": "object", embedded: true, "properties": {"kind": {"type": "integer"}, "metadata": {"type": "string"}}}),
            &[
                ".properties[kind].type: Invalid value: \"integer\": must be string",
                ".properties[metadata].type: Invalid value: \"string\": must be object",
            ],
        ),
        (
            json!({"type": "object", "anyOf": [{"nullable": true, number: true}]}),
            &[
                ".anyOf[0].nullable: Forbidden: must be false to be structural",
                ".anyOf[0].x-kubernetes-int-or-string: Forbidden: must be false to be structural",
            ],
        ),
        (
            json!({"type": "object", "properties": {"metadata": {"type": "object"}}, "not": {"properties": {"metadata": {}}}}),
            &[".not.properties[metadata]: Forbidden: must not be specified in a nested context"],
        ),
        (
            json!({"type": "object", embedded: true, "properties": {"metadata": {"type": "object", "additionalProperties": {"type": "string", "default": "x"}}}}),
            &[
                ".properties[metadata].additionalProperties.default: Forbidden: must not be set inside additionalProperties applying to object metadata",
            ],
        ),
        (
            json!({"type": "object", embedded: true, "properties": {"metadata": {"type": "object", embedded: true, open: true}}}),
            &[
                ".properties[metadata].x-kubernetes-embedded-resource: Forbidden: must not be used inside of resource meta",
            ],
        ),
    ]);
}

#[test]
fn a_document_lacks_what_structural_schemas_lack() {
    let unsupported = |name: &str| format!(".{name}: Forbidden: {name} is not supported");
    for (name, value) in [
        ("id", json!("x")),
        ("additionalItems", json!(true)),
        ("patternProperties", json!({"x": {"type": "string"}})),
        ("dependencies", json!({"x": ["y"]})),
    ] {
        check_property(
            &json!({"type": "object", name: value}),
            &[&unsupported(name)],
        );
    }
    check_each(&[
        (
            json!({"type": "null"}),
            &[
                ".type: Unsupported value: \"null\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"",
                ".type: Forbidden: type cannot be set to null, use nullable as an alternative",
            ],
        ),
        (
            json!({"type": "array", "items": [{"type": "string"}]}),
            &[".items: Forbidden: items must be a schema object and not an array"],
        ),
        (
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": false}),
            &[
                ".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
            ],
        ),
        (
            json!({"type": "string", "x-kubernetes-map-type": "odd"}),
            &[
                ".type: Invalid value: \"string\": must be object if x-kubernetes-map-type is specified",
                ".x-kubernetes-map-type: Unsupported value: \"odd\": supported values: \"atomic\", \"granular\"",
            ],
        ),
        (
            json!({"type": "string", "x-kubernetes-list-type": "odd"}),
            &[
                ".type: Invalid value: \"string\": must be array if x-kubernetes-list-type is specified",
                ".x-kubernetes-list-type: Unsupported value: \"odd\": supported values: \"atomic\", \"set\", \"map\"",
            ],
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-map-keys": ["k"]}),
            &[
                ".x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty",
            ],
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}}),
            &[
                ".items.x-kubernetes-list-type: Invalid value: \"set\": must be atomic as item of a list with x-kubernetes-list-type=set",
            ],
        ),
    ]);
}

#[test]
fn a_rule_says_what_is_wrong_in_one_line() {
    let at = ".x-kubernetes-validations[0]";
    let rule = |rule: Value, said: &[&str]| {
        let said: Vec<String> = said.iter().map(|said| format!("{at}{said}")).collect();
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        check_property(
            &json!({"type": "string", "x-kubernetes-validations": [rule]}),
            &said,
        );
    };
    rule(
        json!({"rule": "true", "message": "a\nb", "messageExpression": " "}),
        &[
            ".message: Invalid value: \"a\\nb\": must not contain line breaks",
            ".messageExpression: Required value: messageExpression must be non-empty if specified",
        ],
    );
    rule(
        json!({"rule": "true\n|| true"}),
        &[".message: Required value: message must be specified if rule contains line breaks"],
    );
    rule(
        json!({"rule": "true", "fieldPath": "\n"}),
        &[
            ".fieldPath: Invalid value: \"\\n\": must be non-empty if specified",
            ".fieldPath: Invalid value: \"\\n\": must not contain line breaks",
            ".fieldPath: Invalid value: \"\\n\": must be a valid path",
        ],
    );
}

#[test]
fn a_default_is_what_its_schema_says() {
    let check = |schema: Value, default: Value, said: &[&str]| {
        let mut schema = schema;
        schema["default"] = default;
        let said: Vec<String> = said.iter().map(|it| format!(".default{it}")).collect();
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        check_property(&schema, &said);
    };
    let integer = json!({"type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2});
    check(integer.clone(), json!(4), &[]);
    check(integer.clone(), json!(4.0), &[]);
    check(
        integer.clone(),
        json!(11),
        &[
            ": Invalid value: 11:  in body should be a multiple of 2",
            ": Invalid value: 11:  in body should be less than or equal to 9",
        ],
    );
    check(
        integer,
        json!(0.5),
        &[
            ": Invalid value: \"number\":  in body must be of type integer: \"number\"",
            ": Invalid value: \"\": Checked value must be of type integer (default format) in ",
            ": Invalid value: 0.5:  in body should be a multiple of 2",
            ": Invalid value: 0.5:  in body should be greater than or equal to 1",
        ],
    );
    let small = json!({"type": "integer", "format": "int32"});
    check(
        small.clone(),
        json!(2_147_483_648_i64),
        &[": Invalid value: \"\": Checked value must be of type integer with format int32 in "],
    );
    check(
        small.clone(),
        json!(true),
        &[": Invalid value: \"\":  in body must be of type int32: \"\""],
    );
    check(
        small,
        json!("a"),
        &[": Invalid value: \"string\":  in body must be of type integer: \"string\""],
    );
    check(
        json!({"type": "number", "exclusiveMaximum": true, "maximum": 1.5}),
        json!(1.5),
        &[": Invalid value: 1.5:  in body should be less than 1.5"],
    );
    check(
        json!({"type": "string", "enum": ["a", "b"]}),
        json!("c"),
        &[": Unsupported value: \"c\": supported values: \"a\", \"b\""],
    );
    check(
        json!({"type": "string", "maxLength": 2}),
        json!("abc"),
        &[": Too long: may not be more than 2 bytes"],
    );
    check(
        json!({"type": "string", "minLength": 2}),
        json!("a"),
        &[": Invalid value: \"a\":  in body should be at least 2 chars long"],
    );
    check(
        json!({"type": "string", "format": "date-time"}),
        json!("today"),
        &[": Invalid value: \"today\":  in body must be of type date-time: \"today\""],
    );
    check(
        json!({"type": "array", "maxItems": 1, "items": {"type": "integer"}}),
        json!([1, "a"]),
        &[
            ".[1]: Invalid value: \"string\": [1] in body must be of type integer: \"string\"",
            ": Too many: 2: must have at most 1 item",
        ],
    );
    check(
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "object", "properties": {"c": {"type": "boolean"}}}}}),
        json!({"b": {"c": 1}}),
        &[
            ".b.c: Invalid value: \"integer\": b.c in body must be of type boolean: \"integer\"",
            ".a: Required value",
        ],
    );
    check(
        json!({"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 2}),
        json!({"a": null}),
        &[
            ": Invalid value: 1:  in body should have at least 2 properties",
            ".a: Invalid value: \"null\": .a in body must be of type string: \"null\"",
        ],
    );
    let alternatives = json!([{"maximum": 1}, {"minimum": 5}]);
    check(
        json!({"type": "integer", "anyOf": alternatives}),
        json!(3),
        &[
            ": Invalid value: \"\": \"\" must validate at least one schema (anyOf)",
            ": Invalid value: 3:  in body should be less than or equal to 1",
        ],
    );
    check(
        json!({"type": "integer", "oneOf": [{"maximum": 5}, {"minimum": 1}], "not": {"minimum": 3}}),
        json!(3),
        &[
            ": Invalid value: \"\": \"\" must validate one and only one schema (oneOf). Found 2 valid alternatives",
            ": Invalid value: \"\": \"\" must not validate the schema (not)",
        ],
    );
    check(
        json!({"type": "integer", "allOf": [{"maximum": 5}, {"minimum": 4}]}),
        json!(3),
        &[
            ": Invalid value: 3:  in body should be greater than or equal to 4",
            ": Invalid value: \"\": \"\" must validate all the schemas (allOf)",
        ],
    );
}
