//! A real etcd, of one member or more, on ports of its own.

use std::{
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

/// Members in directories of their own; all end with it.
pub(crate) struct TestEtcd {
    members: Vec<Member>,
    flags: Vec<String>,
    /// The network namespace that it runs in, if not this process'.
    namespace: Option<String>,
    _directory: tempfile::TempDir,
}

struct Member {
    name: String,
    directory: PathBuf,
    client: String,
    peer: String,
    process: Mutex<Option<Child>>,
}

/// Whether this machine has etcd; says so once, if not.
pub(crate) fn is_installed() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        let version = Command::new("etcd").arg("--version").output();
        let installed = version.is_ok_and(|output| output.status.success());
        if !installed {
            eprintln!("skipped: etcd is not on the PATH");
        }
        installed
    })
}

impl TestEtcd {
    pub(crate) fn start(count: usize, flags: &[&str]) -> Self {
        Self::start_at("http", count, flags)
    }

    /// Members that clients speak TLS to, with the certificates that the flags name.
    #[allow(dead_code, reason = "for the suites that start servers")]
    pub(crate) fn start_secured(count: usize, flags: &[&str]) -> Self {
        Self::start_at("https", count, flags)
    }

    /// One member in another network namespace, listening at these addresses there.
    #[allow(dead_code, reason = "for the suites that start servers")]
    pub(crate) fn start_within(namespace: &str, addresses: &[String]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let member = Member {
            name: "member0".to_owned(),
            directory: directory.path().join("0"),
            client: addresses.join(","),
            peer: "http://127.0.0.1:2380".to_owned(),
            process: Mutex::default(),
        };
        let server = Self {
            members: vec![member],
            flags: Vec::new(),
            namespace: Some(namespace.to_owned()),
            _directory: directory,
        };
        server.launch(0);
        server.wait(0);
        server
    }

    fn start_at(scheme: &str, count: usize, flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        // All at once, so that none is given twice.
        let ports: Vec<_> = (0..2 * count)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"))
            .collect();
        let address = |scheme, listener: &TcpListener| {
            let address = listener.local_addr().expect("it is bound");
            format!("{scheme}://{address}")
        };
        let member = |at: usize| Member {
            name: format!("member{at}"),
            directory: directory.path().join(at.to_string()),
            client: address(scheme, &ports[2 * at]),
            peer: address("http", &ports[2 * at + 1]),
            process: Mutex::default(),
        };
        let server = Self {
            members: (0..count).map(member).collect(),
            flags: flags.iter().map(ToString::to_string).collect(),
            namespace: None,
            _directory: directory,
        };
        drop(ports);
        (0..count).for_each(|member| server.launch(member));
        (0..count).for_each(|member| server.wait(member));
        server
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.members
            .iter()
            .map(|member| member.client.clone())
            .collect()
    }

    /// Ends a member as a power failure would.
    pub(crate) fn kill(&self, member: usize) {
        let mut process = self.members[member].process.lock().expect("not poisoned");
        if let Some(mut process) = process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it ends");
        }
    }

    /// Has a killed member come back.
    pub(crate) fn revive(&self, member: usize) {
        self.launch(member);
        self.wait(member);
    }

    fn launch(&self, at: usize) {
        let member = &self.members[at];
        let cluster: Vec<_> = self
            .members
            .iter()
            .map(|member| format!("{}={}", member.name, member.peer))
            .collect();
        let mut command = match &self.namespace {
            None => Command::new("etcd"),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, "etcd"]);
                command
            }
        };
        let process = command
            .args([
                format!("--name={}", member.name),
                format!("--data-dir={}", member.directory.display()),
                format!("--listen-client-urls={}", member.client),
                format!("--advertise-client-urls={}", member.client),
                format!("--listen-peer-urls={}", member.peer),
                format!("--initial-advertise-peer-urls={}", member.peer),
                format!("--initial-cluster={}", cluster.join(",")),
                "--heartbeat-interval=50".to_owned(),
                "--election-timeout=500".to_owned(),
                "--log-level=error".to_owned(),
            ])
            .args(&self.flags)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd starts");
        *member.process.lock().expect("not poisoned") = Some(process);
    }

    /// Waits until a member takes connections. Requests wait for a leader themselves.
    fn wait(&self, at: usize) {
        let address = self.members[at].client.rsplit('/').next();
        let address = address.expect("an address has a host");
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "etcd starts");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for TestEtcd {
    fn drop(&mut self) {
        for member in 0..self.members.len() {
            self.kill(member);
        }
    }
}
