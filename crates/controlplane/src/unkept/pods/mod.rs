//! What is done to pods by taking something else: they are bound to nodes, and evicted from them.

mod binding;
mod budget;
mod condition;
mod eviction;

pub(super) use binding::Binding;
pub(super) use eviction::Eviction;
