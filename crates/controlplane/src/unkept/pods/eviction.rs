//! `pods/eviction`: a delete that asks the pod's disruption budget first.

use std::borrow::Cow;

use pintle_api::core::v1::{Pod, PodMut, PodStatus};
use pintle_api::policy::v1::{Eviction as Body, PodDisruptionBudget};
use pintle_endpoints::delete_options::{DeleteOptions, Preconditions};
use pintle_endpoints::unkept::{Action, Answer, Asked, Outcome};
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::{ApiError, Outcome as Ended, Status};
use pintle_runtime::value::Record;

use super::budget;
use super::condition::Condition;

const EVICTED: Condition = Condition {
    kind: "DisruptionTarget",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
};
const SEVERAL: &str = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
/// How often a pod that changes meanwhile is looked at again.
const TRIES: usize = 20;

/// Evicts a pod.
pub(in crate::unkept) struct Eviction;

impl Action for Eviction {
    fn create<'a>(&'a self, asked: Asked<'a>, body: Record) -> Answer<'a, Outcome> {
        Box::pin(evict(asked, body))
    }
}

async fn evict(asked: Asked<'_>, body: Record) -> Result<Outcome, ApiError> {
    let eviction = Body::from_record(&body);
    if asked.name != eviction.metadata().name() {
        return Err(ApiError::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    let options = options(asked, eviction)?;
    let Some(pod) = unless_ignored(asked, &options).await? else {
        return Ok(done());
    };
    let pod = Pod::from_record(&pod);
    let budgets = budget::of_pod(asked, pod).await?;
    let mut options = options;
    let asks_for_revision = options.preconditions.resource_version.is_some();
    let mut at_revision = None;
    match budgets.as_slice() {
        [] => {}
        [one] => {
            let one = PodDisruptionBudget::from_record(one);
            let name = one.metadata().name();
            if is_unready_and_free(pod.status(), one) {
                at_revision = Some(name);
                options.preconditions.resource_version =
                    Some(pod.metadata().resource_version().to_owned());
            } else {
                let dry_run = asked.cx.dry_run || options.is_dry_run();
                budget::charge(asked, name, asked.name, dry_run).await?;
            }
        }
        _ => return Ok(Outcome::Status(several())),
    }
    match (delete(asked, options).await, at_revision) {
        (Err(ApiError::Conflict(_)), Some(budget)) if !asks_for_revision => {
            Err(budget::not_yet_known(budget))
        }
        (result, _) => result.map(|()| done()),
    }
}

fn done() -> Outcome {
    Outcome::Status(Status::success())
}

fn several() -> Status {
    Status {
        outcome: Ended::Failure,
        message: Cow::Borrowed(SEVERAL),
        code: 500,
        ..Status::success()
    }
}

/// The options of the delete, with the dry run of the request.
fn options(asked: Asked<'_>, eviction: Body<'_>) -> Result<DeleteOptions, ApiError> {
    let mut options = eviction
        .delete_options()
        .map(|options| DeleteOptions::from_record(options.record()))
        .unwrap_or_default();
    if !asked.cx.dry_run {
        return Ok(options);
    }
    if options.dry_run.is_empty() {
        options.dry_run = vec!["All".to_owned()];
    } else if options.dry_run != ["All"] {
        return Err(ApiError::unknown(format!(
            "Non-matching dry-run options in request and content: [All] and [{}]",
            options.dry_run.join(" ")
        )));
    }
    Ok(options)
}

/// A pod that does not run, or that goes already, is deleted without a look at budgets. Gives any
/// other pod.
async fn unless_ignored(
    asked: Asked<'_>,
    options: &DeleteOptions,
) -> Result<Option<Record>, ApiError> {
    let pods = asked.parent()?;
    let may_retry = options.preconditions.resource_version.is_none();
    let mut tries = TRIES;
    loop {
        let record = pods
            .get(asked.permit, asked.cx, asked.name, "")
            .await?
            .record()?;
        let pod = Pod::from_record(&record);
        let ended = matches!(pod.status().phase(), "Succeeded" | "Failed")
            || pod.metadata().deletion_timestamp().is_some();
        if !ended && pod.status().phase() != "Pending" {
            return Ok(Some(record));
        }
        let mut options = options.clone();
        if !ended && may_retry {
            // It may be about to run, and to count.
            options.preconditions.resource_version =
                Some(pod.metadata().resource_version().to_owned());
        }
        tries -= 1;
        match delete(asked, options).await {
            Err(ApiError::Conflict(_)) if may_retry && tries > 0 => {}
            result => return result.map(|()| None),
        }
    }
}

/// Whether a pod does no service and others do enough, or the budget lets such pods go.
fn is_unready_and_free(status: PodStatus<'_>, budget: PodDisruptionBudget<'_>) -> bool {
    let ready = status
        .conditions()
        .iter()
        .find(|condition| condition.type_() == "Ready")
        .is_some_and(|condition| condition.status() == "True");
    let healthy = budget.status();
    !ready
        && (budget.spec().unhealthy_pod_eviction_policy() == Some("AlwaysAllow")
            || (healthy.current_healthy() >= healthy.desired_healthy()
                && healthy.desired_healthy() > 0))
}

/// Says in the pod that it is evicted, and deletes it (`addConditionAndDeletePod`).
async fn delete(asked: Asked<'_>, mut options: DeleteOptions) -> Result<(), ApiError> {
    let pods = asked.parent()?;
    if !asked.cx.dry_run && !options.is_dry_run() {
        let now = asked.cx.now();
        let wanted = options.preconditions.clone();
        let mark = |record: &mut Record| {
            check(Pod::from_record(record), &wanted)?;
            EVICTED.set(&mut PodMut::from_record(record).status_mut(), now);
            Ok(())
        };
        let marked = pods
            .rewrite(
                asked.permit,
                asked.cx,
                asked.name,
                &Preconditions::default(),
                mark,
            )
            .await?;
        if let Some(revision) = &mut options.preconditions.resource_version {
            *revision = marked.object.entry().revision().to_string();
        }
    }
    pods.delete(asked.permit, asked.cx, asked.name, &options)
        .await?;
    Ok(())
}

fn check(pod: Pod<'_>, wanted: &Preconditions) -> Result<(), ApiError> {
    let (meta, resource) = (pod.metadata(), GroupResource::new("", "Pod"));
    let differs = |wanted: &Option<String>, found: &str| {
        wanted
            .as_deref()
            .filter(|wanted| !wanted.is_empty() && *wanted != found)
            .map(str::to_owned)
    };
    if let Some(uid) = differs(&wanted.uid, meta.uid()) {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            meta.uid()
        );
        return Err(ApiError::conflict(&resource, meta.name(), why));
    }
    if let Some(revision) = differs(&wanted.resource_version, meta.resource_version()) {
        let why = format!(
            "the ResourceVersion in the precondition ({revision}) does not match the ResourceVersion in record ({}). The object might have been modified",
            meta.resource_version()
        );
        return Err(ApiError::conflict(&resource, meta.name(), why));
    }
    Ok(())
}
