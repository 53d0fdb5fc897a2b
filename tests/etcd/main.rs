//! Servers on an etcd: taken over from kube-apiserver, several at once, encrypted, and with faults.
//!
//! Every test starts an etcd of its own on loopback. Without one on the `PATH` they say so and pass.

#[path = "../../crates/storage/src/etcd/tests/server.rs"]
#[allow(dead_code, reason = "shared with the tests of the store")]
mod server;

mod cable;
mod deployed;
mod encryption;
mod faults;
mod kms;
mod many;
mod moving;
mod network;
mod quota;
mod takeover;
mod tls;
mod unreadable;

use base64::Engine as _;
use bytes::Bytes;
use pintle_storage::{EtcdOptions, EtcdStore, Expect, Key, Revision, Storage};
use pintle_tests::http::{Answer, Client};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use server::TestEtcd;

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";

/// The flag for a server on an etcd.
fn on(etcd: &TestEtcd) -> String {
    format!("--etcd-servers={}", etcd.addresses().join(","))
}

/// What etcd holds, past any server.
fn raw(etcd: &TestEtcd) -> EtcdStore {
    EtcdStore::new(&EtcdOptions::new(etcd.addresses())).expect("the addresses are well")
}

async fn raw_value(store: &EtcdStore, key: &str) -> Option<Bytes> {
    let found = store.get(&Key::from(key), Revision::ZERO).await;
    found
        .expect("etcd answers")
        .value
        .map(|record| record.value)
}

/// Fills an etcd with recorded lines of `key` and `value`; gives their objects, as they were served.
async fn fill(etcd: &TestEtcd, lines: &str) -> Vec<Value> {
    let store = raw(etcd);
    let mut objects = Vec::new();
    for line in lines.lines() {
        let mut line: Value = serde_json::from_str(line).expect("a line is JSON");
        let text = |name: &str| line[name].as_str().expect("it is a text").to_owned();
        let value = base64::engine::general_purpose::STANDARD.decode(text("value"));
        let key = Key::from(text("key"));
        let put = store.put(
            &key,
            Expect::Absent,
            value.expect("values are base64").into(),
            None,
        );
        put.await.expect("the key is new");
        objects.push(line["object"].take());
    }
    objects
}

/// A request of the administrator, with a body if there is one.
async fn ask(client: &mut Client, method: &str, path: &str, body: Option<&Value>) -> Answer {
    try_ask(client, method, path, body)
        .await
        .expect("the server answers")
}

async fn try_ask(
    client: &mut Client,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Answer> {
    let headers = vec![
        ("authorization".into(), "Bearer admintoken".into()),
        ("content-type".into(), "application/json".into()),
    ];
    let body = body.map(|body| Bytes::from(body.to_string()));
    client.request(method, path, &headers, body).await
}

async fn get(server: &TestServer, path: &str) -> Value {
    let answer = ask(&mut server.client(), "GET", path, None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json().expect("objects are JSON")
}

fn configmap(name: &str, count: u64) -> Value {
    json!({"metadata": {"name": name}, "data": {"count": count.to_string()}})
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
