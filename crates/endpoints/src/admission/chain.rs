//! All plug-ins of a server, in order, and those of them that care about a resource.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::{Attributes, Interest, Operation, Plugin, Target};
use crate::context::RequestContext;
use crate::metrics::{AdmissionMetrics, Durations};

/// All plug-ins of a server, in their order.
#[derive(Clone, Default)]
pub struct Chain {
    plugins: Arc<[Arc<dyn Plugin>]>,
    metrics: Arc<AdmissionMetrics>,
}

impl Chain {
    /// These plug-ins, asked in this order.
    pub fn new(plugins: Vec<Arc<dyn Plugin>>) -> Self {
        Self {
            plugins: plugins.into(),
            metrics: Arc::default(),
        }
    }

    /// Names of the plug-ins, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.plugins.iter().map(|plugin| plugin.name())
    }

    /// How long they take.
    pub fn metrics(&self) -> &AdmissionMetrics {
        &self.metrics
    }

    /// The plug-ins that care about a resource, or about a subresource of it.
    pub fn interested(&self, resource: &Resource, subresource: &str) -> Interested {
        Interested(Operation::ALL.map(|operation| {
            let target = Target {
                resource,
                subresource,
                operation,
            };
            let pass = |name, takes_part: fn(Interest) -> bool| Pass {
                members: self
                    .plugins
                    .iter()
                    .filter(|plugin| takes_part(plugin.interest(target)))
                    .map(|plugin| Member {
                        plugin: Arc::clone(plugin),
                        durations: self.metrics.durations(plugin.name(), operation, name),
                    })
                    .collect(),
                durations: Some(self.metrics.durations("", operation, name)),
            };
            Passes {
                mutating: pass("admit", |interest| interest.mutates),
                validating: pass("validate", |interest| interest.validates),
            }
        }))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The plug-ins that care about a resource, for each operation.
#[derive(Clone, Default)]
pub struct Interested([Passes; 4]);

#[derive(Clone, Default)]
struct Passes {
    mutating: Pass,
    validating: Pass,
}

/// The plug-ins that take part in a pass.
#[derive(Clone, Default)]
struct Pass {
    members: Box<[Member]>,
    /// There where there are plug-ins.
    durations: Option<Durations>,
}

#[derive(Clone)]
struct Member {
    plugin: Arc<dyn Plugin>,
    durations: Durations,
}

/// Measures a pass: where one plug-in ends, the next begins.
struct Clock<'a> {
    pass: &'a Pass,
    begun: Instant,
    last: Instant,
}

impl<'a> Clock<'a> {
    fn start(pass: &'a Pass) -> Self {
        let now = Instant::now();
        Self {
            pass,
            begun: now,
            last: now,
        }
    }

    /// A plug-in has answered.
    fn answered(&mut self, member: &Member, refused: bool) {
        let now = Instant::now();
        member.durations.observe(now - self.last, refused);
        self.last = now;
        if refused {
            self.end(refused);
        }
    }

    /// The pass is over.
    fn end(&self, refused: bool) {
        if let Some(durations) = &self.pass.durations {
            durations.observe(self.last - self.begun, refused);
        }
    }
}

impl Interested {
    /// Whether there is any plug-in for an operation: else nothing has to be made for it.
    pub fn cares(&self, operation: Operation) -> bool {
        let passes = self.of(operation);
        !passes.mutating.members.is_empty() || !passes.validating.members.is_empty()
    }

    /// The first pass: every plug-in may change the object, until one refuses.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn mutate(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        mut object: Option<&mut Record>,
    ) -> Result<(), ApiError> {
        let pass = &self.of(attributes.operation).mutating;
        let mut clock = Clock::start(pass);
        for member in &pass.members {
            let answer = member.plugin.mutate(cx, attributes, object.as_deref_mut());
            let answer = answer.wait().await;
            clock.answered(member, answer.is_err());
            answer?;
        }
        clock.end(false);
        Ok(())
    }

    /// The second pass: every plug-in looks at what is about to be written, until one refuses.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn validate(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: Option<&Record>,
    ) -> Result<(), ApiError> {
        let pass = &self.of(attributes.operation).validating;
        let mut clock = Clock::start(pass);
        for member in &pass.members {
            let answer = member.plugin.validate(cx, attributes, object);
            let answer = answer.wait().await;
            clock.answered(member, answer.is_err());
            answer?;
        }
        clock.end(false);
        Ok(())
    }

    fn of(&self, operation: Operation) -> &Passes {
        &self.0[operation as usize]
    }
}

impl fmt::Debug for Interested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pass: &Pass| -> Vec<_> {
            let members = pass.members.iter();
            members.map(|member| member.plugin.name()).collect()
        };
        f.debug_map()
            .entries(Operation::ALL.into_iter().map(|operation| {
                let passes = self.of(operation);
                (
                    operation.as_str(),
                    (names(&passes.mutating), names(&passes.validating)),
                )
            }))
            .finish()
    }
}
