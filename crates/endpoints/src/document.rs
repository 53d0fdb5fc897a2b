//! A body that is made once and served to everyone.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use aws_lc_rs::digest;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// A pre-encoded answer with what a conditional request needs.
///
/// Large documents are kept compressed: most clients take them so, and a server that nobody asks
/// should not pay for them.
#[derive(Debug, Clone)]
pub struct Document {
    content_type: &'static str,
    etag: String,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    Plain(Bytes),
    Gzip(Bytes),
}

impl Document {
    /// A document of `body`, kept as it is.
    pub fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            content_type,
            etag: etag(&body),
            body: Body::Plain(Bytes::from(body)),
        }
    }

    /// A document of `body`, kept compressed.
    pub fn compressed(content_type: &'static str, body: &[u8]) -> Self {
        Self {
            content_type,
            etag: etag(body),
            body: compress(body),
        }
    }

    /// The same content in another encoding, kept compressed. It shares the entity tag, as
    /// upstream's OpenAPI documents do; `Vary: Accept` tells the two apart.
    pub fn other_form(&self, content_type: &'static str, body: &[u8]) -> Self {
        Self {
            content_type,
            etag: self.etag.clone(),
            body: compress(body),
        }
    }

    /// Value of the `Content-Type` header.
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// Value of the `Etag` header: the SHA-512 of the content in upper-case hexadecimal, quoted.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// The entity tag without its quotes.
    pub fn hash(&self) -> &str {
        self.etag.trim_matches('"')
    }

    /// Whether a client that sent this `If-None-Match` has the document already.
    pub fn matches(&self, if_none_match: &str) -> bool {
        if_none_match
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag == self.etag)
    }

    /// The body as it is sent without a content encoding.
    pub fn body(&self) -> Bytes {
        match &self.body {
            Body::Plain(bytes) => bytes.clone(),
            Body::Gzip(bytes) => {
                let mut plain = Vec::new();
                // Reading from memory that this type compressed cannot fail.
                let _ = GzDecoder::new(&bytes[..]).read_to_end(&mut plain);
                Bytes::from(plain)
            }
        }
    }

    /// The body as it is sent with `Content-Encoding: gzip`, if it is kept that way.
    pub fn gzip(&self) -> Option<Bytes> {
        match &self.body {
            Body::Plain(_) => None,
            Body::Gzip(bytes) => Some(bytes.clone()),
        }
    }
}

fn compress(body: &[u8]) -> Body {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::new(4));
    // Writing to memory cannot fail.
    let _ = encoder.write_all(body);
    Body::Gzip(Bytes::from(encoder.finish().unwrap_or_default()))
}

fn etag(body: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA512, body);
    let mut tag = String::with_capacity(130);
    tag.push('"');
    for byte in digest.as_ref() {
        let _ = write!(tag, "{byte:02X}");
    }
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entity_tag_is_the_quoted_hash_of_the_content() {
        let document = Document::new("application/json", b"{}".to_vec());
        assert!(
            document
                .etag()
                .starts_with("\"27C74670ADB75075FAD058D5CEAF7B20C4E7786C83BAE8A3")
        );
        assert_eq!(document.hash().len(), 128);
        assert_eq!(
            document.etag(),
            Document::compressed("application/json", b"{}").etag()
        );
    }

    #[test]
    fn a_compressed_document_gives_its_content_back() {
        let document = Document::compressed("application/json", b"{\"a\":1}");
        assert_eq!(&document.body()[..], b"{\"a\":1}");
        assert!(document.gzip().is_some());
    }

    #[test]
    fn a_client_has_the_document_if_any_tag_matches() {
        let document = Document::new("application/json", b"{}".to_vec());
        let tag = document.etag();
        assert!(document.matches(tag));
        assert!(document.matches(&format!("\"0\", {tag}")));
        assert!(document.matches("*"));
        assert!(!document.matches("\"0\""));
        assert!(!document.matches(""));
    }
}
