//! Which type may stand for which, and what that says of types to be found out.

use std::sync::Arc;

use crate::types::{Param, Type};

/// What was found out.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapping(Vec<(Param, Type)>);

impl Mapping {
    pub(super) fn add(&mut self, param: Param, ty: Type) {
        match self.0.iter_mut().find(|(found, _)| *found == param) {
            Some((_, found)) => *found = ty,
            None => self.0.push((param, ty)),
        }
    }

    fn find(&self, ty: &Type) -> Option<&Type> {
        let Type::Param(param) = ty else { return None };
        let found = self.0.iter().find(|(found, _)| found == param);
        found.map(|(_, ty)| ty)
    }

    /// Whether `a` may be used where `b` is asked for; what it found out counts only if so.
    pub(super) fn assign(&mut self, a: &Type, b: &Type) -> bool {
        self.assign_all(std::slice::from_ref(a), std::slice::from_ref(b))
    }

    /// The same for several at once.
    pub(super) fn assign_all(&mut self, a: &[Type], b: &[Type]) -> bool {
        let mut tried = self.clone();
        let fits = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| tried.assignable(a, b));
        if fits {
            *self = tried;
        }
        fits
    }

    fn assignable(&mut self, a: &Type, b: &Type) -> bool {
        if matches!(b, Type::Param(_)) {
            match self.substitution(a, b) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if matches!(a, Type::Param(_)) {
            return self.substitution(b, a).0;
        }
        if a.is_dyn_or_error() || b.is_dyn_or_error() {
            return true;
        }
        match (a, b) {
            (Type::Null, other) | (other, Type::Null) => is_nullable(other),
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.assignable(a, b)
            }
            (Type::Map(a), Type::Map(b)) => {
                self.assignable(&a.0, &b.0) && self.assignable(&a.1, &b.1)
            }
            (a, b) => a == b,
        }
    }

    /// Whether `param` may stand for `ty`, and whether it stood for something before.
    fn substitution(&mut self, ty: &Type, param: &Type) -> (bool, bool) {
        if ty == param {
            return (true, true);
        }
        let Type::Param(name) = param else {
            return (false, false);
        };
        if let Some(found) = self.find(param).cloned() {
            if *ty == found {
                return (true, true);
            }
            if !self.assignable(ty, &found) {
                return (false, true);
            }
            let general = most_general(ty, &found).clone();
            if self.is_free_of(param, &general) {
                self.add(*name, general);
            }
            return (true, true);
        }
        let free = self.is_free_of(param, ty);
        if free {
            self.add(*name, ty.clone());
        }
        (free, false)
    }

    /// Whether `param` does not occur within `ty`.
    fn is_free_of(&self, param: &Type, ty: &Type) -> bool {
        if param == ty {
            return false;
        }
        match ty {
            Type::Param(_) => self
                .find(ty)
                .is_none_or(|found| self.is_free_of(param, found)),
            Type::List(inner) | Type::Optional(inner) | Type::Type(inner) => {
                self.is_free_of(param, inner)
            }
            Type::Map(entry) => {
                self.is_free_of(param, &entry.0) && self.is_free_of(param, &entry.1)
            }
            _ => true,
        }
    }

    /// `ty` with everything that was found out; what was not stays, or becomes `dyn`.
    pub(super) fn substitute(&self, ty: &Type, rest_is_dyn: bool) -> Type {
        if let Some(found) = self.find(ty) {
            return self.substitute(found, rest_is_dyn);
        }
        let inner = |ty: &Arc<Type>| Arc::new(self.substitute(ty, rest_is_dyn));
        match ty {
            Type::Param(_) if rest_is_dyn => Type::Dyn,
            Type::List(item) => Type::List(inner(item)),
            Type::Optional(item) => Type::Optional(inner(item)),
            Type::Type(item) => Type::Type(inner(item)),
            Type::Map(entry) => Type::map(
                self.substitute(&entry.0, rest_is_dyn),
                self.substitute(&entry.1, rest_is_dyn),
            ),
            plain => plain.clone(),
        }
    }
}

const fn is_nullable(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Null
            | Type::Optional(_)
            | Type::Opaque(_)
            | Type::Object(_)
            | Type::Duration
            | Type::Timestamp
    )
}

/// The more general of two types that fit each other.
pub(super) fn most_general<'a>(a: &'a Type, b: &'a Type) -> &'a Type {
    if is_equal_or_less_specific(a, b) {
        a
    } else {
        b
    }
}

fn is_equal_or_less_specific(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn | Type::Any | Type::Param(_), _) => true,
        (_, Type::Dyn | Type::Any | Type::Param(_)) => false,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
            is_equal_or_less_specific(a, b)
        }
        (Type::Map(a), Type::Map(b)) => {
            is_equal_or_less_specific(&a.0, &b.0) && is_equal_or_less_specific(&a.1, &b.1)
        }
        (Type::Type(_), Type::Type(_)) => true,
        (a, b) => a == b,
    }
}
