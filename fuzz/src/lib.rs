//! What must hold of every reader of clients' bytes, whatever the bytes are.
//!
//! A [`Target`] takes bytes and panics if something does not hold. `cargo xtask fuzz` looks for bytes that make it do
//! so, by coverage. `corpus/` has a folder for each target with bytes to begin with, and with those that once made it
//! panic; a test gives all of them to their targets.

mod codecs;
mod fields;
mod patches;
mod requests;
mod selectors;
mod texts;
mod tokens;

use bytes::Bytes;
use pintle_runtime::schema::{Ref, Shape, TypeRef};

/// A reader, and what must hold of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called on the command line; also a folder in `corpus/`.
    pub name: &'static str,
    /// Panics if something does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "json",
        run: codecs::json,
    },
    Target {
        name: "yaml",
        run: codecs::yaml,
    },
    Target {
        name: "protobuf",
        run: codecs::protobuf,
    },
    Target {
        name: "fields",
        run: fields::fields,
    },
    Target {
        name: "json-patch",
        run: patches::json_patch,
    },
    Target {
        name: "merge-patch",
        run: patches::merge_patch,
    },
    Target {
        name: "strategic-patch",
        run: patches::strategic,
    },
    Target {
        name: "selector",
        run: selectors::selector,
    },
    Target {
        name: "text",
        run: texts::text,
    },
    Target {
        name: "request",
        run: requests::request,
    },
    Target {
        name: "token",
        run: tokens::token,
    },
];

/// The type of an object that the first two bytes choose among those that `is_meant`, and the rest.
fn typed(bytes: &[u8], is_meant: impl Fn(TypeRef) -> bool) -> Option<(TypeRef, Bytes)> {
    let (choice, rest) = bytes.split_first_chunk()?;
    let types = pintle_api::types().filter(|ty| ty.shape == Shape::Struct);
    let types: Vec<TypeRef> = types
        .map(Ref::Static)
        .filter(|ty| is_meant(ty.clone()))
        .collect();
    let ty = types.get(usize::from(u16::from_le_bytes(*choice)) % types.len().max(1))?;
    Some((ty.clone(), Bytes::copy_from_slice(rest)))
}

/// Two texts, with a zero byte between them.
fn two(bytes: &[u8]) -> Option<(Bytes, Bytes)> {
    let at = bytes.iter().position(|byte| *byte == 0)?;
    let [first, second] = [&bytes[..at], &bytes[at + 1..]].map(Bytes::copy_from_slice);
    Some((first, second))
}
