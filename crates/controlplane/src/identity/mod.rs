//! Who is it, as far as objects say: tokens of service accounts, and what they are bound to.

pub mod objects;
pub mod token_request;

pub use objects::StoredObjects;
pub use token_request::TokenRequests;
