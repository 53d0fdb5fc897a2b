//! What objects take from a stock that they share, such as addresses and ports.
//!
//! A store writes one key at a time, so an object and what it takes cannot be written together. What is
//! taken is written first, the object second, and what it no longer needs is given back last:
//!
//! 1. [`Allocation::begin_create`] or [`Allocation::begin_update`] takes what is missing and writes it
//!    into the object, before that is validated.
//! 2. The object is written, or is not.
//! 3. [`Claim::keep`] gives back what the object has done without since; [`Claim::give_back`] returns what
//!    was taken for nothing.
//!
//! So a crash between two steps leaks, but never lets two objects have the same thing. A claim that is
//! dropped without a word leaks likewise: whether the object was written is not known then. Whoever
//! keeps the stock finds what nobody has, some time later.

use std::fmt;

use futures_util::future::BoxFuture;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use crate::context::RequestContext;

/// Takes for objects of a kind what they share, and gives it back. Objects are in the hub form. A dry run
/// takes nothing, and shows what it would have been as well as it can.
pub trait Allocation: Send + Sync {
    /// Takes what a new object needs.
    ///
    /// # Errors
    /// Why it cannot be had; nothing is taken then.
    fn begin_create<'a>(
        &'a self,
        cx: &'a RequestContext,
        new: &'a mut Record,
    ) -> BoxFuture<'a, Result<Claim, ApiError>>;

    /// Takes what `new` needs and `old` has not.
    ///
    /// # Errors
    /// Why it cannot be had; nothing is taken then.
    fn begin_update<'a>(
        &'a self,
        cx: &'a RequestContext,
        new: &'a mut Record,
        old: &'a Record,
    ) -> BoxFuture<'a, Result<Claim, ApiError>>;

    /// Gives back all that an object had that is gone.
    fn after_delete<'a>(&'a self, cx: &'a RequestContext, last: &'a Record) -> BoxFuture<'a, ()>;
}

type Settle = Box<dyn FnOnce(Outcome) -> BoxFuture<'static, ()> + Send>;

/// Whether the object was written that something was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was.
    Written,
    /// It was not, and will not be.
    Refused,
}

/// What was taken for an object that is yet to be written.
#[must_use = "what was taken is kept or given back"]
pub struct Claim(Option<Settle>);

impl Claim {
    /// Nothing: whatever becomes of the object, there is nothing to do.
    pub const fn nothing() -> Self {
        Self(None)
    }

    /// What `settle` brings to an end when it is told what became of the object.
    pub fn new<F>(settle: impl FnOnce(Outcome) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Some(Box::new(|outcome| Box::pin(settle(outcome)))))
    }

    /// The object was written.
    pub async fn keep(self) {
        self.settle(Outcome::Written).await;
    }

    /// The object was not written.
    pub async fn give_back(self) {
        self.settle(Outcome::Refused).await;
    }

    /// The write failed with `error`. Where that leaves in doubt whether the object is there, nothing is
    /// given back.
    pub async fn fail(self, error: &ApiError) {
        let in_doubt = matches!(
            error,
            ApiError::Internal(_)
                | ApiError::ServerTimeout(_)
                | ApiError::Timeout(_)
                | ApiError::ServiceUnavailable(_)
        );
        if !in_doubt {
            self.give_back().await;
        }
    }

    async fn settle(self, outcome: Outcome) {
        if let Some(settle) = self.0 {
            settle(outcome).await;
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "a claim"
        } else {
            "a claim to nothing"
        })
    }
}
