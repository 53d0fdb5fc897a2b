//! The functions that Kubernetes offers to every expression: CEL's own, the extensions that
//! Kubernetes has taken over, and those of its own.
//!
//! Each module has a table: the name of a function, what it does, and the ways to call it, each
//! with its name and its signature, such as `string.charAt(int)`'s `string.(int) string`.

pub mod authz;
pub(crate) mod convert;
mod format;
mod lists;
mod network;
mod operate;
mod optional;
mod patch;
mod printf;
mod quantity;
mod regexes;
mod semver;
mod strings;
pub(crate) mod time;
mod urls;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use pintle_runtime::ip::Cidr;
use pintle_runtime::quantity::Quantity;

pub(crate) use regexes::pattern;

use crate::environment::{FunctionDecl, Overload};
use crate::types::{Param, Type};
use crate::value::{EvalError, Function, Outcome, Val};

/// A function: its name, what it does, and the ways to call it.
type Row = (
    &'static str,
    Function,
    &'static [(&'static str, &'static str)],
);

/// All functions by name.
pub(crate) fn functions() -> HashMap<&'static str, FunctionDecl> {
    let mut functions = HashMap::new();
    for rows in [
        operate::FUNCTIONS,
        convert::FUNCTIONS,
        time::FUNCTIONS,
        strings::FUNCTIONS,
        printf::FUNCTIONS,
        regexes::FUNCTIONS,
        lists::FUNCTIONS,
        optional::FUNCTIONS,
        urls::FUNCTIONS,
        quantity::FUNCTIONS,
        network::FUNCTIONS,
        format::FUNCTIONS,
        semver::FUNCTIONS,
        authz::FUNCTIONS,
    ] {
        add(&mut functions, rows);
    }
    functions
}

/// The functions for patches.
pub(crate) fn add_patches(functions: &mut HashMap<&'static str, FunctionDecl>) {
    add(functions, patch::FUNCTIONS);
}

fn add(functions: &mut HashMap<&'static str, FunctionDecl>, rows: &[Row]) {
    for (name, run, overloads) in rows {
        let overloads = overloads.iter().map(|(id, text)| signature(id, text));
        let declared = functions.entry(name).or_insert_with(|| FunctionDecl {
            name,
            overloads: Vec::new(),
            run: *run,
        });
        declared.overloads.extend(overloads);
    }
}

/// What a way to call a function takes and gives, from its text.
fn signature(id: &'static str, text: &str) -> Overload {
    let (taken, given) = text.rsplit_once(") ").unwrap_or((text, "dyn"));
    let (target, rest) = taken.split_once('(').unwrap_or((taken, ""));
    let mut params = Vec::new();
    // A target may itself have parentheses: it ends with a dot before the last list.
    let (target, rest) = match taken.rfind(".(") {
        Some(dot) => (&taken[..dot], &taken[dot + 2..]),
        None => (target, rest),
    };
    let member = taken.contains(".(");
    if member {
        params.push(parse_type(target));
    }
    params.extend(split(rest).map(parse_type));
    Overload {
        id,
        member,
        params,
        result: parse_type(given),
    }
}

/// Parts between commas that are in no parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn parse_type(text: &str) -> Type {
    if let Some((outer, inner)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) {
        let mut inner = split(inner).map(parse_type);
        let mut next = || inner.next().unwrap_or(Type::Dyn);
        return match outer {
            "list" => Type::list(next()),
            "optional" => Type::optional(next()),
            "type" => Type::Type(Arc::new(next())),
            _ => Type::map(next(), next()),
        };
    }
    match text {
        "dyn" => Type::Dyn,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        param if param.len() == 1 => Type::Param(Param::Declared(char::from(param.as_bytes()[0]))),
        name => match crate::environment::type_by_name(name) {
            Some((_, ty)) => ty,
            None => Type::Opaque(short_name(name)),
        },
    }
}

/// The types of libraries: how tables call them, and how they are called.
const OPAQUE: [(&str, &str); 11] = [
    ("url", "kubernetes.URL"),
    ("quantity", "kubernetes.Quantity"),
    ("ip", "net.IP"),
    ("cidr", "net.CIDR"),
    ("format", "kubernetes.NamedFormat"),
    ("semver", "kubernetes.Semver"),
    ("authorizer", "kubernetes.authorization.Authorizer"),
    ("pathcheck", "kubernetes.authorization.PathCheck"),
    ("groupcheck", "kubernetes.authorization.GroupCheck"),
    ("resourcecheck", "kubernetes.authorization.ResourceCheck"),
    ("decision", "kubernetes.authorization.Decision"),
];

fn short_name(name: &str) -> &'static str {
    let found = OPAQUE.iter().find(|(short, _)| *short == name);
    found.map_or("", |(_, full)| full)
}

/// The type of a library by the name that expressions know it under.
pub(crate) fn opaque_type(name: &str) -> Option<(&'static str, Type)> {
    let (_, full) = OPAQUE.iter().find(|(_, full)| *full == name)?;
    Some((full, Type::Opaque(full)))
}

/// A value of a library.
#[derive(Clone)]
pub enum Opaque<'a> {
    /// A URL.
    Url(Arc<urls::Url>),
    /// A quantity.
    Quantity(Quantity),
    /// An address.
    Ip(IpAddr),
    /// A network.
    Cidr(Cidr),
    /// A named format.
    Format(&'static format::Named),
    /// A version.
    Semver(Arc<semver::Version>),
    /// Someone who may be asked about.
    Authorizer(authz::Subject<'a>),
    /// A path that may be asked about.
    Path(Arc<authz::PathCheck<'a>>),
    /// A group that may be asked about.
    Group(Arc<authz::ResourceCheck<'a>>),
    /// A resource that may be asked about.
    Resource(Arc<authz::ResourceCheck<'a>>),
    /// An answer.
    Decision(Arc<authz::Decision>),
}

impl Opaque<'_> {
    /// The name of the type.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Url(_) => OPAQUE[0].1,
            Self::Quantity(_) => OPAQUE[1].1,
            Self::Ip(_) => OPAQUE[2].1,
            Self::Cidr(_) => OPAQUE[3].1,
            Self::Format(_) => OPAQUE[4].1,
            Self::Semver(_) => OPAQUE[5].1,
            Self::Authorizer(_) => OPAQUE[6].1,
            Self::Path(_) => OPAQUE[7].1,
            Self::Group(_) => OPAQUE[8].1,
            Self::Resource(_) => OPAQUE[9].1,
            Self::Decision(_) => OPAQUE[10].1,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Ip(ip) => {
                if ip.is_ipv4() {
                    4
                } else {
                    16
                }
            }
            Self::Cidr(cidr) => u64::from(cidr.bits()).div_ceil(8),
            _ => 1,
        }
    }

    pub(crate) fn equals(a: &Opaque<'_>, b: &Opaque<'_>) -> bool {
        match (a, b) {
            (Opaque::Url(a), Opaque::Url(b)) => a == b,
            (Opaque::Quantity(a), Opaque::Quantity(b)) => a == b,
            (Opaque::Ip(a), Opaque::Ip(b)) => a == b,
            (Opaque::Cidr(a), Opaque::Cidr(b)) => a == b,
            (Opaque::Format(a), Opaque::Format(b)) => a.name == b.name,
            (Opaque::Semver(a), Opaque::Semver(b)) => a.cmp(b).is_eq(),
            _ => false,
        }
    }
}

impl fmt::Debug for Opaque<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "url({url})"),
            Self::Quantity(quantity) => write!(f, "quantity({quantity})"),
            Self::Ip(ip) => write!(f, "ip({ip})"),
            Self::Cidr(cidr) => write!(f, "cidr({}/{})", cidr.address(), cidr.bits()),
            Self::Format(format) => write!(f, "format({})", format.name),
            Self::Semver(version) => write!(f, "semver({version})"),
            other => f.write_str(other.type_name()),
        }
    }
}

/// An error in the words of the library.
fn fail<'a>(message: impl Into<String>) -> Outcome<'a> {
    Err(EvalError::new(message))
}

/// A boolean.
fn truth<'a>(truth: bool) -> Option<Outcome<'a>> {
    Some(Ok(Val::Bool(truth)))
}

/// An integer.
fn int<'a>(number: impl TryInto<i64>) -> Option<Outcome<'a>> {
    Some(match number.try_into() {
        Ok(number) => Ok(Val::Int(number)),
        Err(_) => Err(EvalError::fixed("integer overflow")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_read() {
        let overload = signature("x", "map(A, list(B)).(string, optional(A)) list(B)");
        assert!(overload.member);
        let params: Vec<String> = overload.params.iter().map(ToString::to_string).collect();
        assert_eq!(params, ["map(A, list(B))", "string", "optional_type(A)"]);
        assert_eq!(overload.result.to_string(), "list(B)");
        let overload = signature("x", "() optional(V)");
        assert!(!overload.member && overload.params.is_empty());
    }

    #[test]
    fn no_two_overloads_have_one_name() {
        let functions = functions();
        let mut ids: Vec<_> = functions
            .values()
            .flat_map(|function| function.overloads.iter().map(|overload| overload.id))
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
        assert!(
            functions
                .values()
                .all(|function| !function.overloads.is_empty())
        );
    }
}
