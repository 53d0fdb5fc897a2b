//! What is asked whether a write may be, and what may change it on the way.
//!
//! A [`Plugin`] takes part in one or both of two passes: in the first it may change the object, in the second it sees
//! what is about to be written. A [`Chain`] is the plug-ins of a server in their order, which no configuration changes.
//! The store runs the passes at the places where kube-apiserver does:
//!
//! | request | first pass | second pass |
//! | --- | --- | --- |
//! | create | after the managed fields, before the strategy | after validation, before the write |
//! | update, patch, apply | the same, and with each retry again | the same |
//! | delete | both before anything is changed, for each object | |
//! | an action below an object | both before the action | |
//!
//! Which plug-ins a resource has is computed once ([`Interested`]), so one that does not care costs nothing.
//!
//! Plug-ins see objects in the hub form, as upstream's see the internal one. What speaks to others about an object, as a
//! webhook does, converts it.

mod attributes;
mod chain;

use std::pin::Pin;

use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

pub use attributes::{Attributes, Operation};
pub use chain::{Chain, Interested};

use crate::context::RequestContext;

/// One rule, or a family of them.
///
/// Every method has a meaning for a plug-in that takes no part in a pass, so it says only what it does.
pub trait Plugin: Send + Sync + 'static {
    /// As `--enable-admission-plugins` names it, such as `LimitRanger`.
    fn name(&self) -> &'static str;

    /// Which requests it wants to see. Asked once for each resource, subresource and operation.
    fn interest(&self, target: Target<'_>) -> Interest;

    /// The first pass: refuses, or changes the object. There is none on a delete.
    fn mutate<'a>(
        &'a self,
        _cx: &'a RequestContext,
        _attributes: &'a Attributes<'a>,
        _object: Option<&'a mut Record>,
    ) -> Answer<'a> {
        Answer::YES
    }

    /// The second pass: refuses. There is no object on a delete.
    fn validate<'a>(
        &'a self,
        _cx: &'a RequestContext,
        _attributes: &'a Attributes<'a>,
        _object: Option<&'a Record>,
    ) -> Answer<'a> {
        Answer::YES
    }
}

/// An answer that is there, or one to wait for. Rules in memory answer at once, so the common case allocates nothing.
pub enum Answer<'a> {
    /// Admitted, or refused.
    Now(Result<(), ApiError>),
    /// Somebody else has to be asked.
    Later(Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + 'a>>),
}

impl<'a> Answer<'a> {
    /// Admitted.
    pub const YES: Self = Self::Now(Ok(()));

    /// What `future` says.
    pub fn later(future: impl Future<Output = Result<(), ApiError>> + Send + 'a) -> Self {
        Self::Later(Box::pin(future))
    }

    /// The answer.
    ///
    /// # Errors
    /// The refusal.
    pub async fn wait(self) -> Result<(), ApiError> {
        match self {
            Self::Now(result) => result,
            Self::Later(future) => future.await,
        }
    }
}

impl From<Result<(), ApiError>> for Answer<'_> {
    fn from(result: Result<(), ApiError>) -> Self {
        Self::Now(result)
    }
}

/// A kind of request, for which a plug-in says whether it cares.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The row of the resource.
    pub resource: &'a Resource,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// What is done.
    pub operation: Operation,
}

impl Target<'_> {
    /// Whether it is the object itself of this resource, whatever the version.
    pub fn is(&self, group: &str, resource: &str) -> bool {
        self.is_below(group, resource, "")
    }

    /// The same of a subresource.
    pub fn is_below(&self, group: &str, resource: &str, subresource: &str) -> bool {
        self.resource.group == group
            && self.resource.name == resource
            && self.subresource == subresource
    }

    /// Whether something is created.
    pub fn creates(&self) -> bool {
        self.operation == Operation::Create
    }

    /// Whether something is created or updated.
    pub fn writes(&self) -> bool {
        matches!(self.operation, Operation::Create | Operation::Update)
    }
}

/// The passes in which a plug-in takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// The first, which changes.
    pub mutates: bool,
    /// The second, which does not.
    pub validates: bool,
}

impl Interest {
    /// Neither pass.
    pub const NONE: Self = Self {
        mutates: false,
        validates: false,
    };
    /// The first pass.
    pub const MUTATES: Self = Self {
        mutates: true,
        validates: false,
    };
    /// The second pass.
    pub const VALIDATES: Self = Self {
        mutates: false,
        validates: true,
    };
    /// Both passes.
    pub const BOTH: Self = Self {
        mutates: true,
        validates: true,
    };

    /// This interest if `cares`, else none.
    #[must_use]
    pub const fn when(self, cares: bool) -> Self {
        if cares { self } else { Self::NONE }
    }
}
