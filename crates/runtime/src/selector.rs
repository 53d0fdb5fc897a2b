//! Which objects are meant: by their labels, or by the values of some fields.
//!
//! Both kinds of selector are read from a query parameter, refuse what upstream refuses in its
//! words, and match against a lookup, so that whoever keeps labels in whatever form need not make
//! a map of them.
//!
//! ```
//! use pintle_runtime::selector::LabelSelector;
//!
//! let selector = LabelSelector::parse("app in (web, db), !canary")?;
//! let labels = [("app", "web"), ("tier", "front")];
//! assert!(selector.matches(|key| labels.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)));
//! assert_eq!(selector.to_string(), "app in (db,web),!canary");
//! # Ok::<(), pintle_runtime::selector::SelectorError>(())
//! ```

mod field;
mod label;
mod lexer;
mod object;
mod parser;

pub use field::{FieldOperator, FieldSelector, FieldTerm};
pub use label::{Expression, LabelSelector, Operator, Requirement};
pub use object::{InvalidValues, validate_label_selector};

/// Why a text is no selector, in upstream's words; a 400 with just this message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(pub(crate) String);
