//! Where in an object the decoder is.

use std::fmt::Write;

use crate::quote::Quoted;
use crate::schema::TypeRef;

/// The way from the root to a value: a chain of the decoder's own stack frames, which costs nothing
/// until somebody asks.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a TypeRef, &'a str),
    Key(&'a str),
    Index(usize),
    /// A type that decodes itself: from outside nothing within has a place.
    Opaque,
}

impl<'a> Path<'a> {
    pub(super) const ROOT: Self = Self {
        parent: None,
        step: Step::Root,
    };

    pub(super) fn field(&'a self, ty: &'a TypeRef, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Field(ty, name),
        }
    }

    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    pub(super) fn opaque(&'a self) -> Self {
        Self {
            parent: Some(self),
            step: Step::Opaque,
        }
    }

    /// The type that the innermost field belongs to.
    pub(super) fn owner(&self) -> Option<&'a TypeRef> {
        let mut at = self;
        loop {
            if let Step::Field(ty, _) = at.step {
                return Some(ty);
            }
            at = at.parent?;
        }
    }

    fn steps(&'a self) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(path) = at {
            steps.push(path.step);
            at = path.parent;
        }
        steps.reverse();
        steps
    }

    /// `unknown field "spec.containers[0].foo"`, where `what` is `unknown field` and `name` is `foo`.
    pub(super) fn problem(&self, what: &str, name: &str) -> String {
        let mut path = String::new();
        for step in self.steps() {
            match step {
                Step::Field(_, name) | Step::Key(name) => push_name(&mut path, name),
                Step::Index(index) => {
                    // Writing to a string does not fail.
                    let _ = write!(path, "[{index}]");
                }
                Step::Root | Step::Opaque => {}
            }
        }
        push_name(&mut path, name);
        format!("{what} {}", Quoted(&path))
    }

    /// `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`:
    /// Go names the innermost struct, then the fields since the root, but no keys and no indexes.
    pub(super) fn mismatch(&self, found: &str, wanted: &str) -> String {
        let mut within = "";
        let mut fields = String::new();
        for step in self.steps() {
            match step {
                Step::Field(ty, name) => {
                    within = super::go::short_name(ty);
                    push_name(&mut fields, name);
                }
                Step::Opaque => break,
                Step::Root | Step::Key(_) | Step::Index(_) => {}
            }
        }
        if fields.is_empty() {
            format!("json: cannot unmarshal {found} into Go value of type {wanted}")
        } else {
            format!(
                "json: cannot unmarshal {found} into Go struct field {within}.{fields} of type {wanted}"
            )
        }
    }
}

fn push_name(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}
