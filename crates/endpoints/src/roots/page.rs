//! A document at a path of its own, such as what verifiers of tokens read.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap};
use http::{HeaderValue, Response, StatusCode};
use pintle_authn::Awaited;
use pintle_runtime::status::ApiError;

use crate::body::Body;
use crate::negotiate::accepts_document;
use crate::respond;

/// A document at a path of its own, in one media type.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it is, without a slash at the end.
    pub path: &'static str,
    /// What it is in; a client that names neither this nor `*/*` gets a 406.
    pub media_type: &'static str,
    /// How long it may be kept.
    pub cache_control: &'static str,
    /// The document.
    pub body: Awaited<Bytes>,
}

impl Page {
    pub(super) fn answer(&self, headers: &HeaderMap) -> Result<Response<Body>, ApiError> {
        accepts_document(headers, self.media_type)?;
        let mut response = respond::with_body(
            StatusCode::OK,
            HeaderValue::from_static(self.media_type),
            Body::whole(Bytes::clone(&self.body)),
        );
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        Ok(response)
    }
}
