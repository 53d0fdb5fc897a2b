//! Pods, and the templates that other kinds make pods from.

use pintle_runtime::field_path::{ErrorList, Path};

use crate::core::v1::PodTemplateSpec;

/// All that is wrong with a template for pods at `path`. `old` is the template that an update
/// replaces: what it already had is allowed to stay.
pub fn template(
    _template: PodTemplateSpec<'_>,
    _old: Option<PodTemplateSpec<'_>>,
    _path: &Path<'_>,
    _errors: &mut ErrorList,
) {
}
