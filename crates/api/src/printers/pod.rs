//! Pods and their templates.

use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::age::{age, age_cell};
use super::cell::cells;
use super::text::{NONE, TRUE, containers, labels, or};
use super::{Cells, RowCondition};
use crate::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodCondition, PodTemplate};

/// The reason of a pod whose node cannot be reached.
const NODE_LOST: &str = "NodeLost";
const SCHEDULING_GATED: &str = "SchedulingGated";

static SUCCEEDED: [RowCondition; 1] = [completed(
    "Succeeded",
    "The pod has completed successfully.",
)];
static FAILED: [RowCondition; 1] = [completed("Failed", "The pod failed.")];

const fn completed(reason: &'static str, message: &'static str) -> RowCondition {
    RowCondition {
        ty: "Completed",
        status: "True",
        reason,
        message,
    }
}

pub(super) fn conditions(object: &Record) -> &'static [RowCondition] {
    match Pod::from_record(object).status().phase() {
        "Succeeded" => &SUCCEEDED,
        "Failed" => &FAILED,
        _ => &[],
    }
}

pub(super) fn pod(object: &Record, now: Time) -> Cells<'_> {
    let pod = Pod::from_record(object);
    let (meta, spec, status) = (pod.metadata(), pod.spec(), pod.status());
    let summary = Summary::of(pod);
    let restarts = match summary.restarts.last {
        Some(last) if summary.restarts.count != 0 => {
            format!("{} ({} ago)", summary.restarts.count, age(Some(last), now))
        }
        _ => summary.restarts.count.to_string(),
    };
    // An address alone counts more than a list that begins with another one.
    let address = match (status.pod_ip(), status.pod_ips().first()) {
        ("", Some(first)) => first.ip(),
        (address, _) => address,
    };
    cells![
        meta.name(),
        format!("{}/{}", summary.ready, summary.total),
        summary.reason,
        restarts,
        age_cell(meta.creation_timestamp(), now),
        or(address, NONE),
        or(spec.node_name(), NONE),
        or(status.nominated_node_name(), NONE),
        readiness_gates(pod),
    ]
}

/// How many of the readiness gates are open.
fn readiness_gates(pod: Pod<'_>) -> String {
    let gates = pod.spec().readiness_gates();
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let conditions = pod.status().conditions();
    let is_open = |gate: &str| {
        conditions
            .iter()
            .find(|condition| condition.type_() == gate)
            .is_some_and(|condition| condition.status() == TRUE)
    };
    let open = gates
        .iter()
        .filter(|gate| is_open(gate.condition_type()))
        .count();
    format!("{open}/{}", gates.len())
}

/// How often containers were restarted, and when last.
#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Time>,
}

impl Restarts {
    fn add(&mut self, container: ContainerStatus<'_>) {
        self.count += i64::from(container.restart_count());
        let finished = container.last_state().terminated();
        self.last = self
            .last
            .max(finished.and_then(|finished| finished.finished_at()));
    }
}

/// What becomes of the states of all containers.
struct Summary {
    reason: String,
    ready: usize,
    total: usize,
    restarts: Restarts,
}

impl Summary {
    fn of(pod: Pod<'_>) -> Self {
        let (spec, status) = (pod.spec(), pod.status());
        let mut summary = Self {
            reason: or(status.reason(), status.phase()).to_owned(),
            ready: 0,
            total: spec.containers().len()
                + spec
                    .init_containers()
                    .iter()
                    .filter(|container| container.restart_policy() == Some("Always"))
                    .count(),
            restarts: Restarts::default(),
        };
        let gated = |condition: PodCondition<'_>| {
            condition.type_() == "PodScheduled" && condition.reason() == SCHEDULING_GATED
        };
        if status.conditions().iter().any(gated) {
            summary.reason = SCHEDULING_GATED.to_owned();
        }
        let (initializing, of_sidecars) = summary.add_init_containers(pod);
        if !initializing || has_condition(pod, "Initialized") == Some(true) {
            summary.restarts = of_sidecars;
            summary.add_containers(pod);
        }
        if pod.metadata().deletion_timestamp().is_some() {
            if status.reason() == NODE_LOST {
                summary.reason = "Unknown".to_owned();
            } else if !matches!(status.phase(), "Succeeded" | "Failed") {
                summary.reason = "Terminating".to_owned();
            }
        }
        summary
    }

    /// Goes through the init containers up to the first one that is not through, and says whether
    /// there is one, and how often those were restarted that run on beside the containers.
    fn add_init_containers(&mut self, pod: Pod<'_>) -> (bool, Restarts) {
        let mut of_sidecars = Restarts::default();
        let init_containers = pod.spec().init_containers();
        for (index, container) in pod.status().init_container_statuses().iter().enumerate() {
            self.restarts.add(container);
            let is_sidecar = init_containers.iter().any(|spec| {
                spec.name() == container.name() && spec.restart_policy() == Some("Always")
            });
            if is_sidecar {
                of_sidecars.add(container);
            }
            let state = container.state();
            match (state.terminated(), state.waiting()) {
                (Some(terminated), _) if terminated.exit_code() == 0 => continue,
                _ if is_sidecar && container.started() == Some(true) => {
                    self.ready += usize::from(container.ready());
                    continue;
                }
                (Some(terminated), _) => self.reason = format!("Init:{}", why(terminated)),
                (None, Some(waiting)) if !matches!(waiting.reason(), "" | "PodInitializing") => {
                    self.reason = format!("Init:{}", waiting.reason());
                }
                _ => self.reason = format!("Init:{index}/{}", init_containers.len()),
            }
            return (true, of_sidecars);
        }
        (false, of_sidecars)
    }

    /// Goes through the containers, last one first, so that the first one's reason is what is shown.
    fn add_containers(&mut self, pod: Pod<'_>) {
        let mut any_runs = false;
        let mut failure = None;
        for container in pod.status().container_statuses().iter().rev() {
            self.restarts.add(container);
            let state = container.state();
            match (state.waiting(), state.terminated()) {
                (Some(waiting), _) if !waiting.reason().is_empty() => {
                    self.reason = waiting.reason().to_owned();
                }
                (_, Some(terminated)) => {
                    self.reason = why(terminated);
                    if terminated.exit_code() != 0 {
                        failure = Some(self.reason.clone());
                    }
                }
                _ if container.ready() && state.running().is_some() => {
                    any_runs = true;
                    self.ready += 1;
                }
                _ => {}
            }
        }
        if self.reason != "Completed" {
            return;
        }
        // That one container is through says nothing as long as another one runs or has failed.
        if any_runs && is_ready(pod) {
            self.reason = "Running".to_owned();
        } else if let Some(failure) = failure {
            self.reason = failure;
        } else if any_runs {
            self.reason = "NotReady".to_owned();
        }
    }
}

/// Why a container ended.
fn why(terminated: ContainerStateTerminated<'_>) -> String {
    match (terminated.reason(), terminated.signal()) {
        ("", 0) => format!("ExitCode:{}", terminated.exit_code()),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// Whether the first condition of a type is true, if there is one.
fn has_condition(pod: Pod<'_>, ty: &str) -> Option<bool> {
    let conditions = pod.status().conditions();
    let condition = conditions
        .iter()
        .find(|condition| condition.type_() == ty)?;
    Some(condition.status() == TRUE)
}

fn is_ready(pod: Pod<'_>) -> bool {
    let conditions = pod.status().conditions();
    conditions
        .iter()
        .any(|condition| condition.type_() == "Ready" && condition.status() == TRUE)
}

pub(super) fn pod_template(object: &Record, _: Time) -> Cells<'_> {
    let object = PodTemplate::from_record(object);
    let template = object.template();
    let (names, images) = containers(template.spec());
    cells![
        object.metadata().name(),
        names,
        images,
        labels(template.metadata().labels())
    ]
}

#[cfg(test)]
mod tests;
