//! In which styles a string can be written so that it is read back as it was.

/// What libyaml's emitter looks for in a string.
pub(super) struct Analysis {
    /// Without quotes, within a block.
    pub(super) plain_allowed: bool,
    /// In single quotes.
    pub(super) single_quoted_allowed: bool,
    /// As a literal block.
    pub(super) block_allowed: bool,
}

impl Analysis {
    pub(super) fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self {
                plain_allowed: true,
                single_quoted_allowed: true,
                block_allowed: false,
            };
        }
        let (mut line_breaks, mut special) = (false, false);
        let (mut break_space, mut space_break) = (false, false);
        let (mut previous_space, mut previous_break) = (false, false);
        for letter in text.chars() {
            // Breaks that only YAML 1.1 knows are escaped, for readers of either version.
            special |= !is_printable(letter) || (is_break(letter) && letter != '\n');
            let (space, line_break) = (letter == ' ', is_break(letter));
            line_breaks |= line_break;
            break_space |= space && previous_break;
            space_break |= line_break && previous_space;
            (previous_space, previous_break) = (space, line_break);
        }
        let edge =
            |letter: Option<char>| letter.is_some_and(|letter| letter == ' ' || is_break(letter));
        let at_edge = edge(text.chars().next()) || edge(text.chars().next_back());
        Self {
            plain_allowed: !(at_edge
                || break_space
                || space_break
                || special
                || line_breaks
                || has_indicators(text)),
            single_quoted_allowed: !(break_space || space_break || special),
            block_allowed: !(text.ends_with(' ') || space_break || special),
        }
    }
}

/// Whether something in `text` would be read as structure.
fn has_indicators(text: &str) -> bool {
    if text.starts_with("---") || text.starts_with("...") {
        return true;
    }
    let mut letters = text.chars().peekable();
    let mut after_blank = true;
    let mut first = true;
    while let Some(letter) = letters.next() {
        let before_blank = letters.peek().is_none_or(|&next| is_blank(next));
        let indicates = match letter {
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`' => first,
            '#' => first || after_blank,
            '?' | '-' => first && before_blank,
            ':' => before_blank,
            _ => false,
        };
        if indicates {
            return true;
        }
        after_blank = is_blank(letter) || is_break(letter) || letter == '\0';
        first = false;
    }
    false
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t')
}

/// A line break as YAML 1.1 has them.
pub(super) fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What libyaml writes without an escape; nothing beyond the basic plane.
pub(super) fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && letter != '\u{feff}'
}
