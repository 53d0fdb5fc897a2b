//! `autoscaling`.

mod reference;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::name::{dns1123_label, path_segment_name};
use pintle_runtime::object_meta::validate_nonnegative;
use pintle_runtime::value::Record;
use pintle_runtime::view::List;

use super::volume_source::one_of;
use super::{Rules, quantity};
use crate::autoscaling::v2::{
    ContainerResourceMetricSource, ExternalMetricSource, HPAScalingPolicy, HPAScalingRules,
    HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricIdentifier, MetricSpec,
    MetricTarget, ObjectMetricSource, PodsMetricSource, ResourceMetricSource,
};

use reference::{Version, reference};

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "HorizontalPodAutoscaler" => Rules {
            create: |new, errors| {
                let new = HorizontalPodAutoscaler::from_record(new).spec();
                spec(new, None, 1, errors);
            },
            update,
            subresources: &[("status", status)],
        },
        _ => return None,
    })
}

/// Half an hour, and an hour.
const PERIOD_LIMIT: i32 = 1800;
const WINDOW_LIMIT: i32 = 3600;

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    // What was scaled to nothing may stay so.
    let before = HorizontalPodAutoscaler::from_record(old).spec();
    let least = i32::from(before.min_replicas() != Some(0));
    spec(
        HorizontalPodAutoscaler::from_record(new).spec(),
        Some(before),
        least,
        errors,
    );
}

fn status(new: &Record, _old: &Record, errors: &mut ErrorList) {
    let status = HorizontalPodAutoscaler::from_record(new).status();
    let path = Path::new("status");
    for (field, count) in [
        ("currentReplicas", status.current_replicas()),
        ("desiredReplicas", status.desired_replicas()),
    ] {
        validate_nonnegative(count.into(), &path.child(field), errors);
    }
}

fn spec(
    spec: HorizontalPodAutoscalerSpec<'_>,
    old: Option<HorizontalPodAutoscalerSpec<'_>>,
    least: i32,
    errors: &mut ErrorList,
) {
    let path = Path::new("spec");
    let (min, max) = (spec.min_replicas(), spec.max_replicas());
    if let Some(min) = min
        && min < least
    {
        errors.invalid(
            &path.child("minReplicas"),
            min,
            format!("must be greater than or equal to {least}"),
        );
    }
    let at = path.child("maxReplicas");
    if max == 0 {
        errors.required(&at, "must be set and greater than 0");
    } else if max < 0 {
        errors.invalid(&at, max, "must be greater than or equal to 1");
    }
    if min.is_some_and(|min| max < min) {
        errors.invalid(&at, max, "must be greater than or equal to `minReplicas`");
    }
    reference(
        spec.scale_target_ref(),
        Version::of_target(spec, old),
        &path.child("scaleTargetRef"),
        errors,
    );
    let version = Version::of_objects(old);
    metrics(spec.metrics(), min, version, &path.child("metrics"), errors);
    if let Some(behavior) = spec.behavior() {
        let path = path.child("behavior");
        for (field, rules) in [
            ("scaleUp", behavior.scale_up()),
            ("scaleDown", behavior.scale_down()),
        ] {
            if let Some(rules) = rules {
                scaling_rules(rules, &path.child(field), errors);
            }
        }
    }
}

/// Something that must be there and can stand in a path.
fn segment(value: &str, missing: &str, path: &Path<'_>, errors: &mut ErrorList) {
    if value.is_empty() {
        errors.required(path, missing);
    } else {
        errors.invalid_each(path, value, path_segment_name(value));
    }
}

fn metrics(
    metrics: List<'_, MetricSpec<'_>>,
    min: Option<i32>,
    version: Version,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (at, item) in metrics.iter().enumerate() {
        metric(item, version, &path.index(at), errors);
    }
    // With no pods left, only something else can say that some are needed.
    let mut types = metrics.iter().map(|item| item.type_());
    if min == Some(0) && !types.any(|kind| matches!(kind, "Object" | "External")) {
        errors.forbidden(
            path,
            "must specify at least one Object or External metric to support scaling to zero replicas",
        );
    }
}

fn metric(spec: MetricSpec<'_>, version: Version, path: &Path<'_>, errors: &mut ErrorList) {
    const TYPES: [&str; 5] = [
        "ContainerResource",
        "External",
        "Object",
        "Pods",
        "Resource",
    ];
    let kind = spec.type_();
    let at = path.child("type");
    if kind.is_empty() {
        errors.required(&at, "must specify a metric source type");
    }
    one_of(Some(kind), &TYPES, &at, errors);
    // In the order in which the first is looked for; only that one is checked.
    let present = [
        ("object", spec.object().is_some()),
        ("external", spec.external().is_some()),
        ("pods", spec.pods().is_some()),
        ("resource", spec.resource().is_some()),
        ("containerResource", spec.container_resource().is_some()),
    ];
    let present: Vec<&str> = present
        .iter()
        .filter(|(_, there)| *there)
        .map(|(field, _)| *field)
        .collect();
    if let Some(first) = present.first() {
        metric_source(spec, version, &path.child(first), errors);
    }
    let expected = match kind {
        "Object" => "object",
        "External" => "external",
        "Pods" => "pods",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => {
            one_of(Some(kind), &TYPES, &at, errors);
            ""
        }
    };
    if !expected.is_empty() && !present.contains(&expected) {
        errors.required(
            &path.child(expected),
            "must populate information for the given metric source",
        );
    }
    if present.len() != 1 {
        let mut others: Vec<&str> = present
            .into_iter()
            .filter(|field| *field != expected)
            .collect();
        others.sort_unstable();
        for field in others {
            errors.forbidden(
                &path.child(field),
                "must populate the given metric source only",
            );
        }
    }
}

fn metric_source(spec: MetricSpec<'_>, version: Version, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(source) = spec.object() {
        object_source(source, version, path, errors);
    } else if let Some(source) = spec.external() {
        external_source(source, path, errors);
    } else if let Some(source) = spec.pods() {
        pods_source(source, path, errors);
    } else if let Some(source) = spec.resource() {
        resource_source(source, path, errors);
    } else if let Some(source) = spec.container_resource() {
        container_source(source, path, errors);
    }
}

fn object_source(
    source: ObjectMetricSource<'_>,
    version: Version,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    reference(
        source.described_object(),
        version,
        &path.child("describedObject"),
        errors,
    );
    identifier(source.metric(), &path.child("metric"), errors);
    let target = source.target();
    let at = path.child("target");
    metric_target(target, &at, errors);
    if target.value().is_none() && target.average_value().is_none() {
        errors.required(
            &at.child("averageValue"),
            "must set either a target value or averageValue",
        );
    }
}

fn external_source(source: ExternalMetricSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    identifier(source.metric(), &path.child("metric"), errors);
    let target = source.target();
    let at = path.child("target");
    metric_target(target, &at, errors);
    match (target.value(), target.average_value()) {
        (None, None) => errors.required(
            &at.child("averageValue"),
            "must set either a target value for metric or a per-pod target",
        ),
        (Some(_), Some(_)) => errors.forbidden(
            &at.child("value"),
            "may not set both a target value for metric and a per-pod target",
        ),
        _ => {}
    }
}

fn pods_source(source: PodsMetricSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    identifier(source.metric(), &path.child("metric"), errors);
    let at = path.child("target");
    metric_target(source.target(), &at, errors);
    if source.target().average_value().is_none() {
        errors.required(
            &at.child("averageValue"),
            "must specify a positive target averageValue",
        );
    }
}

fn resource_source(source: ResourceMetricSource<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if source.name().is_empty() {
        errors.required(&path.child("name"), "must specify a resource name");
    }
    utilization(source.target(), &path.child("target"), errors);
}

fn container_source(
    source: ContainerResourceMetricSource<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let (name, container) = (source.name(), source.container());
    if name.is_empty() {
        errors.required(&path.child("name"), "must specify a resource name");
    } else {
        quantity::container_resource_name(name, &path.child("name"), errors);
    }
    let at = path.child("container");
    if container.is_empty() {
        errors.required(&at, "must specify a container");
    } else {
        errors.invalid_each(&at, container, dns1123_label(container));
    }
    utilization(source.target(), &path.child("target"), errors);
}

/// A target for resources: either an amount or a share of what was asked for.
fn utilization(target: MetricTarget<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    metric_target(target, path, errors);
    match (target.average_utilization(), target.average_value()) {
        (None, None) => errors.required(
            &path.child("averageUtilization"),
            "must set either a target raw value or a target utilization",
        ),
        (Some(_), Some(_)) => errors.forbidden(
            &path.child("averageValue"),
            "may not set both a target raw value and a target utilization",
        ),
        _ => {}
    }
}

fn metric_target(target: MetricTarget<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("type");
    if target.type_().is_empty() {
        errors.required(&at, "must specify a metric target type");
    }
    if !matches!(target.type_(), "Utilization" | "Value" | "AverageValue") {
        errors.invalid(
            &at,
            BadValue::json_string(target.type_()),
            "must be either Utilization, Value, or AverageValue",
        );
    }
    for (field, amount) in [
        ("value", target.value()),
        ("averageValue", target.average_value()),
    ] {
        if let Some(amount) = amount
            && quantity::amount(amount).signum() != 1
        {
            errors.invalid(
                &path.child(field),
                BadValue::json_string(amount),
                "must be positive",
            );
        }
    }
    if let Some(share) = target.average_utilization()
        && share < 1
    {
        errors.invalid(
            &path.child("averageUtilization"),
            share,
            "must be greater than 0",
        );
    }
}

fn identifier(metric: MetricIdentifier<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    segment(
        metric.name(),
        "must specify a metric name",
        &path.child("name"),
        errors,
    );
}

fn scaling_rules(rules: HPAScalingRules<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    if let Some(window) = rules.stabilization_window_seconds() {
        let at = path.child("stabilizationWindowSeconds");
        if window < 0 {
            errors.invalid(&at, window, "must be greater than or equal to zero");
        }
        at_most(window, WINDOW_LIMIT, &at, errors);
    }
    one_of(
        rules.select_policy(),
        &["Disabled", "Max", "Min"],
        &path.child("selectPolicy"),
        errors,
    );
    let at = path.child("policies");
    if rules.policies().is_empty() {
        errors.required(&at, "must specify at least one Policy");
    }
    for (index, item) in rules.policies().iter().enumerate() {
        scaling_policy(item, &at.index(index), errors);
    }
    if let Some(tolerance) = rules.tolerance() {
        quantity::nonnegative(tolerance, &path.child("tolerance"), errors);
    }
}

fn scaling_policy(policy: HPAScalingPolicy<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    one_of(
        Some(policy.type_()),
        &["Percent", "Pods"],
        &path.child("type"),
        errors,
    );
    for (field, number) in [
        ("value", policy.value()),
        ("periodSeconds", policy.period_seconds()),
    ] {
        if number <= 0 {
            errors.invalid(&path.child(field), number, quantity::NOT_POSITIVE);
        }
    }
    at_most(
        policy.period_seconds(),
        PERIOD_LIMIT,
        &path.child("periodSeconds"),
        errors,
    );
}

fn at_most(value: i32, limit: i32, path: &Path<'_>, errors: &mut ErrorList) {
    if value > limit {
        errors.invalid(
            path,
            value,
            format!("must be less than or equal to {limit}"),
        );
    }
}

#[cfg(test)]
mod tests;
