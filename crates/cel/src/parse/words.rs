//! Words that no name may be.

/// Whether the grammar has a use for a word, so that it is no identifier.
fn is_used(word: &str) -> bool {
    matches!(word, "true" | "false" | "null" | "in")
}

/// Whether a word is kept for the languages that expressions are embedded in: it is read as an identifier, and refused.
pub(super) fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "as" | "break"
            | "const"
            | "continue"
            | "else"
            | "for"
            | "function"
            | "if"
            | "import"
            | "let"
            | "loop"
            | "package"
            | "namespace"
            | "return"
            | "var"
            | "void"
            | "while"
    )
}

/// Whether the language keeps a word for itself, so that nothing can be named by it.
pub fn is_kept(word: &str) -> bool {
    is_used(word) || is_reserved(word)
}
