//! Where in an object something is wrong, and what.
//!
//! Validation builds a [`Path`] on the stack as it walks down, which costs nothing while all is
//! well, and collects [`FieldError`]s in an [`ErrorList`]. Clients see the texts, so they are
//! upstream's to the letter.
//!
//! ```
//! use pintle_runtime::field_path::{ErrorList, Path};
//!
//! let mut errors = ErrorList::new();
//! let spec = Path::new("spec");
//! errors.invalid(&spec.child("ports").index(0).child("port"), 0, "must be between 1 and 65535, inclusive");
//! assert_eq!(
//!     errors.to_string(),
//!     "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
//! );
//! ```

mod error;
mod list;

use std::fmt;

pub use error::{BadValue, ErrorKind, FieldError};
pub use list::ErrorList;

/// A place in an object, as a chain of steps that each borrow the one before.
///
/// Shown as `spec.containers[0].name` or `metadata.labels[app]`. A name may hold dots: then it is
/// several steps at once, `Path::new("spec.template")`.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Nowhere,
    Name(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// No place at all. Shown as `<nil>`; a child of it is a first step.
    pub const NOWHERE: Path<'static> = Path {
        parent: None,
        step: Step::Nowhere,
    };

    /// A first step.
    pub const fn new(name: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Name(name),
        }
    }

    /// A field of the object here.
    pub const fn child<'b>(&'b self, name: &'b str) -> Path<'b>
    where
        'a: 'b,
    {
        self.step(Step::Name(name))
    }

    /// An item of the list here.
    pub const fn index<'b>(&'b self, index: usize) -> Path<'b>
    where
        'a: 'b,
    {
        self.step(Step::Index(index))
    }

    /// An entry of the map here.
    pub const fn key<'b>(&'b self, key: &'b str) -> Path<'b>
    where
        'a: 'b,
    {
        self.step(Step::Key(key))
    }

    const fn step<'b>(&'b self, step: Step<'b>) -> Path<'b>
    where
        'a: 'b,
    {
        match self.step {
            Step::Nowhere => Path { parent: None, step },
            Step::Name(_) | Step::Index(_) | Step::Key(_) => Path {
                parent: Some(self),
                step,
            },
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Nowhere => f.write_str("<nil>"),
            // As upstream, which tells a name from a key by its being there.
            Step::Name("") => f.write_str("[]"),
            Step::Name(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(path: &Path<'_>, expected: &str) {
        assert_eq!(path.to_string(), expected);
    }

    #[test]
    fn a_path_is_shown_as_upstream_does() {
        let spec = Path::new("spec");
        check(&spec, "spec");
        check(
            &spec.child("containers").index(0).child("name"),
            "spec.containers[0].name",
        );
        check(
            &Path::new("metadata").child("labels").key("a/b"),
            "metadata.labels[a/b]",
        );
        check(
            &spec.child("template.spec").child("volumes").key(""),
            "spec.template.spec.volumes[]",
        );
    }

    #[test]
    fn nowhere_is_nil_until_a_step_is_made() {
        check(&Path::NOWHERE, "<nil>");
        check(&Path::NOWHERE.child("values").index(1), "values[1]");
        check(&Path::NOWHERE.key("a"), "[a]");
    }

    #[derive(Debug, Clone)]
    enum Walk {
        Name(String),
        Index(usize),
        Key(String),
    }

    fn walk() -> impl Strategy<Value = Vec<Walk>> {
        let step = prop_oneof![
            "[a-z]{1,5}".prop_map(Walk::Name),
            (0_usize..100).prop_map(Walk::Index),
            "[a-z./]{0,5}".prop_map(Walk::Key),
        ];
        prop::collection::vec(step, 0..8)
    }

    /// Walks `steps` from `path` and checks what is shown at the end.
    fn follow(path: &Path<'_>, steps: &[Walk], expected: &mut String) {
        let Some((step, rest)) = steps.split_first() else {
            return check(path, expected);
        };
        match step {
            Walk::Name(name) => {
                expected.push('.');
                expected.push_str(name);
                follow(&path.child(name), rest, expected);
            }
            Walk::Index(index) => {
                expected.push_str(&format!("[{index}]"));
                follow(&path.index(*index), rest, expected);
            }
            Walk::Key(key) => {
                expected.push_str(&format!("[{key}]"));
                follow(&path.key(key), rest, expected);
            }
        }
    }

    proptest! {
        #[test]
        fn every_step_adds_its_own_text(steps in walk()) {
            follow(&Path::new("root"), &steps, &mut "root".to_owned());
        }
    }
}
