//! How much disruption a budget still allows, and the keeping of accounts.

use std::sync::Arc;

use pintle_api::core::v1::Pod;
use pintle_api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetMut};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::list_options::ListOptions;
use pintle_endpoints::store::Change;
use pintle_endpoints::unkept::Asked;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::selector::LabelSelector;
use pintle_runtime::status::{ApiError, CauseReason, RetryAfter, StatusCause};
use pintle_runtime::time::Time;
use pintle_runtime::value::{Record, Value};

const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
/// How many evictions may wait for the controller to notice them.
const MOST_DISRUPTED: usize = 2000;
/// Who is named in the books of a budget.
const MANAGER: &str = "kube-apiserver";

/// The budgets that a pod is under.
pub(super) async fn of_pod(asked: Asked<'_>, pod: Pod<'_>) -> Result<Vec<Record>, ApiError> {
    let store = asked.store("policy", "v1", "poddisruptionbudgets")?;
    let list = store
        .list(asked.permit, asked.cx, &ListOptions::default())
        .await?;
    let labels = pod.metadata().labels();
    let mut found = Vec::new();
    for object in list.into_objects() {
        let record = object.record()?;
        let selector = PodDisruptionBudget::from_record(&record).spec().selector();
        // One that makes no sense, or selects everything or nothing, selects no pod.
        let selects = LabelSelector::try_from(selector).is_ok_and(|selector| {
            !selector.is_everything()
                && !selector.is_nothing()
                && selector.matches(|key| labels.get(key))
        });
        if selects {
            found.push(record);
        }
    }
    Ok(found)
}

/// Takes an eviction of `pod` from what the budget allows (`checkAndDecrement`).
///
/// # Errors
/// 429 if it allows none, or is not up to date; 403 if its accounts make no sense.
pub(super) async fn charge(
    asked: Asked<'_>,
    budget: &str,
    pod: &str,
    dry_run: bool,
) -> Result<(), ApiError> {
    let store = asked.store("policy", "v1", "poddisruptionbudgets")?;
    let store = store
        .subresource("status")
        .ok_or_else(|| ApiError::internal("disruption budgets have no status"))?;
    let mut cx = RequestContext::new(
        Arc::clone(&asked.cx.user),
        asked.cx.namespace.clone(),
        asked.cx.environment.clone(),
    );
    cx.dry_run = dry_run;
    cx.field_manager = MANAGER.into();
    let now = asked.cx.now().truncate_to_seconds();
    let take = |found: Option<&Record>| {
        let mut record = found.cloned().ok_or_else(|| store.not_found(budget))?;
        check(PodDisruptionBudget::from_record(&record))?;
        take_one(
            &mut PodDisruptionBudgetMut::from_record(&mut record),
            pod,
            now,
        );
        Ok(record)
    };
    store
        .update_with(asked.permit, &cx, budget, &Change::default(), take)
        .await?;
    Ok(())
}

fn check(budget: PodDisruptionBudget<'_>) -> Result<(), ApiError> {
    let (name, status) = (budget.metadata().name(), budget.status());
    if status.observed_generation() < budget.metadata().generation() {
        return Err(not_yet_known(name));
    }
    let forbidden = |why: &str| {
        let resource = GroupResource::new("policy", "poddisruptionbudget");
        Err(ApiError::forbidden(&resource, name, why))
    };
    if status.disruptions_allowed() < 0 {
        return forbidden("pdb disruptions allowed is negative");
    }
    if status.disrupted_pods().len() > MOST_DISRUPTED {
        return forbidden(
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        );
    }
    if status.disruptions_allowed() == 0 {
        let why = format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            status.desired_healthy(),
            status.current_healthy()
        );
        return Err(refused(why, None));
    }
    Ok(())
}

/// The controller has still to look at the budget.
pub(super) fn not_yet_known(budget: &str) -> ApiError {
    let why = format!("The disruption budget {budget} is still being processed by the server.");
    refused(why, RetryAfter::seconds(10))
}

fn refused(why: String, retry_after: Option<RetryAfter>) -> ApiError {
    ApiError::too_many_requests(REFUSED, retry_after).with_cause(StatusCause::new(
        CauseReason::DisruptionBudget,
        why,
        "",
    ))
}

/// One disruption less, by the pod of this name.
fn take_one(budget: &mut PodDisruptionBudgetMut<'_>, pod: &str, now: Time) {
    let mut status = budget.status_mut();
    let left = status.view().disruptions_allowed() - 1;
    status.set_disruptions_allowed(left);
    status
        .disrupted_pods_mut()
        .insert(pod.to_owned(), Value::Time(now));
    if left > 0 {
        return;
    }
    let observed = status.view().observed_generation();
    let known = status
        .view()
        .conditions()
        .iter()
        .position(|condition| condition.type_() == "DisruptionAllowed");
    let mut conditions = status.conditions_mut();
    let is_new = known.is_none();
    if is_new {
        conditions.push_new().set_type("DisruptionAllowed");
    }
    let at = known.unwrap_or_else(|| conditions.len().saturating_sub(1));
    let Some(mut condition) = conditions.get_mut(at) else {
        return;
    };
    if is_new || condition.view().status() != "False" {
        condition.set_last_transition_time(now);
    }
    condition.set_status("False");
    condition.set_reason("InsufficientPods");
    condition.set_message("");
    condition.set_observed_generation(observed);
}
