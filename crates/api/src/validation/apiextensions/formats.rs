//! Formats of values, of which a schema may name any, but few are known.

use super::leeway::schemas;
use super::schema::{Schema, each_part};
use crate::apiextensions::v1::CustomResourceDefinitionSpec;

/// Formats of strings, without the hyphens that they may be written with.
const OF_STRINGS: [&str; 26] = [
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "datetime",
    "duration",
    "email",
    "hexcolor",
    "hostname",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8slongname",
    "k8sshortname",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
];

/// The formats in a definition's schemas that mean nothing.
pub fn unrecognized(spec: CustomResourceDefinitionSpec<'_>) -> Vec<&str> {
    let mut found = Vec::new();
    for schema in schemas(spec) {
        each_part(schema, &mut |part| {
            let format = part.format();
            if !is_known(part) && !found.contains(&format) {
                found.push(format);
            }
        });
    }
    found
}

fn is_known(schema: Schema<'_>) -> bool {
    match (schema.type_(), schema.format()) {
        (_, "") => true,
        ("" | "string", format) => OF_STRINGS
            .binary_search(&format.replace('-', "").as_str())
            .is_ok(),
        ("integer", format) => matches!(format, "int32" | "int64"),
        ("number", format) => matches!(format, "float" | "double"),
        _ => false,
    }
}
