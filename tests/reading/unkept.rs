//! What is served without being kept.

use serde_json::{Value, json};

use super::{Reader, names};

const PATH: &str = "/api/v1/componentstatuses";

#[tokio::test]
async fn component_statuses_come_in_every_form_and_are_of_no_revision() {
    let mut reader = Reader::start(&[]).await;
    let answer = reader.get(PATH).await;
    let deprecated = (
        "warning".to_owned(),
        "299 - \"v1 ComponentStatus is deprecated in v1.19+\"".to_owned(),
    );
    assert!(answer.headers.contains(&deprecated), "{:?}", answer.headers);
    let list = answer.json().expect("a list");
    assert_eq!(
        (&list["kind"], &list["metadata"]),
        (&json!("ComponentStatusList"), &json!({}))
    );
    assert_eq!(names(&list), ["controller-manager", "scheduler", "etcd-0"]);
    let store = reader.json(&format!("{PATH}/etcd-0")).await;
    assert_eq!(
        store["conditions"],
        json!([{"type": "Healthy", "status": "True", "message": "ok"}])
    );
    let selected = reader
        .json(&format!("{PATH}?fieldSelector=metadata.name=scheduler"))
        .await;
    assert_eq!(names(&selected), ["scheduler"]);
    let table = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let table: Value = reader
        .send("GET", &format!("{PATH}/etcd-0"), &table, None)
        .await
        .json()
        .expect("a table");
    assert_eq!(
        table["rows"][0]["cells"],
        json!(["etcd-0", "Healthy", "ok", ""])
    );
    let protobuf = [("accept", "application/vnd.kubernetes.protobuf")];
    assert!(
        reader
            .send("GET", PATH, &protobuf, None)
            .await
            .body
            .starts_with(b"k8s\0")
    );
}

#[tokio::test]
async fn component_statuses_are_read_and_nothing_else() {
    let mut reader = Reader::start(&[]).await;
    assert_eq!(
        reader.refusal(&format!("{PATH}/x")).await,
        (500, "Component not found: x".to_owned())
    );
    assert_eq!(reader.get(&format!("{PATH}?watch=1")).await.status, 405);
    assert_eq!(
        reader.send("POST", PATH, &[], Some(json!({}))).await.status,
        405
    );
    assert_eq!(
        reader.get(&format!("{PATH}/etcd-0/status")).await.status,
        404
    );
    assert_eq!(
        reader
            .get("/api/v1/namespaces/default/componentstatuses")
            .await
            .status,
        404
    );
}
