//! A controller, and its test against a real API server.
//!
//! The controller keeps a `ConfigMap` called `inventory` in every namespace that says how many Secrets it holds. With a
//! kubeconfig, `cargo run --example controller` runs it in that cluster; `cargo test --example controller` tests it.

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};
use serde_json::json;

/// Looks at every namespace in which a Secret changes.
async fn run(client: Client) -> Result<(), kube::Error> {
    let secrets = Api::<Secret>::all(client.clone());
    let touched = watcher(secrets, watcher::Config::default())
        .default_backoff()
        .touched_objects()
        .filter_map(async |secret| secret.ok()?.namespace());
    let mut results =
        std::pin::pin!(touched.then(|namespace| reconcile(client.clone(), namespace)));
    while let Some(result) = results.next().await {
        result?;
    }
    Ok(())
}

/// Makes one namespace as it should be.
async fn reconcile(client: Client, namespace: String) -> Result<(), kube::Error> {
    let secrets = Api::<Secret>::namespaced(client.clone(), &namespace);
    let count = secrets.list(&ListParams::default()).await?.items.len();
    let inventory = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "inventory"},
        "data": {"secrets": count.to_string()},
    });
    Api::<ConfigMap>::namespaced(client, &namespace)
        .patch(
            "inventory",
            &PatchParams::apply("example-controller"),
            &Patch::Apply(inventory),
        )
        .await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::try_default().await?;
    Ok(run(client).await?)
}

#[cfg(test)]
mod tests {
    use kube::config::{KubeConfigOptions, Kubeconfig};
    use kube::runtime::wait::{Condition, await_condition};
    use kube::{Config, api::PostParams};
    use pintle_testing::TestServer;

    use super::*;

    async fn client(server: &TestServer) -> Client {
        let kubeconfig = Kubeconfig::read_from(server.kubeconfig()).expect("it is written");
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        Client::try_from(config.expect("it is complete")).expect("it can be used")
    }

    /// That the inventory says so many.
    fn says(count: &str) -> impl Condition<ConfigMap> {
        move |inventory: Option<&ConfigMap>| {
            let data = inventory.and_then(|inventory| inventory.data.as_ref());
            data.is_some_and(|data| data.get("secrets").is_some_and(|said| said == count))
        }
    }

    #[tokio::test]
    async fn the_inventory_follows_the_secrets() {
        let server = TestServer::start().await;
        let client = client(&server).await;
        let running = tokio::spawn(run(client.clone()));
        let secrets = Api::<Secret>::namespaced(client.clone(), "default");
        let inventory = Api::<ConfigMap>::namespaced(client, "default");
        for (name, count) in [("first", "1"), ("second", "2")] {
            let secret = serde_json::from_value(json!({"metadata": {"name": name}}));
            let secret: Secret = secret.expect("it is a Secret");
            let made = secrets.create(&PostParams::default(), &secret).await;
            made.expect("it can be made");
            let said = await_condition(inventory.clone(), "inventory", says(count)).await;
            said.expect("the inventory can be watched");
        }
        let gone = secrets.delete("first", &Default::default()).await;
        gone.expect("it can be deleted");
        let said = await_condition(inventory, "inventory", says("1")).await;
        said.expect("the inventory can be watched");
        running.abort();
    }
}
