//! What kubectl changes: apply in its two ways, patches of each type, edits, and deletes in each order.

use std::process::{Output, Stdio};

use pintle_tests::server::TestServer;

use crate::kubectl::{Kubectl, even, programs, text};

const COLORS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: colors, namespace: tour, labels: {app: tour}}
data: {sky: blue}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shapes, namespace: tour, labels: {app: tour}}
data: {ball: round}
";
const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: tour}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example.com/web:1}]}
";

impl Kubectl<'_> {
    fn fed(&self, arguments: &str, input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl can be started");
        let mut pipe = child.stdin.take().expect("the input is a pipe");
        std::io::Write::write_all(&mut pipe, input.as_bytes()).expect("kubectl reads its input");
        drop(pipe);
        child.wait_with_output().expect("kubectl was started here")
    }

    /// What it prints when it is fed with `input`, after success.
    #[track_caller]
    fn feed(&self, arguments: &str, input: &str, expected: &[&str]) {
        let output = self.fed(arguments, input);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "kubectl {arguments}: {}\n{out}{err}",
            output.status
        );
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines, expected, "kubectl {arguments}\n{err}");
    }

    /// One value of an object.
    #[track_caller]
    fn value(&self, object: &str, path: &str) -> String {
        self.run(&format!("get {object} -n tour -o jsonpath={{{path}}}"))
    }
}

#[tokio::test]
async fn every_kubectl_changes_things() {
    for program in programs() {
        let server = TestServer::start_with(&["--builtin-controllers=*"]).await;
        let kubectl = Kubectl {
            program: &program,
            server: &server,
        };
        println!(
            "kubectl: {} ({})",
            program.display(),
            even(&kubectl.run("version"))
        );
        kubectl.check("create ns tour", &["namespace/tour created"]);
        applies_from_the_client(&kubectl);
        applies_from_the_server(&kubectl);
        patches(&kubectl);
        small_changes(&kubectl);
        replaces(&kubectl);
        shows(&kubectl);
        waits(&kubectl);
        deletes(&kubectl);
    }
}

fn applies_from_the_client(kubectl: &Kubectl<'_>) {
    let apply = "apply -f -";
    let created = ["configmap/colors created", "configmap/shapes created"];
    kubectl.feed(apply, COLORS, &created);
    let unchanged = ["configmap/colors unchanged", "configmap/shapes unchanged"];
    kubectl.feed(apply, COLORS, &unchanged);
    let grey = COLORS.replace("sky: blue", "sky: grey");
    let diff = kubectl.fed("diff -f -", &grey);
    let shown = text(&diff.stdout);
    assert_eq!(diff.status.code(), Some(1), "{}", text(&diff.stderr));
    assert!(
        shown.contains("-  sky: blue") && shown.contains("+  sky: grey"),
        "{shown}"
    );
    kubectl.feed(
        apply,
        &grey,
        &["configmap/colors configured", "configmap/shapes unchanged"],
    );
    assert_eq!(kubectl.value("cm/colors", ".data.sky"), "grey");
    // What is not said any more goes.
    let emptied = COLORS.replace("data: {sky: blue}", "data: {sea: green}");
    kubectl.feed(
        apply,
        &emptied,
        &["configmap/colors configured", "configmap/shapes unchanged"],
    );
    assert_eq!(kubectl.value("cm/colors", ".data"), r#"{"sea":"green"}"#);
    let (only_colors, _) = COLORS.split_once("---").unwrap_or_default();
    kubectl.feed(
        "apply -n tour --prune -l app=tour --prune-allowlist=core/v1/ConfigMap -f -",
        only_colors,
        &["configmap/colors configured", "configmap/shapes pruned"],
    );
}

fn applies_from_the_server(kubectl: &Kubectl<'_>) {
    let apply = "apply --server-side --field-manager=painter -f -";
    kubectl.feed(apply, WEB, &["deployment.apps/web serverside-applied"]);
    let red = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: colors, namespace: tour}
data: {sky: red}
";
    let refused = kubectl.fed(apply, red);
    let why = text(&refused.stderr);
    assert!(
        !refused.status.success()
            && why.contains("Apply failed with 1 conflict")
            && why.contains(".data.sky"),
        "{why}"
    );
    kubectl.feed(
        &apply.replace("-f -", "--force-conflicts -f -"),
        red,
        &["configmap/colors serverside-applied"],
    );
    let managers = kubectl.run("get cm colors -n tour -o yaml --show-managed-fields");
    assert!(
        managers.contains("manager: painter") && managers.contains("operation: Apply"),
        "{managers}"
    );
}

fn patches(kubectl: &Kubectl<'_>) {
    for (object, kind, patch, said) in [
        (
            "cm colors",
            "merge",
            r#"{"data":{"sky":null,"sun":"yellow"}}"#,
            "configmap/colors patched",
        ),
        (
            "cm colors",
            "merge",
            r#"{"data":{"sun":"yellow"}}"#,
            "configmap/colors patched (no change)",
        ),
        (
            "cm colors",
            "json",
            r#"[{"op":"add","path":"/data/moon","value":"white"}]"#,
            "configmap/colors patched",
        ),
        (
            "deployment web",
            "strategic",
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"proxy","image":"registry.example.com/proxy:1"}]}}}}"#,
            "deployment.apps/web patched",
        ),
    ] {
        kubectl.check(
            &format!("patch {object} -n tour --type={kind} -p {patch}"),
            &[said],
        );
    }
    let data = kubectl.value("cm/colors", ".data");
    assert_eq!(data, r#"{"moon":"white","sun":"yellow"}"#);
    let names = kubectl.value("deployment/web", ".spec.template.spec.containers[*].name");
    assert_eq!(names, "proxy web");
}

fn small_changes(kubectl: &Kubectl<'_>) {
    let edited = kubectl
        .command("edit cm colors -n tour")
        .env("KUBE_EDITOR", "sed -i s/yellow/golden/")
        .output()
        .expect("kubectl can be started");
    assert!(edited.status.success(), "{}", text(&edited.stderr));
    assert_eq!(kubectl.value("cm/colors", ".data.sun"), "golden");
    for (arguments, said) in [
        ("label cm colors -n tour tier=front", "labeled"),
        ("label cm colors -n tour tier=back --overwrite", "labeled"),
        ("label cm colors -n tour tier-", "unlabeled"),
    ] {
        kubectl.check(arguments, &[&format!("configmap/colors {said}")]);
    }
    // What it says to this is not the same in all versions.
    kubectl.run("annotate cm colors -n tour note=kept");
    assert_eq!(
        kubectl.value("cm/colors", ".metadata.annotations.note"),
        "kept"
    );
    assert_eq!(kubectl.value("cm/colors", ".metadata.labels.tier"), "");
    kubectl.check(
        "scale deployment web -n tour --replicas=3",
        &["deployment.apps/web scaled"],
    );
    assert_eq!(kubectl.value("deployment/web", ".spec.replicas"), "3");
    let stale = kubectl.output("scale deployment web -n tour --current-replicas=2 --replicas=4");
    assert!(!stale.status.success(), "{}", text(&stale.stdout));
    kubectl.check(
        "set image deployment/web -n tour web=registry.example.com/web:2",
        &["deployment.apps/web image updated"],
    );
    let images = kubectl.value("deployment/web", ".spec.template.spec.containers[*].image");
    assert_eq!(
        images,
        "registry.example.com/proxy:1 registry.example.com/web:2"
    );
}

fn replaces(kubectl: &Kubectl<'_>) {
    let (colors, _) = COLORS.split_once("---").unwrap_or_default();
    kubectl.feed("replace -f -", colors, &["configmap/colors replaced"]);
    assert_eq!(kubectl.value("cm/colors", ".data"), r#"{"sky":"blue"}"#);
    let uid = kubectl.value("cm/colors", ".metadata.uid");
    let replaced = kubectl.fed("replace --force -f -", colors);
    assert!(replaced.status.success(), "{}", text(&replaced.stderr));
    assert_ne!(kubectl.value("cm/colors", ".metadata.uid"), uid);
}

fn shows(kubectl: &Kubectl<'_>) {
    kubectl.check(
        "get deployment web -n tour -o wide",
        &[
            "NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR",
            "web 0/3 0 0 AGE proxy,web registry.example.com/proxy:1,registry.example.com/web:2 app=web",
        ],
    );
    kubectl.check(
        "get deployments -n tour -o custom-columns=NAME:.metadata.name,REPLICAS:.spec.replicas",
        &["NAME REPLICAS", "web 3"],
    );
    kubectl.check_contains(
        "get cm colors -n tour -o yaml",
        &["apiVersion: v1\ndata:\n  sky: blue\nkind: ConfigMap\n"],
    );
    kubectl.check("get cm -n tour -l app=tour -o name", &["configmap/colors"]);
}

fn waits(kubectl: &Kubectl<'_>) {
    kubectl.check(
        r#"patch deployment web -n tour --subresource=status --type=merge -p {"status":{"conditions":[{"type":"Available","status":"True"}]}}"#,
        &["deployment.apps/web patched"],
    );
    for condition in [
        "condition=Available deployment/web",
        "jsonpath={.data.sky}=blue configmap/colors",
    ] {
        let (_, object) = condition.split_once(' ').unwrap_or_default();
        let object = object.replace("deployment/", "deployment.apps/");
        kubectl.check(
            &format!("wait -n tour --for={condition} --timeout=60s"),
            &[&format!("{object} condition met")],
        );
    }
}

/// Makes an owner and what it owns.
fn family(kubectl: &Kubectl<'_>, owner: &str) {
    let map = |name: &str, more: &str| {
        format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"tour\"{more}}}}}"
        )
    };
    let created = format!("configmap/{owner} created");
    kubectl.feed("create -f -", &map(owner, ""), &[&created]);
    let uid = kubectl.value(&format!("cm/{owner}"), ".metadata.uid");
    let reference = format!(
        ",\"ownerReferences\":[{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"{owner}\",\"uid\":\"{uid}\",\
         \"blockOwnerDeletion\":true}}]"
    );
    let child = format!("{owner}-child");
    let created = format!("configmap/{child} created");
    kubectl.feed("create -f -", &map(&child, &reference), &[&created]);
}

fn deletes(kubectl: &Kubectl<'_>) {
    for cascade in ["background", "foreground"] {
        family(kubectl, cascade);
        kubectl.run(&format!(
            "delete cm {cascade} -n tour --cascade={cascade} --timeout=60s"
        ));
        kubectl.run(&format!(
            "wait -n tour --for=delete cm/{cascade}-child --timeout=60s"
        ));
    }
    family(kubectl, "orphan");
    kubectl.run("delete cm orphan -n tour --cascade=orphan --timeout=60s");
    let owners = kubectl.value("cm/orphan-child", ".metadata.ownerReferences");
    assert_eq!(owners, "");
    kubectl.run("delete ns tour --timeout=60s");
    kubectl.check("get ns tour --ignore-not-found", &[]);
}
