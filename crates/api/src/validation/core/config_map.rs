//! `ConfigMap`.

use pintle_runtime::field_path::{ErrorList, FieldError, Path};
use pintle_runtime::name::config_map_key;
use pintle_runtime::value::{Record, Value};

use crate::core::v1::ConfigMap;
use crate::validation::Rules;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

/// How many bytes the values of a config map or of a secret may have together.
pub(super) const DATA_LIMIT: usize = 1 << 20;
/// What is said of a change to what its owner has locked.
pub(super) const LOCKED: &str = "field is immutable when `immutable` is set";

fn create(new: &Record, errors: &mut ErrorList) {
    let map = ConfigMap::from_record(new);
    let mut size = 0;
    for (key, value) in map.data().iter() {
        let path = Path::new("data");
        let path = path.key(key);
        errors.invalid_each(&path, key, config_map_key(key));
        if map.binary_data().contains_key(key) {
            errors.invalid(&path, key, "duplicate of key present in binaryData");
        }
        size += value.len();
    }
    for (key, value) in map.binary_data().iter() {
        errors.invalid_each(&Path::new("binaryData").key(key), key, config_map_key(key));
        size += length(value);
    }
    if size > DATA_LIMIT {
        errors.push(FieldError::too_long(&Path::new(""), DATA_LIMIT));
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (now, before) = (ConfigMap::from_record(new), ConfigMap::from_record(old));
    if before.immutable() == Some(true) {
        if now.immutable() != Some(true) {
            errors.forbidden(&Path::new("immutable"), LOCKED);
        }
        if !now.data().iter().eq(before.data().iter()) {
            errors.forbidden(&Path::new("data"), LOCKED);
        }
        if now.binary_data() != before.binary_data() {
            errors.forbidden(&Path::new("binaryData"), LOCKED);
        }
    }
    create(new, errors);
}

/// How many bytes a value of `data` has.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}
