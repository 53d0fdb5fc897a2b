//! Policies in expressions: which requests they are about, with which parameters, and what they say.
//!
//! A policy is compiled when it or a binding changes, not when a request comes. [`matching`] says which requests it is
//! about, [`parameters`] finds what its bindings give it, [`activation`] is what its expressions speak of, [`asking`]
//! whom they ask what is allowed, [`bound`] is what both sorts have in common, and [`mutating`] and [`validating`] are what
//! the sorts do with it.

mod activation;
mod asking;
mod bound;
mod matching;
mod mutating;
mod parameters;
mod validating;

use pintle_endpoints::admission::{Operation, Target};

pub(super) use mutating::Mutating;
pub(super) use validating::Validating;

/// What policies are kept under.
const GROUP: &str = "admissionregistration.k8s.io";

/// Whether policies are asked about a kind of request at all: those that decide about policies could lock everybody
/// out, and reviews only ask what would be.
fn are_asked(target: Target<'_>) -> bool {
    let resource = target.resource;
    let is_review = matches!(
        (resource.group.as_ref(), resource.name.as_ref()),
        (
            "authentication.k8s.io",
            "selfsubjectreviews" | "tokenreviews"
        ) | (
            "authorization.k8s.io",
            "localsubjectaccessreviews"
                | "selfsubjectaccessreviews"
                | "selfsubjectrulesreviews"
                | "subjectaccessreviews"
        )
    );
    resource.group != GROUP && !is_review && Operation::ALL.contains(&target.operation)
}
