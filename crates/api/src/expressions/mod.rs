//! Expressions that objects hold: what they may speak of, and what is said of those that are wrong.
//!
//! The rules for objects compile expressions to see that they can be; admission compiles the same ones the same way
//! to evaluate them.

pub mod admission;
pub mod devices;

use pintle_cel::types::Type;
use pintle_cel::{Environment, Program};

/// Compiles an expression whose value has to be of one of the types `wanted`; any will do if there are none.
///
/// # Errors
/// What is wrong with it, as clients see it.
pub fn compile(text: &str, environment: &Environment, wanted: &[Type]) -> Result<Program, String> {
    let program = Program::compile(text, environment)
        .map_err(|issues| format!("compilation failed: {issues}"))?;
    let found = program.result();
    if wanted.is_empty() || wanted.contains(found) {
        return Ok(program);
    }
    let found = found.declared_name();
    Err(match wanted {
        [one] => format!("must evaluate to {} but got {found}", one.declared_name()),
        many => {
            let names: Vec<String> = many.iter().map(Type::declared_name).collect();
            format!(
                "must evaluate to one of [{}] but got {found}",
                names.join(" ")
            )
        }
    })
}
