//! For tests: a good object, what is changed of it, and what is said of that.

use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::field_path::ErrorList;
use pintle_runtime::patch::merge;
use pintle_runtime::value::Record;

/// A kind with an object that nothing is wrong with.
pub(super) struct Good {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    /// The object, in JSON.
    pub(super) object: &'static str,
}

impl Good {
    /// The good object after a JSON merge patch, with defaults.
    #[track_caller]
    pub(super) fn with(&self, patch: &str) -> Record {
        let ty = crate::type_by_kind(self.group, self.version, self.kind).expect("a kind");
        let body = Bytes::from_static(self.object.as_bytes());
        let patch = Bytes::from(patch.to_owned());
        let body = merge(&body, &patch).expect("a merge patch");
        let mut problems = Problems::collected();
        let mut record = json::decode(&ty, &body, &mut problems).expect("an object");
        assert!(problems.texts().is_empty(), "{:?}", problems.texts());
        crate::defaults::apply(&mut record);
        record
    }

    /// What is wrong with the good object after `patch`, on a create.
    #[track_caller]
    pub(super) fn created(&self, patch: &str, expected: &[&str]) {
        let errors = super::create(&self.with(patch));
        compare(&errors, expected, patch);
    }

    /// What is wrong when the good object after `old` becomes the one after `new`.
    #[track_caller]
    pub(super) fn updated(&self, old: &str, new: &str, expected: &[&str]) {
        let errors = super::update(&self.with(new), &self.with(old));
        compare(&errors, expected, new);
    }

    /// The same through a subresource.
    #[track_caller]
    pub(super) fn updated_in(&self, subresource: &str, old: &str, new: &str, expected: &[&str]) {
        let errors = super::update_subresource(subresource, &self.with(new), &self.with(old));
        compare(&errors, expected, new);
    }
}

/// Every error must begin as expected: most texts are long, and some are checked elsewhere.
#[track_caller]
fn compare(errors: &ErrorList, expected: &[&str], patch: &str) {
    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let fits = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.starts_with(expected));
    assert!(fits, "{patch}\nfound {found:#?}\nexpected {expected:#?}");
}
