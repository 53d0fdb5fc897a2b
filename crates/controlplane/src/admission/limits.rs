//! `LimitRanger`: what a container, a pod or a claim may ask for in a namespace, and what it asks for if it says nothing.

use std::fmt::Write as _;

use pintle_api::core::v1::{
    Container, ContainerMut, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod, PodMut,
};
use pintle_endpoints::admission::{Attributes, Interest, Operation, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::quantity::Quantity;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_runtime::view::StringMap;

use super::amounts::{self, Amounts, Side, amounts, quantity};
use super::lookup::{Lookup, Place};
use super::rule::Rule;

const LIMIT_RANGES: Place = ("", "v1", "limitranges");
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// The plug-in.
pub(super) struct LimitRanger(pub Lookup);

impl Rule for LimitRanger {
    const NAME: &'static str = "LimitRanger";

    fn interest(&self, target: Target<'_>) -> Interest {
        let creates_pod = target.is("", "pods") && target.creates();
        let resizes =
            target.is_below("", "pods", "resize") && target.operation == Operation::Update;
        if creates_pod || resizes {
            Interest::BOTH
        } else {
            let claim = target.is("", "persistentvolumeclaims") && target.writes();
            Interest::VALIDATES.when(claim)
        }
    }

    fn mutate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &mut Record,
    ) -> Result<(), ApiError> {
        for range in self.ranges(attributes)? {
            fill_in(LimitRange::from_record(&range), PodMut::from_record(object));
        }
        Ok(())
    }

    fn validate(
        &self,
        _: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<(), ApiError> {
        let is_claim = attributes.resource.name == "persistentvolumeclaims";
        for range in self.ranges(attributes)? {
            let range = LimitRange::from_record(&range);
            let faults = if is_claim {
                claim_faults(range, PersistentVolumeClaim::from_record(object))
            } else {
                pod_faults(range, Pod::from_record(object))
            };
            if let Some(why) = together(faults) {
                return Err(attributes.forbid(why));
            }
        }
        Ok(())
    }
}

impl LimitRanger {
    /// The limits that count for a request. What is being deleted is left in peace.
    fn ranges(&self, attributes: &Attributes<'_>) -> Result<Vec<Record>, ApiError> {
        let leaves = |old: &Record| Metadata::of(old).deletion_timestamp().is_some();
        if attributes.old.is_some_and(leaves) {
            return Ok(Vec::new());
        }
        let entries = self.0.all(LIMIT_RANGES, Some(attributes.namespace))?;
        entries.iter().map(|entry| entry.record()).collect()
    }
}

/// Several reasons as upstream joins them: each once, in brackets if there is more than one.
pub(super) fn together(mut faults: Vec<String>) -> Option<String> {
    let mut seen = std::collections::HashSet::new();
    faults.retain(|fault| seen.insert(fault.clone()));
    match faults.len() {
        0 => None,
        1 => faults.pop(),
        _ => Some(format!("[{}]", faults.join(", "))),
    }
}

/// Fills in requests and limits of containers that do not say, and notes which in an annotation.
fn fill_in(range: LimitRange<'_>, mut pod: PodMut<'_>) {
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    for item in range.spec().limits() {
        if item.type_() == "Container" {
            requests.extend(amounts(item.default_request()));
            limits.extend(amounts(item.default()));
        }
    }
    let mut notes = Vec::new();
    let mut spec = pod.spec_mut();
    for container in spec.containers_mut().iter_mut() {
        fill_in_container(container, &requests, &limits, "container", &mut notes);
    }
    for container in spec.init_containers_mut().iter_mut() {
        fill_in_container(container, &requests, &limits, "init container", &mut notes);
    }
    if !notes.is_empty() {
        let note = format!("LimitRanger plugin set: {}", notes.join("; "));
        let mut metadata = pod.metadata_mut();
        metadata.annotations_mut().insert(ANNOTATION, note);
    }
}

fn fill_in_container(
    mut container: ContainerMut<'_>,
    requests: &Amounts,
    limits: &Amounts,
    what: &str,
    notes: &mut Vec<String>,
) {
    let absent = |defaults: &Amounts, there: StringMap<'_>| -> Vec<(String, Quantity)> {
        let defaults = defaults.iter();
        defaults
            .filter(|(name, _)| !there.contains_key(name))
            .map(|(name, amount)| (name.clone(), *amount))
            .collect()
    };
    let note = |set: &[(String, Quantity)], kind: &str, container: &str| {
        let names: Vec<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
        format!("{} {kind} for {what} {container}", names.join(", "))
    };
    let resources = container.view().resources();
    let set_limits = absent(limits, resources.limits());
    let set_requests = absent(requests, resources.requests());
    let name = container.view().name().to_owned();
    if !set_requests.is_empty() {
        notes.push(note(&set_requests, "request", &name));
    }
    if !set_limits.is_empty() {
        notes.push(note(&set_limits, "limit", &name));
    }
    for (name, amount) in set_requests {
        let mut resources = container.resources_mut();
        resources.requests_mut().insert(name, amount.to_string());
    }
    for (name, amount) in set_limits {
        let mut resources = container.resources_mut();
        resources.limits_mut().insert(name, amount.to_string());
    }
}

fn pod_faults(range: LimitRange<'_>, pod: Pod<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let spec = pod.spec();
    for item in range.spec().limits() {
        let limit = Limit::of(item);
        match item.type_() {
            "Container" => {
                let containers = spec
                    .containers()
                    .iter()
                    .chain(spec.init_containers().iter());
                for container in containers {
                    limit.check_container(container, &mut faults);
                }
            }
            "Pod" => {
                let requests = amounts::of_pod(spec, Side::Requests);
                let limits = amounts::of_pod(spec, Side::Limits);
                limit.check(&requests, &limits, &mut faults);
            }
            _ => {}
        }
    }
    faults
}

fn claim_faults(range: LimitRange<'_>, claim: PersistentVolumeClaim<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let requests = amounts(claim.spec().resources().requests());
    for item in range.spec().limits() {
        if item.type_() != "PersistentVolumeClaim" {
            continue;
        }
        let limit = Limit::of(item);
        for (name, min) in limit.min.iter() {
            faults.extend(limit.below(name, quantity(min), &requests, &Amounts::new()));
        }
        for (name, max) in limit.max.iter() {
            let max = quantity(max);
            faults.extend(match requests.get(name) {
                None => Some(limit.says("maximum", name, max, ".  No request is specified")),
                Some(asked) if *asked > max => {
                    Some(limit.says("maximum", name, max, &format!(", but request is {asked}")))
                }
                Some(_) => None,
            });
        }
    }
    faults
}

/// One item of a range.
struct Limit<'a> {
    of: &'a str,
    min: StringMap<'a>,
    max: StringMap<'a>,
    ratio: StringMap<'a>,
}

impl<'a> Limit<'a> {
    fn of(item: LimitRangeItem<'a>) -> Self {
        Self {
            of: item.type_(),
            min: item.min(),
            max: item.max(),
            ratio: item.max_limit_request_ratio(),
        }
    }

    fn check_container(&self, container: Container<'_>, faults: &mut Vec<String>) {
        let resources = container.resources();
        let (requests, limits) = (amounts(resources.requests()), amounts(resources.limits()));
        self.check(&requests, &limits, faults);
    }

    fn check(&self, requests: &Amounts, limits: &Amounts, faults: &mut Vec<String>) {
        for (name, min) in self.min.iter() {
            faults.extend(self.below(name, quantity(min), requests, limits));
        }
        for (name, max) in self.max.iter() {
            faults.extend(self.above(name, quantity(max), requests, limits));
        }
        for (name, ratio) in self.ratio.iter() {
            faults.extend(self.beyond_ratio(name, quantity(ratio), requests, limits));
        }
    }

    fn says(&self, which: &str, name: &str, bound: Quantity, more: &str) -> String {
        format!("{which} {name} usage per {} is {bound}{more}", self.of)
    }

    fn below(
        &self,
        name: &str,
        min: Quantity,
        requests: &Amounts,
        limits: &Amounts,
    ) -> Option<String> {
        let more = match (requests.get(name), limits.get(name)) {
            (None, _) => ".  No request is specified".to_owned(),
            (Some(request), _) if *request < min => format!(", but request is {request}"),
            (_, Some(limit)) if *limit < min => format!(", but limit is {limit}"),
            _ => return None,
        };
        Some(self.says("minimum", name, min, &more))
    }

    fn above(
        &self,
        name: &str,
        max: Quantity,
        requests: &Amounts,
        limits: &Amounts,
    ) -> Option<String> {
        let more = match (requests.get(name), limits.get(name)) {
            (_, None) => ".  No limit is specified".to_owned(),
            (_, Some(limit)) if *limit > max => format!(", but limit is {limit}"),
            (Some(request), _) if *request > max => format!(", but request is {request}"),
            _ => return None,
        };
        Some(self.says("maximum", name, max, &more))
    }

    fn beyond_ratio(
        &self,
        name: &str,
        most: Quantity,
        requests: &Amounts,
        limits: &Amounts,
    ) -> Option<String> {
        let mut text = format!(
            "{name} max limit to request ratio per {} is {most}",
            self.of
        );
        let there = |amounts: &Amounts| amounts.get(name).copied().filter(|it| !it.is_zero());
        let more = match (there(requests), there(limits)) {
            (None, _) => ", but no request is specified or request is 0".to_owned(),
            (_, None) => ", but no limit is specified or limit is 0".to_owned(),
            (Some(request), Some(limit)) => {
                let ratio = limit.to_f64() / request.to_f64();
                // Compared in thousandths, as upstream does.
                if ratio * 1000.0 <= most.milli_value() as f64 {
                    return None;
                }
                format!(", but provided ratio is {ratio:.6}")
            }
        };
        let _ = write!(text, "{more}");
        Some(text)
    }
}
