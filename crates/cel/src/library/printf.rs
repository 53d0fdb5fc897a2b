//! `"%s is %d".format([name, number])`.

use pintle_runtime::quote::Quoted;

use super::{Row, convert, time};
use crate::value::{EvalError, Outcome, Val};

pub(super) const FUNCTIONS: &[Row] = &[(
    "format",
    format,
    &[("string_format", "string.(list(dyn)) string")],
)];

/// Digits after the point where nothing else is said.
const PRECISION: usize = 6;
/// More digits than this are refused, as no number has them.
const MOST_DIGITS: usize = 1000;

fn format<'a>(args: &[Val<'a>]) -> Option<Outcome<'a>> {
    let [Val::String(pattern), Val::List(items)] = args else {
        return None;
    };
    let mut out = String::new();
    let mut rest = pattern.as_str();
    let mut index = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let Some(item) = items.get(index) else {
            return Some(refuse(format!("index {index} out of range")));
        };
        index += 1;
        match clause(rest, &item) {
            Ok((text, after)) => {
                out.push_str(&text);
                rest = after;
            }
            Err(message) => return Some(refuse(message)),
        }
    }
    out.push_str(rest);
    Some(Ok(Val::string(out)))
}

fn refuse<'a>(message: String) -> Outcome<'a> {
    Err(EvalError::new(message))
}

/// The text of an item, and what follows the clause.
fn clause<'t>(text: &'t str, item: &Val<'_>) -> Result<(String, &'t str), String> {
    let unreadable = |message: &str| format!("could not parse formatting clause: {message}");
    let (precision, text) = match text.strip_prefix('.') {
        None if text.is_empty() => return Err("unexpected end of string".to_owned()),
        None => (PRECISION, text),
        Some(after) => {
            let end = after.find(|c: char| !c.is_ascii_digit()).ok_or_else(|| {
                unreadable(
                    "error while parsing precision: could not find end of precision specifier",
                )
            })?;
            let digits = after[..end]
                .parse()
                .ok()
                .filter(|digits| *digits <= MOST_DIGITS);
            let digits = digits.ok_or_else(|| {
                unreadable(&format!(
                    "error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing {}: invalid syntax",
                    Quoted(&after[..end])
                ))
            })?;
            (digits, &after[end..])
        }
    };
    let mut characters = text.chars();
    let verb = characters.next().unwrap_or('%');
    let written = match verb {
        's' => plain(item),
        'd' => decimal(item),
        'f' => float(item, "fixed-point").map(|number| fixed(number, precision)),
        'e' => float(item, "scientific").map(|number| scientific(number, precision)),
        'b' => match item {
            Val::Int(number) => Ok(signed(*number, |n| format!("{n:b}"))),
            Val::Uint(number) => Ok(format!("{number:b}")),
            Val::Bool(truth) => Ok(u8::from(*truth).to_string()),
            other => Err(only(
                "only integers and bools can be formatted as binary",
                other,
            )),
        },
        'x' => hex(item),
        'X' => hex(item).map(|text| text.to_uppercase()),
        'o' => match item {
            Val::Int(number) => Ok(signed(*number, |n| format!("{n:o}"))),
            Val::Uint(number) => Ok(format!("{number:o}")),
            other => Err(only("octal clause can only be used on integers", other)),
        },
        other => {
            return Err(unreadable(&format!(
                "unrecognized formatting clause \"{other}\""
            )));
        }
    };
    let written = written.map_err(|message| format!("error during formatting: {message}"))?;
    Ok((written, characters.as_str()))
}

fn only(rule: &str, item: &Val<'_>) -> String {
    format!("{rule}, was given {}", item.type_name())
}

fn signed(number: i64, digits: fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", digits(number.unsigned_abs()))
}

fn decimal(item: &Val<'_>) -> Result<String, String> {
    match item {
        Val::Int(number) => Ok(number.to_string()),
        Val::Uint(number) => Ok(number.to_string()),
        other => Err(only("decimal clause can only be used on integers", other)),
    }
}

fn float(item: &Val<'_>, name: &str) -> Result<f64, String> {
    match item {
        Val::Double(number) => Ok(*number),
        Val::String(text) => match text.as_str() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(only(
                &format!("{name} clause can only be used on doubles"),
                item,
            )),
        },
        other => Err(only(
            &format!("{name} clause can only be used on doubles"),
            other,
        )),
    }
}

fn special(number: f64) -> Option<String> {
    if number.is_finite() {
        return None;
    }
    Some(match number {
        _ if number.is_nan() => "NaN".to_owned(),
        _ if number > 0.0 => "∞".to_owned(),
        _ => "-∞".to_owned(),
    })
}

/// With the thousands apart, as English does it.
fn fixed(number: f64, precision: usize) -> String {
    if let Some(special) = special(number) {
        return special;
    }
    let text = format!("{number:.precision$}");
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text.as_str(), None),
    };
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", whole),
    };
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

fn scientific(number: f64, precision: usize) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    if let Some(special) = special(number) {
        return special;
    }
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ("⁻", exponent),
        None => ("", exponent),
    };
    let exponent = format!("{exponent:0>2}");
    let raised: String = exponent
        .bytes()
        .map(|digit| RAISED[usize::from(digit - b'0')])
        .collect();
    format!("{digits}\u{a0}×\u{a0}10{sign}{raised}")
}

fn hex(item: &Val<'_>) -> Result<String, String> {
    let all = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match item {
        Val::String(text) => Ok(all(text.as_bytes())),
        Val::Bytes(bytes) => Ok(all(bytes)),
        Val::Int(number) => Ok(signed(*number, |n| format!("{n:x}"))),
        Val::Uint(number) => Ok(format!("{number:x}")),
        other => Err(only(
            "only integers, byte buffers, and strings can be formatted as hex",
            other,
        )),
    }
}

/// What `%s` makes of a value.
fn plain(item: &Val<'_>) -> Result<String, String> {
    match item {
        Val::List(list) => {
            let items: Result<Vec<String>, String> = list.iter().map(|item| inner(&item)).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        Val::Map(map) => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map.entries() {
                entries.push((inner(&key)?, inner(&value)?));
            }
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            let entries: Vec<String> = entries.iter().map(|(k, v)| format!("{k}:{v}")).collect();
            Ok(format!("{{{}}}", entries.join(", ")))
        }
        Val::Null
        | Val::Bool(_)
        | Val::Int(_)
        | Val::Uint(_)
        | Val::Double(_)
        | Val::String(_)
        | Val::Bytes(_)
        | Val::Duration(_)
        | Val::Timestamp(_)
        | Val::Type(_) => Ok(convert::plain(item)),
        other => Err(only(
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
            other,
        )),
    }
}

/// What `%s` makes of a value within another.
fn inner(item: &Val<'_>) -> Result<String, String> {
    match item {
        Val::String(text) => Ok(Quoted(text).to_string()),
        Val::Bytes(bytes) => Ok(format!("b{}", Quoted(&String::from_utf8_lossy(bytes)))),
        Val::Double(number) => Ok(format!("{number:.6}")),
        Val::Timestamp(at) => Ok(format!("timestamp({})", Quoted(&time::show(*at)))),
        Val::Duration(_) => Ok(format!("duration({})", Quoted(&convert::plain(item)))),
        Val::Type(_) => Ok(format!("type({})", convert::plain(item))),
        other => plain(other),
    }
}
