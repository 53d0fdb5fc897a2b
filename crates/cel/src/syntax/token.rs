//! The words of an expression.

use std::ops::Range;

/// The kinds of words, in the order in which messages list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Token {
    End,
    Equal,
    NotEqual,
    In,
    Less,
    LessEqual,
    GreaterEqual,
    Greater,
    And,
    Or,
    LeftBracket,
    RightBracket,
    LeftBrace,
    RightBrace,
    LeftParen,
    RightParen,
    Dot,
    Comma,
    Minus,
    Exclamation,
    Question,
    Colon,
    Plus,
    Star,
    Slash,
    Percent,
    True,
    False,
    Null,
    Float,
    Int,
    Uint,
    String,
    Bytes,
    Ident,
    EscapedIdent,
}

impl Token {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 36] = [
        Self::End,
        Self::Equal,
        Self::NotEqual,
        Self::In,
        Self::Less,
        Self::LessEqual,
        Self::GreaterEqual,
        Self::Greater,
        Self::And,
        Self::Or,
        Self::LeftBracket,
        Self::RightBracket,
        Self::LeftBrace,
        Self::RightBrace,
        Self::LeftParen,
        Self::RightParen,
        Self::Dot,
        Self::Comma,
        Self::Minus,
        Self::Exclamation,
        Self::Question,
        Self::Colon,
        Self::Plus,
        Self::Star,
        Self::Slash,
        Self::Percent,
        Self::True,
        Self::False,
        Self::Null,
        Self::Float,
        Self::Int,
        Self::Uint,
        Self::String,
        Self::Bytes,
        Self::Ident,
        Self::EscapedIdent,
    ];

    /// As a message names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::End => "<EOF>",
            Self::Equal => "'=='",
            Self::NotEqual => "'!='",
            Self::In => "'in'",
            Self::Less => "'<'",
            Self::LessEqual => "'<='",
            Self::GreaterEqual => "'>='",
            Self::Greater => "'>'",
            Self::And => "'&&'",
            Self::Or => "'||'",
            Self::LeftBracket => "'['",
            Self::RightBracket => "']'",
            Self::LeftBrace => "'{'",
            Self::RightBrace => "'}'",
            Self::LeftParen => "'('",
            Self::RightParen => "')'",
            Self::Dot => "'.'",
            Self::Comma => "','",
            Self::Minus => "'-'",
            Self::Exclamation => "'!'",
            Self::Question => "'?'",
            Self::Colon => "':'",
            Self::Plus => "'+'",
            Self::Star => "'*'",
            Self::Slash => "'/'",
            Self::Percent => "'%'",
            Self::True => "'true'",
            Self::False => "'false'",
            Self::Null => "'null'",
            Self::Float => "NUM_FLOAT",
            Self::Int => "NUM_INT",
            Self::Uint => "NUM_UINT",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Ident => "IDENTIFIER",
            Self::EscapedIdent => "ESC_IDENTIFIER",
        }
    }
}

/// A word and where it stands, in characters.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) token: Token,
    pub(crate) span: Range<usize>,
}

/// The words of a text, the last of which is [`Token::End`], and what could not be read: where it
/// begins, and its text.
pub(crate) fn words(text: &[char]) -> (Vec<Word>, Vec<(usize, String)>) {
    let mut words = Vec::new();
    let mut errors = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match next(&text[at..]) {
            Read::Skip(length) => at += length,
            Read::Word(token, length) => {
                words.push(Word {
                    token,
                    span: at..at + length,
                });
                at += length;
            }
            Read::Nothing(length) => {
                let end = (at + length).min(text.len());
                errors.push((at, text[at..end].iter().collect()));
                at += length;
            }
        }
    }
    words.push(Word {
        token: Token::End,
        span: text.len()..text.len(),
    });
    (words, errors)
}

enum Read {
    /// Blanks or a comment.
    Skip(usize),
    Word(Token, usize),
    /// Nothing that begins so is a word; the length includes the character that made it so.
    Nothing(usize),
}

fn next(text: &[char]) -> Read {
    let (first, second) = (text[0], text.get(1).copied());
    let word = |token, length| Read::Word(token, length);
    match first {
        ' ' | '\t' | '\r' | '\n' | '\u{c}' => Read::Skip(run(text, |c| {
            matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{c}')
        })),
        '/' if second == Some('/') => Read::Skip(run(text, |c| c != '\n')),
        '=' if second == Some('=') => word(Token::Equal, 2),
        '!' if second == Some('=') => word(Token::NotEqual, 2),
        '<' if second == Some('=') => word(Token::LessEqual, 2),
        '>' if second == Some('=') => word(Token::GreaterEqual, 2),
        '&' if second == Some('&') => word(Token::And, 2),
        '|' if second == Some('|') => word(Token::Or, 2),
        '=' | '&' | '|' => Read::Nothing(2),
        '0'..='9' => number(text),
        '.' if second.is_some_and(|c| c.is_ascii_digit()) => number(text),
        '<' => word(Token::Less, 1),
        '>' => word(Token::Greater, 1),
        '!' => word(Token::Exclamation, 1),
        '[' => word(Token::LeftBracket, 1),
        ']' => word(Token::RightBracket, 1),
        '{' => word(Token::LeftBrace, 1),
        '}' => word(Token::RightBrace, 1),
        '(' => word(Token::LeftParen, 1),
        ')' => word(Token::RightParen, 1),
        '.' => word(Token::Dot, 1),
        ',' => word(Token::Comma, 1),
        '-' => word(Token::Minus, 1),
        '?' => word(Token::Question, 1),
        ':' => word(Token::Colon, 1),
        '+' => word(Token::Plus, 1),
        '*' => word(Token::Star, 1),
        '/' => word(Token::Slash, 1),
        '%' => word(Token::Percent, 1),
        '`' => escaped(text),
        '"' | '\'' => match string(text, false) {
            Ok(length) => word(Token::String, length),
            Err(length) => Read::Nothing(length),
        },
        'a'..='z' | 'A'..='Z' | '_' => prefixed(text).unwrap_or_else(|| name(text)),
        _ => Read::Nothing(1),
    }
}

fn run(text: &[char], mut goes_on: impl FnMut(char) -> bool) -> usize {
    text.iter().position(|c| !goes_on(*c)).unwrap_or(text.len())
}

fn name(text: &[char]) -> Read {
    let length = run(text, |c| c.is_ascii_alphanumeric() || c == '_');
    let is = |word: &str| length == word.len() && word.chars().eq(text[..length].iter().copied());
    let token = match () {
        () if is("in") => Token::In,
        () if is("true") => Token::True,
        () if is("false") => Token::False,
        () if is("null") => Token::Null,
        () => Token::Ident,
    };
    Read::Word(token, length)
}

fn escaped(text: &[char]) -> Read {
    let inner = run(&text[1..], |c| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' ')
    });
    match text.get(inner + 1) {
        Some('`') if inner > 0 => Read::Word(Token::EscapedIdent, inner + 2),
        _ => Read::Nothing(inner + 2),
    }
}

fn number(text: &[char]) -> Read {
    let digit = |c: char| c.is_ascii_digit();
    let is_unsigned = |at: usize| matches!(text.get(at), Some('u' | 'U'));
    if text[0] == '0' && text.get(1) == Some(&'x') {
        let digits = run(&text[2..], |c| c.is_ascii_hexdigit());
        let end = digits + 2;
        return match digits {
            0 => Read::Word(Token::Int, 1),
            _ if is_unsigned(end) => Read::Word(Token::Uint, end + 1),
            _ => Read::Word(Token::Int, end),
        };
    }
    let whole = run(text, digit);
    let mut end = whole;
    if text.get(end) == Some(&'.') && text.get(end + 1).is_some_and(|c| digit(*c)) {
        end += 1 + run(&text[end + 1..], digit);
    }
    if matches!(text.get(end), Some('e' | 'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some('+' | '-')));
        let from = (end + 1 + sign).min(text.len());
        match run(&text[from..], digit) {
            0 => {}
            digits => end = from + digits,
        }
    }
    match end > whole {
        true => Read::Word(Token::Float, end),
        false if is_unsigned(whole) => Read::Word(Token::Uint, whole + 1),
        false => Read::Word(Token::Int, whole),
    }
}

/// `r"…"`, `b"…"`, `br"…"`; a name if no string comes of it.
fn prefixed(text: &[char]) -> Option<Read> {
    let bytes = usize::from(matches!(text[0], 'b' | 'B'));
    let raw = usize::from(matches!(text.get(bytes), Some('r' | 'R')));
    let prefix = bytes + raw;
    if prefix == 0 || !matches!(text.get(prefix), Some('"' | '\'')) {
        return None;
    }
    let length = string(&text[prefix..], raw == 1).ok()?;
    let token = if bytes == 1 {
        Token::Bytes
    } else {
        Token::String
    };
    Some(Read::Word(token, prefix + length))
}

/// The length of the string that `text` begins with, or how far one has to read to see that there
/// is none.
fn string(text: &[char], raw: bool) -> Result<usize, usize> {
    let quote = text[0];
    let triple = text.len() >= 3 && text[1] == quote && text[2] == quote;
    if triple {
        if let Ok(length) = closed(text, 3, raw) {
            return Ok(length);
        }
        return Ok(2); // The empty string, and what follows is another matter.
    }
    closed(text, 1, raw)
}

fn closed(text: &[char], quotes: usize, raw: bool) -> Result<usize, usize> {
    let quote = text[0];
    let mut at = quotes;
    loop {
        let Some(&c) = text.get(at) else {
            return Err(at + 1);
        };
        if c == quote && (0..quotes).all(|more| text.get(at + more) == Some(&quote)) {
            return Ok(at + quotes);
        }
        match c {
            '\\' if !raw => at += 1 + escape(&text[at + 1..]).map_err(|more| at + 1 + more)?,
            '\n' | '\r' if quotes == 1 => return Err(at + 1),
            _ => at += 1,
        }
    }
}

/// The length of what may follow a backslash, or how far one has to read to see that it may not.
fn escape(text: &[char]) -> Result<usize, usize> {
    let all = |from: usize, count: usize, fits: fn(char) -> bool| {
        let good = run(&text[from..], fits).min(count);
        if good == count {
            Ok(from + count)
        } else {
            Err(from + good + 1)
        }
    };
    match text.first() {
        Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => Ok(1),
        Some('0'..='3') => all(1, 2, |c| ('0'..='7').contains(&c)),
        Some('x' | 'X') => all(1, 2, |c| c.is_ascii_hexdigit()),
        Some('u') => all(1, 4, |c| c.is_ascii_hexdigit()),
        Some('U') => all(1, 8, |c| c.is_ascii_hexdigit()),
        _ => Err(1),
    }
}
