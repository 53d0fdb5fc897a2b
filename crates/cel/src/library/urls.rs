//! URLs, as Go reads them.

use std::fmt;
use std::sync::Arc;

use pintle_runtime::quote::Quoted;

use super::{Opaque, Row, fail, truth};
use crate::value::{Key, Map, Outcome, OwnedMap, Val};

type Args<'v, 'a> = &'v [Val<'a>];
type Answer<'a> = Option<Outcome<'a>>;

pub(super) const FUNCTIONS: &[Row] = &[
    ("url", url, &[("string_to_url", "(string) url")]),
    ("isURL", is_url, &[("is_url_string", "(string) bool")]),
    ("getScheme", scheme, &[("url_get_scheme", "url.() string")]),
    ("getHost", host, &[("url_get_host", "url.() string")]),
    (
        "getHostname",
        hostname,
        &[("url_get_hostname", "url.() string")],
    ),
    ("getPort", port, &[("url_get_port", "url.() string")]),
    (
        "getEscapedPath",
        escaped_path,
        &[("url_get_escaped_path", "url.() string")],
    ),
    (
        "getQuery",
        query,
        &[("url_get_query", "url.() map(string, list(string))")],
    ),
];

/// A URL in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    user: Option<String>,
    host: String,
    path: String,
    query: Option<String>,
    fragment: Option<String>,
}

impl Url {
    /// Reads a URL that is whole, or a path.
    ///
    /// # Errors
    /// Go's, such as `parse "a": invalid URI for request`.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|why| format!("parse {}: {why}", Quoted(text)))
    }

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty url".to_owned());
        }
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let (rest, fragment) = match text.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment.to_owned())),
            None => (text, None),
        };
        let (scheme, rest) = split_scheme(rest)?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        if !rest.starts_with('/') {
            // Whoever has a scheme and no slash is opaque, and no request.
            return match scheme.is_empty() {
                true => Err("invalid URI for request".to_owned()),
                false => Ok(Self {
                    scheme,
                    user: None,
                    host: String::new(),
                    path: String::new(),
                    query,
                    fragment,
                }),
            };
        }
        let (user, host, path) = match rest.strip_prefix("//") {
            Some(rest) if !scheme.is_empty() || !rest.starts_with('/') => {
                let slash = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(slash);
                let (user, host) = match authority.rsplit_once('@') {
                    Some((user, host)) => (Some(user.to_owned()), host),
                    None => (None, authority),
                };
                (user, checked_host(host)?, path)
            }
            _ => (None, String::new(), rest),
        };
        check_escapes(path)?;
        Ok(Self {
            scheme,
            user,
            host,
            path: path.to_owned(),
            query,
            fragment,
        })
    }

    fn port_at(&self) -> Option<usize> {
        let from = self.host.rfind(']').unwrap_or(0);
        self.host[from..].rfind(':').map(|at| from + at)
    }

    fn hostname(&self) -> &str {
        let host = self.port_at().map_or(&*self.host, |at| &self.host[..at]);
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if !self.host.is_empty() || self.user.is_some() {
            f.write_str("//")?;
            if let Some(user) = &self.user {
                write!(f, "{user}@")?;
            }
            f.write_str(&self.host)?;
        }
        f.write_str(&self.path)?;
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        if let Some(fragment) = &self.fragment {
            write!(f, "#{fragment}")?;
        }
        Ok(())
    }
}

fn split_scheme(text: &str) -> Result<(String, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            '0'..='9' | '+' | '-' | '.' => break,
            _ => break,
        }
    }
    if !text.starts_with('/')
        && text
            .split('/')
            .next()
            .is_some_and(|first| first.contains(':'))
    {
        return Err("first path segment in URL cannot contain colon".to_owned());
    }
    Ok((String::new(), text))
}

fn checked_host(host: &str) -> Result<String, String> {
    let after = match host.strip_prefix('[') {
        Some(inner) => match inner.rsplit_once(']') {
            Some((_, after)) => after,
            None => return Err("missing ']' in host".to_owned()),
        },
        None => host.find(':').map_or("", |at| &host[at..]),
    };
    let is_port = after.is_empty()
        || after
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_port {
        return Err(format!("invalid port {} after host", Quoted(after)));
    }
    if let Some(bad) = host.chars().find(|c| {
        matches!(
            c,
            ' ' | '<' | '>' | '"' | '^' | '`' | '{' | '}' | '|' | '\\'
        )
    }) {
        let bad = Quoted(bad.encode_utf8(&mut [0; 4])).to_string();
        return Err(format!("invalid character {bad} in host name"));
    }
    Ok(host.to_owned())
}

fn check_escapes(path: &str) -> Result<(), String> {
    let bytes = path.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != b'%' {
            continue;
        }
        let digits = bytes.get(at + 1..at + 3).unwrap_or(&bytes[at + 1..]);
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            let end = (at + 3).min(bytes.len());
            let shown = String::from_utf8_lossy(&bytes[at..end]);
            return Err(format!("invalid URL escape {}", Quoted(&shown)));
        }
    }
    Ok(())
}

/// With `%xx` and `+` as what they stand for; `None` if that is not text.
fn unescaped(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn url<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    Some(match Url::parse(text) {
        Ok(url) => Ok(Val::Opaque(Opaque::Url(Arc::new(url)))),
        Err(error) => fail(format!(
            "URL parse error during conversion from string: {error}"
        )),
    })
}

fn is_url<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let [Val::String(text)] = args else {
        return None;
    };
    truth(Url::parse(text).is_ok())
}

fn of<'v>(args: &'v [Val<'_>]) -> Option<&'v Url> {
    match args {
        [Val::Opaque(Opaque::Url(url))] => Some(url),
        _ => None,
    }
}

fn scheme<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(Ok(Val::string(&*of(args)?.scheme)))
}

fn host<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(Ok(Val::string(&*of(args)?.host)))
}

fn hostname<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    Some(Ok(Val::string(of(args)?.hostname())))
}

fn port<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let url = of(args)?;
    let port = url.port_at().map_or("", |at| &url.host[at + 1..]);
    Some(Ok(Val::string(port)))
}

fn escaped_path<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let mut path = String::new();
    for c in of(args)?.path.chars() {
        match c {
            ' ' | '"' | '<' | '>' | '`' | '{' | '}' | '^' | '|' | '\\' => {
                path.push_str(&format!("%{:02X}", c as u32));
            }
            c if c.is_ascii() => path.push(c),
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    path.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    Some(Ok(Val::string(path)))
}

fn query<'a>(args: Args<'_, 'a>) -> Answer<'a> {
    let mut entries: Vec<(String, Vec<Val<'a>>)> = Vec::new();
    for pair in of(args)?.query.as_deref().unwrap_or("").split('&') {
        if pair.is_empty() || pair.contains(';') {
            continue;
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(key), Some(value)) = (unescaped(key), unescaped(value)) else {
            continue;
        };
        let value = Val::string(value);
        match entries.iter_mut().find(|(found, _)| *found == key) {
            Some((_, values)) => values.push(value),
            None => entries.push((key, vec![value])),
        }
    }
    let mut map = OwnedMap::default();
    for (key, values) in entries {
        map.insert(Key::String(key.into()), Val::list(values));
    }
    Some(Ok(Val::Map(Map::Owned(Arc::new(map)))))
}
