//! What a pod asks for as a whole, where it says only a part.

use std::collections::BTreeMap;

use pintle_runtime::quantity::Quantity;
use pintle_runtime::view::StringMap;

use crate::core::v1::PodSpecMut;
use crate::validation::pod::of_all_containers;

/// Limits of huge pages are those of the containers together; requests are those of the containers together, or the
/// limits. A pod that says nothing as a whole is left alone. The containers have their defaults.
pub(super) fn fill(spec: &mut PodSpecMut<'_>) {
    let view = spec.view();
    let Some(wanted) = view.resources() else {
        return;
    };
    if wanted.limits().is_empty() && wanted.requests().is_empty() {
        return;
    }
    let mut limits = missing(
        wanted.limits(),
        of_all_containers(view, |container| container.resources().limits()),
    );
    limits.retain(|(name, _)| is_huge_pages(name) && !wanted.requests().contains_key(name));
    let mut requests = missing(
        wanted.requests(),
        of_all_containers(view, |container| container.resources().requests()),
    );
    requests.retain(|(name, _)| matches!(name.as_str(), "cpu" | "memory"));
    let Some(mut resources) = spec.resources_mut() else {
        return;
    };
    for (name, limit) in limits {
        resources.limits_mut().insert(name, limit);
    }
    if resources.view().limits().is_empty() {
        return;
    }
    for (name, request) in requests {
        resources.requests_mut().insert(name, request);
    }
    let limits: Vec<(String, String)> = resources
        .view()
        .limits()
        .iter()
        .filter(|(name, _)| matches!(*name, "cpu" | "memory") || is_huge_pages(name))
        .filter(|(name, _)| !resources.view().requests().contains_key(name))
        .map(|(name, limit)| (name.to_owned(), limit.to_owned()))
        .collect();
    for (name, limit) in limits {
        resources.requests_mut().insert(name, limit);
    }
}

fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// What of `sums` is not in `given`.
fn missing(given: StringMap<'_>, sums: BTreeMap<&str, Quantity>) -> Vec<(String, String)> {
    sums.into_iter()
        .filter(|(name, _)| !given.contains_key(name))
        .map(|(name, sum)| (name.to_owned(), sum.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pintle_runtime::codec::{Problems, json};

    use crate::core::v1::Pod;

    /// The resources of a pod with one container that asks for `container`.
    #[track_caller]
    fn check(pod: &str, container: &str, expected: &str) {
        let ty = crate::type_by_kind("", "v1", "Pod").expect("a kind");
        let body = format!(
            r#"{{"spec":{{"resources":{pod},"containers":[{{"name":"a","image":"i","resources":{container}}}]}}}}"#
        );
        let mut record =
            json::decode(&ty, &Bytes::from(body), &mut Problems::ignored()).expect("a pod");
        crate::defaults::apply(&mut record);
        let spec = Pod::from_record(&record).spec();
        let mut text = Vec::new();
        if let Some(resources) = spec.resources() {
            json::encode(resources.record(), &mut text);
        }
        assert_eq!(
            String::from_utf8_lossy(&text),
            expected,
            "{pod} {container}"
        );
    }

    #[test]
    fn requests_are_those_of_the_containers_or_the_limits() {
        check(
            r#"{"limits":{"cpu":"1","memory":"1Gi"}}"#,
            r#"{"requests":{"cpu":"100m"}}"#,
            r#"{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"100m","memory":"1Gi"}}"#,
        );
        check(
            r#"{"requests":{"cpu":"1"}}"#,
            r#"{"requests":{"memory":"1Gi"}}"#,
            r#"{"requests":{"cpu":"1"}}"#,
        );
        check("{}", r#"{"requests":{"cpu":"1"}}"#, "{}");
    }

    #[test]
    fn huge_pages_are_those_of_the_containers() {
        check(
            r#"{"limits":{"cpu":"1"}}"#,
            r#"{"limits":{"hugepages-2Mi":"4Mi","cpu":"1"}}"#,
            r#"{"limits":{"cpu":"1","hugepages-2Mi":"4Mi"},"requests":{"cpu":"1","hugepages-2Mi":"4Mi"}}"#,
        );
        check(
            r#"{"requests":{"cpu":"2"}}"#,
            r#"{"limits":{"hugepages-2Mi":"4Mi","cpu":"1"}}"#,
            r#"{"limits":{"hugepages-2Mi":"4Mi"},"requests":{"cpu":"2","hugepages-2Mi":"4Mi"}}"#,
        );
    }
}
