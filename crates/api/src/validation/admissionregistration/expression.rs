//! Expressions as text, and the names that go with them.

use std::collections::HashSet;

use pintle_cel::parse::is_kept;
use pintle_cel::types::Type;
use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::object_meta::validate_label_name;
use pintle_runtime::view::List;

use crate::admissionregistration::v1::{MatchCondition, Variable};
use crate::expressions::admission::{Compiler, Speaks};

const CONDITIONS: usize = 64;
/// Conditions on which a webhook or policy is asked at all.
pub(super) fn match_conditions(
    conditions: List<'_, MatchCondition<'_>>,
    params: bool,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if conditions.len() > CONDITIONS {
        errors.push(FieldError::too_many(path, conditions.len(), CONDITIONS));
    }
    let mut names = HashSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = path.index(index);
        let (expression, at) = (condition.expression().trim(), path.child("expression"));
        let speaks = Speaks {
            params,
            authorizer: true,
            patches: false,
        };
        match expression {
            "" => errors.required(&at, ""),
            _ => compiles(
                &Compiler::new(),
                expression,
                speaks,
                &[Type::Bool],
                &at,
                errors,
            ),
        }
        let (name, at) = (condition.name(), path.child("name"));
        if name.is_empty() {
            errors.required(&at, "");
            continue;
        }
        validate_label_name(name, &at, errors);
        if !names.insert(name) {
            errors.duplicate(&at, name);
        }
    }
}

/// Values that other expressions use by name.
pub(super) fn variables(
    compiler: &mut Compiler,
    variables: List<'_, Variable<'_>>,
    speaks: Speaks,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (index, variable) in variables.iter().enumerate() {
        let path = path.index(index);
        let (name, at) = (variable.name(), path.child("name"));
        if name.trim().is_empty() {
            errors.required(&at, "name is not specified");
        } else if !is_identifier(name) {
            errors.invalid(&at, name, "name is not a valid CEL identifier");
        }
        let (expression, at) = (variable.expression(), path.child("expression"));
        if specified(expression, &at, errors)
            && let Err(why) = compiler.variable(name, expression, speaks)
        {
            errors.invalid(&at, expression, why);
        }
    }
}

/// Whether there is an expression, as there has to be.
pub(super) fn specified(expression: &str, path: &Path<'_>, errors: &mut ErrorList) -> bool {
    let is_there = !expression.trim().is_empty();
    if !is_there {
        errors.required(path, "expression is not specified");
    }
    is_there
}

/// An expression can be compiled, and is of a type that is wanted.
pub(super) fn compiles(
    compiler: &Compiler,
    expression: &str,
    speaks: Speaks,
    wanted: &[Type],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    if let Err(why) = compiler.compile(expression, speaks, wanted) {
        errors.invalid(path, expression, why);
    }
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !is_kept(name)
}
