//! Disks that do not keep what they were given, or take no more.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pintle_tests::chance::Chance;
use pintle_tests::server::TestServer;
use serde_json::Value;

use super::kills::{CONFIGMAPS, configmap, json_headers, version, write};

/// Creates objects one after the other; their names and revisions.
async fn create(server: &TestServer, prefix: &str, count: usize) -> Vec<(String, u64)> {
    let (mut client, headers) = (server.client(), json_headers(server));
    let mut made = Vec::new();
    for number in 0..count {
        let name = format!("{prefix}-{number:03}");
        let object = configmap(&name, 1);
        let answer = write(&mut client, &headers, "POST", CONFIGMAPS, &object).await;
        let (status, object) = answer.expect("the server answers");
        assert_eq!(status, 201, "{object}");
        made.push((name, version(&object)));
    }
    made
}

async fn listed(server: &TestServer) -> Vec<(String, u64)> {
    let headers = server.authorization();
    let list = server
        .client()
        .request("GET", CONFIGMAPS, &headers, None)
        .await;
    let list = list.and_then(|list| list.json()).expect("a list is JSON");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let name = |item: &Value| {
        item["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let items = items.iter().map(|item| (name(item), version(item)));
    items
        .filter(|(name, _)| name != "kube-root-ca.crt")
        .collect()
}

/// The write-ahead log that was written last.
fn newest_log(server: &TestServer) -> PathBuf {
    let folder = server.data_dir().join("store/rocksdb");
    let files = fs::read_dir(&folder).expect("the store has a folder");
    let logs = files.filter_map(|file| Some(file.ok()?.path()));
    let logs = logs.filter(|path| path.extension().is_some_and(|end| end == "log"));
    logs.max().expect("there is a write-ahead log")
}

#[tokio::test]
async fn a_torn_end_of_the_log_costs_nothing_that_was_acknowledged() {
    let mut chance = Chance::of("torn");
    let mut server = TestServer::start().await;
    let mut all = Vec::new();
    for round in 0..4 {
        all.extend(create(&server, &format!("round-{round}"), 10).await);
        server.kill();
        // What a crash may leave behind the last sync: anything.
        let log = newest_log(&server);
        let torn: Vec<u8> = match round {
            0 => vec![0; 5000],
            1 => (0..700).map(|_| chance.number().to_le_bytes()[0]).collect(),
            // Half of a record.
            2 => fs::read(&log)
                .expect("it can be read")
                .into_iter()
                .skip(5)
                .take(777)
                .collect(),
            _ => vec![0xff; 3],
        };
        let mut file = OpenOptions::new()
            .append(true)
            .open(&log)
            .expect("it can be written");
        file.write_all(&torn).expect("it can be written");
        server.restart().await;
        assert_eq!(listed(&server).await, all, "after round {round}");
    }
}

#[tokio::test]
async fn of_a_log_that_is_cut_off_everything_before_is_there() {
    let mut chance = Chance::of("cut");
    let mut server = TestServer::start().await;
    let kept = create(&server, "a", 10).await;
    let log = newest_log(&server);
    let safe = fs::metadata(&log).expect("it is there").len();
    let later = create(&server, "b", 10).await;
    server.kill();
    assert_eq!(newest_log(&server), log, "it is still the newest");
    let end = fs::metadata(&log).expect("it is there").len();
    assert!(end > safe);
    // A disk that lies about what it has synced.
    let range = usize::try_from(end - safe).expect("it is small");
    let cut = safe + u64::try_from(chance.below(range)).expect("it is small");
    let file = OpenOptions::new()
        .write(true)
        .open(&log)
        .expect("it can be written");
    file.set_len(cut).expect("it can be cut");
    server.restart().await;
    let found = listed(&server).await;
    let all: Vec<_> = kept.iter().chain(&later).cloned().collect();
    assert!(found.len() >= kept.len(), "{found:?}");
    assert_eq!(
        found,
        all[..found.len()],
        "the history ends somewhere, without a hole"
    );
    create(&server, "c", 1).await;
}

/// A file system of a few megabytes, as long as it is held; for who may mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(folder.path())
            .output();
        let mounted = mounted.is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
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

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that a failed test leaves behind is still there for a moment.
        Command::new("umount")
            .arg("-l")
            .arg(self.path())
            .status()
            .ok();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_alone_and_for_as_long_as_it_is_full() {
    let Some(disk) = SmallDisk::mount(64) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let mut server = TestServer::start_in(disk.path(), &[]).await;
    let mut all = create(&server, "before", 10).await;
    let filler = disk.fill();
    let (mut client, headers) = (server.client(), json_headers(&server));
    // What was set aside before may still take some.
    let refused = loop {
        let name = format!("filling-{:04}", all.len());
        let object = configmap(&name, 1);
        let answer = write(&mut client, &headers, "POST", CONFIGMAPS, &object).await;
        let (status, object) = answer.expect("the server answers");
        if status != 201 {
            break (status, object);
        }
        all.push((name, version(&object)));
        assert!(all.len() < 20_000, "the disk is full");
    };
    assert!((500..=504).contains(&refused.0), "{refused:?}");
    assert_eq!(refused.1["kind"], "Status");
    for path in [CONFIGMAPS, "/livez"] {
        let answer = client.request("GET", path, &headers, None).await;
        assert_eq!(answer.expect("reads go on").status, 200, "{path}");
    }
    assert_eq!(listed(&server).await.len(), all.len());
    fs::remove_file(filler).expect("it is there");
    all.extend(create(&server, "since", 3).await);
    all.sort();
    assert_eq!(listed(&server).await, all);
    server.kill();
    server.restart().await;
    assert_eq!(listed(&server).await, all);
}
