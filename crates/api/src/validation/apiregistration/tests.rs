use serde_json::{Value, json};

use crate::validation::cases::Kind;

fn service() -> Kind {
    Kind {
        group: "apiregistration.k8s.io",
        kind: "APIService",
        good: json!({
            "metadata": {"name": "v1.a.example.com"},
            "spec": {
                "group": "a.example.com",
                "version": "v1",
                "groupPriorityMinimum": 100,
                "versionPriority": 10,
                "service": {"name": "s", "namespace": "n"},
            },
        }),
    }
}

#[test]
fn a_service_is_called_after_its_version_and_group() {
    service().create(Value::Null, &[]);
    service().create(
        json!({"metadata": {"name": "other"}}),
        &[
            "metadata.name: Invalid value: \"other\": must be `spec.version+\".\"+spec.group`: \"v1.a.example.com\"",
        ],
    );
    service().create(
        json!({"metadata": {"name": "v2."}, "spec": {"group": "", "version": "v2"}}),
        &["spec.group: Required value: only v1 may have an empty group and it better be legacy kube"],
    );
}

#[test]
fn a_service_has_priorities_and_a_backend() {
    let check = |spec: Value, said: &[&str]| service().create(json!({"spec": spec}), said);
    check(
        json!({"groupPriorityMinimum": 20001, "versionPriority": 0}),
        &[
            "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
            "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
        ],
    );
    check(
        json!({"service": {"name": "", "namespace": ""}}),
        &[
            "spec.service.namespace: Required value",
            "spec.service.name: Required value",
        ],
    );
    check(
        json!({"service": {"port": 65536}}),
        &[
            "spec.service.port: Invalid value: 65536: port is not valid: must be between 1 and 65535, inclusive",
        ],
    );
    check(
        json!({"insecureSkipTLSVerify": true, "caBundle": "YWJj"}),
        &[
            "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
        ],
    );
    check(
        json!({"service": null, "insecureSkipTLSVerify": true, "caBundle": "YWJj"}),
        &[
            "spec.caBundle: Invalid value: \"3 bytes\": local APIServices may not have a caBundle",
            "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
        ],
    );
}

#[test]
fn a_condition_is_true_false_or_unknown() {
    service().part(
        "status",
        Value::Null,
        json!({"status": {"conditions": [{"type": "Available", "status": "Odd"}]}}),
        &[
            "status.conditions[0].status: Unsupported value: \"Odd\": supported values: \"True\", \"False\", \"Unknown\"",
        ],
    );
}
