//! Calls that stand for something else: `has`, and the loops.

use super::{Parser, Read};
use crate::ast::{Comprehension, Entry, Expr, FieldInit, Kind, Literal, Name};
use crate::operators as op;

/// What a loop gathers its result in; no expression can name it.
const ACCUMULATOR: &str = "@result";
/// Its name in earlier times.
const FORMER_ACCUMULATOR: &str = "__result__";
/// The variable of a loop that does not loop.
const UNUSED: &str = "#unused";

/// What `sortBy` sorts.
const SORT_INPUT: &str = "@__sortBy_input__";

/// A macro whose arguments do not fit: the argument, and what is wrong.
type Refused = (u32, String);

impl Parser<'_> {
    /// A call of a function, or what the macro of that name stands for.
    pub(super) fn global_call(&mut self, open: u32, function: Name, args: Vec<Expr>) -> Read<Expr> {
        if &*function != "has" || args.len() != 1 {
            return self.call(open, &function, args);
        }
        let [arg] = <[Expr; 1]>::try_from(args).unwrap_or_else(|_| [unspecified()]);
        match arg.kind {
            Kind::Select { operand, field, .. } => {
                let kind = Kind::Select {
                    operand,
                    field,
                    test_only: true,
                };
                self.node(open, kind)
            }
            _ => {
                let at = self.places[arg.id as usize];
                self.report(at, "invalid argument to has() macro")
            }
        }
    }

    /// A call of a member function, or what the macro of that name stands for.
    pub(super) fn member_call(
        &mut self,
        open: u32,
        function: Name,
        target: Expr,
        args: Vec<Expr>,
    ) -> Read<Expr> {
        let form = match (&*function, args.len()) {
            ("all", 2 | 3) => Form::All,
            ("exists", 2 | 3) => Form::Exists,
            ("exists_one" | "existsOne", 2 | 3) => Form::ExistsOne,
            ("map", 2 | 3) => Form::Map,
            ("filter", 2) => Form::Filter,
            ("optMap", 2) => Form::OptMap,
            ("optFlatMap", 2) => Form::OptFlatMap,
            ("transformList", 3 | 4) => Form::TransformList,
            ("transformMap", 3 | 4) => Form::TransformMap,
            ("transformMapEntry", 3 | 4) => Form::TransformMapEntry,
            ("sortBy", 2) => Form::SortBy,
            ("bind", 3) if self.macros.bind && is_cel(&target) => {
                return self.binding(open, args);
            }
            _ => {
                let kind = Kind::Call {
                    target: Some(Box::new(target)),
                    function,
                    args,
                };
                return self.node(open, kind);
            }
        };
        let mut make = Make { parser: self, open };
        match make.names(form, &args) {
            Ok(names) => make.expand(form, target, names, args),
            Err((at, message)) => self.report(at, message),
        }
    }
}

impl Parser<'_> {
    /// `cel.bind`, whose value is known by its name in the expression.
    fn binding(&mut self, open: u32, args: Vec<Expr>) -> Read<Expr> {
        let [name, value, body] =
            <[Expr; 3]>::try_from(args).unwrap_or_else(|_| [(); 3].map(|()| unspecified()));
        match name.kind {
            Kind::Ident(name) => Make { parser: self, open }.bind(name, value, body),
            _ => {
                let at = self.places[name.id as usize];
                self.report(at, "cel.bind() variable names must be simple identifiers")
            }
        }
    }
}

/// What the macros of the language itself are called on.
fn is_cel(target: &Expr) -> bool {
    matches!(&target.kind, Kind::Ident(name) if &**name == "cel")
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    OptMap,
    OptFlatMap,
    TransformList,
    TransformMap,
    TransformMapEntry,
    SortBy,
}

impl Form {
    /// How many names the macro takes, given the number of its arguments.
    fn names(self, args: usize) -> usize {
        match self {
            Self::All | Self::Exists | Self::ExistsOne => args - 1,
            Self::TransformList | Self::TransformMap | Self::TransformMapEntry => 2,
            _ => 1,
        }
    }
}

/// Makes the nodes of one macro, which all stand where it was called.
struct Make<'p, 'a> {
    parser: &'p mut Parser<'a>,
    open: u32,
}

impl Make<'_, '_> {
    fn names(&self, form: Form, args: &[Expr]) -> Result<(Name, Option<Name>), Refused> {
        match form.names(args.len()) {
            2 => self
                .two_names(args)
                .map(|(first, second)| (first, Some(second))),
            _ => self.name(form, &args[0]).map(|name| (name, None)),
        }
    }

    fn expand(
        &mut self,
        form: Form,
        target: Expr,
        (item, second): (Name, Option<Name>),
        args: Vec<Expr>,
    ) -> Read<Expr> {
        let names = 1 + usize::from(second.is_some());
        let mut rest = args.into_iter().skip(names);
        let first = rest.next().unwrap_or_else(unspecified);
        let (filter, body) = match rest.next() {
            Some(body) => (Some(first), body),
            None => (None, first),
        };
        match form {
            Form::OptMap | Form::OptFlatMap => self.optional(form, target, item, body),
            Form::SortBy => self.sort_by(target, item, body),
            _ => self.fold(form, target, item, second, filter, body),
        }
    }

    fn name(&self, form: Form, arg: &Expr) -> Result<Name, Refused> {
        let at = self.parser.places[arg.id as usize];
        let refuse = |message: &str| Err((at, message.to_owned()));
        let Kind::Ident(name) = &arg.kind else {
            return refuse(match form {
                Form::Map | Form::Filter | Form::SortBy => "argument is not an identifier",
                Form::OptMap => "optMap() variable name must be a simple identifier",
                Form::OptFlatMap => "optFlatMap() variable name must be a simple identifier",
                _ => "argument must be a simple name",
            });
        };
        if is_accumulator(name) && !matches!(form, Form::OptMap | Form::OptFlatMap) {
            return refuse("iteration variable overwrites accumulator variable");
        }
        Ok(name.clone())
    }

    fn two_names(&self, args: &[Expr]) -> Result<(Name, Name), Refused> {
        let at = |arg: &Expr| self.parser.places[arg.id as usize];
        let name = |arg: &Expr| match &arg.kind {
            Kind::Ident(name) => Ok(name.clone()),
            _ => Err((at(arg), "argument must be a simple name".to_owned())),
        };
        let (first, second) = (name(&args[0])?, name(&args[1])?);
        if first == second {
            return Err((at(&args[1]), format!("duplicate variable name: {first}")));
        }
        for (name, arg) in [(&first, &args[0]), (&second, &args[1])] {
            if is_accumulator(name) {
                let message = "iteration variable overwrites accumulator variable";
                return Err((at(arg), message.to_owned()));
            }
        }
        Ok((first, second))
    }

    fn fold(
        &mut self,
        form: Form,
        range: Expr,
        item: Name,
        second: Option<Name>,
        filter: Option<Expr>,
        body: Expr,
    ) -> Read<Expr> {
        let init = match form {
            Form::All => self.literal(Literal::Bool(true))?,
            Form::Exists => self.literal(Literal::Bool(false))?,
            Form::ExistsOne => self.literal(Literal::Int(0))?,
            Form::TransformMap | Form::TransformMapEntry => self.node(Kind::Map(Vec::new()))?,
            _ => self.list(Vec::new())?,
        };
        let condition = match form {
            Form::All => {
                let so_far = self.accumulator()?;
                self.call(op::NOT_STRICTLY_FALSE, vec![so_far])?
            }
            Form::Exists => {
                let so_far = self.accumulator()?;
                let not = self.call(op::NOT, vec![so_far])?;
                self.call(op::NOT_STRICTLY_FALSE, vec![not])?
            }
            _ => self.literal(Literal::Bool(true))?,
        };
        let so_far = self.accumulator()?;
        let (step, filter) = match form {
            Form::All => (self.call(op::AND, vec![so_far, body])?, None),
            Form::Exists => (self.call(op::OR, vec![so_far, body])?, None),
            Form::ExistsOne => {
                let one = self.literal(Literal::Int(1))?;
                (self.call(op::ADD, vec![so_far, one])?, Some(body))
            }
            Form::Filter => {
                let kept = self.node(Kind::Ident(item.clone()))?;
                let kept = self.list(vec![kept])?;
                (self.call(op::ADD, vec![so_far, kept])?, Some(body))
            }
            Form::TransformMap => {
                let key = self.node(Kind::Ident(item.clone()))?;
                (self.call(op::MAP_INSERT, vec![so_far, key, body])?, filter)
            }
            Form::TransformMapEntry => (self.call(op::MAP_INSERT, vec![so_far, body])?, filter),
            _ => {
                let one = self.list(vec![body])?;
                (self.call(op::ADD, vec![so_far, one])?, filter)
            }
        };
        let step = match filter {
            Some(filter) => {
                let so_far = self.accumulator()?;
                self.call(op::CONDITIONAL, vec![filter, step, so_far])?
            }
            None => step,
        };
        let mut result = self.accumulator()?;
        if form == Form::ExistsOne {
            let one = self.literal(Literal::Int(1))?;
            result = self.call(op::EQUAL, vec![result, one])?;
        }
        self.node(Kind::Comprehension(Box::new(Comprehension {
            range,
            item,
            second,
            accumulator: ACCUMULATOR.into(),
            init,
            condition,
            step,
            result,
        })))
    }

    /// `target.hasValue() ? optional.of(body with target.value() as the name) : optional.none()`
    fn optional(&mut self, form: Form, target: Expr, name: Name, body: Expr) -> Read<Expr> {
        let copy = self.copy(&target)?;
        let has_value = self.member(target, "hasValue")?;
        let init = self.member(copy, "value")?;
        let bound = self.bind(name, init, body)?;
        let some = match form {
            Form::OptMap => self.call("optional.of", vec![bound])?,
            _ => bound,
        };
        let none = self.call("optional.none", Vec::new())?;
        self.call(op::CONDITIONAL, vec![has_value, some, none])
    }

    /// The target under a name, sorted by what `key` is of each of its items.
    fn sort_by(&mut self, target: Expr, item: Name, key: Expr) -> Read<Expr> {
        let name = Name::from(SORT_INPUT);
        let list = self.node(Kind::Ident(name.clone()))?;
        let keys = self.fold(Form::Map, list, item, None, None, key)?;
        let list = self.node(Kind::Ident(name.clone()))?;
        let sorted = self.node(Kind::Call {
            target: Some(Box::new(list)),
            function: "@sortByAssociatedKeys".into(),
            args: vec![keys],
        })?;
        self.bind(name, target, sorted)
    }

    /// `body` with `name` standing for `init`: a loop that does not loop.
    fn bind(&mut self, name: Name, init: Expr, body: Expr) -> Read<Expr> {
        let range = self.list(Vec::new())?;
        let condition = self.literal(Literal::Bool(false))?;
        let step = self.node(Kind::Ident(name.clone()))?;
        self.node(Kind::Comprehension(Box::new(Comprehension {
            range,
            item: UNUSED.into(),
            second: None,
            accumulator: name,
            init,
            condition,
            step,
            result: body,
        })))
    }

    /// The same tree with numbers of its own.
    fn copy(&mut self, expr: &Expr) -> Read<Expr> {
        let offset = self.parser.places[expr.id as usize];
        let kind = match &expr.kind {
            Kind::Select {
                operand,
                field,
                test_only,
            } => Kind::Select {
                operand: Box::new(self.copy(operand)?),
                field: field.clone(),
                test_only: *test_only,
            },
            Kind::Call {
                target,
                function,
                args,
            } => Kind::Call {
                target: match target {
                    Some(target) => Some(Box::new(self.copy(target)?)),
                    None => None,
                },
                function: function.clone(),
                args: self.copies(args)?,
            },
            Kind::List {
                elements,
                optionals,
            } => Kind::List {
                elements: self.copies(elements)?,
                optionals: optionals.clone(),
            },
            Kind::Map(entries) => {
                let mut copies = Vec::with_capacity(entries.len());
                for entry in entries {
                    let key = self.copy(&entry.key)?;
                    let value = self.copy(&entry.value)?;
                    copies.push(Entry {
                        id: self.parser.id(self.parser.places[entry.id as usize]),
                        key,
                        value,
                        optional: entry.optional,
                    });
                }
                Kind::Map(copies)
            }
            Kind::Struct { name, fields } => {
                let mut copies = Vec::with_capacity(fields.len());
                for field in fields {
                    let value = self.copy(&field.value)?;
                    copies.push(FieldInit {
                        id: self.parser.id(self.parser.places[field.id as usize]),
                        name: field.name.clone(),
                        value,
                        optional: field.optional,
                    });
                }
                let name = name.clone();
                Kind::Struct {
                    name,
                    fields: copies,
                }
            }
            Kind::Comprehension(fold) => Kind::Comprehension(Box::new(Comprehension {
                range: self.copy(&fold.range)?,
                item: fold.item.clone(),
                second: fold.second.clone(),
                accumulator: fold.accumulator.clone(),
                init: self.copy(&fold.init)?,
                condition: self.copy(&fold.condition)?,
                step: self.copy(&fold.step)?,
                result: self.copy(&fold.result)?,
            })),
            plain => plain.clone(),
        };
        self.parser.node(offset, kind)
    }

    fn copies(&mut self, items: &[Expr]) -> Read<Vec<Expr>> {
        items.iter().map(|item| self.copy(item)).collect()
    }

    fn node(&mut self, kind: Kind) -> Read<Expr> {
        self.parser.node(self.open, kind)
    }

    fn call(&mut self, function: &str, args: Vec<Expr>) -> Read<Expr> {
        self.parser.call(self.open, function, args)
    }

    fn member(&mut self, target: Expr, function: &str) -> Read<Expr> {
        self.node(Kind::Call {
            target: Some(Box::new(target)),
            function: function.into(),
            args: Vec::new(),
        })
    }

    fn list(&mut self, elements: Vec<Expr>) -> Read<Expr> {
        self.node(Kind::List {
            elements,
            optionals: Vec::new(),
        })
    }

    fn literal(&mut self, literal: Literal) -> Read<Expr> {
        self.node(Kind::Literal(literal))
    }

    fn accumulator(&mut self) -> Read<Expr> {
        self.node(Kind::Ident(ACCUMULATOR.into()))
    }
}

fn is_accumulator(name: &str) -> bool {
    name == ACCUMULATOR || name == FORMER_ACCUMULATOR
}

fn unspecified() -> Expr {
    Expr {
        id: 0,
        kind: Kind::Unspecified,
    }
}
