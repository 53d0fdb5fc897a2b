//! One pass over one scenario.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{Instant, sleep};

use super::answer::{self, PARTS};
use super::json::Json;
use super::matcher::{Difference, Matcher, Variables};
use super::prepare::{Prepared, Tokens, fill, prepare};
use super::scenario::{Poll, Scenario, Step, WatchExpect};
use super::surroundings::{Surroundings, created};
use super::watch::Watch;
use crate::http::{Answer, Client};

/// Time between two looks of a poll.
const INTERVAL: Duration = Duration::from_millis(100);
/// Seconds that a poll may take whose step is known to fail.
const HOPELESS: f64 = 1.0;

/// A step that was compared, and what was wrong.
#[derive(Debug)]
pub(super) struct StepResult {
    /// The step's name; `setup` if there was no namespace to run in.
    pub(super) step: String,
    /// Empty if the step passed.
    pub(super) differences: Vec<Difference>,
}

/// Runs `scenario` in the namespace of that name, and removes what it created. For steps that are
/// `expected_to_fail`, and for what only leads to them, a poll waits less long.
pub(super) async fn run(
    client: &mut Client,
    tokens: &Tokens,
    scenario: &Scenario,
    namespace: &str,
    expected_to_fail: impl Fn(&str) -> bool,
) -> Vec<StepResult> {
    if scenario.namespace
        && let Err(error) = (Surroundings { client, tokens })
            .prepare(scenario, namespace)
            .await
    {
        let difference = Difference::new(
            "",
            Some(Json::string("a namespace")),
            None,
            format!("{error:#}"),
        );
        return vec![StepResult {
            step: "setup".into(),
            differences: vec![difference],
        }];
    }
    let mut run = Run {
        client,
        tokens,
        variables: Variables::from([("NS".into(), Json::string(namespace))]),
        matcher: Matcher::new(namespace),
        watches: HashMap::new(),
        created: Vec::new(),
        hopeless: false,
    };
    let mut results = Vec::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        let compared = scenario.steps[index..].iter().find(|step| step.assert);
        run.hopeless = compared.is_some_and(|step| expected_to_fail(&step.name));
        sleep(Duration::from_secs_f64(step.delay.unwrap_or(0.0))).await;
        let differences = run.step(step).await.unwrap_or_else(|error| {
            vec![Difference::new(
                "",
                Some(Json::string("a response")),
                None,
                format!("{error:#}"),
            )]
        });
        if step.assert || !differences.is_empty() {
            results.push(StepResult {
                step: step.name.clone(),
                differences,
            });
        }
    }
    let Run { mut created, .. } = run;
    created.reverse();
    created.extend(
        scenario
            .namespace
            .then(|| format!("/api/v1/namespaces/{namespace}")),
    );
    for path in created {
        Surroundings { client, tokens }.remove(&path).await;
    }
    results
}

struct Run<'a> {
    client: &'a mut Client,
    tokens: &'a Tokens,
    variables: Variables,
    matcher: Matcher,
    watches: HashMap<String, Watch>,
    /// Paths, in the order of creation.
    created: Vec<String>,
    /// Whether the step is known to fail.
    hopeless: bool,
}

impl Run<'_> {
    async fn step(&mut self, step: &Step) -> Result<Vec<Difference>> {
        if let Some(expected) = &step.watch_expect {
            return Ok(self.look(step, expected).await);
        }
        let (answer, request) = if let Some(watch) = &step.watch {
            let request = prepare(watch, self.tokens, &self.variables)?;
            let (watch, answer) = self
                .open(watch.id.clone().context("a watch without an id")?, request)
                .await?;
            (answer, watch)
        } else {
            let request = step.request.as_ref().context("a step that does nothing")?;
            let request = prepare(request, self.tokens, &self.variables)?;
            (self.ask(&request, step.poll.as_ref()).await?, request)
        };
        self.created.extend(created(&request, &answer));
        let document = answer::document(&answer, step);
        self.capture(step, &answer, document.as_ref());
        if !step.assert {
            return Ok(Vec::new());
        }
        Ok(self.settle(step, &answer::describe(&answer, document.as_ref(), step)))
    }

    /// Gives the request back without what was sent, for it to be remembered by.
    async fn open(&mut self, id: String, request: Prepared) -> Result<(Prepared, Answer)> {
        let sent = Prepared {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: Vec::new(),
            body: None,
        };
        let (watch, answer) = Watch::open(self.client.endpoint(), request).await?;
        self.watches.insert(id, watch);
        Ok((sent, answer))
    }

    async fn ask(&mut self, request: &Prepared, poll: Option<&Poll>) -> Result<Answer> {
        let started = Instant::now();
        loop {
            let answer = self
                .client
                .request(
                    &request.method,
                    &request.path,
                    &request.headers,
                    request.body.clone(),
                )
                .await?;
            let Some(poll) = poll else { return Ok(answer) };
            let patience = if self.hopeless {
                poll.timeout.min(HOPELESS)
            } else {
                poll.timeout
            };
            if self.is_as_wanted(poll, &answer) || started.elapsed().as_secs_f64() > patience {
                return Ok(answer);
            }
            sleep(INTERVAL).await;
        }
    }

    fn is_as_wanted(&self, poll: &Poll, answer: &Answer) -> bool {
        if poll.status.is_some_and(|status| status != answer.status) {
            return false;
        }
        if let Some(wanted) = &poll.contains
            && !answer.text().contains(
                fill(&Json::string(wanted), &self.variables)
                    .as_str()
                    .unwrap_or_default(),
            )
        {
            return false;
        }
        let Some(pointer) = &poll.pointer else {
            return true;
        };
        let Ok(document) = Json::parse(&answer.body) else {
            return false;
        };
        let Some(value) = document.at(pointer) else {
            return false;
        };
        poll.equals
            .as_ref()
            .is_none_or(|wanted| fill(wanted, &self.variables) == *value)
    }

    fn capture(&mut self, step: &Step, answer: &Answer, document: Option<&Json>) {
        if let Some(document) = document {
            for (name, pointer) in &step.capture {
                match document.at(pointer) {
                    Some(value) => self.variables.insert(name.clone(), value.clone()),
                    None => self.variables.remove(name),
                };
            }
        }
        for (name, header) in &step.capture_header {
            if let Some(value) = answer::header(answer, &header.to_lowercase()).first() {
                self.variables.insert(name.clone(), Json::string(*value));
            }
        }
    }

    async fn look(&mut self, step: &Step, look: &WatchExpect) -> Vec<Difference> {
        let Some(watch) = self.watches.get_mut(&look.id) else {
            let watch = Json::string(format!("watch {}", look.id));
            return vec![Difference::new("", Some(watch), None, "not open")];
        };
        let expected = match step.expect.as_ref().and_then(|expect| expect.get("events")) {
            Some(Json::List(events)) => events.len(),
            _ => 0,
        };
        let patience = Duration::from_secs_f64(look.timeout);
        let events = watch
            .take(expected, patience, Duration::from_secs_f64(look.quiet))
            .await;
        if look.close {
            watch.close();
        }
        if !step.assert {
            return Vec::new();
        }
        let shown = events.into_iter().map(|event| {
            let part = |name| event.get(name).cloned().unwrap_or(Json::Null);
            Json::Object(vec![
                ("type".into(), part("type")),
                ("object".into(), answer::project(part("object"), step)),
            ])
        });
        let mut parts = vec![("events".into(), Json::List(shown.collect()))];
        if look.ended {
            parts.push(("ended".into(), Json::Bool(watch.ends(patience).await)));
        }
        self.settle(step, &Json::Object(parts))
    }

    /// Compares part by part.
    fn settle(&mut self, step: &Step, got: &Json) -> Vec<Difference> {
        let Some(expect) = &step.expect else {
            return vec![Difference::new(
                "",
                Some(Json::string("a recorded answer")),
                None,
                "missing",
            )];
        };
        let mut out = Vec::new();
        for part in PARTS {
            match (expect.get(part), got.get(part)) {
                (Some(want), Some(got)) => {
                    self.matcher
                        .compare(&self.variables, want, got, part, &mut out);
                }
                (None, None) => {}
                (want, got) => {
                    let why = if want.is_some() {
                        "missing"
                    } else {
                        "unexpected"
                    };
                    out.push(Difference::new(part, want.cloned(), got.cloned(), why));
                }
            }
        }
        out
    }
}
