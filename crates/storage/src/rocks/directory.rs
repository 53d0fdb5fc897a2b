//! The directory of a store: whose it is, what is in it, and whether it takes writes.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::Cause;

/// Why a directory can not be opened as a store. The directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Someone has it open: two writers would destroy it.
    #[error("{} is in use by {}", directory.display(), holder_name(*holder))]
    Locked {
        /// The directory that was to be opened.
        directory: PathBuf,
        /// The process that has it, as far as that is known.
        holder: Option<u32>,
    },
    /// It was written by another version of Pintle, or by something else altogether.
    #[error(
        "{} is of the format '{found}', and this pintle only knows '{FORMAT}'",
        directory.display()
    )]
    UnknownFormat {
        /// The directory that was to be opened.
        directory: PathBuf,
        /// What it says of itself.
        found: String,
    },
    /// It can not be made, read or written.
    #[error("the directory {} can not be used", directory.display())]
    Unusable {
        /// The directory that was to be opened.
        directory: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// What is in it can not be used: it is damaged, or the disk is full.
    #[error("the database in {} can not be opened", directory.display())]
    Database {
        /// The directory that was to be opened.
        directory: PathBuf,
        /// What the database says.
        source: Cause,
    },
}

fn holder_name(holder: Option<u32>) -> String {
    match holder {
        Some(pid) if pid == process::id() => "this very process".to_owned(),
        Some(pid) => format!("another pintle (pid {pid})"),
        None => "another pintle".to_owned(),
    }
}

/// What the file `format` says. Whoever changes an encoding changes the number.
const FORMAT: &str = "pintle-storage 1";

/// A directory that belongs to this process until it is dropped.
///
/// Files: `lock`, locked and with the holder's pid; `format`, one line; `rocksdb/`, the database.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
    temporary: bool,
}

impl Directory {
    /// Makes the directory if need be, takes it for this process, and looks whether its format is ours.
    pub(super) fn claim(path: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Unusable {
            directory: path.to_owned(),
            source,
        };
        fs::create_dir_all(path).map_err(unusable)?;
        let lock = lock(path)?;
        let directory = Self {
            path: path.to_owned(),
            _lock: lock,
            temporary: false,
        };
        match directory.format().map_err(unusable)? {
            Some(found) if found == FORMAT => {}
            Some(found) => {
                return Err(OpenError::UnknownFormat {
                    directory: path.to_owned(),
                    found,
                });
            }
            None => directory.write_format().map_err(unusable)?,
        }
        Ok(directory)
    }

    /// A new directory that vanishes with this value, but not if the process is killed.
    pub(super) fn temporary() -> Result<Self, OpenError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = || {
            format!(
                "pintle-{}-{}",
                process::id(),
                COUNT.fetch_add(1, Ordering::Relaxed)
            )
        };
        let mut path = std::env::temp_dir().join(name());
        // A process that had this pid before may have left its own behind.
        while path.exists() {
            path.set_file_name(name());
        }
        let mut directory = Self::claim(&path)?;
        directory.temporary = true;
        Ok(directory)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("rocksdb")
    }

    fn format(&self) -> io::Result<Option<String>> {
        match fs::read(self.path.join("format")) {
            Ok(found) => Ok(Some(String::from_utf8_lossy(&found).trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(self.database().exists().then(|| "unknown".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    // Renamed into place: there is never half a line.
    fn write_format(&self) -> io::Result<()> {
        let draft = self.path.join("format.new");
        let mut file = File::create(&draft)?;
        writeln!(file, "{FORMAT}")?;
        file.sync_all()?;
        fs::rename(draft, self.path.join("format"))
    }

    /// Tries whether as much can be written as the database needs to open after a failure: what is
    /// in its write-ahead log, and something for itself.
    pub(super) fn probe(&self) -> io::Result<()> {
        let mut needed = 1 << 20;
        for file in fs::read_dir(self.database())? {
            let file = file?;
            if file
                .path()
                .extension()
                .is_some_and(|extension| extension == "log")
            {
                needed += file.metadata()?.len();
            }
        }
        let path = self.path.join("probe");
        let outcome = fill(&path, needed);
        // Whatever came of it, it must not take the space that is short.
        let removed = fs::remove_file(&path);
        outcome.and(removed)
    }

    /// The bytes of all files.
    pub(super) fn size(&self) -> io::Result<u64> {
        let mut size = 0;
        for file in fs::read_dir(self.database())? {
            match file?.metadata() {
                Ok(metadata) => size += metadata.len(),
                // The database deletes files whenever it likes.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(size)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(directory = %self.path.display(), %error, "a temporary store stays behind");
        }
    }
}

/// Takes the lock that lasts until the file is closed, by whatever end of the process.
fn lock(directory: &Path) -> Result<File, OpenError> {
    let unusable = |source| OpenError::Unusable {
        directory: directory.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(directory.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Only a courtesy: without the pid the message is shorter.
            let read = file.read_to_string(&mut pid);
            let holder = read.ok().and_then(|_| pid.trim().parse().ok());
            return Err(OpenError::Locked {
                directory: directory.to_owned(),
                holder,
            });
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    file.set_len(0).map_err(unusable)?;
    // The pid is a courtesy as well; on a full disk the store still opens to be read.
    if let Err(error) = writeln!(file, "{}", process::id()) {
        tracing::warn!(directory = %directory.display(), %error, "the lock is without a pid");
    }
    Ok(file)
}

fn fill(path: &Path, mut needed: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    let zeros = [0; 64 * 1024];
    while needed > 0 {
        let now = needed.min(zeros.len() as u64);
        file.write_all(&zeros[..now as usize])?;
        needed -= now;
    }
    file.sync_data()
}
