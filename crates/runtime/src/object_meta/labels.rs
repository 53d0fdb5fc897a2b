//! Labels and annotations.

use crate::field_path::{ErrorList, FieldError, Path};
use crate::name::{label_key, label_value};
use crate::view::StringMap;

/// How many bytes the keys and values of an object's annotations may have together.
const ANNOTATIONS_LIMIT: usize = 256 << 10;

/// Checks the names and values of labels. Every error is about the whole map, as upstream has it.
pub fn validate_labels(labels: StringMap<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    for (key, value) in labels.iter() {
        validate_label_name(key, path, errors);
        errors.invalid_each(path, value, label_value(value));
    }
}

/// Checks a label's name.
pub fn validate_label_name(name: &str, path: &Path<'_>, errors: &mut ErrorList) {
    errors.invalid_each(path, name, label_key(name));
}

/// Checks the names of annotations, in which case does not matter, and their total size.
pub fn validate_annotations(annotations: StringMap<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let mut size = 0;
    for (key, value) in annotations.iter() {
        size += key.len() + value.len();
        let messages = if key
            .bytes()
            .any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii())
        {
            label_key(&key.to_lowercase())
        } else {
            label_key(key)
        };
        errors.invalid_each(path, key, messages);
    }
    if size > ANNOTATIONS_LIMIT {
        errors.push(FieldError::too_long(path, ANNOTATIONS_LIMIT));
    }
}
