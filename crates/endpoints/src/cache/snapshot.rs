//! All objects of a resource at one revision.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::RangedIter;
use pintle_storage::Revision;

use pintle_runtime::status::ApiError;

use super::entry::Entry;
use super::event::Event;
use super::forms::Forms;
use super::selection::Selection;
use super::unreadable::{AllUnreadable, Decoded, Unreadable};

/// All objects of a resource at one revision. It never changes, and copying it copies nothing: a
/// change makes a new one that shares all but a few nodes of the trees with the old one.
///
/// Inner nodes of a tree keep copies of keys for as long as they find their way by them, and that may be much longer than
/// the object is there. So keys are texts, and not the objects that they are of.
#[derive(Clone)]
pub struct Snapshot {
    /// Of the last change that is in it. The store may be further; then others changed.
    revision: Revision,
    objects: OrdMap<Arc<str>, Arc<Entry>>,
    indexes: Box<[Index]>,
    /// What is there, too, and can not be read.
    unreadable: AllUnreadable,
}

/// Objects whose size stands for that of all.
const SAMPLE: usize = 8;

/// A leaf of a tree, which a change makes anew.
const LEAF: usize = 1024;

/// Objects by the value of one field; those without a value are not in it.
#[derive(Clone)]
struct Index {
    /// The position of the field among an entry's values.
    field: usize,
    objects: OrdMap<Place, Arc<Entry>>,
}

impl Snapshot {
    /// A resource without objects.
    pub(crate) fn empty(forms: &Forms, revision: Revision) -> Self {
        let indexes = forms
            .indexed()
            .map(|field| Index {
                field,
                objects: OrdMap::new(),
            })
            .collect();
        Self {
            revision,
            objects: OrdMap::new(),
            indexes,
            unreadable: AllUnreadable::default(),
        }
    }

    /// The revision of the last change that is in it.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// About how many bytes its objects have, by some of them.
    pub(crate) fn estimated_size(&self) -> usize {
        self.average_size().saturating_mul(self.len())
    }

    /// About how many bytes an object has, by some of them.
    pub(crate) fn average_size(&self) -> usize {
        let sizes = self.entries().take(SAMPLE).map(|entry| entry.size());
        let (sampled, size) = sizes.fold((0, 0), |(count, sum), size| (count + 1, sum + size));
        size / usize::max(sampled, 1)
    }

    /// How many objects are stored, with those that can not be read.
    pub(crate) fn held(&self) -> usize {
        self.len() + self.unreadable.iter().count()
    }

    /// About the bytes of memory that one more change keeps from being shared with an older snapshot.
    pub(crate) fn size_of_change(&self) -> usize {
        (1 + self.indexes.len()) * LEAF
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// All objects, in the order of keys.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry>> {
        self.objects.iter().map(|(_, entry)| entry)
    }

    /// The object at `key`, which is `namespace/name` or `name`.
    pub fn get(&self, key: &str) -> Option<&Arc<Entry>> {
        self.objects.get(key)
    }

    /// All objects, in the order of keys.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.objects.values()
    }

    /// The objects in an interval of keys, in the order of keys.
    pub(crate) fn range<'a>(
        &'a self,
        interval: &Interval,
    ) -> impl DoubleEndedIterator<Item = &'a Arc<Entry>> + use<'a> {
        let range: RangedIter<'a, Arc<str>, Arc<Entry>, _> = self.objects.range::<_, str>((
            interval.start.as_ref().map(AsRef::as_ref),
            interval.end.as_ref().map(AsRef::as_ref),
        ));
        range.map(|(_, entry)| entry)
    }

    /// The objects whose indexed field has `value`, in an interval of keys and in their order.
    /// `None` if the field is not indexed.
    pub(crate) fn indexed<'a>(
        &'a self,
        field: usize,
        value: &str,
        interval: &Interval,
    ) -> Option<impl Iterator<Item = &'a Arc<Entry>> + use<'a>> {
        let index = self.indexes.iter().find(|index| index.field == field)?;
        let at = |key| At { value, key };
        let start = match interval.start.as_ref().map(|key| at(Some(key))) {
            Bound::Unbounded => Bound::Included(at(Some(""))),
            bound => bound,
        };
        let end = match interval.end.as_ref().map(|key| at(Some(key))) {
            Bound::Unbounded => Bound::Included(at(None)),
            bound => bound,
        };
        let range: RangedIter<'a, Place, Arc<Entry>, _> =
            index.objects.range::<_, At<'_>>((start, end));
        Some(range.map(|(_, entry)| entry))
    }

    /// Everything that can not be read, in the order of keys.
    pub(crate) fn all_unreadable(&self) -> impl Iterator<Item = &Arc<Unreadable>> {
        self.unreadable.iter()
    }

    /// What is at `key` and can not be read.
    pub(crate) fn unreadable(&self, key: &str) -> Option<&Arc<Unreadable>> {
        self.unreadable.get(key)
    }

    /// Whether everything that could be selected in an interval of keys can be read.
    ///
    /// # Errors
    /// 500, with a key that can not be read and the reason.
    pub(crate) fn check_readable(
        &self,
        interval: &Interval,
        selection: Option<&Selection>,
    ) -> Result<(), ApiError> {
        self.unreadable.check(interval, selection)
    }

    /// Takes in what a record of the storage turned out to be; gives back the old state.
    pub(crate) fn take_in(&mut self, decoded: &Decoded) -> Option<Arc<Entry>> {
        match decoded {
            Ok(entry) => self.put(entry),
            Err(unreadable) => {
                let old = self.remove(unreadable.key(), unreadable.revision());
                self.unreadable.note(unreadable);
                old
            }
        }
    }

    /// Takes in a change that is not in it yet.
    pub(crate) fn follow(&mut self, event: &Event) {
        match (event.new_entry(), event.unreadable()) {
            (Some(entry), _) => {
                self.put(entry);
            }
            (None, Some(unreadable)) => {
                self.remove(unreadable.key(), unreadable.revision());
                self.unreadable.note(unreadable);
            }
            (None, None) => {
                self.remove(event.key(), event.revision());
            }
        }
    }

    /// Says that nothing has changed up to `revision`.
    pub(crate) fn advance(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
    }

    /// Puts a new state of an object in place, and gives back the old one.
    pub(crate) fn put(&mut self, entry: &Arc<Entry>) -> Option<Arc<Entry>> {
        self.revision = self.revision.max(entry.revision());
        self.unreadable.forget(entry.key());
        let old = self
            .objects
            .insert(Arc::clone(&entry.key), Arc::clone(entry));
        for index in &mut self.indexes {
            index.replace(old.as_ref(), Some(entry));
        }
        old
    }

    /// Takes an object out.
    pub(crate) fn remove(&mut self, key: &str, revision: Revision) -> Option<Arc<Entry>> {
        self.revision = self.revision.max(revision);
        self.unreadable.forget(key);
        let old = self.objects.remove(key);
        for index in &mut self.indexes {
            index.replace(old.as_ref(), None);
        }
        old
    }
}

impl Index {
    fn replace(&mut self, old: Option<&Arc<Entry>>, new: Option<&Arc<Entry>>) {
        let field = self.field;
        let has_value = |entry: &&Arc<Entry>| !entry.value(field).is_empty();
        let (old, new) = (old.filter(has_value), new.filter(has_value));
        if let (Some(old), Some(new)) = (old, new)
            && old.value(field) == new.value(field)
            && let Some(entry) = self.objects.get_mut(&At::of(new, field))
        {
            *entry = Arc::clone(new);
            return;
        }
        if let Some(old) = old {
            self.objects.remove(&At::of(old, field));
        }
        if let Some(new) = new {
            let place = Place::new(new.value(field), new.key());
            self.objects.insert(place, Arc::clone(new));
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} objects at {}", self.len(), self.revision)
    }
}

/// An interval of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) start: Bound<Box<str>>,
    pub(crate) end: Bound<Box<str>>,
}

impl Interval {
    /// Every key.
    pub(crate) const fn all() -> Self {
        Self {
            start: Bound::Unbounded,
            end: Bound::Unbounded,
        }
    }

    /// The keys of one namespace.
    pub(crate) fn namespace(namespace: &str) -> Self {
        // '0' is the character after '/'.
        Self {
            start: Bound::Included(format!("{namespace}/").into()),
            end: Bound::Excluded(format!("{namespace}0").into()),
        }
    }

    /// Whether `key` is in it.
    pub(crate) fn contains(&self, key: &str) -> bool {
        let (start, end) = (
            self.start.as_ref().map(|key| &**key),
            self.end.as_ref().map(|key| &**key),
        );
        RangeBounds::<str>::contains(&(start, end), key)
    }

    /// What is in it up to `key` and with it.
    pub(crate) fn up_to(&self, key: &str) -> Self {
        Self {
            start: self.start.clone(),
            end: Bound::Included(key.into()),
        }
    }

    /// What is left of it from `key` on. It must not be before its start.
    pub(crate) fn from(&self, key: Bound<Box<str>>) -> Self {
        Self {
            start: key,
            end: self.end.clone(),
        }
    }
}

/// Where an object is in an index: the value of the field, and then the object's key.
#[derive(Clone)]
struct Place {
    text: Arc<str>,
    key_at: u32,
}

impl Place {
    fn new(value: &str, key: &str) -> Self {
        Self {
            text: [value, key].concat().into(),
            key_at: value.len() as u32,
        }
    }

    /// Places are ordered by value, and then by key.
    fn order(&self) -> (&str, &str) {
        self.text.split_at(self.key_at as usize)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// What a [`Place`] is looked up with; without a key it is after all places of the value.
struct At<'a> {
    value: &'a str,
    key: Option<&'a str>,
}

impl<'a> At<'a> {
    fn of(entry: &'a Entry, field: usize) -> Self {
        Self {
            value: entry.value(field),
            key: Some(entry.key()),
        }
    }
}

impl equivalent::Equivalent<Place> for At<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        equivalent::Comparable::compare(self, place).is_eq()
    }
}

impl equivalent::Comparable<Place> for At<'_> {
    fn compare(&self, place: &Place) -> Ordering {
        let (value, key) = place.order();
        self.value
            .cmp(value)
            .then_with(|| self.key.map_or(Ordering::Greater, |own| own.cmp(key)))
    }
}
