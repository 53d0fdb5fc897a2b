//! Maps to strings and to objects.

use std::fmt;
use std::marker::PhantomData;

use super::{View, access, record};
use crate::text::Text;
use crate::value::{Map, Record, Value};

/// A map to strings to read, in bytewise order of the keys.
#[derive(Clone, Copy, Default)]
pub struct StringMap<'a>(Option<&'a Map>);

impl<'a> StringMap<'a> {
    /// The map at `at` of `record`.
    #[inline]
    pub fn at(record: &'a Record, at: usize) -> Self {
        Self(access::entries(record, at))
    }

    /// Whether the map is there, if only empty.
    pub fn is_present(&self) -> bool {
        self.0.is_some()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.map_or(0, Map::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `key`.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0?.get(key)?.as_str()
    }

    /// Whether `key` has a value.
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.is_some_and(|map| map.contains_key(key))
    }

    /// The entries in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.0
            .into_iter()
            .flat_map(Map::iter)
            .map(|(key, value)| (key.as_str(), value.as_str().unwrap_or("")))
    }

    /// The map as it is.
    pub fn map(&self) -> Option<&'a Map> {
        self.0
    }
}

impl fmt::Debug for StringMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A map to strings to change. The map comes into being with the first entry.
pub struct StringMapMut<'a> {
    record: &'a mut Record,
    at: usize,
}

impl<'a> StringMapMut<'a> {
    /// The map at `at` of `record`.
    #[inline]
    pub fn at(record: &'a mut Record, at: usize) -> Self {
        Self { record, at }
    }

    /// The map to read.
    pub fn view(&self) -> StringMap<'_> {
        StringMap::at(self.record, self.at)
    }

    /// Puts `value` at `key`, in place of what was there.
    pub fn insert(&mut self, key: impl Into<Text>, value: impl Into<Text>) {
        let value = Value::String(value.into());
        access::entries_or_new(self.record, self.at).insert(key, value);
    }

    /// Takes out what is at `key`, and says whether there was anything.
    pub fn remove(&mut self, key: &str) -> bool {
        access::entries_mut(self.record, self.at).is_some_and(|map| map.remove(key).is_some())
    }

    /// Keeps the entries for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        if let Some(map) = access::entries_mut(self.record, self.at) {
            map.retain(|key, value| keep(key, value.as_str().unwrap_or("")));
        }
    }

    /// The map as it is, for what is not offered here.
    pub fn map_mut(&mut self) -> &mut Map {
        access::entries_or_new(self.record, self.at)
    }
}

/// A map to objects to read, in bytewise order of the keys.
pub struct ObjectMap<'a, V> {
    map: Option<&'a Map>,
    of: PhantomData<fn() -> V>,
}

impl<'a, V: View> ObjectMap<'a, V> {
    /// The map at `at` of `record`.
    #[inline]
    pub fn at(record: &'a Record, at: usize) -> Self {
        Self {
            map: access::entries(record, at),
            of: PhantomData,
        }
    }

    /// Whether the map is there, if only empty.
    pub fn is_present(&self) -> bool {
        self.map.is_some()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.map.map_or(0, Map::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The object at `key`.
    pub fn get(&self, key: &str) -> Option<V::Ref<'a>> {
        self.map?.get(key).and_then(record).map(V::of)
    }

    /// The entries in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, V::Ref<'a>)> + use<'a, V> {
        self.map
            .into_iter()
            .flat_map(Map::iter)
            .filter_map(|(key, value)| Some((key.as_str(), V::of(record(value)?))))
    }
}

impl<V> Clone for ObjectMap<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for ObjectMap<'_, V> {}

impl<V> fmt::Debug for ObjectMap<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.map.into_iter().flat_map(Map::iter))
            .finish()
    }
}

/// A map to objects to change. The map comes into being with the first entry.
pub struct ObjectMapMut<'a, V> {
    record: &'a mut Record,
    at: usize,
    of: PhantomData<fn() -> V>,
}

impl<'a, V: View> ObjectMapMut<'a, V> {
    /// The map at `at` of `record`.
    #[inline]
    pub fn at(record: &'a mut Record, at: usize) -> Self {
        Self {
            record,
            at,
            of: PhantomData,
        }
    }

    /// The map to read.
    pub fn view(&self) -> ObjectMap<'_, V> {
        ObjectMap::at(self.record, self.at)
    }

    /// The object at `key`.
    pub fn get_mut(&mut self, key: &str) -> Option<V::Mut<'_>> {
        match access::entries_mut(self.record, self.at)?.get_mut(key)? {
            Value::Record(record) => Some(V::of_mut(record)),
            _ => None,
        }
    }

    /// Puts `item` at `key`, in place of what was there; it must be of the map's type.
    pub fn insert(&mut self, key: impl Into<Text>, item: Record) {
        debug_assert_eq!(item.ty().name, V::table().name);
        access::entries_or_new(self.record, self.at).insert(key, Value::Record(item));
    }

    /// Takes out what is at `key`, and says whether there was anything.
    pub fn remove(&mut self, key: &str) -> bool {
        access::entries_mut(self.record, self.at).is_some_and(|map| map.remove(key).is_some())
    }

    /// The objects in order of the keys.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, V::Mut<'_>)> {
        access::entries_mut(self.record, self.at)
            .into_iter()
            .flat_map(Map::iter_mut)
            .filter_map(|(key, value)| match value {
                Value::Record(record) => Some((key.as_str(), V::of_mut(record))),
                _ => None,
            })
    }
}
