//! What kubectl has for those who ask who they are and what they may: a part of the tour.

use std::io::Write as _;
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::json;

use crate::kubectl::{Kubectl, text};

/// Comes after the application was created.
pub(crate) fn tour(kubectl: &Kubectl<'_>) {
    whoami(kubectl);
    can_i(kubectl);
    reconcile(kubectl);
    token(kubectl);
    certificate(kubectl);
    user_of_a_config(kubectl);
}

fn whoami(kubectl: &Kubectl<'_>) {
    let asked = kubectl.output("auth whoami");
    if text(&asked.stderr).contains("API is not enabled in the cluster") {
        // Up to 1.27 it asks with versions that are gone.
        return;
    }
    kubectl.check_contains(
        "auth whoami",
        &["kubernetes-admin", "system:masters", "X509SHA256="],
    );
    kubectl.check(
        "auth whoami --as=alice --as-group=devs",
        &[
            "ATTRIBUTE VALUE",
            "Username alice",
            "Groups [devs system:authenticated]",
        ],
    );
}

fn can_i(kubectl: &Kubectl<'_>) {
    kubectl.check("auth can-i delete nodes", &["yes"]);
    let refused = kubectl.output("auth can-i delete nodes --as=alice");
    assert_eq!(text(&refused.stdout).trim(), "no");
    assert!(!refused.status.success());
    kubectl.check_contains("auth can-i --list", &["*.*", "[*]"]);
    kubectl.check_contains(
        "auth can-i --list --as=system:serviceaccount:shop:shop -n shop",
        &[
            "selfsubjectreviews.authentication.k8s.io",
            "[/version]",
            "configmaps",
        ],
    );
    let refused = kubectl.output("get pods --as=alice");
    let expected = "Error from server (Forbidden): pods is forbidden: User \"alice\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"";
    assert_eq!(text(&refused.stderr).trim(), expected);
}

/// Rules are added to those that are there.
fn reconcile(kubectl: &Kubectl<'_>) {
    let role = |verb: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "readers", "namespace": "shop"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": [verb]}],
        })
    };
    for verb in ["get", "list"] {
        apply(kubectl, "auth reconcile -f -", &role(verb).to_string());
    }
    kubectl.check(
        "get role readers -n shop -o jsonpath={.rules[*].verbs}",
        &[r#"["get"] ["list"]"#],
    );
}

fn token(kubectl: &Kubectl<'_>) {
    let token = kubectl.run("create token shop -n shop --audience=shop --duration=20m");
    let parts: Vec<&str> = token.trim().split('.').collect();
    assert_eq!(parts.len(), 3, "a token has three parts");
    let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(parts[1]);
    let claims: serde_json::Value =
        serde_json::from_slice(&claims.expect("base64")).expect("claims are JSON");
    assert_eq!(claims["aud"], json!(["shop"]));
    assert_eq!(claims["sub"], "system:serviceaccount:shop:shop");
}

fn certificate(kubectl: &Kubectl<'_>) {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "grace");
    let key = KeyPair::generate().expect("a key can be made");
    let request = params
        .serialize_request(&key)
        .expect("a request can be made");
    let request = request.pem().expect("it is text");
    let object = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"name": "grace"},
        "spec": {
            "request": BASE64_STANDARD.encode(request),
            "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"],
        },
    });
    apply(kubectl, "create -f -", &object.to_string());
    kubectl.check_contains("get csr grace", &["Pending", "kubernetes-admin"]);
    kubectl.check(
        "certificate approve grace",
        &["certificatesigningrequest.certificates.k8s.io/grace approved"],
    );
    kubectl.check_contains("get csr grace", &["Approved"]);
    kubectl.run("delete csr grace");
}

/// A user whom `kubectl config` writes down.
fn user_of_a_config(kubectl: &Kubectl<'_>) {
    let file = kubectl.kubeconfig().with_file_name("alice.kubeconfig");
    let output = |arguments: &str| {
        let mut command = kubectl.command(arguments);
        let output = command.env("KUBECONFIG", &file).output();
        output.expect("kubectl can be started")
    };
    let run = |arguments: &str| {
        let output = output(arguments);
        assert!(
            output.status.success(),
            "kubectl {arguments}: {}",
            text(&output.stderr)
        );
    };
    run(&format!(
        "config set-cluster here --insecure-skip-tls-verify --server={}",
        kubectl.url()
    ));
    run("config set-credentials alice --token=alicetoken");
    run("config set-context here --cluster=here --user=alice");
    run("config use-context here");
    let refused = text(&output("get secrets").stderr);
    assert!(refused.contains("User \"alice\" cannot list"), "{refused}");
}

/// Hands kubectl an object.
fn apply(kubectl: &Kubectl<'_>, arguments: &str, object: &str) {
    let mut child = kubectl
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl can be started");
    child
        .stdin
        .take()
        .expect("the input is a pipe")
        .write_all(object.as_bytes())
        .expect("kubectl reads its input");
    let output = child.wait_with_output().expect("kubectl ends");
    assert!(
        output.status.success(),
        "kubectl {arguments}: {}",
        text(&output.stderr)
    );
}
