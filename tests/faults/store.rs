//! A store that fails when told to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pintle_storage::{
    Answer, At, Event, EventStream, Expect, Key, KeyRange, Layer, Listing, Page, Record, Revision,
    Storage, StorageError,
};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is done.
    Fails,
    /// It is done, and nobody is told.
    Lost,
    /// It takes a while.
    Slow(Duration),
    /// There is never an answer.
    Hangs,
    /// What is stored is not what was written.
    Damaged,
}

/// Which questions a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Reads,
    Writes,
}

type Rule = (Of, &'static str, Fault);

/// What goes wrong at the moment: questions of a kind, for keys with a part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<Rule>>>);

impl Faults {
    pub(crate) fn set(&self, rules: &[Rule]) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = rules.to_vec();
    }

    fn of(&self, of: Of, key: &str) -> Option<Fault> {
        let now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = now.iter().find(|rule| rule.0 == of && key.contains(rule.1));
        found.map(|rule| rule.2)
    }

    /// What the store answers, if it comes to that.
    async fn pass<T>(&self, of: Of, key: &str, answer: Answer<'_, T>) -> Result<T, StorageError> {
        let failed =
            || StorageError::unavailable("the question", "the disk at /secret/place is on fire");
        match self.of(of, key) {
            None => answer.await,
            Some(Fault::Fails) => Err(failed()),
            Some(Fault::Lost) => {
                answer.await?;
                Err(failed())
            }
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                answer.await
            }
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Damaged) => Err(StorageError::Corrupt {
                what: format!("{key} is garbled"),
                source: None,
            }),
        }
    }
}

/// A store with faults.
pub(crate) struct Faulty {
    pub(crate) inner: Arc<dyn Storage>,
    pub(crate) faults: Faults,
}

/// The text of a range's beginning, for rules to look at.
fn text(range: &KeyRange) -> String {
    format!("{range:?}")
}

impl Layer for Faulty {
    fn inner(&self) -> &dyn Storage {
        &*self.inner
    }

    fn get<'a>(&'a self, key: &'a Key, not_before: Revision) -> Answer<'a, At<Option<Record>>> {
        Box::pin(async move {
            let answer = self.inner.get(key, not_before);
            self.faults.pass(Of::Reads, &key.to_string(), answer).await
        })
    }

    fn list<'a>(&'a self, range: &'a KeyRange, page: Page) -> Answer<'a, At<Listing>> {
        Box::pin(async move {
            let answer = self.inner.list(range, page);
            self.faults.pass(Of::Reads, &text(range), answer).await
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    ) -> Answer<'a, Revision> {
        Box::pin(async move {
            let answer = self.inner.put(key, expect, value, lease);
            self.faults.pass(Of::Writes, &key.to_string(), answer).await
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, expect: Revision) -> Answer<'a, Revision> {
        Box::pin(async move {
            let answer = self.inner.delete(key, expect);
            self.faults.pass(Of::Writes, &key.to_string(), answer).await
        })
    }

    fn watch<'a>(&'a self, range: &'a KeyRange, from: Revision) -> Answer<'a, EventStream> {
        Box::pin(async move {
            let answer = self.inner.watch(range, from);
            self.faults.pass(Of::Reads, &text(range), answer).await
        })
    }

    fn history<'a>(
        &'a self,
        range: &'a KeyRange,
        after: Revision,
        up_to: Revision,
    ) -> Answer<'a, At<Vec<Event>>> {
        Box::pin(async move {
            let answer = self.inner.history(range, after, up_to);
            self.faults.pass(Of::Reads, &text(range), answer).await
        })
    }
}
