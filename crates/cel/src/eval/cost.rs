//! What a call costs, in the units of cel-go's runtime cost.

use super::plan::Call;
use crate::value::Val;

/// Making a list.
pub(super) const LIST: u64 = 10;
/// Making a map.
pub(super) const MAP: u64 = 30;
/// Making an object.
pub(super) const STRUCT: u64 = 40;
/// Asking whether someone may do something, of which a budget allows for two.
const CHECK: u64 = 350_000;

/// Going through so many characters once.
fn traversal(length: u64) -> u64 {
    length.div_ceil(10)
}

/// Going through so many characters twice.
fn twice(length: u64) -> u64 {
    length.div_ceil(5)
}

fn pattern(length: u64) -> u64 {
    length.div_ceil(4)
}

/// Matching a text against a pattern.
pub(super) fn of_pattern(text: &str, regex: &str) -> u64 {
    let length = text.chars().count() as u64;
    traversal(length + 1) * pattern(regex.chars().count() as u64)
}

/// What a call cost, given what came out of it.
pub(super) fn of_call(call: &Call, args: &[Val<'_>], result: Option<&Val<'_>>) -> u64 {
    let size = |index: usize| args.get(index).map_or(1, Val::size);
    match &*call.name {
        "check" => CHECK,
        "fieldSelector" | "labelSelector" => {
            let length = size(1);
            LIST + traversal(length) + length.div_ceil(2) * (LIST + STRUCT)
        }
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
            args.first().map_or(0, through)
        }
        "url"
        | "lowerAscii"
        | "upperAscii"
        | "substring"
        | "trim"
        | "jsonpatch.escapeKey"
        | "cidr"
        | "isIP"
        | "isCIDR"
        | "quantity"
        | "isQuantity"
        | "semver"
        | "isSemver" => traversal(size(0)),
        "ip" => match args {
            [Val::String(_)] => traversal(size(0)),
            _ => 1,
        },
        "replace" | "split" | "ip.isCanonical" => twice(size(0)),
        "join" => twice(result.map_or(1, Val::size)),
        "find" | "findAll" | "matches" => traversal(size(0) + 1) * pattern(size(1)),
        "containsIP" | "containsCIDR" => {
            let parsed = match args.get(1) {
                Some(Val::String(_)) => traversal(size(1)),
                _ => 0,
            };
            let masked = match &*call.name {
                "containsCIDR" => traversal(size(0)) + 1,
                _ => 0,
            };
            twice(size(0)) + masked + parsed
        }
        "validate" => match args {
            [Val::Opaque(crate::library::Opaque::Format(format)), text] => {
                traversal(text.size() + 1) * pattern(format.pattern_length)
            }
            _ => 1,
        },
        "startsWith" | "endsWith" | "bytes" | "strings.quote" | "format" => traversal(size(0)),
        "string" => match args {
            [Val::Bytes(_)] => traversal(size(0)),
            _ => 1,
        },
        "contains" => traversal(size(0)) * traversal(size(1)),
        "@in" => match args {
            [_, Val::List(list)] => list.len() as u64,
            _ => 1,
        },
        "_==_" | "_!=_" => match args {
            [Val::Opaque(_), _] => 1,
            _ => traversal(size(0).min(size(1))),
        },
        "_<_" | "_<=_" | "_>_" | "_>=_" => match args {
            [Val::String(_), Val::String(_)] | [Val::Bytes(_), Val::Bytes(_)] => {
                traversal(size(0).min(size(1)))
            }
            _ => 1,
        },
        "_+_" => match args {
            [Val::String(_), Val::String(_)] | [Val::Bytes(_), Val::Bytes(_)] => {
                traversal(size(0) + size(1))
            }
            _ => 1,
        },
        _ => 1,
    }
}

/// Going through everything in a value once.
fn through(value: &Val<'_>) -> u64 {
    match value {
        Val::String(text) => text.len() as u64 / 10,
        Val::Bytes(bytes) => bytes.len() as u64 / 10,
        Val::List(list) => list.iter().map(|item| through(&item)).sum(),
        Val::Map(map) => {
            let entries = map.entries();
            entries
                .iter()
                .map(|(key, value)| through(key) + through(value))
                .sum()
        }
        _ => 1,
    }
}
