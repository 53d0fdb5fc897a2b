//! What expressions that select devices may speak of.

use std::sync::{Arc, LazyLock};

use pintle_cel::types::{Declared, ObjectType, Type};
use pintle_cel::{Environment, Program};

/// The type of `device`.
const DEVICE: &str = "kubernetes.DRADevice";

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    // By domain, and then by name.
    let named = |value| Type::map(Type::String, Type::map(Type::String, value));
    let device = ObjectType::new([
        ("driver", Type::String),
        ("attributes", named(Type::Dyn)),
        ("capacity", named(Type::Opaque("kubernetes.Quantity"))),
        ("allowMultipleAllocations", Type::Bool),
    ]);
    Environment::base()
        .with_bindings()
        .with_variable("device", Type::object(DEVICE))
        .with_objects(Arc::new(Declared::new().with(DEVICE, device)))
});

/// Compiles an expression that says of a device whether it is wanted.
///
/// # Errors
/// What is wrong with it, as clients see it.
pub fn compile(text: &str) -> Result<Program, String> {
    let program = super::compile(text, &ENVIRONMENT, &[])?;
    match program.result() {
        Type::Bool | Type::Dyn => Ok(program),
        found => Err(format!(
            "must evaluate to bool or the unknown type, not {}",
            found.declared_name()
        )),
    }
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = super::compile(text).map(|_| String::new());
        let found = found.unwrap_or_else(|why| why);
        assert_eq!(found.lines().next().unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn expressions_speak_of_a_device() {
        check("device.driver == 'd.example.com'", "");
        check("device.attributes['d.example.com'].is_big", "");
        check(
            "device.capacity['d.example.com'].memory.isGreaterThan(quantity('1Gi'))",
            "",
        );
        check(
            "cel.bind(own, device.attributes['d.example.com'], own.a && own.b)",
            "",
        );
        check(
            "semver('1.2.3').isLessThan(device.attributes['d.example.com'].version)",
            "",
        );
        check(
            "device.driver",
            "must evaluate to bool or the unknown type, not string",
        );
        check(
            "device.name == ''",
            "compilation failed: ERROR: <input>:1:7: undefined field 'name'",
        );
        check(
            "noSuch",
            "compilation failed: ERROR: <input>:1:1: undeclared reference to 'noSuch' (in container '')",
        );
    }
}
