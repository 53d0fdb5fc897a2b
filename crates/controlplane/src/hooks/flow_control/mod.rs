//! The flow schemas and priority levels that a cluster begins with.
//!
//! Those that say so in an annotation are kept as they are here; who wants another one takes the
//! annotation away. What is missing is made again, all of it at the first start and from then on only
//! the two kinds that nothing works without.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use pintle_endpoints::fairness::Fairness;
use pintle_endpoints::health::Milestone;
use pintle_endpoints::store::Store;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::meta::{METADATA, ObjectMeta};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};

use tracing::debug;

use super::{Ours, found};

mod dangling;
mod plan;

const GROUP: &str = "flowcontrol.apiserver.k8s.io";
const MANAGER: &str = "api-priority-and-fairness-config-producer-v1";
const KEPT: &str = "apf.kubernetes.io/autoupdate-spec";
/// What there always is.
const MANDATORY: [&str; 2] = ["exempt", "catch-all"];

const PRIORITY_LEVELS: &[u8] = include_bytes!("../bootstrap/priority_levels.json");
const FLOW_SCHEMAS: &[u8] = include_bytes!("../bootstrap/flow_schemas.json");

/// How long a change waits at most until it counts.
const PERIOD: Duration = Duration::from_millis(250);

/// Tells `fairness` what there is whenever that changes, and says of every flow schema whether its level is there.
/// Begins when those that a cluster begins with are `produced`, and reaches `done` after the first pass.
pub(super) async fn follow(
    ours: Ours,
    fairness: Arc<Fairness>,
    produced: Milestone,
    done: Milestone,
) {
    produced.reached().await;
    let mut taken = None;
    let mut told = None;
    loop {
        match pass(&ours, &fairness, &mut taken, &mut told).await {
            Ok(()) => done.reach(),
            // Someone else changes the schema: it is looked at again.
            Err(error) => debug!(%error, "cannot tell whether a flow schema dangles"),
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// The revisions of schemas and levels that a pass has seen.
type Seen = Option<(u64, u64)>;

async fn pass(
    ours: &Ours,
    fairness: &Fairness,
    taken: &mut Seen,
    told: &mut Seen,
) -> Result<(), ApiError> {
    let schemas = ours.store(GROUP, "flowschemas")?;
    let levels = ours.store(GROUP, "prioritylevelconfigurations")?;
    let revision = |store: &Store| store.cache().newest().0.revision().0;
    let now = Some((revision(&schemas), revision(&levels)));
    if *taken != now {
        fairness.configure(plan::plan(&schemas, &levels)?);
        *taken = now;
    }
    if *told != now {
        dangling::tell(ours, &schemas, &levels).await?;
        *told = now;
    }
    Ok(())
}

pub(super) async fn make(ours: &Ours) -> Result<(), ApiError> {
    let levels = ours.store(GROUP, "prioritylevelconfigurations")?;
    let schemas = ours.store(GROUP, "flowschemas")?;
    // Once `exempt` is there, this is no first start.
    let first = levels.cache().get("exempt").is_none();
    let items = objects("PriorityLevelConfigurationList", PRIORITY_LEVELS)?;
    keep(ours, &levels, items, first).await?;
    let items = objects("FlowSchemaList", FLOW_SCHEMAS)?;
    keep(ours, &schemas, items, first).await
}

/// The objects of a list in JSON.
fn objects(kind: &str, body: &'static [u8]) -> Result<Vec<Record>, ApiError> {
    let broken = || ApiError::internal(format!("the built-in {kind} cannot be read"));
    let ty = pintle_api::type_by_kind(GROUP, "v1", kind).ok_or_else(broken)?;
    let list = json::decode(&ty, &Bytes::from_static(body), &mut Problems::ignored());
    let list = list.map_err(|_| broken())?;
    let items = list
        .get_by_name("items")
        .and_then(Value::as_list)
        .ok_or_else(broken)?;
    Ok(items.iter().filter_map(Value::as_record).cloned().collect())
}

/// All at once, so that they share commits.
async fn keep(
    ours: &Ours,
    store: &Store,
    objects: Vec<Record>,
    first: bool,
) -> Result<(), ApiError> {
    let kept = objects
        .into_iter()
        .map(|object| keep_one(ours, store, object, first));
    try_join_all(kept).await.map(drop)
}

async fn keep_one(ours: &Ours, store: &Store, object: Record, first: bool) -> Result<(), ApiError> {
    let name = metadata(&object).name().to_owned();
    let spec = object
        .ty()
        .field_index("spec")
        .and_then(|at| Some((at, object.get(at)?.clone())));
    let Some((at, spec)) = spec else {
        return Ok(());
    };
    match found(store, &name)? {
        None if first || MANDATORY.contains(&&*name) => {
            ours.create(store, "", MANAGER, object).await
        }
        Some(record)
            if metadata(&record).annotations().get(KEPT) == Some("true")
                && record.get(at) != Some(&spec) =>
        {
            let change = |record: &mut Record| {
                record.set(at, spec.clone());
            };
            ours.update(store, "", MANAGER, &name, change)
                .await
                .map(drop)
        }
        _ => Ok(()),
    }
}

fn metadata(record: &Record) -> ObjectMeta<'_> {
    record
        .get(METADATA)
        .and_then(Value::as_record)
        .map_or_else(ObjectMeta::empty, ObjectMeta::from_record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_can_be_read_and_goes_together() {
        let levels = objects("PriorityLevelConfigurationList", PRIORITY_LEVELS).expect("a list");
        let schemas = objects("FlowSchemaList", FLOW_SCHEMAS).expect("a list");
        let names: Vec<_> = levels.iter().map(|level| metadata(level).name()).collect();
        assert_eq!((levels.len(), schemas.len()), (8, 11));
        for schema in &schemas {
            let schema = pintle_api::flowcontrol::v1::FlowSchema::from_record(schema);
            let level = schema.spec().priority_level_configuration().name();
            assert!(names.contains(&level), "{level}");
        }
    }
}
