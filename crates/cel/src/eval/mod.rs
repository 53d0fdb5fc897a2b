//! The value of an expression.

mod cost;
mod plan;

use std::sync::Arc;

use pintle_runtime::text::Text;
use regex::Regex;

use crate::ast::Name;
use crate::check::{Checked, check};
use crate::environment::Environment;
use crate::parse::parse_with;
use crate::source::Issues;
use crate::types::Type;
use crate::value::{EvalError, Function, Key, List, Made, Map, Object, Outcome, OwnedMap, Val};

use self::plan::{Call, Node, Step};

/// An expression that can be evaluated. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Program {
    root: Arc<Node>,
    checked: Arc<Checked>,
}

impl Program {
    /// Reads and checks an expression and makes ready to evaluate it.
    ///
    /// # Errors
    /// All that is wrong with it, as clients see it.
    pub fn compile(text: &str, environment: &Environment) -> Result<Self, Issues> {
        let checked = check(parse_with(text, environment.macros())?, environment)?;
        let root = Arc::new(plan::plan(&checked, environment));
        Ok(Self {
            root,
            checked: Arc::new(checked),
        })
    }

    /// The type of the value.
    pub fn result(&self) -> &Type {
        self.checked.result()
    }

    /// The tree, with types.
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The value. `budget` is reduced by what it took.
    ///
    /// # Errors
    /// Where there is none, and where it would take more than `budget`.
    pub fn evaluate<'a>(&self, variables: &dyn Variables<'a>, budget: &mut Budget) -> Outcome<'a> {
        let mut frame = Frame {
            variables,
            locals: Vec::new(),
            budget,
        };
        frame.eval(&self.root)
    }
}

/// The values of variables.
pub trait Variables<'a> {
    /// The value of the variable of that name.
    fn variable(&self, name: &str) -> Option<Val<'a>>;
}

impl<'a> Variables<'a> for [(&str, Val<'a>)] {
    fn variable(&self, name: &str) -> Option<Val<'a>> {
        let found = self.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value.clone())
    }
}

impl<'a, const N: usize> Variables<'a> for [(&str, Val<'a>); N] {
    fn variable(&self, name: &str) -> Option<Val<'a>> {
        self.as_slice().variable(name)
    }
}

/// How much work an evaluation may take, in the units of cel-go's runtime cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    left: u64,
    spent: u64,
}

impl Budget {
    /// What a single expression may take.
    pub const PER_CALL: u64 = 1_000_000;

    /// So much work.
    pub const fn new(units: u64) -> Self {
        Self {
            left: units,
            spent: 0,
        }
    }

    /// What was spent so far.
    pub const fn spent(&self) -> u64 {
        self.spent
    }

    fn spend(&mut self, units: u64) -> Result<(), EvalError> {
        self.spent = self.spent.saturating_add(units);
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(EvalError::TooCostly)
            }
        }
    }
}

struct Frame<'f, 'a> {
    variables: &'f dyn Variables<'a>,
    /// The variables of loops, outermost first.
    locals: Vec<Val<'a>>,
    budget: &'f mut Budget,
}

impl<'a> Frame<'_, 'a> {
    fn eval(&mut self, node: &Node) -> Outcome<'a> {
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Type(ty) => {
                self.budget.spend(1)?;
                Ok(Val::Type(ty.clone()))
            }
            Node::Local(index) => {
                self.budget.spend(1)?;
                Ok(self.locals[*index].clone())
            }
            Node::Variable(name) => {
                self.budget.spend(1)?;
                self.variables
                    .variable(name)
                    .ok_or_else(|| EvalError::new(format!("no such attribute(s): {name}")))
            }
            Node::Path { root, steps } => self.path(root, steps),
            Node::Has { operand, field } => {
                let operand = self.eval(operand)?;
                has(&operand, field).map(Val::Bool)
            }
            Node::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                match self.eval(condition)? {
                    Val::Bool(true) => self.eval(yes),
                    Val::Bool(false) => self.eval(no),
                    _ => Err(EvalError::NO_OVERLOAD),
                }
            }
            Node::Logic { decided, terms } => self.logic(*decided, terms),
            Node::NotStrictlyFalse(inner) => {
                let truth = !matches!(self.eval(inner), Ok(Val::Bool(false)));
                self.budget.spend(1)?;
                Ok(Val::Bool(truth))
            }
            Node::Or { left, right, value } => match self.eval(left)? {
                Val::Optional(None) => self.eval(right),
                Val::Optional(Some(inner)) if *value => Ok((*inner).clone()),
                other => Ok(other),
            },
            Node::Call(call) => self.call(call),
            Node::Member { item, set } => {
                let item = self.eval(item)?;
                Ok(Val::Bool(
                    Key::of(&item).is_some_and(|key| set.binary_search(&key).is_ok()),
                ))
            }
            Node::Matches { text, regex } => self.matches(text, regex),
            Node::List { items, optionals } => self.list(items, optionals),
            Node::Map(entries) => self.map(entries),
            Node::Object { name, fields } => self.object(name, fields),
            Node::Fold(fold) => self.fold(fold),
        }
    }

    /// A chain of selections: those that go through what may be absent end where it is.
    fn path(&mut self, root: &Node, steps: &[Step]) -> Outcome<'a> {
        let mut value = self.eval(root)?;
        let mut optional = false;
        for step in steps {
            if let Val::Optional(inner) = &value {
                match inner {
                    None => return Ok(Val::Optional(None)),
                    Some(inner) => {
                        value = (**inner).clone();
                        optional = true;
                    }
                }
            }
            optional |= step.optional();
            let found = match step {
                Step::Field { name, .. } => {
                    self.budget.spend(1)?;
                    field(&value, name, optional)?
                }
                Step::Index { index, .. } => {
                    let index = self.eval(index)?;
                    self.budget.spend(1)?;
                    element(&value, &index, optional)?
                }
            };
            match found {
                Some(found) => value = found,
                None => return Ok(Val::Optional(None)),
            }
        }
        Ok(if optional { Val::some(value) } else { value })
    }

    /// `&&` or `||`: the first term that decides counts, whatever went wrong in others.
    fn logic(&mut self, decided: bool, terms: &[Node]) -> Outcome<'a> {
        let mut failed = None;
        for term in terms {
            match self.eval(term) {
                Ok(Val::Bool(truth)) if truth == decided => return Ok(Val::Bool(decided)),
                Ok(Val::Bool(_)) => {}
                Ok(_) => failed = failed.or(Some(EvalError::NO_OVERLOAD)),
                Err(EvalError::TooCostly) => return Err(EvalError::TooCostly),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(Val::Bool(!decided)),
        }
    }

    fn call(&mut self, call: &Call) -> Outcome<'a> {
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(self.eval(arg)?);
        }
        let outcome = run(call.run, &args).unwrap_or_else(|| Err(no_overload(call, &args)));
        let cost = cost::of_call(call, &args, outcome.as_ref().ok());
        self.budget.spend(cost)?;
        outcome
    }

    fn matches(&mut self, text: &Node, regex: &(Regex, Text)) -> Outcome<'a> {
        let text = self.eval(text)?;
        let Val::String(text) = &text else {
            return Err(EvalError::fixed("no such overload: matches"));
        };
        let (regex, pattern) = regex;
        self.budget.spend(cost::of_pattern(text, pattern))?;
        Ok(Val::Bool(regex.is_match(text)))
    }

    fn list(&mut self, items: &[Node], optionals: &[usize]) -> Outcome<'a> {
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let item = self.eval(item)?;
            if !optionals.contains(&index) {
                list.push(item);
                continue;
            }
            match item {
                Val::Optional(Some(inner)) => list.push((*inner).clone()),
                Val::Optional(None) => {}
                other => {
                    return Err(EvalError::new(format!(
                        "cannot initialize optional list element from non-optional value {}",
                        crate::library::convert::plain(&other)
                    )));
                }
            }
        }
        self.budget.spend(cost::LIST)?;
        Ok(Val::list(list))
    }

    fn map(&mut self, entries: &[(Node, Node, bool)]) -> Outcome<'a> {
        let mut map = OwnedMap::default();
        for (key, value, optional) in entries {
            let key = self.eval(key)?;
            let value = self.eval(value)?;
            let Some(name) = Key::of(&key).filter(|_| !matches!(key, Val::Double(_))) else {
                return Err(EvalError::fixed("unsupported key type"));
            };
            match value {
                Val::Optional(None) if *optional => map.remove(&name),
                Val::Optional(Some(inner)) if *optional => {
                    map.insert(name, (*inner).clone());
                }
                other if *optional => {
                    let plain = crate::library::convert::plain;
                    return Err(EvalError::new(format!(
                        "cannot initialize optional entry '{}' from non-optional value {}",
                        plain(&key),
                        plain(&other)
                    )));
                }
                value => {
                    map.insert(name, value);
                }
            }
        }
        self.budget.spend(cost::MAP)?;
        Ok(Val::Map(Map::Owned(Arc::new(map))))
    }

    fn object(&mut self, name: &Name, fields: &[(Text, Node, bool)]) -> Outcome<'a> {
        let mut made = Vec::with_capacity(fields.len());
        for (field, value, optional) in fields {
            match self.eval(value)? {
                Val::Optional(None) if *optional => {}
                Val::Optional(Some(inner)) if *optional => {
                    made.push((field.clone(), (*inner).clone()));
                }
                value => made.push((field.clone(), value)),
            }
        }
        self.budget.spend(cost::STRUCT)?;
        Ok(Val::Object(Object::Made(Arc::new(Made {
            type_name: name.clone(),
            fields: made,
        }))))
    }

    fn fold(&mut self, fold: &plan::Fold) -> Outcome<'a> {
        let range = self.eval(&fold.range)?;
        let mut items: Vec<(Val<'a>, Val<'a>)> = match &range {
            Val::List(list) if fold.two => (0_i64..).map(Val::Int).zip(list.iter()).collect(),
            Val::List(list) => list.iter().map(|item| (item, Val::Null)).collect(),
            Val::Map(map) => map.entries(),
            Val::Object(object) => {
                let entries = object.entries().into_iter();
                entries
                    .map(|(name, value)| (Val::String(name), value))
                    .collect()
            }
            other => {
                let message = format!("got '{}', expected iterable type", other.type_name());
                return Err(EvalError::new(message));
            }
        };
        let init = self.eval(&fold.init)?;
        let base = self.locals.len();
        // What is gathered is taken out while it grows, so that it need not be copied.
        let mut gathered: Option<Vec<Val<'a>>> = match (&fold.gather, &init) {
            (Some(_), Val::List(List::Owned(list))) => Some(list.to_vec()),
            _ => None,
        };
        let mut accumulated: Outcome<'a> = Ok(init);
        for (first, second) in items.drain(..) {
            self.locals.truncate(base);
            match accumulated.clone() {
                Ok(value) => self.locals.push(value),
                Err(_) => self.locals.push(Val::Null),
            }
            self.locals.push(first);
            if fold.two {
                self.locals.push(second);
            }
            let failed = accumulated.as_ref().err().cloned();
            if failed.is_none() {
                match self.eval(&fold.condition) {
                    Ok(Val::Bool(false)) => break,
                    Err(EvalError::TooCostly) => {
                        return self.leave(base, Err(EvalError::TooCostly));
                    }
                    _ => {}
                }
            }
            if let (Some(list), Some(gather)) = (&mut gathered, &fold.gather) {
                match self.gather(gather, list) {
                    Ok(()) => continue,
                    Err(error) => return self.leave(base, Err(error)),
                }
            }
            accumulated = match (&fold.quantifier, failed) {
                (Some(quantifier), failed) => self.quantify(quantifier, failed, &accumulated),
                (None, Some(error)) => Err(error),
                (None, None) => self.eval(&fold.step),
            };
            if matches!(accumulated, Err(EvalError::TooCostly))
                || (accumulated.is_err() && fold.quantifier.is_none())
            {
                return self.leave(base, accumulated);
            }
        }
        if let Some(list) = gathered {
            accumulated = Ok(Val::list(list));
        }
        self.locals.truncate(base);
        let accumulated = accumulated?;
        self.locals.push(accumulated);
        let result = self.eval(&fold.result);
        self.leave(base, result)
    }

    fn leave(&mut self, base: usize, outcome: Outcome<'a>) -> Outcome<'a> {
        self.locals.truncate(base);
        outcome
    }

    /// One step of `all` or `exists`: an error counts only as long as nothing decides.
    fn quantify(
        &mut self,
        quantifier: &plan::Quantifier,
        failed: Option<EvalError>,
        so_far: &Outcome<'a>,
    ) -> Outcome<'a> {
        // What is gathered so far, and the operator.
        self.budget.spend(1)?;
        match self.eval(&quantifier.body) {
            Ok(Val::Bool(truth)) if truth == quantifier.decided => Ok(Val::Bool(truth)),
            Ok(Val::Bool(_)) => so_far.clone(),
            Err(EvalError::TooCostly) => Err(EvalError::TooCostly),
            Ok(_) => Err(failed.unwrap_or(EvalError::NO_OVERLOAD)),
            Err(error) => Err(failed.unwrap_or(error)),
        }
    }

    /// One step of `map` or `filter`: one item more, if it is wanted.
    fn gather(&mut self, gather: &plan::Gather, list: &mut Vec<Val<'a>>) -> Result<(), EvalError> {
        if let Some(filter) = &gather.filter {
            match self.eval(filter)? {
                Val::Bool(true) => {}
                Val::Bool(false) => return self.budget.spend(1),
                _ => return Err(EvalError::NO_OVERLOAD),
            }
        }
        let item = self.eval(&gather.item)?;
        // What is gathered so far, the list of one item, and putting them together.
        self.budget.spend(1 + cost::LIST + 1)?;
        list.push(item);
        Ok(())
    }
}

fn run<'a>(function: Function, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    function(args)
}

fn no_overload(call: &Call, args: &[Val<'_>]) -> EvalError {
    if call.is_operator {
        return EvalError::new(format!("no such overload: {}", call.name));
    }
    let types: Vec<&str> = args.iter().map(Val::type_name).collect();
    EvalError::new(format!(
        "no such overload: {}({})",
        call.name,
        types.join(", ")
    ))
}

fn no_such_key(key: &str) -> EvalError {
    EvalError::new(format!("no such key: {key}"))
}

/// A field of a value; `None` only if it may be absent and is.
fn field<'a>(value: &Val<'a>, name: &Text, optional: bool) -> Result<Option<Val<'a>>, EvalError> {
    let found = match value {
        Val::Map(map) => map.get_str(name),
        Val::Object(object) => match object.field(name)? {
            None if !optional => return Err(no_such_key(name)),
            found => found,
        },
        Val::List(_) if !optional => {
            return Err(EvalError::fixed("unsupported index type 'string' in list"));
        }
        _ => None,
    };
    match found {
        None if !optional => Err(no_such_key(name)),
        found => Ok(found),
    }
}

/// What is at an index of a list or at a key of a map; `None` only if it may be absent and is.
fn element<'a>(
    value: &Val<'a>,
    index: &Val<'a>,
    optional: bool,
) -> Result<Option<Val<'a>>, EvalError> {
    let shown = || crate::library::convert::plain(index);
    match value {
        Val::List(list) => {
            let at = match Key::of(index) {
                Some(Key::Int(at)) => usize::try_from(at).ok(),
                Some(Key::Uint(at)) => usize::try_from(at).ok(),
                _ => {
                    return Err(match index {
                        Val::Double(_) => {
                            EvalError::new(format!("unsupported index value {} in list", shown()))
                        }
                        other => EvalError::new(format!(
                            "unsupported index type '{}' in list",
                            other.type_name()
                        )),
                    });
                }
            };
            match at.and_then(|at| list.get(at)) {
                None if !optional => {
                    Err(EvalError::new(format!("index out of bounds: {}", shown())))
                }
                found => Ok(found),
            }
        }
        Val::Map(map) => match map.get(index) {
            None if !optional => Err(no_such_key(&shown())),
            found => Ok(found),
        },
        Val::Object(_) => match index {
            Val::String(name) => field(value, name, optional),
            _ => Err(EvalError::NO_OVERLOAD),
        },
        _ if optional => Ok(None),
        _ => Err(no_such_key(&shown())),
    }
}

fn has(value: &Val<'_>, name: &Text) -> Result<bool, EvalError> {
    match value {
        Val::Map(map) => Ok(map.get_str(name).is_some()),
        Val::Object(object) => Ok(object.field(name)?.is_some()),
        Val::Optional(Some(inner)) => has(inner, name),
        Val::List(_) => Err(EvalError::fixed("unsupported index type 'string' in list")),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests;
