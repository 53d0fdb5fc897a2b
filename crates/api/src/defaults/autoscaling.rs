//! Horizontal pod autoscalers.

use pintle_runtime::value::Record;

use super::fill;
use crate::autoscaling::{v1, v2};
use v2::HPAScalingRulesMut;

/// Share of the requested CPU that is aimed at when nothing else is.
const CPU_PERCENT: i32 = 80;

pub(super) fn v1(object: &mut Record) {
    fill!(v1::HorizontalPodAutoscalerMut::from_record(object).spec_mut(); min_replicas set_min_replicas = 1);
}

pub(super) fn v2(object: &mut Record) {
    let mut autoscaler = v2::HorizontalPodAutoscalerMut::from_record(object);
    let mut spec = autoscaler.spec_mut();
    fill!(spec; min_replicas set_min_replicas = 1);
    if spec.view().metrics().is_empty() {
        let mut metrics = spec.metrics_mut();
        let mut metric = metrics.push_new();
        metric.set_type("Resource");
        let mut resource = metric.resource_or_new();
        resource.set_name("cpu");
        let mut target = resource.target_mut();
        target.set_type("Utilization");
        target.set_average_utilization(CPU_PERCENT);
    }
    if let Some(mut behavior) = spec.behavior_mut() {
        let mut up = behavior.scale_up_or_new();
        fill!(up; stabilization_window_seconds set_stabilization_window_seconds = 0);
        rules(up, &[("Pods", 4), ("Percent", 100)]);
        rules(behavior.scale_down_or_new(), &[("Percent", 100)]);
    }
}

fn rules(mut rules: HPAScalingRulesMut<'_>, policies: &[(&'static str, i32)]) {
    fill!(rules; select_policy set_select_policy = "Max");
    if !rules.view().policies().is_present() {
        for (kind, value) in policies {
            let mut list = rules.policies_mut();
            let mut policy = list.push_new();
            policy.set_type(*kind);
            policy.set_value(*value);
            policy.set_period_seconds(15);
        }
    }
}
