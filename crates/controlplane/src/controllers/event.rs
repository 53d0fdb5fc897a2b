//! Events by which controllers say what they found.

use pintle_api::core::v1::{Event, EventMut};
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::view::View;

use super::Tools;

/// What an event is about.
pub(super) struct About<'a> {
    pub api_version: String,
    pub kind: String,
    /// Empty for what is in none; the event is in `default` then.
    pub namespace: &'a str,
    pub name: &'a str,
    pub uid: &'a str,
}

impl Tools {
    /// Tells of something that is wrong.
    ///
    /// # Errors
    /// Those of a create.
    pub(super) async fn warn(
        &self,
        about: &About<'_>,
        reason: &'static str,
        message: String,
    ) -> Result<(), ApiError> {
        let store = self.store("", "events")?;
        let namespace = match about.namespace {
            "" => "default",
            namespace => namespace,
        };
        let cx = self.context(namespace);
        let now = cx.now();
        let mut object = <Event<'_> as View>::new_record();
        let mut event = EventMut::from_record(&mut object);
        let mut metadata = event.metadata_mut();
        metadata.set_name(format!(
            "{}.{:x}",
            about.name,
            now.nanos_since(Time::from_seconds(0))
        ));
        metadata.set_namespace(namespace.to_owned());
        let mut involved = event.involved_object_mut();
        involved.set_api_version(about.api_version.clone());
        involved.set_kind(about.kind.clone());
        involved.set_name(about.name.to_owned());
        involved.set_namespace(about.namespace.to_owned());
        involved.set_uid(about.uid.to_owned());
        event.set_reason(reason);
        event.set_message(message);
        event.set_type("Warning");
        event.source_mut().set_component(self.name);
        event.set_reporting_component(self.name);
        event.set_first_timestamp(now.truncate_to_seconds());
        event.set_last_timestamp(now.truncate_to_seconds());
        event.set_count(1);
        store.create(&self.permit(), &cx, object).await.map(drop)
    }
}
