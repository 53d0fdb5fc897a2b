//! A snapshot in a file: every key and value as of one revision, and a digest at the end.
//!
//! ```text
//! PINTLE-SNAPSHOT-1\n
//! revision                             8 bytes, little endian, as all numbers
//! length of key, length of value       4 bytes each
//! key, value                           and so on, in the order of keys
//! 0xFFFFFFFF                           instead of a length: the end
//! number of keys                       8 bytes
//! SHA-256 of everything before         32 bytes
//! ```

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::digest;
use bytes::Bytes;

const MAGIC: &[u8] = b"PINTLE-SNAPSHOT-1\n";
const END: u32 = u32::MAX;
/// No key and no value is longer.
const LONGEST: u32 = 1 << 30;

/// A file that is being written. It takes its name when it is complete.
pub(super) struct Writer {
    out: BufWriter<File>,
    digest: digest::Context,
    count: u64,
    partial: PathBuf,
    path: PathBuf,
}

impl Writer {
    pub(super) fn create(path: &Path, revision: u64) -> Result<Self> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = File::create(&partial)
            .with_context(|| format!("cannot write {}", partial.display()))?;
        let mut writer = Self {
            out: BufWriter::new(file),
            digest: digest::Context::new(&digest::SHA256),
            count: 0,
            partial,
            path: path.to_owned(),
        };
        writer.write(MAGIC)?;
        writer.write(&revision.to_le_bytes())?;
        Ok(writer)
    }

    pub(super) fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        for part in [key, value] {
            let length = u32::try_from(part.len())
                .ok()
                .filter(|length| *length < LONGEST);
            let length = length.context("a value is too long for a snapshot")?;
            self.write(&length.to_le_bytes())?;
        }
        self.write(key)?;
        self.write(value)?;
        self.count += 1;
        Ok(())
    }

    /// Completes the file; the answer is how many keys it has.
    pub(super) fn finish(mut self) -> Result<u64> {
        self.write(&END.to_le_bytes())?;
        self.write(&self.count.to_le_bytes())?;
        let digest = self.digest.finish();
        self.out.write_all(digest.as_ref())?;
        let file = self.out.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()?;
        std::fs::rename(&self.partial, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(self.count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.digest.update(bytes);
        self.out
            .write_all(bytes)
            .with_context(|| format!("cannot write {}", self.partial.display()))
    }
}

/// A file that is being read. What it gave is worth nothing until it has come to its end.
pub(super) struct Reader {
    input: BufReader<File>,
    digest: digest::Context,
    count: u64,
    /// The revision that the keys are of.
    pub(super) revision: u64,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = Self {
            input: BufReader::new(file),
            digest: digest::Context::new(&digest::SHA256),
            count: 0,
            revision: 0,
        };
        let magic: [u8; 18] = reader.array()?;
        ensure!(magic == MAGIC, "{} is no snapshot", path.display());
        reader.revision = u64::from_le_bytes(reader.array()?);
        Ok(reader)
    }

    /// The next key and its value; `None` after the last, if the file is whole.
    pub(super) fn next(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        let key = u32::from_le_bytes(self.array()?);
        if key == END {
            let count = u64::from_le_bytes(self.array()?);
            ensure!(count == self.count, "the snapshot lacks keys");
            let expected = self.digest.clone().finish();
            let mut found = [0; 32];
            self.input
                .read_exact(&mut found)
                .context("the snapshot is cut off")?;
            ensure!(expected.as_ref() == found, "the snapshot is damaged");
            return Ok(None);
        }
        let value = u32::from_le_bytes(self.array()?);
        if key >= LONGEST || value >= LONGEST {
            bail!("the snapshot is damaged");
        }
        let (key, value) = (self.bytes(key)?, self.bytes(value)?);
        self.count += 1;
        Ok(Some((key, value)))
    }

    fn bytes(&mut self, length: u32) -> Result<Bytes> {
        let mut bytes = Vec::new();
        let read = (&mut self.input)
            .take(u64::from(length))
            .read_to_end(&mut bytes)?;
        ensure!(read == length as usize, "the snapshot is cut off");
        self.digest.update(&bytes);
        Ok(bytes.into())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input
            .read_exact(&mut bytes)
            .context("the snapshot is cut off")?;
        self.digest.update(&bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_noticed() {
        let path = std::env::temp_dir().join(format!("pintle-snapshot-{}", std::process::id()));
        let mut writer = Writer::create(&path, 7).expect("a file");
        writer.put(b"/a", b"1").expect("written");
        writer.put(b"/b", b"").expect("written");
        assert_eq!(writer.finish().expect("written"), 2);
        let read = || -> Result<Vec<(Bytes, Bytes)>> {
            let mut reader = Reader::open(&path)?;
            assert_eq!(reader.revision, 7);
            let mut found = Vec::new();
            while let Some(pair) = reader.next()? {
                found.push(pair);
            }
            Ok(found)
        };
        let expected = [("/a", "1"), ("/b", "")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(read().expect("it is whole"), expected);
        let whole = std::fs::read(&path).expect("it is there");
        for at in [30, 40, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, damaged).expect("written");
            assert!(read().is_err(), "byte {at}");
            std::fs::write(&path, &whole[..at]).expect("written");
            assert!(read().is_err(), "cut at {at}");
        }
        std::fs::remove_file(&path).expect("it is there");
    }
}
