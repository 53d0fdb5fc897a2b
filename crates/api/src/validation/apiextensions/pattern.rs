//! Regular expressions, as far as Go has something against them.

/// What Go says of a pattern that is no regular expression of its own.
pub(super) fn wrong_with(pattern: &str) -> Option<String> {
    let mut parser = Parser {
        whole: pattern,
        rest: pattern,
        groups: vec![false],
    };
    let (problem, part) = parser.run().err()?;
    Some(format!("error parsing regexp: {problem}: `{part}`"))
}

/// What is wrong, and the part that is.
type Problem<'a> = (&'static str, &'a str);
type Parsed<'a, T = ()> = Result<T, Problem<'a>>;

const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_RANGE: &str = "invalid character class range";
const NO_BRACKET: &str = "missing closing ]";
const NO_PAREN: &str = "missing closing )";
const MOST_REPEATS: u32 = 1000;
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    /// Of each group that is open, the whole first: whether something stands there that can be repeated.
    groups: Vec<bool>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Parsed<'a> {
        // The repetition that ends here, if one does.
        let mut last: Option<&'a str> = None;
        while let Some(letter) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeats = false;
            match letter {
                '(' if before.starts_with("(?") => self.flags()?,
                '(' => {
                    self.skip(1);
                    self.groups.push(false);
                }
                ')' => self.close()?,
                '|' => {
                    self.skip(1);
                    self.stand(false);
                }
                '[' => self.class()?,
                '\\' => self.backslash()?,
                '*' | '+' | '?' => {
                    self.skip(1);
                    repeats = true;
                }
                '{' => repeats = self.counts()?,
                other => {
                    self.skip(other.len_utf8());
                    self.stand(true);
                }
            }
            if repeats {
                self.repeated(before, last)?;
            }
            last = repeats.then_some(before);
        }
        match self.groups.len() {
            1 => Ok(()),
            _ => Err((NO_PAREN, self.whole)),
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn stand(&mut self, operand: bool) {
        if let Some(top) = self.groups.last_mut() {
            *top = operand;
        }
    }

    /// What has been read since `from` stood before.
    fn read(&self, from: &'a str) -> &'a str {
        &from[..from.len() - self.rest.len()]
    }

    fn close(&mut self) -> Parsed<'a> {
        self.skip(1);
        if self.groups.len() == 1 {
            return Err(("unexpected )", self.whole));
        }
        self.groups.pop();
        self.stand(true);
        Ok(())
    }

    /// A repetition of what stands before; one of a repetition there is not.
    fn repeated(&mut self, before: &'a str, last: Option<&'a str>) -> Parsed<'a> {
        if self.rest.starts_with('?') {
            self.skip(1);
        }
        if let Some(last) = last {
            return Err(("invalid nested repetition operator", self.read(last)));
        }
        if self.groups.last() == Some(&false) {
            return Err(("missing argument to repetition operator", self.read(before)));
        }
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,3}`: anything else in braces is as it stands.
    fn counts(&mut self) -> Parsed<'a, bool> {
        let before = self.rest;
        let Some((inside, _)) = before[1..].split_once('}') else {
            self.skip(1);
            self.stand(true);
            return Ok(false);
        };
        let (min, max) = inside.split_once(',').unwrap_or((inside, inside));
        let is_count = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'))
        };
        if !is_count(min) || !(max.is_empty() && inside.contains(',') || is_count(max)) {
            self.skip(1);
            self.stand(true);
            return Ok(false);
        }
        self.skip(inside.len() + 2);
        let count = |text: &str| text.parse().unwrap_or(u32::MAX);
        let (least, most) = (
            count(min),
            if max.is_empty() {
                MOST_REPEATS
            } else {
                count(max)
            },
        );
        if least > MOST_REPEATS || most > MOST_REPEATS || least > most {
            return Err(("invalid repeat count", self.read(before)));
        }
        Ok(true)
    }

    /// `(?P<name>`, `(?<name>`, `(?i)` and `(?i:`.
    fn flags(&mut self) -> Parsed<'a> {
        let before = self.rest;
        let name = before
            .strip_prefix("(?P<")
            .or_else(|| before.strip_prefix("(?<"));
        if let Some(name) = name {
            let bad = "invalid named capture";
            let Some((name, after)) = name.split_once('>') else {
                return Err((bad, before));
            };
            self.rest = after;
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_word) {
                return Err((bad, self.read(before)));
            }
            self.groups.push(false);
            return Ok(());
        }
        self.skip(2);
        let (mut turned, mut saw) = (false, false);
        while let Some(letter) = self.rest.chars().next() {
            self.skip(letter.len_utf8());
            match letter {
                'i' | 'm' | 's' | 'U' => saw = true,
                '-' if !turned => (turned, saw) = (true, false),
                ':' | ')' if !turned || saw => {
                    if letter == ':' {
                        self.groups.push(false);
                    }
                    return Ok(());
                }
                _ => break,
            }
        }
        let bad = "invalid or unsupported Perl syntax";
        Err((bad, self.read(before)))
    }

    /// A backslash outside of brackets.
    fn backslash(&mut self) -> Parsed<'a> {
        match self.rest.as_bytes().get(1) {
            Some(b'A' | b'b' | b'B' | b'z') => self.skip(2),
            Some(b'C') => return Err((BAD_ESCAPE, &self.rest[..2])),
            Some(b'Q') => {
                let quoted = &self.rest[2..];
                self.rest = quoted.split_once("\\E").map_or("", |(_, after)| after);
            }
            _ if self.shorthand()? => {}
            _ => {
                self.escape()?;
            }
        }
        self.stand(true);
        Ok(())
    }

    /// `\d` and such, `\pL` and `\p{Greek}`; whether there is one.
    fn shorthand(&mut self) -> Parsed<'a, bool> {
        match self.rest.as_bytes().get(..2) {
            Some([b'\\', b'd' | b'D' | b's' | b'S' | b'w' | b'W']) => self.skip(2),
            Some([b'\\', b'p' | b'P']) => {
                let before = self.rest;
                let name = &before[2..];
                let length = match name.chars().next() {
                    Some('{') => match name.find('}') {
                        Some(end) => end + 1,
                        None => return Err((BAD_RANGE, before)),
                    },
                    Some(letter) => letter.len_utf8(),
                    None => 0,
                };
                self.skip(2 + length);
                if length == 0 {
                    return Err((BAD_RANGE, before));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// One letter behind a backslash.
    fn escape(&mut self) -> Parsed<'a, char> {
        let before = self.rest;
        self.skip(1);
        let Some(letter) = self.rest.chars().next() else {
            return Err(("trailing backslash at end of expression", ""));
        };
        self.skip(letter.len_utf8());
        let octal = |text: &str| matches!(text.as_bytes().first(), Some(b'0'..=b'7'));
        let found = match letter {
            '0' => self.number(2, 8, 0),
            '1'..='7' if octal(self.rest) => self.number(2, 8, letter as u32 - '0' as u32),
            'x' if self.rest.starts_with('{') => {
                let digits = self.rest[1..].split_once('}');
                let code = digits.and_then(|(digits, after)| {
                    self.rest = after;
                    u32::from_str_radix(digits, 16).ok()
                });
                code.and_then(char::from_u32)
            }
            'x' => match self.rest.get(..2).map(|hex| u8::from_str_radix(hex, 16)) {
                Some(Ok(code)) => {
                    self.skip(2);
                    Some(char::from(code))
                }
                _ => None,
            },
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            plain if plain.is_ascii() && !plain.is_ascii_alphanumeric() => Some(plain),
            _ => None,
        };
        found.ok_or_else(|| (BAD_ESCAPE, self.read(before)))
    }

    /// At most so many digits more.
    fn number(&mut self, most: usize, base: u32, start: u32) -> Option<char> {
        let digits = self.rest.chars().take(most).map_while(|c| c.to_digit(base));
        let digits: Vec<u32> = digits.collect();
        self.skip(digits.len());
        char::from_u32(
            digits
                .into_iter()
                .fold(start, |sum, digit| sum * base + digit),
        )
    }

    /// A class in brackets.
    fn class(&mut self) -> Parsed<'a> {
        let before = self.rest;
        self.skip(1);
        if self.rest.starts_with('^') {
            self.skip(1);
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.named_class()? || self.shorthand()? {
                continue;
            }
            let range = self.rest;
            let low = self.class_letter(before)?;
            let is_range = self.rest.starts_with('-')
                && !matches!(self.rest.as_bytes().get(1), None | Some(b']'));
            if is_range {
                self.skip(1);
                if self.class_letter(before)? < low {
                    return Err((BAD_RANGE, self.read(range)));
                }
            }
        }
        self.skip(1);
        self.stand(true);
        Ok(())
    }

    /// `[:alpha:]` in brackets; whether there is one.
    fn named_class(&mut self) -> Parsed<'a, bool> {
        let before = self.rest;
        let inside = before
            .strip_prefix("[:")
            .and_then(|rest| rest.split_once(":]"));
        let Some((name, after)) = inside else {
            return Ok(false);
        };
        self.rest = after;
        if CLASSES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            Ok(true)
        } else {
            Err((BAD_RANGE, self.read(before)))
        }
    }

    fn class_letter(&mut self, class: &'a str) -> Parsed<'a, char> {
        match self.rest.chars().next() {
            None => Err((NO_BRACKET, class)),
            Some('\\') => self.escape(),
            Some(letter) => {
                self.skip(letter.len_utf8());
                Ok(letter)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wrong_with;

    #[test]
    fn what_go_reads_is_fine() {
        for good in [
            "",
            "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            r"^(?P<major>\d+)\.(?<minor>\d{1,3})(?:-(?i:rc)\d*?)?$",
            r"(?is-U)a|b\x41\x{1F600}\012\pL\p{Greek}\Q(*\E\.\_",
            r"[]a-][^\]\w[:^alpha:]-]+a{,2}x{2",
            "^*|$",
            "a{0,1000}é+",
        ] {
            assert_eq!(wrong_with(good), None, "{good}");
        }
    }

    #[test]
    fn what_go_does_not_read_is_named() {
        for (pattern, problem, part) in [
            ("(a", "missing closing )", "(a"),
            ("a)b", "unexpected )", "a)b"),
            ("a[b", "missing closing ]", "[b"),
            ("*a", "missing argument to repetition operator", "*"),
            ("a|+?", "missing argument to repetition operator", "+?"),
            ("(?i)*", "missing argument to repetition operator", "*"),
            ("a**", "invalid nested repetition operator", "**"),
            ("a{2}{3}", "invalid nested repetition operator", "{2}{3}"),
            ("a{1001}", "invalid repeat count", "{1001}"),
            ("a{3,2}", "invalid repeat count", "{3,2}"),
            ("[z-a]", "invalid character class range", "z-a"),
            (
                "[[:letter:]]",
                "invalid character class range",
                "[:letter:]",
            ),
            (r"\pé\p{", "invalid character class range", r"\p{"),
            (r"a\", "trailing backslash at end of expression", ""),
            (r"\y", "invalid escape sequence", r"\y"),
            (r"(a)\1", "invalid escape sequence", r"\1"),
            (r"\C", "invalid escape sequence", r"\C"),
            (r"\xg", "invalid escape sequence", r"\x"),
            ("(?=a)", "invalid or unsupported Perl syntax", "(?="),
            ("(?!a)", "invalid or unsupported Perl syntax", "(?!"),
            ("(?i-)", "invalid or unsupported Perl syntax", "(?i-)"),
            ("(?<!a)b", "invalid named capture", "(?<!a)b"),
            ("(?P<a b>c)", "invalid named capture", "(?P<a b>"),
        ] {
            let said = format!("error parsing regexp: {problem}: `{part}`");
            assert_eq!(wrong_with(pattern), Some(said), "{pattern}");
        }
    }
}
