//! The tour of the README, with every kubectl that is found: on the PATH, in `$PINTLE_KUBECTL` (a list like the
//! PATH), and in other versions beside them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use pintle_tests::server::TestServer;

use crate::kubectl_access;

/// From the folder that cargo starts suites in.
const APPLICATION: &str = "kubectl/application.yaml";
/// Rows of `kubectl api-resources` with kube-apiserver's default group versions: one less than there are resources, as
/// autoscalers come in two versions, and kubectl shows the preferred one.
const RESOURCES: usize = 67;
const PATIENCE: Duration = Duration::from_secs(60);

/// A kubectl with a server to talk to.
pub(crate) struct Kubectl<'a> {
    pub(crate) program: &'a Path,
    pub(crate) server: &'a TestServer,
}

impl Kubectl<'_> {
    /// The server's URL.
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> &Path {
        self.server.kubeconfig()
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(self.program);
        command.args(arguments.split_whitespace());
        command.env("KUBECONFIG", self.server.kubeconfig());
        // Discovery is cached under the home directory by host and port; another server had it before.
        command.env(
            "KUBECACHEDIR",
            self.server.kubeconfig().with_file_name("kubectl-cache"),
        );
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn output(&self, arguments: &str) -> Output {
        self.command(arguments)
            .output()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.display()))
    }

    /// What it prints, after success and without complaints.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &str) -> String {
        let output = self.output(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "kubectl {arguments}: {}\n{out}{err}",
            output.status
        );
        out
    }

    /// Runs it and compares the lines, with runs of spaces and the ages of things evened out.
    #[track_caller]
    pub(crate) fn check(&self, arguments: &str, expected: &[&str]) {
        let out = self.run(arguments);
        let lines: Vec<String> = out
            .lines()
            .map(even)
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(lines, expected, "kubectl {arguments}");
    }

    #[track_caller]
    pub(crate) fn check_contains(&self, arguments: &str, expected: &[&str]) {
        let out = self.run(arguments);
        for part in expected {
            assert!(
                out.contains(part),
                "kubectl {arguments} says nothing of {part:?}:\n{out}"
            );
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One space between columns, `AGE` for how old something is.
pub(crate) fn even(line: &str) -> String {
    let is_age = |word: &str| word.ends_with('s') && word[..word.len() - 1].parse::<u32>().is_ok();
    line.split_whitespace()
        .map(|word| if is_age(word) { "AGE" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

/// A `kubectl get -w` whose lines can be waited for.
struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl can be started");
        let output = child.stdout.take().expect("the output is a pipe");
        let (sender, lines) = sync_channel(1024);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    #[track_caller]
    fn wait_for(&self, part: &str) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if line.contains(part) {
                return;
            }
        }
        panic!("kubectl get -w does not show {part:?}");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The first kubectl on the PATH, those named in `$PINTLE_KUBECTL`, and the ones of other versions that are installed
/// beside them as `kubectl.1.NN`.
pub(crate) fn programs() -> Vec<PathBuf> {
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let first = on_path
        .map(|folder| folder.join("kubectl"))
        .find(|program| program.is_file());
    let named = std::env::var_os("PINTLE_KUBECTL")
        .map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
    first
        .into_iter()
        .chain(named.into_iter().flatten())
        .flat_map(|program| {
            let others = versions_beside(&program);
            std::iter::once(program).chain(others)
        })
        .collect()
}

fn versions_beside(program: &Path) -> Vec<PathBuf> {
    let real = program.canonicalize().ok();
    let entries = real
        .as_deref()
        .and_then(Path::parent)
        .map(std::fs::read_dir);
    let mut found: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with("kubectl.1."))
        })
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn every_kubectl_takes_the_tour() {
    let programs = programs();
    if programs.is_empty() {
        println!("kubectl: skipped, there is none on the PATH or in $PINTLE_KUBECTL");
    }
    for program in programs {
        let server = TestServer::start().await;
        let kubectl = Kubectl {
            program: &program,
            server: &server,
        };
        println!(
            "kubectl: {} ({})",
            program.display(),
            even(&kubectl.run("version"))
        );
        tour(&kubectl);
    }
}

fn tour(kubectl: &Kubectl<'_>) {
    kubectl.check(
        "get ns",
        &[
            "NAME STATUS AGE",
            "default Active AGE",
            "kube-node-lease Active AGE",
            "kube-public Active AGE",
            "kube-system Active AGE",
        ],
    );
    kubectl.check(
        &format!("create -f {APPLICATION}"),
        &[
            "namespace/shop created",
            "configmap/shop-settings created",
            "secret/shop-database created",
            "serviceaccount/shop created",
            "role.rbac.authorization.k8s.io/shop created",
            "rolebinding.rbac.authorization.k8s.io/shop created",
            "deployment.apps/shop created",
            "pod/shop-shell created",
            "service/shop created",
            "ingress.networking.k8s.io/shop created",
            "horizontalpodautoscaler.autoscaling/shop created",
            "poddisruptionbudget.policy/shop created",
            "job.batch/shop-migration created",
        ],
    );
    watch(kubectl);
    kubectl.check_contains("get pods -n shop -l role=shell", &["shop-shell"]);
    kubectl.check("get pods -n shop -l role=other", &[]);
    kubectl.check(
        "get deployment shop -n shop",
        &["NAME READY UP-TO-DATE AVAILABLE AGE", "shop 0/2 0 0 AGE"],
    );
    kubectl.check(
        "get secret shop-database -n shop -o jsonpath={.data.password}",
        &["Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ=="],
    );
    kubectl.check_contains(
        "describe deployment shop -n shop",
        &["RollingUpdate", "registry.example.com/shop:1.4.2"],
    );
    kubectl.check_contains(
        "explain deployment.spec.strategy",
        &["DeploymentStrategy", "rollingUpdate", "\"Recreate\""],
    );
    resources(kubectl);
    refusals(kubectl);
    kubectl_access::tour(kubectl);
    let deleted = kubectl.run(&format!("delete -f {APPLICATION} --wait=false"));
    assert_eq!(
        deleted
            .lines()
            .filter(|line| line.contains(" deleted"))
            .count(),
        13,
        "{deleted}"
    );
}

/// `get all` shows what is there, and `get pods -w` also what comes. (kubectl itself refuses to
/// watch more than one resource at a time.)
fn watch(kubectl: &Kubectl<'_>) {
    kubectl.check_contains(
        "get all -n shop",
        &[
            "pod/shop-shell",
            "service/shop",
            "deployment.apps/shop",
            "horizontalpodautoscaler.autoscaling/shop",
            "job.batch/shop-migration",
        ],
    );
    let watch = Watch::start(kubectl.command("get pods -n shop -w"));
    watch.wait_for("shop-shell");
    kubectl.run(
        r#"run late -n shop --image=registry.example.com/late:1 --overrides={"spec":{"serviceAccountName":"shop"}}"#,
    );
    watch.wait_for("late");
    kubectl.run("delete pod late -n shop --now --wait=false");
}

/// The resources of a server with the default group versions.
fn resources(kubectl: &Kubectl<'_>) {
    let table = kubectl.run("api-resources --no-headers");
    assert_eq!(table.lines().count(), RESOURCES, "{table}");
    kubectl.check_contains(
        "api-resources --api-group=apps --no-headers",
        &["deployments", "deploy", "apps/v1", "true", "Deployment"],
    );
}

/// What the server says no to reaches whoever typed it.
fn refusals(kubectl: &Kubectl<'_>) {
    for (arguments, expected) in [
        (
            "get configmap nothing -n shop",
            "Error from server (NotFound): configmaps \"nothing\" not found",
        ),
        (
            "create namespace shop",
            "Error from server (AlreadyExists): namespaces \"shop\" already exists",
        ),
        (
            "create namespace Shop",
            "is invalid: metadata.name: Invalid value: \"Shop\"",
        ),
    ] {
        let output = kubectl.output(arguments);
        let err = text(&output.stderr);
        assert!(
            !output.status.success() && err.contains(expected),
            "kubectl {arguments}: {err}"
        );
    }
    let mut typo = kubectl.command("create -f -");
    let mut child = typo
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl can be started");
    let manifest = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndta: {}\n";
    std::io::Write::write_all(
        &mut child.stdin.take().expect("the input is a pipe"),
        manifest,
    )
    .expect("kubectl reads its input");
    let mut err = String::new();
    child
        .stderr
        .take()
        .expect("the errors are a pipe")
        .read_to_string(&mut err)
        .expect("kubectl prints text");
    assert!(!child.wait().expect("kubectl was started here").success());
    assert!(err.contains("unknown field \"dta\""), "{err}");
}
