//! What a request says besides its body: path, query and headers.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderValue, Method, Uri};
use pintle_authn::credentials::bearer_token;
use pintle_endpoints::continue_token::ContinueToken;
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::list_options::ListOptions;
use pintle_endpoints::negotiate::{Offers, TableSupport};
use pintle_endpoints::query::Query;
use pintle_endpoints::request_info::RequestInfo;
use pintle_endpoints::{negotiate, websocket};

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// A method, a path with its query, and values of headers, in lines: everything gets a verdict.
pub(crate) fn request(bytes: &[u8]) {
    let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, uri, accept, other) = (line(), line(), line(), line());
    let method = &METHODS[method.iter().map(|byte| usize::from(*byte)).sum::<usize>() % 7];
    headers(accept, other);
    let Ok(uri) = Uri::try_from(uri) else { return };
    let info = RequestInfo::parse(method, &uri);
    let query = Query::new(uri.query().unwrap_or_default());
    let pairs: Vec<_> = query.pairs().collect();
    let pairs = || pairs.iter().map(|(name, value)| (&**name, &**value));
    if let Ok(options) = ListOptions::parse(pairs(), false)
        && let Ok(token) = ContinueToken::decode(&options.continue_token)
    {
        let again = ContinueToken::decode(&token.encode());
        assert!(again.is_ok_and(|again| again.start == token.start));
    }
    if let Ok(options) = DeleteOptions::parse(pairs()) {
        let _ = options.validate();
    }
    if let Ok(info) = info {
        assert_eq!(
            info.subresource().is_empty(),
            info.resource
                .as_ref()
                .is_none_or(|of| of.subresource.is_empty())
        );
    }
}

fn headers(accept: &[u8], other: &[u8]) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(accept) {
        headers.insert(ACCEPT, value);
    }
    if let Ok(value) = HeaderValue::from_bytes(other) {
        for name in [CONTENT_TYPE, AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL] {
            headers.insert(name, value.clone());
        }
    }
    for offers in [Offers::Object, Offers::Stream] {
        let query = Query::new("pretty=1");
        let _ = negotiate::representation(&headers, query, offers, TableSupport::Tables);
    }
    let _ = negotiate::input_format(&headers);
    let _ = negotiate::clauses(&headers);
    let _ = websocket::bearer_token(&headers);
    if let Some(token) = bearer_token(&String::from_utf8_lossy(other)) {
        assert!(!token.is_empty());
    }
}
