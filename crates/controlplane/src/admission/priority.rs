//! `Priority`: a pod's priority is that of its class, and there is one default class at most.

use pintle_api::core::v1::{Pod, PodMut};
use pintle_api::scheduling::v1::PriorityClass;
use pintle_endpoints::admission::{Attributes, Interest, Operation, Target};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use super::lookup::{Computed, Lookup, Place};
use super::rule::Rule;

const CLASSES: Place = ("scheduling.k8s.io", "v1", "priorityclasses");

/// The plug-in.
pub(super) struct Priority {
    lookup: Lookup,
    default: Computed<Option<Class>>,
}

/// What counts of a priority class.
#[derive(Debug, Clone)]
struct Class {
    name: String,
    value: i32,
    preemption: Option<String>,
}

impl Class {
    fn of(object: &Record) -> Self {
        let class = PriorityClass::from_record(object);
        Self {
            name: class.metadata().name().to_owned(),
            value: class.value(),
            preemption: class.preemption_policy().map(str::to_owned),
        }
    }
}

impl Priority {
    pub(super) fn new(lookup: Lookup) -> Self {
        Self {
            lookup,
            default: Computed::default(),
        }
    }

    /// The default class; of several, which a race can make, the lowest.
    fn default(&self) -> Result<Option<Class>, ApiError> {
        let found = self.default.get(&self.lookup, CLASSES, |entries| {
            let mut lowest: Option<Class> = None;
            for entry in entries {
                let object = entry.record()?;
                let class = Class::of(&object);
                let is_default = PriorityClass::from_record(&object).global_default();
                if is_default && lowest.as_ref().is_none_or(|it| it.value > class.value) {
                    lowest = Some(class);
                }
            }
            Ok(lowest)
        })?;
        Ok((*found).clone())
    }

    fn class_of(&self, attributes: &Attributes<'_>, pod: Pod<'_>) -> Result<Class, ApiError> {
        let name = pod.spec().priority_class_name();
        if name.is_empty() {
            return Ok(self.default()?.unwrap_or_else(|| Class {
                name: String::new(),
                value: 0,
                preemption: Some("PreemptLowerPriority".to_owned()),
            }));
        }
        let found = self.lookup.object(CLASSES, "", name)?;
        let why = || format!("no PriorityClass with name {name} was found");
        found
            .map(|object| Class::of(&object))
            .ok_or_else(|| attributes.forbid(why()))
    }

    fn classify(&self, attributes: &Attributes<'_>, mut pod: PodMut<'_>) -> Result<(), ApiError> {
        let class = self.class_of(attributes, pod.view())?;
        let mut spec = pod.spec_mut();
        let computed = "must not be provided in pod spec; priority admission controller computed";
        if spec.view().priority_class_name().is_empty() && !class.name.is_empty() {
            spec.set_priority_class_name(class.name.clone());
        }
        if let Some(said) = spec.view().priority().filter(|said| *said != class.value) {
            return Err(attributes.forbid(format!(
                "the integer value of priority ({said}) {computed} {} from the given PriorityClass name",
                class.value
            )));
        }
        spec.set_priority(class.value);
        let Some(policy) = class.preemption else {
            return Ok(());
        };
        if let Some(said) = spec
            .view()
            .preemption_policy()
            .filter(|said| *said != policy)
        {
            return Err(attributes.forbid(format!(
                "the string value of PreemptionPolicy ({said}) {computed} {policy} from the given PriorityClass name"
            )));
        }
        spec.set_preemption_policy(policy);
        Ok(())
    }
}

impl Rule for Priority {
    const NAME: &'static str = "Priority";

    fn interest(&self, target: Target<'_>) -> Interest {
        if target.is("", "pods") {
            return Interest::MUTATES.when(target.writes());
        }
        let is_class = target.is("scheduling.k8s.io", "priorityclasses");
        Interest::VALIDATES.when(is_class && target.writes())
    }

    fn mutate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        let mut pod = PodMut::from_record(object);
        let Some(old) = attributes.old.map(Pod::from_record) else {
            return self.classify(attributes, pod);
        };
        // What was computed for a new pod stays, also for clients that do not know of it.
        let mut spec = pod.spec_mut();
        if let (None, Some(priority)) = (spec.view().priority(), old.spec().priority()) {
            spec.set_priority(priority);
        }
        if let (None, Some(policy)) = (
            spec.view().preemption_policy(),
            old.spec().preemption_policy(),
        ) {
            spec.set_preemption_policy(policy.to_owned());
        }
        Ok(())
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let class = PriorityClass::from_record(object);
        if !class.global_default() {
            return Ok(());
        }
        let Some(default) = self.default()? else {
            return Ok(());
        };
        let creates = attributes.operation == Operation::Create;
        if creates || default.name != class.metadata().name() {
            return Err(attributes.forbid(format!(
                "PriorityClass {} is already marked as default. Only one default can exist",
                default.name
            )));
        }
        Ok(())
    }
}
