//! Deleting many.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use pintle_runtime::status::ApiError;

use super::{List, Store};
use crate::cache::{Entry, Object};
use crate::context::RequestContext;
use crate::delete_options::DeleteOptions;
use crate::list_options::ListOptions;
use crate::permit::Permit;

/// Deletes that share a commit, if the storage is busy with one.
const AT_ONCE: usize = 16;

impl Store {
    /// Deletes the selected objects, some at once, each as [`Store::delete`] does; what goes meanwhile
    /// is skipped. The answer lists them as they were before.
    ///
    /// # Errors
    /// Those of a list, and the first of a delete; what was deleted by then stays deleted.
    pub async fn delete_collection(
        &self,
        permit: &Permit,
        cx: &RequestContext,
        options: &DeleteOptions,
        selected: &ListOptions,
    ) -> Result<List, ApiError> {
        options.validate()?;
        self.strategy.on_delete(cx, options);
        let list = self.list(permit, cx, selected).await?;
        let (revision, token, remaining) =
            (list.revision, list.continue_token.clone(), list.remaining);
        let delete = |object: Object| async move {
            let listed = Arc::clone(object.entry());
            let Some(entry) = self.cache.get(listed.key()) else {
                return Ok(None);
            };
            match self.delete_entry(cx, entry, options).await {
                Ok(_) => Ok(Some(listed)),
                Err(ApiError::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let deletes = stream::iter(list.into_objects())
            .map(delete)
            .buffered(AT_ONCE);
        let deleted: Vec<Arc<Entry>> = deletes
            .try_filter_map(|entry| async { Ok(entry) })
            .try_collect()
            .await?;
        let mut list = List::found(revision, self.version, deleted);
        list.continue_token = token;
        list.remaining = remaining;
        Ok(list)
    }
}
