//! What expressions of admission policies and match conditions may speak of.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use pintle_cel::ast::Name;
use pintle_cel::types::{Declared, ObjectType, ObjectTypes, Type};
use pintle_cel::{Environment, Program};

use super::compile;

/// The type of `request`.
pub const REQUEST: &str = "kubernetes.AdmissionRequest";
/// The type of a kind within it.
pub const KIND: &str = "kubernetes.GroupVersionKind";
/// The type of a resource within it.
pub const RESOURCE: &str = "kubernetes.GroupVersionResource";
/// The type of whoever sent it.
pub const USER: &str = "kubernetes.UserInfo";
/// The type of `namespaceObject`.
pub const NAMESPACE: &str = "kubernetes.Namespace";
/// The type of `variables`.
pub const VARIABLES: &str = "kubernetes.variables";
/// The type of the objects that mutations apply, and the beginning of the names of those within.
pub const OBJECT: &str = "Object";
/// The type of an operation of a JSON patch.
pub const JSON_PATCH: &str = "JSONPatch";

/// What an expression may speak of beside the request, its object and its namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Speaks {
    /// `params`
    pub params: bool,
    /// `authorizer`
    pub authorizer: bool,
    /// Objects and patches to make.
    pub patches: bool,
}

/// Compiles the expressions of one policy, or those of match conditions, which know no variables.
#[derive(Debug, Clone, Default)]
pub struct Compiler {
    variables: Option<BTreeMap<Name, Type>>,
}

impl Compiler {
    /// For expressions that know no variables.
    pub const fn new() -> Self {
        Self { variables: None }
    }

    /// For expressions that know variables, of which there are none yet.
    pub const fn with_variables() -> Self {
        Self {
            variables: Some(BTreeMap::new()),
        }
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, as clients see it.
    pub fn compile(&self, text: &str, speaks: Speaks, wanted: &[Type]) -> Result<Program, String> {
        compile(text, &self.environment(speaks), wanted)
    }

    /// Compiles the expression of a variable, which is known to every later expression.
    ///
    /// # Errors
    /// What is wrong with it, as clients see it; later expressions may speak of it even so.
    pub fn variable(&mut self, name: &str, text: &str, speaks: Speaks) -> Result<Program, String> {
        let program = self.compile(text, speaks, &[]);
        let ty = program.as_ref().map(|program| program.result().clone());
        let variables = self.variables.get_or_insert_default();
        variables.insert(name.into(), ty.unwrap_or(Type::Dyn));
        program
    }

    fn environment(&self, speaks: Speaks) -> Environment {
        let base = if speaks.patches { &PATCHES } else { &PLAIN };
        let mut environment = Environment::clone(base).with_objects(Arc::new(Known {
            patches: speaks.patches,
            variables: self.variables.clone().unwrap_or_default(),
        }));
        if self.variables.is_some() {
            environment = environment.with_variable("variables", Type::object(VARIABLES));
        }
        if speaks.params {
            environment = environment.with_variable("params", Type::Dyn);
        }
        if speaks.authorizer {
            let authorizer = |name| Type::Opaque(name);
            environment = environment
                .with_variable(
                    "authorizer",
                    authorizer("kubernetes.authorization.Authorizer"),
                )
                .with_variable(
                    "authorizer.requestResource",
                    authorizer("kubernetes.authorization.ResourceCheck"),
                );
        }
        environment
    }
}

static PLAIN: LazyLock<Environment> = LazyLock::new(|| {
    Environment::base()
        .with_variable("object", Type::Dyn)
        .with_variable("oldObject", Type::Dyn)
        .with_variable("namespaceObject", Type::object(NAMESPACE))
        .with_variable("request", Type::object(REQUEST))
});
static PATCHES: LazyLock<Environment> = LazyLock::new(|| PLAIN.clone().with_patches());
static TYPES: LazyLock<Declared> = LazyLock::new(types);

/// The types of objects that expressions may speak of.
struct Known {
    patches: bool,
    variables: BTreeMap<Name, Type>,
}

impl Known {
    fn is_made(&self, name: &str) -> bool {
        let is_object = || {
            name.strip_prefix(OBJECT)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.patches && is_object()
    }
}

impl ObjectTypes for Known {
    fn has_type(&self, name: &str) -> bool {
        name == VARIABLES
            || (self.patches && name == JSON_PATCH)
            || self.is_made(name)
            || TYPES.has_type(name)
    }

    fn field(&self, object: &str, field: &str) -> Option<Type> {
        match object {
            VARIABLES => self.variables.get(field).cloned(),
            JSON_PATCH if self.patches => match field {
                "op" | "path" | "from" => Some(Type::String),
                "value" => Some(Type::Dyn),
                _ => None,
            },
            _ if self.is_made(object) => Some(Type::Dyn),
            _ => TYPES.field(object, field),
        }
    }
}

fn types() -> Declared {
    let text = || Type::String;
    let texts = || Type::list(Type::String);
    let labels = || Type::map(Type::String, Type::String);
    let request = ObjectType::new([
        ("kind", Type::object(KIND)),
        ("resource", Type::object(RESOURCE)),
        ("subResource", text()),
        ("requestKind", Type::object(KIND)),
        ("requestResource", Type::object(RESOURCE)),
        ("requestSubResource", text()),
        ("name", text()),
        ("namespace", text()),
        ("operation", text()),
        ("userInfo", Type::object(USER)),
        ("dryRun", Type::Bool),
        ("options", Type::Dyn),
    ]);
    let user = ObjectType::new([
        ("username", text()),
        ("uid", text()),
        ("groups", texts()),
        ("extra", Type::map(Type::String, texts())),
    ]);
    let metadata = ObjectType::new([
        ("name", text()),
        ("generateName", text()),
        ("namespace", text()),
        ("labels", labels()),
        ("annotations", labels()),
        ("UID", text()),
        ("creationTimestamp", Type::Timestamp),
        ("deletionGracePeriodSeconds", Type::Int),
        ("deletionTimestamp", Type::Timestamp),
        ("generation", Type::Int),
        ("resourceVersion", text()),
        ("finalizers", texts()),
    ]);
    let condition = ObjectType::new([
        ("status", text()),
        ("type", text()),
        ("lastTransitionTime", Type::Timestamp),
        ("message", text()),
        ("reason", text()),
    ]);
    let named =
        |name: &str| ObjectType::new([("group", text()), ("version", text()), (name, text())]);
    Declared::new()
        .with(KIND, named("kind"))
        .with(RESOURCE, named("resource"))
        .with(USER, user)
        .with(REQUEST, request)
        .with("kubernetes.NamespaceMetadata", metadata)
        .with("kubernetes.NamespaceCondition", condition)
        .with(
            "kubernetes.NamespaceSpec",
            ObjectType::new([("finalizers", texts())]),
        )
        .with(
            "kubernetes.NamespaceStatus",
            ObjectType::new([
                (
                    "conditions",
                    Type::list(Type::object("kubernetes.NamespaceCondition")),
                ),
                ("phase", text()),
            ]),
        )
        .with(
            NAMESPACE,
            ObjectType::new([
                ("metadata", Type::object("kubernetes.NamespaceMetadata")),
                ("spec", Type::object("kubernetes.NamespaceSpec")),
                ("status", Type::object("kubernetes.NamespaceStatus")),
            ]),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, speaks: Speaks, wanted: &[Type], expected: &str) {
        let found = match Compiler::new().compile(text, speaks, wanted) {
            Ok(program) => program.result().to_string(),
            Err(why) => why.lines().next().unwrap_or_default().to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn expressions_speak_of_what_they_are_given() {
        let plain = Speaks::default();
        check("object.a == oldObject.b", plain, &[Type::Bool], "bool");
        check("request.userInfo.groups", plain, &[], "list(string)");
        check("namespaceObject.metadata.labels['a']", plain, &[], "string");
        check(
            "object.a",
            plain,
            &[Type::Bool],
            "must evaluate to bool but got dyn",
        );
        check(
            "1",
            plain,
            &[Type::String, Type::Null],
            "must evaluate to one of [string null_type] but got int",
        );
        let undeclared = "compilation failed: ERROR: <input>:1:1: undeclared reference to";
        check(
            "params.a",
            plain,
            &[],
            &format!("{undeclared} 'params' (in container '')"),
        );
        check(
            "authorizer",
            plain,
            &[],
            &format!("{undeclared} 'authorizer' (in container '')"),
        );
        check(
            "variables.a",
            plain,
            &[],
            &format!("{undeclared} 'variables' (in container '')"),
        );
        let all = Speaks {
            params: true,
            authorizer: true,
            patches: true,
        };
        check("params.a == 1", all, &[Type::Bool], "bool");
        check(
            "authorizer.requestResource.check('get').allowed()",
            all,
            &[Type::Bool],
            "bool",
        );
        check(
            "Object{metadata: Object.metadata{labels: {'a': 'b'}}}",
            all,
            &[Type::object(OBJECT)],
            "Object",
        );
        check(
            "[JSONPatch{op: 'add', path: '/a', value: 1}]",
            all,
            &[Type::list(Type::object(JSON_PATCH))],
            "list(JSONPatch)",
        );
        check(
            "true",
            all,
            &[Type::object(OBJECT)],
            "must evaluate to Object but got bool",
        );
    }

    #[test]
    fn variables_have_the_types_of_their_expressions() {
        let mut compiler = Compiler::with_variables();
        let plain = Speaks::default();
        compiler
            .variable("count", "1 + 1", plain)
            .expect("it compiles");
        compiler
            .variable("twice", "variables.count * 2", plain)
            .expect("it compiles");
        compiler
            .variable("bad", "1 + ''", plain)
            .expect_err("it does not");
        let ty = |text: &str| {
            compiler
                .compile(text, plain, &[])
                .map(|p| p.result().clone())
        };
        assert_eq!(ty("variables.twice"), Ok(Type::Int));
        assert_eq!(ty("variables.bad"), Ok(Type::Dyn));
        assert!(ty("variables.none").is_err_and(|why| why.contains("undefined field 'none'")));
    }
}
