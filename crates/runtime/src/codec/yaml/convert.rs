//! From a tree of nodes to values that JSON can say.

use std::collections::HashMap;

use super::fault::{anchor_name, fault};
use super::resolve::{Scalar, resolve};
use super::tree::{Document, Kind, Node};
use crate::codec::{DecodeError, MAX_DEPTH, json};
use crate::quote::Quoted;
use crate::text::Text;
use crate::value::{Map, Value};

/// The value of `document`. Duplicate keys, of which the last one counts, are told in `duplicates` as
/// `line 3: key "a" already set in map`.
///
/// # Errors
/// goyaml's, and those of the conversion to JSON.
pub(super) fn value(
    document: &Document<'_>,
    text: &str,
    duplicates: &mut Vec<String>,
) -> Result<Value, DecodeError> {
    let Some(root) = document.root else {
        return Ok(Value::Null);
    };
    let mut converter = Converter {
        nodes: &document.nodes,
        duplicates,
        within: Vec::new(),
        converted: 0,
        by_alias: 0,
        budget: 10 * text.len() + (1 << 20),
        text,
    };
    converter.node(root, 0)
}

struct Converter<'a, 'd> {
    nodes: &'a [Node<'a>],
    duplicates: &'d mut Vec<String>,
    /// The aliases that are being followed.
    within: Vec<usize>,
    /// How many nodes were converted, and how many of them because of an alias.
    converted: usize,
    by_alias: usize,
    text: &'a str,
    /// How many bytes of text aliases may still bring.
    budget: usize,
}

impl<'a> Converter<'a, '_> {
    fn node(&mut self, node: usize, depth: usize) -> Result<Value, DecodeError> {
        self.count()?;
        if depth > MAX_DEPTH {
            return Err(fault(format_args!("exceeded max depth of {MAX_DEPTH}")));
        }
        match &self.nodes[node].kind {
            Kind::Scalar { text, plain, tag } => {
                self.spend(text.len())?;
                scalar(text, *plain, tag)
            }
            Kind::Sequence(children) => {
                let items = children
                    .iter()
                    .map(|&child| self.node(child, depth + 1))
                    .collect::<Result<_, _>>()?;
                Ok(Value::List(items))
            }
            Kind::Mapping(_) => {
                let mut entries = Entries::default();
                self.mapping(node, &mut entries, depth)?;
                Ok(Value::Map(Map::from_entries(
                    entries
                        .list
                        .into_iter()
                        .map(|(key, value)| (key.text, value))
                        .collect(),
                )))
            }
            &Kind::Alias { node: target, at } => {
                self.follow(node, at, |converter| converter.node(target, depth + 1))
            }
        }
    }

    /// Follows an alias, unless it is followed already.
    fn follow<T>(
        &mut self,
        alias: usize,
        at: usize,
        convert: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.within.contains(&alias) {
            let name = anchor_name(at, self.text);
            return Err(fault(format_args!("anchor '{name}' value contains itself")));
        }
        self.within.push(alias);
        let converted = convert(self);
        self.within.pop();
        converted
    }

    /// Entries of a mapping into `entries`, on top of what is there already.
    fn mapping(
        &mut self,
        node: usize,
        entries: &mut Entries,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let Kind::Mapping(children) = &self.nodes[node].kind else {
            return Ok(());
        };
        for pair in children.chunks_exact(2) {
            let (key, child) = (pair[0], pair[1]);
            if self.is_merge(key) {
                self.merge(child, entries, depth)?;
                continue;
            }
            let key = key_of(self.node(key, depth + 1)?)?;
            let value = self.node(child, depth + 1)?;
            if entries.insert(key, value)
                && let Some((key, _)) = entries.list.last()
            {
                self.duplicates.push(format!(
                    "line {}: key {} already set in map",
                    self.nodes[child].line,
                    key.shown()
                ));
            }
        }
        Ok(())
    }

    fn is_merge(&self, key: usize) -> bool {
        matches!(&self.nodes[key].kind, Kind::Scalar { text, plain, tag } if text == "<<"
            && (*plain && tag.is_empty() || tag == "tag:yaml.org,2002:merge"))
    }

    fn merge(
        &mut self,
        node: usize,
        entries: &mut Entries,
        depth: usize,
    ) -> Result<(), DecodeError> {
        match &self.nodes[node].kind {
            Kind::Sequence(children) => {
                // Earlier ones take precedence.
                for &child in children.iter().rev() {
                    self.merge_one(child, entries, depth)?;
                }
                Ok(())
            }
            _ => self.merge_one(node, entries, depth),
        }
    }

    fn merge_one(
        &mut self,
        node: usize,
        entries: &mut Entries,
        depth: usize,
    ) -> Result<(), DecodeError> {
        self.count()?;
        match self.nodes[node].kind {
            Kind::Mapping(_) if depth < MAX_DEPTH => self.mapping(node, entries, depth + 1),
            Kind::Alias { node: target, at }
                if matches!(self.nodes[target].kind, Kind::Mapping(_)) && depth < MAX_DEPTH =>
            {
                self.follow(node, at, |converter| {
                    converter.mapping(target, entries, depth + 1)
                })
            }
            _ => Err(fault(
                "map merge requires map or sequence of maps as the value",
            )),
        }
    }

    /// goyaml's guard against documents that grow by aliases.
    fn count(&mut self) -> Result<(), DecodeError> {
        const LOW: usize = 400_000;
        const HIGH: usize = 4_000_000;
        self.converted += 1;
        if !self.within.is_empty() {
            self.by_alias += 1;
        }
        let allowed = match self.converted {
            ..=LOW => 0.99,
            HIGH.. => 0.10,
            count => 0.99 - 0.89 * ((count - LOW) as f64 / (HIGH - LOW) as f64),
        };
        let excessive = self.by_alias > 100
            && self.converted > 1000
            && self.by_alias as f64 / self.converted as f64 > allowed;
        if excessive {
            Err(fault("document contains excessive aliasing"))
        } else {
            Ok(())
        }
    }

    /// And one of our own, against a few aliases of a long text.
    fn spend(&mut self, bytes: usize) -> Result<(), DecodeError> {
        if !self.within.is_empty() {
            self.budget = self
                .budget
                .checked_sub(bytes)
                .ok_or_else(|| fault("document contains excessive aliasing"))?;
        }
        Ok(())
    }
}

/// The entries of a mapping, in order of their last appearance.
#[derive(Default)]
struct Entries {
    list: Vec<(Key, Value)>,
    /// Whether a key was last seen as a string.
    known: HashMap<Text, bool>,
}

/// A key as JSON has it, and whether it is a string in YAML too: `1` and `"1"` are different keys.
struct Key {
    text: Text,
    is_string: bool,
}

impl Key {
    /// As Go shows it.
    fn shown(&self) -> String {
        if self.is_string {
            Quoted(&self.text).to_string()
        } else {
            self.text.to_string()
        }
    }
}

impl Entries {
    /// Adds an entry; whether the same key was there before.
    fn insert(&mut self, key: Key, value: Value) -> bool {
        let before = self.known.insert(key.text.clone(), key.is_string);
        let same = before == Some(key.is_string);
        self.list.push((key, value));
        same
    }
}

fn key_of(value: Value) -> Result<Key, DecodeError> {
    let other = |text: String| Key {
        text: Text::from(text),
        is_string: false,
    };
    Ok(match value {
        Value::String(text) => Key {
            text,
            is_string: true,
        },
        Value::Int(integer) => other(integer.to_string()),
        Value::Bool(truth) => other(truth.to_string()),
        // Written with the precision of 32 bits.
        Value::Float(float) => other(super::emit::general(&format!("{:e}", float as f32))),
        Value::List(_) | Value::Map(_) => return Err(fault("invalid map key")),
        _ => {
            let text = "unsupported map key of type: %!s(<nil>), key: <nil>";
            return Err(DecodeError::Syntax(text.to_owned()));
        }
    })
}

fn scalar(text: &str, plain: bool, tag: &str) -> Result<Value, DecodeError> {
    let string = || Value::String(Text::from(text.to_owned()));
    let short = tag.strip_prefix("tag:yaml.org,2002:");
    let resolved = match short {
        None if tag.is_empty() && plain => resolve(text),
        Some("bool" | "int" | "float" | "null" | "timestamp") => resolve(text),
        Some("binary") => {
            let bytes = json::decode_base64(text.as_bytes())
                .map_err(|_| fault("!!binary value contains invalid base64 data"))?;
            return Ok(Value::String(Text::from(json::lossy(&bytes).into_owned())));
        }
        _ => Scalar::String,
    };
    if let Some(wanted @ ("bool" | "int" | "float" | "null" | "timestamp")) = short {
        let found = match resolved {
            Scalar::Null => "null",
            Scalar::Bool(_) => "bool",
            Scalar::Int(_) if wanted == "float" => "float",
            Scalar::Int(_) | Scalar::Large(_) => "int",
            Scalar::Float(_) => "float",
            Scalar::Timestamp => "timestamp",
            Scalar::Merge => "merge",
            Scalar::String => "str",
        };
        if found != wanted {
            return Err(fault(format_args!(
                "cannot decode !!{found} `{text}` as a !!{wanted}"
            )));
        }
    }
    Ok(match resolved {
        Scalar::Null => Value::Null,
        Scalar::Bool(truth) => Value::Bool(truth),
        Scalar::Int(integer) if short == Some("float") => Value::Float(integer as f64),
        Scalar::Int(integer) => Value::Int(integer),
        Scalar::Large(integer) => Value::Raw(integer.to_string().into()),
        Scalar::Float(float) if !float.is_finite() => {
            let shown = if float.is_nan() {
                "NaN"
            } else if float > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            return Err(DecodeError::Syntax(format!(
                "json: unsupported value: {shown}"
            )));
        }
        Scalar::Float(float) => Value::Float(float),
        Scalar::Timestamp | Scalar::Merge | Scalar::String => string(),
    })
}
