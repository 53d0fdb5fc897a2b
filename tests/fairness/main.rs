//! Greedy clients, and others who do not notice: how long a polite one waits is told; that it is served, and that
//! checks of health and the election of leaders go on, is required.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use pintle_tests::chance;
use pintle_tests::http::{Client, Headers};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const OBJECTS: usize = 200;
/// Requests of the polite one before there are others.
const ALONE: usize = 300;

fn of(token: &str) -> Headers {
    vec![
        ("authorization".into(), format!("Bearer {token}")),
        ("content-type".into(), "application/json".into()),
    ]
}

/// Lists everything, again and again.
async fn be_greedy(
    mut client: Client,
    headers: Headers,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
) {
    while !stop.load(Relaxed) {
        if let Ok(answer) = client.request("GET", CONFIGMAPS, &headers, None).await
            && answer.status == 200
        {
            served.fetch_add(1, Relaxed);
        }
    }
}

/// Does something on a thread of its own: who measures does not wait behind the greedy in this process.
async fn apart<T: Send + 'static>(what: impl Future<Output = T> + Send + 'static) -> T {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        tell.send(runtime.block_on(what)).ok();
    });
    told.await.expect("it does not panic")
}

/// Asks for one object, so many times or until the time is over; how long each answer took.
async fn be_polite(mut client: Client, times: usize, end: Instant) -> Vec<Duration> {
    let headers = of("caroltoken");
    let path = format!("{CONFIGMAPS}/object-0");
    let mut took = Vec::new();
    while took.len() < times && Instant::now() < end {
        let asked = Instant::now();
        let answer = client.request("GET", &path, &headers, None).await;
        let answer = answer.expect("there is an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        took.push(asked.elapsed());
        // A client that is polite.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    took.sort_unstable();
    took
}

/// Asks how the server is, and renews a lease as a controller does; how often.
async fn look_after_it(mut client: Client, admin: &'static str, end: Instant) -> usize {
    let mut leader = of(admin);
    leader.push((
        "impersonate-user".into(),
        "system:kube-controller-manager".into(),
    ));
    let mut lease: Value =
        json!({"metadata": {"name": "leader"}, "spec": {"holderIdentity": "me"}});
    let made = client
        .request("POST", LEASES, &leader, Some(lease.to_string().into()))
        .await;
    lease = made
        .and_then(|made| made.json())
        .expect("a lease can be made");
    let mut times = 0;
    while Instant::now() < end {
        for path in ["/readyz", "/livez"] {
            let answer = client.request("GET", path, &of("caroltoken"), None).await;
            assert_eq!(answer.expect("there is an answer").status, 200, "{path}");
        }
        let path = format!("{LEASES}/leader");
        let renewed = client
            .request("PUT", &path, &leader, Some(lease.to_string().into()))
            .await
            .expect("there is an answer");
        assert_eq!(renewed.status, 200, "{}", renewed.text());
        lease = renewed.json().expect("a lease is JSON");
        times += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    times
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = sorted.len() * percent / 100;
    sorted
        .get(at)
        .or(sorted.last())
        .copied()
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_greedy_starve_nobody() {
    let (short, long) = (Duration::from_secs(3), Duration::from_secs(30));
    let time = chance::time(short).min(long);
    // The crowd of the long form is too large for who looks on a busy machine.
    let connections = if time > short { 500 } else { 60 };
    let server = TestServer::start_with(&["--authorization-mode=AlwaysAllow"]).await;
    let (mut client, headers) = (server.client(), of(server.token()));
    for number in 0..OBJECTS {
        let name = format!("object-{number}");
        let object = json!({"metadata": {"name": name}, "data": {"text": "x".repeat(1000)}});
        let body = Some(object.to_string().into());
        let made = client.request("POST", CONFIGMAPS, &headers, body).await;
        assert_eq!(made.expect("there is an answer").status, 201);
    }
    let alone = apart(be_polite(server.client(), ALONE, Instant::now() + long)).await;

    let (stop, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut crowd = Vec::new();
    for token in ["alicetoken", "bobtoken"] {
        for _ in 0..connections {
            let (client, headers) = (server.client(), of(token));
            let greedy = be_greedy(client, headers, Arc::clone(&stop), Arc::clone(&served));
            crowd.push(tokio::spawn(greedy));
        }
    }
    while served.load(Relaxed) < connections {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let end = Instant::now() + time;
    let before = served.load(Relaxed);
    let (among, looked) = tokio::join!(
        apart(be_polite(server.client(), usize::MAX, end)),
        apart(look_after_it(server.client(), server.token(), end))
    );
    let lists = served.load(Relaxed) - before;
    stop.store(true, Relaxed);
    for (name, took) in [("alone", &alone), ("among the greedy", &among)] {
        println!(
            "{name}: {} requests, p50 {:?}, p99 {:?}",
            took.len(),
            percentile(took, 50),
            percentile(took, 99)
        );
    }
    println!(
        "2 × {connections} greedy connections: {lists} lists; health and lease: {looked} times"
    );
    assert!(among.len() > 10 && looked > 3, "they were hardly served");
    assert!(lists > 10, "nobody was greedy");
    for greedy in crowd {
        greedy.await.expect("it does not panic");
    }
}
