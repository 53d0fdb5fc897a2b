//! An OpenAPI document in JSON as the protobuf message of the same content.
//!
//! The messages are tables (see [`gnostic`](super::gnostic)), and one walk serves both versions.
//! Members that a table does not know are left out, but for extensions (`x-…`), which every message
//! carries as YAML text: JSON is YAML.

use prost::encoding::{WireType, encode_key, encode_varint};
use serde_json::{Map, Value};

/// How a JSON value becomes a protobuf message.
pub(super) enum Message {
    /// An object whose members are fields.
    Struct {
        /// Known members: name, field number, form.
        fields: &'static [(&'static str, u32, Form)],
        /// Field number of extensions, each a named YAML text.
        extensions: Option<u32>,
        /// Field number and message of every other member, if there are any.
        others: Option<(u32, &'static Message)>,
    },
    /// One field among several.
    Choice(fn(&Value) -> (u32, &'static Message)),
    /// Field 1 if the value is a schema, field 2 if it is a boolean.
    SchemaOrFlag(&'static Message),
    /// A message whose field 1 repeats: the items of an array, or a single value.
    Items(&'static Form),
    /// A message whose field 2 is the value as YAML text.
    Yaml,
    /// A string, number or boolean as the only field: 1, 2 and 3 are number, boolean and string.
    Scalar,
}

/// How a member becomes a field.
pub(super) enum Form {
    Text,
    Flag,
    Integer,
    Float,
    One(&'static Message),
    /// An array as a repeated field.
    Texts,
    Many(&'static Message),
}

/// `value` as a message of the given form.
pub(super) fn encode(message: &Message, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(message, value, &mut out);
    out
}

fn write(message: &Message, value: &Value, out: &mut Vec<u8>) {
    match message {
        Message::Struct {
            fields,
            extensions,
            others,
        } => {
            if let Value::Object(members) = value {
                write_struct(fields, *extensions, *others, members, out);
            }
        }
        Message::Choice(choose) => {
            let (number, chosen) = choose(value);
            nested(number, out, |out| write(chosen, value, out));
        }
        Message::SchemaOrFlag(_) if value.is_boolean() => field(2, &Form::Flag, value, out),
        Message::SchemaOrFlag(schema) => nested(1, out, |out| write(schema, value, out)),
        Message::Items(form) => match value {
            Value::Array(items) => items.iter().for_each(|item| field(1, form, item, out)),
            single => field(1, form, single, out),
        },
        Message::Yaml => text(2, &yaml(value), out),
        Message::Scalar => match value {
            Value::Number(_) => field(1, &Form::Float, value, out),
            Value::Bool(_) => field(2, &Form::Flag, value, out),
            Value::String(_) => field(3, &Form::Text, value, out),
            _ => {}
        },
    }
}

fn write_struct(
    fields: &[(&str, u32, Form)],
    extensions: Option<u32>,
    others: Option<(u32, &'static Message)>,
    members: &Map<String, Value>,
    out: &mut Vec<u8>,
) {
    for (name, number, form) in fields {
        if let Some(value) = members.get(*name) {
            field(*number, form, value, out);
        }
    }
    for (name, value) in members {
        if fields.iter().any(|(known, ..)| known == name) {
            continue;
        }
        match (name.starts_with("x-"), extensions, others) {
            (true, Some(number), _) => named(number, name, &Message::Yaml, value, out),
            (_, _, Some((number, message))) => named(number, name, message, value, out),
            _ => {}
        }
    }
}

fn field(number: u32, form: &Form, value: &Value, out: &mut Vec<u8>) {
    match (form, value) {
        (Form::Text, Value::String(value)) => text(number, value, out),
        (Form::Flag, Value::Bool(value)) => {
            encode_key(number, WireType::Varint, out);
            encode_varint(u64::from(*value), out);
        }
        (Form::Integer, Value::Number(value)) => {
            encode_key(number, WireType::Varint, out);
            // Negative numbers take the two's complement, as protobuf has it.
            encode_varint(value.as_i64().unwrap_or_default().cast_unsigned(), out);
        }
        (Form::Float, Value::Number(value)) => {
            encode_key(number, WireType::SixtyFourBit, out);
            out.extend_from_slice(&value.as_f64().unwrap_or_default().to_le_bytes());
        }
        (Form::One(message), value) => nested(number, out, |out| write(message, value, out)),
        (Form::Texts, Value::Array(items)) => items
            .iter()
            .for_each(|item| field(number, &Form::Text, item, out)),
        (Form::Many(message), Value::Array(items)) => {
            items
                .iter()
                .for_each(|item| nested(number, out, |out| write(message, item, out)));
        }
        _ => {}
    }
}

/// An entry of a map: a message of a name and a value.
fn named(number: u32, name: &str, message: &Message, value: &Value, out: &mut Vec<u8>) {
    nested(number, out, |out| {
        text(1, name, out);
        nested(2, out, |out| write(message, value, out));
    });
}

fn nested(number: u32, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    body(&mut inner);
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(inner.len() as u64, out);
    out.extend_from_slice(&inner);
}

fn text(number: u32, text: &str, out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// A value in YAML: plain words as they are, anything else as JSON.
fn yaml(value: &Value) -> String {
    let mut text = match value {
        Value::String(word) if is_plain(word) => word.clone(),
        other => other.to_string(),
    };
    text.push('\n');
    text
}

/// Whether YAML reads the word as the same string without quotes.
fn is_plain(word: &str) -> bool {
    const READ_AS_SOMETHING_ELSE: &[&str] =
        &["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let letters = |byte: u8| byte.is_ascii_alphabetic();
    word.bytes().next().is_some_and(letters)
        && word
            .bytes()
            .all(|byte| letters(byte) || byte.is_ascii_digit())
        && !READ_AS_SOMETHING_ELSE
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word))
}
