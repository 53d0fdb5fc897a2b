//! The store against a model that keeps every revision whole.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use tokio::runtime;

use super::*;
use crate::Event;

#[derive(Clone, Debug)]
enum Step {
    /// Which key, and which of its expectations: absent, the newest, an old one.
    Put(u8, u8, Vec<u8>),
    Delete(u8, bool),
    /// How far back from the present.
    Compact(u64),
    Reopen,
    /// How far back, from which key, how many.
    List(u64, u8, Option<usize>),
    Watch(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..6_u8;
    let step = prop_oneof![
        8 => (key.clone(), 0..3_u8, vec(any::<u8>(), 0..4)).prop_map(|(key, expect, value)| Step::Put(key, expect, value)),
        3 => (key.clone(), any::<bool>()).prop_map(|(key, newest)| Step::Delete(key, newest)),
        1 => (0..12_u64).prop_map(Step::Compact),
        1 => Just(Step::Reopen),
        3 => (0..12_u64, key, proptest::option::of(0..4_usize)).prop_map(|(back, from, limit)| Step::List(back, from, limit)),
        2 => (0..12_u64).prop_map(Step::Watch),
    ];
    vec(step, 1..60)
}

type Content = BTreeMap<Key, (Bytes, Revision)>;

/// What every revision looked like, from revision 1 on.
struct Model {
    revisions: Vec<Content>,
    events: Vec<Event>,
    compacted: Revision,
}

impl Model {
    fn current(&self) -> Revision {
        Revision(self.revisions.len() as u64)
    }

    fn at(&self, revision: Revision) -> &Content {
        &self.revisions[revision.0 as usize - 1]
    }

    fn newest(&self, key: &Key) -> Option<(Bytes, Revision)> {
        self.at(self.current()).get(key).cloned()
    }

    fn write(&mut self, key: &Key, value: Option<Bytes>) -> Revision {
        let revision = self.current().next();
        let mut content = self.at(self.current()).clone();
        let before = match &value {
            Some(value) => content.insert(key.clone(), (value.clone(), revision)),
            None => content.remove(key),
        };
        self.revisions.push(content);
        let previous = before.map(|(value, mod_revision)| crate::Record {
            key: key.clone(),
            value,
            mod_revision,
        });
        self.events.push(Event {
            key: key.clone(),
            value,
            previous,
            revision,
        });
        revision
    }
}

/// Neighbours that a careless encoding would mix up.
fn name(key: u8) -> Key {
    Key::from(["a", "a\u{1}", "a/b", "a0", "ab", "b"][usize::from(key)])
}

async fn run(steps: Vec<Step>) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = open(directory.path(), quick());
    let mut model = Model {
        revisions: vec![Content::new()],
        events: Vec::new(),
        compacted: Revision::ZERO,
    };
    for step in steps {
        let back =
            |back: u64, model: &Model| Revision(model.current().0.saturating_sub(back).max(1));
        match step {
            Step::Put(key, expect, value) => {
                put_both(&store, &mut model, &name(key), expect, value.into()).await;
            }
            Step::Delete(key, newest) => delete_both(&store, &mut model, &name(key), newest).await,
            Step::Compact(by) => {
                let revision = back(by, &model);
                let outcome = store.compact(revision).await;
                assert_eq!(outcome.is_ok(), revision > model.compacted, "{outcome:?}");
                model.compacted = model.compacted.max(revision);
            }
            Step::Reopen => {
                drop(store);
                store = open(directory.path(), quick());
            }
            Step::List(by, from, limit) => {
                list_both(&store, &model, back(by, &model), name(from), limit).await;
            }
            Step::Watch(by) => watch_both(&store, &model, back(by, &model)).await,
        }
        assert_eq!(
            store.current().await.expect("the store is open"),
            model.current()
        );
    }
}

async fn put_both(store: &RocksStore, model: &mut Model, key: &Key, expect: u8, value: Bytes) {
    let newest = model.newest(key).map(|(_, revision)| revision);
    let expect = match (expect, newest) {
        (0, _) | (1, None) => Expect::Absent,
        (1, Some(newest)) => Expect::At(newest),
        _ => Expect::At(Revision(1)),
    };
    let outcome = store.put(key, expect, value.clone(), None).await;
    match (expect, newest) {
        (Expect::Absent, None) => assert_eq!(
            outcome.expect("it is absent"),
            model.write(key, Some(value))
        ),
        (Expect::At(expected), Some(newest)) if expected == newest => {
            assert_eq!(
                outcome.expect("it is the newest"),
                model.write(key, Some(value))
            );
        }
        (Expect::Absent, Some(_)) => assert!(
            matches!(outcome, Err(StorageError::Exists { .. })),
            "{outcome:?}"
        ),
        (Expect::At(_), None) => assert!(
            matches!(outcome, Err(StorageError::NotFound { .. })),
            "{outcome:?}"
        ),
        (Expect::At(_), Some(_)) => assert!(
            matches!(outcome, Err(StorageError::Conflict { .. })),
            "{outcome:?}"
        ),
    }
}

async fn delete_both(store: &RocksStore, model: &mut Model, key: &Key, newest: bool) {
    let found = model.newest(key).map(|(_, revision)| revision);
    let expect = found.filter(|_| newest).unwrap_or(Revision(1));
    let outcome = store.delete(key, expect).await;
    match found {
        Some(found) if found == expect => {
            assert_eq!(outcome.expect("it is the newest"), model.write(key, None));
        }
        Some(_) => assert!(
            matches!(outcome, Err(StorageError::Conflict { .. })),
            "{outcome:?}"
        ),
        None => assert!(
            matches!(outcome, Err(StorageError::NotFound { .. })),
            "{outcome:?}"
        ),
    }
    let read = store
        .get(key, Revision::ZERO)
        .await
        .expect("the store answers")
        .value;
    assert_eq!(
        read.map(|record| (record.value, record.mod_revision)),
        model.newest(key)
    );
}

async fn list_both(
    store: &RocksStore,
    model: &Model,
    at: Revision,
    from: Key,
    limit: Option<usize>,
) {
    let page = Page {
        limit,
        from: Some(from.clone()),
        at: Some(at),
    };
    let listing = store.list(&KeyRange::all(), page).await;
    if at < model.compacted {
        return assert!(
            matches!(listing, Err(StorageError::Compacted { .. })),
            "{listing:?}"
        );
    }
    let listing = listing.expect("the revision is kept").value;
    let expected: Vec<_> = model.at(at).range(from..).collect();
    let length = limit.unwrap_or(usize::MAX).min(expected.len());
    let found = listing
        .records
        .iter()
        .map(|record| (&record.key, &record.value, record.mod_revision));
    let expected_page = expected[..length]
        .iter()
        .map(|(key, (value, revision))| (*key, value, *revision));
    assert!(found.eq(expected_page), "{listing:?}");
    assert_eq!(listing.more, length < expected.len());
}

async fn watch_both(store: &RocksStore, model: &Model, from: Revision) {
    let stream = store.watch(&KeyRange::all(), from).await;
    if from < model.compacted {
        return assert!(
            matches!(stream, Err(StorageError::Compacted { .. })),
            "{stream:?}"
        );
    }
    let mut stream = stream.expect("the revision is kept");
    let expected = &model.events[from.0 as usize - 1..];
    let mut events = Vec::new();
    while events.len() < expected.len() {
        events.extend(
            stream
                .next()
                .await
                .expect("the store is open")
                .expect("it can be read")
                .iter()
                .cloned(),
        );
    }
    assert_eq!(events, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_is_as_the_model_says(steps in steps()) {
        let runtime = runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(run(steps));
    }
}
