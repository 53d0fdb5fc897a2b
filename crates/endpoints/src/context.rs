//! What a verb knows of the request beyond its object.

use std::sync::{Arc, Mutex, PoisonError};

use pintle_runtime::text::Text;
use pintle_runtime::time::{Clock, SystemClock, Time};
use pintle_runtime::user::UserInfo;

use crate::audit::Recording;

/// Where random names and ids come from, so that a test can say what they are.
pub trait Random: Send + Sync {
    /// A new uid: a random UUID of version 4.
    fn uid(&self) -> String;
    /// 64 random bits.
    fn bits(&self) -> u64;

    /// A number from `0.0` up to, and without, `1.0`.
    fn fraction(&self) -> f64 {
        // As many bits as a fraction holds.
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The machine's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn uid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    fn bits(&self) -> u64 {
        // Of a version 4 UUID, six bits are not random; the two halves have theirs in other places.
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        high ^ low.rotate_left(32)
    }
}

/// Where a server's time and randomness come from.
#[derive(Clone)]
pub struct Environment {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Names and ids.
    pub random: Arc<dyn Random>,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

/// What a verb knows of the request beyond its object and options: who, by which means, when. It
/// collects the warnings that go back with the answer.
pub struct RequestContext {
    /// Who asks.
    pub user: Arc<UserInfo>,
    /// What is asked for, as authorization calls it; empty if nobody asks from without.
    pub verb: Text,
    /// The namespace in the path; empty if there is none.
    pub namespace: Text,
    /// Run everything but the write: `dryRun=All`.
    pub dry_run: bool,
    /// Who is named in `managedFields`: the parameter, or the beginning of the user agent.
    pub field_manager: Text,
    /// Time and randomness.
    pub environment: Environment,
    /// What the audit records of the request.
    pub(crate) recording: Option<Arc<Recording>>,
    warnings: Mutex<Vec<String>>,
    annotations: Mutex<Vec<(Text, String)>>,
}

impl RequestContext {
    /// A request of `user` in a namespace, for real, without a field manager.
    pub fn new(user: Arc<UserInfo>, namespace: impl Into<Text>, environment: Environment) -> Self {
        Self {
            user,
            verb: Text::default(),
            namespace: namespace.into(),
            dry_run: false,
            field_manager: Text::default(),
            environment,
            recording: None,
            warnings: Mutex::default(),
            annotations: Mutex::default(),
        }
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.environment.clock.now()
    }

    /// Tells the client something in a `Warning` header, once.
    pub fn warn(&self, warning: impl Into<String>) {
        let warning = warning.into();
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Notes something for the audit. The first value of a key stays.
    pub fn annotate(&self, key: impl Into<Text>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        let mut annotations = self
            .annotations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if annotations.iter().all(|(known, _)| *known != key) {
            annotations.push((key, value));
        }
    }

    /// What was noted for the audit so far, which is taken away.
    pub fn take_annotations(&self) -> Vec<(Text, String)> {
        std::mem::take(
            &mut *self
                .annotations
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The warnings so far, which are taken away.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_below_one() {
        for _ in 0..100 {
            let fraction = SystemRandom.fraction();
            assert!((0.0..1.0).contains(&fraction), "{fraction}");
        }
    }
}
