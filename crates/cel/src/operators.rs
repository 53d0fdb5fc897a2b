//! The names under which operators are functions.

pub(crate) const CONDITIONAL: &str = "_?_:_";
pub(crate) const AND: &str = "_&&_";
pub(crate) const OR: &str = "_||_";
pub(crate) const NOT: &str = "!_";
pub(crate) const NEGATE: &str = "-_";
pub(crate) const EQUAL: &str = "_==_";
pub(crate) const NOT_EQUAL: &str = "_!=_";
pub(crate) const LESS: &str = "_<_";
pub(crate) const LESS_EQUAL: &str = "_<=_";
pub(crate) const GREATER: &str = "_>_";
pub(crate) const GREATER_EQUAL: &str = "_>=_";
pub(crate) const IN: &str = "@in";
pub(crate) const ADD: &str = "_+_";
pub(crate) const SUBTRACT: &str = "_-_";
pub(crate) const MULTIPLY: &str = "_*_";
pub(crate) const DIVIDE: &str = "_/_";
pub(crate) const MODULO: &str = "_%_";
pub(crate) const INDEX: &str = "_[_]";
pub(crate) const OPT_INDEX: &str = "_[?_]";
pub(crate) const OPT_SELECT: &str = "_?._";
/// Whether a quantifier may still change its mind.
pub(crate) const NOT_STRICTLY_FALSE: &str = "@not_strictly_false";
/// A map with one entry more, or with those of another.
pub(crate) const MAP_INSERT: &str = "cel.@mapInsert";
