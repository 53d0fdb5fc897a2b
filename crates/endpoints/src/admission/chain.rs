//! All plug-ins of a server, in order, and those of them that care about a resource.

use std::fmt;
use std::sync::Arc;

use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::{Attributes, Operation, Plugin, Target};
use crate::context::RequestContext;

/// All plug-ins of a server, in their order.
#[derive(Clone, Default)]
pub struct Chain(Arc<[Arc<dyn Plugin>]>);

impl Chain {
    /// These plug-ins, asked in this order.
    pub fn new(plugins: Vec<Arc<dyn Plugin>>) -> Self {
        Self(plugins.into())
    }

    /// Names of the plug-ins, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|plugin| plugin.name())
    }

    /// The plug-ins that care about a resource, or about a subresource of it.
    pub fn interested(&self, resource: &Resource, subresource: &str) -> Interested {
        Interested(Operation::ALL.map(|operation| {
            let target = Target {
                resource,
                subresource,
                operation,
            };
            let asked = || {
                self.0
                    .iter()
                    .map(|plugin| (plugin, plugin.interest(target)))
            };
            let only =
                |(plugin, cares): (&Arc<dyn Plugin>, bool)| cares.then(|| Arc::clone(plugin));
            Passes {
                mutating: asked()
                    .filter_map(|(plugin, interest)| only((plugin, interest.mutates)))
                    .collect(),
                validating: asked()
                    .filter_map(|(plugin, interest)| only((plugin, interest.validates)))
                    .collect(),
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
    mutating: Box<[Arc<dyn Plugin>]>,
    validating: Box<[Arc<dyn Plugin>]>,
}

impl Interested {
    /// Whether there is any plug-in for an operation: else nothing has to be made for it.
    pub fn cares(&self, operation: Operation) -> bool {
        let passes = self.of(operation);
        !passes.mutating.is_empty() || !passes.validating.is_empty()
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
        for plugin in &self.of(attributes.operation).mutating {
            plugin
                .mutate(cx, attributes, object.as_deref_mut())
                .wait()
                .await?;
        }
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
        for plugin in &self.of(attributes.operation).validating {
            plugin.validate(cx, attributes, object).wait().await?;
        }
        Ok(())
    }

    fn of(&self, operation: Operation) -> &Passes {
        &self.0[operation as usize]
    }
}

impl fmt::Debug for Interested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |plugins: &[Arc<dyn Plugin>]| -> Vec<_> {
            plugins.iter().map(|plugin| plugin.name()).collect()
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
