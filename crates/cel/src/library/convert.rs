//! From one type to another.

use super::{Row, fail, time};
use crate::value::{EvalError, Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    ("type", type_of, &[("type", "(A) type(A)")]),
    ("dyn", dynamic, &[("to_dyn", "(A) dyn")]),
    (
        "bool",
        to_bool,
        &[
            ("bool_to_bool", "(bool) bool"),
            ("string_to_bool", "(string) bool"),
        ],
    ),
    (
        "bytes",
        to_bytes,
        &[
            ("bytes_to_bytes", "(bytes) bytes"),
            ("string_to_bytes", "(string) bytes"),
        ],
    ),
    (
        "double",
        to_double,
        &[
            ("double_to_double", "(double) double"),
            ("int64_to_double", "(int) double"),
            ("string_to_double", "(string) double"),
            ("uint64_to_double", "(uint) double"),
        ],
    ),
    (
        "int",
        to_int,
        &[
            ("int64_to_int64", "(int) int"),
            ("double_to_int64", "(double) int"),
            ("duration_to_int64", "(duration) int"),
            ("string_to_int64", "(string) int"),
            ("timestamp_to_int64", "(timestamp) int"),
            ("uint64_to_int64", "(uint) int"),
        ],
    ),
    (
        "uint",
        to_uint,
        &[
            ("uint64_to_uint64", "(uint) uint"),
            ("double_to_uint64", "(double) uint"),
            ("int64_to_uint64", "(int) uint"),
            ("string_to_uint64", "(string) uint"),
        ],
    ),
    (
        "string",
        to_string,
        &[
            ("string_to_string", "(string) string"),
            ("bool_to_string", "(bool) string"),
            ("bytes_to_string", "(bytes) string"),
            ("double_to_string", "(double) string"),
            ("duration_to_string", "(duration) string"),
            ("int64_to_string", "(int) string"),
            ("timestamp_to_string", "(timestamp) string"),
            ("uint64_to_string", "(uint) string"),
            ("ip_to_string", "(ip) string"),
            ("cidr_to_string", "(cidr) string"),
        ],
    ),
    (
        "duration",
        to_duration,
        &[
            ("duration_to_duration", "(duration) duration"),
            ("int64_to_duration", "(int) duration"),
            ("string_to_duration", "(string) duration"),
        ],
    ),
    (
        "timestamp",
        to_timestamp,
        &[
            ("timestamp_to_timestamp", "(timestamp) timestamp"),
            ("int64_to_timestamp", "(int) timestamp"),
            ("string_to_timestamp", "(string) timestamp"),
        ],
    ),
];

const INT_OVERFLOW: EvalError = EvalError::fixed("integer overflow");
const UINT_OVERFLOW: EvalError = EvalError::fixed("unsigned integer overflow");

fn no_such<'a>(to: &str) -> Outcome<'a> {
    fail(format!("type conversion error from 'string' to '{to}'"))
}

fn type_of<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [value] = args else { return None };
    Some(Ok(Val::Type(value.ty())))
}

fn dynamic<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [value] = args else { return None };
    Some(Ok(value.clone()))
}

fn to_bool<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(match args {
        [Val::Bool(truth)] => Ok(Val::Bool(*truth)),
        [Val::String(text)] => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
            _ => no_such("bool"),
        },
        _ => return None,
    })
}

fn to_bytes<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(Ok(match args {
        [Val::Bytes(bytes)] => Val::Bytes(bytes.clone()),
        [Val::String(text)] => Val::Bytes(text.clone().into_bytes()),
        _ => return None,
    }))
}

fn to_double<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(match args {
        [Val::Double(number)] => Ok(Val::Double(*number)),
        [Val::Int(number)] => Ok(Val::Double(*number as f64)),
        [Val::Uint(number)] => Ok(Val::Double(*number as f64)),
        [Val::String(text)] => match text.parse::<f64>() {
            Ok(number) => Ok(Val::Double(number)),
            Err(_) => no_such("double"),
        },
        _ => return None,
    })
}

fn to_int<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    Some(match args {
        [Val::Int(number)] => Ok(Val::Int(*number)),
        [Val::Uint(number)] => i64::try_from(*number)
            .map(Val::Int)
            .map_err(|_| INT_OVERFLOW),
        [Val::Double(number)] if *number > -LIMIT && *number < LIMIT => {
            Ok(Val::Int(*number as i64))
        }
        [Val::Double(_)] => Err(INT_OVERFLOW),
        [Val::Duration(nanos)] => Ok(Val::Int(*nanos)),
        [Val::Timestamp(time)] => Ok(Val::Int(time.seconds)),
        [Val::String(text)] => match text.parse() {
            Ok(number) => Ok(Val::Int(number)),
            Err(_) => no_such("int"),
        },
        _ => return None,
    })
}

fn to_uint<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    Some(match args {
        [Val::Uint(number)] => Ok(Val::Uint(*number)),
        [Val::Int(number)] => u64::try_from(*number)
            .map(Val::Uint)
            .map_err(|_| UINT_OVERFLOW),
        [Val::Double(number)] if *number >= 0.0 && *number < LIMIT => Ok(Val::Uint(*number as u64)),
        [Val::Double(_)] => Err(UINT_OVERFLOW),
        // Go reads no sign here.
        [Val::String(text)] => match text.parse() {
            Ok(number) if !text.starts_with('+') => Ok(Val::Uint(number)),
            _ => no_such("uint"),
        },
        _ => return None,
    })
}

fn to_string<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(match args {
        [Val::String(text)] => Ok(Val::String(text.clone())),
        [Val::Bytes(bytes)] => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Val::string(text)),
            Err(_) => fail("invalid UTF-8 in bytes, cannot convert to string"),
        },
        [Val::Opaque(super::Opaque::Ip(ip))] => Ok(Val::string(ip.to_string())),
        [Val::Opaque(super::Opaque::Cidr(cidr))] => {
            Ok(Val::string(format!("{}/{}", cidr.address(), cidr.bits())))
        }
        [
            value @ (Val::Bool(_)
            | Val::Int(_)
            | Val::Uint(_)
            | Val::Double(_)
            | Val::Duration(_)
            | Val::Timestamp(_)),
        ] => Ok(Val::string(plain(value))),
        _ => return None,
    })
}

fn to_duration<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(match args {
        [Val::Duration(nanos)] => Ok(Val::Duration(*nanos)),
        [Val::Int(nanos)] => Ok(Val::Duration(*nanos)),
        [Val::String(text)] => match time::duration(text) {
            Some(nanos) => Ok(Val::Duration(nanos)),
            None => no_such("google.protobuf.Duration"),
        },
        _ => return None,
    })
}

fn to_timestamp<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(match args {
        [Val::Timestamp(time)] => Ok(Val::Timestamp(*time)),
        [Val::Int(seconds)] => Ok(Val::Timestamp(pintle_runtime::time::Time::from_seconds(
            *seconds,
        ))),
        [Val::String(text)] => match time::timestamp(text) {
            Some(time) => Ok(Val::Timestamp(time)),
            None => no_such("google.protobuf.Timestamp"),
        },
        _ => return None,
    })
}

/// A value without anything around it, as `string(value)` gives it.
pub(crate) fn plain(value: &Val<'_>) -> String {
    match value {
        Val::Null => "null".to_owned(),
        Val::Bool(truth) => truth.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => double(*number),
        Val::String(text) => text.to_string(),
        Val::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::Duration(nanos) => seconds(*nanos),
        Val::Timestamp(at) => time::show(*at),
        other => format!("{other:?}"),
    }
}

/// As Go's `%g` shows it, which is with an exponent from 21 digits on.
pub(super) fn double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

/// Seconds, with as many decimals as it takes.
fn seconds(nanos: i64) -> String {
    format!("{}s", nanos as f64 / 1e9)
}
