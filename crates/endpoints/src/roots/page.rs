//! A document at a path of its own, such as what verifiers of tokens read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderMap};
use http::{HeaderValue, Response, StatusCode};
use pintle_runtime::status::ApiError;

use crate::body::Body;
use crate::negotiate::accepts_document;
use crate::respond;

/// A document at a path of its own, in one media type.
#[derive(Clone)]
pub struct Page {
    /// Where it is, without a slash at the end.
    pub path: &'static str,
    /// What it is in; a client that names neither this nor `*/*` gets a 406.
    pub media_type: &'static str,
    /// The document as it is now.
    pub contents: Arc<dyn Fn() -> Contents + Send + Sync>,
}

/// What a [`Page`] says.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The bytes.
    pub body: Bytes,
    /// For how many seconds anybody may keep it.
    pub max_age: u64,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Page {
    pub(super) fn answer(&self, headers: &HeaderMap) -> Result<Response<Body>, ApiError> {
        accepts_document(headers, self.media_type)?;
        let Contents { body, max_age } = (self.contents)();
        let mut response = respond::with_body(
            StatusCode::OK,
            HeaderValue::from_static(self.media_type),
            Body::whole(body),
        );
        let kept = HeaderValue::try_from(format!("public, max-age={max_age}"));
        if let Ok(kept) = kept {
            response.headers_mut().insert(CACHE_CONTROL, kept);
        }
        Ok(response)
    }
}
