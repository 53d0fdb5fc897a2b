//! From a checked tree to one that can be evaluated quickly: variables of loops are positions,
//! literals are values, patterns are compiled, and the loops that macros stand for are known for
//! what they do.

use pintle_runtime::text::Text;
use regex::Regex;

use crate::ast::{Comprehension, Expr, Kind, Literal, Name};
use crate::check::Checked;
use crate::environment::{Environment, type_by_name};
use crate::library;
use crate::operators as op;
use crate::types::Type;
use crate::value::{Function, Key, List, Map, OwnedMap, Val};

/// What there is to evaluate.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Val<'static>),
    Type(Type),
    /// The variable of a loop, by its position.
    Local(usize),
    Variable(Name),
    /// Fields and elements, one after the other.
    Path {
        root: Box<Node>,
        steps: Vec<Step>,
    },
    Has {
        operand: Box<Node>,
        field: Text,
    },
    Conditional(Box<[Node; 3]>),
    /// Terms of which the first that is `decided` counts.
    Logic {
        decided: bool,
        terms: Vec<Node>,
    },
    NotStrictlyFalse(Box<Node>),
    /// `left.or(right)`, or `left.orValue(right)`.
    Or {
        left: Box<Node>,
        right: Box<Node>,
        value: bool,
    },
    Call(Call),
    /// `item in […]` of literals.
    Member {
        item: Box<Node>,
        set: Vec<Key>,
    },
    /// `text.matches("…")`
    Matches {
        text: Box<Node>,
        regex: Box<(Regex, Text)>,
    },
    List {
        items: Vec<Node>,
        optionals: Vec<usize>,
    },
    Map(Vec<(Node, Node, bool)>),
    Object {
        name: Name,
        fields: Vec<(Text, Node, bool)>,
    },
    Fold(Box<Fold>),
}

#[derive(Debug)]
pub(super) enum Step {
    Field { name: Text, optional: bool },
    Index { index: Node, optional: bool },
}

impl Step {
    pub(super) const fn optional(&self) -> bool {
        match self {
            Self::Field { optional, .. } | Self::Index { optional, .. } => *optional,
        }
    }
}

pub(super) struct Call {
    pub(super) name: Name,
    pub(super) run: Function,
    pub(super) args: Vec<Node>,
    /// Whether errors name it without its arguments.
    pub(super) is_operator: bool,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?}", self.name, self.args)
    }
}

#[derive(Debug)]
pub(super) struct Fold {
    pub(super) range: Node,
    /// Whether there are two variables.
    pub(super) two: bool,
    pub(super) init: Node,
    pub(super) condition: Node,
    pub(super) step: Node,
    pub(super) result: Node,
    /// What the step does, if it is that of `all` or `exists`.
    pub(super) quantifier: Option<Quantifier>,
    /// What the step does, if it adds to a list.
    pub(super) gather: Option<Gather>,
}

#[derive(Debug)]
pub(super) struct Quantifier {
    /// The truth that ends the loop.
    pub(super) decided: bool,
    pub(super) body: Node,
}

#[derive(Debug)]
pub(super) struct Gather {
    pub(super) filter: Option<Node>,
    pub(super) item: Node,
}

pub(super) fn plan(checked: &Checked, environment: &Environment) -> Node {
    let mut planner = Planner {
        environment,
        locals: Vec::new(),
    };
    planner.node(&checked.expr)
}

struct Planner<'a> {
    environment: &'a Environment,
    /// The variables of loops, outermost first.
    locals: Vec<Name>,
}

impl Planner<'_> {
    fn boxed(&mut self, expr: &Expr) -> Box<Node> {
        Box::new(self.node(expr))
    }

    fn nodes(&mut self, exprs: &[Expr]) -> Vec<Node> {
        exprs.iter().map(|expr| self.node(expr)).collect()
    }

    fn node(&mut self, expr: &Expr) -> Node {
        match &expr.kind {
            Kind::Unspecified => Node::Constant(Val::Null),
            Kind::Literal(literal) => Node::Constant(value(literal)),
            Kind::Ident(name) => self.ident(name),
            Kind::Select {
                operand,
                field,
                test_only: true,
            } => Node::Has {
                operand: self.boxed(operand),
                field: Text::from(field.to_string()),
            },
            Kind::Select { operand, field, .. } => self.step(operand, |_| Step::Field {
                name: Text::from(field.to_string()),
                optional: false,
            }),
            Kind::Call {
                target,
                function,
                args,
            } => self.call(target.as_deref(), function, args),
            Kind::List {
                elements,
                optionals,
            } => {
                let items = self.nodes(elements);
                match constants(&items) {
                    Some(values) if optionals.is_empty() => Node::Constant(Val::list(values)),
                    _ => Node::List {
                        items,
                        optionals: optionals.clone(),
                    },
                }
            }
            Kind::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| {
                        (
                            self.node(&entry.key),
                            self.node(&entry.value),
                            entry.optional,
                        )
                    })
                    .collect();
                constant_map(&entries).map_or(Node::Map(entries), Node::Constant)
            }
            Kind::Struct { name, fields } => Node::Object {
                name: name.clone(),
                fields: fields
                    .iter()
                    .map(|field| {
                        let name = Text::from(field.name.to_string());
                        (name, self.node(&field.value), field.optional)
                    })
                    .collect(),
            },
            Kind::Comprehension(fold) => self.fold(fold),
        }
    }

    fn ident(&self, name: &Name) -> Node {
        if let Some(index) = self.locals.iter().rposition(|local| local == name) {
            return Node::Local(index);
        }
        match self.environment.variable(name) {
            Some((_, Type::Type(ty))) => match type_by_name(name) {
                Some((_, ty)) => Node::Type(ty),
                None => Node::Type((*ty).clone()),
            },
            Some(_) => Node::Variable(name.clone()),
            None => match self.environment.object(name) {
                Some(ty) => Node::Type(ty),
                None => Node::Variable(name.clone()),
            },
        }
    }

    /// One step further from `operand`, which may itself have taken steps.
    fn step(&mut self, operand: &Expr, step: impl FnOnce(&mut Self) -> Step) -> Node {
        let operand = self.node(operand);
        let step = step(self);
        match operand {
            Node::Path { root, mut steps } => {
                steps.push(step);
                Node::Path { root, steps }
            }
            root => Node::Path {
                root: Box::new(root),
                steps: vec![step],
            },
        }
    }

    fn call(&mut self, target: Option<&Expr>, function: &Name, args: &[Expr]) -> Node {
        match (&**function, target, args) {
            (op::CONDITIONAL, _, [condition, yes, no]) => Node::Conditional(Box::new([
                self.node(condition),
                self.node(yes),
                self.node(no),
            ])),
            (op::AND | op::OR, _, terms) => {
                let decided = &**function == op::OR;
                let mut flat = Vec::new();
                for term in terms {
                    match self.node(term) {
                        Node::Logic {
                            decided: inner,
                            terms,
                        } if inner == decided => flat.extend(terms),
                        term => flat.push(term),
                    }
                }
                Node::Logic {
                    decided,
                    terms: flat,
                }
            }
            (op::NOT_STRICTLY_FALSE, _, [inner]) => Node::NotStrictlyFalse(self.boxed(inner)),
            (op::OPT_SELECT, _, [operand, field]) => {
                let Kind::Literal(Literal::String(name)) = &field.kind else {
                    return Node::Constant(Val::Optional(None));
                };
                let name = name.clone();
                self.step(operand, |_| Step::Field {
                    name,
                    optional: true,
                })
            }
            (op::INDEX | op::OPT_INDEX, _, [operand, index]) => {
                let optional = &**function == op::OPT_INDEX;
                self.step(operand, |planner| Step::Index {
                    index: planner.node(index),
                    optional,
                })
            }
            ("or" | "orValue", Some(left), [right]) => Node::Or {
                left: self.boxed(left),
                right: self.boxed(right),
                value: &**function == "orValue",
            },
            _ => self.plain_call(target, function, args),
        }
    }

    fn plain_call(&mut self, target: Option<&Expr>, function: &Name, args: &[Expr]) -> Node {
        let mut args: Vec<Node> = target
            .into_iter()
            .chain(args)
            .map(|arg| self.node(arg))
            .collect();
        match (&**function, args.as_slice()) {
            (op::IN, [_, Node::Constant(Val::List(list))]) => {
                if let Some(set) = keys(list) {
                    let item = Box::new(args.swap_remove(0));
                    return Node::Member { item, set };
                }
            }
            ("matches", [_, Node::Constant(Val::String(text))]) => {
                if let Ok(regex) = library::pattern(text) {
                    let regex = Box::new((regex, text.clone()));
                    let text = Box::new(args.swap_remove(0));
                    return Node::Matches { text, regex };
                }
            }
            _ => {}
        }
        let Some(declared) = self.environment.function(function) else {
            return Node::Constant(Val::Null);
        };
        let run = declared.run;
        if is_conversion(function)
            && let [Node::Constant(value)] = args.as_slice()
            && let Some(Ok(converted)) = run(std::slice::from_ref(value))
        {
            return Node::Constant(converted);
        }
        Node::Call(Call {
            name: function.clone(),
            run,
            args,
            is_operator: function.starts_with(['_', '!', '-']) || &**function == "size",
        })
    }

    fn fold(&mut self, fold: &Comprehension) -> Node {
        let range = self.node(&fold.range);
        let init = self.node(&fold.init);
        let outside = self.locals.len();
        self.locals.push(fold.accumulator.clone());
        self.locals.push(fold.item.clone());
        self.locals.extend(fold.second.clone());
        let condition = self.node(&fold.condition);
        let quantifier = self.quantifier(fold);
        let gather = match &quantifier {
            Some(_) => None,
            None => self.gather(fold),
        };
        let step = match (&quantifier, &gather) {
            (None, None) => self.node(&fold.step),
            _ => Node::Constant(Val::Null),
        };
        self.locals.truncate(outside + 1);
        let result = self.node(&fold.result);
        self.locals.truncate(outside);
        Node::Fold(Box::new(Fold {
            range,
            two: fold.second.is_some(),
            init,
            condition,
            step,
            result,
            quantifier,
            gather,
        }))
    }

    /// `so far && body`, or `so far || body`.
    fn quantifier(&mut self, fold: &Comprehension) -> Option<Quantifier> {
        let (function, args) = call_of(&fold.step)?;
        let [so_far, body] = args else { return None };
        if !matches!(function, op::AND | op::OR) || !is_ident(so_far, &fold.accumulator) {
            return None;
        }
        Some(Quantifier {
            decided: function == op::OR,
            body: self.node(body),
        })
    }

    /// `so far + [item]`, or that with a condition.
    fn gather(&mut self, fold: &Comprehension) -> Option<Gather> {
        if !matches!(&fold.init.kind, Kind::List { elements, .. } if elements.is_empty()) {
            return None;
        }
        let (filter, step) = match call_of(&fold.step)? {
            (op::CONDITIONAL, [filter, step, so_far]) if is_ident(so_far, &fold.accumulator) => {
                (Some(filter), step)
            }
            _ => (None, &fold.step),
        };
        let (op::ADD, [so_far, list]) = call_of(step)? else {
            return None;
        };
        let Kind::List {
            elements,
            optionals,
        } = &list.kind
        else {
            return None;
        };
        let [item] = elements.as_slice() else {
            return None;
        };
        if !optionals.is_empty() || !is_ident(so_far, &fold.accumulator) {
            return None;
        }
        Some(Gather {
            filter: filter.map(|filter| self.node(filter)),
            item: self.node(item),
        })
    }
}

fn call_of(expr: &Expr) -> Option<(&str, &[Expr])> {
    match &expr.kind {
        Kind::Call {
            target: None,
            function,
            args,
        } => Some((function, args)),
        _ => None,
    }
}

fn is_ident(expr: &Expr, name: &Name) -> bool {
    matches!(&expr.kind, Kind::Ident(found) if found == name)
}

fn is_conversion(function: &str) -> bool {
    matches!(
        function,
        "bool" | "bytes" | "double" | "duration" | "dyn" | "int" | "string" | "timestamp" | "uint"
    )
}

fn value(literal: &Literal) -> Val<'static> {
    match literal {
        Literal::Null => Val::Null,
        Literal::Bool(truth) => Val::Bool(*truth),
        Literal::Int(number) => Val::Int(*number),
        Literal::Uint(number) => Val::Uint(*number),
        Literal::Double(number) => Val::Double(*number),
        Literal::String(text) => Val::String(text.clone()),
        Literal::Bytes(bytes) => Val::Bytes(bytes.clone()),
    }
}

fn constants(nodes: &[Node]) -> Option<Vec<Val<'static>>> {
    nodes
        .iter()
        .map(|node| match node {
            Node::Constant(value) => Some(value.clone()),
            _ => None,
        })
        .collect()
}

fn constant_map(entries: &[(Node, Node, bool)]) -> Option<Val<'static>> {
    let mut map = OwnedMap::default();
    for entry in entries {
        let (Node::Constant(key), Node::Constant(value), false) = entry else {
            return None;
        };
        map.insert(Key::of(key)?, value.clone());
    }
    Some(Val::Map(Map::Owned(map.into())))
}

/// The elements as a sorted set, if all can be keys.
fn keys(list: &List<'static>) -> Option<Vec<Key>> {
    let mut keys = Vec::with_capacity(list.len());
    for item in list.iter() {
        if matches!(item, Val::Double(_)) {
            return None;
        }
        keys.push(Key::of(&item)?);
    }
    keys.sort();
    Some(keys)
}
