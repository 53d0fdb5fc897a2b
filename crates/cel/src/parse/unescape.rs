//! What string and bytes literals stand for.

/// The text of a string literal, quotes and escapes resolved.
pub(super) fn string(literal: &str) -> Result<String, &'static str> {
    let mut out = String::new();
    unescape(literal, false, &mut |part| match part {
        Part::Char(c) => out.push(c),
        Part::Byte(byte) => out.push(char::from(byte)),
    })?;
    Ok(out)
}

/// The bytes of a bytes literal without its `b`.
pub(super) fn bytes(literal: &str) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::new();
    unescape(literal, true, &mut |part| match part {
        Part::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Part::Byte(byte) => out.push(byte),
    })?;
    Ok(out)
}

enum Part {
    Char(char),
    Byte(u8),
}

const BAD: &str = "unable to unescape string";
const BAD_OCTAL: &str = "unable to unescape octal sequence in string";
const BAD_CODE_POINT: &str = "invalid unicode code point";

fn unescape(literal: &str, as_bytes: bool, push: &mut dyn FnMut(Part)) -> Result<(), &'static str> {
    let (raw, quoted) = match literal.strip_prefix(['r', 'R']) {
        Some(quoted) => (true, quoted),
        None => (false, literal),
    };
    let is_triple =
        quoted.len() >= 6 && (quoted.starts_with("'''") || quoted.starts_with("\"\"\""));
    let marks = if is_triple { 3 } else { 1 };
    let inner = quoted.get(marks..quoted.len() - marks).ok_or(BAD)?;
    let mut characters = inner.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' => {
                characters.next_if_eq(&'\n');
                push(Part::Char('\n'));
            }
            '\\' if !raw => push(escape(&mut characters, as_bytes)?),
            c => push(Part::Char(c)),
        }
    }
    Ok(())
}

fn escape(rest: &mut impl Iterator<Item = char>, as_bytes: bool) -> Result<Part, &'static str> {
    let (count, radix, first) = match rest.next().ok_or(BAD)? {
        'a' => return Ok(Part::Char('\u{7}')),
        'b' => return Ok(Part::Char('\u{8}')),
        'f' => return Ok(Part::Char('\u{c}')),
        'n' => return Ok(Part::Char('\n')),
        'r' => return Ok(Part::Char('\r')),
        't' => return Ok(Part::Char('\t')),
        'v' => return Ok(Part::Char('\u{b}')),
        c @ ('\\' | '\'' | '"' | '`' | '?') => return Ok(Part::Char(c)),
        'x' | 'X' => (2, 16, 0),
        'u' | 'U' if as_bytes => return Err(BAD),
        'u' => (4, 16, 0),
        'U' => (8, 16, 0),
        c @ '0'..='3' => (2, 8, c as u32 - '0' as u32),
        _ => return Err(BAD),
    };
    let bad = if radix == 8 { BAD_OCTAL } else { BAD };
    let mut number = first;
    for _ in 0..count {
        let digit = rest.next().and_then(|c| c.to_digit(radix)).ok_or(bad)?;
        number = number * radix + digit;
    }
    match as_bytes {
        true => Ok(Part::Byte(number as u8)),
        false => char::from_u32(number).map(Part::Char).ok_or(BAD_CODE_POINT),
    }
}
