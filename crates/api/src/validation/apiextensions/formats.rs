//! Formats of values, of which a schema may name any, but few are known.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pintle_runtime::ip::{self, Cidr};
use pintle_runtime::time::Time;

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

/// Whether a string is of a format, as far as the format is known. Of some that are, nothing is asked.
pub(super) fn fits(format: &str, text: &str) -> Option<bool> {
    let format = format.replace('-', "");
    OF_STRINGS.binary_search(&format.as_str()).ok()?;
    Some(match format.as_str() {
        "byte" => STANDARD.decode(text).is_ok(),
        "cidr" => Cidr::parse(text).is_some(),
        "date" => is_date(text),
        "datetime" => is_date_time(text),
        "ipv4" => text.contains('.') && ip::parse(text).is_some_and(|ip| ip.is_ipv4()),
        "ipv6" => text.contains(':') && ip::parse(text).is_some(),
        "uuid" => is_uuid(text, None),
        "uuid3" => is_uuid(text, Some('3')),
        "uuid4" => is_uuid(text, Some('4')),
        "uuid5" => is_uuid(text, Some('5')),
        _ => true,
    })
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && Time::parse(&format!("{text}T00:00:00Z")).is_ok()
}

/// A date, the time of a day to the second or finer, and how far that is from UTC.
fn is_date_time(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let is_plain = text.split_once('T').is_some_and(|(date, _)| is_date(date));
    is_plain && Time::parse(&text).is_ok()
}

/// Hexadecimal digits in five groups, with hyphens between or without; the third begins with the version.
fn is_uuid(text: &str, version: Option<char>) -> bool {
    let mut rest = text;
    for (group, count) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if group > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((digits, behind)) = rest.split_at_checked(count) else {
            return false;
        };
        let first = digits.chars().next().unwrap_or_default();
        let fits = match (group, version) {
            (2, Some(version)) => first == version,
            (3, Some('4' | '5')) => matches!(first, '8' | '9' | 'a' | 'b' | 'A' | 'B'),
            _ => true,
        };
        if !fits || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}
