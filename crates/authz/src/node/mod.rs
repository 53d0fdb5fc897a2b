//! What nodes may do: what their pods need, and what is theirs.
//!
//! [`NodeAuthorizer`] knows users `system:node:<name>` in the group `system:nodes`. Objects such as secrets it lets a
//! node read if the [`Graph`] says that a pod on the node uses them; all else is a rule that is the same for every
//! node.

pub mod authorizer;
pub mod graph;

pub use authorizer::NodeAuthorizer;
pub use graph::{Graph, PodUses, Used, Volume};
