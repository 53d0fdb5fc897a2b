//! JSON text into JSON text: compact, or indented.

use super::scan;

/// Appends the valid JSON `json` without space between tokens and with the escapes of
/// [`string`](super::string::write). Bytes that are not UTF-8 stay as they are, as in Go.
pub(super) fn compact(json: &[u8], out: &mut Vec<u8>) {
    // What this server wrote itself needs nothing but a copy.
    if scan::rewrite_needed(json, 0) == json.len() {
        out.extend_from_slice(json);
        return;
    }
    let mut within_string = false;
    let mut at = 0;
    let mut copied = 0;
    while let Some(&byte) = json.get(at) {
        let escape: &[u8] = match byte {
            b'"' => {
                within_string = !within_string;
                at += 1;
                continue;
            }
            b'\\' => {
                at += 2;
                continue;
            }
            b' ' | b'\t' | b'\r' | b'\n' if !within_string => b"",
            b'<' => b"\\u003c",
            b'>' => b"\\u003e",
            b'&' => b"\\u0026",
            0xe2 if json[at + 1..].starts_with(b"\x80\xa8") => b"\\u2028",
            0xe2 if json[at + 1..].starts_with(b"\x80\xa9") => b"\\u2029",
            _ => {
                at += 1;
                continue;
            }
        };
        out.extend_from_slice(&json[copied..at]);
        out.extend_from_slice(escape);
        at += if byte == 0xe2 { 3 } else { 1 };
        copied = at;
    }
    out.extend_from_slice(&json[copied..]);
}

/// Appends the compact `json` as Go's `json.MarshalIndent` writes it with two spaces: empty objects
/// and arrays stay on one line, and there is no newline at the end.
pub(super) fn indent(json: &[u8], out: &mut Vec<u8>) {
    out.reserve(json.len() * 2);
    let mut depth = 0;
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => {
                let end = string_end(json, at + 1);
                out.extend_from_slice(&json[at..end]);
                at = end;
                continue;
            }
            b'{' | b'[' => {
                out.push(byte);
                if let Some(&close @ (b'}' | b']')) = json.get(at + 1) {
                    out.push(close);
                    at += 2;
                    continue;
                }
                depth += 1;
                new_line(depth, out);
            }
            b'}' | b']' => {
                depth -= 1;
                new_line(depth, out);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(depth, out);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(byte),
        }
        at += 1;
    }
}

/// Where the string whose content begins at `at` ends, closing quote included.
fn string_end(json: &[u8], mut at: usize) -> usize {
    loop {
        at = scan::string_end(json, at);
        match json.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return json.len(),
        }
    }
}

fn new_line(depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check_compact(json: &str, expected: &str) {
        let mut out = Vec::new();
        super::compact(json.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn space_goes_and_escapes_come() {
        check_compact(r#"{"a":1}"#, r#"{"a":1}"#);
        check_compact(
            "{ \"a b\" :\t[ 1 ,\r\n\"\\\" \" ] }",
            r#"{"a b":[1,"\" "]}"#,
        );
        check_compact(
            " \"<a>&\u{2028}\u{2029}\u{203a}\\\\\" ",
            "\"\\u003ca\\u003e\\u0026\\u2028\\u2029\u{203a}\\\\\"",
        );
        check_compact("\u{20ac} ", "\u{20ac}");
    }

    #[track_caller]
    fn check_indent(json: &str, expected: &str) {
        let mut out = Vec::new();
        super::indent(json.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn every_element_has_a_line_of_its_own() {
        check_indent("1", "1");
        check_indent(
            r#"{"a":{},"b":[],"c":"x{,:\"]"}"#,
            "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": \"x{,:\\\"]\"\n}",
        );
        check_indent("[1,[2,3]]", "[\n  1,\n  [\n    2,\n    3\n  ]\n]");
    }
}
