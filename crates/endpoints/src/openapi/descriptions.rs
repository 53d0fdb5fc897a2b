//! Where descriptions come from.

use std::borrow::Cow;

/// What is said about types and fields, opened for as long as a document is being built.
pub trait Descriptions {
    /// What is said about the type called `definition`, such as `io.k8s.api.core.v1.Pod`.
    fn of_type(&self, definition: &str) -> Option<Cow<'_, str>>;

    /// What is said about its field `field`, by JSON name.
    fn of_field(&self, definition: &str, field: &str) -> Option<Cow<'_, str>>;
}

/// Opens [`Descriptions`], which may mean to decompress them; they are dropped with the answer.
pub trait DescriptionSource: Send + Sync {
    /// The descriptions, ready for look-ups.
    fn open(&self) -> Box<dyn Descriptions + '_>;
}

/// A source that has nothing to say.
#[derive(Debug, Clone, Copy)]
pub struct NoDescriptions;

impl Descriptions for NoDescriptions {
    fn of_type(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn of_field(&self, _: &str, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

impl DescriptionSource for NoDescriptions {
    fn open(&self) -> Box<dyn Descriptions + '_> {
        Box::new(Self)
    }
}
