//! One level of JSON.

use super::lexer::{Lexed, Lexer};
use super::{Decoder, MAX_NESTING};
use crate::codec::Problems;
use crate::value::{Map, Value};

/// The value in the lexer's text, with what is in its braces or brackets left as the text it is.
pub(super) fn read(lexer: &mut Lexer<'_>, body: &bytes::Bytes) -> Lexed<Value> {
    let value = match lexer.peek()? {
        b'{' => Value::Map(members(lexer)?),
        b'[' => Value::List(items(lexer)?),
        _ => return Decoder::new(Lexer::new(body), &mut Problems::ignored()).root_value(),
    };
    lexer.finish()?;
    Ok(value)
}

fn members(lexer: &mut Lexer<'_>) -> Lexed<Map> {
    let (mut members, mut first) = (Vec::new(), true);
    lexer.open(b'{', MAX_NESTING)?;
    while lexer.more(b'}', &mut first)? {
        let key = lexer.key()?;
        members.push((lexer.text(key), part(lexer)?));
    }
    Ok(Map::from_entries(members))
}

fn items(lexer: &mut Lexer<'_>) -> Lexed<Vec<Value>> {
    let (mut items, mut first) = (Vec::new(), true);
    lexer.open(b'[', MAX_NESTING)?;
    while lexer.more(b']', &mut first)? {
        items.push(part(lexer)?);
    }
    Ok(items)
}

fn part(lexer: &mut Lexer<'_>) -> Lexed<Value> {
    let is_null = lexer.peek()? == b'n';
    let start = lexer.position();
    lexer.skip()?;
    Ok(if is_null {
        Value::Null
    } else {
        Value::Raw(lexer.slice_from(start))
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::value::Value;

    #[track_caller]
    fn check(text: &'static str, expected: &[(&str, Option<&'static str>)]) {
        let Ok(Value::Map(map)) = super::super::open(&Bytes::from_static(text.as_bytes())) else {
            panic!("{text}");
        };
        let found: Vec<_> = map
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        let raw = |text: &'static str| Value::Raw(Bytes::from_static(text.as_bytes()));
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, text)| (*key, text.map_or(Value::Null, raw)))
            .collect();
        assert_eq!(found.len(), expected.len(), "{text}");
        for ((key, value), (expected_key, expected)) in found.into_iter().zip(expected) {
            assert_eq!((key, value), (expected_key, &expected), "{text}");
        }
    }

    #[test]
    fn only_one_level_is_taken_apart() {
        check(
            r#"{ "b" : [1, {}] , "a":{"x":1}}"#,
            &[("a", Some(r#"{"x":1}"#)), ("b", Some("[1, {}]"))],
        );
        check(r#"{"a":null,"a":"x"}"#, &[("a", Some(r#""x""#))]);
        check(r#"{"a":null}"#, &[("a", None)]);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["{", "[1,]", "{}x", ""] {
            assert!(
                super::super::open(&Bytes::from_static(text.as_bytes())).is_err(),
                "{text}"
            );
        }
    }
}
