//! Discovery and OpenAPI of what is served, exchanged as a whole when that changes.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::discovery::Discovery;
use crate::openapi::OpenApi;

/// The documents that a server gives of itself.
pub struct Documents(ArcSwap<DocumentSet>);

/// The documents of one state of the API.
pub struct DocumentSet {
    /// Discovery.
    pub discovery: Discovery,
    /// OpenAPI.
    pub openapi: OpenApi,
}

impl Documents {
    /// These documents, until others come.
    pub fn new(discovery: Discovery, openapi: OpenApi) -> Self {
        Self(ArcSwap::from_pointee(DocumentSet { discovery, openapi }))
    }

    /// Other documents, from now on.
    pub fn replace(&self, discovery: Discovery, openapi: OpenApi) {
        self.0.store(Arc::new(DocumentSet { discovery, openapi }));
    }

    /// The documents as they are now.
    pub fn now(&self) -> Guard<Arc<DocumentSet>> {
        self.0.load()
    }

    /// The documents as they are now, to be kept across a wait.
    pub fn kept(&self) -> Arc<DocumentSet> {
        self.0.load_full()
    }
}
