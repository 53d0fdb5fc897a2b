//! Managed fields of an object that is shown as another kind, of which one field is to be written: `scale`.

use std::collections::BTreeMap;

use crate::text::Text;
use crate::value::Record;

use super::books::Books;
use super::element::PathElement;
use super::fields_v1::FieldsError;
use super::set::Set;
use super::update::Owned;

/// Where the books of an object and those of what it is shown as meet.
pub struct FacetBooks<'a> {
    /// Where the field is in a version of the object. `None` if there is no such version, and empty if the field is
    /// not shown in that version.
    pub in_object: &'a dyn Fn(&str) -> Option<Vec<PathElement>>,
    /// The version of the object that the request is for.
    pub object_version: Text,
    /// Where the field is in what is shown.
    pub in_facet: Vec<PathElement>,
    /// The `apiVersion` of what is shown.
    pub facet_version: Text,
}

impl FacetBooks<'_> {
    /// Gives `facet` the books of who owns the field in `object`.
    ///
    /// # Errors
    /// Where the books of `object` cannot be read.
    pub fn show(&self, object: &Record, facet: &mut Record) -> Result<(), FieldsError> {
        let books = Books::read(object)?;
        let mut shown = Books::default();
        for (id, owned) in &books.managers {
            let path = (self.in_object)(&owned.version).unwrap_or_default();
            if !contains(owned.set(), &path) {
                continue;
            }
            let version = self.facet_version.clone();
            let owned = Owned::new(only(&self.in_facet), version, owned.applied);
            shown.managers.insert(id.clone(), owned);
            if let Some(time) = books.times.get(id) {
                shown.times.insert(id.clone(), *time);
            }
        }
        shown.write(facet);
        Ok(())
    }

    /// Brings the books of `object` up to date with those of `facet`, which was written. Who does not own the field
    /// there any more loses it here, and who has come to own it has an entry of its own.
    ///
    /// # Errors
    /// Where either's books cannot be read.
    pub fn take_back(&self, facet: &Record, object: &mut Record) -> Result<(), FieldsError> {
        let mut books = Books::read(object)?;
        let mut owners = Books::read(facet)?.managers;
        books.managers.retain(|id, owned| {
            let Some(path) = (self.in_object)(&owned.version) else {
                return false;
            };
            if contains(owned.set(), &path) && owners.remove(id).is_none() {
                owned.change(|set| set.difference(&only(&path)));
            }
            !owned.is_empty()
        });
        let path = (self.in_object)(&self.object_version).unwrap_or_default();
        for (id, owner) in owners {
            if contains(owner.set(), &self.in_facet) {
                let version = self.object_version.clone();
                let owned = Owned::new(only(&path), version, owner.applied);
                // An entry under this name is as old as the object says, if it had one.
                books.managers.insert(id, owned);
            }
        }
        let kept: BTreeMap<_, _> = std::mem::take(&mut books.times)
            .into_iter()
            .filter(|(id, _)| books.managers.contains_key(id))
            .collect();
        books.times = kept;
        books.write(object);
        Ok(())
    }
}

fn only(path: &[PathElement]) -> Set {
    let mut set = Set::new();
    set.insert(path);
    set
}

fn contains(set: &Set, path: &[PathElement]) -> bool {
    !path.is_empty() && !only(path).intersection(set).is_empty()
}
