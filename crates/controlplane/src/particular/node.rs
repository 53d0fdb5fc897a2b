//! `node`.

use pintle_api::node::v1::RuntimeClass;
use pintle_runtime::value::Record;

use super::Particular;
use super::core::label_warning;

/// What is particular to a resource of this group.
pub(super) fn of(resource: &str) -> Option<&'static dyn Particular> {
    Some(match resource {
        "runtimeclasses" => &RuntimeClasses,
        _ => return None,
    })
}

struct RuntimeClasses;

impl Particular for RuntimeClasses {
    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let scheduling = RuntimeClass::from_record(new).scheduling();
        let labels = scheduling
            .into_iter()
            .flat_map(|it| it.node_selector().iter());
        let messages = labels.filter_map(|(key, _)| label_warning(key));
        messages
            .map(|message| format!("scheduling.nodeSelector: {message}"))
            .collect()
    }
}
