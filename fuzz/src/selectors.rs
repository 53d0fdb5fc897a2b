//! Label and field selectors.

use pintle_runtime::selector::{FieldSelector, LabelSelector};

/// What was read is written so that it is read as the same.
pub(crate) fn selector(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(selector) = LabelSelector::parse(&text) {
        let written = selector.to_string();
        let again = LabelSelector::parse(&written).expect("what was written is read");
        assert_eq!(again.to_string(), written, "{text}");
        for labels in [None, Some(""), Some("red")] {
            assert_eq!(
                selector.matches(|_| labels),
                again.matches(|_| labels),
                "{text}"
            );
        }
    }
    if let Ok(selector) = FieldSelector::parse(&text) {
        let written = selector.to_string();
        let again = FieldSelector::parse(&written).expect("what was written is read");
        assert_eq!(again.terms(), selector.terms(), "{text}");
    }
}
