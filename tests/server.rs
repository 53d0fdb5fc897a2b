//! The real server, in a process of its own, on a port and a data directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::http::{Client, Endpoint, Headers};

/// The token of a member of `system:masters`.
pub const ADMIN_TOKEN: &str = "admintoken";

/// Users that every [`TestServer`] knows by token, the administrator first.
pub const USERS: &[(&str, &str)] = &[
    ("admin", ADMIN_TOKEN),
    ("alice", "alicetoken"),
    ("bob", "bobtoken"),
    ("carol", "caroltoken"),
];

const TOKENS: &str = "\
admintoken,admin,admin-uid,\"system:masters\"
alicetoken,alice,alice-uid,\"devs\"
bobtoken,bob,bob-uid,\"ops,devs\"
caroltoken,carol,carol-uid,\"devs\"
";

/// A debug build on a busy machine is ready long before.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(60);
/// Short, for start-up times measured by this to mean something.
const LOOK: Duration = Duration::from_millis(2);

/// A running `pintle`. It is killed, and its data removed, when this is dropped; if the test panics,
/// the server's log is printed.
pub struct TestServer {
    child: Child,
    /// Only the one that made the folder removes it.
    folder: TempDir,
    flags: Vec<String>,
    url: String,
    kubeconfig: PathBuf,
}

impl TestServer {
    /// Starts a server without further flags and waits until it is ready.
    ///
    /// # Panics
    ///
    /// If it does not become ready; the message holds its log.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with further flags and waits until it is ready.
    ///
    /// # Panics
    ///
    /// If it does not become ready; the message holds its log.
    pub async fn start_with(flags: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), flags).await
    }

    /// The same with its folder in another, as on a disk of its own.
    ///
    /// # Panics
    ///
    /// If it does not become ready; the message holds its log.
    pub async fn start_in(parent: &Path, flags: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pintle-test-")
            .tempdir_in(parent)
            .expect("a temporary folder can be made");
        std::fs::write(folder.path().join("tokens.csv"), TOKENS)
            .expect("the temporary folder can be written to");
        let flags: Vec<String> = flags.iter().map(|&flag| flag.into()).collect();
        let child = spawn(folder.path(), &flags, 0);
        let mut server = Self {
            child,
            folder,
            flags,
            url: String::new(),
            kubeconfig: PathBuf::new(),
        };
        server.wait_until("/readyz").await;
        server
    }

    /// What a server says that does not start with these flags.
    ///
    /// # Panics
    ///
    /// If it starts.
    pub fn refused(flags: &[&str]) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let output = Command::new(binary())
            .args(["--bind-address=127.0.0.1", "--secure-port=0"])
            .arg(format!("--data-dir={}", folder.path().display()))
            .args(flags)
            .stdin(Stdio::null())
            .output()
            .expect("the server can be started");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "it started: {said}");
        said
    }

    /// `https://127.0.0.1:port`; the same after a restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The kubeconfig of the administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The token of a member of `system:masters`.
    pub fn token(&self) -> &'static str {
        ADMIN_TOKEN
    }

    /// Its `--data-dir`.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the server listens.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::parse(&self.url).expect("the server said where it listens")
    }

    /// A plain client without credentials.
    pub fn client(&self) -> Client {
        Client::new(self.endpoint())
    }

    /// The header by which the administrator is known.
    pub fn authorization(&self) -> Headers {
        vec![("authorization".into(), format!("Bearer {ADMIN_TOKEN}"))]
    }

    /// What the server has printed since it was first started.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(self.folder.path())).unwrap_or_default()
    }

    /// Ends the process as a power failure would.
    pub fn kill(&mut self) {
        self.child
            .kill()
            .expect("the server's process can be killed");
        self.child
            .wait()
            .expect("the server's process was started here");
    }

    /// Asks the process to end, as `kill` does without options. It goes on for a while.
    pub fn terminate(&self) {
        let kill = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(
            kill.is_ok_and(|status| status.success()),
            "the server's process can be sent a signal"
        );
    }

    /// Waits for the process to end by itself.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + STOP;
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .expect("the server's process was started here")
            {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the server did not end:\n{}",
                self.log()
            );
            sleep(LOOK).await;
        }
    }

    fn port(&self) -> u16 {
        let port = self.url.rsplit(':').next();
        port.and_then(|port| port.parse().ok())
            .expect("the URL has a port")
    }

    fn spawn_again(&mut self) {
        let ended = self.child.try_wait();
        let ended = ended.expect("the server's process was started here");
        assert!(ended.is_some(), "a server is started again before it ended");
        self.child = spawn(self.folder.path(), &self.flags, self.port());
    }

    /// Starts the server again after it has ended, on the same port and data.
    ///
    /// # Panics
    ///
    /// If it has not ended, or does not become ready; the message holds its log.
    pub async fn restart(&mut self) {
        self.spawn_again();
        self.wait_until("/readyz").await;
    }

    /// The same for a server that will start, but can not become ready.
    ///
    /// # Panics
    ///
    /// If it has not ended, or does not start; the message holds its log.
    pub async fn restart_unready(&mut self) {
        self.spawn_again();
        self.wait_until("/livez").await;
    }

    async fn wait_until(&mut self, check: &str) {
        let deadline = Instant::now() + START;
        while !self.is_well(check).await {
            if let Some(status) = self
                .child
                .try_wait()
                .expect("the server's process was started here")
            {
                panic!(
                    "the server ended with {status} before it was ready:\n{}",
                    self.log()
                );
            }
            assert!(
                Instant::now() < deadline,
                "the server did not become ready:\n{}",
                self.log()
            );
            sleep(LOOK).await;
        }
    }

    /// Learns the address from what the server prints, then asks it.
    async fn is_well(&mut self, check: &str) -> bool {
        if self.url.is_empty() {
            let log = self.log();
            let Some((url, kubeconfig)) = announced(&log) else {
                return false;
            };
            (self.url, self.kubeconfig) = (url.into(), kubeconfig.into());
        }
        let answer = self
            .client()
            .request("GET", check, &self.authorization(), None)
            .await;
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            println!("the server's log:\n{}", self.log());
        }
    }
}

/// The URL of the ready line and the path of the `export KUBECONFIG=` line.
fn announced(log: &str) -> Option<(&str, &str)> {
    let kubeconfig = log
        .lines()
        .find_map(|line| line.split_once("export KUBECONFIG="))
        .map(|(_, path)| path)?;
    let line = log
        .lines()
        .find(|line| line.contains("https://") && line.contains("ready"))?;
    let url = &line[line.find("https://")?..];
    let end = url
        .find(|c: char| !(c.is_ascii_alphanumeric() || ":/.[]".contains(c)))
        .unwrap_or(url.len());
    Some((
        url[..end].trim_end_matches(['.', '/']),
        kubeconfig.trim().trim_matches(['"', '\'']),
    ))
}

fn spawn(folder: &Path, flags: &[String], port: u16) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_path(folder))
        .expect("the log can be opened");
    Command::new(binary())
        .arg("--bind-address=127.0.0.1")
        .arg(format!("--secure-port={port}"))
        .arg(format!("--data-dir={}", folder.join("data").display()))
        .arg(format!(
            "--token-auth-file={}",
            folder.join("tokens.csv").display()
        ))
        .args(bare(flags))
        .args(flags)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", binary().display()))
}

/// Nothing but what clients do happens to the objects, unless the test wants it otherwise.
fn bare(flags: &[String]) -> Option<&'static str> {
    const CONTROLLERS: &str = "--builtin-controllers=";
    let is_said = flags.iter().any(|flag| flag.starts_with(CONTROLLERS));
    (!is_said).then_some(CONTROLLERS)
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("log")
}

/// Runs the program to its end, as for `snapshot`; gives what it printed.
///
/// # Errors
/// What it printed, if it did not succeed.
pub fn run(words: &[&str]) -> Result<String, String> {
    let output = Command::new(binary()).args(words).output();
    let output = output.map_err(|error| error.to_string())?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    if output.status.success() {
        Ok(printed)
    } else {
        Err(printed)
    }
}

/// The server's program: `$PINTLE_BIN`, or what cargo builds, with the profile of this program.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("PINTLE_BIN").map_or_else(build, PathBuf::from))
}

/// Builds the server. The packages are selected as `cargo xtask test` selects them, for its artifacts to be used.
fn build() -> PathBuf {
    let this = std::env::current_exe().expect("this program has a path");
    let profile = this
        .ancestors()
        .find(|folder| folder.ends_with("debug") || folder.ends_with("release"));
    let profile = profile.expect("test programs stand in a folder of their profile");
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--workspace", "--bin=pintle"])
        .current_dir(crate::folder());
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo
        .stdin(Stdio::null())
        .status()
        .expect("cargo can be started");
    assert!(built.success(), "the server cannot be built");
    profile.join("pintle")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(log: &str, expected: Option<(&str, &str)>) {
        assert_eq!(announced(log), expected, "{log}");
    }

    #[test]
    fn the_address_is_read_from_what_the_server_prints() {
        check("", None);
        check("starting on https://127.0.0.1:1\n", None);
        check(
            "  export KUBECONFIG=/tmp/a b/admin.kubeconfig\npintle is ready on https://127.0.0.1:6443.\n",
            Some(("https://127.0.0.1:6443", "/tmp/a b/admin.kubeconfig")),
        );
    }
}
