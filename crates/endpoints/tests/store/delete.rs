//! Deleting one and many.

use pintle_endpoints::delete_options::{DeleteOptions, Preconditions, Propagation};
use pintle_endpoints::store::Deleted;
use serde_json::{Value, json};

use crate::fixture::{Fixture, configmap, content, names, options, permit, pod};

#[tokio::test]
async fn a_delete_answers_as_the_kind_does() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    configmaps.create(configmap("a")).await;
    let Deleted::Status(status, _) = configmaps.delete("a").await else {
        panic!("a status")
    };
    assert_eq!(
        String::from_utf8(status.to_json()).expect("JSON"),
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{"name":"a","kind":"configmaps","uid":"uid-0"}}"#
    );
    assert_eq!(configmaps.get("a").await, None);

    let pods = fixture.pods();
    let created = pods.create(pod("a", "n")).await;
    let Deleted::Gone(object) = pods.delete("a").await else {
        panic!("the object")
    };
    let mut expected = created;
    expected["metadata"]["resourceVersion"] = object.entry().revision().to_string().into();
    assert_eq!(content(&object), expected);
    assert_eq!(
        fixture.storage.current().await.expect("a revision"),
        object.entry().revision()
    );
    let error = pods
        .try_delete("a", &DeleteOptions::default())
        .await
        .expect_err("nothing there");
    assert_eq!(error.to_string(), "pods \"a\" not found");
}

#[tokio::test]
async fn preconditions_are_held_to() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    let created = configmaps.create(configmap("a")).await;
    let revision = created["metadata"]["resourceVersion"]
        .as_str()
        .expect("a revision");
    let required = |uid: Option<&str>, revision: Option<&str>| DeleteOptions {
        preconditions: Preconditions {
            uid: uid.map(str::to_owned),
            resource_version: revision.map(str::to_owned),
        },
        ..DeleteOptions::default()
    };
    let error = configmaps
        .try_delete("a", &required(Some("zz"), None))
        .await
        .expect_err("another uid");
    assert_eq!(
        error.to_string(),
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (zz) does not match the UID in record (uid-0). The object might have been deleted and then recreated"
    );
    let error = configmaps
        .try_delete("a", &required(None, Some("1")))
        .await
        .expect_err("another revision");
    assert_eq!(
        error.to_string(),
        format!(
            "Operation cannot be fulfilled on ConfigMap \"a\": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record ({revision}). The object might have been modified"
        )
    );
    configmaps
        .try_delete("a", &required(Some("uid-0"), Some(revision)))
        .await
        .expect("a delete");
    assert_eq!(configmaps.get("a").await, None);
}

#[tokio::test]
async fn propagation_leaves_the_object_to_the_garbage_collector() {
    let fixture = Fixture::start().await;
    let deployments = fixture.resource("apps", "v1", "deployments");
    for (policy, finalizer) in [
        (Propagation::Foreground, "foregroundDeletion"),
        (Propagation::Orphan, "orphan"),
    ] {
        deployments
            .create(json!({"metadata": {"name": "web"}}))
            .await;
        let options = DeleteOptions {
            propagation_policy: Some(policy),
            ..DeleteOptions::default()
        };
        let deleted = deployments
            .try_delete("web", &options)
            .await
            .expect("a delete");
        assert!(deleted.is_kept());
        let object = content(deleted.object());
        assert_eq!(object["metadata"]["finalizers"], json!([finalizer]));
        assert_eq!(object["metadata"]["generation"], 2);
        // The collector is done.
        deployments
            .change("web", |object| {
                object["metadata"]["finalizers"] = Value::Null;
            })
            .await
            .expect("a change");
        assert_eq!(deployments.get("web").await, None);
    }
    deployments
        .create(json!({"metadata": {"name": "web"}}))
        .await;
    let options = DeleteOptions {
        propagation_policy: Some(Propagation::Background),
        ..DeleteOptions::default()
    };
    assert!(
        !deployments
            .try_delete("web", &options)
            .await
            .expect("a delete")
            .is_kept()
    );
}

#[tokio::test]
async fn what_is_held_by_its_own_rules_goes_when_it_is_let_go() {
    let fixture = Fixture::start().await;
    let namespaces = fixture.resource("", "v1", "namespaces").within("");
    for finalizers in [json!(["kubernetes"]), json!([])] {
        namespaces
            .create(json!({"metadata": {"name": "blue"}, "spec": {"finalizers": finalizers}}))
            .await;
        let deleted = namespaces.delete("blue").await;
        assert!(deleted.is_kept());
        let object = content(deleted.object());
        assert_eq!(
            object["metadata"]["deletionTimestamp"],
            "2023-11-14T22:13:20Z"
        );
        assert_eq!(
            object["metadata"]["deletionGracePeriodSeconds"],
            Value::Null
        );
        if finalizers == json!([]) {
            assert!(!namespaces.delete("blue").await.is_kept());
        } else {
            assert_eq!(content(namespaces.delete("blue").await.object()), object);
            let last = namespaces
                .change("blue", |object| object["spec"]["finalizers"] = json!([]))
                .await;
            assert_eq!(
                content(&last.expect("a change").object)["metadata"]["uid"],
                object["metadata"]["uid"]
            );
        }
        assert_eq!(namespaces.get("blue").await, None);
    }
}

#[tokio::test]
async fn many_are_deleted_by_a_selector() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    for (name, tier) in [("a", "web"), ("b", "db"), ("c", "web")] {
        configmaps
            .create(json!({"metadata": {"name": name, "labels": {"tier": tier}}}))
            .await;
    }
    configmaps
        .within("green")
        .create(json!({"metadata": {"name": "d", "labels": {"tier": "web"}}}))
        .await;
    let selected = options("labelSelector=tier=web", false).expect("options");
    let delete = DeleteOptions::default();
    let deleted = configmaps
        .store
        .delete_collection(&permit(), &configmaps.cx(), &delete, &selected)
        .await;
    assert_eq!(names(deleted.expect("a deletion")), ["a", "c"]);
    assert_eq!(configmaps.within("").names("").await, ["b", "d"]);
}

#[tokio::test]
async fn two_who_delete_at_once_both_get_an_answer() {
    let fixture = Fixture::start().await;
    let configmaps = fixture.configmaps();
    for round in 0..20 {
        let name = format!("a{round}");
        configmaps.create(configmap(&name)).await;
        let options = DeleteOptions::default();
        let deletes = (0..4).map(|_| configmaps.try_delete(&name, &options));
        let results = futures_util::future::join_all(deletes).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(results.iter().all(|result| {
            result
                .as_ref()
                .err()
                .is_none_or(|error| error.code() == 404)
        }));
    }
}
