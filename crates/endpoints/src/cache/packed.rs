//! Many short texts in one allocation.

/// A list of texts, packed: five labels cost one allocation and not eleven.
///
/// Each text follows its length, which is written as one character, so that the whole stays valid
/// UTF-8 and nothing has to be checked when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed(Box<str>);

impl Packed {
    /// Packs `texts` in their order.
    pub(crate) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut packed = String::new();
        for text in texts {
            packed.push(to_char(text.len()));
            packed.push_str(text);
        }
        Self(packed.into_boxed_str())
    }

    /// The texts, in order.
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }

    /// The text at position `at`.
    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        self.iter().nth(at)
    }

    /// The bytes that it takes beyond itself.
    pub(crate) fn size(&self) -> usize {
        self.0.len()
    }
}

/// The texts of a [`Packed`].
#[derive(Clone, Debug)]
pub(crate) struct Iter<'a>(&'a str);

impl<'a> Iterator for Iter<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let mut chars = self.0.chars();
        let length = to_length(chars.next()?);
        let (text, rest) = chars.as_str().split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }
}

/// Characters are numbers with a gap: the surrogates.
const GAP: u32 = 0xD800;
const GAP_SIZE: u32 = 0x800;

// No label or selectable field comes near the last character; one that did would be cut to nothing
// by `split_at_checked`, never misread.
fn to_char(length: usize) -> char {
    let number = u32::try_from(length).unwrap_or(u32::MAX);
    let number = if number < GAP {
        number
    } else {
        number.saturating_add(GAP_SIZE)
    };
    char::from_u32(number).unwrap_or(char::MAX)
}

fn to_length(character: char) -> usize {
    let number = u32::from(character);
    (if number < GAP {
        number
    } else {
        number - GAP_SIZE
    }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str]) {
        let packed = Packed::new(texts.iter().copied());
        assert_eq!(packed.iter().collect::<Vec<_>>(), texts);
        for (at, text) in texts.iter().enumerate() {
            assert_eq!(packed.get(at), Some(*text));
        }
        assert_eq!(packed.get(texts.len()), None);
    }

    #[test]
    fn texts_come_out_as_they_went_in() {
        check(&[]);
        check(&[""]);
        check(&["app", "web", "", "tier", "größe\0"]);
        for length in [0x7F, 0x80, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0x10000] {
            check(&["before", &"x".repeat(length), "after"]);
        }
    }
}
