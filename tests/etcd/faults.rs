//! What happens to etcd, and to those who use it.

use std::process::Command;
use std::time::Duration;

use pintle_tests::server::TestServer;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::server::{TestEtcd, is_installed};
use super::{CONFIGMAPS, ask, configmap, get, on, text, try_ask};

pub(crate) fn signal(server: &TestServer, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &server.pid().to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "the process can be sent a signal"
    );
}

fn names(list: &Value) -> Vec<(String, String)> {
    let items = list["items"].as_array().expect("a list has items");
    items
        .iter()
        .map(|item| {
            let part = |pointer| text(item, pointer).to_owned();
            (part("/metadata/name"), part("/metadata/resourceVersion"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_slept_through_a_compaction_reads_everything_again() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let flags = [&on(&etcd), "--etcd-compaction-interval=300ms"];
    let sleeper = TestServer::start_with(&flags).await;
    let awake = TestServer::start_with(&flags).await;
    let mut client = awake.client();
    for round in 0..10 {
        let name = format!("before-{round}");
        ask(&mut client, "POST", CONFIGMAPS, Some(&configmap(&name, 1))).await;
    }
    assert_eq!(
        names(&get(&sleeper, CONFIGMAPS).await),
        names(&get(&awake, CONFIGMAPS).await)
    );

    signal(&sleeper, "-STOP");
    // More than connections hold, and over some rounds of compaction.
    let ballast = "x".repeat(200_000);
    let begin = Instant::now();
    let mut written = 0;
    while written < 60 || begin.elapsed() < Duration::from_secs(3) {
        let object = json!({"metadata": {"name": format!("during-{}", written % 20)}, "data": {"ballast": ballast, "count": written.to_string()}});
        let path = format!("{CONFIGMAPS}/during-{}", written % 20);
        let answer = ask(&mut client, "PUT", &path, Some(&object)).await;
        if answer.status == 404 {
            let answer = ask(&mut client, "POST", CONFIGMAPS, Some(&object)).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
        written += 1;
    }
    let gone = ask(
        &mut client,
        "DELETE",
        &format!("{CONFIGMAPS}/before-0"),
        None,
    )
    .await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    signal(&sleeper, "-CONT");

    // It answers with nothing less than the truth: the list is as the other's, or there is none yet.
    let expected = names(&get(&awake, CONFIGMAPS).await);
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut client = sleeper.client();
    loop {
        let answer = try_ask(&mut client, "GET", CONFIGMAPS, None).await;
        match answer {
            Ok(answer) if answer.status == 200 => {
                let list = answer.json().expect("a list");
                assert_eq!(names(&list), expected);
                return;
            }
            _ => assert!(Instant::now() < deadline, "it does not answer again"),
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_survives_each_of_three_members_and_an_etcd_that_is_away() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(3, &[]);
    let server = TestServer::start_with(&[&on(&etcd)]).await;
    let mut client = server.client();
    let mut made = 0;
    for member in 0..3 {
        etcd.kill(member);
        let deadline = Instant::now() + Duration::from_secs(30);
        let goal = made + 5;
        while made < goal {
            let name = format!("made-{made}");
            let answer = ask(&mut client, "POST", CONFIGMAPS, Some(&configmap(&name, 1))).await;
            // 409: an answer was lost, not the write.
            if matches!(answer.status, 201 | 409) {
                made += 1;
            }
            assert!(
                Instant::now() < deadline,
                "writes stopped: {}",
                answer.text()
            );
        }
        let list = names(&get(&server, CONFIGMAPS).await);
        let found = list
            .iter()
            .filter(|(name, _)| name.starts_with("made-"))
            .count();
        assert_eq!(found, made);
        etcd.revive(member);
    }
    // All of them: what was read is still known, what is new is refused, and readiness says so.
    (0..3).for_each(|member| etcd.kill(member));
    let old = ask(
        &mut client,
        "GET",
        &format!("{CONFIGMAPS}/made-0?resourceVersion=0"),
        None,
    )
    .await;
    assert_eq!(old.status, 200, "{}", old.text());
    let new = ask(&mut client, "POST", CONFIGMAPS, Some(&configmap("new", 1))).await;
    assert_eq!(new.status, 500, "{}", new.text());
    let deadline = Instant::now() + Duration::from_secs(30);
    while ask(&mut client, "GET", "/readyz", None).await.status == 200 {
        assert!(Instant::now() < deadline, "it still says that it is ready");
        sleep(Duration::from_millis(100)).await;
    }
    (0..3).for_each(|member| etcd.revive(member));
    let deadline = Instant::now() + Duration::from_secs(30);
    while ask(&mut client, "GET", "/readyz", None).await.status != 200 {
        assert!(Instant::now() < deadline, "it does not become ready again");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_etcd_without_space_is_read_from() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &["--quota-backend-bytes=6000000"]);
    let server = TestServer::start_with(&[&on(&etcd)]).await;
    let mut client = server.client();
    let ballast = "x".repeat(500_000);
    let mut refused = None;
    for round in 0..40 {
        let object =
            json!({"metadata": {"name": format!("big-{round}")}, "data": {"ballast": ballast}});
        let answer = ask(&mut client, "POST", CONFIGMAPS, Some(&object)).await;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("space ends");
    let status = refused.json().expect("a Status");
    assert_eq!(refused.status, 500);
    assert_eq!(
        text(&status, "/message"),
        "etcdserver: mvcc: database space exceeded"
    );
    let list = get(&server, CONFIGMAPS).await;
    assert!(names(&list).iter().any(|(name, _)| name == "big-0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_too_large_is_refused_as_upstream_does() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let server = TestServer::start_with(&[&on(&etcd)]).await;
    let object =
        json!({"metadata": {"name": "huge"}, "data": {"a": "x".repeat(900_000)}, "binaryData": {}});
    let mut client = server.client();
    let answer = ask(&mut client, "POST", CONFIGMAPS, Some(&object)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let object = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {"name": "huge"}, "revision": 1, "data": {"a": "x".repeat(1_700_000)},
    });
    let path = "/apis/apps/v1/namespaces/default/controllerrevisions";
    let answer = ask(&mut client, "POST", path, Some(&object)).await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(
        answer.text().contains("etcdserver: request is too large"),
        "{}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_from_before_the_compaction_is_told_to_begin_anew() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let mut server =
        TestServer::start_with(&[&on(&etcd), "--etcd-compaction-interval=200ms"]).await;
    let list = get(&server, CONFIGMAPS).await;
    let old = text(&list, "/metadata/resourceVersion").to_owned();
    let mut client = server.client();
    let made = ask(&mut client, "POST", CONFIGMAPS, Some(&configmap("one", 1))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    // The one that remembers it ends; who comes after it has to ask etcd.
    let path = format!("{CONFIGMAPS}?resourceVersion={old}&resourceVersionMatch=Exact");
    let deadline = Instant::now() + Duration::from_secs(30);
    while ask(&mut client, "GET", &path, None).await.status != 410 {
        assert!(Instant::now() < deadline, "nothing is compacted");
        sleep(Duration::from_millis(100)).await;
    }
    server.kill();
    server.restart().await;
    let path = format!("{CONFIGMAPS}?watch=true&resourceVersion={old}&timeoutSeconds=20");
    let told = ask(&mut server.client(), "GET", &path, None).await;
    let event: Value = told.json().expect("one event and the end");
    assert_eq!(event["type"], "ERROR", "{event}");
    assert_eq!(event["object"]["code"], 410, "{event}");
    assert_eq!(text(&event, "/object/reason"), "Expired");
    assert!(
        text(&event, "/object/message").starts_with("too old resource version"),
        "{event}"
    );
}
