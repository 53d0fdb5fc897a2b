//! Fields that should not be there: what `fieldValidation` warns of or refuses.

use std::collections::HashSet;

/// Unknown and duplicate fields met while decoding, each as the text kube-apiserver gives it:
/// `unknown field "spec.containers[0].imagee"`.
///
/// Whoever does not want to know ([`Problems::ignored`]) pays nothing for it.
#[derive(Debug, Default)]
pub struct Problems {
    collect: bool,
    texts: Vec<String>,
    seen: HashSet<String>,
}

/// As many problems as kube-apiserver keeps of one body.
const AT_MOST: usize = 100;

impl Problems {
    /// Not looked for: `fieldValidation=Ignore`.
    pub fn ignored() -> Self {
        Self::default()
    }

    /// Collected, for `fieldValidation=Warn` and `Strict`.
    pub fn collected() -> Self {
        Self {
            collect: true,
            ..Self::default()
        }
    }

    /// Whether anyone wants to know.
    #[inline]
    pub fn wanted(&self) -> bool {
        self.collect
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Each problem on its own, in the order met: the warnings of `fieldValidation=Warn`.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// All problems as the one error of `fieldValidation=Strict`:
    /// `strict decoding error: unknown field "a", duplicate field "b"`.
    pub fn strict_error(&self) -> Option<String> {
        (!self.texts.is_empty())
            .then(|| format!("strict decoding error: {}", self.texts.join(", ")))
    }

    /// Notes a field that the type does not have, by its path.
    pub fn unknown(&mut self, path: &str) {
        self.note(format!("unknown field \"{path}\""));
    }

    /// Notes a problem unless it is known already.
    pub(crate) fn note(&mut self, text: String) {
        if self.collect && self.texts.len() < AT_MOST && self.seen.insert(text.clone()) {
            self.texts.push(text);
        }
    }
}
