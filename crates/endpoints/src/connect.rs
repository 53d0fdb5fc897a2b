//! Subresources that lead out of the API: logs, streams into containers, proxies.
//!
//! A [`Connect`] is registered for a subresource; its row has the methods, which are GET alone if it says nothing. The
//! verb reads the query as options, has admission look at them with the operation `CONNECT`, and hands over the rest of
//! the request. The answer is sent as it is, be it another protocol on the same connection.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, Method, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use pintle_runtime::resource::{Resource, Subresource};
use pintle_runtime::schema::TypeRef;
use pintle_runtime::text::Text;
use pintle_runtime::value::Record;

use crate::admission::{Chain, Interested};
use crate::body::Body;
use crate::unkept::{Answer, Asked};

/// Leads out of the API.
pub trait Connect: Send + Sync + 'static {
    /// Whether admission is asked. Upstream reads logs without.
    fn is_admitted(&self) -> bool {
        true
    }

    /// What the query is read as.
    fn options(&self) -> TypeRef;

    /// Answers. `options` is of the type that [`Connect::options`] gives.
    ///
    /// # Errors
    /// Whatever the client is to be told.
    fn connect<'a>(
        &'a self,
        asked: Asked<'a>,
        options: Record,
        request: Passed,
    ) -> Answer<'a, Response<Body>>;
}

/// A request that is passed on.
#[derive(Debug)]
pub struct Passed {
    /// Its method.
    pub method: Method,
    /// Its headers, without those that say who asks.
    pub headers: HeaderMap,
    /// Its path, percent-decoded.
    pub path: Text,
    /// What of the path follows the subresource, with the slash before it; empty without one.
    pub rest: String,
    /// Its query as it was sent.
    pub query: String,
    /// Its body.
    pub body: Incoming,
    /// The connection, if the client may speak something else on it.
    pub upgrade: Option<OnUpgrade>,
}

/// What is registered: a subresource and where it leads.
pub struct ConnectEndpoint {
    /// The subresource's row.
    pub row: Subresource,
    /// The code.
    pub connect: Arc<dyn Connect>,
    interested: OnceLock<Interested>,
}

impl ConnectEndpoint {
    /// The subresource `row`.
    pub fn new(row: &Subresource, connect: Arc<dyn Connect>) -> Self {
        Self {
            row: row.clone(),
            connect,
            interested: OnceLock::new(),
        }
    }

    /// Whether a method leads there.
    pub(crate) fn takes(&self, method: &Method) -> bool {
        let by_name = self
            .row
            .connect
            .iter()
            .any(|known| *known == method.as_str());
        by_name || (self.row.connect.is_empty() && *method == Method::GET)
    }

    /// The plug-ins of `chain` that care; `parent` is the row of the objects.
    pub(crate) fn interested(&self, chain: &Chain, parent: &Resource) -> &Interested {
        self.interested
            .get_or_init(|| chain.interested(parent, &self.row.name))
    }
}
