//! Expressions as trees.
//!
//! Every node has an id; the tables of the parser (where it stands) and of the checker (its type,
//! what it refers to) are lists by id.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;

use crate::operators;

/// The number of a node.
pub type Id = u32;

/// A name in an expression.
pub type Name = Arc<str>;

/// A node.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Its number, by which its place and its type are found.
    pub id: Id,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Something that was not understood, which has been reported.
    Unspecified,
    /// A literal.
    Literal(Literal),
    /// A name.
    Ident(Name),
    /// `operand.field`, or `has(operand.field)`.
    Select {
        /// What the field is of.
        operand: Box<Expr>,
        /// The field.
        field: Name,
        /// Whether it is only asked whether the field is there.
        test_only: bool,
    },
    /// A call of a function or operator.
    Call {
        /// What stands before the dot.
        target: Option<Box<Expr>>,
        /// The function.
        function: Name,
        /// What stands in the parentheses.
        args: Vec<Expr>,
    },
    /// `[a, ?b]`
    List {
        /// The elements.
        elements: Vec<Expr>,
        /// Positions of those that may be left out.
        optionals: Vec<usize>,
    },
    /// `{a: b}`
    Map(Vec<Entry>),
    /// `Name{a: b}`
    Struct {
        /// The type.
        name: Name,
        /// The fields.
        fields: Vec<FieldInit>,
    },
    /// What a macro such as `all` stands for.
    Comprehension(Box<Comprehension>),
}

/// An entry of a map literal.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number.
    pub id: Id,
    /// The key.
    pub key: Expr,
    /// The value.
    pub value: Expr,
    /// Whether it is left out when the value is an empty optional.
    pub optional: bool,
}

/// A field of an object literal.
#[derive(Debug, Clone)]
pub struct FieldInit {
    /// Its number.
    pub id: Id,
    /// The field.
    pub name: Name,
    /// The value.
    pub value: Expr,
    /// Whether it is left out when the value is an empty optional.
    pub optional: bool,
}

/// A loop: `accumulator` begins as `init` and becomes `step` for each item of `range`, as long as
/// `condition` holds; the value is `result`.
#[derive(Debug, Clone)]
pub struct Comprehension {
    /// What is gone through.
    pub range: Expr,
    /// The name of an item: an element or a key; with two names an index or a key.
    pub item: Name,
    /// With two names: the element or value.
    pub second: Option<Name>,
    /// The name of what is gathered.
    pub accumulator: Name,
    /// What it begins as.
    pub init: Expr,
    /// Whether to go on.
    pub condition: Expr,
    /// What it becomes.
    pub step: Expr,
    /// What it all comes to.
    pub result: Expr,
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// `1`
    Int(i64),
    /// `1u`
    Uint(u64),
    /// `1.0`
    Double(f64),
    /// `"a"`
    String(Text),
    /// `b"a"`
    Bytes(Bytes),
}

impl Expr {
    /// The name that a chain of selections such as `a.b.c` spells.
    pub fn qualified_name(&self) -> Option<String> {
        match &self.kind {
            Kind::Ident(name) => Some(name.to_string()),
            Kind::Select {
                operand,
                field,
                test_only: false,
            } => {
                let mut name = operand.qualified_name()?;
                name.push('.');
                name.push_str(field);
                Some(name)
            }
            _ => None,
        }
    }

    /// Calls `visit` with every node right below this one.
    pub fn children<'a>(&'a self, mut visit: impl FnMut(&'a Expr)) {
        match &self.kind {
            Kind::Unspecified | Kind::Literal(_) | Kind::Ident(_) => {}
            Kind::Select { operand, .. } => visit(operand),
            Kind::Call { target, args, .. } => {
                target.iter().for_each(|target| visit(target));
                args.iter().for_each(visit);
            }
            Kind::List { elements, .. } => elements.iter().for_each(visit),
            Kind::Map(entries) => entries.iter().for_each(|entry| {
                visit(&entry.key);
                visit(&entry.value);
            }),
            Kind::Struct { fields, .. } => fields.iter().for_each(|field| visit(&field.value)),
            Kind::Comprehension(fold) => {
                visit(&fold.range);
                visit(&fold.init);
                visit(&fold.condition);
                visit(&fold.step);
                visit(&fold.result);
            }
        }
    }

    /// Calls `visit` with this node and every node below it, from the outside in.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        self.children(|child| child.walk(visit));
    }

    /// Whether `variable.field`, `has(variable.field)` or `variable.?field` stands anywhere in it.
    pub fn selects(&self, variable: &str, field: &str) -> bool {
        let is_variable =
            |expr: &Self| matches!(&expr.kind, Kind::Ident(name) if **name == *variable);
        let mut found = false;
        self.walk(&mut |expr| {
            found |= match &expr.kind {
                Kind::Select {
                    operand,
                    field: selected,
                    ..
                } => is_variable(operand) && **selected == *field,
                Kind::Call {
                    target: None,
                    function,
                    args,
                } if **function == *operators::OPT_SELECT => match &**args {
                    [operand, Self { kind, .. }] => {
                        is_variable(operand)
                            && matches!(kind, Kind::Literal(Literal::String(name)) if name == field)
                    }
                    _ => false,
                },
                _ => false,
            };
        });
        found
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Uint(number) => write!(f, "{number}u"),
            Self::Double(number) => write!(f, "{number:?}"),
            Self::String(text) => write!(f, "{}", Quoted(text)),
            Self::Bytes(bytes) => {
                f.write_str("b\"")?;
                for byte in bytes.iter() {
                    write!(f, "\\x{byte:02x}")?;
                }
                f.write_char('"')
            }
        }
    }
}

/// With every operator as a call, for tests and for reading: `_+_(a, 1)`.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[Expr]| {
            for (index, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if index > 0 { ", " } else { "" })?;
            }
            Ok(())
        };
        match &self.kind {
            Kind::Unspecified => f.write_str("<error>"),
            Kind::Literal(literal) => write!(f, "{literal}"),
            Kind::Ident(name) => f.write_str(name),
            Kind::Select {
                operand,
                field,
                test_only,
            } => match test_only {
                true => write!(f, "has({operand}.{field})"),
                false => write!(f, "{operand}.{field}"),
            },
            Kind::Call {
                target,
                function,
                args,
            } => {
                if let Some(target) = target {
                    write!(f, "{target}.")?;
                }
                write!(f, "{function}(")?;
                list(f, args)?;
                f.write_char(')')
            }
            Kind::List {
                elements,
                optionals,
            } => {
                f.write_char('[')?;
                for (index, item) in elements.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    let mark = if optionals.contains(&index) { "?" } else { "" };
                    write!(f, "{comma}{mark}{item}")?;
                }
                f.write_char(']')
            }
            Kind::Map(entries) => {
                f.write_char('{')?;
                for (index, entry) in entries.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    let mark = if entry.optional { "?" } else { "" };
                    write!(f, "{comma}{mark}{}: {}", entry.key, entry.value)?;
                }
                f.write_char('}')
            }
            Kind::Struct { name, fields } => {
                write!(f, "{name}{{")?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    let mark = if field.optional { "?" } else { "" };
                    write!(f, "{comma}{mark}{}: {}", field.name, field.value)?;
                }
                f.write_char('}')
            }
            Kind::Comprehension(fold) => {
                write!(f, "fold({}, {}", fold.range, fold.item)?;
                if let Some(second) = &fold.second {
                    write!(f, ", {second}")?;
                }
                write!(
                    f,
                    ", {} = {}, while {}, {}, {})",
                    fold.accumulator, fold.init, fold.condition, fold.step, fold.result
                )
            }
        }
    }
}
