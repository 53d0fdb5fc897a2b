//! What can be said of literals before anything is evaluated.

use super::Checked;
use crate::ast::{Expr, Kind, Literal};
use crate::library;
use crate::parse::Parsed;
use crate::source::Issues;
use crate::types::Type;

/// Durations, times and patterns that are none, and lists and maps of mixed types.
pub(super) fn check(checked: &Checked, parsed: &Parsed, issues: &mut Issues) {
    let mut report = |expr: &Expr, message: String| {
        issues.push(parsed.location(expr.id), message);
    };
    visit(&checked.expr, checked, false, &mut report);
}

type Report<'a> = &'a mut dyn FnMut(&Expr, String);

/// The items that a text is formatted with are of mixed types by their nature.
fn visit(expr: &Expr, checked: &Checked, formatted: bool, report: Report<'_>) {
    one(expr, checked, formatted, report);
    let formatted =
        formatted || matches!(&expr.kind, Kind::Call { function, .. } if &**function == "format");
    expr.children(|child| visit(child, checked, formatted, report));
}

fn one(expr: &Expr, checked: &Checked, formatted: bool, report: Report<'_>) {
    match &expr.kind {
        Kind::Call { function, args, .. } => {
            let Some(Kind::Literal(literal)) = args.first().map(|arg| &arg.kind) else {
                return;
            };
            let is_bad = match (&**function, literal) {
                ("duration", Literal::String(text)) => library::time::duration(text).is_none(),
                ("timestamp", Literal::String(text)) => library::time::timestamp(text).is_none(),
                ("matches", Literal::String(text)) => library::pattern(text).is_err(),
                _ => false,
            };
            if is_bad {
                report(&args[0], format!("invalid {function} argument"));
            }
        }
        Kind::List { .. } | Kind::Map(_) if formatted => {}
        Kind::List {
            elements,
            optionals,
        } => {
            let typed = elements.iter().enumerate().map(|(index, element)| {
                let ty = checked.type_of(element.id);
                match optionals.contains(&index) {
                    true => (element, ty.unwrap_optional().0),
                    false => (element, ty),
                }
            });
            mixed(typed, report);
        }
        Kind::Map(entries) => {
            let keys = entries.iter().map(|entry| &entry.key);
            mixed(keys.map(|key| (key, checked.type_of(key.id))), report);
            let values = entries.iter().map(|entry| {
                let ty = checked.type_of(entry.value.id);
                match entry.optional {
                    true => (&entry.value, ty.unwrap_optional().0),
                    false => (&entry.value, ty),
                }
            });
            mixed(values, report);
        }
        _ => {}
    }
}

fn mixed<'a>(items: impl Iterator<Item = (&'a Expr, &'a Type)>, report: Report<'_>) {
    let mut first: Option<&Type> = None;
    for (expr, ty) in items {
        match first {
            None => first = Some(ty),
            Some(expected) if expected != ty => {
                report(expr, format!("expected type '{expected}' but found '{ty}'"));
                return;
            }
            Some(_) => {}
        }
    }
}
