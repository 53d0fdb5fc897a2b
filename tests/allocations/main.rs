//! How often the server asks for memory to answer one request.
//!
//! It runs in this process, where every request for memory is counted, whichever thread makes it. The client is this
//! program once more, in a process of its own.

use std::alloc::System;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use pintle_server::{Config, Flags, run};
use pintle_tests::http::{Client, Connection, Endpoint, Headers};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::sync::oneshot;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a request may cost, in allocations. Numbers go down when something gets better, and up with a reason only.
const STATED: &[(&str, f64)] = &[
    ("get", 20.0),
    ("get protobuf", 18.0),
    ("list of 1,000", 180.0),
    ("put", 150.0),
    // What a watcher adds to it.
    (WATCHED, 6.5),
];
const WATCHED: &str = "put with 20 watchers";

/// Where the client finds the server; set for the client alone.
const URL: &str = "PINTLE_ALLOCATIONS_URL";
const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";
const OBJECTS: usize = 1_000;
const WATCHERS: usize = 20;
/// What begins a line that the client says to its starter; the test runner says lines of its own.
const SAYS: &str = "client: ";

#[test]
fn requests_ask_for_memory_no_more_often_than_stated() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, "token,admin,uid,\"system:masters\"\n").expect("a file can be written");
    let flags = Flags::parse([
        "pintle".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        "--secure-port=0".to_owned(),
        format!("--data-dir={}", folder.path().join("data").display()),
        format!("--token-auth-file={}", tokens.display()),
        "--builtin-controllers=".to_owned(),
    ]);
    let config = Config::from_flags(&flags.expect("flags")).expect("a configuration");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads");
    let (tell, told) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let ready = move |ready: &pintle_server::Ready| {
        let _ = tell.send(ready.address);
    };
    let server = runtime.spawn(async move {
        let stopped = async { stopped.await.unwrap_or_default() };
        run(config, ready, stopped).await
    });
    let address = runtime.block_on(told).expect("the server gets ready");
    let mut client = ClientProcess::start(&format!("https://{address}"));
    let (mut too_many, mut put) = (Vec::new(), 0.0);
    for &(operation, stated) in STATED {
        let mut found = client.measure(operation);
        match operation {
            "put" => put = found,
            WATCHED => found = (found - put) / WATCHERS as f64,
            _ => {}
        }
        println!("{operation}: {found:.1}, stated {stated}");
        if found > stated {
            too_many.push(format!("{operation}: {found:.1} instead of {stated}"));
        }
    }
    drop(client);
    let _ = stop.send(());
    let ended = runtime.block_on(server).expect("no panic");
    ended.expect("the server ends well");
    assert!(too_many.is_empty(), "{too_many:#?}");
}

/// The client, which does as it is told.
struct ClientProcess {
    process: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl ClientProcess {
    fn start(url: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args(["--exact", "client_of_the_other_test", "--nocapture"])
            .env(URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let tell = process.stdin.take().expect("it is piped");
        let told = BufReader::new(process.stdout.take().expect("it is piped"));
        Self {
            process,
            tell,
            told,
        }
    }

    /// Allocations per turn of an operation.
    fn measure(&mut self, operation: &str) -> f64 {
        // What is made once is made before.
        self.turn(operation, 20);
        let turns = 100;
        let before = ALLOCATOR.stats();
        self.turn(operation, turns);
        let made = ALLOCATOR.stats() - before;
        (made.allocations + made.reallocations) as f64 / turns as f64
    }

    fn turn(&mut self, operation: &str, turns: usize) {
        writeln!(self.tell, "{turns} {operation}").expect("the client listens");
        let mut line = String::new();
        while !line.trim_end().ends_with(&format!("{SAYS}done")) {
            line.clear();
            let length = self.told.read_line(&mut line).expect("the client answers");
            assert!(length > 0, "the client has ended");
        }
    }
}

impl Drop for ClientProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn client_of_the_other_test() {
    let Ok(url) = std::env::var(URL) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a thread").block_on(async {
        let endpoint = Endpoint::parse(&url).expect("a URL");
        let mut actor = Actor::prepare(endpoint).await;
        // Stops when the other end is gone.
        for line in std::io::stdin().lines() {
            let line = line.expect("text");
            let (turns, operation) = line.split_once(' ').expect("a number and a word");
            actor.act(operation, turns.parse().expect("a number")).await;
            println!("{SAYS}done");
        }
    });
}

struct Actor {
    endpoint: Endpoint,
    connection: Connection,
    watches: Vec<(Connection, hyper::body::Incoming)>,
    round: usize,
}

fn headers(accept: &str, body: bool) -> Headers {
    let mut headers: Headers = vec![
        ("authorization".into(), "Bearer token".into()),
        ("user-agent".into(), "allocations".into()),
        ("accept".into(), accept.into()),
    ];
    if body {
        headers.push(("content-type".into(), JSON.into()));
    }
    headers
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

fn configmap(name: &str, round: usize) -> Bytes {
    let text = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"a":"{round}","b":"two"}}}}"#
    );
    text.into()
}

impl Actor {
    async fn prepare(endpoint: Endpoint) -> Self {
        let mut client = Client::new(endpoint.clone());
        for number in 0..OBJECTS {
            let body = configmap(&format!("some-{number}"), 0);
            let headers = headers(JSON, true);
            let made = client.request("POST", CONFIGMAPS, &headers, Some(body));
            assert_eq!(made.await.expect("an answer").status, 201);
        }
        let connection = endpoint.connect().await.expect("a connection");
        Self {
            endpoint,
            connection,
            watches: Vec::new(),
            round: 0,
        }
    }

    async fn act(&mut self, operation: &str, turns: usize) {
        let one = format!("{CONFIGMAPS}/some-17");
        if operation == WATCHED && self.watches.is_empty() {
            self.watches = self.watch().await;
        }
        for _ in 0..turns {
            match operation {
                "get" => self.send("GET", &one, JSON, None).await,
                "get protobuf" => self.send("GET", &one, PROTOBUF, None).await,
                "list of 1,000" => self.send("GET", CONFIGMAPS, JSON, None).await,
                _ => {
                    self.round += 1;
                    let body = configmap("some-17", self.round);
                    self.send("PUT", &one, JSON, Some(body)).await;
                    for (_, body) in &mut self.watches {
                        event(body).await;
                    }
                }
            }
        }
    }

    async fn send(&mut self, method: &str, path: &str, accept: &str, body: Option<Bytes>) {
        let headers = headers(accept, body.is_some());
        let answer = self.connection.request(method, path, &headers, body).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    async fn watch(&self) -> Vec<(Connection, hyper::body::Incoming)> {
        let mut watches = Vec::new();
        for _ in 0..WATCHERS {
            let mut connection = self.endpoint.connect().await.expect("a connection");
            let path = format!("{CONFIGMAPS}?watch=true&fieldSelector=metadata.name%3Dsome-17");
            let headers = headers(JSON, false);
            let answer = connection.open("GET", &path, &headers, None);
            let mut body = answer.await.expect("an answer").into_body();
            event(&mut body).await;
            watches.push((connection, body));
        }
        // For the last of what opening them takes.
        tokio::time::sleep(Duration::from_millis(100)).await;
        watches
    }
}

/// Waits for the end of an event.
async fn event(body: &mut hyper::body::Incoming) {
    use http_body_util::BodyExt as _;
    loop {
        let frame = body
            .frame()
            .await
            .expect("the watch goes on")
            .expect("a frame");
        if frame.data_ref().is_some_and(|data| data.ends_with(b"\n")) {
            return;
        }
    }
}
