//! Sets of field paths.

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

    /// The empty set, with room for so many elements.
    pub(super) fn with_capacity(elements: usize) -> Self {
        Self {
            entries: Vec::with_capacity(elements),
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
                    found.children = std::mem::take(&mut found.children).union(entry.children);
                }
                Err(at) => self.entries.insert(at, entry),
            },
            _ => self.entries.push(entry),
        }
    }

    /// Adds an entry behind all others; `None` if it does not belong there, or says nothing.
    pub(super) fn append(
        &mut self,
        element: PathElement,
        member: bool,
        children: Self,
    ) -> Option<()> {
        let entry = Entry {
            element,
            member,
            children,
        };
        let is_next = self
            .entries
            .last()
            .is_none_or(|last| last.element < entry.element);
        (is_next && !entry.is_empty()).then(|| self.entries.push(entry))
    }

    pub(super) fn entry(&self, element: &PathElement) -> Option<&Entry> {
        self.position(element).ok().map(|at| &self.entries[at])
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

    /// Whether everything in `other` is in this set too.
    pub fn has_all(&self, other: &Self) -> bool {
        other.entries.iter().all(|theirs| {
            self.position(&theirs.element).is_ok_and(|at| {
                let mine = &self.entries[at];
                mine.member >= theirs.member && mine.children.has_all(&theirs.children)
            })
        })
    }

    /// What is in either set.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.entries.len() > self.entries.len() {
            return other.union(self);
        }
        for entry in other.entries {
            self.push_sorted(entry.element, entry.member, entry.children);
        }
        self
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        // The smaller set is looked up in the larger one.
        if other.entries.len() < self.entries.len() {
            return other.intersection(self);
        }
        let both = self.entries.iter().filter_map(|mine| {
            let theirs = &other.entries[other.position(&mine.element).ok()?];
            let entry = Entry {
                element: mine.element.clone(),
                member: mine.member && theirs.member,
                children: mine.children.intersection(&theirs.children),
            };
            (!entry.is_empty()).then_some(entry)
        });
        Self {
            entries: both.collect(),
        }
    }

    /// What is in this set and not in the other. A path in `other` takes nothing below it away.
    #[must_use]
    pub fn difference(self, other: &Self) -> Self {
        self.less(other, false)
    }

    /// What is in this set and neither in the other nor below a path that is.
    #[must_use]
    pub fn recursive_difference(self, other: &Self) -> Self {
        self.less(other, true)
    }

    fn less(mut self, other: &Self, and_below: bool) -> Self {
        if other.is_empty() {
            return self;
        }
        self.entries.retain_mut(|mine| {
            let Ok(at) = other.position(&mine.element) else {
                return true;
            };
            let theirs = &other.entries[at];
            if theirs.member && and_below {
                return false;
            }
            mine.member &= !theirs.member;
            mine.children = std::mem::take(&mut mine.children).less(&theirs.children, and_below);
            !mine.is_empty()
        });
        self
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
}
