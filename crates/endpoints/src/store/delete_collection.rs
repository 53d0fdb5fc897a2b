//! Deleting many.

use std::sync::Arc;

use pintle_runtime::status::ApiError;

use super::{List, Store};
use crate::cache::Entry;
use crate::context::RequestContext;
use crate::delete_options::DeleteOptions;
use crate::list_options::ListOptions;
use crate::permit::Permit;

impl Store {
    /// Deletes the selected objects, one after the other, each as [`Store::delete`] does; what goes
    /// meanwhile is skipped. The answer lists them as they were before.
    ///
    /// # Errors
    /// Those of a list, and the first of a delete; what was deleted before it stays deleted.
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
        let mut deleted: Vec<Arc<Entry>> = Vec::new();
        for object in list.into_objects() {
            let Some(entry) = self.cache.get(object.entry().key()) else {
                continue;
            };
            match self.delete_entry(cx, entry, options).await {
                Ok(_) => {}
                Err(ApiError::NotFound(_)) => continue,
                Err(error) => return Err(error),
            }
            deleted.push(Arc::clone(object.entry()));
        }
        let mut list = List::found(revision, self.version, deleted);
        list.continue_token = token;
        list.remaining = remaining;
        Ok(list)
    }
}
