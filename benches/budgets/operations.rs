//! The operations of the table, in an order in which each finds what it needs.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bodies::{self, PODS};
use crate::load::{CONNECTIONS, Caller, JSON, PROTOBUF, Refused, Request, TABLE, Target, Turn};
use crate::processes::Processes;
use crate::report::{Column, Outcome, Row};
use crate::watchers;

const NAMESPACE: &str = "budgets";
/// Enough of them for two connections not to meet at one.
const OBJECTS: usize = 256;
const MERGE: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// How often each operation is repeated. CPU time comes in steps of 10 ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    reads: usize,
    writes: usize,
    lists: usize,
    events: usize,
}

impl Effort {
    pub(crate) const FULL: Self = Self {
        reads: 40_000,
        writes: 8_000,
        lists: 96,
        events: 200,
    };
    pub(crate) const QUICK: Self = Self {
        reads: 8_000,
        writes: 2_000,
        lists: 32,
        events: 40,
    };
}

/// Measures all operations, and the memory after them; ends with the deletion of the pods.
pub(crate) async fn measure(
    target: &mut Target,
    processes: &Processes,
    effort: Effort,
    column: &mut Column,
) -> Result<()> {
    prepare(target).await?;
    let mut bench = Bench {
        target,
        processes,
        column,
    };
    bench.create().await?;
    bench.reads(effort).await?;
    bench.writes(effort).await?;
    bench.lists(effort).await?;
    bench.watch(effort).await?;
    // Let go of what only lasts as long as a request, as on any server between two peaks.
    sleep(Duration::from_secs(2)).await;
    bench
        .column
        .set(Row::Memory, Outcome::Measured(processes.memory()?));
    bench.delete().await?;
    tidy_up(bench.target).await;
    Ok(())
}

struct Bench<'a> {
    target: &'a mut Target,
    processes: &'a Processes,
    column: &'a mut Column,
}

impl Bench<'_> {
    /// CPU time per turn of `operation`.
    async fn row<F>(&mut self, row: Row, count: usize, operation: F) -> Result<()>
    where
        F: AsyncFn(&mut Caller, Turn) -> Result<()>,
    {
        eprintln!(
            "budgets: {}: {}, {count} times",
            self.column.name(),
            row.name()
        );
        let before = self.processes.cpu()?;
        let outcome = match self.target.drive(count, operation).await {
            Ok(()) => Outcome::Measured((self.processes.cpu()? - before) / count as f64),
            Err(error) => outcome_of(&error),
        };
        self.column.set(row, outcome);
        Ok(())
    }

    async fn create(&mut self) -> Result<()> {
        self.row(Row::Create, PODS, async |caller, turn| {
            let pod = bodies::pod(turn.index);
            caller
                .drain(Request::with_body("POST", pods(), JSON, pod))
                .await
                .map(drop)
        })
        .await
    }

    async fn reads(&mut self, effort: Effort) -> Result<()> {
        self.row(Row::Get, effort.reads, async |caller, turn| {
            caller
                .drain(Request::get(pod_path(turn.index)))
                .await
                .map(drop)
        })
        .await
    }

    async fn writes(&mut self, effort: Effort) -> Result<()> {
        let target = &mut *self.target;
        let configmaps = format!("/api/v1/namespaces/{NAMESPACE}/configmaps");
        let made = target.drive(OBJECTS, async |caller, turn| {
            let body = bodies::configmap(&format!("put-{}", turn.index), 0);
            caller
                .drain(Request::with_body("POST", configmaps.as_str(), JSON, body))
                .await
                .map(drop)
        });
        made.await.context("cannot create ConfigMaps")?;
        self.row(Row::PutConfigMap, effort.writes, async |caller, turn| {
            let name = format!("put-{}", turn.index % OBJECTS);
            let body = bodies::configmap(&name, turn.index + 1);
            caller
                .drain(Request::with_body(
                    "PUT",
                    format!("{configmaps}/{name}"),
                    JSON,
                    body,
                ))
                .await
                .map(drop)
        })
        .await?;
        self.row(Row::PatchStatus, effort.writes, async |caller, turn| {
            let path = format!("{}/status", pod_path(turn.index));
            caller
                .drain(Request::with_body(
                    "PATCH",
                    path,
                    MERGE,
                    bodies::status_patch(turn.index),
                ))
                .await
                .map(drop)
        })
        .await?;
        self.row(Row::Apply, effort.writes, async |caller, turn| {
            let name = format!("apply-{}", turn.index % OBJECTS);
            let path = format!("{configmaps}/{name}?fieldManager=budgets&force=true");
            let body = bodies::configmap(&name, turn.index);
            caller
                .drain(Request::with_body("PATCH", path, APPLY, body))
                .await
                .map(drop)
        })
        .await?;
        self.leases(effort).await
    }

    /// Each connection renews a lease of its own.
    async fn leases(&mut self, effort: Effort) -> Result<()> {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases");
        let versions = RefCell::new(vec![None::<String>; CONNECTIONS]);
        self.row(Row::PutLease, effort.writes, async |caller, turn| {
            let name = format!("node-{}", turn.connection);
            let known = versions.borrow()[turn.connection].clone();
            let body = bodies::lease(&name, known.as_deref(), turn.index);
            let request = match known {
                Some(_) => Request::with_body("PUT", format!("{path}/{name}"), JSON, body),
                None => Request::with_body("POST", path.as_str(), JSON, body),
            };
            let answer = caller.collect(request).await?;
            versions.borrow_mut()[turn.connection] = Some(resource_version(&answer)?);
            Ok(())
        })
        .await
    }

    async fn lists(&mut self, effort: Effort) -> Result<()> {
        for (row, accept) in [
            (Row::ListJson, JSON),
            (Row::ListProtobuf, PROTOBUF),
            (Row::ListTable, TABLE),
        ] {
            self.row(row, effort.lists, async |caller, _| {
                caller
                    .drain(Request {
                        accept,
                        ..Request::get(pods())
                    })
                    .await
                    .map(drop)
            })
            .await?;
        }
        self.row(Row::ListByNode, effort.reads / 4, async |caller, turn| {
            let path = format!(
                "{}?fieldSelector=spec.nodeName%3D{}",
                pods(),
                bodies::node(turn.index)
            );
            caller.drain(Request::get(path)).await.map(drop)
        })
        .await
    }

    /// What a watcher costs per event: all CPU time, less that of the writes, by watchers and events.
    async fn watch(&mut self, effort: Effort) -> Result<()> {
        let write = match self.column.get(Row::PatchStatus) {
            Some(Outcome::Measured(cost)) => *cost,
            _ => {
                self.column.set(Row::Watch, Outcome::NotYet);
                return Ok(());
            }
        };
        let events = effort.events;
        eprintln!(
            "budgets: {}: {}, {events} events",
            self.column.name(),
            Row::Watch.name()
        );
        let write_one = |round: usize| {
            let path = format!("{}/status", pod_path(round % 10));
            Request::with_body("PATCH", path, MERGE, bodies::status_patch(100_000 + round))
        };
        let measured = watchers::measure(self.target, self.processes, pods(), events, write_one);
        let outcome = match measured.await {
            Ok(total) => {
                let cost = (total - events as f64 * write) / (events * watchers::WATCHERS) as f64;
                Outcome::Measured(cost.max(0.0))
            }
            Err(error) => outcome_of(&error),
        };
        self.column.set(Row::Watch, outcome);
        Ok(())
    }

    async fn delete(&mut self) -> Result<()> {
        self.row(Row::Delete, PODS, async |caller, turn| {
            let path = format!("{}?gracePeriodSeconds=0", pod_path(turn.index));
            caller
                .drain(Request {
                    method: "DELETE",
                    ..Request::get(path)
                })
                .await
                .map(drop)
        })
        .await
    }
}

/// Answers to what a server does not know are no failure of the measurement.
fn outcome_of(error: &anyhow::Error) -> Outcome {
    match error.downcast_ref::<Refused>() {
        Some(Refused {
            status: 404 | 405 | 415,
            ..
        }) => Outcome::NotYet,
        _ => Outcome::Failed(format!("{error:#}")),
    }
}

/// Makes the namespace and the service account that a controller would make in it.
async fn prepare(target: &mut Target) -> Result<()> {
    let namespace = json!({"metadata": {"name": NAMESPACE}});
    make(target, "/api/v1/namespaces", &namespace).await?;
    let accounts = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
    make(target, &accounts, &json!({"metadata": {"name": "default"}})).await
}

async fn make(target: &mut Target, path: &str, object: &Value) -> Result<()> {
    let request = Request::with_body("POST", path, JSON, object.to_string().into());
    match target.one(request).await {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .downcast_ref::<Refused>()
                .is_some_and(|refused| refused.status == 409) =>
        {
            Ok(())
        }
        Err(error) => Err(error).with_context(|| format!("cannot create {object} at {path}")),
    }
}

/// Leaves a server that was there before as it was, as far as it lets one.
async fn tidy_up(target: &mut Target) {
    for path in [
        format!("/api/v1/namespaces/{NAMESPACE}/pods?gracePeriodSeconds=0"),
        format!("/api/v1/namespaces/{NAMESPACE}/configmaps"),
        format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"),
        format!("/api/v1/namespaces/{NAMESPACE}"),
    ] {
        target
            .one(Request {
                method: "DELETE",
                ..Request::get(path)
            })
            .await
            .ok();
    }
}

fn pods() -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/pods")
}

/// Pods in an order that is not that of their creation.
fn pod_path(index: usize) -> String {
    format!("{}/web-{:05}", pods(), index * 7_919 % PODS)
}

/// The first resourceVersion in an object's JSON, which is the object's own.
fn resource_version(object: &Bytes) -> Result<String> {
    const KEY: &[u8] = b"\"resourceVersion\":\"";
    let start = memchr::memmem::find(object, KEY).context("an object without a resourceVersion")?
        + KEY.len();
    let length = memchr::memchr(b'"', &object[start..]).context("an object that breaks off")?;
    Ok(String::from_utf8_lossy(&object[start..start + length]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pod_is_met_once() {
        let mut paths: Vec<String> = (0..PODS).map(pod_path).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), PODS);
    }

    #[test]
    fn the_version_of_an_object_is_found() {
        let object = Bytes::from_static(br#"{"metadata":{"name":"a","resourceVersion":"17"}}"#);
        assert_eq!(resource_version(&object).unwrap(), "17");
    }
}
