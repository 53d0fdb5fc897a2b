//! The operations of the table, in an order in which each finds what it needs.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::bodies;
use crate::load::{Caller, JSON, PROTOBUF, Refused, Request, TABLE, Target, Turn};
use crate::options::Options;
use crate::processes::Processes;
use crate::report::{Column, Outcome};
use crate::rows::{CROWD, CROWD_WRITES, IDLE_WATCHES, Row, Size};
use crate::{crowd, rest, watchers};

/// Enough of them for two connections not to meet at one.
const OBJECTS: usize = 256;
const MERGE: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const LISTS: [(Row, &str); 3] = [
    (Row::ListJson, JSON),
    (Row::ListProtobuf, PROTOBUF),
    (Row::ListTable, TABLE),
];

/// How often each operation is repeated. CPU time comes in steps of 10 ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    reads: usize,
    writes: usize,
    lists: usize,
    events: usize,
}

impl Effort {
    const FULL: Self = Self {
        reads: 40_000,
        writes: 8_000,
        lists: 96,
        events: 200,
    };
    const QUICK: Self = Self {
        reads: 8_000,
        writes: 2_000,
        lists: 32,
        events: 40,
    };

    fn of(options: &Options) -> Self {
        let effort = if options.quick {
            Self::QUICK
        } else {
            Self::FULL
        };
        let longer = options.size.pods.div_ceil(5_000);
        Self {
            lists: effort.lists.div_ceil(longer),
            ..effort
        }
    }
}

/// What a server is measured with.
pub(crate) struct Bench<'a> {
    target: &'a mut Target,
    processes: Processes,
    column: &'a mut Column,
    size: Size,
    effort: Effort,
}

impl<'a> Bench<'a> {
    /// For a server that has nothing to do yet, which is measured first.
    pub(crate) async fn new(
        target: &'a mut Target,
        processes: Processes,
        column: &'a mut Column,
        options: &Options,
    ) -> Result<Self> {
        // What start-up left to be done in the background is not what idling costs.
        rest().await;
        column.measured(Row::Idle, processes.memory()?);
        Ok(Self {
            target,
            processes,
            column,
            size: options.size,
            effort: Effort::of(options),
        })
    }

    /// Makes the namespaces, the service accounts that a controller would make in them, and the pods.
    pub(crate) async fn fill(&mut self) -> Result<()> {
        for number in 0..self.size.namespaces {
            let namespace = namespace(number, &self.size);
            let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
            let namespace = json!({"metadata": {"name": namespace}});
            make(self.target, "/api/v1/namespaces", &namespace).await?;
            make(
                self.target,
                &accounts,
                &json!({"metadata": {"name": "default"}}),
            )
            .await?;
        }
        let size = self.size;
        self.row(Row::Create, size.pods, async |caller, turn| {
            let pod = bodies::pod(turn.index, &size);
            caller
                .drain(Request::with_body(
                    "POST",
                    pods_beside(turn.index, &size),
                    JSON,
                    pod,
                ))
                .await
                .map(drop)
        })
        .await
    }

    /// Measures all operations, and the memory after them.
    pub(crate) async fn operate(&mut self) -> Result<()> {
        self.reads().await?;
        self.lists().await?;
        self.writes().await?;
        self.watch().await?;
        // For all pods to be there in all forms, as where some list them one way and some another.
        for (_, accept) in LISTS {
            self.one_list(accept).await?;
        }
        rest().await;
        let memory = self.processes.memory()?;
        self.column.measured(Row::Memory, memory);
        Ok(())
    }

    /// CPU time per turn of `operation`.
    async fn row<F>(&mut self, row: Row, count: usize, operation: F) -> Result<()>
    where
        F: AsyncFn(&mut Caller, Turn) -> Result<()>,
    {
        self.say(row, &format!("{count} times"));
        let before = self.processes.cpu()?;
        let outcome = match self.target.drive(count, operation).await {
            Ok(()) => Outcome::Measured((self.processes.cpu()? - before) / count as f64),
            Err(error) => outcome_of(&error),
        };
        self.column.set(row, outcome);
        Ok(())
    }

    fn say(&self, row: Row, what: &str) {
        eprintln!(
            "budgets: {}: {}, {what}",
            self.column.name(),
            row.name(&self.size)
        );
    }

    async fn reads(&mut self) -> Result<()> {
        let size = self.size;
        self.row(Row::Get, self.effort.reads, async |caller, turn| {
            caller
                .drain(Request::get(pod_path(turn.index, &size)))
                .await
                .map(drop)
        })
        .await
    }

    async fn lists(&mut self) -> Result<()> {
        let size = self.size;
        let mut lengths = Vec::new();
        for (row, accept) in LISTS {
            // What is made at the first list is made once.
            lengths.push((row, self.one_list(accept).await?));
            self.row(row, self.effort.lists, async |caller, _| {
                let request = Request {
                    accept,
                    ..Request::get(pods(&size))
                };
                caller.drain(request).await.map(drop)
            })
            .await?;
        }
        for (row, length) in lengths {
            let megabytes = length as f64 / 1_000_000.0;
            self.column
                .note(format!("{}: {megabytes:.1} MB", row.name(&size)));
        }
        self.row(
            Row::ListByNode,
            self.effort.reads / 4,
            async |caller, turn| {
                let node = bodies::node(turn.index, &size);
                let path = format!("{}?fieldSelector=spec.nodeName%3D{node}", pods(&size));
                caller.drain(Request::get(path)).await.map(drop)
            },
        )
        .await
    }

    /// The length of a list of all pods; zero where there is none.
    async fn one_list(&mut self, accept: &str) -> Result<usize> {
        let request = Request {
            accept,
            ..Request::get(pods(&self.size))
        };
        let list = self.target.one(request).await;
        Ok(list.map_or(0, |list| list.len()))
    }

    async fn writes(&mut self) -> Result<()> {
        let (size, writes) = (self.size, self.effort.writes);
        let target = &mut *self.target;
        let made = target.drive(OBJECTS, async |caller, turn| {
            let body = bodies::configmap(&put_name(turn.index), 0);
            let request = Request::with_body("POST", configmaps(&size), JSON, body);
            caller.drain(request).await.map(drop)
        });
        made.await.context("cannot create ConfigMaps")?;
        self.row(Row::PutConfigMap, writes, async |caller, turn| {
            let name = put_name(turn.index);
            let body = bodies::configmap(&name, turn.index + 1);
            let path = format!("{}/{name}", configmaps(&size));
            let request = Request::with_body("PUT", path, JSON, body);
            caller.drain(request).await.map(drop)
        })
        .await?;
        self.row(Row::PatchStatus, writes, async |caller, turn| {
            let path = format!("{}/status", pod_path(turn.index, &size));
            let patch = bodies::status_patch(turn.index);
            let request = Request::with_body("PATCH", path, MERGE, patch);
            caller.drain(request).await.map(drop)
        })
        .await?;
        self.row(Row::Apply, writes, async |caller, turn| {
            let name = format!("apply-{}", turn.index % OBJECTS);
            let path = format!(
                "{}/{name}?fieldManager=budgets&force=true",
                configmaps(&size)
            );
            let body = bodies::configmap(&name, turn.index);
            let request = Request::with_body("PATCH", path, APPLY, body);
            caller.drain(request).await.map(drop)
        })
        .await?;
        self.leases().await
    }

    /// Each connection renews a lease of its own.
    async fn leases(&mut self) -> Result<()> {
        let namespace = namespace(0, &self.size);
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
        let versions = RefCell::new(vec![None::<String>; self.size.connections]);
        self.row(Row::PutLease, self.effort.writes, async |caller, turn| {
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

    /// What a watcher costs per event: all CPU time, less that of the writes, by watchers and events.
    async fn watch(&mut self) -> Result<()> {
        let write = match self.column.get(Row::PatchStatus) {
            Some(Outcome::Measured(cost)) => *cost,
            _ => {
                self.column.set(Row::Watch, Outcome::NotYet);
                return Ok(());
            }
        };
        let (size, events) = (self.size, self.effort.events);
        self.say(Row::Watch, &format!("{events} events"));
        let write_one = |round: usize| {
            let path = format!("{}/status", pod_path(round % 10, &size));
            Request::with_body("PATCH", path, MERGE, bodies::status_patch(100_000 + round))
        };
        let collection = pods(&size);
        let measured = watchers::measure(
            self.target,
            &self.processes,
            &collection,
            size.watchers,
            events,
            write_one,
        );
        let outcome = match measured.await {
            Ok(total) => {
                let cost = (total - events as f64 * write) / (events * size.watchers) as f64;
                Outcome::Measured(cost.max(0.0))
            }
            Err(error) => outcome_of(&error),
        };
        self.column.set(Row::Watch, outcome);
        Ok(())
    }

    /// The server has started again, with everything there.
    pub(crate) fn restarted(&mut self, processes: Vec<u32>, start: Duration) {
        self.processes = Processes::new(processes);
        self.target.disconnect();
        self.column
            .measured(Row::Restart, start.as_secs_f64() * 1_000_000.0);
    }

    /// Many watchers, and writers one by one and all at once.
    pub(crate) async fn crowds(&mut self) -> Result<()> {
        self.say(Row::IdleWatches, "once");
        let (pods, configmaps) = (pods(&self.size), configmaps(&self.size));
        let idle = crowd::idle(self.target, &self.processes, &pods, IDLE_WATCHES).await;
        let outcome = |measured: Result<f64>| match measured {
            Ok(measured) => Outcome::Measured(measured),
            Err(error) => outcome_of(&error),
        };
        self.column.set(Row::IdleWatches, outcome(idle));
        self.say(Row::WatchLatency, "for some seconds");
        let told = crowd::latency(self.target, &configmaps, CROWD, CROWD_WRITES).await;
        self.column.set(Row::WatchLatency, outcome(told));
        let writes = self.effort.writes;
        let alone = self.writers(Row::OneWriter, 1, writes / 8).await?;
        self.column.measured(Row::OneWriter, alone * 1_000_000.0);
        let together = self
            .writers(Row::Throughput, self.size.connections, writes)
            .await?;
        self.column.measured(Row::Throughput, 1.0 / together);
        Ok(())
    }

    /// Seconds between two writes that are durable.
    async fn writers(&mut self, row: Row, connections: usize, count: usize) -> Result<f64> {
        self.say(row, &format!("{count} times"));
        let size = self.size;
        let began = Instant::now();
        let written = self
            .target
            .drive_on(connections, count, async |caller, turn| {
                let name = put_name(turn.index);
                let body = bodies::stamped(&name, turn.index as u128);
                let path = format!("{}/{name}", configmaps(&size));
                let request = Request::with_body("PUT", path, JSON, body);
                caller.drain(request).await.map(drop)
            });
        written.await?;
        Ok(began.elapsed().as_secs_f64() / count as f64)
    }

    /// Deletes the pods, which is measured, and everything else: a server that was there before is left as it was, as
    /// far as it lets one.
    pub(crate) async fn empty(&mut self) -> Result<()> {
        let size = self.size;
        self.row(Row::Delete, size.pods, async |caller, turn| {
            let path = format!("{}?gracePeriodSeconds=0", pod_path(turn.index, &size));
            let request = Request {
                method: "DELETE",
                ..Request::get(path)
            };
            caller.drain(request).await.map(drop)
        })
        .await?;
        for number in 0..size.namespaces {
            let namespace = namespace(number, &size);
            for path in [
                format!("/api/v1/namespaces/{namespace}/configmaps"),
                format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"),
                format!("/api/v1/namespaces/{namespace}"),
            ] {
                let request = Request {
                    method: "DELETE",
                    ..Request::get(path)
                };
                self.target.one(request).await.ok();
            }
        }
        Ok(())
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

fn namespace(index: usize, size: &Size) -> String {
    match index % size.namespaces {
        0 => "budgets".to_owned(),
        number => format!("budgets-{number}"),
    }
}

/// The collection of all pods.
fn pods(size: &Size) -> String {
    match size.namespaces {
        1 => pods_beside(0, size),
        _ => "/api/v1/pods".to_owned(),
    }
}

/// The collection that a pod is in.
fn pods_beside(index: usize, size: &Size) -> String {
    format!("/api/v1/namespaces/{}/pods", namespace(index, size))
}

/// Pods in an order that is not that of their creation.
fn pod_path(index: usize, size: &Size) -> String {
    let index = index * 7_919 % size.pods;
    format!("{}/{}", pods_beside(index, size), bodies::pod_name(index))
}

fn configmaps(size: &Size) -> String {
    format!("/api/v1/namespaces/{}/configmaps", namespace(0, size))
}

fn put_name(index: usize) -> String {
    format!("put-{}", index % OBJECTS)
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
        let size = Size {
            namespaces: 7,
            ..Size::default()
        };
        let mut paths: Vec<String> = (0..size.pods).map(|at| pod_path(at, &size)).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), size.pods);
    }

    #[test]
    fn the_version_of_an_object_is_found() {
        let object = Bytes::from_static(br#"{"metadata":{"name":"a","resourceVersion":"17"}}"#);
        assert_eq!(resource_version(&object).unwrap(), "17");
    }
}
