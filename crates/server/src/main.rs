//! The `pintle` binary.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use pintle_server::{Config, Flags, LogFormat, Ready, run, start_log};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;
use tracing::info;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some("snapshot") {
        start_log(0, LogFormat::Text);
        return in_runtime(pintle_server::snapshot::run(words));
    }
    let flags = match Flags::parse(std::env::args_os()) {
        Ok(flags) => flags,
        // `--help` and `--version` come this way too.
        Err(error) => error.exit(),
    };
    let config = match Config::from_flags(&flags) {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::FAILURE;
        }
    };
    start_log(config.verbosity, config.log_format);
    for flag in flags.inert() {
        info!("--{flag} is accepted and has no effect yet");
    }
    in_runtime(async { run(config, announce, told_to_stop()).await })
}

/// Does something to its end, on threads of its own.
fn in_runtime(what: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.spawn(give_memory_back());
    match runtime.block_on(what) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The allocator gives back what has been free for a second, but only when it is asked for something: who has nothing to do
/// after a crowd has gone would keep its memory.
async fn give_memory_back() {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every_second.tick().await;
        // So large that it goes back at once. It is never touched, and so takes no memory.
        drop(black_box(Vec::<u8>::with_capacity(4 << 20)));
    }
}

#[allow(
    clippy::print_stdout,
    reason = "this is what the program says to who started it"
)]
fn announce(ready: &Ready) {
    println!("pintle is ready on https://{}.", ready.address);
    if let Some(file) = &ready.kubeconfig {
        println!(
            "\nTo use it from another terminal:\n\n  export KUBECONFIG={}\n  kubectl get namespaces\n",
            file.display()
        );
    }
}

/// Waits for SIGTERM or SIGINT. After that a second one ends the process at once.
async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("stopping: finishing what is under way; a second signal ends at once");
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the operator wants it to end at once; acknowledged writes are safe"
        )]
        std::process::exit(130);
    });
}
