//! Objects of the usual size.

use bytes::Bytes;
use serde_json::{Value, json};

/// How many pods there are, and how many of them on each node.
pub(crate) const PODS: usize = 5_000;
/// Pods on one node.
pub(crate) const PODS_PER_NODE: usize = 5;

/// A pod as controllers make them: 3.5 KB of JSON before the server adds anything.
pub(crate) fn pod(index: usize) -> Bytes {
    let name = format!("web-{index:05}");
    let environment: Vec<Value> = (0..12)
        .map(|number| {
            json!({"name": format!("SETTING_{number}"), "value": format!("value-of-setting-{number}-of-{name}")})
        })
        .collect();
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "http"}, "periodSeconds": 10, "timeoutSeconds": 2});
    let mounts = json!([
        {"name": "settings", "mountPath": "/etc/web", "readOnly": true},
        {"name": "cache", "mountPath": "/var/cache/web"},
    ]);
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/name": "web",
                "app.kubernetes.io/instance": format!("web-{}", index % 50),
                "app.kubernetes.io/version": "1.42.0",
                "app.kubernetes.io/part-of": "shop",
                "pod-template-hash": "6d5f7c9b8d",
            },
            "annotations": {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": "9090",
                "example.com/configuration-digest":
                    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "example.com/description": "Shows the catalogue of the shop and takes orders for it. \
                     ".repeat(9),
            },
        },
        "spec": {
            "nodeName": node(index),
            "serviceAccountName": "default",
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 30,
            "containers": [
                {
                    "name": "web",
                    "image": "registry.example.com/shop/web:1.42.0",
                    "args": ["--listen=:8080", "--metrics=:9090", "--log-format=json"],
                    "ports": [
                        {"name": "http", "containerPort": 8080},
                        {"name": "metrics", "containerPort": 9090},
                    ],
                    "env": environment,
                    "resources": {
                        "requests": {"cpu": "250m", "memory": "256Mi"},
                        "limits": {"cpu": "1", "memory": "512Mi"},
                    },
                    "livenessProbe": probe("/healthz"),
                    "readinessProbe": probe("/readyz"),
                    "volumeMounts": mounts,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "readOnlyRootFilesystem": true,
                        "capabilities": {"drop": ["ALL"]},
                    },
                },
                {
                    "name": "proxy",
                    "image": "registry.example.com/mesh/proxy:3.1.4",
                    "args": ["--upstream=127.0.0.1:8080", "--admin=:15000"],
                    "ports": [{"name": "mesh", "containerPort": 15001}],
                    "env": [
                        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    ],
                    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                    "readinessProbe": {"tcpSocket": {"port": "mesh"}, "periodSeconds": 5},
                },
            ],
            "volumes": [
                {"name": "settings", "configMap": {"name": "web-settings", "items": [{"key": "web.toml", "path": "web.toml"}]}},
                {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}},
            ],
            "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "web", "effect": "NoSchedule"}],
            "topologySpreadConstraints": [{
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "web"}},
            }],
        },
    })
    .to_string()
    .into()
}

/// The node of a pod.
pub(crate) fn node(index: usize) -> String {
    format!("node-{:04}", index % (PODS / PODS_PER_NODE))
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
        let length = pod(4711).len();
        assert!((3_400..3_600).contains(&length), "{length}");
    }

    #[test]
    fn five_pods_share_a_node() {
        let on_first = (0..PODS).filter(|&index| node(index) == node(0)).count();
        assert_eq!(on_first, PODS_PER_NODE);
    }
}
