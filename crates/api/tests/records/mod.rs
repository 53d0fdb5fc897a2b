//! Records made up of everything that their types allow, the same ones in every run.

use pintle_runtime::schema::{FieldType, Shape, TypeRef};
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;
use pintle_runtime::value::{Map, Record, Value};

/// Makes records from a seed.
pub(crate) struct Maker {
    state: u64,
}

/// Beyond this depth only scalars are made, as some types contain themselves.
const DEPTH: usize = 5;

const STRINGS: [&str; 12] = [
    "",
    "a",
    "web-1",
    "grüße",
    "\"quoted\\\"",
    "<b>&amp;</b>",
    "line\nbreak\ttab",
    "\u{2028}\u{0}\u{1f}",
    "yes",
    "12",
    "😀",
    "true: #",
];
const QUANTITIES: [&str; 6] = ["0", "100m", "1Gi", "1500", "-2", "1e6"];
/// Compact, as JSON would not come back with spaces.
const RAW: [&str; 5] = [
    "{}",
    r#"{"a":[1,2.50,"x\u003cy"]}"#,
    r#"{"f:data":{".":{}}}"#,
    "[]",
    r#""text""#,
];

impl Maker {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d,
        }
    }

    /// A number below `bound` (SplitMix64).
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A record of the struct `ty`.
    pub(crate) fn record(&mut self, ty: &TypeRef) -> Record {
        self.record_at(ty, 0)
    }

    /// Changes a few bytes: overwritten, inserted, taken out, cut off, or copied from elsewhere.
    #[allow(dead_code, reason = "not every suite changes bytes")]
    pub(crate) fn mutate(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        const TELLING: &[u8] =
            b"\"\\{}[]:,0-9.eEntfau \n\t'&*!|>%@`#\0\x01\x08\x0a\x12\x7f\x80\xe2\xff";
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            let byte = self.one_of(TELLING);
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if at < bytes.len() => {
                    bytes.remove(at);
                }
                3 => bytes.truncate(at),
                _ => {
                    let from = self.below(bytes.len() + 1);
                    let length = self.below(24).min(bytes.len() - from);
                    let copied = bytes[from..from + length].to_vec();
                    bytes.splice(at..at, copied);
                }
            }
        }
        bytes
    }

    fn record_at(&mut self, ty: &TypeRef, depth: usize) -> Record {
        let mut record = Record::new(ty.clone());
        let odds = self.one_of(&[2, 3, 6]);
        for (index, field) in ty.fields.iter().enumerate() {
            if self.below(odds) == 0
                && let Some(value) = self.value(&field.ty, ty, depth)
            {
                record.set(index, value);
            }
        }
        record
    }

    /// A value of `ty`, a field of `owner`; none if it would be too deep.
    fn value(&mut self, ty: &FieldType, owner: &TypeRef, depth: usize) -> Option<Value> {
        Some(match ty {
            FieldType::String => self.string(),
            FieldType::Bool => Value::Bool(self.below(2) == 0),
            FieldType::Int32 => Value::Int(self.one_of(&[
                0,
                1,
                -1,
                7,
                300,
                i64::from(i32::MAX),
                i64::from(i32::MIN),
            ])),
            FieldType::Int64 => Value::Int(self.one_of(&[0, 1, -1, 86_400, i64::MAX, i64::MIN])),
            FieldType::Float64 => {
                Value::Float(self.one_of(&[0.0, 1.0, -0.5, 1e21, 1e-7, 123_456.789]))
            }
            // Never empty: protobuf tells empty from absent, JSON does not.
            FieldType::Bytes => Value::Bytes(
                self.one_of::<&[u8]>(&[b"a", b"\xff\x00\x80", b"longer text"])
                    .into(),
            ),
            FieldType::Any => self.any(depth),
            FieldType::Object(ty) => return self.object(ty, owner, depth),
            FieldType::List(element) => {
                let count = self.below(3);
                Value::List(
                    (0..count)
                        .filter_map(|_| self.value(element, owner, depth + 1))
                        .collect(),
                )
            }
            FieldType::Map(element) => {
                let count = self.below(3);
                let entries = (0..count)
                    .filter_map(|_| Some((self.key(), self.value(element, owner, depth + 1)?)));
                Value::Map(Map::from_entries(entries.collect()))
            }
        })
    }

    fn object(&mut self, ty: &TypeRef, owner: &TypeRef, depth: usize) -> Option<Value> {
        Some(match ty.shape {
            Shape::Struct if depth >= DEPTH => return None,
            Shape::Struct => Value::Record(self.record_at(ty, depth + 1)),
            Shape::Time => Value::Time(Time::from_seconds(self.seconds())),
            Shape::MicroTime => Value::Time(Time {
                seconds: self.seconds(),
                nanos: self.one_of(&[0, 1000, 999_999_000]),
            }),
            Shape::Duration => Value::Int(self.one_of(&[0, 1, 90_000_000_000, -1_500_000])),
            Shape::Quantity => Value::String(Text::from_static(self.one_of(&QUANTITIES))),
            Shape::IntOrString if self.below(2) == 0 => Value::Int(self.one_of(&[0, 80, -1])),
            Shape::IntOrString => self.string(),
            Shape::FieldsV1 | Shape::RawExtension | Shape::Json => {
                Value::Raw(self.one_of(&RAW).into())
            }
            Shape::StringList => self.strings(),
            Shape::SchemaOrBool if self.below(2) == 0 => Value::Bool(self.below(2) == 0),
            Shape::SchemaOrStringArray if self.below(2) == 0 => Value::List(vec![self.string()]),
            Shape::SchemaOrArray | Shape::SchemaOrBool | Shape::SchemaOrStringArray
                if depth >= DEPTH =>
            {
                return None;
            }
            Shape::SchemaOrArray if self.below(2) == 0 => {
                Value::List(vec![Value::Record(self.record_at(owner, depth + 1))])
            }
            Shape::SchemaOrArray | Shape::SchemaOrBool | Shape::SchemaOrStringArray => {
                Value::Record(self.record_at(owner, depth + 1))
            }
            Shape::Patch | Shape::Unknown => return None,
        })
    }

    fn any(&mut self, depth: usize) -> Value {
        match self.below(if depth < DEPTH { 7 } else { 5 }) {
            0 => Value::Null,
            1 => Value::Bool(true),
            2 => Value::Int(self.one_of(&[0, -7, i64::MAX])),
            3 => Value::Float(0.5),
            4 => self.string(),
            5 => Value::List(vec![self.any(depth + 1)]),
            _ => Value::Map(Map::from_entries(vec![(self.key(), self.any(depth + 1))])),
        }
    }

    fn seconds(&mut self) -> i64 {
        self.one_of(&[0, 1_700_000_000, -1, 253_402_300_799])
    }

    fn strings(&mut self) -> Value {
        let count = self.below(3);
        Value::List((0..count).map(|_| self.string()).collect())
    }

    fn string(&mut self) -> Value {
        Value::String(Text::from_static(self.one_of(&STRINGS)))
    }

    fn key(&mut self) -> Text {
        Text::from_static(self.one_of(&STRINGS))
    }
}
