//! `ConfigMap`.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::config_map_key;
use pintle_runtime::value::Record;

use crate::core::v1::ConfigMap;
use crate::validation::Rules;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

fn create(new: &Record, errors: &mut ErrorList) {
    let map = ConfigMap::from_record(new);
    for (key, _) in map.data().iter() {
        errors.invalid_each(&Path::new("data").key(key), key, config_map_key(key));
    }
}

fn update(new: &Record, _old: &Record, errors: &mut ErrorList) {
    create(new, errors);
}
