//! The golden replay as a program: `cargo xtask golden [--only REGEX] [-v] [--etcd | --server URL] [--bless [--accept-new]]`.

#![allow(clippy::print_stdout, reason = "the report is the purpose")]

#[path = "../../crates/storage/src/etcd/tests/server.rs"]
#[allow(dead_code, reason = "shared with the tests of the store")]
mod etcd;

use anyhow::{Context as _, Result, bail};
use pintle_tests::golden::{FLAGS, Options, Tokens, replay};
use pintle_tests::http::Endpoint;
use pintle_tests::server::{ADMIN_TOKEN, TestServer, USERS};

const USAGE: &str = "\
Usage: golden [--only REGEX] [-v] [--etcd | --server URL [--token TOKEN]] [--bless [--accept-new]]

  --only REGEX   scenarios whose theme/name matches
  -v             name passing steps and show known failures too
  --etcd         pintle is started on an etcd of its own instead of its own store
  --server URL   a bare, empty server that runs already; else pintle is started
  --token TOKEN  of a member of system:masters
  --bless        take steps that pass out of known-failures.txt (also UPDATE_KNOWN_FAILURES=1)
  --accept-new   with --bless: put steps that fail into it
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options {
        bless: std::env::var_os("UPDATE_KNOWN_FAILURES").is_some(),
        ..Options::default()
    };
    let (mut server, mut token, mut listing) = (None, ADMIN_TOKEN.to_string(), false);
    let mut on_etcd = false;
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--only" => options.only = Some(value()?.parse()?),
            "-v" | "--verbose" => options.verbose = true,
            "--etcd" => on_etcd = true,
            "--server" => server = Some(value()?),
            "--token" => token = value()?,
            "--bless" => options.bless = true,
            "--accept-new" => options.accept_new = true,
            "-h" | "--help" => {
                print!("{USAGE}");
                return Ok(());
            }
            // What test runners pass to every test program.
            "--list" => listing = true,
            "--format" => drop(value()?),
            "--exact" | "--nocapture" | "golden" => {}
            "--ignored" => return Ok(()),
            other => bail!("unknown argument {other:?}\n\n{USAGE}"),
        }
    }
    if listing {
        println!("golden: test");
        return Ok(());
    }
    if options.accept_new && !options.bless {
        bail!("--accept-new goes with --bless");
    }
    let mut tokens: Vec<(String, String)> = USERS
        .iter()
        .map(|(name, token)| ((*name).into(), (*token).into()))
        .collect();
    tokens[0].1 = token;
    let tokens = Tokens(tokens);
    match server {
        Some(url) => replay(Endpoint::parse(&url)?, &tokens, &options).await,
        None if on_etcd => {
            if !etcd::is_installed() {
                bail!("--etcd needs etcd on the PATH");
            }
            let etcd = etcd::TestEtcd::start(1, &[]);
            let servers = format!("--etcd-servers={}", etcd.addresses().join(","));
            let flags: Vec<&str> = FLAGS.iter().copied().chain([servers.as_str()]).collect();
            let server = TestServer::start_with(&flags).await;
            replay(server.endpoint(), &tokens, &options).await
        }
        None => {
            let server = TestServer::start_with(FLAGS).await;
            replay(server.endpoint(), &tokens, &options).await
        }
    }
}
