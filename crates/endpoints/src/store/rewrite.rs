//! Changes of the server's own, which no rule is asked about.

use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::update::Written;
use super::{Store, metadata};
use crate::cache::Draft;
use crate::context::RequestContext;
use crate::delete_options::Preconditions;
use crate::permit::Permit;

impl Store {
    /// Changes the object called `name` past admission, strategy and the books of who set what, as
    /// upstream's `GuaranteedUpdate` does for bindings. `change` gets the hub form, and is asked again
    /// where someone else writes meanwhile.
    ///
    /// # Errors
    /// 404, 409 if the object is not what the preconditions say, those of `change`, and those of the
    /// storage.
    pub async fn rewrite(
        &self,
        _permit: &Permit,
        cx: &RequestContext,
        name: &str,
        preconditions: &Preconditions,
        mut change: impl FnMut(&mut Record) -> Result<(), ApiError> + Send,
    ) -> Result<Written, ApiError> {
        let key = self.key(cx, name)?;
        loop {
            let Some(entry) = self.find_newest(&key).await? else {
                return Err(self.not_found(name));
            };
            let version = entry.revision().to_string();
            self.check_preconditions(name, &key, preconditions, entry.uid(), &version)?;
            let mut hub = entry.record()?;
            change(&mut hub)?;
            metadata::of(&mut hub)?.set_resource_version("");
            let draft = Draft::new(self.forms(), &hub)?;
            if let Some(written) = self.write_draft(cx, draft, hub, &entry).await? {
                return Ok(written);
            }
        }
    }
}
