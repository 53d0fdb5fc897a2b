//! kube-rs: typed verbs, watchers and reflectors.

use std::pin::pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::NamespaceResourceScope;
use kube::runtime::{WatchStreamExt as _, reflector, watcher};
use kube::{Client, Config, Resource, ResourceExt as _};
use pintle_tests::server::TestServer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

async fn connect(server: &TestServer) -> Client {
    let kubeconfig =
        Kubeconfig::read_from(server.kubeconfig()).expect("the server writes a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    Client::try_from(config.expect("the kubeconfig is complete"))
        .expect("the kubeconfig can be used")
}

async fn namespace(client: &Client, name: &str) {
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.into()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .expect("a namespace can be made");
    // A controller makes it too, if one runs; pods of the next moment need it.
    let account = ServiceAccount {
        metadata: ObjectMeta {
            name: Some("default".into()),
            ..ObjectMeta::default()
        },
        ..ServiceAccount::default()
    };
    let made = Api::namespaced(client.clone(), name)
        .create(&PostParams::default(), &account)
        .await;
    assert!(
        matches!(&made, Ok(_) | Err(kube::Error::Api(_))),
        "{made:?}"
    );
}

/// Takes an object through its whole life, watched from the beginning.
async fn check<K>(api: Api<K>, object: serde_json::Value)
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Serialize,
{
    let kind = K::kind(&());
    let object: K = serde_json::from_value(object).expect("the object is one of its kind");
    let name = object.name_any();
    let before = api
        .list(&ListParams::default())
        .await
        .expect("the kind can be listed");
    let version = before
        .metadata
        .resource_version
        .expect("a list has a resourceVersion");
    let mut events = pin!(
        api.watch(&WatchParams::default(), &version)
            .await
            .expect("the kind can be watched")
    );

    let created = api
        .create(&PostParams::default(), &object)
        .await
        .expect("the object can be created");
    assert!(
        created.uid().is_some() && created.creation_timestamp().is_some(),
        "{kind}: the server fills in metadata"
    );
    assert_eq!(
        api.get(&name)
            .await
            .expect("what was created is there")
            .resource_version(),
        created.resource_version()
    );
    let again = api.create(&PostParams::default(), &object).await;
    assert_status(again, 409, "AlreadyExists");

    let mut changed = created.clone();
    changed.labels_mut().insert("colour".into(), "blue".into());
    let replaced = api
        .replace(&name, &PostParams::default(), &changed)
        .await
        .expect("the object can be replaced");
    assert_ne!(
        replaced.resource_version(),
        created.resource_version(),
        "{kind}"
    );
    let stale = api.replace(&name, &PostParams::default(), &created).await;
    assert_status(stale, 409, "Conflict");

    let blue = api
        .list(&ListParams::default().labels("colour=blue"))
        .await
        .expect("the kind can be selected");
    assert_eq!(
        blue.items.iter().map(K::name_any).collect::<Vec<_>>(),
        std::slice::from_ref(&name),
        "{kind}"
    );
    let red = api
        .list(&ListParams::default().labels("colour=red"))
        .await
        .expect("the kind can be selected");
    assert!(red.items.is_empty(), "{kind}");

    api.delete(&name, &DeleteParams::default().grace_period(0))
        .await
        .expect("the object can be deleted");
    assert_status(api.get(&name).await, 404, "NotFound");

    // Some kinds are marked for deletion before they are gone, so there may be more than one change.
    let mut seen = Vec::new();
    while seen.last() != Some(&"deleted") {
        let event = tokio::time::timeout(PATIENCE, events.try_next()).await;
        let event = event.expect("the events come").expect("the watch goes on");
        let change = match event.expect("the watch is not ended") {
            WatchEvent::Added(object) if object.name_any() == name => "added",
            WatchEvent::Modified(object) if object.name_any() == name => "modified",
            WatchEvent::Deleted(object) if object.name_any() == name => "deleted",
            _ => continue,
        };
        if seen.last() != Some(&change) {
            seen.push(change);
        }
    }
    assert_eq!(seen, ["added", "modified", "deleted"], "{kind}");
}

#[track_caller]
fn assert_status<T: std::fmt::Debug>(result: kube::Result<T>, code: u16, reason: &str) {
    match result {
        Err(kube::Error::Api(status)) => {
            assert_eq!((status.code, status.reason.as_str()), (code, reason));
        }
        other => panic!("expected {code} {reason}, not {other:?}"),
    }
}

#[tokio::test]
async fn objects_of_several_kinds_live_and_die() {
    let server = TestServer::start().await;
    let client = connect(&server).await;
    namespace(&client, "blue").await;
    check(
        in_namespace::<ConfigMap>(&client),
        json!({"metadata": {"name": "a"}, "data": {"sky": "blue"}}),
    )
    .await;
    check(
        in_namespace::<Secret>(&client),
        json!({"metadata": {"name": "a"}, "data": {"key": "dmFsdWU="}}),
    )
    .await;
    check(
        in_namespace::<Lease>(&client),
        json!({"metadata": {"name": "a"}, "spec": {"holderIdentity": "me"}}),
    )
    .await;
    check(
        in_namespace::<Service>(&client),
        json!({"metadata": {"name": "a"}, "spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]}}),
    )
    .await;
    check(in_namespace::<Pod>(&client), pod("a")).await;
    check(
        in_namespace::<Deployment>(&client),
        json!({"metadata": {"name": "a"}, "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        }}),
    )
    .await;
    check(
        Api::<ClusterRole>::all(client),
        json!({"metadata": {"name": "a"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
    )
    .await;
}

fn in_namespace<K>(client: &Client) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(client.clone(), "blue")
}

fn pod(name: &str) -> serde_json::Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
}

fn configmap(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"value": value}}))
        .expect("this is a ConfigMap")
}

/// Waits until the reflector's store is what the server lists.
async fn settle(
    store: &reflector::Store<ConfigMap>,
    api: &Api<ConfigMap>,
    mut events: impl Stream<Item = ()> + Unpin,
) {
    let listed = api
        .list(&ListParams::default())
        .await
        .expect("the kind can be listed");
    let versions = |objects: &mut dyn Iterator<Item = (String, Option<String>)>| {
        let mut versions: Vec<_> = objects.collect();
        versions.sort();
        versions
    };
    let wanted = versions(
        &mut listed
            .items
            .iter()
            .map(|object| (object.name_any(), object.resource_version())),
    );
    tokio::time::timeout(PATIENCE, async {
        while versions(
            &mut store
                .state()
                .iter()
                .map(|object| (object.name_any(), object.resource_version())),
        ) != wanted
        {
            events.next().await.expect("a watcher never ends");
        }
    })
    .await
    .expect("the reflector catches up");
}

#[tokio::test]
async fn a_reflector_follows_the_server_across_restarts() {
    let mut server = TestServer::start().await;
    let client = connect(&server).await;
    namespace(&client, "blue").await;
    let api = in_namespace::<ConfigMap>(&client);
    let (store, writer) = reflector::store();
    // Errors while the server is away are part of the exercise; the watcher goes on after them.
    let events = reflector(writer, watcher(api.clone(), watcher::Config::default()))
        .default_backoff()
        .map(drop);
    let mut events = Box::pin(events);

    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &configmap(name, "1"))
            .await
            .expect("the object can be created");
    }
    settle(&store, &api, &mut events).await;

    for round in 0..2 {
        server.kill();
        server.restart().await;
        // Pooled connections died with the server.
        let client = connect(&server).await;
        let api = in_namespace::<ConfigMap>(&client);
        let name = format!("after-{round}");
        api.create(&PostParams::default(), &configmap(&name, "1"))
            .await
            .expect("the object can be created");
        api.replace("a", &PostParams::default(), &configmap("a", &name))
            .await
            .expect("the object can be replaced");
        api.delete(["b", "c"][round], &DeleteParams::default())
            .await
            .expect("the object can be deleted");
        settle(&store, &api, &mut events).await;
    }
}

#[tokio::test]
async fn a_watcher_can_start_with_a_streamed_list() {
    let server = TestServer::start().await;
    let client = connect(&server).await;
    namespace(&client, "blue").await;
    let api = in_namespace::<ConfigMap>(&client);
    for name in ["a", "b"] {
        api.create(&PostParams::default(), &configmap(name, "1"))
            .await
            .expect("the object can be created");
    }
    let events = watcher(api, watcher::Config::default().streaming_lists());
    let seen = events.take(4).map_ok(|event| match event {
        watcher::Event::Init => "init".to_string(),
        watcher::Event::InitApply(object) => format!("initially {}", object.name_any()),
        watcher::Event::InitDone => "done".to_string(),
        watcher::Event::Apply(object) => format!("apply {}", object.name_any()),
        watcher::Event::Delete(object) => format!("delete {}", object.name_any()),
    });
    let seen = tokio::time::timeout(PATIENCE, seen.try_collect::<Vec<_>>())
        .await
        .expect("the initial events come");
    assert_eq!(
        seen.expect("the watch goes on"),
        ["init", "initially a", "initially b", "done"]
    );
}
