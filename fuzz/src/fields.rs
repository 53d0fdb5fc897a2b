//! Sets of fields as `managedFields` has them.

use bytes::Bytes;
use pintle_runtime::fields::Set;

/// What was read is written the same again, and its parts add up to it.
pub(crate) fn fields(bytes: &[u8]) {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let Ok(set) = Set::from_fields_v1(&Bytes::copy_from_slice(bytes)) else {
        let parts = [first, second].map(|part| Set::from_fields_v1(&Bytes::copy_from_slice(part)));
        if let [Ok(first), Ok(second)] = parts {
            add_up(&first, &second);
        }
        return;
    };
    let written = set.to_fields_v1();
    let again = Set::from_fields_v1(&Bytes::from(written.clone()));
    let again = again.expect("what was written is read");
    assert_eq!(again.to_fields_v1(), written);
    add_up(&set, &again);
}

fn add_up(first: &Set, second: &Set) {
    let all = first.clone().union(second.clone());
    assert!(all.has_all(first) && all.has_all(second));
    let common = first.intersection(second);
    assert!(first.has_all(&common) && second.has_all(&common));
    let rest = first.clone().difference(second);
    assert!(first.has_all(&rest));
    assert!(rest.intersection(second).is_empty());
}
