//! A real Kubernetes API server inside a test: [`TestServer`].
//!
//! It is the server of the `pintle` binary, with everything that a client sees: TLS, admission, validation, defaults,
//! watches, and the controllers that a lone API server needs. It takes a free port on the loopback, keeps its state
//! in a temporary folder, needs no file beforehand, and is gone when it is dropped. Many can run beside each other.
//!
//! ```
//! use pintle_testing::TestServer;
//!
//! # #[tokio::main]
//! # async fn main() {
//! let server = TestServer::start().await;
//! assert!(server.url().starts_with("https://127.0.0.1:"));
//! // Any client takes it from here; see the example `controller` for kube-rs.
//! assert!(server.kubeconfig().is_file());
//! # }
//! ```
//!
//! It runs on threads of its own, so a test may be of any kind, and may block.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, anyhow};
use pintle_server::{Config, Flags, Ready};
use pintle_storage::{Durability, Storage};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// What makes a store of another.
type Wrap = Box<dyn FnOnce(Arc<dyn Storage>) -> Arc<dyn Storage> + Send>;

/// A server to be.
pub struct Builder {
    flags: Vec<String>,
    store: Wrap,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            flags: Vec::new(),
            store: Box::new(|storage| storage),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// A flag as on a command line of `pintle`: `--feature-gates=WatchList=false`.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Puts something between the server and its store: to count, to delay, to fail.
    #[must_use]
    pub fn store(
        mut self,
        wrap: impl FnOnce(Arc<dyn Storage>) -> Arc<dyn Storage> + Send + 'static,
    ) -> Self {
        self.store = Box::new(wrap);
        self
    }

    /// Starts it, and waits until it is ready.
    ///
    /// # Errors
    /// Flags that do not go together, and whatever else keeps a server from starting.
    pub async fn start(self) -> Result<TestServer> {
        let folder = tempfile::Builder::new().prefix("pintle-").tempdir()?;
        let mut config = configuration(folder.path(), &self.flags)?;
        let token = match &config.token_auth_file {
            Some(_) => None,
            None => Some(token(folder.path(), &mut config)?),
        };
        let (say, ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let store = self.store;
        let thread = std::thread::Builder::new()
            .name("pintle".to_owned())
            .spawn(move || serve(config, store, say, stopped))?;
        let Ok(ready) = ready.await else {
            let ended = thread.join().map_err(|_| anyhow!("the server panicked"))?;
            ended?;
            return Err(anyhow!("the server ended before it was ready"));
        };
        let kubeconfig = ready.kubeconfig.context("there is no kubeconfig")?;
        Ok(TestServer {
            address: ready.address,
            kubeconfig,
            token,
            stop: Some(stop),
            thread: Some(thread),
            _folder: folder,
        })
    }
}

/// What is typed without more: a free port of the loopback, and nothing that outlives the test.
fn configuration(folder: &Path, flags: &[String]) -> Result<Config> {
    let own = [
        "pintle".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        "--secure-port=0".to_owned(),
        format!("--data-dir={}", folder.join("data").display()),
    ];
    let flags = Flags::parse(own.iter().chain(flags))?;
    let mut config = Config::from_flags(&flags).map_err(|faults| anyhow!("{faults}"))?;
    config.durability = Durability::Buffered;
    Ok(config)
}

/// Lets an administrator in who shows the token that this gives.
fn token(folder: &Path, config: &mut Config) -> Result<String> {
    let file = folder.join("tokens.csv");
    let name = folder.file_name().unwrap_or_default();
    let token = format!("token-of-{}", name.display());
    let line = format!("{token},admin,admin,\"system:masters\"\n");
    std::fs::write(&file, line)?;
    config.token_auth_file = Some(file);
    Ok(token)
}

/// The server's whole life, on threads of its own.
fn serve(
    config: Config,
    store: Wrap,
    say: oneshot::Sender<Ready>,
    stopped: oneshot::Receiver<Stop>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (drain, drained) = oneshot::channel::<()>();
        let tell = |ready: &Ready| {
            // Nobody may be waiting any more.
            let _ = say.send(ready.clone());
        };
        let shutdown = async {
            let _ = drained.await;
        };
        let running = pintle_server::run_on(config, store, tell, shutdown);
        let told = async {
            match stopped.await {
                Ok(Stop::Cleanly) => {
                    let _ = drain.send(());
                    std::future::pending().await
                }
                Err(_) => Ok(()),
            }
        };
        tokio::select! {
            ended = running => ended,
            at_once = told => at_once,
        }
    })
}

/// How a server is to end, if not at once.
enum Stop {
    Cleanly,
}

/// A running server. It ends at once when it is dropped.
pub struct TestServer {
    address: SocketAddr,
    kubeconfig: PathBuf,
    token: Option<String>,
    stop: Option<oneshot::Sender<Stop>>,
    thread: Option<JoinHandle<Result<()>>>,
    /// Removed when the server has ended.
    _folder: TempDir,
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestServer").field(&self.address).finish()
    }
}

impl TestServer {
    /// A server as it comes, ready to be used.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        match Self::builder().start().await {
            Ok(server) => server,
            Err(error) => panic!("{error:#}"),
        }
    }

    /// For a server with flags, or with another store.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `https://127.0.0.1:port`
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// A kubeconfig file of an administrator, with the server's CA.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A bearer token of an administrator; none where `--token-auth-file` says which there are.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Ends it as SIGTERM would: requests finish, watches end, the store is closed.
    ///
    /// # Errors
    /// What went wrong on the way.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(stop) = self.stop.take() {
            // If it has ended already, its result says why.
            let _ = stop.send(Stop::Cleanly);
        }
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let ended = tokio::task::spawn_blocking(move || thread.join()).await?;
        ended.map_err(|_| anyhow!("the server panicked"))?
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What it came to is of no interest any more.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn servers_run_beside_each_other_and_leave_nothing_behind() {
        let (one, two) = tokio::join!(TestServer::start(), TestServer::start());
        assert_ne!(one.url(), two.url());
        let folder = one.kubeconfig().ancestors().nth(2).map(Path::to_owned);
        let folder = folder.expect("it is in a folder");
        assert!(folder.is_dir());
        drop(one);
        assert!(!folder.exists(), "{} is left", folder.display());
        two.stop().await.expect("it ends cleanly");
    }

    #[tokio::test]
    async fn what_is_wrong_with_flags_is_told() {
        let refused = TestServer::builder().flag("--secure-port=x").start().await;
        let error = refused.expect_err("it cannot be a port").to_string();
        assert!(error.contains("--secure-port"), "{error}");
    }
}
