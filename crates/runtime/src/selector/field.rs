//! Field selectors.

use std::fmt;

use super::SelectorError;

/// A set of terms on fields, all of which must hold. Without any, everything matches.
///
/// Which fields there are is up to the resource; a field without a value is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FieldSelector {
    terms: Vec<FieldTerm>,
}

/// A condition on one field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldTerm {
    /// The field, such as `spec.nodeName`.
    pub field: Box<str>,
    /// How field and value go together.
    pub operator: FieldOperator,
    /// The value, without escapes.
    pub value: Box<str>,
}

/// How a field and the value of a [`FieldTerm`] must go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldOperator {
    /// `field=value`, or `field==value`.
    Equals,
    /// `field!=value`
    NotEquals,
}

impl FieldSelector {
    /// Matches everything.
    pub const fn everything() -> Self {
        Self { terms: Vec::new() }
    }

    /// One field has one value.
    pub fn equals(field: &str, value: &str) -> Self {
        Self {
            terms: vec![FieldTerm {
                field: field.into(),
                operator: FieldOperator::Equals,
                value: value.into(),
            }],
        }
    }

    /// Reads `metadata.name=web,status.phase!=Running`. In values, `\` escapes `\`, `,` and `=`.
    ///
    /// # Errors
    /// Upstream's, such as `invalid selector: 'a b'; can't understand 'a b'`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::with_capacity(parts.len());
        for part in parts {
            let Some((field, operator, value)) = split_term(part) else {
                return Err(SelectorError(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                )));
            };
            terms.push(FieldTerm {
                field: field.into(),
                operator,
                value: unescape(value)?.into(),
            });
        }
        Ok(Self { terms })
    }

    /// Every term as `change` makes it of its field and value; a term that becomes empty is
    /// dropped. This is how a resource refuses fields and renames those it knows.
    ///
    /// # Errors
    /// The first of `change`.
    pub fn transform<E>(
        self,
        mut change: impl FnMut(&str, &str) -> Result<(Box<str>, Box<str>), E>,
    ) -> Result<Self, E> {
        let mut terms = Vec::with_capacity(self.terms.len());
        for term in self.terms {
            let (field, value) = change(&term.field, &term.value)?;
            if !(field.is_empty() && value.is_empty()) {
                terms.push(FieldTerm {
                    field,
                    operator: term.operator,
                    value,
                });
            }
        }
        Ok(Self { terms })
    }

    /// Whether it matches everything.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// The terms, ordered as texts.
    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }

    /// Whether an object matches, given how to look up one of its fields.
    pub fn matches<'l>(&self, lookup: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.terms
            .iter()
            .all(|term| term.holds(lookup(&term.field).unwrap_or_default()))
    }

    /// The one value that `field` must have, if there is one.
    pub fn requires_exact_match(&self, field: &str) -> Option<&str> {
        let exact =
            |term: &&FieldTerm| term.operator == FieldOperator::Equals && &*term.field == field;
        self.terms.iter().find(exact).map(|term| &*term.value)
    }
}

impl FieldTerm {
    /// Whether the condition holds for an object whose field is `found`.
    pub fn holds(&self, found: &str) -> bool {
        match self.operator {
            FieldOperator::Equals => *found == *self.value,
            FieldOperator::NotEquals => *found != *self.value,
        }
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for FieldTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        f.write_str(match self.operator {
            FieldOperator::Equals => "=",
            FieldOperator::NotEquals => "!=",
        })?;
        for c in self.value.chars() {
            if matches!(c, '\\' | ',' | '=') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

/// The parts between commas that are not escaped, without empty ones.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if escaped {
            escaped = false;
        } else if byte == b'\\' {
            escaped = true;
        } else if byte == b',' {
            terms.push(&text[start..at]);
            start = at + 1;
        }
    }
    terms.push(&text[start..]);
    terms.retain(|term| !term.is_empty());
    terms
}

/// Field, operator and value, split at the first operator.
fn split_term(term: &str) -> Option<(&str, FieldOperator, &str)> {
    let bytes = term.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let (operator, length) = match (byte, bytes.get(at + 1)) {
            (b'!', Some(b'=')) => (FieldOperator::NotEquals, 2),
            (b'=', Some(b'=')) => (FieldOperator::Equals, 2),
            (b'=', _) => (FieldOperator::Equals, 1),
            _ => continue,
        };
        return Some((&term[..at], operator, &term[at + length..]));
    }
    None
}

fn unescape(value: &str) -> Result<String, SelectorError> {
    let mut plain = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => plain.push(c),
                other => {
                    let sequence: String = other.into_iter().collect();
                    let message =
                        format!("invalid field selector: invalid escape sequence: \\{sequence}");
                    return Err(SelectorError(message));
                }
            },
            // Upstream shows the character as its number.
            ',' | '=' => {
                let number = u32::from(c);
                return Err(SelectorError(format!(
                    "invalid field selector: unescaped character in value: {number}"
                )));
            }
            c => plain.push(c),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match FieldSelector::parse(text) {
            Ok(selector) => selector.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn terms_are_shown_in_order_and_escaped() {
        check("", "");
        check(",,", "");
        check("b=1,a==2,c!=3", "a=2,b=1,c!=3");
        check(r"a=x\,y\=z\\", r"a=x\,y\=z\\");
        check("=a", "=a");
        check("metadata.name=A!B", "metadata.name=A!B");
        check("a=", "a=");
    }

    #[test]
    fn what_is_no_selector_is_refused_in_upstreams_words() {
        check(
            "metadata.name in (a)",
            "invalid selector: 'metadata.name in (a)'; can't understand 'metadata.name in (a)'",
        );
        check("b=1,a", "invalid selector: 'b=1,a'; can't understand 'a'");
        check(
            r"a=\x",
            r"invalid field selector: invalid escape sequence: \x",
        );
        check(
            r"a=\",
            r"invalid field selector: invalid escape sequence: \",
        );
        check(
            "a=b=c",
            "invalid field selector: unescaped character in value: 61",
        );
    }

    #[test]
    fn every_term_must_hold_and_an_absent_field_is_empty() {
        let selector = FieldSelector::parse("a=1,b!=2").expect("a selector");
        assert!(selector.matches(|field| (field == "a").then_some("1")));
        assert!(!selector.matches(|field| Some(if field == "a" { "1" } else { "2" })));
        assert!(!selector.matches(|_| None));
        assert!(FieldSelector::equals("a", "").matches(|_| None));
    }

    #[test]
    fn only_equality_is_an_exact_match() {
        let selector = FieldSelector::parse("a=1,b!=2,b=3").expect("a selector");
        assert_eq!(selector.requires_exact_match("a"), Some("1"));
        assert_eq!(selector.requires_exact_match("b"), Some("3"));
        assert_eq!(selector.requires_exact_match("c"), None);
    }

    #[test]
    fn a_resource_renames_and_refuses_fields() {
        let selector = FieldSelector::parse("spec.host=a,drop=1").expect("a selector");
        let change = |field: &str, value: &str| match field {
            "spec.host" => Ok((Box::from("spec.nodeName"), Box::from(value))),
            "drop" => Ok((Box::from(""), Box::from(""))),
            other => Err(other.to_owned()),
        };
        let changed = selector.transform(change).expect("known fields");
        assert_eq!(changed.to_string(), "spec.nodeName=a");
        assert_eq!(
            FieldSelector::equals("x", "1").transform(change),
            Err("x".to_owned())
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back_the_same(
            terms in prop::collection::btree_map("[a-z.]{1,6}", (any::<bool>(), "[a-z\\\\,=! é]{0,6}"), 0..5)
        ) {
            let operator = |negated| if negated { FieldOperator::NotEquals } else { FieldOperator::Equals };
            let mut texts: Vec<String> = terms
                .into_iter()
                .map(|(field, (negated, value))| {
                    FieldTerm { field: field.into(), operator: operator(negated), value: value.into() }.to_string()
                })
                .collect();
            texts.sort_unstable();
            let text = texts.join(",");
            prop_assert_eq!(FieldSelector::parse(&text).expect("a selector").to_string(), text);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}|[a=!,\\\\]{0,12}") {
            let _ = FieldSelector::parse(&text);
        }
    }
}
