//! Which objects of a resource a request is about.

use std::sync::Arc;

use pintle_runtime::selector::{FieldOperator, FieldSelector, LabelSelector};

use super::entry::Entry;
use super::event::{Event, EventType};
use super::forms::Forms;
use super::snapshot::{Interval, Snapshot};

/// The objects that a list, a watch or a deletion of many is about: a place, and selectors.
#[derive(Clone, Debug)]
pub struct Selection {
    namespace: Option<Box<str>>,
    name: Option<Box<str>>,
    labels: LabelSelector,
    fields: Box<[FieldTerm]>,
    /// The position among `fields` of one that the snapshot has an index for.
    index: Option<usize>,
    namespaced: bool,
}

/// A condition on the value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldTerm {
    place: Place,
    equal: bool,
    value: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Name,
    Namespace,
    /// A position among an entry's values.
    Value(usize),
    /// The kind has no such field: it is empty.
    Nowhere,
}

impl Selection {
    /// The objects in `namespace`, or in all, that both selectors select. `fields` has canonical
    /// labels (see [`canonical_fields`](crate::list_options::canonical_fields)).
    ///
    /// A requirement on `metadata.name` makes it a question for one object.
    pub fn new(
        forms: &Forms,
        namespace: Option<&str>,
        labels: LabelSelector,
        fields: &FieldSelector,
    ) -> Self {
        let terms: Box<[FieldTerm]> = fields
            .terms()
            .iter()
            .map(|term| FieldTerm::new(forms, term))
            .collect();
        let indexed: Vec<usize> = forms.indexed().collect();
        let index = terms.iter().position(|term| {
            term.equal
                && !term.value.is_empty()
                && matches!(term.place, Place::Value(at) if indexed.contains(&at))
        });
        let equal_to = |place| {
            let term = terms
                .iter()
                .find(|term| term.equal && term.place == place)?;
            (!term.value.is_empty()).then(|| term.value.clone())
        };
        let name = equal_to(Place::Name);
        let namespace = match namespace.filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => Some(namespace.into()),
            None => equal_to(Place::Namespace),
        };
        let namespace = namespace.filter(|_| forms.namespaced());
        Self {
            namespace,
            name,
            labels,
            fields: terms,
            index,
            namespaced: forms.namespaced(),
        }
    }

    /// Everything in `namespace`, or in all.
    pub fn everything(forms: &Forms, namespace: Option<&str>) -> Self {
        Self::new(
            forms,
            namespace,
            LabelSelector::everything(),
            &FieldSelector::everything(),
        )
    }

    /// Whether selectors narrow it, beyond the place.
    pub fn is_selective(&self) -> bool {
        !self.labels.is_everything() || !self.fields.is_empty()
    }

    /// The key of the one object that can be selected, if there is only one.
    pub(crate) fn key(&self) -> Option<Arc<str>> {
        let name = self.name.as_deref()?;
        if !self.namespaced {
            return Some(name.into());
        }
        self.namespace
            .as_deref()
            .map(|namespace| super::key(Some(namespace), name).0)
    }

    /// The namespace, unless it is all of them.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The indexed field and the value that it must have.
    pub(crate) fn indexed(&self) -> Option<(usize, &str)> {
        let term = &self.fields[self.index?];
        match term.place {
            Place::Value(at) => Some((at, &term.value)),
            _ => None,
        }
    }

    /// The keys among which the selected objects are.
    pub(crate) fn interval(&self) -> Interval {
        self.namespace
            .as_deref()
            .map_or_else(Interval::all, Interval::namespace)
    }

    /// Whether the object is selected.
    pub fn matches(&self, entry: &Entry) -> bool {
        self.namespace
            .as_deref()
            .is_none_or(|namespace| entry.namespace() == namespace)
            && self.fields.iter().all(|term| term.matches(entry))
            && (self.labels.is_everything() || self.labels.matches(|key| entry.label(key)))
    }

    /// Whether an object of which nothing is known but its key may be selected.
    pub(crate) fn may_select(&self, key: &str) -> bool {
        let (namespace, name) = key.rsplit_once('/').unwrap_or(("", key));
        let may_hold = |term: &FieldTerm| match term.place {
            Place::Name => (name == &*term.value) == term.equal,
            Place::Namespace => (namespace == &*term.value) == term.equal,
            Place::Value(_) | Place::Nowhere => true,
        };
        self.namespace
            .as_deref()
            .is_none_or(|selected| namespace == selected)
            && self.fields.iter().all(may_hold)
    }

    /// What a change means to who watches the selection; `None` if it is outside before and after.
    pub(crate) fn classify(&self, event: &Event) -> Option<EventType> {
        self.classify_by(event, |entry| self.matches(entry))
    }

    /// The same for a change that was looked up by the selection's place: objects that are elsewhere do not come.
    pub(crate) fn classify_filed(&self, event: &Event) -> Option<EventType> {
        // With many watchers, what is not looked at is a cache miss less for each of them.
        let is_selective = self.is_selective();
        self.classify_by(event, |entry| !is_selective || self.matches(entry))
    }

    fn classify_by(
        &self,
        event: &Event,
        is_selected: impl Fn(&Entry) -> bool,
    ) -> Option<EventType> {
        if let Some(unreadable) = event.unreadable() {
            return self
                .may_select(unreadable.key())
                .then_some(EventType::Error);
        }
        let is_in = |entry: Option<&Arc<Entry>>| entry.is_some_and(|entry| is_selected(entry));
        match (is_in(event.old_entry()), is_in(event.new_entry())) {
            (false, true) => Some(EventType::Added),
            (true, true) => Some(EventType::Modified),
            (true, false) => Some(EventType::Deleted),
            (false, false) => None,
        }
    }

    /// Calls `visit` with the selected objects of an interval, in the order of keys, until it says
    /// to stop by `false`. The answer is how many objects were looked at.
    pub(crate) fn visit(
        &self,
        snapshot: &Snapshot,
        interval: &Interval,
        mut visit: impl FnMut(&Arc<Entry>) -> bool,
    ) -> u64 {
        if !self.is_selective() {
            // The interval says it all, and an entry that is not looked at costs no cache miss.
            return each(snapshot.range(interval), visit);
        }
        let visit = |entry: &Arc<Entry>| !self.matches(entry) || visit(entry);
        if let Some(key) = self.key() {
            let entry = snapshot.get(&key).filter(|_| interval.contains(&key));
            return each(entry.into_iter(), visit);
        }
        let indexed = self
            .indexed()
            .and_then(|(field, value)| snapshot.indexed(field, value, interval));
        match indexed {
            Some(indexed) => each(indexed, visit),
            None => each(snapshot.range(interval), visit),
        }
    }
}

fn each<'a>(
    entries: impl Iterator<Item = &'a Arc<Entry>>,
    mut visit: impl FnMut(&'a Arc<Entry>) -> bool,
) -> u64 {
    let mut seen = 0;
    for entry in entries {
        seen += 1;
        if !visit(entry) {
            break;
        }
    }
    seen
}

impl FieldTerm {
    fn new(forms: &Forms, term: &pintle_runtime::selector::FieldTerm) -> Self {
        let place = match &*term.field {
            "metadata.name" => Place::Name,
            "metadata.namespace" => Place::Namespace,
            label => forms.selectable(label).map_or(Place::Nowhere, Place::Value),
        };
        Self {
            place,
            equal: term.operator == FieldOperator::Equals,
            value: term.value.clone(),
        }
    }

    fn matches(&self, entry: &Entry) -> bool {
        let found = match self.place {
            Place::Name => entry.name(),
            Place::Namespace => entry.namespace(),
            Place::Value(at) => entry.value(at),
            Place::Nowhere => "",
        };
        (found == &*self.value) == self.equal
    }
}
