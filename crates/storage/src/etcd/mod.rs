//! The backend for many servers: an etcd cluster, spoken to over gRPC.
//!
//! Keys, values, leases and compaction are as kube-apiserver has them, so both may serve the same
//! etcd, in turn or at once. A write is one transaction on the key's mod revision; etcd's own
//! revisions are this crate's.
//!
//! # What is particular
//!
//! - Observers are told by a watch. A put is answered after the observers in this process were told
//!   of it; what other processes write, they hear as fast as etcd tells. Who has to be sure asks
//!   [`Storage::current`] and waits for that revision.
//! - A lease takes away all its values in one revision: those events share it.
//! - A value may live up to a twentieth longer than its time, because leases are shared.
//! - Compaction is agreed upon with all other servers through `compact_rev_key`; see
//!   [`EtcdStore::compact_together`].
//!
//! # Modules, in reading order
//!
//! `messages`, etcd's protocol as far as it is used; `cluster`, whom to ask; `follow`, a watch that goes
//! on; `observers`, those who are told; `lease`, `recent`, `compaction`, one thing each; and `storage`, the
//! verbs.

mod cluster;
mod compaction;
mod follow;
mod lease;
mod messages;
mod observers;
mod recent;
mod storage;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future};
use tokio::sync::OnceCell;
use tonic::{
    Code, Status,
    transport::{Certificate, ClientTlsConfig, Identity},
};

use self::{
    cluster::{Cluster, Repeat, failure},
    follow::Follower,
    lease::Leases,
    messages::{
        Compare, RangeRequest, RangeResponse, RequestOp, TxnRequest, TxnResponse, number,
        revision_of,
    },
    observers::Observers,
    recent::Recent,
};
use crate::{Expect, Key, KeyRange, Record, Revision, Storage, StorageError};

/// Where etcd is, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// Its members, as `https://host:port`; one is asked as long as it answers.
    pub servers: Vec<String>,
    /// For members with `https`.
    tls: ClientTlsConfig,
    /// How long a lease is shared with values that come later.
    pub lease_reuse: Duration,
}

impl EtcdOptions {
    /// Those members, without TLS, and upstream's defaults.
    pub fn new(servers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            servers: servers.into_iter().map(Into::into).collect(),
            tls: ClientTlsConfig::new(),
            lease_reuse: Duration::from_secs(60),
        }
    }

    /// The same for members whose certificates this bundle signed, PEM.
    #[must_use]
    pub fn with_authorities(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls = self.tls.ca_certificate(Certificate::from_pem(pem));
        self
    }

    /// The same with a certificate of this server's own, and its key, PEM.
    #[must_use]
    pub fn with_identity(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.tls = self.tls.identity(Identity::from_pem(certificate, key));
        self
    }
}

/// A store on an etcd cluster. Cloning shares it.
#[derive(Clone)]
pub struct EtcdStore {
    cluster: Arc<Cluster>,
    leases: Arc<Leases>,
    recent: Arc<Recent>,
    observers: Arc<Observers>,
    rounds: Arc<Mutex<Rounds>>,
    tells_progress: Arc<OnceCell<bool>>,
    /// What it took on disk when that was asked last; zero before.
    size: Arc<AtomicU64>,
    #[cfg(test)]
    _server: Option<Arc<tests::server::TestEtcd>>,
}

/// A read that many wait for.
type Round = future::Shared<future::BoxFuture<'static, Result<Revision, StorageError>>>;

/// Questions for the newest revision. Who asks while a question is on its way must not have its
/// answer, which may be older than what they know; all those share the next.
#[derive(Default)]
struct Rounds {
    running: Option<Round>,
    queued: Option<Round>,
}

/// The largest request that etcd takes unless told otherwise, in bytes.
const LARGEST: usize = 1_572_864;
/// Events per step of [`Storage::history`], about.
const STRETCH: usize = 1000;
const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";
const FUTURE: &str = "etcdserver: mvcc: required revision is a future revision";

impl EtcdStore {
    /// A store there. Nothing is asked yet, and members need not be up.
    ///
    /// # Errors
    ///
    /// `Unavailable` for addresses or certificates that can not be understood.
    pub fn new(options: &EtcdOptions) -> Result<Self, StorageError> {
        Ok(Self {
            cluster: Arc::new(Cluster::new(options)?),
            leases: Arc::new(Leases::new(options.lease_reuse)),
            recent: Arc::default(),
            observers: Arc::default(),
            rounds: Arc::default(),
            tells_progress: Arc::default(),
            size: Arc::default(),
            #[cfg(test)]
            _server: None,
        })
    }

    /// Whether etcd answers a read in time; its own words, if not.
    ///
    /// # Errors
    ///
    /// `Remote`.
    pub async fn check(&self, patience: Duration) -> Result<(), StorageError> {
        let late = |_| {
            let status = Status::deadline_exceeded("context deadline exceeded");
            failure("asking etcd how it is", &status)
        };
        tokio::time::timeout(patience, self.current())
            .await
            .map_err(late)?
            .map(drop)
    }

    /// Asks the members what they take on disk, which is then what [`Storage::size_on_disk`] says at
    /// once: the largest.
    ///
    /// # Errors
    ///
    /// `Remote`, if none of them answers.
    pub async fn measure(&self) -> Result<u64, StorageError> {
        let (mut size, mut failed) = (None, None);
        for status in self.cluster.statuses().await {
            match status {
                Ok(status) => size = size.max(u64::try_from(status.db_size).ok()),
                Err(status) => failed = Some(status),
            }
        }
        let unknown = || failed.unwrap_or_else(|| Status::unknown("there are no members"));
        let size = size.ok_or_else(|| failure("asking etcd for its size", &unknown()))?;
        self.size.store(size, Ordering::Relaxed);
        Ok(size)
    }

    /// Has `tell` told, whenever a lease was given to as many values as it can be, how many those were. Only
    /// the first that is given here is told.
    pub fn tell_of_leases(&self, tell: impl Fn(usize) + Send + Sync + 'static) {
        self.leases.tell(Box::new(tell));
    }

    async fn range(&self, request: RangeRequest) -> Result<RangeResponse, Status> {
        let path = "/etcdserverpb.KV/Range";
        let answer: RangeResponse = self.cluster.ask(path, request, Repeat::Safe).await?;
        self.observers.see(revision_of(answer.header.as_ref()));
        Ok(answer)
    }

    async fn transaction(&self, request: TxnRequest) -> Result<TxnResponse, Status> {
        let path = "/etcdserverpb.KV/Txn";
        let answer: TxnResponse = self.cluster.ask(path, request, Repeat::Unsafe).await?;
        self.observers.see(revision_of(answer.header.as_ref()));
        Ok(answer)
    }

    /// Does `operation` if `key` was put at `expected`, and otherwise says what it holds.
    async fn write(
        &self,
        key: &Key,
        expected: Revision,
        operation: RequestOp,
    ) -> Result<Result<Revision, Option<Record>>, Status> {
        let key = Bytes::from(key.clone());
        let answer = self
            .transaction(TxnRequest {
                compare: vec![Compare::mod_revision(key.clone(), number(expected))],
                success: vec![operation],
                failure: vec![RequestOp::range(key)],
            })
            .await?;
        Ok(if answer.succeeded {
            Ok(revision_of(answer.header.as_ref()))
        } else {
            Err(answer.found().map(Record::from))
        })
    }

    /// A read of the newest revision that begins from now on, shared with others who want one.
    fn round(&self) -> Round {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queued) = &rounds.queued {
            return queued.clone();
        }
        let before = rounds.running.clone();
        let (cluster, observers) = (Arc::clone(&self.cluster), Arc::clone(&self.observers));
        let own: Weak<Mutex<Rounds>> = Arc::downgrade(&self.rounds);
        let round = async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            if let Some(rounds) = own.upgrade() {
                let mut rounds = rounds.lock().unwrap_or_else(PoisonError::into_inner);
                rounds.running = rounds.queued.take();
            }
            let request = RangeRequest {
                key: Bytes::from_static(compaction::KEY),
                count_only: true,
                ..RangeRequest::default()
            };
            let path = "/etcdserverpb.KV/Range";
            let answer = cluster
                .ask::<_, RangeResponse>(path, request, Repeat::Safe)
                .await
                .map_err(|status| failure("asking etcd for its revision", &status))?;
            let revision = revision_of(answer.header.as_ref());
            observers.see(revision);
            Ok(revision)
        };
        let round = round.boxed().shared();
        rounds.queued = Some(round.clone());
        round
    }

    /// A failure, where it is about a revision with the revision that would have done.
    async fn explain(
        &self,
        doing: &'static str,
        status: Status,
        requested: Revision,
    ) -> StorageError {
        match status.message() {
            COMPACTED => StorageError::Compacted {
                requested,
                compacted: self.compacted(requested).await,
            },
            FUTURE => match self.current().await {
                Ok(current) => StorageError::FutureRevision { requested, current },
                Err(error) => error,
            },
            _ => failure(doing, &status),
        }
    }

    /// The oldest revision that can be read. etcd does not say it with a refusal; it is found by asking for revisions
    /// between one that is gone and the present.
    async fn compacted(&self, requested: Revision) -> Revision {
        let Ok(current) = self.current().await else {
            return requested.next();
        };
        let (mut gone, mut kept) = (requested.0, current.0);
        while kept > gone + 1 {
            let middle = gone + (kept - gone) / 2;
            let request = RangeRequest {
                key: Bytes::from_static(compaction::KEY),
                revision: number(Revision(middle)),
                count_only: true,
                ..RangeRequest::default()
            };
            match self.range(request).await {
                Ok(_) => kept = middle,
                Err(status) if status.message() == COMPACTED => gone = middle,
                Err(_) => break,
            }
        }
        Revision(kept)
    }

    fn follower(&self, range: KeyRange, told: Revision) -> Follower {
        Follower::new(
            Arc::clone(&self.cluster),
            Arc::clone(&self.recent),
            range,
            told,
        )
    }

    /// Whether all members tell their progress, and never too early: since 3.4.25 and 3.5.8.
    async fn tells_progress(&self) -> bool {
        let ask = async || {
            let statuses = self.cluster.statuses().await;
            statuses.iter().all(|status| {
                let version = status.as_ref().map(|status| status.version.as_str());
                version.is_ok_and(is_new_enough)
            })
        };
        *self.tells_progress.get_or_init(ask).await
    }

    /// Refuses revisions that have not come.
    async fn reached(&self, requested: Revision) -> Result<(), StorageError> {
        let current = self.current().await?;
        if requested > current {
            return Err(StorageError::FutureRevision { requested, current });
        }
        Ok(())
    }

    async fn put_once(
        &self,
        key: &Key,
        expect: Expect,
        value: Bytes,
        lease: Option<Duration>,
    ) -> Result<Revision, StorageError> {
        let expected = match expect {
            Expect::Absent => Revision::ZERO,
            // etcd takes this for absence.
            Expect::At(Revision::ZERO) => Revision(u64::MAX),
            Expect::At(revision) => revision,
        };
        let doing = "writing to etcd";
        let lease = match lease {
            Some(time) => self
                .leases
                .get(&self.cluster, time)
                .await
                .map_err(|status| failure("asking etcd for a lease", &status))?,
            None => 0,
        };
        let size = key.as_bytes().len() + value.len();
        let own = self.recent.put(key, &value);
        let put = RequestOp::put(key.clone().into(), value, lease);
        let outcome = self
            .write(key, expected, put)
            .await
            .map_err(|status| match is_too_large(&status) {
                true => StorageError::TooLarge {
                    key: key.clone(),
                    size,
                    limit: LARGEST,
                },
                false => failure(doing, &status),
            })?;
        match outcome {
            Ok(revision) => {
                self.observers.told(key, revision).await;
                drop(own);
                Ok(revision)
            }
            Err(current) => Err(refused(key, expect, current)),
        }
    }
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EtcdStore")
    }
}

/// A range as etcd's messages name it: an end of one zero byte is no end, and no start is that too.
fn span(range: &KeyRange) -> (Bytes, Bytes) {
    const ZERO: Bytes = Bytes::from_static(b"\0");
    let start = if range.start.is_empty() {
        ZERO
    } else {
        range.start.clone()
    };
    (start, range.end.clone().unwrap_or(ZERO))
}

/// Why nothing was written: `key` holds `current`.
fn refused(key: &Key, expect: Expect, current: Option<Record>) -> StorageError {
    match (expect, current.map(Box::new)) {
        (Expect::Absent, Some(current)) => StorageError::Exists { current },
        (Expect::At(expected), Some(current)) => StorageError::Conflict { expected, current },
        (_, None) => StorageError::NotFound { key: key.clone() },
    }
}

/// etcd has a limit for requests, and gRPC one above it.
fn is_too_large(status: &Status) -> bool {
    let message = status.message();
    match status.code() {
        Code::InvalidArgument => message == "etcdserver: request is too large",
        Code::ResourceExhausted => message.contains("message larger than max"),
        _ => false,
    }
}

/// Whether progress is told when asked for, and only after the events before it.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version
        .split(['.', '-', '+'])
        .map(|part| part.parse::<u32>().ok());
    let mut next = || numbers.next().flatten().unwrap_or(0);
    match (next(), next(), next()) {
        (3, 4, patch) => patch >= 25,
        (3, 5, patch) => patch >= 8,
        (major, minor, _) => (major, minor) > (3, 5),
    }
}
