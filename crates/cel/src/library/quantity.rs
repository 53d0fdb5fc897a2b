//! Quantities.

use std::cmp::Ordering;

use pintle_runtime::quantity::{Format, Quantity, Scale};

use super::{Opaque, Row, fail, int, truth};
use crate::value::{Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    (
        "quantity",
        quantity,
        &[("string_to_quantity", "(string) quantity")],
    ),
    (
        "isQuantity",
        is_quantity,
        &[("is_quantity_string", "(string) bool")],
    ),
    ("sign", sign, &[("quantity_sign", "quantity.() int")]),
    (
        "isGreaterThan",
        is_greater,
        &[
            ("quantity_is_greater_than", "quantity.(quantity) bool"),
            ("semver_is_greater_than", "semver.(semver) bool"),
        ],
    ),
    (
        "isLessThan",
        is_less,
        &[
            ("quantity_is_less_than", "quantity.(quantity) bool"),
            ("semver_is_less_than", "semver.(semver) bool"),
        ],
    ),
    (
        "compareTo",
        compare_to,
        &[
            ("quantity_compare_to", "quantity.(quantity) int"),
            ("semver_compare_to", "semver.(semver) int"),
        ],
    ),
    (
        "asApproximateFloat",
        as_float,
        &[("quantity_get_float", "quantity.() double")],
    ),
    (
        "asInteger",
        as_integer,
        &[("quantity_get_int", "quantity.() int")],
    ),
    (
        "isInteger",
        is_integer,
        &[("quantity_is_integer", "quantity.() bool")],
    ),
    (
        "add",
        add,
        &[
            ("quantity_add", "quantity.(quantity) quantity"),
            ("quantity_add_int", "quantity.(int) quantity"),
        ],
    ),
    (
        "sub",
        sub,
        &[
            ("quantity_sub", "quantity.(quantity) quantity"),
            ("quantity_sub_int", "quantity.(int) quantity"),
        ],
    ),
];

fn quantity<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    Some(match Quantity::parse(text) {
        Ok(quantity) => Ok(Val::Opaque(Opaque::Quantity(quantity))),
        Err(error) => fail(error.to_string()),
    })
}

fn is_quantity<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    truth(Quantity::parse(text).is_ok())
}

fn one(args: &[Val<'_>]) -> Option<Quantity> {
    match args {
        [Val::Opaque(Opaque::Quantity(quantity))] => Some(*quantity),
        _ => None,
    }
}

fn sign<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    int(one(args)?.signum())
}

/// Quantities and versions are compared by the same names.
fn order(args: &[Val<'_>]) -> Option<Ordering> {
    match args {
        [
            Val::Opaque(Opaque::Quantity(a)),
            Val::Opaque(Opaque::Quantity(b)),
        ] => Some(a.cmp(b)),
        [
            Val::Opaque(Opaque::Semver(a)),
            Val::Opaque(Opaque::Semver(b)),
        ] => Some((**a).cmp(b)),
        _ => None,
    }
}

fn is_greater<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(order(args)?.is_gt())
}

fn is_less<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(order(args)?.is_lt())
}

fn compare_to<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    int(order(args)? as i8)
}

fn as_float<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(Ok(Val::Double(one(args)?.to_f64())))
}

/// The whole number that it is, if it is one and not too large.
fn whole(quantity: Quantity) -> Option<i64> {
    let value = quantity.value();
    (Quantity::new(value, Format::DecimalSi) == quantity).then_some(value)
}

fn as_integer<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(match whole(one(args)?.round_up(Scale::NANO)) {
        Some(number) => Ok(Val::Int(number)),
        None => fail("cannot convert value to integer"),
    })
}

fn is_integer<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    truth(whole(one(args)?).is_some())
}

fn pair(args: &[Val<'_>]) -> Option<(Quantity, Quantity)> {
    match args {
        [
            Val::Opaque(Opaque::Quantity(a)),
            Val::Opaque(Opaque::Quantity(b)),
        ] => Some((*a, *b)),
        [Val::Opaque(Opaque::Quantity(a)), Val::Int(b)] => {
            Some((*a, Quantity::new(*b, Format::DecimalExponent)))
        }
        _ => None,
    }
}

fn add<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (a, b) = pair(args)?;
    Some(Ok(Val::Opaque(Opaque::Quantity(a + b))))
}

fn sub<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (a, b) = pair(args)?;
    Some(Ok(Val::Opaque(Opaque::Quantity(a - b))))
}
