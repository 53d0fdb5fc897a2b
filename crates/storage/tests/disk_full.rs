//! A disk that is really full. Needs the right to mount a small file system; without, it has nothing to say.
#![cfg(all(feature = "rocksdb", target_os = "linux"))]

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use pintle_storage::{
    Expect, Key, KeyRange, Options, Page, Revision, RocksStore, Storage, StorageError,
};

/// A file system of a few megabytes, as long as it is held.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(directory.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the space that is left.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = File::create(&path).expect("it can be made");
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "the file system is no longer in use"
        );
    }
}

async fn put(store: &RocksStore, name: usize) -> Result<Revision, StorageError> {
    let value = Bytes::from(vec![b'x'; 50_000]);
    store
        .put(
            &Key::from(format!("/{name:05}")),
            Expect::Absent,
            value,
            None,
        )
        .await
}

async fn names(store: &RocksStore) -> Vec<String> {
    let listing = store
        .list(&KeyRange::all(), Page::default())
        .await
        .expect("reads go on");
    listing
        .value
        .records
        .iter()
        .map(|record| record.key.to_string())
        .collect()
}

#[tokio::test]
async fn a_full_disk_fails_writes_alone_and_only_as_long_as_it_is_full() {
    let Some(disk) = SmallDisk::mount(48) else {
        return;
    };
    let store =
        RocksStore::open(disk.path().join("store"), Options::default()).expect("the store opens");
    for name in 0..10 {
        put(&store, name).await.expect("there is space");
    }
    let filler = disk.fill();
    let mut written = 10;
    // What was set aside before may still take some.
    let error = loop {
        match put(&store, written).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1000, "the disk is full");
    };
    assert!(
        matches!(error, StorageError::Unavailable { .. }),
        "{error:?}"
    );
    for _ in 0..3 {
        put(&store, written)
            .await
            .expect_err("the disk is still full");
        assert_eq!(names(&store).await.len(), written);
    }
    fs::remove_file(filler).expect("it is there");
    let revision = put(&store, written).await.expect("there is space again");
    assert_eq!(
        revision,
        Revision(written as u64 + 2),
        "no revision is missing"
    );
    let expected = names(&store).await;
    assert_eq!(expected.len(), written + 1);
    drop(store);
    let store =
        RocksStore::open(disk.path().join("store"), Options::default()).expect("the store opens");
    assert_eq!(names(&store).await, expected);
}

#[tokio::test]
async fn a_store_opens_on_a_full_disk_or_says_why_not() {
    let Some(disk) = SmallDisk::mount(16) else {
        return;
    };
    let directory = disk.path().join("store");
    drop(RocksStore::open(&directory, Options::default()).expect("the store opens"));
    let _filler = disk.fill();
    match RocksStore::open(&directory, Options::default()) {
        Ok(store) => assert!(names(&store).await.is_empty()),
        Err(error) => {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            assert!(
                cause.to_string().contains("No space left on device"),
                "{error}: {cause}"
            );
        }
    }
}
