//! `core`.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::config_map_key;
use pintle_runtime::value::Record;

use super::Rules;
use crate::core::v1::ConfigMap;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "ConfigMap" => Rules {
            create: config_map,
            update: config_map_update,
            subresources: &[],
        },
        _ => return None,
    })
}

fn config_map(new: &Record, errors: &mut ErrorList) {
    let map = ConfigMap::from_record(new);
    for (key, _) in map.data().iter() {
        errors.invalid_each(&Path::new("data").key(key), key, config_map_key(key));
    }
}

fn config_map_update(new: &Record, _old: &Record, errors: &mut ErrorList) {
    config_map(new, errors);
}
