//! The patches that clients send: JSON patch (RFC 6902), JSON merge patch (RFC 7386) and Kubernetes'
//! strategic merge patch.
//!
//! None works on records, as a patch may hold what the type does not know, and how that is judged is the
//! decoder's business. The first two go from text to text and leave alone what the patch does not touch; the
//! strategic one works on plain values and is guided by the type's table. Apply is not here but in
//! [`crate::fields`].

mod json_patch;
mod lazy;
mod merge_patch;
mod pointer;
mod printed;
mod restore;
mod strategic;

pub use json_patch::{JsonPatch, MAX_OPERATIONS};
pub use merge_patch::merge;
pub use printed::{go_type, printed};
pub use restore::misfit;
pub use strategic::strategic_merge;

/// Why a patch could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is not what its content type says: 400.
    #[error("{0}")]
    Malformed(String),
    /// The patch is well-formed and does not fit the object: 422, without the reason on the wire.
    #[error("{0}")]
    Inapplicable(String),
    /// A `test` of the patch found something else than it should.
    #[error("{0}")]
    Untested(String),
    /// The patch is wrong in a way that upstream takes for a fault of its own: 500.
    #[error("{0}")]
    Failed(String),
    /// The patch is beyond a limit: 413.
    #[error("{0}")]
    TooLarge(String),
}
