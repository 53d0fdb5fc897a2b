//! Taking away what can not be read.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::gvk::GroupKind;
use pintle_runtime::status::{ApiError, Status, StatusDetails};
use pintle_storage::StorageError;

use super::Store;
use crate::context::RequestContext;
use crate::permit::Permit;

impl Store {
    /// Deletes what is stored under the name of an object and can not be read: without a look at it, so nothing
    /// holds it, and nothing that it stands for is given back.
    ///
    /// # Errors
    /// 422 for an object that can be read, or is not there; 409 if it is written at this moment.
    pub(crate) async fn delete_unreadable(
        &self,
        _permit: &Permit,
        cx: &RequestContext,
        name: &str,
    ) -> Result<Status, ApiError> {
        let key = self.key(cx, name)?;
        self.be_newest().await?;
        let Some(unreadable) = self.cache.unreadable_at(&key) else {
            let mut errors = ErrorList::new();
            errors.invalid(
                &Path::new("ignoreStoreReadErrorWithClusterBreakingPotential"),
                true,
                "is exclusively used to delete corrupt object(s), try again by removing this option",
            );
            let of = GroupKind::new(self.resource.group.clone(), self.resource.resource.clone());
            return Err(ApiError::invalid(&of, name, &errors));
        };
        let place = self.cache.storage_key(&key);
        match self.storage.delete(&place, unreadable.revision()).await {
            Ok(_) | Err(StorageError::NotFound { .. }) => {}
            Err(StorageError::Conflict { .. }) => {
                return Err(ApiError::modified(&self.resource, name));
            }
            Err(error) => return Err(self.storage_error(error)),
        }
        tracing::warn!(key = %place, "what could not be read was deleted");
        let details = StatusDetails {
            name: name.to_owned().into(),
            kind: self.kind.kind.clone(),
            ..StatusDetails::default()
        };
        Ok(Status {
            code: 200,
            ..Status::deleted(details)
        })
    }
}
