use serde_json::{Value, json};

use crate::validation::cases::Kind;

const GROUP: &str = "resource.k8s.io";

fn claim() -> Kind {
    Kind {
        group: GROUP,
        kind: "ResourceClaim",
        good: json!({
            "metadata": {"name": "x"},
            "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}},
        }),
    }
}

fn slice() -> Kind {
    Kind {
        group: GROUP,
        kind: "ResourceSlice",
        good: json!({
            "metadata": {"name": "x"},
            "spec": {
                "driver": "d.example.com",
                "nodeName": "n",
                "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
                "devices": [{"name": "a"}],
            },
        }),
    }
}

fn devices(devices: Value) -> Value {
    json!({"spec": {"devices": devices}})
}

/// One request, as it is changed.
fn request(request: Value) -> Value {
    devices(json!({"requests": [request]}))
}

const REFERENCE: &str = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

#[test]
fn a_request_has_one_form() {
    claim().create(Value::Null, &[]);
    let one = "exactly one of `exactly` or `firstAvailable` is required";
    let required = format!("spec.devices.requests[0]: Required value: {one}");
    claim().create(request(json!({"name": "r"})), &[&required]);
    let both = json!({
        "name": "r",
        "exactly": {"deviceClassName": "c"},
        "firstAvailable": [{"name": "s", "deviceClassName": "c"}],
    });
    let invalid = format!(
        "spec.devices.requests[0]: Invalid value: null: {one}, but multiple fields are set"
    );
    claim().create(request(both), &[&invalid]);
}

#[test]
fn a_request_says_how_many_of_what() {
    let check = |exactly: Value, said: &[&str]| {
        claim().create(request(json!({"name": "r", "exactly": exactly})), said);
    };
    let at = "spec.devices.requests[0].exactly";
    check(
        json!({}),
        &[&format!("{at}.deviceClassName: Required value")],
    );
    check(
        json!({"deviceClassName": "c", "count": -1}),
        &[&format!(
            "{at}.count: Invalid value: -1: must be greater than zero"
        )],
    );
    check(
        json!({"deviceClassName": "c", "allocationMode": "All", "count": 1}),
        &[&format!(
            "{at}.count: Invalid value: 1: must not be specified when allocationMode is 'All'"
        )],
    );
    check(
        json!({"deviceClassName": "c", "allocationMode": "Odd"}),
        &[&format!(
            "{at}.allocationMode: Unsupported value: \"Odd\": supported values: \"All\", \"ExactCount\""
        )],
    );
    check(
        json!({"deviceClassName": "c", "selectors": [{}, {"cel": {"expression": "x".repeat(10_241)}}]}),
        &[
            &format!("{at}.selectors[0].cel: Required value"),
            &format!(
                "{at}.selectors[1].cel.expression: Too long: may not be more than 10240 bytes"
            ),
        ],
    );
    check(
        json!({"deviceClassName": "c", "tolerations": [
            {"operator": "Exists", "value": "v"},
            {"operator": "Odd", "effect": "Odd"},
        ]}),
        &[
            &format!(
                "{at}.tolerations[0].value: Invalid value: \"v\": must be empty for operator `Exists`"
            ),
            &format!(
                "{at}.tolerations[1].operator: Unsupported value: \"Odd\": supported values: \"Equal\", \"Exists\""
            ),
            &format!(
                "{at}.tolerations[1].effect: Unsupported value: \"Odd\": supported values: \"NoExecute\", \"NoSchedule\", \"None\""
            ),
        ],
    );
}

#[test]
fn constraints_and_configuration_are_about_requests() {
    let twice = json!({"requests": [
        {"name": "r", "exactly": {"deviceClassName": "c"}},
        {"name": "r", "exactly": {"deviceClassName": "c"}},
    ]});
    claim().create(
        devices(twice),
        &["spec.devices.requests[1]: Duplicate value: \"r\""],
    );
    claim().create(
        devices(json!({"constraints": [{"requests": ["zz"], "matchAttribute": "a"}, {}]})),
        &[
            &format!("spec.devices.constraints[0].requests[0]: Invalid value: \"zz\": {REFERENCE}"),
            "spec.devices.constraints[0].matchAttribute: Invalid value: \"a\": a fully qualified name must be a domain and a name separated by a slash",
            "spec.devices.constraints[1]: Required value: exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set",
        ],
    );
    claim().create(
        devices(json!({"config": [
            {},
            {"requests": ["r/s"], "opaque": {"driver": "d", "parameters": [1]}},
        ]})),
        &[
            "spec.devices.config[0].opaque: Required value",
            &format!("spec.devices.config[1].requests[0]: Invalid value: \"r/s\": {REFERENCE}"),
            "spec.devices.config[1].opaque.parameters: Invalid value: \"<value omitted>\": must be a valid JSON object",
        ],
    );
}

#[test]
fn a_claim_and_a_template_stay_as_they_are() {
    let template = Kind {
        group: GROUP,
        kind: "ResourceClaimTemplate",
        good: json!({"metadata": {"name": "x"}, "spec": {"spec": claim().good["spec"]}}),
    };
    template.create(Value::Null, &[]);
    let change = json!({"spec": {"metadata": {"labels": {"a": "b c"}}}});
    let errors = "spec.metadata.labels: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    template.create(change, &[errors]);
    claim().update(Value::Null, &[]);
}

#[test]
fn what_is_allocated_was_asked_for() {
    let check = |before: Value, change: Value, said: &[&str]| {
        claim().part(
            "status",
            json!({"status": before}),
            json!({"status": change}),
            said,
        );
    };
    let result = json!({"request": "r", "driver": "d", "pool": "p", "device": "a"});
    let allocation = |result: &Value| json!({"devices": {"results": [result]}});
    let given = json!({"allocation": allocation(&result)});
    check(json!({}), given.clone(), &[]);
    let mut other = result.clone();
    other["request"] = json!("zz");
    let said =
        format!("status.allocation.devices.results[0].request: Invalid value: \"zz\": {REFERENCE}");
    check(
        json!({}),
        json!({"allocation": allocation(&other)}),
        &[&said],
    );
    let user = json!([{"resource": "pods", "name": "p", "uid": ""}]);
    check(
        json!({}),
        json!({"reservedFor": user}),
        &[
            "status.reservedFor[0].uid: Required value",
            "status.reservedFor: Forbidden: may not be specified when `allocated` is not set",
        ],
    );
    let mut reported = given;
    reported["devices"] =
        json!([{"driver": "d", "pool": "p", "device": "b", "networkData": {"ips": ["192.0.2.1"]}}]);
    check(
        json!({}),
        reported,
        &[
            "status.devices[0]: Invalid value: \"d/p/b\": must be an allocated device in the claim",
            "status.devices[0].networkData.ips[0]: Invalid value: \"192.0.2.1\": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",
        ],
    );
}

#[test]
fn a_class_chooses_and_configures() {
    let class = Kind {
        group: GROUP,
        kind: "DeviceClass",
        good: json!({"metadata": {"name": "x"}, "spec": {}}),
    };
    class.create(Value::Null, &[]);
    class.create(
        json!({"spec": {"selectors": [{}], "config": [{}], "extendedResourceName": "cpu"}}),
        &[
            "spec.selectors[0].cel: Required value",
            "spec.config[0].opaque: Required value",
            "spec.extendedResourceName: Invalid value: \"cpu\": must be a valid extended resource name",
        ],
    );
}

#[test]
fn a_slice_is_somewhere() {
    slice().create(Value::Null, &[]);
    let check = |spec: Value, said: &[&str]| slice().create(json!({"spec": spec}), said);
    let one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    check(
        json!({"nodeName": null}),
        &[&format!("spec: Required value: {one}")],
    );
    check(
        json!({"allNodes": true}),
        &[&format!(
            "spec: Invalid value: \"{{`nodeName`, `allNodes`}}\": {one}, but multiple fields are set"
        )],
    );
    check(
        json!({"pool": {"name": "", "generation": -1, "resourceSliceCount": 0}}),
        &[
            "spec.pool.name: Required value",
            "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
            "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
        ],
    );
    slice().update(
        json!({"spec": {"nodeName": "m", "driver": "e.example.com", "pool": {"name": "q"}}}),
        &[
            "spec.pool.name: Invalid value: \"q\": field is immutable",
            "spec.driver: Invalid value: \"e.example.com\": field is immutable",
            "spec.nodeName: Invalid value: \"m\": field is immutable",
        ],
    );
}

#[test]
fn a_device_is_described() {
    let check = |device: Value, said: &[&str]| slice().create(devices(json!([device])), said);
    check(
        json!({"name": "a", "attributes": {"b": {}, "c": {"bool": true, "int": 1}, "v": {"version": "1"}}}),
        &[
            "spec.devices[0].attributes[b]: Invalid value: \"\": exactly one value must be specified",
            "spec.devices[0].attributes[c]: Invalid value: {\"Int\":1,\"Bool\":true,\"String\":null,\"Version\":null,\"Ints\":null,\"Bools\":null,\"Strings\":null,\"Versions\":null}: exactly one value must be specified",
            "spec.devices[0].attributes[v].version: Invalid value: \"1\": must be a string compatible with semver.org spec 2.0.0",
        ],
    );
    check(
        json!({"name": "a", "taints": [{"key": "k", "effect": ""}], "allNodes": true}),
        &[
            "spec.devices[0].taints[0].effect: Required value",
            "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
        ],
    );
    check(
        json!({"name": "a", "consumesCounters": [{"counterSet": "", "counters": {}}], "bindingConditions": ["x"]}),
        &[
            "spec.devices[0].consumesCounters[0].counterSet: Required value",
            "spec.devices[0].consumesCounters[0].counters: Required value",
            "spec.devices[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions",
        ],
    );
    slice().create(
        devices(json!([{"name": "a"}, {"name": "a"}])),
        &["spec.devices[1]: Duplicate value: \"a\""],
    );
}

#[test]
fn a_shared_capacity_is_given_in_steps() {
    let check = |shared: bool, policy: Value, said: &[&str]| {
        let capacity = json!({"m": {"value": "10", "requestPolicy": policy}});
        let device = json!({"name": "a", "allowMultipleAllocations": shared, "capacity": capacity});
        slice().create(devices(json!([device])), said);
    };
    let at = "spec.devices[0].capacity[m].requestPolicy";
    check(
        false,
        json!({"default": "1"}),
        &[&format!(
            "{at}: Forbidden: allowMultipleAllocations must be true"
        )],
    );
    check(
        true,
        json!({"default": "3", "validValues": ["2", "1", "20"]}),
        &[
            &format!(
                "{at}.validValues[1]: Invalid value: \"1\": values must be sorted in ascending order"
            ),
            &format!(
                "{at}.validValues[2]: Invalid value: \"20\": option is larger than capacity value: 10"
            ),
            &format!(
                "{at}.validValues: Invalid value: \"3\": default value is not valid according to the requestPolicy"
            ),
        ],
    );
    check(
        true,
        json!({"validRange": {"min": "1"}}),
        &[&format!(
            "{at}.default: Required value: required when validRange is defined"
        )],
    );
    check(
        true,
        json!({"default": "2", "validRange": {"min": "1", "max": "11", "step": "3"}}),
        &[
            &format!(
                "{at}.validRange.max: Invalid value: \"11\": max is larger than capacity value: 10"
            ),
            &format!(
                "{at}.validRange.step: Invalid value: \"2\": value is not a multiple of a given step (3) from (1)"
            ),
            &format!(
                "{at}.validRange.step: Invalid value: \"11\": value is not a multiple of a given step (3) from (1)"
            ),
        ],
    );
}
