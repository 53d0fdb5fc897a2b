//! What expressions may speak of: variables, functions, types.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::ast::Name;
use crate::library;
use crate::parse::Macros;
use crate::types::{Declared, ObjectTypes, Type};
use crate::value::Function;

/// One way to call a function.
#[derive(Debug, Clone)]
pub struct Overload {
    /// Its name among all overloads.
    pub id: &'static str,
    /// Whether the first parameter stands before the dot.
    pub member: bool,
    /// What it takes.
    pub params: Vec<Type>,
    /// What it gives.
    pub result: Type,
}

/// A function by its name: all ways to call it, and what it does.
#[derive(Debug, Clone)]
pub struct FunctionDecl {
    /// The name.
    pub name: &'static str,
    /// The ways to call it, in the order in which they are tried.
    pub overloads: Vec<Overload>,
    /// What it does; it looks at its arguments to see how it was called.
    pub run: Function,
}

/// The functions that Kubernetes offers to all expressions.
static BASE: LazyLock<Arc<HashMap<&'static str, FunctionDecl>>> =
    LazyLock::new(|| Arc::new(library::functions()));

/// What the expressions at one place may speak of. Cheap to clone.
#[derive(Clone)]
pub struct Environment {
    variables: Arc<HashMap<Name, Type>>,
    functions: Arc<HashMap<&'static str, FunctionDecl>>,
    objects: Arc<dyn ObjectTypes>,
    macros: Macros,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::base()
    }
}

impl Environment {
    /// Kubernetes' functions, and nothing else.
    pub fn base() -> Self {
        Self {
            variables: Arc::default(),
            functions: Arc::clone(&BASE),
            objects: Arc::new(Declared::new()),
            macros: Macros::default(),
        }
    }

    /// With `cel.bind(name, value, expression)`.
    #[must_use]
    pub fn with_bindings(mut self) -> Self {
        self.macros.bind = true;
        self
    }

    /// With one variable more.
    #[must_use]
    pub fn with_variable(mut self, name: &str, ty: Type) -> Self {
        Arc::make_mut(&mut self.variables).insert(name.into(), ty);
        self
    }

    /// With these types of objects instead of those before.
    #[must_use]
    pub fn with_objects(mut self, objects: Arc<dyn ObjectTypes>) -> Self {
        self.objects = objects;
        self
    }

    /// With the functions by which patches are written.
    #[must_use]
    pub fn with_patches(mut self) -> Self {
        let functions = Arc::make_mut(&mut self.functions);
        library::add_patches(functions);
        self
    }

    /// The name as it is declared, and its type. A leading dot only says that the name is whole.
    pub(crate) fn variable(&self, name: &str) -> Option<(&str, Type)> {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some((name, ty)) = self.variables.get_key_value(name) {
            return Some((name, ty.clone()));
        }
        let (name, ty) = type_by_name(name)?;
        Some((name, Type::Type(Arc::new(ty))))
    }

    /// The object type of the name.
    pub(crate) fn object(&self, name: &str) -> Option<Type> {
        let name = name.strip_prefix('.').unwrap_or(name);
        self.objects.has_type(name).then(|| Type::object(name))
    }

    pub(crate) fn function(&self, name: &str) -> Option<&FunctionDecl> {
        self.functions.get(name.strip_prefix('.').unwrap_or(name))
    }

    pub(crate) const fn macros(&self) -> Macros {
        self.macros
    }

    pub(crate) fn objects(&self) -> &dyn ObjectTypes {
        &*self.objects
    }
}

/// Types that expressions can name.
pub(crate) fn type_by_name(name: &str) -> Option<(&'static str, Type)> {
    Some(match name {
        "bool" => ("bool", Type::Bool),
        "bytes" => ("bytes", Type::Bytes),
        "double" => ("double", Type::Double),
        "int" => ("int", Type::Int),
        "uint" => ("uint", Type::Uint),
        "string" => ("string", Type::String),
        "null_type" => ("null_type", Type::Null),
        "list" => ("list", Type::list(Type::Dyn)),
        "map" => ("map", Type::map(Type::Dyn, Type::Dyn)),
        "type" => ("type", Type::Type(Arc::new(Type::Dyn))),
        "optional_type" => ("optional_type", Type::optional(Type::Dyn)),
        "google.protobuf.Duration" => ("google.protobuf.Duration", Type::Duration),
        "google.protobuf.Timestamp" => ("google.protobuf.Timestamp", Type::Timestamp),
        _ => return library::opaque_type(name),
    })
}
