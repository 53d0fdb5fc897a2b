//! Measures the budgets of ARCHITECTURE.md: what each operation costs the server in CPU time, its
//! memory, and its start. `cargo xtask bench` builds and starts this.
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
mod load;
mod operations;
mod processes;
mod report;
mod watchers;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use pintle_tests::http::Endpoint;
use pintle_tests::server::{ADMIN_TOKEN, TestServer};
use tokio::time::{Instant, sleep};

use load::Target;
use operations::Effort;
use processes::Processes;
use report::{Column, Outcome, Row};

const USAGE: &str = "\
Usage: budgets [--quick] [--server URL --token TOKEN --pids PID,PID [--name NAME] [--no-pintle]]

  --quick       fewer repetitions
  --server URL  measure this server too, side by side; it should be empty
  --token T     of a member of system:masters there
  --pids P,P    the processes whose CPU time and memory count: the server, its etcd
  --name NAME   what to call it in the table
  --no-pintle   measure that server alone
";

#[derive(Default)]
struct Arguments {
    quick: bool,
    no_pintle: bool,
    server: Option<String>,
    token: Option<String>,
    name: Option<String>,
    processes: Vec<u32>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Some(arguments) = parse(std::env::args().skip(1))? else {
        print!("{USAGE}");
        return Ok(());
    };
    let effort = if arguments.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let mut columns = Vec::new();
    if !arguments.no_pintle {
        columns.push(pintle(effort).await?);
    }
    if let Some(url) = &arguments.server {
        let token = arguments
            .token
            .as_deref()
            .context("--server needs --token")?;
        let name = arguments
            .name
            .clone()
            .unwrap_or_else(|| "the other".to_string());
        columns.push(other(name, url, token, &arguments.processes, effort).await?);
    }
    print!("{}", report::table(&columns));
    Ok(())
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--quick" => arguments.quick = true,
            "--no-pintle" => arguments.no_pintle = true,
            "--server" => arguments.server = Some(value()?),
            "--token" => arguments.token = Some(value()?),
            "--name" => arguments.name = Some(value()?),
            "--pids" => {
                let numbers = value()?;
                let numbers = numbers.split(',').map(|number| number.trim().parse());
                arguments.processes = numbers
                    .collect::<Result<_, _>>()
                    .context("--pids takes numbers")?;
            }
            "-h" | "--help" => return Ok(None),
            other => bail!("unknown argument {other:?}\n\n{USAGE}"),
        }
    }
    if arguments.server.is_some() && arguments.processes.is_empty() {
        bail!("--server needs --pids: the processes to measure");
    }
    Ok(Some(arguments))
}

/// Starts Pintle on an empty directory and measures it.
async fn pintle(effort: Effort) -> Result<Column> {
    let began = Instant::now();
    let server = TestServer::start().await;
    let start = began.elapsed();
    let processes = Processes::new(vec![server.pid()]);
    let mut target = Target::new(server.endpoint(), ADMIN_TOKEN);
    let mut column = measure("Pintle".into(), &mut target, &processes, effort).await?;
    column.set(
        Row::Start,
        Outcome::Measured(start.as_secs_f64() * 1_000_000.0),
    );
    Ok(column)
}

/// Measures a server that runs already.
async fn other(
    name: String,
    url: &str,
    token: &str,
    processes: &[u32],
    effort: Effort,
) -> Result<Column> {
    let processes = Processes::new(processes.to_vec());
    let mut target = Target::new(Endpoint::parse(url)?, token);
    measure(name, &mut target, &processes, effort).await
}

async fn measure(
    name: String,
    target: &mut Target,
    processes: &Processes,
    effort: Effort,
) -> Result<Column> {
    let mut column = Column::new(name);
    // What start-up left to be done in the background is not what idling costs.
    sleep(Duration::from_secs(2)).await;
    column.set(Row::Idle, Outcome::Measured(processes.memory()?));
    operations::measure(target, processes, effort, &mut column).await?;
    Ok(column)
}
