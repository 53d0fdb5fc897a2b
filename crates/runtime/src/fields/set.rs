//! Sets of field paths.

use std::cmp::Ordering;

use super::element::PathElement;

/// A set of paths, as a tree. A path can be in the set without its parts being in it, and the
/// other way round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Ordered by element; never an entry that is neither a member nor has children.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) element: PathElement,
    pub(super) member: bool,
    pub(super) children: Set,
}

impl Entry {
    fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }
}

impl Set {
    /// The empty set.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Whether no path is in the set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn push_sorted(&mut self, element: PathElement, member: bool, children: Self) {
        let entry = Entry {
            element,
            member,
            children,
        };
        if entry.is_empty() {
            return;
        }
        match self.entries.last() {
            Some(last) if last.element >= entry.element => match self.position(&entry.element) {
                Ok(at) => {
                    let found = &mut self.entries[at];
                    found.member |= entry.member;
                    found.children = found.children.union(&entry.children);
                }
                Err(at) => self.entries.insert(at, entry),
            },
            _ => self.entries.push(entry),
        }
    }

    fn position(&self, element: &PathElement) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|entry| entry.element.cmp(element))
    }

    /// Whether the one-step path `element` is in the set.
    pub fn has(&self, element: &PathElement) -> bool {
        self.position(element)
            .is_ok_and(|at| self.entries[at].member)
    }

    /// What is in the set below `element`.
    pub fn below(&self, element: &PathElement) -> Option<&Self> {
        self.position(element)
            .ok()
            .map(|at| &self.entries[at].children)
            .filter(|below| !below.is_empty())
    }

    /// Adds `path`; the empty path is in no set.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let at = match self.position(first) {
            Ok(at) => at,
            Err(at) => {
                self.entries.insert(
                    at,
                    Entry {
                        element: first.clone(),
                        member: false,
                        children: Self::new(),
                    },
                );
                at
            }
        };
        if rest.is_empty() {
            self.entries[at].member = true;
        } else {
            self.entries[at].children.insert(rest);
        }
    }

    /// A set of paths that are given as names of fields.
    pub fn of_fields(paths: &[&[&'static str]]) -> Self {
        let mut set = Self::new();
        for path in paths {
            let path: Vec<_> = path
                .iter()
                .map(|&name| PathElement::Field(name.into()))
                .collect();
            set.insert(&path);
        }
        set
    }

    /// What is in either set.
    pub fn union(&self, other: &Self) -> Self {
        self.join(other, |mine, theirs| match (mine, theirs) {
            (Some(mine), Some(theirs)) => Some(Entry {
                element: mine.element.clone(),
                member: mine.member || theirs.member,
                children: mine.children.union(&theirs.children),
            }),
            (one, other) => one.or(other).cloned(),
        })
    }

    /// What is in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        self.join(other, |mine, theirs| {
            let (mine, theirs) = (mine?, theirs?);
            Some(Entry {
                element: mine.element.clone(),
                member: mine.member && theirs.member,
                children: mine.children.intersection(&theirs.children),
            })
        })
    }

    /// What is in this set and not in the other. A path in `other` takes nothing below it away.
    pub fn difference(&self, other: &Self) -> Self {
        self.join(other, |mine, theirs| {
            let mine = mine?;
            let Some(theirs) = theirs else {
                return Some(mine.clone());
            };
            Some(Entry {
                element: mine.element.clone(),
                member: mine.member && !theirs.member,
                children: mine.children.difference(&theirs.children),
            })
        })
    }

    /// What is in this set and neither in the other nor below a path that is.
    pub fn recursive_difference(&self, other: &Self) -> Self {
        self.join(other, |mine, theirs| {
            let mine = mine?;
            let Some(theirs) = theirs else {
                return Some(mine.clone());
            };
            (!theirs.member).then(|| Entry {
                element: mine.element.clone(),
                member: mine.member,
                children: mine.children.recursive_difference(&theirs.children),
            })
        })
    }

    /// Every path of the set: at each level the members, then what is below each.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Vec<PathElement>>) {
        for entry in self.entries.iter().filter(|entry| entry.member) {
            paths.push([&prefix[..], std::slice::from_ref(&entry.element)].concat());
        }
        for entry in &self.entries {
            prefix.push(entry.element.clone());
            entry.children.collect(prefix, paths);
            prefix.pop();
        }
    }

    fn join(
        &self,
        other: &Self,
        mut pick: impl FnMut(Option<&Entry>, Option<&Entry>) -> Option<Entry>,
    ) -> Self {
        let mut entries = Vec::with_capacity(self.entries.len());
        let (mut mine, mut theirs) = (
            self.entries.iter().peekable(),
            other.entries.iter().peekable(),
        );
        loop {
            let picked = match (mine.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => pick(mine.next(), None),
                (None, Some(_)) => pick(None, theirs.next()),
                (Some(left), Some(right)) => match left.element.cmp(&right.element) {
                    Ordering::Less => pick(mine.next(), None),
                    Ordering::Greater => pick(None, theirs.next()),
                    Ordering::Equal => pick(mine.next(), theirs.next()),
                },
            };
            entries.extend(picked.filter(|entry| !entry.is_empty()));
        }
        Self { entries }
    }
}
