//! `RuntimeClass`: a pod has the overhead of the runtime that it wants, and goes where that is.

use std::sync::Arc;

use pintle_api::core::v1::{Pod, PodMut};
use pintle_api::node::v1::RuntimeClass;
use pintle_endpoints::admission::{Attributes, Interest, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::amounts::amounts;
use super::lookup::{Lookup, Place};
use super::rule::Rule;
use super::tolerations;

const RUNTIME_CLASSES: Place = ("node.k8s.io", "v1", "runtimeclasses");

/// The plug-in.
pub(super) struct RuntimeClasses(pub Lookup);

impl RuntimeClasses {
    fn class(
        &self,
        attributes: &Attributes<'_>,
        pod: Pod<'_>,
    ) -> Result<Option<Arc<Record>>, ApiError> {
        let Some(name) = pod.spec().runtime_class_name() else {
            return Ok(None);
        };
        let found = self.0.object(RUNTIME_CLASSES, "", name)?;
        if found.is_none() {
            let why = format!("pod rejected: RuntimeClass \"{name}\" not found");
            return Err(attributes.forbid(why));
        }
        Ok(found)
    }
}

impl Rule for RuntimeClasses {
    const NAME: &'static str = "RuntimeClass";

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::BOTH.when(target.is("", "pods") && target.creates())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let Some(class) = self.class(attributes, Pod::from_record(object))? else {
            return Ok(());
        };
        let class = RuntimeClass::from_record(&class);
        let mut pod = PodMut::from_record(object);
        if let Some(overhead) = class.overhead() {
            let there = pod.view().spec().overhead();
            if there.is_present() && amounts(there) != amounts(overhead.pod_fixed()) {
                return Err(attributes.forbid(OTHER_OVERHEAD));
            }
            if let Some(fixed) = overhead.pod_fixed().map() {
                pod.spec_mut().set_overhead(fixed.clone());
            }
        }
        if let Some(scheduling) = class.scheduling() {
            for (key, value) in scheduling.node_selector().iter() {
                let said = pod.view().spec().node_selector().get(key);
                if let Some(said) = said.filter(|said| *said != value) {
                    return Err(attributes.forbid(format!(
                        "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; \
                         pod.spec.nodeSelector[{key}] = {said}"
                    )));
                }
                let mut spec = pod.spec_mut();
                spec.node_selector_mut()
                    .insert(key.to_owned(), value.to_owned());
            }
            let own = tolerations::records(pod.view().spec().tolerations());
            let more = tolerations::records(scheduling.tolerations());
            tolerations::set(&mut pod, tolerations::merge(own, more));
        }
        Ok(())
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let pod = Pod::from_record(object);
        let class = self.class(attributes, pod)?;
        let class = class.as_deref().map(RuntimeClass::from_record);
        let there = pod.spec().overhead();
        match class.and_then(RuntimeClass::overhead) {
            Some(overhead) if amounts(overhead.pod_fixed()) != amounts(there) => {
                Err(attributes.forbid(OTHER_OVERHEAD))
            }
            None if there.is_present() => Err(attributes.forbid(
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
            )),
            _ => Ok(()),
        }
    }
}

const OTHER_OVERHEAD: &str =
    "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
