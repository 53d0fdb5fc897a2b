//! Events in a file of lines, which makes room for itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use pintle_runtime::time::{Clock, SystemClock};

use super::{AuditMetrics, Backend, Sink, Told};

/// How large a log becomes, and how long old ones are kept.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Bytes after which a new file is begun; zero is never.
    pub max_size: u64,
    /// Age after which an old file is deleted; zero is never.
    pub max_age: Duration,
    /// Number of old files that are kept; zero is all.
    pub max_backups: usize,
    /// Old files are compressed.
    pub compress: bool,
}

/// A log: a file, or the standard output.
pub struct LogFile {
    path: PathBuf,
    options: LogOptions,
    open: Mutex<Open>,
    metrics: Arc<AuditMetrics>,
}

enum Open {
    Output,
    File { file: File, size: u64 },
}

impl LogFile {
    /// Appends to the file at `path`, readable by its owner alone; `-` is the standard output.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn open(path: &Path, options: LogOptions, metrics: Arc<AuditMetrics>) -> io::Result<Self> {
        let open = if path.as_os_str() == "-" {
            Open::Output
        } else {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = append_to(path)?;
            let size = file.metadata()?.len();
            Open::File { file, size }
        };
        Ok(Self {
            path: path.to_owned(),
            options,
            open: Mutex::new(open),
            metrics,
        })
    }

    fn write(&self, open: &mut Open, line: &[u8]) -> io::Result<()> {
        let Open::File { file, size } = open else {
            return io::stdout().lock().write_all(line);
        };
        let limit = self.options.max_size;
        if limit > 0 && *size > 0 && *size + line.len() as u64 > limit {
            let backup = self.backup();
            fs::rename(&self.path, &backup)?;
            if self.options.compress {
                // Nobody waits for it, and a failure leaves the file as it was.
                std::thread::spawn(move || {
                    if let Err(error) = compress(&backup) {
                        tracing::warn!(%error, "an old audit log cannot be compressed");
                    }
                });
            }
            *file = append_to(&self.path)?;
            *size = 0;
            if let Err(error) = self.forget_old() {
                tracing::warn!(%error, "old audit logs cannot be deleted");
            }
        }
        file.write_all(line)?;
        *size += line.len() as u64;
        Ok(())
    }

    /// The name of an old file: `audit-2026-01-02T15-04-05.000.log` of `audit.log`.
    fn backup(&self) -> PathBuf {
        let mut time = Vec::new();
        SystemClock.now().write_micros(&mut time);
        let time = String::from_utf8_lossy(&time[..23]).replace(':', "-");
        let (stem, extension) = self.name();
        self.path
            .with_file_name(format!("{stem}-{time}{extension}"))
    }

    fn name(&self) -> (String, String) {
        let text = |part: Option<&std::ffi::OsStr>| {
            part.map(|part| part.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let extension = text(self.path.extension());
        let dot = if extension.is_empty() { "" } else { "." };
        (text(self.path.file_stem()), format!("{dot}{extension}"))
    }

    fn forget_old(&self) -> io::Result<()> {
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let (stem, extension) = self.name();
        let prefix = format!("{stem}-");
        let mut old: Vec<PathBuf> = fs::read_dir(folder.unwrap_or(Path::new(".")))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy());
                name.is_some_and(|name| {
                    let name = name.strip_suffix(COMPRESSED).unwrap_or(&name);
                    name.starts_with(&prefix) && name.ends_with(&extension)
                })
            })
            .collect();
        // The time in the name sorts them: the newest first.
        old.sort_unstable_by(|a, b| b.cmp(a));
        let LogOptions {
            max_age,
            max_backups,
            ..
        } = self.options;
        for (index, path) in old.iter().enumerate() {
            let is_surplus = max_backups > 0 && index >= max_backups;
            // A clock that was set back makes a file look new.
            let age = fs::metadata(path)?
                .modified()?
                .elapsed()
                .unwrap_or_default();
            if is_surplus || !max_age.is_zero() && age > max_age {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

impl LogFile {
    fn keep(&self, lines: &[Bytes]) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_kept = true;
        for line in lines {
            if let Err(error) = self.write(&mut open, line) {
                is_kept = false;
                self.metrics.lost("log", 1, &error.to_string());
            }
        }
        is_kept
    }
}

impl Backend for LogFile {
    fn take(&self, event: &Told<'_>) -> bool {
        self.keep(std::slice::from_ref(&event.line))
    }
}

impl Sink for LogFile {
    fn deliver(&self, events: Vec<Bytes>) -> BoxFuture<'_, bool> {
        let is_kept = self.keep(&events);
        Box::pin(async move { is_kept })
    }
}

const COMPRESSED: &str = ".gz";

/// Puts a compressed file in place of another.
fn compress(path: &Path) -> io::Result<()> {
    let mut target = path.as_os_str().to_owned();
    target.push(COMPRESSED);
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let target = options.open(&target)?;
    let mut encoder = flate2::write::GzEncoder::new(target, flate2::Compression::default());
    io::copy(&mut File::open(path)?, &mut encoder)?;
    encoder.finish()?.sync_all()?;
    fs::remove_file(path)
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_put_aside_and_the_oldest_goes() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("pintle-audit-{}", std::process::id()));
        let path = folder.join("audit.log");
        let options = LogOptions {
            max_size: 10,
            max_age: Duration::ZERO,
            max_backups: 2,
            compress: false,
        };
        let log = LogFile::open(&path, options, Arc::default())?;
        for line in ["one......\n", "two......\n", "three....\n", "four.....\n"] {
            assert!(log.keep(&[line.into()]));
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(fs::read_to_string(&path)?, "four.....\n");
        let count = fs::read_dir(&folder)?.count();
        fs::remove_dir_all(&folder)?;
        assert_eq!(count, 3);
        Ok(())
    }
}
