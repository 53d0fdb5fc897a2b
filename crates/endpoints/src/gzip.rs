//! Compression of large answers to a get or list.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, HeaderMap};
use http_body::{Body, Frame};

use crate::body::Stream;
use crate::data::Data;

/// Answers from this size on are compressed, in bytes.
pub const THRESHOLD: usize = 128 * 1024;

/// Fast: upstream's level, too.
const LEVEL: u32 = 1;

/// Whether the client takes gzip.
pub fn is_accepted(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    value.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = quality
            .trim()
            .strip_prefix("q=")
            .and_then(|q| q.parse::<f32>().ok())
            .is_some_and(|q| q <= 0.0);
        name.trim() == "gzip" && !refused
    })
}

/// `bytes`, compressed.
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 6), Compression::new(LEVEL));
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A stream, compressed as it is sent.
pub fn compressed(stream: Stream) -> Stream {
    Box::pin(Gzip {
        stream,
        encoder: Some(GzEncoder::new(
            Vec::with_capacity(FRAME),
            Compression::new(LEVEL),
        )),
    })
}

/// Compressed bytes that are worth a frame.
const FRAME: usize = 16 * 1024;

struct Gzip {
    stream: Stream,
    /// Absent when the end was sent.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Body for Gzip {
    type Data = Data;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Data>, Infallible>>> {
        loop {
            if self.encoder.is_none() {
                return Poll::Ready(None);
            }
            let frame = match self.stream.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(None) => {
                    let encoder = self.encoder.take();
                    let rest = encoder
                        .and_then(|encoder| encoder.finish().ok())
                        .unwrap_or_default();
                    return Poll::Ready(Some(Ok(Frame::data(rest.into()))));
                }
                Poll::Pending => return Poll::Pending,
            };
            if let (Some(encoder), Some(data)) = (&mut self.encoder, frame.data_ref()) {
                // Writing to memory does not fail.
                for piece in data.pieces() {
                    let _ = encoder.write_all(piece);
                }
                if encoder.get_ref().len() >= FRAME {
                    let full = std::mem::replace(encoder.get_mut(), Vec::with_capacity(FRAME * 2));
                    return Poll::Ready(Some(Ok(Frame::data(full.into()))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_is_taken_if_it_is_named_and_not_refused() {
        for (value, expected) in [
            ("gzip", true),
            ("deflate, gzip;q=1.0", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            let headers =
                HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(is_accepted(&headers), expected, "{value}");
        }
        assert!(!is_accepted(&HeaderMap::new()));
    }

    #[test]
    fn what_was_compressed_comes_back() {
        use std::io::Read as _;
        let bytes = b"pod ".repeat(1000);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(&compress(&bytes)[..])
            .read_to_end(&mut back)
            .expect("gzip");
        assert_eq!(back, bytes);
    }
}
