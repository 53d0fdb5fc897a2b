//! Where writes wait for the commit thread.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::publish;
use crate::{Expect, Key, Revision, StorageError};

/// Something for the commit thread to do.
pub(super) enum Operation {
    Put {
        key: Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    },
    Delete {
        key: Key,
        expect: Revision,
    },
    /// Only the promise that older revisions are no longer read. Deleting them is not a commit's work.
    Compact {
        revision: Revision,
    },
}

pub(super) type Reply = oneshot::Sender<Result<Revision, StorageError>>;

pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) reply: Reply,
}

impl Request {
    /// About how much it adds to a commit.
    fn size(&self) -> usize {
        match &self.operation {
            Operation::Put { value, .. } => value.len(),
            Operation::Delete { .. } | Operation::Compact { .. } => 0,
        }
    }
}

/// Requests in the order in which they came. As long as the requests that wait for an answer: the
/// server's limit on those is the limit here.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Request>,
    closed: bool,
}

/// The most that one commit takes: one sync for all, but a commit is in memory several times over.
const REQUESTS: usize = 1024;
const SIZE: usize = 1 << 20;

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, request: Request) -> Result<(), StorageError> {
        let mut state = self.lock();
        if state.closed {
            return Err(publish::closed());
        }
        // The commit thread waits for the first alone: to wake it is a system call.
        let is_first = state.waiting.is_empty();
        state.waiting.push_back(request);
        drop(state);
        if is_first {
            self.ready.notify_one();
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Takes no more requests. Those that wait are still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
    }

    /// Takes no more requests, and drops those that wait, which tells who asked.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
    }

    /// Everything that waits, within limits. Waits itself if there is nothing, but no longer than
    /// `patience`: then there is nothing in it. None if the queue is closed and empty.
    pub(super) fn take(&self, patience: Option<Duration>) -> Option<Vec<Request>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            let Some(patience) = patience else {
                state = self
                    .ready
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let woken = self
                .ready
                .wait_timeout(state, patience)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken.0;
            if woken.1.timed_out() && state.waiting.is_empty() && !state.closed {
                return Some(Vec::new());
            }
        }
        let mut size = 0;
        let mut taken = 0;
        while taken < state.waiting.len() && taken < REQUESTS && size < SIZE {
            size += state.waiting[taken].size();
            taken += 1;
        }
        Some(state.waiting.drain(..taken).collect())
    }
}
