//! Who is it, and may they: real certificates, a real provider of tokens, real webhooks, and those who try to be
//! somebody else.

mod accounts;
mod attacks;
mod certificates;
mod configuration;
mod matrix;
mod provider;
mod secrets;
mod signer;
mod tls;
mod webhooks;

use std::path::Path;
use std::time::Duration;

use pintle_tests::http::{Client, Headers};
use pintle_tests::server::TestServer;
use serde_json::{Value, json};

/// What the server reads again is read within this time on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn bearer(token: &str) -> Headers {
    vec![("authorization".into(), format!("Bearer {token}"))]
}

/// Who the server says that one is; the status if it says nothing.
async fn who_am_i(client: &mut Client, headers: &Headers) -> Result<Value, u16> {
    let mut headers = headers.clone();
    headers.push(("content-type".into(), "application/json".into()));
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let answer = client
        .request("POST", path, &headers, Some(body.to_string().into()))
        .await
        .expect("the server answers");
    if answer.status == 201 {
        Ok(answer.json().expect("JSON")["status"]["userInfo"].clone())
    } else {
        Err(answer.status)
    }
}

/// The name of whom a token is, or the status.
async fn whose(server: &TestServer, token: &str) -> Result<String, u16> {
    let user = who_am_i(&mut server.client(), &bearer(token)).await?;
    Ok(user["username"].as_str().unwrap_or_default().to_owned())
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("the folder can be written to");
}

/// Waits until `is_so`.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(std::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
