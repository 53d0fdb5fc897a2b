//! Changes as a stream.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::BoxStream};

use crate::{Event, StorageError};

/// Changes in the order of their revisions, some at a time; see [`Storage::watch`](crate::Storage::watch).
///
/// An item is never empty, and is shared by all streams that want the same. After an error the
/// stream is at its end; it has no other end.
pub struct EventStream(BoxStream<'static, Result<Arc<[Event]>, StorageError>>);

impl EventStream {
    /// For backends: the stream of those batches.
    pub fn new(
        batches: impl Stream<Item = Result<Arc<[Event]>, StorageError>> + Send + 'static,
    ) -> Self {
        Self(batches.boxed())
    }

    /// The next changes, or why there are no more. Dropping this future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Arc<[Event]>, StorageError>> {
        self.0.next().await
    }
}

impl Stream for EventStream {
    type Item = Result<Arc<[Event]>, StorageError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}
