//! Whether the priority level of a flow schema is there: a condition in its status.

use futures_util::future::try_join_all;
use pintle_api::flowcontrol::v1::{FlowSchema, FlowSchemaMut};
use pintle_endpoints::cache::Entry;
use pintle_endpoints::store::Store;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;
use pintle_runtime::view::View;

use crate::hooks::Ours;

const MANAGER: &str = "api-priority-and-fairness-config-consumer-v1";
const CONDITION: &str = "Dangling";
/// Says so of every flow schema where it is not said.
pub(super) async fn tell(ours: &Ours, schemas: &Store, levels: &Store) -> Result<(), ApiError> {
    let Some(status) = schemas.subresource("status") else {
        return Ok(());
    };
    let (snapshot, _) = schemas.cache().newest();
    // At once, so that they share commits.
    let told = snapshot
        .entries()
        .map(|schema| tell_of(ours, status, levels, schema));
    try_join_all(told).await.map(drop)
}

async fn tell_of(
    ours: &Ours,
    status: &Store,
    levels: &Store,
    entry: &Entry,
) -> Result<(), ApiError> {
    let record = entry.record()?;
    let schema = FlowSchema::from_record(&record);
    let level = schema.spec().priority_level_configuration().name();
    let truth = Truth::of(level, levels.cache().get(level).is_some());
    let conditions = schema.status().conditions();
    let old = conditions
        .iter()
        .find(|condition| condition.type_() == CONDITION);
    if old.is_some_and(|old| {
        (old.status(), old.reason(), old.message()) == (truth.status, truth.reason, &truth.message)
    }) {
        return Ok(());
    }
    let since = old.filter(|old| old.status() == truth.status);
    let since = since.and_then(|old| old.last_transition_time());
    let config = truth.applied(entry.name(), since.unwrap_or_else(|| ours.now()));
    match ours.apply(status, MANAGER, entry.name(), &config).await {
        Ok(_) | Err(ApiError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What there is to say of one.
struct Truth {
    status: &'static str,
    reason: &'static str,
    message: String,
}

impl Truth {
    fn of(level: &str, is_there: bool) -> Self {
        let (status, reason, found) = if is_there {
            ("False", "Found", "and it exists")
        } else {
            ("True", "NotFound", "but there is no such object")
        };
        Self {
            status,
            reason,
            message: format!(
                "This FlowSchema references the PriorityLevelConfiguration object named \"{level}\" {found}"
            ),
        }
    }

    fn applied(&self, name: &str, since: Time) -> Record {
        let mut config = <FlowSchema<'_> as View>::new_record();
        let mut schema = FlowSchemaMut::from_record(&mut config);
        schema.metadata_mut().set_name(name.to_owned());
        let mut status = schema.status_mut();
        let mut conditions = status.conditions_mut();
        let mut condition = conditions.push_new();
        condition.set_type(CONDITION);
        condition.set_status(self.status);
        condition.set_last_transition_time(since);
        condition.set_reason(self.reason);
        condition.set_message(self.message.clone());
        config
    }
}
