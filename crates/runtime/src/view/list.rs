//! Lists of objects and of strings.

use std::fmt;
use std::marker::PhantomData;

use super::{View, access, record};
use crate::text::Text;
use crate::value::{Record, Value};

/// A list of objects to read. What is no object in it (a `null` between them) is passed over by
/// [`List::iter`] and reads as an empty object by position.
pub struct List<'a, V> {
    items: Option<&'a [Value]>,
    of: PhantomData<fn() -> V>,
}

impl<'a, V: View> List<'a, V> {
    /// The list at `at` of `record`.
    #[inline]
    pub fn at(record: &'a Record, at: usize) -> Self {
        Self {
            items: access::items(record, at),
            of: PhantomData,
        }
    }

    /// Whether the list is there, if only empty.
    pub fn is_present(&self) -> bool {
        self.items.is_some()
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.values().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    /// The item at `index`.
    pub fn get(&self, index: usize) -> Option<V::Ref<'a>> {
        self.values().get(index).and_then(record).map(V::of)
    }

    /// The first item.
    pub fn first(&self) -> Option<V::Ref<'a>> {
        self.get(0)
    }

    /// The items in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = V::Ref<'a>> + use<'a, V> {
        self.values().iter().filter_map(record).map(V::of)
    }

    /// The items as they are.
    pub fn values(&self) -> &'a [Value] {
        self.items.unwrap_or_default()
    }
}

impl<V> Clone for List<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for List<'_, V> {}

impl<V> fmt::Debug for List<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.items.unwrap_or_default())
            .finish()
    }
}

impl<'a, V: View + 'a> IntoIterator for List<'a, V> {
    type Item = V::Ref<'a>;
    type IntoIter = Items<'a, V>;

    fn into_iter(self) -> Self::IntoIter {
        Items {
            rest: self.values().iter(),
            of: PhantomData,
        }
    }
}

/// The items of a [`List`] in order.
pub struct Items<'a, V> {
    rest: std::slice::Iter<'a, Value>,
    of: PhantomData<fn() -> V>,
}

impl<'a, V: View> Iterator for Items<'a, V> {
    type Item = V::Ref<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest.find_map(|value| record(value)).map(V::of)
    }
}

/// A list of objects to change. The list comes into being with the first item.
pub struct ListMut<'a, V> {
    record: &'a mut Record,
    at: usize,
    of: PhantomData<fn() -> V>,
}

impl<'a, V: View> ListMut<'a, V> {
    /// The list at `at` of `record`.
    #[inline]
    pub fn at(record: &'a mut Record, at: usize) -> Self {
        Self {
            record,
            at,
            of: PhantomData,
        }
    }

    /// The list to read.
    pub fn view(&self) -> List<'_, V> {
        List::at(self.record, self.at)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        access::values(self.record, self.at).len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`.
    pub fn get_mut(&mut self, index: usize) -> Option<V::Mut<'_>> {
        match access::items_mut(self.record, self.at)?.get_mut(index)? {
            Value::Record(record) => Some(V::of_mut(record)),
            _ => None,
        }
    }

    /// The items in order.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = V::Mut<'_>> {
        let items = access::items_mut(self.record, self.at).map_or(&mut [][..], Vec::as_mut_slice);
        items.iter_mut().filter_map(|value| match value {
            Value::Record(record) => Some(V::of_mut(record)),
            _ => None,
        })
    }

    /// Puts `item` at the end; it must be of the list's type.
    pub fn push(&mut self, item: Record) {
        debug_assert_eq!(item.ty().name, V::table().name);
        access::items_or_new(self.record, self.at).push(Value::Record(item));
    }

    /// Puts an item without any field at the end, to be filled.
    pub fn push_new(&mut self) -> V::Mut<'_> {
        let items = access::items_or_new(self.record, self.at);
        items.push(Value::Record(V::new_record()));
        match items.last_mut() {
            Some(Value::Record(record)) => V::of_mut(record),
            _ => unreachable!("the item was put there above"),
        }
    }

    /// Keeps the items for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(V::Ref<'_>) -> bool) {
        if let Some(items) = access::items_mut(self.record, self.at) {
            items.retain(|value| record(value).is_none_or(|record| keep(V::of(record))));
        }
    }

    /// The items as they are, for what is not offered here.
    pub fn values_mut(&mut self) -> &mut Vec<Value> {
        access::items_or_new(self.record, self.at)
    }
}

/// A list of strings to read.
#[derive(Clone, Copy, Default)]
pub struct Strings<'a>(Option<&'a [Value]>);

impl<'a> Strings<'a> {
    /// The list at `at` of `record`.
    #[inline]
    pub fn at(record: &'a Record, at: usize) -> Self {
        Self(access::items(record, at))
    }

    /// Whether the list is there, if only empty.
    pub fn is_present(&self) -> bool {
        self.0.is_some()
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.values().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    /// The string at `index`.
    pub fn get(&self, index: usize) -> Option<&'a str> {
        self.values().get(index)?.as_str()
    }

    /// The first string.
    pub fn first(&self) -> Option<&'a str> {
        self.get(0)
    }

    /// Whether `text` is among them.
    pub fn contains(&self, text: &str) -> bool {
        self.iter().any(|found| found == text)
    }

    /// The strings in order.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = &'a str> + DoubleEndedIterator + Clone + use<'a> {
        self.values()
            .iter()
            .map(|value| value.as_str().unwrap_or(""))
    }

    /// The items as they are.
    pub fn values(&self) -> &'a [Value] {
        self.0.unwrap_or_default()
    }
}

impl fmt::Debug for Strings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A list of strings to change. The list comes into being with the first string.
pub struct StringsMut<'a> {
    record: &'a mut Record,
    at: usize,
}

impl<'a> StringsMut<'a> {
    /// The list at `at` of `record`.
    #[inline]
    pub fn at(record: &'a mut Record, at: usize) -> Self {
        Self { record, at }
    }

    /// The list to read.
    pub fn view(&self) -> Strings<'_> {
        Strings::at(self.record, self.at)
    }

    /// Puts `text` at the end.
    pub fn push(&mut self, text: impl Into<Text>) {
        let text = Value::String(text.into());
        access::items_or_new(self.record, self.at).push(text);
    }

    /// Keeps the strings for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        if let Some(items) = access::items_mut(self.record, self.at) {
            items.retain(|value| value.as_str().is_none_or(&mut keep));
        }
    }

    /// The items as they are, for what is not offered here.
    pub fn values_mut(&mut self) -> &mut Vec<Value> {
        access::items_or_new(self.record, self.at)
    }
}

impl<T: Into<Text>> Extend<T> for StringsMut<'_> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, texts: I) {
        let items = access::items_or_new(self.record, self.at);
        items.extend(texts.into_iter().map(|text| Value::String(text.into())));
    }
}
