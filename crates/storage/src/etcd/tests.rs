//! The promises of every storage, on a real etcd, and what is particular to this one.

pub(super) mod server;

use std::time::Duration;

use bytes::Bytes;

use self::server::{TestEtcd, is_installed};
use super::*;
use crate::{Observer, Page};

crate::storage_conformance!(one_member, open(1), is_installed());
crate::storage_conformance!(three_members, open(3), is_installed());

/// A store on an etcd of its own, which ends with it.
fn open(members: usize) -> Result<EtcdStore, StorageError> {
    let server = TestEtcd::start(members, &[]);
    let mut store = EtcdStore::new(&EtcdOptions::new(server.addresses()))?;
    store._server = Some(Arc::new(server));
    Ok(store)
}

async fn create(store: &EtcdStore, key: &str, value: impl Into<Bytes>) -> Revision {
    store
        .put(&Key::from(key), Expect::Absent, value.into(), None)
        .await
        .expect("the key is new")
}

#[test]
fn progress_is_believed_only_of_versions_that_tell_it_right() {
    let check = |version, expected| assert_eq!(is_new_enough(version), expected, "{version}");
    check("3.4.23", false);
    check("3.4.25", true);
    check("3.5.7", false);
    check("3.5.8", true);
    check("3.5.21", true);
    check("3.6.0-rc.1", true);
    check("3.3.10", false);
    check("4.0.0", true);
    check("", false);
}

/// The events of puts bring the bytes that were put, not a copy of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_puts_a_value_is_told_of_the_same_bytes() {
    #[derive(Default)]
    struct Addresses(Mutex<Vec<usize>>);
    impl Observer for Addresses {
        fn on_batch(&self, batch: crate::Batch<'_>) {
            let values = batch.writes.iter().filter_map(|write| write.value.as_ref());
            let addresses = values.map(|value| value.as_ptr() as usize);
            self.0.lock().expect("nobody panics").extend(addresses);
        }
        fn on_end(&self, reason: &StorageError) {
            panic!("{reason}");
        }
    }
    if !is_installed() {
        return;
    }
    let store = open(1).expect("the store opens");
    let seen = Arc::new(Addresses::default());
    let _subscription = store
        .subscribe(&KeyRange::all(), seen.clone())
        .await
        .expect("etcd answers");
    let mut expected = Vec::new();
    for round in 0..20 {
        let value = Bytes::from(format!("value {round}"));
        expected.push(value.as_ptr() as usize);
        create(&store, &format!("/{round}"), value).await;
        let told = seen.0.lock().expect("nobody panics").len();
        assert!(
            round == 0 || told == round + 1,
            "told before the put is answered"
        );
    }
    assert_eq!(*seen.0.lock().expect("nobody panics"), expected);
}

/// Many values, one lease; and they end in one revision.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_about_the_same_time_share_a_lease() {
    if !is_installed() {
        return;
    }
    let store = open(1).expect("the store opens");
    let hour = Duration::from_secs(3600);
    let first = store
        .leases
        .get(&store.cluster, hour)
        .await
        .expect("a lease");
    for _ in 1..1000 {
        let next = store.leases.get(&store.cluster, hour).await;
        assert_eq!(next.expect("a lease"), first);
    }
    let next = store.leases.get(&store.cluster, hour).await;
    assert_ne!(next.expect("a lease"), first, "a thousand have it");
    let short = store
        .leases
        .get(&store.cluster, Duration::from_secs(15))
        .await;
    assert_ne!(short.expect("a lease"), first, "much too long");
}

/// One round in each interval compacts, whoever of two servers has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_agree_on_compaction() {
    if !is_installed() {
        return;
    }
    let store = open(1).expect("the store opens");
    let other = EtcdStore {
        observers: Arc::default(),
        ..store.clone()
    };
    let begin = create(&store, "/a", "1").await;
    let told = Arc::new(Mutex::new(Revision::ZERO));
    let compact = |store: EtcdStore| {
        let told = Arc::clone(&told);
        tokio::spawn(async move {
            let tell = move |revision: Revision| {
                let mut told = told.lock().expect("nobody panics");
                *told = revision.max(*told);
            };
            store
                .compact_together(Duration::from_millis(50), tell)
                .await;
        })
    };
    let both = [compact(store.clone()), compact(other)];
    let compacted = async {
        while *told.lock().expect("nobody panics") < begin.next() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), compacted)
        .await
        .expect("somebody compacts");
    // Who has not the round is told of it before the other has compacted.
    let all = KeyRange::all();
    let old = || {
        let page = Page {
            at: Some(Revision(1)),
            ..Page::default()
        };
        store.list(&all, page)
    };
    let gone = async {
        while !matches!(old().await, Err(StorageError::Compacted { .. })) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone)
        .await
        .expect("the past is gone");
    both.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(
        store
            .get(&Key::from("/a"), begin)
            .await
            .expect("now")
            .value
            .is_some()
    );
}

/// A watch goes on where it was when its member dies, and writes find another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_may_die_one_after_the_other() {
    if !is_installed() {
        return;
    }
    let store = open(3).expect("the store opens");
    let server = store._server.clone().expect("it was started");
    let begin = store.current().await.expect("etcd answers");
    let mut stream = store
        .watch(&KeyRange::prefix("/"), begin)
        .await
        .expect("kept");
    let mut expected = Vec::new();
    let mut told = Vec::new();
    for member in 0..3 {
        for round in 0..20 {
            let key = format!("/{member}/{round}");
            if round == 5 {
                server.kill(member);
            }
            loop {
                let put = store
                    .put(&Key::from(&*key), Expect::Absent, "1".into(), None)
                    .await;
                match put {
                    Ok(_) | Err(StorageError::Exists { .. }) => break,
                    Err(StorageError::Remote { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            expected.push(key);
        }
        server.revive(member);
    }
    while told.len() < expected.len() {
        let batch = tokio::time::timeout(Duration::from_secs(60), stream.next());
        let batch = batch.await.expect("events come").expect("no end");
        let keys = batch.expect("no failure");
        told.extend(keys.iter().map(|event| event.key.to_string()));
    }
    assert_eq!(told, expected);
}

/// A full etcd says so in its own words, and is read from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_etcd_without_space_refuses_writes_and_answers_reads() {
    if !is_installed() {
        return;
    }
    let server = TestEtcd::start(1, &["--quota-backend-bytes=2000000"]);
    let store = EtcdStore::new(&EtcdOptions::new(server.addresses())).expect("addresses");
    create(&store, "/first", "1").await;
    let mut refused = None;
    // It notices some writes later.
    for round in 0..1000 {
        let value = Bytes::from(vec![0; 200_000]);
        let key = Key::from(format!("/{round}"));
        if let Err(error) = store.put(&key, Expect::Absent, value, None).await {
            refused = Some(error);
            break;
        }
    }
    let Some(StorageError::Remote { said, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        said.to_string(),
        "etcdserver: mvcc: database space exceeded"
    );
    let found = store.get(&Key::from("/first"), Revision::ZERO).await;
    assert!(found.expect("reads go on").value.is_some());
}

/// Where etcd tells its progress, the range alone is watched, and etcd is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observers_are_told_of_progress_that_etcd_was_asked_for() {
    if !is_installed() {
        return;
    }
    let store = open(1).expect("the store opens");
    store.tells_progress.set(true).expect("nobody asked yet");
    let store: Arc<dyn Storage> = Arc::new(store);
    crate::conformance::an_observer_hears_of_commits_outside_its_range(store).await;
}
