//! Measures the budgets of ARCHITECTURE.md: what each operation costs the server in CPU time, its
//! memory, and its start. `cargo xtask bench` builds and starts this; README.md beside it explains the figures.
//!
//! The load comes over 32 TLS connections with HTTP/1.1 on the loopback; the pods have 3.5 KB of
//! JSON, and there are 5,000 of them. Cost is CPU time of the server's processes, so that the load
//! generator beside it does not count.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the purpose"
)]

mod bodies;
mod crowd;
mod load;
mod operations;
mod options;
mod processes;
mod report;
mod rows;
mod watchers;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use pintle_tests::http::Endpoint;
use pintle_tests::server::{ADMIN_TOKEN, TestServer};
use tokio::time::{Instant, sleep};

use load::Target;
use operations::Bench;
use options::{Options, Other};
use processes::Processes;
use report::Column;
use rows::Row;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Some(options) = options::parse(std::env::args().skip(1))? else {
        print!("{}", options::USAGE);
        return Ok(());
    };
    if let Some(directory) = &options.data_directory {
        let taken = tempfile::env::override_temp_dir(directory);
        taken.ok().context("there is a folder for data already")?;
    }
    let mut columns = Vec::new();
    if !options.no_pintle {
        columns.push(pintle(&options).await?);
    }
    if let Some(server) = &options.other {
        columns.push(other(server, &options).await?);
    }
    print!("{}", report::table(&columns, &options.size));
    if let Some(file) = &options.json {
        let document = report::json(&columns, &options.size);
        std::fs::write(file, format!("{document:#}\n"))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Starts Pintle on an empty directory and measures it.
async fn pintle(options: &Options) -> Result<Column> {
    let folder = tempfile::tempdir().context("there is no room for a folder")?;
    let flags = match options.audit {
        true => audit(folder.path())?,
        false => Vec::new(),
    };
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let began = Instant::now();
    let mut server = TestServer::start_with(&flags).await;
    let start = began.elapsed();
    let mut target = Target::new(server.endpoint(), ADMIN_TOKEN, options.size.connections);
    let mut column = Column::new("Pintle".into());
    column.measured(Row::Start, start.as_secs_f64() * 1_000_000.0);
    let processes = Processes::new(vec![server.pid()]);
    let mut bench = Bench::new(&mut target, processes, &mut column, options).await?;
    bench.fill().await?;
    bench.operate().await?;
    if !options.quick {
        server.terminate();
        server.ended().await;
        let began = Instant::now();
        server.restart().await;
        let start = began.elapsed();
        bench.restarted(vec![server.pid()], start);
        bench.crowds().await?;
    }
    bench.empty().await?;
    Ok(column)
}

/// Flags by which every request is audited at level Metadata, into a log in `folder`.
fn audit(folder: &Path) -> Result<Vec<String>> {
    let (policy, log) = (folder.join("policy.yaml"), folder.join("audit.log"));
    let rules = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
    std::fs::write(&policy, rules).with_context(|| format!("cannot write {}", policy.display()))?;
    Ok(vec![
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
    ])
}

/// Measures a server that runs already.
async fn other(server: &Other, options: &Options) -> Result<Column> {
    let mut target = Target::new(
        Endpoint::parse(&server.url)?,
        &server.token,
        options.size.connections,
    );
    let mut column = Column::new(server.name.clone());
    let processes = Processes::new(server.processes.clone());
    let mut bench = Bench::new(&mut target, processes, &mut column, options).await?;
    bench.fill().await?;
    bench.operate().await?;
    if !options.quick {
        bench.crowds().await?;
    }
    bench.empty().await?;
    Ok(column)
}

/// Lets a server finish what it does in the background, as on any server between two peaks.
async fn rest() {
    sleep(Duration::from_secs(2)).await;
}
