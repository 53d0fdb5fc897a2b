//! Frames of a protobuf watch stream: a four-byte big-endian length and a bare `WatchEvent`.

use super::wire::{put_bytes, put_message};

/// Appends a frame to `out`: an event of type `kind` (`ADDED`, …) about `object`, which is a whole
/// envelope.
pub fn event(kind: &str, object: &[u8], out: &mut Vec<u8>) {
    out.reserve(object.len() + kind.len() + 24);
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    put_bytes(1, kind.as_bytes(), out);
    put_message(2, out, |out| put_bytes(1, object, out));
    // A body is far from 4 GiB, which would be cut off here.
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_event_is_framed_by_its_length() {
        let mut out = vec![9];
        super::event("ADDED", b"k8s\0", &mut out);
        assert_eq!(out, b"\x09\0\0\0\x0f\x0a\x05ADDED\x12\x06\x0a\x04k8s\0");
    }
}
