//! From JSON text to records, along the table of the type.
//!
//! Two sorts of faults are told apart, as in Go. A value of the wrong sort is noted and decoding goes
//! on; the first one noted is reported at the end. A type that decodes itself (a time, a quantity)
//! ends it at once, and its error hides what was noted. Malformed text hides both.

use std::collections::HashSet;

use super::lexer::{Lexed, Lexer, Span, Stop};
use super::path::Path;
use super::special::zero;
use super::type_meta::sort;
use super::{go, text};
use crate::codec::{DecodeError, MAX_DEPTH, MAX_MERGED, Problems};
use crate::schema::{FieldType, Flags, Shape, Type, TypeRef};
use crate::text::Text;
use crate::value::{Map, Record, Value};

pub(super) struct Decoder<'a, 'p> {
    pub(super) lexer: Lexer<'a>,
    problems: &'p mut Problems,
    /// Problems are looked for here: wanted, and not within a type that decodes itself.
    strict: bool,
    /// The first value of the wrong sort.
    noted: Option<DecodeError>,
    /// How many entries of maps were moved to be merged.
    merged: usize,
}

impl<'a, 'p> Decoder<'a, 'p> {
    pub(super) fn new(lexer: Lexer<'a>, problems: &'p mut Problems) -> Self {
        let strict = problems.wanted();
        Self {
            lexer,
            problems,
            strict,
            noted: None,
            merged: 0,
        }
    }

    /// The whole body as an object of type `ty`.
    pub(super) fn root(mut self, ty: &TypeRef) -> Result<Record, Stop> {
        let mut record = Record::with_room(ty.clone());
        match self.lexer.peek()? {
            b'{' => self.record(&mut record, &Path::ROOT)?,
            b'n' => self.lexer.word(b"null")?,
            _ => self.mismatch(&Path::ROOT, go::type_name(ty))?,
        }
        self.finish(record)
    }

    /// The members of the whole body, which is an object, into `record`.
    pub(super) fn onto(mut self, record: &mut Record) -> Lexed {
        self.record(record, &Path::ROOT)?;
        self.finish(())
    }

    /// The whole body as any value.
    pub(super) fn root_value(mut self) -> Result<Value, Stop> {
        let mut value = Value::Null;
        self.any(&mut value, &Path::ROOT)?;
        self.finish(value)
    }

    fn finish<T>(mut self, decoded: T) -> Result<T, Stop> {
        self.lexer.finish()?;
        match self.noted {
            None => Ok(decoded),
            Some(error) => Err(Stop::Refused(Box::new(error))),
        }
    }

    /// An object's members into `record`, on top of what is there already.
    pub(super) fn record(&mut self, record: &mut Record, path: &Path<'_>) -> Lexed {
        let ty = record.type_ref().clone();
        let mut finder = Finder::default();
        let mut seen = Seen::default();
        let mut first = true;
        self.lexer.open(b'{', MAX_DEPTH)?;
        while self.lexer.more(b'}', &mut first)? {
            let key = self.lexer.key()?;
            let Some(index) = self.find(&mut finder, &ty, key) else {
                self.unknown(path, key)?;
                continue;
            };
            let field = &ty.fields[index];
            if self.strict && seen.insert(index) {
                self.duplicate(path, &field.name);
            }
            if self.lexer.peek()? == b'n' {
                self.lexer.word(b"null")?;
                if is_nilable(&field.ty) || field.flags.has(Flags::POINTER) {
                    record.remove(index);
                }
                continue;
            }
            let slot = record.get_or_insert_with(index, || Value::Null);
            self.value(&field.ty, slot, &path.field(&ty, &field.name))?;
        }
        Ok(())
    }

    #[inline]
    fn find(&self, finder: &mut Finder, ty: &Type, key: Span) -> Option<usize> {
        match self.lexer.plain_bytes(key) {
            Some(name) => finder.find(ty, name),
            None => finder.find(ty, text::unescape(self.lexer.bytes(key)).as_bytes()),
        }
    }

    #[cold]
    fn unknown(&mut self, path: &Path<'_>, key: Span) -> Lexed {
        if self.strict {
            let key = self.lexer.text(key);
            self.problems.note(path.problem("unknown field", &key));
        }
        self.lexer.skip()
    }

    #[cold]
    fn duplicate(&mut self, path: &Path<'_>, name: &str) {
        self.problems.note(path.problem("duplicate field", name));
    }

    /// Any value but `null` into `slot`, on top of what is there already.
    ///
    /// What recurses is kept apart from what does not, so that it takes little of the stack.
    fn value(&mut self, ty: &FieldType, slot: &mut Value, path: &Path<'_>) -> Lexed {
        match ty {
            FieldType::Object(ty) => match (ty.shape, self.lexer.peek()?) {
                (Shape::Struct, b'{') => {
                    if slot.as_record().is_none() {
                        *slot = Value::Record(Record::with_room(ty.clone()));
                    }
                    match slot {
                        Value::Record(record) => self.record(record, path),
                        _ => Ok(()),
                    }
                }
                (Shape::StringList, b'[') => self.list(&FieldType::String, slot, path),
                (Shape::Struct | Shape::StringList, _) => self.mismatch(path, go::type_name(ty)),
                (Shape::SchemaOrArray | Shape::SchemaOrBool | Shape::SchemaOrStringArray, _) => {
                    self.within(|decoder| decoder.schema_or(ty, slot, &path.opaque()))
                }
                _ => self.special(ty, slot, path),
            },
            FieldType::List(element) if self.lexer.peek()? == b'[' => {
                self.list(element, slot, path)
            }
            FieldType::Map(element) if self.lexer.peek()? == b'{' => self.map(element, slot, path),
            FieldType::Any => self.any(slot, path),
            _ => self.scalar(ty, slot, path),
        }
    }

    /// A value of one of the plain types; for the others, one of the wrong sort.
    fn scalar(&mut self, ty: &FieldType, slot: &mut Value, path: &Path<'_>) -> Lexed {
        match (ty, self.lexer.peek()?) {
            (FieldType::String, b'"') => {
                let span = self.lexer.string()?;
                *slot = Value::String(self.lexer.text(span));
                Ok(())
            }
            (FieldType::Bool, b't') => {
                *slot = Value::Bool(true);
                self.lexer.word(b"true")
            }
            (FieldType::Bool, b'f') => {
                *slot = Value::Bool(false);
                self.lexer.word(b"false")
            }
            (FieldType::Int32, b'-' | b'0'..=b'9') => self.int32(slot, path),
            (FieldType::Int64, b'-' | b'0'..=b'9') => {
                let number = self.lexer.number()?;
                match number.integer {
                    Some(integer) => *slot = Value::Int(integer),
                    None => self.note(path, &format!("number {}", number.literal), "int64"),
                }
                Ok(())
            }
            (FieldType::Float64, b'-' | b'0'..=b'9') => {
                let literal = self.lexer.number()?.literal;
                match parse_float(literal) {
                    Some(float) => *slot = Value::Float(float),
                    None => self.note(path, &format!("number {literal}"), "float64"),
                }
                Ok(())
            }
            (FieldType::Bytes, b'"') => {
                let span = self.lexer.string()?;
                match super::base64::decode(self.lexer.text(span).as_bytes()) {
                    Ok(bytes) => *slot = Value::Bytes(bytes.into()),
                    Err(error) => self.noted = self.noted.take().or(Some(error)),
                }
                Ok(())
            }
            (FieldType::Bytes, b'[') => self.bytes_one_by_one(slot, path),
            _ => self.mismatch(path, &go::field_type(ty)),
        }
    }

    /// A number literal that has to fit in 32 bits.
    pub(super) fn int32(&mut self, slot: &mut Value, path: &Path<'_>) -> Lexed {
        let number = self.lexer.number()?;
        match number.integer {
            Some(integer) if i32::try_from(integer).is_ok() => *slot = Value::Int(integer),
            _ => self.note(path, &format!("number {}", number.literal), "int32"),
        }
        Ok(())
    }

    /// Items into a list; items that are there already are decoded on top of.
    pub(super) fn list(&mut self, element: &FieldType, slot: &mut Value, path: &Path<'_>) -> Lexed {
        if slot.as_list().is_none() {
            *slot = Value::List(Vec::new());
        }
        let Value::List(items) = slot else {
            return Ok(());
        };
        let mut count = 0;
        let mut first = true;
        self.lexer.open(b'[', MAX_DEPTH)?;
        while self.lexer.more(b']', &mut first)? {
            let fresh = count == items.len();
            if fresh {
                items.push(Value::Null);
            }
            let item = &mut items[count];
            if self.lexer.peek()? != b'n' {
                self.value(element, item, &path.index(count))?;
            } else {
                self.lexer.word(b"null")?;
                if fresh || is_nilable(element) {
                    *item = zero(element);
                }
            }
            count += 1;
        }
        items.truncate(count);
        Ok(())
    }

    /// Members into a map; entries that are there already stay unless they come again.
    fn map(&mut self, element: &FieldType, slot: &mut Value, path: &Path<'_>) -> Lexed {
        let mut entries = match std::mem::take(slot) {
            Value::Map(map) => map.into_iter().collect(),
            _ => Vec::new(),
        };
        self.merged += entries.len();
        if self.merged > MAX_MERGED {
            let text = "json: too many duplicate fields".to_owned();
            return Err(Stop::Refused(Box::new(DecodeError::Mismatch(text))));
        }
        let mut keys = Keys::from(entries.len());
        let mut first = true;
        self.lexer.open(b'{', MAX_DEPTH)?;
        while self.lexer.more(b'}', &mut first)? {
            let key = self.lexer.key()?;
            let key = self.lexer.text(key);
            if self.strict && keys.known(&entries, &key) {
                self.duplicate(path, &key);
            }
            let mut value = Value::Null;
            if self.lexer.peek()? == b'n' {
                self.lexer.word(b"null")?;
                value = zero(element);
            } else {
                self.value(element, &mut value, &path.key(&key))?;
            }
            entries.push((key, value));
        }
        *slot = Value::Map(Map::from_entries(entries));
        Ok(())
    }

    /// Any value. Integer literals that fit become integers, all other numbers floats.
    fn any(&mut self, slot: &mut Value, path: &Path<'_>) -> Lexed {
        *slot = Value::Null;
        match self.lexer.peek()? {
            b'{' => self.map(&FieldType::Any, slot, path),
            b'[' => self.list(&FieldType::Any, slot, path),
            b'"' => self.scalar(&FieldType::String, slot, path),
            b't' | b'f' => self.scalar(&FieldType::Bool, slot, path),
            b'n' => self.lexer.word(b"null"),
            b'-' | b'0'..=b'9' => self.any_number(slot, path),
            _ => Err(Stop::Malformed),
        }
    }

    fn any_number(&mut self, slot: &mut Value, path: &Path<'_>) -> Lexed {
        let number = self.lexer.number()?;
        match number.integer {
            Some(integer) => *slot = Value::Int(integer),
            None => match parse_float(number.literal) {
                Some(float) => *slot = Value::Float(float),
                None => self.note(path, &format!("number {}", number.literal), "float64"),
            },
        }
        Ok(())
    }

    /// Go takes bytes as an array of numbers too.
    fn bytes_one_by_one(&mut self, slot: &mut Value, path: &Path<'_>) -> Lexed {
        let mut bytes = Vec::new();
        let mut first = true;
        self.lexer.open(b'[', MAX_DEPTH)?;
        while self.lexer.more(b']', &mut first)? {
            let mut byte = 0;
            match self.lexer.peek()? {
                b'n' => self.lexer.word(b"null")?,
                b'-' | b'0'..=b'9' => {
                    let number = self.lexer.number()?;
                    match number.integer.map(u8::try_from) {
                        Some(Ok(integer)) if !number.literal.starts_with('-') => byte = integer,
                        _ => self.note(path, &format!("number {}", number.literal), "uint8"),
                    }
                }
                _ => self.mismatch(path, "uint8")?,
            }
            bytes.push(byte);
        }
        *slot = Value::Bytes(bytes.into());
        Ok(())
    }

    /// Decodes within a type that decodes itself with a decoder of its own: no problems are looked
    /// for, and what is noted within ends it.
    pub(super) fn within(&mut self, decode: impl FnOnce(&mut Self) -> Lexed) -> Lexed {
        let strict = std::mem::take(&mut self.strict);
        let noted = self.noted.take();
        decode(self)?;
        self.strict = strict;
        match std::mem::replace(&mut self.noted, noted) {
            None => Ok(()),
            Some(error) => Err(Stop::Refused(Box::new(error))),
        }
    }

    /// Skips a value of the wrong sort and notes it.
    pub(super) fn mismatch(&mut self, path: &Path<'_>, wanted: &str) -> Lexed {
        let found = sort(self.lexer.peek()?);
        self.lexer.skip()?;
        self.note(path, found, wanted);
        Ok(())
    }

    fn note(&mut self, path: &Path<'_>, found: &str, wanted: &str) {
        if self.noted.is_none() {
            self.noted = Some(DecodeError::Mismatch(path.mismatch(found, wanted)));
        }
    }
}

/// Finds fields by name, betting on what comes next: clients write them in the order of the
/// declaration or in that of the alphabet.
#[derive(Default)]
struct Finder {
    declared: usize,
    sorted: usize,
}

impl Finder {
    #[inline]
    fn find(&mut self, ty: &Type, name: &[u8]) -> Option<usize> {
        // The next one present is seldom far.
        let mut near = ty.fields.iter().skip(self.declared).take(4);
        let at = match near.position(|field| field.name.as_bytes() == name) {
            Some(ahead) => self.declared + ahead,
            None => self.find_by_name(ty, name)?,
        };
        self.declared = at + 1;
        Some(at)
    }

    fn find_by_name(&mut self, ty: &Type, name: &[u8]) -> Option<usize> {
        let name_of = |at: u16| ty.fields[usize::from(at)].name.as_bytes();
        let next = ty
            .by_name
            .get(self.sorted)
            .filter(|&&at| name_of(at) == name);
        if next.is_none() {
            self.sorted = ty
                .by_name
                .binary_search_by(|&at| name_of(at).cmp(name))
                .ok()?;
        }
        let at = ty.by_name[self.sorted];
        self.sorted += 1;
        Some(usize::from(at))
    }
}

/// Which fields were seen.
#[derive(Default)]
struct Seen {
    low: u128,
    high: Vec<u128>,
}

impl Seen {
    /// Marks `index`; whether it was marked before.
    fn insert(&mut self, index: usize) -> bool {
        let word = match index / 128 {
            0 => &mut self.low,
            word => {
                if self.high.len() < word {
                    self.high.resize(word, 0);
                }
                &mut self.high[word - 1]
            }
        };
        let bit = 1 << (index % 128);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }
}

/// Which keys a map has, told without a set as long as they come in order or are few.
struct Keys {
    /// Entries from here on belong to this object; those before came from an earlier one.
    from: usize,
    sorted: bool,
    set: Option<HashSet<Text>>,
}

impl Keys {
    fn from(from: usize) -> Self {
        Self {
            from,
            sorted: true,
            set: None,
        }
    }

    /// Whether `key`, which is about to be pushed to `entries`, is there already.
    fn known(&mut self, entries: &[(Text, Value)], key: &Text) -> bool {
        let entries = &entries[self.from..];
        if self.sorted && entries.last().is_none_or(|(last, _)| last < key) {
            return false;
        }
        self.sorted = false;
        if entries.len() <= 16 {
            return entries.iter().any(|(known, _)| known == key);
        }
        let set = self
            .set
            .get_or_insert_with(|| entries.iter().map(|(key, _)| key.clone()).collect());
        !set.insert(key.clone())
    }
}

/// A float, unless it is beyond what 64 bits can say.
fn parse_float(literal: &str) -> Option<f64> {
    literal.parse().ok().filter(|float: &f64| float.is_finite())
}

/// Whether `null` sets it back to nothing; in other values `null` changes nothing.
fn is_nilable(ty: &FieldType) -> bool {
    match ty {
        FieldType::Bytes | FieldType::Any | FieldType::List(_) | FieldType::Map(_) => true,
        FieldType::Object(ty) => {
            matches!(
                ty.shape,
                Shape::Time | Shape::MicroTime | Shape::Quantity | Shape::StringList
            )
        }
        _ => false,
    }
}
