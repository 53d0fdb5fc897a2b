//! The example of three instances in `deploy/` starts and serves.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pintle_tests::http::{Client, Endpoint};
use pintle_tests::server::binary;
use tokio::time::{Instant, sleep};

use super::server::is_installed;

/// The script, told to end when dropped; it ends what it has started.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Where eight ports are free, most likely.
fn base() -> u16 {
    20_000 + u16::try_from(std::process::id() % 3000).unwrap_or_default() * 8
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_three_instances_starts() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = pintle_tests::folder().join("../deploy/three-instances/start.sh");
    let base = base();
    let log = std::fs::File::create(folder.path().join("log")).expect("it can be written");
    let script = Command::new(script)
        .arg(folder.path().join("state"))
        .env("PINTLE_BIN", binary())
        .env("BASE", base.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn();
    let mut script = Started(script.expect("there is a shell"));
    let deadline = Instant::now() + Duration::from_secs(120);
    let printed = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    while !printed().contains("ready: ") {
        let ended = script.0.try_wait().expect("it was started here");
        assert!(
            ended.is_none() && Instant::now() < deadline,
            "{}",
            printed()
        );
        sleep(Duration::from_millis(50)).await;
    }
    for instance in 1..=3 {
        let endpoint = Endpoint::parse(&format!("https://127.0.0.1:{}", base + instance));
        let mut client = Client::new(endpoint.expect("it is a URL"));
        let answer = client.request("GET", "/readyz", &Vec::new(), None).await;
        assert_eq!(
            answer.expect("it listens").status,
            200,
            "instance {instance}"
        );
    }
}
