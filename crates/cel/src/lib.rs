//! CEL, the expression language, as Kubernetes speaks it.
//!
//! A [`Program`] is an expression that was read, checked against an [`Environment`] (what it may
//! speak of) and made ready; it is evaluated with the values of its variables and a [`Budget`].
//!
//! # What one may rely on
//!
//! - What is accepted, what comes out, and every text that refuses something is that of Kubernetes
//!   v1.36 and the cel-go that it uses.
//! - Records and values of `pintle-runtime` are read where they are; nothing is converted first.
//! - No expression makes anything here panic or run away: depth and length are limited when it is
//!   read, work when it is evaluated.
//! - What is absent: no object has a meaning here, nothing waits, and nothing is read from a disk
//!   or a network. Whoever evaluates an expression that asks what is allowed brings the
//!   [`Authorizer`](library::authz::Authorizer). Of time zones only UTC and offsets are known.
//!
//! # Where things are
//!
//! | | |
//! | --- | --- |
//! | [`mod@parse`], [`ast`], [`source`] | text to tree, macros replaced; what is wrong, and where |
//! | [`types`], [`Environment`], [`mod@check`] | what names refer to, and the type of every node |
//! | [`value`], [`Program`] | values, and how they are computed |
//! | [`library`] | every function |
//!
//! # Example
//!
//! ```
//! use pintle_cel::types::Type;
//! use pintle_cel::value::Val;
//! use pintle_cel::{Budget, Environment, Program};
//!
//! let environment = Environment::base().with_variable("name", Type::String);
//! let program = Program::compile("name.startsWith('web-') && size(name) < 10", &environment)?;
//! assert_eq!(*program.result(), Type::Bool);
//!
//! let variables = [("name", Val::string("web-1"))];
//! let value = program.evaluate(&variables, &mut Budget::new(Budget::PER_CALL))?;
//! assert_eq!(value.as_bool(), Some(true));
//!
//! let issues = Program::compile("nmae == ''", &environment).expect_err("there is no such name");
//! assert_eq!(
//!     issues.to_string(),
//!     "ERROR: <input>:1:1: undeclared reference to 'nmae' (in container '')\n | nmae == ''\n | ^",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod ast;
pub mod check;
mod environment;
mod eval;
pub mod library;
mod operators;
pub mod parse;
pub mod source;
mod syntax;
pub mod types;
pub mod value;

pub use environment::{Environment, FunctionDecl, Overload};
pub use eval::{Budget, Program, Variables};
