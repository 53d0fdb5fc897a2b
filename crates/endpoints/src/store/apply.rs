//! Apply: the fields that somebody cares for, laid over an object that is there.

use pintle_runtime::fields::{ApplyError, Config};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::{Change, Duty, Existing, Store, Written};
use crate::context::RequestContext;
use crate::permit::Permit;

impl Store {
    /// Lays `config` over the object called `name`, by force: what it says is the request's field manager's from now
    /// on, and what that manager said before and says no more is gone. `config` is in the version of this store.
    ///
    /// # Errors
    /// 404, and those of [`Store::update`].
    pub async fn apply(
        &self,
        permit: &Permit,
        cx: &RequestContext,
        name: &str,
        config: &Record,
    ) -> Result<Written, ApiError> {
        let change = Change {
            books: Duty::Maker,
            ..Change::default()
        };
        let config = Config::from(config.clone());
        let make = |existing: Option<Existing<'_>>| {
            let existing = existing.ok_or_else(|| self.not_found(name))?;
            self.field_manager(cx)
                .apply(existing.record, &config, &cx.field_manager, true)
                .map_err(|error| match error {
                    ApplyError::Conflicts(_) => ApiError::modified(&self.resource, name),
                    error => ApiError::internal(error),
                })
        };
        self.update_from(permit, cx, name, &change, make).await
    }
}
