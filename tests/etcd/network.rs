//! The network between a server and etcd: cut, mended, and slow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use pintle_tests::server::TestServer;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::cable::Cables;
use super::server::{TestEtcd, is_installed};
use super::{CONFIGMAPS, ask, configmap, get, on, text, try_ask};

/// How bytes travel over a [`Link`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// After so long, in both directions.
    Open(Duration),
    /// Not at all, and nobody is told: as where a cable is pulled.
    Cut,
}

/// A stretch of network to one member of etcd.
struct Link {
    address: String,
    way: watch::Sender<Way>,
}

impl Link {
    async fn to(etcd: &TestEtcd, member: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let member = etcd.addresses()[member]
            .trim_start_matches("http://")
            .to_owned();
        let (way, state) = watch::channel(Way::Open(Duration::ZERO));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (member, state) = (member.clone(), state.clone());
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(member).await else {
                        return;
                    };
                    let ((near_in, near_out), (far_in, far_out)) =
                        (near.into_split(), far.into_split());
                    tokio::spawn(carry(near_in, far_out, state.clone()));
                    carry(far_in, near_out, state).await;
                });
            }
        });
        Self {
            address: format!("http://{address}"),
            way,
        }
    }

    fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

/// The flag for a server that reaches etcd over these links alone.
fn over(links: &[&Link]) -> String {
    let addresses: Vec<&str> = links.iter().map(|link| link.address.as_str()).collect();
    format!("--etcd-servers={}", addresses.join(","))
}

/// Carries bytes one way. What was sent while the way was cut arrives when it is mended.
async fn carry(from: OwnedReadHalf, mut to: OwnedWriteHalf, state: watch::Receiver<Way>) {
    let (sender, mut arriving) = tokio::sync::mpsc::channel::<(Instant, Vec<u8>)>(64);
    let mut reading = state.clone();
    tokio::spawn(async move {
        let mut from = from;
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let Ok(way) = reading
                .wait_for(|way| *way != Way::Cut)
                .await
                .map(|way| *way)
            else {
                return;
            };
            let Way::Open(delay) = way else { return };
            let part = (Instant::now() + delay, buffer[..length].to_vec());
            if sender.send(part).await.is_err() {
                return;
            }
        }
    });
    let mut state = state;
    while let Some((due, part)) = arriving.recv().await {
        sleep_until(due).await;
        if state.wait_for(|way| *way != Way::Cut).await.is_err()
            || to.write_all(&part).await.is_err()
        {
            return;
        }
    }
}

/// What a watch from `revision` on tells, until it has told of the object `last`; counts by name.
async fn told(server: &TestServer, revision: &str) -> BTreeMap<String, u64> {
    let path = format!("{CONFIGMAPS}?watch=true&resourceVersion={revision}");
    let mut connection = server.endpoint().connect().await.expect("it listens");
    let answer = connection
        .open("GET", &path, &server.authorization(), None)
        .await
        .expect("it answers");
    let (mut body, mut buffer) = (answer.into_body(), Vec::new());
    let mut state = BTreeMap::new();
    while let Some(Ok(frame)) = body.frame().await {
        buffer.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let event: Value = serde_json::from_slice(&line).expect("an event is JSON");
            assert_ne!(event["type"], "ERROR", "{event}");
            let name = text(&event["object"], "/metadata/name").to_owned();
            if name == "last" {
                return state;
            }
            let count = text(&event["object"], "/data/count")
                .parse()
                .expect("a number");
            let before: Option<u64> = state.insert(name.clone(), count);
            assert_eq!(
                before.unwrap_or(0) + 1,
                count,
                "{name}: an event is missing"
            );
        }
    }
    panic!("the watch ended at {state:?}");
}

/// Counts an object up once.
async fn count(server: &TestServer, name: &str, count: u64) {
    let mut client = server.client();
    let object = configmap(name, count);
    let answer = if count == 1 {
        ask(&mut client, "POST", CONFIGMAPS, Some(&object)).await
    } else {
        ask(
            &mut client,
            "PUT",
            &format!("{CONFIGMAPS}/{name}"),
            Some(&object),
        )
        .await
    };
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
}

async fn is_ready(server: &TestServer) -> bool {
    ask(&mut server.client(), "GET", "/readyz", None)
        .await
        .status
        == 200
}

async fn until_ready(server: &TestServer, ready: bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while is_ready(server).await != ready {
        assert!(Instant::now() < deadline, "readiness is not {ready}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_from_etcd_says_so_and_misses_nothing() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let link = Link::to(&etcd, 0).await;
    let far = TestServer::start_with(&[&over(&[&link])]).await;
    let near = TestServer::start_with(&[&on(&etcd)]).await;
    let cut = || link.set(Way::Cut);
    let mend = || link.set(Way::Open(Duration::ZERO));
    survives_a_cut(Arc::new(far), near, cut, mend).await;
}

/// The same where the kernel loses what is sent, and not a proxy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_cable_is_pulled_says_so_and_misses_nothing() {
    if !is_installed() {
        return;
    }
    let cables = match Cables::lay() {
        Ok(cables) => cables,
        Err(reason) => {
            eprintln!("skipped, a proxy has to do: no network namespace can be made: {reason}");
            return;
        }
    };
    let addresses = [cables.address(0), cables.address(1)];
    let _etcd = TestEtcd::start_within(cables.namespace(), &addresses);
    let flags = addresses.map(|address| format!("--etcd-servers={address}"));
    let far = TestServer::start_with(&[&flags[0]]).await;
    let near = TestServer::start_with(&[&flags[1]]).await;
    survives_a_cut(Arc::new(far), near, || cables.pull(0), || cables.plug_in(0)).await;
}

/// `far` is cut off from etcd and is not any more, while `near` goes on.
async fn survives_a_cut(far: Arc<TestServer>, near: TestServer, cut: impl Fn(), mend: impl Fn()) {
    let list = get(&far, CONFIGMAPS).await;
    let begin = text(&list, "/metadata/resourceVersion").to_owned();
    let watching = tokio::spawn({
        let far = Arc::clone(&far);
        let begin = begin.clone();
        async move { told(&far, &begin).await }
    });
    count(&far, "a", 1).await;
    count(&near, "a", 2).await;
    assert_eq!(
        text(&get(&far, &format!("{CONFIGMAPS}/a")).await, "/data/count"),
        "2"
    );

    cut();
    for round in 3..=20 {
        count(&near, "a", round).await;
    }
    // What it knows it tells to who asks for no more; who asks for what is true now is told that it can not say.
    let path = format!("{CONFIGMAPS}/a");
    let mut client = far.client();
    let known = ask(
        &mut client,
        "GET",
        &format!("{path}?resourceVersion=0"),
        None,
    )
    .await;
    assert_eq!(known.status, 200, "{}", known.text());
    let now = timeout(
        Duration::from_secs(90),
        try_ask(&mut far.client(), "GET", &path, None),
    )
    .await;
    if let Ok(Ok(now)) = now {
        assert!(now.status >= 500, "{}: {}", now.status, now.text());
    }
    until_ready(&far, false).await;
    assert!(is_ready(&near).await);

    mend();
    until_ready(&far, true).await;
    let now = get(&far, &path).await;
    assert_eq!(text(&now, "/data/count"), "20");
    count(&far, "a", 21).await;
    let last = ask(
        &mut near.client(),
        "POST",
        CONFIGMAPS,
        Some(&configmap("last", 1)),
    )
    .await;
    assert_eq!(last.status, 201, "{}", last.text());
    let told = timeout(Duration::from_secs(120), watching).await;
    let told = told.expect("it is told").expect("nothing is missing");
    assert_eq!(told["a"], 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_etcd_makes_a_server_slow_and_nothing_else() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(1, &[]);
    let link = Link::to(&etcd, 0).await;
    let server = Arc::new(TestServer::start_with(&[&over(&[&link])]).await);
    let begin = get(&server, CONFIGMAPS).await;
    let begin = text(&begin, "/metadata/resourceVersion").to_owned();
    link.set(Way::Open(Duration::from_millis(150)));
    let watching = tokio::spawn({
        let server = Arc::clone(&server);
        async move { told(&server, &begin).await }
    });
    // Each reads what it has written, over other connections than those that wrote.
    let counters = (0..4).map(|counter| {
        let server = Arc::clone(&server);
        async move {
            let name = format!("counter-{counter}");
            for round in 1..=6 {
                count(&server, &name, round).await;
                let found = get(&server, &format!("{CONFIGMAPS}/{name}")).await;
                assert_eq!(text(&found, "/data/count"), round.to_string());
                let listed = get(&server, CONFIGMAPS).await;
                let items = listed["items"].as_array().expect("a list has items");
                let found = items
                    .iter()
                    .find(|item| text(item, "/metadata/name") == name);
                assert_eq!(
                    found.map(|found| text(found, "/data/count").to_owned()),
                    Some(round.to_string())
                );
            }
        }
    });
    futures_util::future::join_all(counters).await;
    assert!(is_ready(&server).await);
    let last = ask(
        &mut server.client(),
        "POST",
        CONFIGMAPS,
        Some(&configmap("last", 1)),
    )
    .await;
    assert_eq!(last.status, 201, "{}", last.text());
    let told = timeout(Duration::from_secs(60), watching).await;
    let told = told.expect("it is told").expect("nothing is missing");
    assert!(
        (0..4).all(|counter| told[&format!("counter-{counter}")] == 6),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_from_one_member_goes_to_another() {
    if !is_installed() {
        return;
    }
    let etcd = TestEtcd::start(3, &[]);
    let links = [
        Link::to(&etcd, 0).await,
        Link::to(&etcd, 1).await,
        Link::to(&etcd, 2).await,
    ];
    let all: Vec<&Link> = links.iter().collect();
    let server = Arc::new(TestServer::start_with(&[&over(&all)]).await);
    let near = TestServer::start_with(&[&on(&etcd)]).await;
    let begin = get(&server, CONFIGMAPS).await;
    let begin = text(&begin, "/metadata/resourceVersion").to_owned();
    let watching = tokio::spawn({
        let server = Arc::clone(&server);
        async move { told(&server, &begin).await }
    });
    let path = format!("{CONFIGMAPS}/a");
    for (at, link) in links.iter().enumerate() {
        link.set(Way::Cut);
        let round = at as u64 + 1;
        count(&near, "a", round).await;
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let found = try_ask(&mut server.client(), "GET", &path, None).await;
            if let Ok(found) = found
                && found.status == 200
            {
                let found: Value = found.json().expect("an object");
                assert_eq!(text(&found, "/data/count"), round.to_string());
                break;
            }
            assert!(Instant::now() < deadline, "it stays where it is cut off");
        }
        link.set(Way::Open(Duration::ZERO));
    }
    let last = configmap("last", 1);
    let last = ask(&mut server.client(), "POST", CONFIGMAPS, Some(&last)).await;
    assert_eq!(last.status, 201, "{}", last.text());
    let told = timeout(Duration::from_secs(60), watching).await;
    assert_eq!(
        told.expect("it is told").expect("nothing is missing")["a"],
        3
    );
}
