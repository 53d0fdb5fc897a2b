//! Patches: whatever is patched, the result is JSON or there is an error, and it does not grow without bound.

use pintle_runtime::codec::{Problems, json};
use pintle_runtime::patch::{JsonPatch, merge, strategic_merge};
use pintle_runtime::value::Value;

use crate::{two, typed};

/// How much copies may add.
const COPIES: usize = 1 << 20;

/// A document and a JSON patch.
pub(crate) fn json_patch(bytes: &[u8]) {
    let Some((document, patch)) = two(bytes) else {
        return;
    };
    let Ok(patch) = JsonPatch::parse(&patch) else {
        return;
    };
    if json::check(&document).is_ok()
        && let Ok(patched) = patch.apply(&document, COPIES)
    {
        json::check(&patched).expect("what was patched is JSON");
    }
}

/// A document and a merge patch, which makes no difference the second time.
pub(crate) fn merge_patch(bytes: &[u8]) {
    let Some((document, patch)) = two(bytes) else {
        return;
    };
    if json::check(&document).is_err() {
        return;
    }
    let Ok(once) = merge(&document, &patch) else {
        return;
    };
    json::check(&once).expect("what was patched is JSON");
    assert_eq!(merge(&once, &patch).expect("it is a patch"), once);
}

/// A document of any type and a strategic merge patch.
pub(crate) fn strategic(bytes: &[u8]) {
    let Some((ty, rest)) = typed(bytes, |_| true) else {
        return;
    };
    let Some((document, patch)) = two(&rest) else {
        return;
    };
    let read = |text| json::decode_value(text, &mut Problems::ignored());
    if let (Ok(Value::Map(document)), Ok(Value::Map(patch))) = (read(&document), read(&patch))
        && let Ok(patched) = strategic_merge(document, patch, &ty)
    {
        let mut text = Vec::new();
        json::encode_value(&Value::Map(patched), &mut text);
        json::check(&text.into()).expect("what was patched is JSON");
    }
}
