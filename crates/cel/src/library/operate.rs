//! Operators.

use std::cmp::Ordering;

use bytes::Bytes;
use pintle_runtime::time::Time;

use super::{Row, int, time};
use crate::operators as op;
use crate::value::{EvalError, List, Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

const INT_OVERFLOW: EvalError = EvalError::fixed("integer overflow");
const UINT_OVERFLOW: EvalError = EvalError::fixed("unsigned integer overflow");
const DURATION_OVERFLOW: EvalError = EvalError::fixed("duration overflow");
const TIME_OVERFLOW: EvalError = EvalError::fixed("timestamp overflow");
const BY_ZERO: EvalError = EvalError::fixed("division by zero");
const MODULUS_BY_ZERO: EvalError = EvalError::fixed("modulus by zero");

macro_rules! ordered {
    ($id:literal) => {
        &[
            (concat!($id, "_bool"), "(bool, bool) bool"),
            (concat!($id, "_int64"), "(int, int) bool"),
            (concat!($id, "_int64_double"), "(int, double) bool"),
            (concat!($id, "_int64_uint64"), "(int, uint) bool"),
            (concat!($id, "_uint64"), "(uint, uint) bool"),
            (concat!($id, "_uint64_double"), "(uint, double) bool"),
            (concat!($id, "_uint64_int64"), "(uint, int) bool"),
            (concat!($id, "_double"), "(double, double) bool"),
            (concat!($id, "_double_int64"), "(double, int) bool"),
            (concat!($id, "_double_uint64"), "(double, uint) bool"),
            (concat!($id, "_string"), "(string, string) bool"),
            (concat!($id, "_bytes"), "(bytes, bytes) bool"),
            (concat!($id, "_timestamp"), "(timestamp, timestamp) bool"),
            (concat!($id, "_duration"), "(duration, duration) bool"),
        ]
    };
}

pub(super) const FUNCTIONS: &[Row] = &[
    (op::CONDITIONAL, never, &[("conditional", "(bool, A, A) A")]),
    (op::AND, never, &[("logical_and", "(bool, bool) bool")]),
    (op::OR, never, &[("logical_or", "(bool, bool) bool")]),
    (op::NOT, not, &[("logical_not", "(bool) bool")]),
    (
        op::NOT_STRICTLY_FALSE,
        never,
        &[("not_strictly_false", "(bool) bool")],
    ),
    (op::EQUAL, equal, &[("equals", "(A, A) bool")]),
    (op::NOT_EQUAL, not_equal, &[("not_equals", "(A, A) bool")]),
    (op::LESS, less, ordered!("less")),
    (op::LESS_EQUAL, less_equal, ordered!("less_equals")),
    (op::GREATER, greater, ordered!("greater")),
    (op::GREATER_EQUAL, greater_equal, ordered!("greater_equals")),
    (
        op::ADD,
        add,
        &[
            ("add_bytes", "(bytes, bytes) bytes"),
            ("add_double", "(double, double) double"),
            ("add_duration_duration", "(duration, duration) duration"),
            ("add_duration_timestamp", "(duration, timestamp) timestamp"),
            ("add_timestamp_duration", "(timestamp, duration) timestamp"),
            ("add_int64", "(int, int) int"),
            ("add_list", "(list(A), list(A)) list(A)"),
            ("add_string", "(string, string) string"),
            ("add_uint64", "(uint, uint) uint"),
        ],
    ),
    (
        op::SUBTRACT,
        subtract,
        &[
            ("subtract_double", "(double, double) double"),
            (
                "subtract_duration_duration",
                "(duration, duration) duration",
            ),
            ("subtract_int64", "(int, int) int"),
            (
                "subtract_timestamp_duration",
                "(timestamp, duration) timestamp",
            ),
            (
                "subtract_timestamp_timestamp",
                "(timestamp, timestamp) duration",
            ),
            ("subtract_uint64", "(uint, uint) uint"),
        ],
    ),
    (
        op::MULTIPLY,
        multiply,
        &[
            ("multiply_double", "(double, double) double"),
            ("multiply_int64", "(int, int) int"),
            ("multiply_uint64", "(uint, uint) uint"),
        ],
    ),
    (
        op::DIVIDE,
        divide,
        &[
            ("divide_double", "(double, double) double"),
            ("divide_int64", "(int, int) int"),
            ("divide_uint64", "(uint, uint) uint"),
        ],
    ),
    (
        op::MODULO,
        modulo,
        &[
            ("modulo_int64", "(int, int) int"),
            ("modulo_uint64", "(uint, uint) uint"),
        ],
    ),
    (
        op::NEGATE,
        negate,
        &[
            ("negate_double", "(double) double"),
            ("negate_int64", "(int) int"),
        ],
    ),
    (
        op::INDEX,
        never,
        &[
            ("index_list", "(list(A), int) A"),
            ("index_map", "(map(A, B), A) B"),
            (
                "optional_list_index_int",
                "(optional(list(A)), int) optional(A)",
            ),
            (
                "optional_map_index_value",
                "(optional(map(A, B)), A) optional(B)",
            ),
        ],
    ),
    (
        op::IN,
        contains,
        &[
            ("in_list", "(A, list(A)) bool"),
            ("in_map", "(A, map(A, B)) bool"),
        ],
    ),
    (
        "size",
        size,
        &[
            ("size_bytes", "(bytes) int"),
            ("bytes_size", "bytes.() int"),
            ("size_list", "(list(A)) int"),
            ("list_size", "list(A).() int"),
            ("size_map", "(map(A, B)) int"),
            ("map_size", "map(A, B).() int"),
            ("size_string", "(string) int"),
            ("string_size", "string.() int"),
        ],
    ),
    (
        op::MAP_INSERT,
        insert,
        &[
            ("@mapInsert_map_key_value", "(map(K, V), K, V) map(K, V)"),
            ("@mapInsert_map_map", "(map(K, V), map(K, V)) map(K, V)"),
        ],
    ),
];

/// Of those that the evaluator knows itself.
fn never<'a>(_: Args<'_, 'a>) -> Answer<'a> {
    None
}

fn not<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::Bool(truth)] = args else {
        return Some(Err(EvalError::NO_OVERLOAD));
    };
    Some(Ok(Val::Bool(!truth)))
}

fn equal<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [a, b] = args else { return None };
    Some(Ok(Val::Bool(a.equals(b))))
}

fn not_equal<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [a, b] = args else { return None };
    Some(Ok(Val::Bool(!a.equals(b))))
}

fn compare<'a>(args: Args<'_, 'a>, holds: fn(Ordering) -> bool) -> Answer<'a> {
    let [a, b] = args else { return None };
    match a {
        Val::Bool(_)
        | Val::Int(_)
        | Val::Uint(_)
        | Val::Double(_)
        | Val::String(_)
        | Val::Bytes(_)
        | Val::Duration(_)
        | Val::Timestamp(_) => Some(a.compare(b).map(|order| Val::Bool(holds(order)))),
        _ => None,
    }
}

fn less<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    compare(args, Ordering::is_lt)
}

fn less_equal<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    compare(args, Ordering::is_le)
}

fn greater<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    compare(args, Ordering::is_gt)
}

fn greater_equal<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    compare(args, Ordering::is_ge)
}

fn checked<'a, T>(number: Option<T>, make: fn(T) -> Val<'a>, overflow: EvalError) -> Answer<'a> {
    Some(number.map(make).ok_or(overflow))
}

fn later<'a>(time: Time, nanos: i64) -> Answer<'a> {
    checked(time::shift(time, nanos), Val::Timestamp, TIME_OVERFLOW)
}

fn add<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [a, b] = args else { return None };
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => checked(a.checked_add(*b), Val::Int, INT_OVERFLOW),
        (Val::Uint(a), Val::Uint(b)) => checked(a.checked_add(*b), Val::Uint, UINT_OVERFLOW),
        (Val::Double(a), Val::Double(b)) => Some(Ok(Val::Double(a + b))),
        (Val::String(a), Val::String(b)) => {
            let mut text = String::with_capacity(a.len() + b.len());
            text.push_str(a);
            text.push_str(b);
            Some(Ok(Val::string(text)))
        }
        (Val::Bytes(a), Val::Bytes(b)) => {
            Some(Ok(Val::Bytes(Bytes::from([&a[..], &b[..]].concat()))))
        }
        (Val::List(a), Val::List(b)) => Some(Ok(Val::list(a.iter().chain(b.iter()).collect()))),
        (Val::Duration(a), Val::Duration(b)) => {
            checked(a.checked_add(*b), Val::Duration, DURATION_OVERFLOW)
        }
        (Val::Duration(nanos), Val::Timestamp(time))
        | (Val::Timestamp(time), Val::Duration(nanos)) => later(*time, *nanos),
        (
            Val::Int(_)
            | Val::Uint(_)
            | Val::Double(_)
            | Val::String(_)
            | Val::Bytes(_)
            | Val::List(_)
            | Val::Duration(_)
            | Val::Timestamp(_),
            _,
        ) => Some(Err(EvalError::NO_OVERLOAD)),
        _ => None,
    }
}

fn subtract<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [a, b] = args else { return None };
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => checked(a.checked_sub(*b), Val::Int, INT_OVERFLOW),
        (Val::Uint(a), Val::Uint(b)) => checked(a.checked_sub(*b), Val::Uint, UINT_OVERFLOW),
        (Val::Double(a), Val::Double(b)) => Some(Ok(Val::Double(a - b))),
        (Val::Duration(a), Val::Duration(b)) => {
            checked(a.checked_sub(*b), Val::Duration, DURATION_OVERFLOW)
        }
        (Val::Timestamp(time), Val::Duration(nanos)) => match nanos.checked_neg() {
            Some(nanos) => later(*time, nanos),
            None => Some(Err(TIME_OVERFLOW)),
        },
        (Val::Timestamp(a), Val::Timestamp(b)) => checked(
            i64::try_from(a.nanos_since(*b)).ok(),
            Val::Duration,
            DURATION_OVERFLOW,
        ),
        (Val::Int(_) | Val::Uint(_) | Val::Double(_) | Val::Duration(_) | Val::Timestamp(_), _) => {
            Some(Err(EvalError::NO_OVERLOAD))
        }
        _ => None,
    }
}

fn multiply<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [a, b] = args else { return None };
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => checked(a.checked_mul(*b), Val::Int, INT_OVERFLOW),
        (Val::Uint(a), Val::Uint(b)) => checked(a.checked_mul(*b), Val::Uint, UINT_OVERFLOW),
        (Val::Double(a), Val::Double(b)) => Some(Ok(Val::Double(a * b))),
        (Val::Int(_) | Val::Uint(_) | Val::Double(_), _) => Some(Err(EvalError::NO_OVERLOAD)),
        _ => None,
    }
}

fn divide<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [a, b] = args else { return None };
    match (a, b) {
        (Val::Int(_), Val::Int(0)) | (Val::Uint(_), Val::Uint(0)) => Some(Err(BY_ZERO)),
        (Val::Int(a), Val::Int(b)) => checked(a.checked_div(*b), Val::Int, INT_OVERFLOW),
        (Val::Uint(a), Val::Uint(b)) => checked(a.checked_div(*b), Val::Uint, UINT_OVERFLOW),
        (Val::Double(a), Val::Double(b)) => Some(Ok(Val::Double(a / b))),
        (Val::Int(_) | Val::Uint(_) | Val::Double(_), _) => Some(Err(EvalError::NO_OVERLOAD)),
        _ => None,
    }
}

fn modulo<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [a, b] = args else { return None };
    match (a, b) {
        (Val::Int(_), Val::Int(0)) | (Val::Uint(_), Val::Uint(0)) => Some(Err(MODULUS_BY_ZERO)),
        (Val::Int(a), Val::Int(b)) => checked(a.checked_rem(*b), Val::Int, INT_OVERFLOW),
        (Val::Uint(a), Val::Uint(b)) => checked(a.checked_rem(*b), Val::Uint, UINT_OVERFLOW),
        (Val::Int(_) | Val::Uint(_), _) => Some(Err(EvalError::NO_OVERLOAD)),
        _ => None,
    }
}

fn negate<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    match args {
        [Val::Int(number)] => checked(number.checked_neg(), Val::Int, INT_OVERFLOW),
        [Val::Double(number)] => Some(Ok(Val::Double(-number))),
        [Val::Duration(nanos)] => checked(nanos.checked_neg(), Val::Duration, DURATION_OVERFLOW),
        [Val::Bool(_)] => Some(Err(EvalError::NO_OVERLOAD)),
        _ => None,
    }
}

fn contains<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    match args {
        [item, Val::List(list)] => Some(Ok(Val::Bool(list_contains(list, item)))),
        [key, Val::Map(map)] => Some(Ok(Val::Bool(map.get(key).is_some()))),
        [Val::String(name), Val::Object(object)] => {
            Some(object.field(name).map(|field| Val::Bool(field.is_some())))
        }
        _ => Some(Err(EvalError::NO_OVERLOAD)),
    }
}

pub(super) fn list_contains(list: &List<'_>, item: &Val<'_>) -> bool {
    list.iter().any(|found| found.equals(item))
}

fn size<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    match args {
        [value @ (Val::String(_) | Val::Bytes(_) | Val::List(_) | Val::Map(_))] => {
            int(value.size())
        }
        _ => None,
    }
}

fn insert<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    match args {
        [Val::Map(map), key, value] => Some(map.clone().with(key, value.clone()).map(Val::Map)),
        [Val::Map(map), Val::Map(more)] => {
            let inserted = more
                .entries()
                .into_iter()
                .try_fold(map.clone(), |map, (key, value)| map.with(&key, value));
            Some(inserted.map(Val::Map))
        }
        _ => None,
    }
}
