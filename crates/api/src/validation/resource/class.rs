//! Classes of devices.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::value::Record;

use super::claim::{CONFIGURATIONS, PARAMETERS_LIMIT, configuration, selectors};
use super::lists::each;
use crate::resource::v1::DeviceClass;
use crate::validation::immutable::Content;
use crate::validation::{Rules, quantity};

pub(super) const RULES: Rules = Rules {
    create: |new, errors| class(new, None, errors),
    update: |new, old, errors| class(new, Some(old), errors),
    subresources: &[],
};

fn class(new: &Record, old: Option<&Record>, errors: &mut ErrorList) {
    let spec = DeviceClass::from_record(new).spec();
    // What is as it was may be longer than what is new.
    let before = old.map(|old| DeviceClass::from_record(old).spec().config());
    let limit = match before {
        Some(before) if before.is_same(&spec.config()) => usize::MAX,
        _ => PARAMETERS_LIMIT,
    };
    let path = Path::new("spec");
    selectors(spec.selectors(), &path.child("selectors"), errors);
    let configurations: Vec<_> = spec.config().into_iter().collect();
    each(
        configurations.into_iter(),
        CONFIGURATIONS,
        &path.child("config"),
        errors,
        |item, path, errors| configuration(item.opaque(), limit, path, errors),
    );
    if let Some(name) = spec.extended_resource_name()
        && !quantity::is_extended(name)
    {
        errors.invalid(
            &path.child("extendedResourceName"),
            name,
            "must be a valid extended resource name",
        );
    }
}
