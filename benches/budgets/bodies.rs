//! Objects of the usual size.

use bytes::Bytes;
use serde_json::json;

use crate::rows::{PODS_PER_NODE, Size};

/// A pod as controllers make them: 3.5 KB of JSON before the server adds anything, and 6 KB of what it answers with.
pub(crate) fn pod(index: usize, size: &Size) -> Bytes {
    let (name, tenant) = (pod_name(index), index % 50);
    let inside = "shop.svc.cluster.local";
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/name": "web",
                "app.kubernetes.io/instance": format!("web-{tenant}"),
                "app.kubernetes.io/version": "1.42.0",
                "pod-template-hash": "6d5f7c9b8d",
            },
            "annotations": {
                "example.com/configuration-digest":
                    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "example.com/description": "Shows the catalogue of the shop and takes orders for it. \
                     ".repeat(30),
            },
        },
        "spec": {
            "nodeName": node(index, size),
            "serviceAccountName": "default",
            "automountServiceAccountToken": false,
            "containers": [{
                "name": "web",
                "image": "registry.example.com/shop/web:1.42.0@sha256:\
                     5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
                "args": [
                    "--listen=:8080",
                    "--metrics=:9090",
                    "--log-format=json",
                    format!("--catalogue=https://catalogue.{inside}:8443/v2/tenants/web-{tenant}"),
                    format!("--payment=https://payment.{inside}:8443/v1"),
                    "--cache=/var/cache/web/catalogue",
                    "--trace=https://collector.observability.svc.cluster.local:4317/v1/traces?sample=0.01",
                    "--features=recommendations=on,reviews=on,express-checkout=25%,gift-cards=off,dark-mode=on,\
                     one-page-checkout=10%,new-search=50%,similar-products=on,wish-lists=on",
                ],
                "ports": [{"name": "http", "containerPort": 8080}],
                "env": [
                    {"name": "DATABASE", "value": format!(
                        "postgresql://{name}@database.{inside}:5432/shop?sslmode=verify-full&application_name={name}\
                         &pool_max_conns=16&pool_min_conns=2&pool_max_conn_lifetime=1h&connect_timeout=5"
                    )},
                    {"name": "QUEUE", "value": format!(
                        "amqps://queue.{inside}:5671/orders?heartbeat=30&connection_name={name}&prefetch=64"
                    )},
                ],
                "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}},
                "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}},
                "volumeMounts": [{"name": "settings", "mountPath": "/etc/web", "readOnly": true}],
            }],
            "volumes": [{"name": "settings", "configMap": {"name": "web-settings"}}],
        },
    })
    .to_string()
    .into()
}

/// The name of a pod.
pub(crate) fn pod_name(index: usize) -> String {
    format!("web-{index:05}")
}

/// The node of a pod.
pub(crate) fn node(index: usize, size: &Size) -> String {
    format!("node-{:05}", index % size.pods.div_ceil(PODS_PER_NODE))
}

/// What a kubelet says of a pod, and again.
pub(crate) fn status_patch(round: usize) -> Bytes {
    json!({"status": {
        "phase": "Running",
        "podIP": format!("10.1.{}.{}", round / 250 % 250, round % 250),
        "conditions": [{
            "type": "Ready",
            "status": if round.is_multiple_of(2) { "True" } else { "False" },
            "lastProbeTime": null,
            "message": format!("round {round}"),
        }],
    }})
    .to_string()
    .into()
}

/// A ConfigMap whose content depends on the round.
pub(crate) fn configmap(name: &str, round: usize) -> Bytes {
    let settings: String = (0..20)
        .map(|line| format!("setting-{line} = \"round {round}\"\n"))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"app": "web"}},
        "data": {"settings.toml": settings, "round": round.to_string()},
    })
    .to_string()
    .into()
}

/// A small ConfigMap that says when it was sent, in µs since some moment.
pub(crate) fn stamped(name: &str, sent: u128) -> Bytes {
    json!({"metadata": {"name": name}, "data": {"sent": sent.to_string()}})
        .to_string()
        .into()
}

/// A heartbeat; `version` is the resourceVersion of the one before, if there was one.
pub(crate) fn lease(name: &str, version: Option<&str>, round: usize) -> Bytes {
    let mut metadata = json!({"name": name});
    if let Some(version) = version {
        metadata["resourceVersion"] = version.into();
    }
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": 40,
            "renewTime": format!("2026-01-01T{:02}:{:02}:{:02}.000000Z", round / 3600 % 24, round / 60 % 60, round % 60),
        },
    })
    .to_string()
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_has_three_and_a_half_kilobytes() {
        let length = pod(4711, &Size::default()).len();
        assert!((3_400..3_600).contains(&length), "{length}");
    }

    #[test]
    fn five_pods_share_a_node() {
        let size = Size::default();
        let first = node(0, &size);
        let on_first = (0..size.pods)
            .filter(|&index| node(index, &size) == first)
            .count();
        assert_eq!(on_first, PODS_PER_NODE);
    }
}
