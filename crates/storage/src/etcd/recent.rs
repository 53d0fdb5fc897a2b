//! What is being put at the moment, so that the event of a put brings the very bytes that were put.
//!
//! A cache knows what it has encoded by the address of the bytes. A remote store sends the bytes back
//! in an event; comparing them with those on their way costs far less than decoding them again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::Key;

/// The values on their way, by key.
#[derive(Default)]
pub(super) struct Recent(Mutex<HashMap<Key, Vec<Bytes>>>);

/// Keeps a value among them.
pub(super) struct OnItsWay<'a> {
    recent: &'a Recent,
    key: &'a Key,
    value: Bytes,
}

impl Recent {
    pub(super) fn put<'a>(&'a self, key: &'a Key, value: &Bytes) -> OnItsWay<'a> {
        let values = &mut *self.lock();
        values.entry(key.clone()).or_default().push(value.clone());
        OnItsWay {
            recent: self,
            key,
            value: value.clone(),
        }
    }

    /// The same bytes, as they were put if they were put here, and else copied out of the message that
    /// brought them, which would stay in memory as a whole with any part of it.
    pub(super) fn own(&self, key: &[u8], value: &Bytes) -> Bytes {
        let same = |values: &Vec<Bytes>| values.iter().find(|own| *own == value).cloned();
        let own = self.lock().get(key).and_then(same);
        own.unwrap_or_else(|| Bytes::copy_from_slice(value))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        let mut values = self.recent.lock();
        let Some(own) = values.get_mut(self.key) else {
            return;
        };
        if let Some(at) = own
            .iter()
            .position(|value| value.as_ptr() == self.value.as_ptr())
        {
            own.swap_remove(at);
        }
        if own.is_empty() {
            values.remove(self.key);
        }
    }
}
