//! What may still be being made: [`Awaited`].

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

/// Something that is used as if it were there; the first who does so before it is waits, and blocks.
///
/// For keys: to make one may take longer than all the rest of a start, and most starts need none at first.
pub struct Awaited<T>(Arc<LazyLock<T, Make<T>>>);

type Make<T> = Box<dyn FnOnce() -> T + Send>;

impl<T: Send + 'static> Awaited<T> {
    /// What `wait` gives.
    pub fn by(wait: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(wait))))
    }

    /// What is there.
    pub fn ready(value: T) -> Self {
        let ready = Self::by(move || value);
        LazyLock::force(&ready.0);
        ready
    }
}

impl<T> Clone for Awaited<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Awaited<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Awaited<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Awaited")
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn who_needs_it_waits_until_it_is_made() {
        let maker = thread::spawn(|| 7);
        let seven = Awaited::by(move || maker.join().unwrap_or_default());
        assert_eq!((*seven.clone(), *seven), (7, 7));
        assert_eq!(*Awaited::ready(8), 8);
    }
}
