//! Values that are sealed, and what stands in the place of one that could not be opened.

/// What every sealed value begins with.
const SEALED: &[u8] = b"k8s:enc:";
/// What stands before the reason, where a value could not be opened. No provider seals so.
#[cfg(feature = "encryption")]
const UNOPENED: &[u8] = b"k8s:enc:\0";

#[cfg(feature = "encryption")]
/// Whether a stored value is sealed.
pub(crate) fn is_sealed(value: &[u8]) -> bool {
    value.starts_with(SEALED)
}

/// What is read in the place of a value that could not be opened.
#[cfg(feature = "encryption")]
pub(crate) fn refused(reason: &impl std::fmt::Display) -> bytes::Bytes {
    let mut note = UNOPENED.to_vec();
    note.extend_from_slice(reason.to_string().as_bytes());
    note.into()
}

/// Why a value that was read is none: it is sealed, and nothing opened it.
pub fn unopened(value: &[u8]) -> Option<String> {
    let sealed = value.strip_prefix(SEALED)?;
    Some(match sealed.strip_prefix(b"\0") {
        Some(reason) => String::from_utf8_lossy(reason).into_owned(),
        None => NOTHING_OPENS.to_owned(),
    })
}

/// Upstream's words.
pub(crate) const NOTHING_OPENS: &str = "identity transformer tried to read encrypted data";
