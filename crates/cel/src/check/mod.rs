//! Whether an expression makes sense: what each name refers to, and the type of every node.

mod literals;
mod unify;

use std::sync::Arc;

use self::unify::{Mapping, most_general};
use crate::ast::{Comprehension, Expr, FieldInit, Id, Kind, Literal, Name};
use crate::environment::{Environment, FunctionDecl};
use crate::operators as op;
use crate::parse::Parsed;
use crate::source::{Issues, Location};
use crate::types::{Param, Type};

/// An expression that makes sense.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The tree, names resolved.
    pub expr: Expr,
    /// Types by id.
    types: Vec<Option<Type>>,
    /// The overloads that a call may mean, by id.
    overloads: Vec<Vec<&'static str>>,
}

impl Checked {
    /// The type of the whole.
    pub fn result(&self) -> &Type {
        self.type_of(self.expr.id)
    }

    /// The overloads that a call may mean: one, unless types are only known later.
    pub fn overloads_of(&self, id: Id) -> &[&'static str] {
        self.overloads.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// The type of a node.
    pub fn type_of(&self, id: Id) -> &Type {
        let ty = self.types.get(id as usize).and_then(Option::as_ref);
        ty.unwrap_or(&Type::Dyn)
    }
}

/// Resolves every name and finds the type of every node.
///
/// # Errors
/// All that makes no sense, in cel-go's words.
pub fn check(parsed: Parsed, environment: &Environment) -> Result<Checked, Issues> {
    let count = parsed.places.len();
    let mut expr = parsed.expr.clone();
    let mut checker = Checker {
        issues: Issues::new(parsed.source.clone()),
        parsed: &parsed,
        environment,
        scopes: Vec::new(),
        types: vec![None; count],
        overloads: vec![Vec::new(); count],
        mapping: Mapping::default(),
        free: 0,
    };
    checker.check(&mut expr);
    let Checker {
        mapping,
        mut types,
        overloads,
        mut issues,
        ..
    } = checker;
    for ty in types.iter_mut().flatten() {
        *ty = mapping.substitute(ty, true);
    }
    let checked = Checked {
        expr,
        types,
        overloads,
    };
    if issues.is_empty() {
        literals::check(&checked, &parsed, &mut issues);
    }
    if issues.is_empty() {
        return Ok(checked);
    }
    issues.sort();
    Err(issues)
}

struct Checker<'a> {
    parsed: &'a Parsed,
    environment: &'a Environment,
    issues: Issues,
    /// The variables of loops, innermost last.
    scopes: Vec<(Name, Type)>,
    types: Vec<Option<Type>>,
    overloads: Vec<Vec<&'static str>>,
    mapping: Mapping,
    free: u32,
}

impl Checker<'_> {
    fn location(&self, id: Id) -> Location {
        self.parsed.location(id)
    }

    fn report(&mut self, id: Id, message: String) {
        self.issues.push(self.location(id), message);
    }

    fn set(&mut self, id: Id, ty: Type) {
        self.types[id as usize] = Some(ty);
    }

    fn get(&self, expr: &Expr) -> Type {
        let ty = self.types[expr.id as usize].clone();
        ty.unwrap_or(Type::Error)
    }

    fn fresh(&mut self) -> Type {
        self.free += 1;
        Type::Param(Param::Free(self.free - 1))
    }

    fn check(&mut self, expr: &mut Expr) {
        let id = expr.id;
        let ty = match &mut expr.kind {
            Kind::Unspecified => Type::Error,
            Kind::Literal(literal) => match literal {
                Literal::Null => Type::Null,
                Literal::Bool(_) => Type::Bool,
                Literal::Int(_) => Type::Int,
                Literal::Uint(_) => Type::Uint,
                Literal::Double(_) => Type::Double,
                Literal::String(_) => Type::String,
                Literal::Bytes(_) => Type::Bytes,
            },
            Kind::Ident(name) => match self.variable(name) {
                Some((resolved, ty)) => {
                    *name = resolved;
                    ty
                }
                None => self.undeclared(id, &name.clone()),
            },
            Kind::Select { .. } => self.select(expr),
            Kind::Call { .. } => self.call(expr),
            Kind::List {
                elements,
                optionals,
            } => {
                let mut joined = None;
                for (index, element) in elements.iter_mut().enumerate() {
                    self.check(element);
                    let ty = self.element(element, optionals.contains(&index));
                    joined = Some(self.join(element.id, joined, ty));
                }
                Type::list(joined.unwrap_or_else(|| self.fresh()))
            }
            Kind::Map(entries) => {
                let mut joined: Option<(Type, Type)> = None;
                for entry in entries {
                    self.check(&mut entry.key);
                    let key = self.get(&entry.key);
                    self.check(&mut entry.value);
                    let value = self.element(&entry.value, entry.optional);
                    let (keys, values) = joined.map_or((None, None), |(k, v)| (Some(k), Some(v)));
                    joined = Some((
                        self.join(entry.key.id, keys, key),
                        self.join(entry.value.id, values, value),
                    ));
                }
                let (key, value) = joined.unwrap_or_else(|| (self.fresh(), self.fresh()));
                Type::map(key, value)
            }
            Kind::Struct { name, fields } => self.object(id, name, fields),
            Kind::Comprehension(fold) => self.fold(fold),
        };
        self.set(id, ty);
    }

    /// What `name` refers to: the variable of a loop, a declared one, or a type.
    fn variable(&self, name: &str) -> Option<(Name, Type)> {
        let local = self.scopes.iter().rev().find(|(found, _)| **found == *name);
        if let Some(local) = local {
            return Some(local.clone());
        }
        if let Some((name, ty)) = self.environment.variable(name) {
            return Some((name.into(), ty));
        }
        let object = self.environment.object(name)?;
        Some((object.to_string().into(), Type::Type(Arc::new(object))))
    }

    fn undeclared(&mut self, id: Id, name: &str) -> Type {
        self.report(
            id,
            format!("undeclared reference to '{name}' (in container '')"),
        );
        Type::Error
    }

    fn mismatch(&mut self, id: Id, expected: &Type, found: &Type) {
        self.report(
            id,
            format!("expected type '{expected}' but found '{found}'"),
        );
    }

    /// The type of an element or value, which may be optional.
    fn element(&mut self, expr: &Expr, optional: bool) -> Type {
        let ty = self.get(expr);
        if !optional {
            return ty;
        }
        let (inner, is_optional) = ty.unwrap_optional();
        if !is_optional && !inner.is_dyn() {
            self.mismatch(expr.id, &Type::optional(inner.clone()), inner);
        }
        inner.clone()
    }

    fn join(&mut self, id: Id, previous: Option<Type>, current: Type) -> Type {
        let Some(previous) = previous else {
            return current;
        };
        if self.mapping.assign(&previous, &current) {
            return most_general(&previous, &current).clone();
        }
        self.mismatch(id, &previous, &current);
        Type::Error
    }

    fn select(&mut self, expr: &mut Expr) -> Type {
        if let Some(name) = expr.qualified_name()
            && let Some((name, ty)) = self.variable(&name)
        {
            expr.kind = Kind::Ident(name);
            return ty;
        }
        let id = expr.id;
        let Kind::Select {
            operand,
            field,
            test_only,
        } = &mut expr.kind
        else {
            return Type::Error;
        };
        let (field, test_only) = (field.clone(), *test_only);
        let ty = self.field(id, operand, &field, false);
        match test_only {
            true => Type::Bool,
            false => self.mapping.substitute(&ty, false),
        }
    }

    fn field(&mut self, id: Id, operand: &mut Expr, field: &str, optional: bool) -> Type {
        self.check(operand);
        let operand = self.mapping.substitute(&self.get(operand), false);
        let (target, is_optional) = operand.unwrap_optional();
        let ty = match target {
            Type::Map(entry) => entry.1.clone(),
            Type::Object(name) => self.field_of(id, name, field),
            Type::Param(_) => {
                self.mapping.assign(&Type::Dyn, target);
                Type::Dyn
            }
            other => {
                if !other.is_dyn_or_error() {
                    let message = format!("type '{other}' does not support field selection");
                    self.report(id, message);
                }
                Type::Dyn
            }
        };
        match optional || is_optional {
            true => Type::optional(ty),
            false => ty,
        }
    }

    fn field_of(&mut self, id: Id, object: &str, field: &str) -> Type {
        let objects = self.environment.objects();
        if let Some(ty) = objects.field(object, field) {
            return ty;
        }
        let message = match objects.has_type(object) {
            true => format!("undefined field '{field}'"),
            false => format!("unexpected failed resolution of '{object}'"),
        };
        self.report(id, message);
        Type::Error
    }

    fn call(&mut self, expr: &mut Expr) -> Type {
        let id = expr.id;
        let Kind::Call {
            target,
            function,
            args,
        } = &mut expr.kind
        else {
            return Type::Error;
        };
        if &**function == op::OPT_SELECT {
            return self.optional_selection(id, args);
        }
        for arg in args.iter_mut() {
            self.check(arg);
        }
        let environment = self.environment;
        if let Some(prefix) = target.as_ref().and_then(|target| target.qualified_name()) {
            let name = format!("{prefix}.{function}");
            if let Some(found) = environment.function(&name) {
                *function = found.name.into();
                *target = None;
                return self.resolve(id, found, None, args);
            }
        }
        if let Some(target) = target {
            self.check(target);
        }
        match environment.function(function) {
            Some(found) => {
                *function = found.name.into();
                self.resolve(id, found, target.as_deref(), args)
            }
            None => self.undeclared(id, &function.clone()),
        }
    }

    fn optional_selection(&mut self, id: Id, args: &mut [Expr]) -> Type {
        let [operand, field] = args else {
            let message = format!(
                "unsupported optional field selection: incorrect signature. argument count: {}",
                args.len()
            );
            self.report(id, message);
            return Type::Error;
        };
        let Kind::Literal(Literal::String(name)) = &field.kind else {
            let message = format!("unsupported optional field selection: {field}");
            self.report(field.id, message);
            return Type::Error;
        };
        let name = name.clone();
        self.set(field.id, Type::String);
        let ty = self.field(id, operand, &name, true);
        self.mapping.substitute(&ty, false)
    }

    fn resolve(
        &mut self,
        id: Id,
        function: &FunctionDecl,
        target: Option<&Expr>,
        args: &[Expr],
    ) -> Type {
        let mut given: Vec<Type> = target
            .into_iter()
            .chain(args)
            .map(|arg| self.get(arg))
            .collect();
        if matches!(function.name, op::AND | op::OR) {
            return self.logic(args, &given);
        }
        let mut result: Option<Type> = None;
        for overload in &function.overloads {
            if overload.member != target.is_some() || overload.params.len() != given.len() {
                continue;
            }
            let mut fresh = Mapping::default();
            for param in params(overload.params.iter().chain([&overload.result])) {
                let free = self.fresh();
                fresh.add(param, free);
            }
            let asked: Vec<Type> = overload
                .params
                .iter()
                .map(|ty| fresh.substitute(ty, false))
                .collect();
            if self.mapping.assign_all(&given, &asked) {
                self.overloads[id as usize].push(overload.id);
                let ty = fresh.substitute(&overload.result, false);
                let ty = self.mapping.substitute(&ty, false);
                result = Some(match result {
                    Some(found) if !found.is_dyn() && found != ty => Type::Dyn,
                    Some(found) => found,
                    None => ty,
                });
            }
        }
        if let Some(result) = result {
            return result;
        }
        for ty in &mut given {
            *ty = self.mapping.substitute(ty, true);
        }
        let shown: Vec<String> = given.iter().map(ToString::to_string).collect();
        let applied = match target {
            Some(_) => format!("{}.({})", shown[0], shown[1..].join(", ")),
            None => format!("({})", shown.join(", ")),
        };
        self.report(
            id,
            format!(
                "found no matching overload for '{}' applied to '{applied}'",
                function.name
            ),
        );
        Type::Error
    }

    fn logic(&mut self, args: &[Expr], given: &[Type]) -> Type {
        let mut result = Type::Bool;
        for (arg, ty) in args.iter().zip(given) {
            if !self.mapping.assign(ty, &Type::Bool) {
                self.mismatch(arg.id, &Type::Bool, ty);
                result = Type::Error;
            }
        }
        result
    }

    fn object(&mut self, id: Id, name: &mut Name, fields: &mut [FieldInit]) -> Type {
        let Some((resolved, ty)) = self.variable(name) else {
            return self.undeclared(id, &name.clone());
        };
        *name = resolved;
        let ty = match ty {
            Type::Type(inner) => match &*inner {
                Type::Object(_) => (*inner).clone(),
                other => {
                    self.report(id, format!("'{other}' is not a message type"));
                    Type::Error
                }
            },
            other => {
                self.report(id, format!("'{other}' is not a type"));
                Type::Error
            }
        };
        for field in fields {
            self.check(&mut field.value);
            let expected = self.field_of(field.id, name, &field.name);
            let value = self.element(&field.value, field.optional);
            if !self.mapping.assign(&expected, &value) {
                let message = format!(
                    "expected type of field '{}' is '{expected}' but provided type is '{value}'",
                    field.name
                );
                self.report(field.id, message);
            }
        }
        ty
    }

    fn fold(&mut self, fold: &mut Comprehension) -> Type {
        self.check(&mut fold.range);
        self.check(&mut fold.init);
        let range = self.mapping.substitute(&self.get(&fold.range), false);
        let accumulator = self.get(&fold.init);
        let (first, second) = match &range {
            Type::List(item) => match fold.second {
                Some(_) => (Type::Int, (**item).clone()),
                None => ((**item).clone(), Type::Error),
            },
            Type::Map(entry) => (entry.0.clone(), entry.1.clone()),
            Type::Dyn | Type::Any | Type::Error | Type::Param(_) => {
                self.mapping.assign(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.report(fold.range.id, message);
                (Type::Error, Type::Error)
            }
        };
        let outside = self.scopes.len();
        self.scopes
            .push((fold.accumulator.clone(), accumulator.clone()));
        self.scopes.push((fold.item.clone(), first));
        if let Some(name) = &fold.second {
            self.scopes.push((name.clone(), second));
        }
        self.check(&mut fold.condition);
        self.assert(&fold.condition, &Type::Bool);
        self.check(&mut fold.step);
        self.assert(&fold.step, &accumulator);
        self.scopes.truncate(outside + 1);
        self.check(&mut fold.result);
        self.scopes.truncate(outside);
        self.mapping.substitute(&self.get(&fold.result), false)
    }

    fn assert(&mut self, expr: &Expr, expected: &Type) {
        let found = self.get(expr);
        if !self.mapping.assign(expected, &found) {
            self.mismatch(expr.id, expected, &found);
        }
    }
}

/// The types to be found out in a declaration.
fn params<'a>(types: impl IntoIterator<Item = &'a Type>) -> Vec<Param> {
    fn gather(ty: &Type, found: &mut Vec<Param>) {
        match ty {
            Type::Param(param) if !found.contains(param) => found.push(*param),
            Type::List(inner) | Type::Optional(inner) | Type::Type(inner) => gather(inner, found),
            Type::Map(entry) => {
                gather(&entry.0, found);
                gather(&entry.1, found);
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for ty in types {
        gather(ty, &mut found);
    }
    found
}

#[cfg(test)]
mod tests;
