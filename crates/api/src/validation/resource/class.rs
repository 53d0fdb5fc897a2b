//! Classes of devices.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::value::Record;

use super::claim::{CONFIGURATIONS, configuration, selectors};
use super::lists::each;
use crate::resource::v1::DeviceClass;
use crate::validation::{Rules, quantity};

pub(super) const RULES: Rules = Rules {
    create: class,
    update: |new, _, errors| class(new, errors),
    subresources: &[],
};

fn class(new: &Record, errors: &mut ErrorList) {
    let spec = DeviceClass::from_record(new).spec();
    let path = Path::new("spec");
    selectors(spec.selectors(), &path.child("selectors"), errors);
    let configurations: Vec<_> = spec.config().into_iter().collect();
    each(
        configurations.into_iter(),
        CONFIGURATIONS,
        &path.child("config"),
        errors,
        |item, path, errors| configuration(item.opaque(), path, errors),
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
