//! An etcd that speaks TLS, and asks who it speaks to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pintle_storage::{EtcdOptions, EtcdStore};
use pintle_tests::peer::Authority;
use pintle_tests::server::TestServer;
use rcgen::DnType;

use super::server::{TestEtcd, is_installed};
use super::{CONFIGMAPS, ask, configmap, get, on};

/// A certificate and its key in files.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    fn write(folder: &Path, name: &str, (certificate, key): &(String, String)) -> Self {
        let pair = Self {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
        };
        std::fs::write(&pair.certificate, certificate).expect("it is written");
        std::fs::write(&pair.key, key).expect("it is written");
        pair
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcd_and_the_server_know_each_other_by_certificates() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let authority = Authority::new();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("it is written");
    let serving = Pair::write(folder.path(), "etcd", &authority.serving(&["localhost"]));
    let own = authority.client(&[(DnType::CommonName, "pintle")]);
    let client = Pair::write(folder.path(), "client", &own);
    let flags = [
        format!("--cert-file={}", serving.certificate.display()),
        format!("--key-file={}", serving.key.display()),
        format!("--trusted-ca-file={}", ca.display()),
        "--client-cert-auth".to_owned(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let etcd = TestEtcd::start_secured(3, &flags);
    assert!(etcd.addresses()[0].starts_with("https://"));

    let flags = [
        on(&etcd),
        format!("--etcd-cafile={}", ca.display()),
        format!("--etcd-certfile={}", client.certificate.display()),
        format!("--etcd-keyfile={}", client.key.display()),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = TestServer::start_with(&flags).await;
    let made = ask(
        &mut server.client(),
        "POST",
        CONFIGMAPS,
        Some(&configmap("one", 1)),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text());
    // Also when the member that it speaks to is lost.
    etcd.kill(0);
    etcd.revive(0);
    etcd.kill(1);
    get(&server, &format!("{CONFIGMAPS}/one")).await;

    let refused = async |options: EtcdOptions| {
        let store = EtcdStore::new(&options).expect("the files are well");
        store.check(Duration::from_secs(20)).await.is_err()
    };
    let options = || EtcdOptions::new(etcd.addresses());
    let trusting = || options().with_authorities(authority.pem());
    assert!(refused(trusting()).await, "a stranger is let in");
    assert!(
        refused(options().with_identity(&own.0, &own.1)).await,
        "anyone is taken for etcd"
    );
    let stranger = Authority::new().client(&[(DnType::CommonName, "pintle")]);
    assert!(
        refused(trusting().with_identity(&stranger.0, &stranger.1)).await,
        "somebody else's certificate is taken"
    );
    assert!(!refused(trusting().with_identity(&own.0, &own.1)).await);
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    let said = TestServer::refused(&["--etcd-servers=https://127.0.0.1:1", "--etcd-certfile=x"]);
    assert!(
        said.contains("--etcd-certfile and --etcd-keyfile belong together"),
        "{said}"
    );
    let flags = [
        "--etcd-servers=https://127.0.0.1:1",
        "--etcd-cafile=/nowhere",
    ];
    let said = TestServer::refused(&flags);
    assert!(
        said.contains("--etcd-cafile: cannot read /nowhere"),
        "{said}"
    );
}
