//! Faults of all kinds at any moment: nothing that was acknowledged is lost, nobody waits for ever.

use std::collections::HashMap;

use pintle_tests::chance::{self, Chance};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;

const NAMES: usize = 12;
const CLIENTS: usize = 4;

/// What a client knows of an object that only it writes: what it wrote last, and whether that was acknowledged.
type Known = HashMap<String, (Vec<u64>, bool)>;

/// Writes objects of its own, and gives what they may hold in the end.
async fn write(tried: &Tried, mut chance: Chance, number: usize, end: Instant) -> Known {
    let mut known = Known::new();
    let (mut client, headers) = (tried.client(), tried.headers());
    while Instant::now() < end {
        let name = format!("of-{number}-{}", chance.below(NAMES));
        let written = chance.number();
        let object = json!({"metadata": {"name": name}, "data": {"written": written.to_string()}});
        let path = format!("{CONFIGMAPS}/{name}");
        let (method, path) = if known.get(&name).is_some_and(|(_, done)| *done) {
            ("PUT", path.as_str())
        } else {
            ("POST", CONFIGMAPS)
        };
        let body = Some(object.to_string().into());
        let answer = client.request(method, path, &headers, body).await;
        let answer = answer.expect("there is an answer in time");
        let (may_hold, done) = known.entry(name).or_default();
        match answer.status {
            200 | 201 => (*may_hold, *done) = (vec![written], true),
            // It was made without being told.
            409 if method == "POST" => *done = true,
            409 => {}
            500..=599 => {
                is_refusal(&answer, &[500, 503, 504]);
                may_hold.push(written);
            }
            other => panic!("{method}: {other} {}", answer.text()),
        }
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_what_was_acknowledged_stays() {
    let mut chance = Chance::of("faults");
    let tried = Tried::start().await;
    let end = Instant::now() + chance::time(Duration::from_secs(5));
    let writers: Vec<Chance> = (0..CLIENTS).map(|_| chance.another()).collect();
    let writers = writers.into_iter().enumerate();
    let writing = writers.map(|(number, chance)| write(&tried, chance, number, end));
    let trouble = async {
        while Instant::now() < end {
            let faults = [
                Fault::Fails,
                Fault::Lost,
                Fault::Damaged,
                Fault::Slow(Duration::from_millis(50)),
                Fault::Hangs,
            ];
            let of = *chance.pick(&["/of-0", "/of-1-", "-3", "/configmaps/"]);
            tried.faults.set(&[(Of::Writes, of, *chance.pick(&faults))]);
            tokio::time::sleep(chance.millis(20, 200)).await;
            tried.faults.set(&[]);
            tokio::time::sleep(chance.millis(20, 200)).await;
        }
    };
    let (known, ()) = tokio::join!(futures_util::future::join_all(writing), trouble);
    tried.is_well().await;
    let list = tried.ask("GET", CONFIGMAPS, None).await.json();
    let list = list.expect("a list is JSON");
    let items = list["items"].as_array().expect("a list has items");
    let mut counted = 0;
    for (name, (may_hold, done)) in known.into_iter().flatten() {
        let found = items.iter().find(|item| item["metadata"]["name"] == *name);
        let held = found.and_then(|item| item["data"]["written"].as_str());
        let held: Option<u64> = held.and_then(|text| text.parse().ok());
        match held {
            Some(held) => assert!(
                may_hold.contains(&held),
                "{name} holds {held} of {may_hold:?}"
            ),
            None => assert!(!done, "{name} is lost: {:?}", found.unwrap_or(&Value::Null)),
        }
        counted += 1;
    }
    println!("{counted} objects fit");
}
