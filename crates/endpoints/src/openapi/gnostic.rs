//! The protobuf messages of OpenAPI, as gnostic numbers their fields.
//!
//! Both versions carry the same ideas under different numbers. Only what an API server's documents
//! can hold is listed: examples, links, callbacks, servers and OAuth are not among it.

use serde_json::Value;

use super::protobuf::Form::{Flag, Float, Integer, Many, One, Text, Texts};
use super::protobuf::{Form, Message};

type Fields = &'static [(&'static str, u32, Form)];

/// A message with extensions.
const fn extensible(fields: Fields, extensions: u32) -> Message {
    Message::Struct {
        fields,
        extensions: Some(extensions),
        others: None,
    }
}

/// A message without extensions.
const fn plain(fields: Fields) -> Message {
    Message::Struct {
        fields,
        extensions: None,
        others: None,
    }
}

/// A message whose field 1 repeats named values.
const fn map_of(message: &'static Message) -> Message {
    Message::Struct {
        fields: &[],
        extensions: None,
        others: Some((1, message)),
    }
}

static YAML: Message = Message::Yaml;
static STRINGS: Message = Message::Items(&Text);

fn is_reference(value: &Value) -> bool {
    value.get("$ref").is_some()
}

fn member<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

// Version 2.

/// `openapi.v2.Document`
pub(super) static V2_DOCUMENT: Message = extensible(
    &[
        ("swagger", 1, Text),
        ("info", 2, One(&V2_INFO)),
        ("host", 3, Text),
        ("basePath", 4, Text),
        ("schemes", 5, Texts),
        ("consumes", 6, Texts),
        ("produces", 7, Texts),
        ("paths", 8, One(&V2_PATHS)),
        ("definitions", 9, One(&V2_SCHEMAS)),
        ("parameters", 10, One(&V2_PARAMETERS)),
        ("security", 12, Many(&SECURITY_REQUIREMENT)),
        ("securityDefinitions", 13, One(&V2_SECURITY_DEFINITIONS)),
    ],
    16,
);
static V2_INFO: Message = extensible(
    &[
        ("title", 1, Text),
        ("version", 2, Text),
        ("description", 3, Text),
    ],
    7,
);
static V2_PATHS: Message = Message::Struct {
    fields: &[],
    extensions: Some(1),
    others: Some((2, &V2_PATH_ITEM)),
};
static V2_SCHEMAS: Message = map_of(&V2_SCHEMA);
static V2_PARAMETERS: Message = map_of(&V2_PARAMETER);
static V2_SECURITY_DEFINITIONS: Message = map_of(&V2_SECURITY_DEFINITION);
static SECURITY_REQUIREMENT: Message = map_of(&STRINGS);

static V2_SECURITY_DEFINITION: Message = Message::Choice(|value| match member(value, "type") {
    "basic" => (1, &V2_BASIC),
    _ => (2, &V2_API_KEY),
});
static V2_BASIC: Message = extensible(&[("type", 1, Text), ("description", 2, Text)], 3);
static V2_API_KEY: Message = extensible(
    &[
        ("type", 1, Text),
        ("name", 2, Text),
        ("in", 3, Text),
        ("description", 4, Text),
    ],
    5,
);

static V2_PATH_ITEM: Message = extensible(
    &[
        ("$ref", 1, Text),
        ("get", 2, One(&V2_OPERATION)),
        ("put", 3, One(&V2_OPERATION)),
        ("post", 4, One(&V2_OPERATION)),
        ("delete", 5, One(&V2_OPERATION)),
        ("options", 6, One(&V2_OPERATION)),
        ("head", 7, One(&V2_OPERATION)),
        ("patch", 8, One(&V2_OPERATION)),
        ("parameters", 9, Many(&V2_PARAMETERS_ITEM)),
    ],
    10,
);
static V2_OPERATION: Message = extensible(
    &[
        ("tags", 1, Texts),
        ("summary", 2, Text),
        ("description", 3, Text),
        ("operationId", 5, Text),
        ("produces", 6, Texts),
        ("consumes", 7, Texts),
        ("parameters", 8, Many(&V2_PARAMETERS_ITEM)),
        ("responses", 9, One(&V2_RESPONSES)),
        ("schemes", 10, Texts),
        ("deprecated", 11, Flag),
        ("security", 12, Many(&SECURITY_REQUIREMENT)),
    ],
    13,
);

static V2_PARAMETERS_ITEM: Message = Message::Choice(|value| {
    if is_reference(value) {
        (2, &REFERENCE)
    } else {
        (1, &V2_PARAMETER)
    }
});
static REFERENCE: Message = plain(&[("$ref", 1, Text), ("description", 2, Text)]);
static V2_PARAMETER: Message = Message::Choice(|value| match member(value, "in") {
    "body" => (1, &V2_BODY_PARAMETER),
    _ => (2, &V2_NON_BODY_PARAMETER),
});
static V2_BODY_PARAMETER: Message = extensible(
    &[
        ("description", 1, Text),
        ("name", 2, Text),
        ("in", 3, Text),
        ("required", 4, Flag),
        ("schema", 5, One(&V2_SCHEMA)),
    ],
    6,
);
static V2_NON_BODY_PARAMETER: Message = Message::Choice(|value| match member(value, "in") {
    "header" => (1, &V2_HEADER_OR_PATH_PARAMETER),
    "formData" => (2, &V2_QUERY_OR_FORM_PARAMETER),
    "query" => (3, &V2_QUERY_OR_FORM_PARAMETER),
    _ => (4, &V2_HEADER_OR_PATH_PARAMETER),
});
static V2_HEADER_OR_PATH_PARAMETER: Message = extensible(
    &[
        ("required", 1, Flag),
        ("in", 2, Text),
        ("description", 3, Text),
        ("name", 4, Text),
        ("type", 5, Text),
        ("format", 6, Text),
        ("default", 9, One(&YAML)),
        ("uniqueItems", 19, Flag),
    ],
    22,
);
static V2_QUERY_OR_FORM_PARAMETER: Message = extensible(
    &[
        ("required", 1, Flag),
        ("in", 2, Text),
        ("description", 3, Text),
        ("name", 4, Text),
        ("type", 6, Text),
        ("format", 7, Text),
        ("default", 10, One(&YAML)),
        ("uniqueItems", 20, Flag),
    ],
    23,
);

static V2_RESPONSES: Message = Message::Struct {
    fields: &[],
    extensions: Some(2),
    others: Some((1, &V2_RESPONSE_VALUE)),
};
static V2_RESPONSE_VALUE: Message = Message::Choice(|value| {
    if is_reference(value) {
        (2, &REFERENCE)
    } else {
        (1, &V2_RESPONSE)
    }
});
static V2_RESPONSE: Message = extensible(
    &[
        ("description", 1, Text),
        ("schema", 2, One(&V2_SCHEMA_ITEM)),
    ],
    5,
);
static V2_SCHEMA_ITEM: Message = Message::Choice(|_| (1, &V2_SCHEMA));

static V2_SCHEMA: Message = extensible(
    &[
        ("$ref", 1, Text),
        ("format", 2, Text),
        ("title", 3, Text),
        ("description", 4, Text),
        ("default", 5, One(&YAML)),
        ("multipleOf", 6, Float),
        ("maximum", 7, Float),
        ("exclusiveMaximum", 8, Flag),
        ("minimum", 9, Float),
        ("exclusiveMinimum", 10, Flag),
        ("maxLength", 11, Integer),
        ("minLength", 12, Integer),
        ("pattern", 13, Text),
        ("maxItems", 14, Integer),
        ("minItems", 15, Integer),
        ("uniqueItems", 16, Flag),
        ("maxProperties", 17, Integer),
        ("minProperties", 18, Integer),
        ("required", 19, Texts),
        ("enum", 20, Many(&YAML)),
        ("additionalProperties", 21, One(&V2_ADDITIONAL_PROPERTIES)),
        ("type", 22, One(&STRINGS)),
        ("items", 23, One(&V2_ITEMS)),
        ("allOf", 24, Many(&V2_SCHEMA)),
        ("properties", 25, One(&V2_SCHEMAS)),
        ("discriminator", 26, Text),
        ("readOnly", 27, Flag),
        ("example", 30, One(&YAML)),
    ],
    31,
);
static V2_ITEMS: Message = Message::Items(&One(&V2_SCHEMA));
static V2_ADDITIONAL_PROPERTIES: Message = Message::SchemaOrFlag(&V2_SCHEMA);

// Version 3.

/// `openapi.v3.Document`
pub(super) static V3_DOCUMENT: Message = extensible(
    &[
        ("openapi", 1, Text),
        ("info", 2, One(&V3_INFO)),
        ("paths", 4, One(&V3_PATHS)),
        ("components", 5, One(&V3_COMPONENTS)),
        ("security", 6, Many(&SECURITY_REQUIREMENT)),
    ],
    9,
);
static V3_INFO: Message = extensible(
    &[
        ("title", 1, Text),
        ("description", 2, Text),
        ("version", 6, Text),
    ],
    7,
);
static V3_PATHS: Message = Message::Struct {
    fields: &[],
    extensions: Some(2),
    others: Some((1, &V3_PATH_ITEM)),
};
static V3_COMPONENTS: Message = extensible(
    &[
        ("schemas", 1, One(&V3_SCHEMAS)),
        ("securitySchemes", 7, One(&V3_SECURITY_SCHEMES)),
    ],
    10,
);
static V3_SCHEMAS: Message = map_of(&V3_SCHEMA_OR_REFERENCE);
static V3_SECURITY_SCHEMES: Message = map_of(&V3_SECURITY_SCHEME_OR_REFERENCE);
static V3_SECURITY_SCHEME_OR_REFERENCE: Message = Message::Choice(|value| {
    if is_reference(value) {
        (2, &V3_REFERENCE)
    } else {
        (1, &V3_SECURITY_SCHEME)
    }
});
static V3_SECURITY_SCHEME: Message = extensible(
    &[
        ("type", 1, Text),
        ("description", 2, Text),
        ("name", 3, Text),
        ("in", 4, Text),
        ("scheme", 5, Text),
        ("bearerFormat", 6, Text),
    ],
    9,
);
static V3_REFERENCE: Message = plain(&[
    ("$ref", 1, Text),
    ("summary", 2, Text),
    ("description", 3, Text),
]);

static V3_PATH_ITEM: Message = extensible(
    &[
        ("$ref", 1, Text),
        ("summary", 2, Text),
        ("description", 3, Text),
        ("get", 4, One(&V3_OPERATION)),
        ("put", 5, One(&V3_OPERATION)),
        ("post", 6, One(&V3_OPERATION)),
        ("delete", 7, One(&V3_OPERATION)),
        ("options", 8, One(&V3_OPERATION)),
        ("head", 9, One(&V3_OPERATION)),
        ("patch", 10, One(&V3_OPERATION)),
        ("parameters", 13, Many(&V3_PARAMETER_OR_REFERENCE)),
    ],
    14,
);
static V3_OPERATION: Message = extensible(
    &[
        ("tags", 1, Texts),
        ("summary", 2, Text),
        ("description", 3, Text),
        ("operationId", 5, Text),
        ("parameters", 6, Many(&V3_PARAMETER_OR_REFERENCE)),
        ("requestBody", 7, One(&V3_REQUEST_BODY_OR_REFERENCE)),
        ("responses", 8, One(&V3_RESPONSES)),
        ("deprecated", 10, Flag),
        ("security", 11, Many(&SECURITY_REQUIREMENT)),
    ],
    13,
);
static V3_PARAMETER_OR_REFERENCE: Message = Message::Choice(|value| {
    if is_reference(value) {
        (2, &V3_REFERENCE)
    } else {
        (1, &V3_PARAMETER)
    }
});
static V3_PARAMETER: Message = extensible(
    &[
        ("name", 1, Text),
        ("in", 2, Text),
        ("description", 3, Text),
        ("required", 4, Flag),
        ("deprecated", 5, Flag),
        ("allowEmptyValue", 6, Flag),
        ("schema", 10, One(&V3_SCHEMA_OR_REFERENCE)),
    ],
    14,
);
static V3_REQUEST_BODY_OR_REFERENCE: Message = Message::Choice(|value| {
    if is_reference(value) {
        (2, &V3_REFERENCE)
    } else {
        (1, &V3_REQUEST_BODY)
    }
});
static V3_REQUEST_BODY: Message = extensible(
    &[
        ("description", 1, Text),
        ("content", 2, One(&V3_MEDIA_TYPES)),
        ("required", 3, Flag),
    ],
    4,
);
static V3_MEDIA_TYPES: Message = map_of(&V3_MEDIA_TYPE);
static V3_MEDIA_TYPE: Message = extensible(&[("schema", 1, One(&V3_SCHEMA_OR_REFERENCE))], 5);
static V3_RESPONSES: Message = Message::Struct {
    fields: &[("default", 1, One(&V3_RESPONSE_OR_REFERENCE))],
    extensions: Some(3),
    others: Some((2, &V3_RESPONSE_OR_REFERENCE)),
};
static V3_RESPONSE_OR_REFERENCE: Message = Message::Choice(|value| {
    if is_reference(value) {
        (2, &V3_REFERENCE)
    } else {
        (1, &V3_RESPONSE)
    }
});
static V3_RESPONSE: Message = extensible(
    &[
        ("description", 1, Text),
        ("content", 3, One(&V3_MEDIA_TYPES)),
    ],
    5,
);

static V3_SCHEMA_OR_REFERENCE: Message = Message::Choice(|value| {
    if is_reference(value) {
        (2, &V3_REFERENCE)
    } else {
        (1, &V3_SCHEMA)
    }
});
static V3_SCHEMA: Message = extensible(
    &[
        ("nullable", 1, Flag),
        ("readOnly", 3, Flag),
        ("writeOnly", 4, Flag),
        ("example", 7, One(&YAML)),
        ("deprecated", 8, Flag),
        ("title", 9, Text),
        ("multipleOf", 10, Float),
        ("maximum", 11, Float),
        ("exclusiveMaximum", 12, Flag),
        ("minimum", 13, Float),
        ("exclusiveMinimum", 14, Flag),
        ("maxLength", 15, Integer),
        ("minLength", 16, Integer),
        ("pattern", 17, Text),
        ("maxItems", 18, Integer),
        ("minItems", 19, Integer),
        ("uniqueItems", 20, Flag),
        ("maxProperties", 21, Integer),
        ("minProperties", 22, Integer),
        ("required", 23, Texts),
        ("enum", 24, Many(&YAML)),
        ("type", 25, Text),
        ("allOf", 26, Many(&V3_SCHEMA_OR_REFERENCE)),
        ("oneOf", 27, Many(&V3_SCHEMA_OR_REFERENCE)),
        ("anyOf", 28, Many(&V3_SCHEMA_OR_REFERENCE)),
        ("not", 29, One(&V3_SCHEMA)),
        ("items", 30, One(&V3_ITEMS)),
        ("properties", 31, One(&V3_SCHEMAS)),
        ("additionalProperties", 32, One(&V3_ADDITIONAL_PROPERTIES)),
        ("default", 33, One(&V3_DEFAULT)),
        ("description", 34, Text),
        ("format", 35, Text),
    ],
    36,
);
static V3_ITEMS: Message = Message::Items(&One(&V3_SCHEMA_OR_REFERENCE));
static V3_ADDITIONAL_PROPERTIES: Message = Message::SchemaOrFlag(&V3_SCHEMA_OR_REFERENCE);
static V3_DEFAULT: Message = Message::Scalar;
