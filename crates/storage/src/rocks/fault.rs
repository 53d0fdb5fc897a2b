//! Where tests make the medium fail.

use std::{fmt, sync::Arc};

use crate::Cause;

/// A step that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Before a batch is written: it is lost.
    Write,
    /// After it was written: it is there, and nobody knows.
    Sync,
    /// When the directory is tried after a failure.
    Probe,
    /// When the database is opened again.
    Reopen,
}

/// Says of each step whether it fails. By default none does, and only tests have another.
#[derive(Clone, Default)]
pub(super) struct Fault(Option<Check>);

type Check = Arc<dyn Fn(Step) -> Option<Cause> + Send + Sync>;

impl Fault {
    #[cfg(test)]
    pub(super) fn new(check: impl Fn(Step) -> Option<Cause> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(check)))
    }

    /// Fails if this step is to fail.
    pub(super) fn pass(&self, step: Step) -> Result<(), Cause> {
        match self.0.as_ref().and_then(|check| check(step)) {
            Some(cause) => Err(cause),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fault")
    }
}
