//! Lists and sets.

use std::cmp::Ordering;

use super::operate::list_contains;
use super::{Row, fail, int, truth};
use crate::value::{EvalError, List, Outcome, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

/// One way for each type whose values are ordered.
macro_rules! summable {
    ($name:literal, $result:literal) => {
        summable!($name, $result, "int", "uint", "double", "duration")
    };
    ($name:literal, "T", $($ty:literal),*) => {
        &[$((concat!("list_", $ty, "_", $name), concat!("list(", $ty, ").() ", $ty))),*]
    };
    ($name:literal, $result:literal, $($ty:literal),*) => {
        &[$((concat!("list_", $ty, "_", $name), concat!("list(", $ty, ").() ", $result))),*]
    };
}

macro_rules! comparable {
    ($name:literal, $result:tt) => {
        summable!(
            $name,
            $result,
            "int",
            "uint",
            "double",
            "bool",
            "duration",
            "timestamp",
            "string",
            "bytes"
        )
    };
}

pub(super) const FUNCTIONS: &[Row] = &[
    ("isSorted", is_sorted, comparable!("is_sorted_bool", "bool")),
    (
        "sum",
        sum,
        summable!("sum", "T", "int", "uint", "double", "duration"),
    ),
    ("max", max, comparable!("max", "T")),
    ("min", min, comparable!("min", "T")),
    (
        "slice",
        slice,
        &[("list_slice", "list(A).(int, int) list(A)")],
    ),
    (
        "flatten",
        flatten,
        &[
            ("list_flatten", "list(list(A)).() list(A)"),
            ("list_flatten_int", "list(dyn).(int) list(dyn)"),
        ],
    ),
    (
        "sort",
        sort,
        &[
            ("list_int_sort", "list(int).() list(int)"),
            ("list_uint_sort", "list(uint).() list(uint)"),
            ("list_double_sort", "list(double).() list(double)"),
            ("list_bool_sort", "list(bool).() list(bool)"),
            ("list_duration_sort", "list(duration).() list(duration)"),
            ("list_timestamp_sort", "list(timestamp).() list(timestamp)"),
            ("list_string_sort", "list(string).() list(string)"),
            ("list_bytes_sort", "list(bytes).() list(bytes)"),
        ],
    ),
    (
        "@sortByAssociatedKeys",
        sort_by,
        &[
            (
                "list_int_sortByAssociatedKeys",
                "list(A).(list(int)) list(A)",
            ),
            (
                "list_uint_sortByAssociatedKeys",
                "list(A).(list(uint)) list(A)",
            ),
            (
                "list_double_sortByAssociatedKeys",
                "list(A).(list(double)) list(A)",
            ),
            (
                "list_bool_sortByAssociatedKeys",
                "list(A).(list(bool)) list(A)",
            ),
            (
                "list_duration_sortByAssociatedKeys",
                "list(A).(list(duration)) list(A)",
            ),
            (
                "list_timestamp_sortByAssociatedKeys",
                "list(A).(list(timestamp)) list(A)",
            ),
            (
                "list_string_sortByAssociatedKeys",
                "list(A).(list(string)) list(A)",
            ),
            (
                "list_bytes_sortByAssociatedKeys",
                "list(A).(list(bytes)) list(A)",
            ),
        ],
    ),
    ("lists.range", range, &[("lists_range", "(int) list(int)")]),
    (
        "reverse",
        reverse,
        &[("list_reverse", "list(A).() list(A)")],
    ),
    (
        "distinct",
        distinct,
        &[("list_distinct", "list(A).() list(A)")],
    ),
    (
        "sets.contains",
        sets_contains,
        &[("list_sets_contains_list", "(list(A), list(A)) bool")],
    ),
    (
        "sets.equivalent",
        sets_equivalent,
        &[("list_sets_equivalent_list", "(list(A), list(A)) bool")],
    ),
    (
        "sets.intersects",
        sets_intersects,
        &[("list_sets_intersects_list", "(list(A), list(A)) bool")],
    ),
];

pub(super) fn index_of<'a>(list: &List<'a>, item: &Val<'a>) -> Answer<'a> {
    let at = list.iter().position(|found| found.equals(item));
    int(at.map_or(-1, |at| at as i64))
}

pub(super) fn last_index_of<'a>(list: &List<'a>, item: &Val<'a>) -> Answer<'a> {
    let found = list
        .iter()
        .zip(0_i64..)
        .filter(|(found, _)| found.equals(item));
    int(found.last().map_or(-1, |(_, at)| at))
}

fn is_sorted<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    let mut previous: Option<Val<'_>> = None;
    for item in list.iter() {
        if let Some(previous) = &previous {
            match previous.compare(&item) {
                Ok(Ordering::Greater) => return truth(false),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        previous = Some(item);
    }
    truth(true)
}

fn sum<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    let mut items = list.iter();
    // Nothing at all comes to the zero of a type that only the checker knew.
    let Some(mut sum) = items.next() else {
        return Some(Ok(Val::Int(0)));
    };
    for item in items {
        sum = match (&sum, &item) {
            (Val::Int(a), Val::Int(b)) => match a.checked_add(*b) {
                Some(sum) => Val::Int(sum),
                None => return Some(fail("integer overflow")),
            },
            (Val::Uint(a), Val::Uint(b)) => match a.checked_add(*b) {
                Some(sum) => Val::Uint(sum),
                None => return Some(fail("unsigned integer overflow")),
            },
            (Val::Double(a), Val::Double(b)) => Val::Double(a + b),
            (Val::Duration(a), Val::Duration(b)) => match a.checked_add(*b) {
                Some(sum) => Val::Duration(sum),
                None => return Some(fail("duration overflow")),
            },
            _ => return Some(Err(EvalError::NO_OVERLOAD)),
        };
    }
    Some(Ok(sum))
}

fn extreme<'a>(args: Args<'_, 'a>, name: &str, better: Ordering) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    let mut items = list.iter();
    let Some(mut best) = items.next() else {
        return Some(fail(format!("{name} called on empty list")));
    };
    for item in items {
        match item.compare(&best) {
            Ok(order) if order == better => best = item,
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(best))
}

fn max<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    extreme(args, "max", Ordering::Greater)
}

fn min<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    extreme(args, "min", Ordering::Less)
}

fn slice<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list), Val::Int(start), Val::Int(end)] = args else {
        return None;
    };
    let refuse = |why: &str| Some(fail(format!("cannot slice({start}, {end}), {why}")));
    let (Ok(from), Ok(to)) = (usize::try_from(*start), usize::try_from(*end)) else {
        return refuse("negative indexes not supported");
    };
    if from > to {
        return refuse("start index must be less than or equal to end index");
    }
    if to > list.len() {
        return refuse(&format!("list is length {}", list.len()));
    }
    Some(Ok(Val::list(
        (from..to).filter_map(|at| list.get(at)).collect(),
    )))
}

fn flatten<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let (list, depth) = match args {
        [Val::List(list)] => (list, 1),
        [Val::List(list), Val::Int(depth)] => (list, *depth),
        _ => return None,
    };
    if depth < 0 {
        return Some(fail("level must be non-negative"));
    }
    let mut flat = Vec::new();
    flatten_onto(list, depth, &mut flat);
    Some(Ok(Val::list(flat)))
}

fn flatten_onto<'a>(list: &List<'a>, depth: i64, flat: &mut Vec<Val<'a>>) {
    for item in list.iter() {
        match &item {
            Val::List(inner) if depth > 0 => flatten_onto(inner, depth - 1, flat),
            _ => flat.push(item),
        }
    }
}

fn sort<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    Some(sorted(list, list))
}

fn sort_by<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list), Val::List(keys)] = args else {
        return None;
    };
    Some(sorted(list, keys))
}

fn sorted<'a>(list: &List<'a>, keys: &List<'a>) -> Outcome<'a> {
    if list.len() != keys.len() {
        return fail(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} and {} elements respectively",
            list.len(),
            keys.len()
        ));
    }
    let mut pairs: Vec<_> = keys.iter().zip(list.iter()).collect();
    if let Some((first, _)) = pairs.first() {
        if first.compare(first).is_err() {
            return fail("list elements must be comparable");
        }
        if pairs
            .iter()
            .any(|(key, _)| key.type_name() != first.type_name())
        {
            return fail("list elements must have the same type");
        }
    }
    pairs.sort_by(|(a, _), (b, _)| a.compare(b).unwrap_or(Ordering::Equal));
    Ok(Val::list(pairs.into_iter().map(|(_, item)| item).collect()))
}

/// More elements than any budget allows to be gone through are not made in the first place.
const LONGEST: i64 = 10_000_000;

fn range<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::Int(end)] = args else { return None };
    if *end > LONGEST {
        return Some(Err(EvalError::TooCostly));
    }
    Some(Ok(Val::list((0..*end).map(Val::Int).collect())))
}

fn reverse<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    let back = (0..list.len()).rev().filter_map(|at| list.get(at));
    Some(Ok(Val::list(back.collect())))
}

fn distinct<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(list)] = args else { return None };
    let mut seen: Vec<Val<'_>> = Vec::new();
    for item in list.iter() {
        if !seen.iter().any(|found| found.equals(&item)) {
            seen.push(item);
        }
    }
    Some(Ok(Val::list(seen)))
}

fn is_subset(part: &List<'_>, whole: &List<'_>) -> bool {
    part.iter().all(|item| list_contains(whole, &item))
}

fn sets_contains<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(whole), Val::List(part)] = args else {
        return None;
    };
    truth(is_subset(part, whole))
}

fn sets_equivalent<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(a), Val::List(b)] = args else {
        return None;
    };
    truth(is_subset(a, b) && is_subset(b, a))
}

fn sets_intersects<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::List(a), Val::List(b)] = args else {
        return None;
    };
    truth(a.iter().any(|item| list_contains(b, &item)))
}
