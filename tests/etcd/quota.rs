//! A quota that several servers on one etcd share.

use std::time::Duration;

use pintle_tests::server::TestServer;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::many::start_all;
use super::server::{TestEtcd, is_installed};
use super::{CONFIGMAPS, ask, configmap, get, on};

const QUOTA: &str = "/api/v1/namespaces/default/resourcequotas/some";
const HARD: usize = 25;
/// By each of the servers: together they try far more than there may be.
const TRIES: usize = 30;

/// How many objects a server was allowed to make, one after the other.
async fn make_all(server: &TestServer, at: usize) -> usize {
    let mut client = server.client();
    let mut made = 0;
    for count in 0..TRIES {
        let object = configmap(&format!("by-{at}-{count}"), 1);
        let answer = ask(&mut client, "POST", CONFIGMAPS, Some(&object)).await;
        match answer.status {
            201 => made += 1,
            // Others counted meanwhile, too often to try again.
            409 => {}
            403 => assert!(
                answer.text().contains("exceeded quota: some"),
                "{}",
                answer.text()
            ),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_is_not_exceeded_by_servers_together() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let servers = start_all(&on(&etcd)).await;
    let mut client = servers[0].client();
    let hard = json!({"count/configmaps": HARD.to_string()});
    let quota = json!({"metadata": {"name": "some"}, "spec": {"hard": hard}});
    let path = QUOTA.trim_end_matches("/some");
    let said = ask(&mut client, "POST", path, Some(&quota)).await;
    assert_eq!(said.status, 201, "{}", said.text());
    // As kube-controller-manager counts it at first.
    let counted = json!({"status": {"hard": hard, "used": {"count/configmaps": "0"}}});
    let mut quota = said.json().expect("it is JSON");
    quota["status"] = counted["status"].clone();
    let said = ask(&mut client, "PUT", &format!("{QUOTA}/status"), Some(&quota)).await;
    assert_eq!(said.status, 200, "{}", said.text());
    let deadline = Instant::now() + Duration::from_secs(30);
    for server in &servers {
        while get(server, &format!("{QUOTA}?resourceVersion=0")).await["status"]["used"].is_null() {
            assert!(Instant::now() < deadline, "a server hears of no quota");
            sleep(Duration::from_millis(10)).await;
        }
    }
    let making = servers.iter().enumerate();
    let making = making.map(|(at, server)| make_all(server, at));
    let made: usize = futures_util::future::join_all(making).await.iter().sum();
    let list = get(&servers[0], CONFIGMAPS).await;
    let there = list["items"].as_array().expect("it is a list").len();
    // Of who makes namespaces, not of the quota's time.
    let others = there - made;
    let used = get(&servers[1], QUOTA).await["status"]["used"]["count/configmaps"].clone();
    assert_eq!(made, HARD, "of which {used} are counted, beside {others}");
    assert_eq!(used, HARD.to_string());
}
