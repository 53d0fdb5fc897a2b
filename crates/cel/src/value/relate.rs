//! Equality and order.

use std::cmp::Ordering;

use super::{EvalError, Val};
use crate::library::Opaque;

impl Val<'_> {
    /// Whether two values are equal. Numbers are compared by what they are, whatever their type;
    /// values of different types are not equal.
    pub fn equals(&self, other: &Val<'_>) -> bool {
        match (self, other) {
            (Self::Null, Val::Null) => true,
            (Self::Bool(a), Val::Bool(b)) => a == b,
            (Self::String(a), Val::String(b)) => a == b,
            (Self::Bytes(a), Val::Bytes(b)) => a == b,
            (Self::Duration(a), Val::Duration(b)) => a == b,
            (Self::Timestamp(a), Val::Timestamp(b)) => a == b,
            (Self::List(a), Val::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(&b))
            }
            (Self::Map(a), Val::Map(b)) => {
                a.len() == b.len()
                    && a.entries()
                        .iter()
                        .all(|(key, value)| b.get(key).is_some_and(|found| value.equals(&found)))
            }
            (Self::Object(a), Val::Object(b)) => {
                let (ours, theirs) = (a.entries(), b.entries());
                a.type_name() == b.type_name()
                    && ours.len() == theirs.len()
                    && ours.iter().all(|(name, value)| {
                        let found = theirs.iter().find(|(found, _)| found == name);
                        found.is_some_and(|(_, found)| value.equals(found))
                    })
            }
            (Self::Type(a), Val::Type(b)) => super::type_value_name(a) == super::type_value_name(b),
            (Self::Optional(a), Val::Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equals(b),
                (None, None) => true,
                _ => false,
            },
            (Self::Opaque(a), Val::Opaque(b)) => Opaque::equals(a, b),
            _ => self.compare_numbers(other) == Some(Some(Ordering::Equal)),
        }
    }

    /// Which of two values comes first; `None` if one is no number.
    ///
    /// # Errors
    /// Where the two can not be compared.
    pub(crate) fn compare(&self, other: &Val<'_>) -> Result<Ordering, EvalError> {
        match (self, other) {
            (Self::Bool(a), Val::Bool(b)) => Ok(a.cmp(b)),
            (Self::String(a), Val::String(b)) => Ok(a.as_bytes().cmp(b.as_bytes())),
            (Self::Bytes(a), Val::Bytes(b)) => Ok(a.cmp(b)),
            (Self::Duration(a), Val::Duration(b)) => Ok(a.cmp(b)),
            (Self::Timestamp(a), Val::Timestamp(b)) => Ok(a.cmp(b)),
            _ => match self.compare_numbers(other) {
                Some(Some(order)) => Ok(order),
                Some(None) => Err(EvalError::fixed("NaN values cannot be ordered")),
                None => Err(EvalError::NO_OVERLOAD),
            },
        }
    }

    /// The order of two numbers, which one that is none does not have; `None` for anything else.
    fn compare_numbers(&self, other: &Val<'_>) -> Option<Option<Ordering>> {
        let whole = |value: &Val<'_>| match value {
            Val::Int(number) => Some(i128::from(*number)),
            Val::Uint(number) => Some(i128::from(*number)),
            _ => None,
        };
        match (self, other) {
            (Self::Double(a), Val::Double(b)) => Some(a.partial_cmp(b)),
            (Self::Double(a), b) => Some(compare_mixed(*a, whole(b)?)),
            (a, Val::Double(b)) => Some(compare_mixed(*b, whole(a)?).map(Ordering::reverse)),
            (a, b) => Some(Some(whole(a)?.cmp(&whole(b)?))),
        }
    }
}

fn compare_mixed(double: f64, whole: i128) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // Beyond what 64 bits hold, every double is on one side of every integer.
    if double.abs() >= 36_893_488_147_419_103_232.0 {
        return Some(match double > 0.0 {
            true => Ordering::Greater,
            false => Ordering::Less,
        });
    }
    let order = (double.trunc() as i128).cmp(&whole);
    Some(match order {
        Ordering::Equal => double.fract().partial_cmp(&0.0)?,
        other => other,
    })
}
