//! Who keeps events: [`Backend`], and what may stand between the audit and one.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::AuditMetrics;

/// An event on its way.
pub struct Told<'a> {
    /// A line of JSON, with its newline.
    pub line: Bytes,
    /// The same without the objects of request and answer, if it has any, and with a note of that.
    pub bare: Option<&'a (dyn Fn() -> Bytes + 'a)>,
}

/// Keeps events.
pub trait Backend: Send + Sync {
    /// Takes one event, and says whether it is kept, as far as that is known. It is called before the answer is sent,
    /// so what takes long belongs elsewhere.
    fn take(&self, event: &Told<'_>) -> bool;

    /// Keeps what it has taken and not kept yet. Nothing comes after it.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Lets requests go on although their events are lost.
pub struct Lenient(pub Arc<dyn Backend>);

impl Backend for Lenient {
    fn take(&self, event: &Told<'_>) -> bool {
        self.0.take(event);
        true
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

/// Leaves the objects out of events that are too large, and leaves out events that are too large even so.
pub struct Truncating {
    /// Who takes what is left.
    pub inner: Arc<dyn Backend>,
    /// Size of an event, in bytes.
    pub max_event: usize,
    /// Counts what is lost.
    pub metrics: Arc<AuditMetrics>,
}

impl Backend for Truncating {
    fn take(&self, event: &Told<'_>) -> bool {
        if event.line.len() <= self.max_event {
            return self.inner.take(event);
        }
        let bare = event.bare.map(|bare| bare());
        match bare.filter(|bare| bare.len() <= self.max_event) {
            Some(line) => self.inner.take(&Told { line, bare: None }),
            None => {
                self.metrics
                    .lost("truncate", 1, "event is too large even after truncating");
                true
            }
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Keeps lines, and says that it could not.
    #[derive(Default)]
    struct Kept(Mutex<Vec<Bytes>>);

    impl Backend for Kept {
        fn take(&self, event: &Told<'_>) -> bool {
            self.0.lock().expect("no panic").push(event.line.clone());
            false
        }
    }

    #[track_caller]
    fn check(line: &'static str, bare: Option<&'static str>, expected: &[&str]) {
        let kept = Arc::new(Kept::default());
        let truncating = Truncating {
            inner: kept.clone(),
            max_event: 4,
            metrics: Arc::default(),
        };
        let make = || Bytes::from(bare.unwrap_or_default());
        truncating.take(&Told {
            line: line.into(),
            bare: bare.is_some().then_some(&make),
        });
        assert_eq!(*kept.0.lock().expect("no panic"), expected);
    }

    #[test]
    fn what_is_too_large_goes_without_its_objects_or_not_at_all() {
        check("1234", Some("1"), &["1234"]);
        check("12345", Some("1"), &["1"]);
        check("12345", Some("12345"), &[]);
        check("12345", None, &[]);
    }

    #[test]
    fn who_is_lenient_never_fails() {
        let event = Told {
            line: "1".into(),
            bare: None,
        };
        let kept = Arc::new(Kept::default());
        assert!(!kept.take(&event));
        assert!(Lenient(kept).take(&event));
    }
}
