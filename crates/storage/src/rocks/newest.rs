//! Which revision is the newest of a key, at hand for who writes it.
//!
//! A write is checked against the newest version of its key. To find that in the database costs more than all else that
//! a commit does for a small value: so what was written or checked lately is kept here, as numbers.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

use crate::{Key, Revision, Write};

/// The newest revisions of keys that were written or checked lately. What is not in it is in the database, or nowhere.
#[derive(Default)]
pub(super) struct Newest {
    /// Keys are told apart by two hashes with seeds that nobody knows: of 2^64 keys perhaps two would have the same.
    seeds: [RandomState; 2],
    young: HashMap<[u64; 2], Revision>,
    /// What was young before, until as much is young again.
    old: HashMap<[u64; 2], Revision>,
}

/// How many keys are young at most: what takes a megabyte.
const YOUNG: usize = 1 << 15;

impl Newest {
    /// The newest revision of a key that is there, if it is at hand.
    pub(super) fn get(&self, key: &Key) -> Option<Revision> {
        let name = self.name(key);
        let found = self.young.get(&name).or_else(|| self.old.get(&name));
        found.copied()
    }

    /// Notes what the database says.
    pub(super) fn note(&mut self, key: &Key, revision: Revision) {
        if self.young.len() == YOUNG {
            self.old = std::mem::take(&mut self.young);
        }
        let name = self.name(key);
        self.young.insert(name, revision);
    }

    /// Takes in what is durable now.
    pub(super) fn take_in(&mut self, writes: &[Write]) {
        for write in writes {
            if write.value.is_some() {
                self.note(&write.key, write.revision);
            } else {
                let name = self.name(&write.key);
                self.young.remove(&name);
                self.old.remove(&name);
            }
        }
    }

    fn name(&self, key: &Key) -> [u64; 2] {
        self.seeds.each_ref().map(|seed| seed.hash_one(key))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn write(key: &str, is_put: bool, revision: u64) -> Write {
        Write {
            key: key.into(),
            value: is_put.then(Bytes::new),
            revision: Revision(revision),
        }
    }

    #[track_caller]
    fn check(writes: &[Write], key: &str, expected: Option<u64>) {
        let mut newest = Newest::default();
        newest.take_in(writes);
        assert_eq!(newest.get(&key.into()), expected.map(Revision));
    }

    #[test]
    fn the_last_write_of_a_key_counts() {
        let writes = [
            write("/a", true, 2),
            write("/b", true, 3),
            write("/a", true, 4),
        ];
        check(&writes, "/a", Some(4));
        check(&writes, "/b", Some(3));
        check(&writes, "/c", None);
    }

    #[test]
    fn what_was_deleted_is_not_there() {
        check(&[write("/a", true, 2), write("/a", false, 3)], "/a", None);
    }

    #[test]
    fn what_was_not_written_for_long_is_forgotten_and_nothing_else() {
        let mut writes = vec![write("/a", true, 2), write("/b", true, 3)];
        writes.extend((0..YOUNG as u64).map(|at| write(&format!("/{at}"), true, at + 4)));
        let after = writes.len() as u64 + 2;
        writes.push(write("/a", true, after));
        check(&writes, "/b", Some(3));
        writes.extend((0..YOUNG as u64).map(|at| write(&format!("/{at}"), true, after + at + 1)));
        check(&writes, "/b", None);
        check(&writes, "/0", Some(after + 1));
    }
}
