//! Whether revisions and lists of all keys fit together.

use std::collections::HashMap;

use super::history::{Action, Answer, History, List, Version};

/// Versions by their revision: each was given to one write of one key.
struct Versions {
    by_revision: HashMap<u64, (usize, u64)>,
    by_write: HashMap<u64, u64>,
}

impl Versions {
    fn see(&mut self, key: usize, version: Version) -> Result<(), String> {
        let Version { written, revision } = version;
        let first = *self.by_revision.entry(revision).or_insert((key, written));
        if first != (key, written) {
            return Err(format!(
                "revision {revision} is of {first:?} and of {:?}",
                (key, written)
            ));
        }
        let first = *self.by_write.entry(written).or_insert(revision);
        if first != revision {
            return Err(format!(
                "{written} was written at {first} and at {revision}"
            ));
        }
        Ok(())
    }
}

/// Looks at all that was answered.
///
/// # Errors
/// What does not fit.
pub(crate) fn check(history: &History, keys: usize) -> Result<(), String> {
    let mut versions = Versions {
        by_revision: HashMap::new(),
        by_write: HashMap::new(),
    };
    for operation in &history.operations {
        match (operation.action, operation.answer) {
            (_, Answer::Found(Some(version))) => versions.see(operation.key, version)?,
            (
                Action::Create(written) | Action::Update(_, written),
                Answer::Done(Some(revision)),
            ) => versions.see(operation.key, Version { written, revision })?,
            _ => {}
        }
    }
    for list in &history.lists {
        for (key, version) in list.found.iter().enumerate() {
            if let Some(version) = version {
                versions.see(key, *version)?;
            }
        }
    }
    let mut written: Vec<Vec<u64>> = vec![Vec::new(); keys];
    for (revision, (key, _)) in &versions.by_revision {
        written[*key].push(*revision);
    }
    history
        .lists
        .iter()
        .try_for_each(|list| fits(list, &written, history))
}

/// A list has the newest of every key as of its revision, which is as new as it was asked to be.
fn fits(list: &List, written: &[Vec<u64>], history: &History) -> Result<(), String> {
    for (key, found) in list.found.iter().enumerate() {
        let Some(found) = found else { continue };
        if found.revision > list.revision {
            return Err(format!("key {key} is newer than {list:?}"));
        }
        let between = |revision: &&u64| (found.revision + 1..=list.revision).contains(*revision);
        if let Some(missing) = written[key].iter().find(between) {
            return Err(format!(
                "key {key} was written at {missing}, before {list:?}"
            ));
        }
    }
    match list.exact {
        Some(exact) if exact != list.revision => Err(format!("asked for {exact}: {list:?}")),
        Some(_) => Ok(()),
        None => {
            let done = history.operations.iter();
            let before = done.filter(|operation| operation.answered < list.called);
            let newest = before.filter_map(|operation| match operation.answer {
                Answer::Done(revision) => revision,
                _ => None,
            });
            match newest.max() {
                Some(newest) if newest > list.revision => {
                    Err(format!("{newest} was acknowledged before {list:?}"))
                }
                _ => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::Operation;
    use super::*;

    fn create(key: usize, at: u64) -> Operation {
        Operation {
            key,
            called: at * 10,
            answered: at * 10 + 1,
            action: Action::Create(at),
            answer: Answer::Done(Some(at)),
        }
    }

    fn version(at: u64) -> Option<Version> {
        Some(Version {
            written: at,
            revision: at,
        })
    }

    /// Key 0 is written at 1 and 3, key 1 at 2; then there is a list.
    fn check_list(revision: u64, found: [Option<Version>; 2], exact: Option<u64>) -> bool {
        let history = History {
            operations: vec![create(0, 1), create(1, 2), create(0, 3)],
            lists: vec![List {
                called: 100,
                answered: 101,
                exact,
                revision,
                found: found.to_vec(),
            }],
        };
        check(&history, 2).is_ok()
    }

    #[test]
    fn a_list_is_of_one_moment() {
        assert!(check_list(3, [version(3), version(2)], None));
        assert!(check_list(2, [version(1), version(2)], Some(2)));
        assert!(!check_list(3, [version(1), version(2)], None), "torn");
        assert!(!check_list(2, [version(3), version(2)], Some(2)), "too new");
        assert!(!check_list(3, [version(3), version(2)], Some(2)), "another");
    }

    #[test]
    fn a_list_is_as_new_as_what_was_acknowledged_before() {
        assert!(!check_list(2, [version(1), version(2)], None));
    }

    #[test]
    fn a_revision_is_given_out_once() {
        let mut again = create(1, 1);
        again.action = Action::Create(9);
        let history = History {
            operations: vec![create(0, 1), again],
            lists: Vec::new(),
        };
        assert!(check(&history, 2).is_err());
    }
}
