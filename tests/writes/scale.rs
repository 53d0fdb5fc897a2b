//! What is written through `scale`.

use pintle_tests::server::TestServer;
use serde_json::{Value, json};

use crate::{APPLY, JSON, MERGE, Writer, body, refused};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    })
}

#[tokio::test]
async fn who_scales_owns_the_replicas() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    let path = &format!("{DEPLOYMENTS}/web");
    let created = client
        .patch(&format!("{path}?fieldManager=one"), APPLY, &deployment(1))
        .await;
    assert_eq!(created.status, 201, "{}", created.text());
    let scaled = client
        .patch(
            &format!("{path}/scale?fieldManager=hpa"),
            MERGE,
            &json!({"spec": {"replicas": 4}}),
        )
        .await;
    assert_eq!(body(&scaled)["spec"]["replicas"], 4, "{}", scaled.text());
    assert_eq!(body(&scaled)["status"]["selector"], "app=web");
    let object = client.get(path).await;
    assert_eq!(object["metadata"]["generation"], 2);
    let conflict = client
        .patch(&format!("{path}?fieldManager=one"), APPLY, &deployment(1))
        .await;
    refused(
        &conflict,
        409,
        "Apply failed with 1 conflict: conflict with \"hpa\" with subresource \"scale\" using apps/v1: .spec.replicas",
    );
}

#[tokio::test]
async fn a_scale_is_applied_and_names_its_revision() {
    let server = TestServer::start().await;
    let mut client = Writer::of(&server);
    client.create(DEPLOYMENTS, &deployment(1)).await;
    let path = &format!("{DEPLOYMENTS}/web/scale");
    let scale = |replicas: u32| {
        json!({
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": "web"},
            "spec": {"replicas": replicas},
        })
    };
    let forced = format!("{path}?fieldManager=two&force=true");
    let applied = client.patch(&forced, APPLY, &scale(3)).await;
    assert_eq!(body(&applied)["spec"]["replicas"], 3, "{}", applied.text());
    let stale = client.get(path).await;
    client
        .patch(path, MERGE, &json!({"spec": {"replicas": 5}}))
        .await;
    let answer = client.send("PUT", path, JSON, stale.to_string()).await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    let missing = client
        .patch(
            &format!("{DEPLOYMENTS}/none/scale?fieldManager=two"),
            APPLY,
            &scale(1),
        )
        .await;
    assert_eq!(missing.status, 404, "{}", missing.text());
}

#[tokio::test]
async fn scalers_at_once_all_land() {
    let server = TestServer::start().await;
    Writer::of(&server)
        .create(DEPLOYMENTS, &deployment(1))
        .await;
    let path = &format!("{DEPLOYMENTS}/web/scale");
    let scalers = (0..8).map(|at| {
        let mut client = Writer::of(&server);
        async move {
            let answer = client
                .patch(path, MERGE, &json!({"spec": {"replicas": at + 2}}))
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    });
    futures_util::future::join_all(scalers).await;
}
