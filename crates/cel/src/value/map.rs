//! Maps.

use std::cmp::Ordering;
use std::sync::Arc;

use pintle_runtime::text::Text;
use pintle_runtime::value as runtime;

use super::data::Dynamic;
use super::escape::unescaped;
use super::{EvalError, Val};

/// A key of a map. Numbers are the same key whatever their type.
#[derive(Debug, Clone)]
pub enum Key {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer without sign.
    Uint(u64),
    /// Text.
    String(Text),
}

impl Key {
    /// The key that a value is, if it can be one. A number without fraction counts as an integer.
    pub(crate) fn of(value: &Val<'_>) -> Option<Self> {
        Some(match value {
            Val::Bool(truth) => Self::Bool(*truth),
            Val::Int(number) => Self::Int(*number),
            Val::Uint(number) => Self::Uint(*number),
            Val::String(text) => Self::String(text.clone()),
            Val::Double(number) if number.fract() == 0.0 => {
                if *number >= 0.0 && *number < 18_446_744_073_709_551_616.0 {
                    Self::Uint(*number as u64)
                } else if *number >= -9_223_372_036_854_775_808.0 && *number < 0.0 {
                    Self::Int(*number as i64)
                } else {
                    return None;
                }
            }
            _ => return None,
        })
    }

    pub(crate) fn value<'a>(&self) -> Val<'a> {
        match self {
            Self::Bool(truth) => Val::Bool(*truth),
            Self::Int(number) => Val::Int(*number),
            Self::Uint(number) => Val::Uint(*number),
            Self::String(text) => Val::String(text.clone()),
        }
    }

    const fn number(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(*number as i128),
            Self::Uint(number) => Some(*number as i128),
            _ => None,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.as_str().cmp(b.as_str()),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.cmp(&b),
                (Some(_), None) => match other {
                    Self::Bool(_) => Ordering::Greater,
                    _ => Ordering::Less,
                },
                (None, Some(_)) => match self {
                    Self::Bool(_) => Ordering::Less,
                    _ => Ordering::Greater,
                },
                (None, None) => match self {
                    Self::Bool(_) => Ordering::Less,
                    _ => Ordering::Greater,
                },
            },
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// A map that an expression made, in the order of its keys.
#[derive(Clone, Default)]
pub struct OwnedMap<'a>(Vec<(Key, Val<'a>)>);

impl<'a> OwnedMap<'a> {
    fn position(&self, key: &Key) -> Result<usize, usize> {
        self.0.binary_search_by(|(found, _)| found.cmp(key))
    }

    /// The value at `key`.
    pub fn get(&self, key: &Key) -> Option<&Val<'a>> {
        self.position(key).ok().map(|at| &self.0[at].1)
    }

    /// Puts `value` at `key`, and says whether there was none before.
    pub fn insert(&mut self, key: Key, value: Val<'a>) -> bool {
        match self.position(&key) {
            Ok(at) => {
                self.0[at].1 = value;
                false
            }
            Err(at) => {
                self.0.insert(at, (key, value));
                true
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Ok(at) = self.position(key) {
            self.0.remove(at);
        }
    }
}

/// A map: of the data, or made by an expression.
#[derive(Clone)]
pub enum Map<'a> {
    /// A map of the data.
    Data(&'a runtime::Map),
    /// A map of data whose names may be [escaped](Val::escaped).
    Escaped(&'a runtime::Map),
    /// A record of the data, as its JSON would be.
    Record(Dynamic<'a>),
    /// Made by an expression.
    Owned(Arc<OwnedMap<'a>>),
}

impl<'a> Map<'a> {
    /// The value at `key`.
    pub fn get(&self, key: &Val<'_>) -> Option<Val<'a>> {
        match self {
            Self::Data(map) => map.get(key.as_str()?).map(Val::from),
            Self::Escaped(map) => by_escaped_name(map, key.as_str()?),
            Self::Record(record) => record.get(key.as_str()?),
            Self::Owned(map) => map.get(&Key::of(key)?).cloned(),
        }
    }

    /// The same for keys that are text.
    pub fn get_str(&self, key: &str) -> Option<Val<'a>> {
        match self {
            Self::Data(map) => map.get(key).map(Val::from),
            Self::Escaped(map) => by_escaped_name(map, key),
            Self::Record(record) => record.get(key),
            Self::Owned(map) => {
                let at = map.0.binary_search_by(|(found, _)| match found {
                    Key::String(text) => text.as_str().cmp(key),
                    _ => Ordering::Less,
                });
                at.ok().map(|at| map.0[at].1.clone())
            }
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Data(map) | Self::Escaped(map) => map.len(),
            Self::Record(record) => record.len(),
            Self::Owned(map) => map.0.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keys and values.
    pub fn entries(&self) -> Vec<(Val<'a>, Val<'a>)> {
        match self {
            Self::Data(map) => map
                .iter()
                .map(|(key, value)| (Val::String(key.clone()), Val::from(value)))
                .collect(),
            Self::Escaped(map) => map
                .iter()
                .map(|(key, value)| (Val::String(key.clone()), Val::escaped(value)))
                .collect(),
            Self::Record(record) => record
                .entries()
                .map(|(name, value)| (Val::String(name), value))
                .collect(),
            Self::Owned(map) => map
                .0
                .iter()
                .map(|(key, value)| (key.value(), value.clone()))
                .collect(),
        }
    }

    /// With one entry more.
    ///
    /// # Errors
    /// Where there is a value at `key`, or `key` can not be one.
    pub(crate) fn with(self, key: &Val<'a>, value: Val<'a>) -> Result<Self, EvalError> {
        let mut map = match self {
            Self::Owned(map) => map,
            other => {
                let mut owned = OwnedMap::default();
                for (key, value) in other.entries() {
                    if let Some(key) = Key::of(&key) {
                        owned.insert(key, value);
                    }
                }
                Arc::new(owned)
            }
        };
        let key = Key::of(key).ok_or_else(|| EvalError::fixed("unsupported key type"))?;
        if map.get(&key).is_some() {
            let shown = crate::library::convert::plain(&key.value());
            return Err(EvalError::new(format!(
                "insert failed: key {shown} already exists"
            )));
        }
        Arc::make_mut(&mut map).insert(key, value);
        Ok(Self::Owned(map))
    }
}

/// The value of a name that may be escaped, and only of what it stands for if it is.
fn by_escaped_name<'a>(map: &'a runtime::Map, name: &str) -> Option<Val<'a>> {
    let found = match unescaped(name) {
        Some(plain) => map.get(&plain),
        None => map.get(name),
    };
    found.map(Val::escaped)
}
