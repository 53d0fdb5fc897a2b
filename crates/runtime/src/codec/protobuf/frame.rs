//! Frames of a protobuf watch stream: a four-byte big-endian length and a bare `WatchEvent`.

/// Appends a frame to `out`: an event of type `kind` (`ADDED`, …) about `object`, which is a whole
/// envelope.
pub fn event(_kind: &str, _object: &[u8], _out: &mut Vec<u8>) {
    unreachable!("being written")
}
