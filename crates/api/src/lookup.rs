//! Finding types and rows.

use pintle_runtime::resource::Group;
use pintle_runtime::schema::{Ref, Type, TypeRef};

use crate::generated::resources::GROUPS;
use crate::generated::types::{EVERYWHERE, KINDS, TYPES};

/// The groups with their versions and resources, in the order of `/apis` with every group version
/// and gate on; the core group comes first. Rows say what is served by default.
pub fn groups() -> &'static [Group] {
    &GROUPS
}

/// Every type, by definition name.
pub fn types() -> impl ExactSizeIterator<Item = &'static Type> {
    TYPES.iter().copied()
}

/// The type with an OpenAPI definition name, such as `io.k8s.api.core.v1.Pod`.
pub fn type_by_name(name: &str) -> Option<TypeRef> {
    let at = TYPES
        .binary_search_by(|ty| ty.name.as_ref().cmp(name))
        .ok()?;
    Some(Ref::Static(TYPES[at]))
}

/// The type of a kind. `DeleteOptions` and the other options of requests are found under whatever
/// group version they are asked for.
pub fn type_by_kind(group: &str, version: &str, kind: &str) -> Option<TypeRef> {
    if let Ok(at) = KINDS.binary_search_by(|(key, _)| key.cmp(&(group, version, kind))) {
        return Some(Ref::Static(KINDS[at].1));
    }
    let (_, ty) = EVERYWHERE.iter().find(|(name, _)| *name == kind)?;
    Some(Ref::Static(ty))
}
