//! Files that are read again when they change: [`Watched`].

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// After so many looks what could not be used is tried again: another file that belongs to it may be late.
const RETRY: u32 = 30;

/// What tells a file's contents apart without reading it; symbolic links are followed, as mounted secrets are some.
type Stamp = Option<(Option<SystemTime>, u64, u64)>;

/// Some files that are looked at now and then.
pub(crate) struct Watched {
    files: Vec<PathBuf>,
    known: Vec<Stamp>,
    failed: bool,
}

impl Watched {
    /// These files, as they are now.
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        Self {
            known: stamps(&files),
            files,
            failed: false,
        }
    }

    /// Waits until one of them has changed, or it is time to try again what failed.
    pub(crate) async fn changed(&mut self) {
        let mut looks = 0;
        loop {
            tokio::time::sleep(LOOK).await;
            looks += 1;
            let now = stamps(&self.files);
            if now != self.known || self.failed && looks >= RETRY {
                self.known = now;
                return;
            }
        }
    }

    /// Says whether what they hold now could be used.
    pub(crate) fn used(&mut self, is_used: bool) {
        self.failed = !is_used;
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |file: &PathBuf| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.modified().ok(), metadata.len(), metadata.ino()))
    };
    files.iter().map(stamp).collect()
}
