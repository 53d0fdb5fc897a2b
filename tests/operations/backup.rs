//! The drill of `deploy/backup.md`, with its own commands.

use std::path::Path;

use pintle_tests::http::Headers;
use pintle_tests::server::{TestServer, binary};
use serde_json::{Value, json};

use super::steps;

/// Does a step. The server is started and stopped by the test; its program is found as an operator finds it.
fn perform(step: &str, programs: &Path, data: &Path, backup: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", programs.display());
    let variables = [
        ("PATH", Path::new(&path)),
        ("DATA", data),
        ("BACKUP", backup),
    ];
    steps::perform("backup.md", step, &variables)
}

fn programs() -> tempfile::TempDir {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().expect("there is room");
    symlink(binary(), folder.path().join("pintle")).expect("it can be linked");
    let systemctl = folder.path().join("systemctl");
    std::fs::write(&systemctl, "#!/bin/sh\n").expect("it can be written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&systemctl, mode).expect("it can be run");
    folder
}

async fn ask(server: &TestServer, token: &str, method: &str, path: &str, body: Value) -> Value {
    let headers: Headers = vec![
        ("authorization".into(), format!("Bearer {token}")),
        ("content-type".into(), "application/json".into()),
    ];
    let body = (!body.is_null()).then(|| body.to_string().into());
    let answer = server.client().request(method, path, &headers, body).await;
    let answer = answer.expect("the server answers");
    assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    answer.json().expect("an answer is JSON")
}

/// Names, uids and data of the objects that a user made.
async fn objects(server: &TestServer) -> Vec<String> {
    let mut all = Vec::new();
    for path in ["configmaps", "secrets", "serviceaccounts", "services"] {
        let path = format!("/api/v1/namespaces/default/{path}");
        let list = ask(server, server.token(), "GET", &path, Value::Null).await;
        for item in list["items"].as_array().into_iter().flatten() {
            let about = &item["metadata"];
            all.push(format!(
                "{path}/{} {} {}",
                about["name"], about["uid"], item["data"]
            ));
        }
    }
    all
}

#[tokio::test]
async fn what_was_saved_is_there_after_everything_was_lost() {
    let (programs, backup) = (programs(), tempfile::tempdir().expect("there is room"));
    let (programs, backup) = (programs.path(), backup.path().join("today"));
    let mut server = TestServer::start().await;
    let data = server.data_dir();
    let admin = server.token();
    let namespace = "/api/v1/namespaces/default";
    for (kind, object) in [
        (
            "configmaps",
            json!({"metadata": {"name": "colors"}, "data": {"sky": "blue"}}),
        ),
        (
            "secrets",
            json!({"metadata": {"name": "hidden"}, "stringData": {"a": "b"}}),
        ),
        ("serviceaccounts", json!({"metadata": {"name": "robot"}})),
        (
            "services",
            json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}),
        ),
    ] {
        ask(
            &server,
            admin,
            "POST",
            &format!("{namespace}/{kind}"),
            object,
        )
        .await;
    }
    let path = format!("{namespace}/serviceaccounts/robot/token");
    let request = json!({"spec": {"expirationSeconds": 3600}});
    let issued = ask(&server, admin, "POST", &path, request).await;
    let robot = issued["status"]["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let before = objects(&server).await;

    server.terminate();
    assert!(server.ended().await.success());
    perform("1", programs, &data, &backup);
    perform("2", programs, &data, &backup);
    server.restart().await;
    let shown = perform("3", programs, &data, &backup);
    assert!(shown.contains("configmaps"), "{shown}");

    // What comes after the backup, and the end of the disk.
    let later = json!({"metadata": {"name": "later"}});
    ask(
        &server,
        admin,
        "POST",
        &format!("{namespace}/configmaps"),
        later,
    )
    .await;
    server.kill();
    std::fs::remove_dir_all(&data).expect("it can be lost");

    perform("4", programs, &data, &backup);
    server.restart().await;
    assert_eq!(objects(&server).await, before);
    // Keys are the same: tokens of before are good.
    let review = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let who = ask(&server, &robot, "POST", review, json!({})).await;
    let name = &who["status"]["userInfo"]["username"];
    assert_eq!(name, "system:serviceaccount:default:robot");
    let new = json!({"metadata": {"name": "since"}, "spec": {"ports": [{"port": 80}]}});
    ask(
        &server,
        admin,
        "POST",
        &format!("{namespace}/services"),
        new,
    )
    .await;
}
