//! Where a list goes on: the `continue` token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::Value;

/// The page after this one: from which key, and as of which revision. Opaque to clients, and the
/// same to kube-apiserver, so that a list may go on at another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContinueToken {
    /// Of the list's first page.
    pub at: ContinueAt,
    /// The key to begin with, relative to what was listed.
    pub start: String,
}

/// The revision that a list goes on at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContinueAt {
    /// That of its first page.
    Revision(u64),
    /// The newest, because that of the first page is gone: the list is no longer consistent.
    Newest,
}

impl ContinueToken {
    /// Reads a token.
    ///
    /// # Errors
    /// 400 `invalid continue token: …`, in upstream's words.
    pub fn decode(token: &str) -> Result<Self, ApiError> {
        decode(token).map_err(|why| {
            ApiError::bad_request(format!(
                "invalid continue token: continue key is not valid{why}"
            ))
        })
    }

    /// The token as clients get it.
    pub fn encode(&self) -> String {
        let revision = match self.at {
            ContinueAt::Revision(revision) => i64::try_from(revision).unwrap_or(i64::MAX),
            ContinueAt::Newest => -1,
        };
        let mut token = format!(r#"{{"v":"meta.k8s.io/v1","rv":{revision},"start":"#).into_bytes();
        json::encode_value(&Value::String(Text::from(self.start.clone())), &mut token);
        token.push(b'}');
        URL_SAFE_NO_PAD.encode(token)
    }
}

fn decode(token: &str) -> Result<ContinueToken, String> {
    let json = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| format!(": illegal base64 data at input byte {}", illegal_at(token)))?;
    let encoded = json::decode_value(&Bytes::from(json), &mut Problems::ignored())
        .map_err(|error| format!(": {error}"))?;
    let member = |name| encoded.as_map().and_then(|map| map.get(name));
    let text = |name| member(name).and_then(Value::as_str).unwrap_or_default();
    let (version, start) = (text("v"), text("start"));
    if version != "meta.k8s.io/v1" {
        return Err(format!(
            ": server does not recognize this encoded version {version}"
        ));
    }
    let at = match member("rv").and_then(Value::as_int).unwrap_or_default() {
        0 => {
            return Err(
                ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)".to_owned(),
            );
        }
        revision => u64::try_from(revision).map_or(ContinueAt::Newest, ContinueAt::Revision),
    };
    if start.is_empty() {
        return Err(": encoded start key empty (version meta.k8s.io/v1)".to_owned());
    }
    let relative = start.strip_prefix('/').unwrap_or(start);
    // No way up and out of what is listed.
    if relative
        .split('/')
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(format!(": {start}"));
    }
    Ok(ContinueToken {
        at,
        start: relative.to_owned(),
    })
}

/// Where Go says that base64 is at fault: at the first character that is none, or else where the
/// last, incomplete group begins to lack.
fn illegal_at(token: &str) -> usize {
    let known =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'\r' | b'\n');
    token
        .bytes()
        .position(|byte| !known(&byte))
        .unwrap_or_else(|| token.len() - token.len() % 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(token: &str, expected: &str) {
        let message = ContinueToken::decode(token).expect_err(token).to_string();
        assert_eq!(
            message,
            format!("invalid continue token: continue key is not valid{expected}")
        );
    }

    #[test]
    fn tokens_are_read_as_they_were_written() {
        for at in [ContinueAt::Revision(42), ContinueAt::Newest] {
            let token = ContinueToken {
                at,
                start: "blue/a\0".to_owned(),
            };
            assert_eq!(
                ContinueToken::decode(&token.encode()).expect("a token"),
                token
            );
        }
        let token = ContinueToken {
            at: ContinueAt::Revision(42),
            start: "a\0".to_owned(),
        };
        let json = URL_SAFE_NO_PAD.decode(token.encode()).expect("base64");
        assert_eq!(json, br#"{"v":"meta.k8s.io/v1","rv":42,"start":"a\u0000"}"#);
    }

    #[test]
    fn a_token_that_is_none_is_refused_in_upstreams_words() {
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        check("!!!", ": illegal base64 data at input byte 0");
        check(
            "eyJ2IjoidjAiLCJydiI6MSwic3RhcnQiOiJhIn0",
            ": server does not recognize this encoded version v0",
        );
        check(
            &encode(r#"{"v":"meta.k8s.io/v1","start":"a"}"#),
            ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
        );
        check(
            &encode(r#"{"v":"meta.k8s.io/v1","rv":1}"#),
            ": encoded start key empty (version meta.k8s.io/v1)",
        );
        check(
            &encode(r#"{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets/a"}"#),
            ": ../secrets/a",
        );
    }
}
