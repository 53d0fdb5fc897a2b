//! What may be absent.

use super::{Row, fail, truth};
use crate::operators as op;
use crate::value::{Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    ("optional.of", of, &[("optional_of", "(V) optional(V)")]),
    (
        "optional.ofNonZeroValue",
        of_non_zero,
        &[("optional_ofNonZeroValue", "(V) optional(V)")],
    ),
    (
        "optional.none",
        none,
        &[("optional_none", "() optional(V)")],
    ),
    ("value", value, &[("optional_value", "optional(V).() V")]),
    (
        "hasValue",
        has_value,
        &[("optional_hasValue", "optional(V).() bool")],
    ),
    (
        "or",
        never,
        &[(
            "optional_or_optional",
            "optional(V).(optional(V)) optional(V)",
        )],
    ),
    (
        "orValue",
        never,
        &[("optional_orValue_value", "optional(V).(V) V")],
    ),
    (
        op::OPT_SELECT,
        never,
        &[("select_optional_field", "(dyn, string) optional(V)")],
    ),
    (
        op::OPT_INDEX,
        never,
        &[
            ("list_optindex_optional_int", "(list(V), int) optional(V)"),
            (
                "optional_list_optindex_optional_int",
                "(optional(list(V)), int) optional(V)",
            ),
            ("map_optindex_optional_value", "(map(K, V), K) optional(V)"),
            (
                "optional_map_optindex_optional_value",
                "(optional(map(K, V)), K) optional(V)",
            ),
        ],
    ),
    ("last", last, &[("list_last", "list(V).() optional(V)")]),
    ("first", first, &[("list_first", "list(V).() optional(V)")]),
    (
        "optional.unwrap",
        unwrap,
        &[("optional_unwrap", "(list(optional(V))) list(V)")],
    ),
    (
        "unwrapOpt",
        unwrap,
        &[("optional_unwrapOpt", "list(optional(V)).() list(V)")],
    ),
];

/// Of those that the evaluator knows itself.
fn never<'a>(_: Args<'_, 'a>) -> Answer<'a> {
    None
}

fn of<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [value] = args else { return None };
    Some(Ok(Val::some(value.clone())))
}

fn of_non_zero<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [value] = args else { return None };
    Some(Ok(match value.is_zero() {
        true => Val::Optional(None),
        false => Val::some(value.clone()),
    }))
}

fn none<'a>(_: Args<'_, 'a>) -> Answer<'a> {
    Some(Ok(Val::Optional(None)))
}

fn value<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    match args {
        [Val::Optional(Some(inner))] => Some(Ok((**inner).clone())),
        [Val::Optional(None)] => Some(fail("optional.none() dereference")),
        _ => None,
    }
}

fn has_value<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::Optional(inner)] = args else {
        return None;
    };
    truth(inner.is_some())
}

fn last<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    let last = list.len().checked_sub(1).and_then(|at| list.get(at));
    Some(Ok(last.map_or(Val::Optional(None), Val::some)))
}

fn first<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    Some(Ok(list.get(0).map_or(Val::Optional(None), Val::some)))
}

fn unwrap<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    let mut there = Vec::new();
    for item in list.iter() {
        match item {
            Val::Optional(Some(inner)) => there.push((*inner).clone()),
            Val::Optional(None) => {}
            other => return Some(fail(format!("value {other:?} is not optional"))),
        }
    }
    Some(Ok(Val::list(there)))
}
