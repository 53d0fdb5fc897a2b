//! The words of a label selector.

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    End,
    Close,
    Comma,
    Not,
    DoubleEquals,
    Equals,
    Greater,
    Identifier,
    In,
    Less,
    NotEquals,
    NotIn,
    Open,
}

/// The words of `text` with their spelling; the last one is [`Token::End`].
pub(super) fn words(text: &str) -> Vec<(Token, &str)> {
    let mut lexer = Lexer { text, at: 0 };
    let mut words = Vec::new();
    loop {
        let word = lexer.next();
        words.push(word);
        if word.0 == Token::End {
            return words;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> (Token, &'a str) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
        match self.peek() {
            // Upstream takes a zero byte for the end of the text, or of a word.
            None | Some(0) => (Token::End, ""),
            Some(byte) if is_symbol(byte) => self.symbol(),
            Some(_) => self.word(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn symbol(&mut self) -> (Token, &'a str) {
        let rest = &self.text[self.at..];
        let (token, length) = match rest.as_bytes() {
            [b'=', b'=', ..] => (Token::DoubleEquals, 2),
            [b'!', b'=', ..] => (Token::NotEquals, 2),
            [b'=', ..] => (Token::Equals, 1),
            [b'!', ..] => (Token::Not, 1),
            [b'(', ..] => (Token::Open, 1),
            [b')', ..] => (Token::Close, 1),
            [b'>', ..] => (Token::Greater, 1),
            [b'<', ..] => (Token::Less, 1),
            _ => (Token::Comma, 1),
        };
        self.at += length;
        (token, &rest[..length])
    }

    fn word(&mut self) -> (Token, &'a str) {
        let rest = &self.text[self.at..];
        let ends = |byte: &u8| *byte == 0 || is_symbol(*byte) || is_blank(*byte);
        let length = rest.as_bytes().iter().position(ends).unwrap_or(rest.len());
        self.at += length + usize::from(rest.as_bytes().get(length) == Some(&0));
        match &rest[..length] {
            "in" => (Token::In, "in"),
            "notin" => (Token::NotIn, "notin"),
            word => (Token::Identifier, word),
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_symbol(byte: u8) -> bool {
    matches!(byte, b'=' | b'!' | b'(' | b')' | b',' | b'>' | b'<')
}
