//! A registry of a few resources over a temporary store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pintle_endpoints::cache::{CacheOptions, Object};
use pintle_endpoints::context::{Environment, Random, RequestContext};
use pintle_endpoints::delete_options::DeleteOptions;
use pintle_endpoints::list_options::ListOptions;
use pintle_endpoints::metadata::MetadataMut;
use pintle_endpoints::permit::Permit;
use pintle_endpoints::registry::{Registration, Registry};
use pintle_endpoints::store::{Change, Deleted, List, Store, Written, finalizers};
use pintle_endpoints::strategy::{DefaultStrategy, Generation, Hold, Strategy, Traits};
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::{Clock, Time};
use pintle_runtime::user::UserInfo;
use pintle_runtime::value::Record;
use pintle_storage::{RocksStore, Storage};
use serde_json::{Value, json};

pub(crate) struct Fixture {
    pub(crate) registry: Arc<Registry>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) random: Arc<TestRandom>,
}

/// Stands still unless it is moved.
pub(crate) struct TestClock(Mutex<Time>);

/// Counts, or gives what it was told to give.
#[derive(Default)]
pub(crate) struct TestRandom {
    count: AtomicU64,
    pub(crate) always: Mutex<Option<u64>>,
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        *self.0.lock().expect("the clock")
    }
}

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        let mut now = self.0.lock().expect("the clock");
        *now = now.plus_seconds(seconds);
    }
}

impl Random for TestRandom {
    fn uid(&self) -> String {
        format!("uid-{}", self.count.fetch_add(1, Ordering::Relaxed))
    }

    fn bits(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let always = *self.always.lock().expect("the bits");
        always.unwrap_or_else(|| count.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let storage: Arc<dyn Storage> =
            Arc::new(RocksStore::open_temporary().expect("a temporary store"));
        Self::over(storage, CacheOptions::default()).await
    }

    pub(crate) async fn over(storage: Arc<dyn Storage>, options: CacheOptions) -> Self {
        let registry =
            Registry::start(Arc::clone(&storage), "/registry", options, resources()).await;
        Self {
            registry: Arc::new(registry.expect("the registry")),
            storage,
            clock: Arc::new(TestClock(Mutex::new(Time::from_seconds(1_700_000_000)))),
            random: Arc::default(),
        }
    }

    pub(crate) fn cx(&self, namespace: &str) -> RequestContext {
        let environment = Environment {
            clock: self.clock.clone(),
            random: self.random.clone(),
        };
        RequestContext::new(
            Arc::new(UserInfo::named("tester")),
            namespace.to_owned(),
            environment,
        )
    }

    pub(crate) fn resource(&self, group: &str, version: &str, name: &str) -> Resourceful<'_> {
        let store = self.registry.store(group, version, name).expect("a store");
        Resourceful {
            fixture: self,
            store,
            namespace: "blue".to_owned(),
        }
    }

    pub(crate) fn configmaps(&self) -> Resourceful<'_> {
        self.resource("", "v1", "configmaps")
    }

    pub(crate) fn pods(&self) -> Resourceful<'_> {
        self.resource("", "v1", "pods")
    }
}

/// One resource in one namespace, with the verbs in short.
#[derive(Clone)]
pub(crate) struct Resourceful<'a> {
    fixture: &'a Fixture,
    pub(crate) store: Arc<Store>,
    namespace: String,
}

impl Resourceful<'_> {
    pub(crate) fn within(&self, namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            ..self.clone()
        }
    }

    pub(crate) fn cx(&self) -> RequestContext {
        self.fixture.cx(&self.namespace)
    }

    pub(crate) fn record(&self, object: &Value) -> Record {
        let body = Bytes::from(object.to_string());
        json::decode(&self.store.row().object, &body, &mut Problems::ignored()).expect("an object")
    }

    pub(crate) async fn try_create(&self, object: &Value) -> Result<Written, ApiError> {
        self.store
            .create(&permit(), &self.cx(), self.record(object))
            .await
    }

    pub(crate) async fn create(&self, object: Value) -> Value {
        content(&self.try_create(&object).await.expect("a create").object)
    }

    pub(crate) async fn try_update(&self, name: &str, object: &Value) -> Result<Written, ApiError> {
        self.store
            .update(&permit(), &self.cx(), name, self.record(object))
            .await
    }

    pub(crate) async fn update(&self, object: &Value) -> Value {
        let name = object["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned();
        content(
            &self
                .try_update(&name, object)
                .await
                .expect("an update")
                .object,
        )
    }

    /// Updates with what `change` makes of the JSON.
    pub(crate) async fn change(
        &self,
        name: &str,
        change: impl Fn(&mut Value) + Send + Sync,
    ) -> Result<Written, ApiError> {
        let make = |old: Option<&Record>| {
            let mut body = Vec::new();
            json::encode(old.expect("an old object"), &mut body);
            let mut object: Value = serde_json::from_slice(&body).expect("JSON");
            change(&mut object);
            Ok(self.record(&object))
        };
        self.store
            .update_with(&permit(), &self.cx(), name, &Change::default(), make)
            .await
    }

    pub(crate) async fn try_get(&self, name: &str, revision: &str) -> Result<Object, ApiError> {
        self.store.get(&permit(), &self.cx(), name, revision).await
    }

    pub(crate) async fn get(&self, name: &str) -> Option<Value> {
        match self.try_get(name, "").await {
            Ok(object) => Some(content(&object)),
            Err(ApiError::NotFound(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn try_delete(
        &self,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        self.store
            .delete(&permit(), &self.cx(), name, options)
            .await
    }

    pub(crate) async fn delete(&self, name: &str) -> Deleted {
        self.try_delete(name, &DeleteOptions::default())
            .await
            .expect("a delete")
    }

    pub(crate) async fn try_list(&self, query: &str) -> Result<List, ApiError> {
        self.store
            .list(&permit(), &self.cx(), &options(query, false)?)
            .await
    }

    pub(crate) async fn list(&self, query: &str) -> List {
        self.try_list(query).await.expect(query)
    }

    pub(crate) async fn names(&self, query: &str) -> Vec<String> {
        names(self.list(query).await)
    }
}

pub(crate) fn names(list: List) -> Vec<String> {
    list.into_objects()
        .iter()
        .map(|object| object.entry().name().to_owned())
        .collect()
}

pub(crate) fn options(query: &str, watch: bool) -> Result<ListOptions, ApiError> {
    ListOptions::parse(
        query.split('&').filter_map(|pair| pair.split_once('=')),
        watch,
    )
}

pub(crate) fn permit() -> Permit {
    Permit::of_the_server_itself("a test")
}

pub(crate) fn content(object: &Object) -> Value {
    serde_json::from_slice(object.json().expect("JSON")).expect("JSON")
}

pub(crate) fn configmap(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

pub(crate) fn pod(name: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": "image"}], "nodeName": node},
    })
}

fn resources() -> Vec<Registration> {
    let traits = |group: &str, name: &str| match (group, name) {
        ("apps", "deployments") => Traits {
            generation: Generation::Spec,
            ..Traits::DEFAULT
        },
        ("", "pods") => Traits {
            returns_deleted_object: true,
            ..Traits::DEFAULT
        },
        ("coordination.k8s.io", "leases") => Traits {
            create_on_update: true,
            unconditional_update: false,
            ..Traits::DEFAULT
        },
        _ => Traits::DEFAULT,
    };
    [
        ("", "v1", "configmaps"),
        ("", "v1", "pods"),
        ("", "v1", "nodes"),
        ("apps", "v1", "deployments"),
        ("coordination.k8s.io", "v1", "leases"),
    ]
    .map(|(group, version, name)| {
        let mut strategy = DefaultStrategy::new(traits(group, name));
        if name == "pods" {
            strategy.indexed = vec!["spec.nodeName"];
        }
        Registration::new(row(group, version, name), Arc::new(strategy))
    })
    .into_iter()
    .chain([Registration::new(
        row("", "v1", "namespaces"),
        Arc::new(Held(Traits::DEFAULT)),
    )])
    .collect()
}

/// Objects whose own `spec.finalizers` hold them, as namespaces are.
struct Held(Traits);

impl Strategy for Held {
    fn traits(&self) -> &Traits {
        &self.0
    }

    fn hold(&self, cx: &RequestContext, object: &mut Record) -> Hold {
        let mut metadata = MetadataMut::of(object).expect("metadata");
        if metadata.read().deletion_timestamp().is_none() {
            metadata.set_deletion_timestamp(Some(cx.now()));
            return Hold::Kept;
        }
        if holds(object) {
            Hold::Kept
        } else {
            Hold::Nothing
        }
    }

    fn is_deleted_by_update(&self, new: &Record, old: &Record) -> bool {
        !holds(new) && finalizers::is_deleted_by_update(new, old)
    }
}

fn holds(object: &Record) -> bool {
    object
        .get_by_name("spec")
        .and_then(|spec| spec.as_record()?.get_by_name("finalizers"))
        .is_some()
}

fn row(group: &str, version: &str, name: &str) -> Resource {
    let groups = pintle_api::groups()
        .iter()
        .filter(|found| found.name == group);
    let versions = groups
        .flat_map(|group| group.versions.iter())
        .filter(|found| found.version == version);
    let mut rows = versions.flat_map(|version| version.resources.iter());
    rows.find(|found| found.name == name)
        .expect("a row")
        .clone()
}
