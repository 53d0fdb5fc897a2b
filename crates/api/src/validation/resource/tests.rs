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
    let selectors =
        |text: &str| json!({"deviceClassName": "c", "selectors": [{"cel": {"expression": text}}]});
    check(selectors("cel.bind(a, device.attributes['d'], a.b)"), &[]);
    check(
        selectors("driver == 'd'"),
        &[&format!(
            "{at}.selectors[0].cel.expression: Invalid value: \"driver == 'd'\": compilation failed: ERROR: <input>:1:1: \
             undeclared reference to 'driver' (in container '')\n | driver == 'd'\n | ^"
        )],
    );
    check(
        selectors("device.driver"),
        &[&format!(
            "{at}.selectors[0].cel.expression: Invalid value: \"device.driver\": must evaluate to bool or the unknown \
             type, not string"
        )],
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
    let mut going = given.clone();
    going["reservedFor"] = json!([{"resource": "pods", "name": "p", "uid": "u"}]);
    let deleted = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
    claim().part(
        "status",
        json!({"metadata": deleted, "status": given}),
        json!({"metadata": deleted, "status": going}),
        &[
            "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set",
        ],
    );
    let mut reported = given;
    let addresses = [
        "192.0.2.1",
        "192.0.2.1/+24",
        "192.0.2.1/24",
        "2001:DB8::1/064",
        "010.0.0.1/8",
        "::ffff:10.0.0.1/120",
    ];
    reported["devices"] =
        json!([{"driver": "d", "pool": "p", "device": "b", "networkData": {"ips": addresses}}]);
    check(
        json!({}),
        reported,
        &[
            "status.devices[0]: Invalid value: {\"Driver\":\"d\",\"Pool\":\"p\",\"Device\":\"b\",\"ShareID\":\"\"}: must be an allocated device in the claim",
            "status.devices[0].networkData.ips[0]: Invalid value: \"192.0.2.1\": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",
            "status.devices[0].networkData.ips[1]: Invalid value: \"192.0.2.1/+24\": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",
            "status.devices[0].networkData.ips[3]: Invalid value: \"2001:DB8::1/064\": must be in canonical form (\"2001:db8::1/64\")",
            "status.devices[0].networkData.ips[4]: Invalid value: \"010.0.0.1/8\": must be in canonical form (\"10.0.0.1/8\")",
            "status.devices[0].networkData.ips[5]: Invalid value: \"::ffff:10.0.0.1/120\": must be in canonical form (\"10.0.0.1/24\")",
        ],
    );
}

#[test]
fn shares_are_told_apart_and_written_in_one_way() {
    let check = |share: &str, problem: &str| {
        let result =
            json!({"request": "r", "driver": "d", "pool": "p", "device": "a", "shareID": share});
        let given = json!({"status": {"allocation": {"devices": {"results": [result]}}}});
        let said = format!(
            "status.allocation.devices.results[0].shareID: Invalid value: \"{share}\": {problem}"
        );
        let said = [said.as_str()];
        let said: &[&str] = if problem.is_empty() { &[] } else { &said };
        claim().part("status", Value::Null, given, said);
    };
    let plain = "11111111-2222-3333-4444-5555555555aa";
    let form = "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters";
    check(plain, "");
    check(&plain.to_uppercase(), form);
    check(&plain.replace('-', ""), form);
    check(&format!("{{{plain}}}"), form);
    check(&format!("urn:uuid:{plain}"), form);
    let wrong = "error validating uid: invalid";
    check("1", &format!("{wrong} UUID length: 1"));
    check(&plain.replace('a', "g"), &format!("{wrong} UUID format"));
    check(
        &format!("({plain})"),
        &format!("{wrong} bracketed UUID format"),
    );
    check(
        &format!("urn:uid::{plain}"),
        &format!("{wrong} urn prefix: \"urn:uid::\""),
    );
    let twice = json!({"driver": "d", "pool": "p", "device": "a"});
    let result = json!({"request": "r", "driver": "d", "pool": "p", "device": "a"});
    claim().part(
        "status",
        Value::Null,
        json!({"status": {"allocation": {"devices": {"results": [result]}}, "devices": [twice, twice]}}),
        &[
            "status.devices[1]: Duplicate value: {\"Driver\":\"d\",\"Pool\":\"p\",\"Device\":\"a\",\"ShareID\":\"\"}",
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
    let long = json!({"spec": {"config": [
        {"opaque": {"driver": "d", "parameters": {"x": "x".repeat(10_240)}}},
    ]}});
    class.create(
        long.clone(),
        &["spec.config[0].opaque.parameters: Too long: may not be more than 10240 bytes"],
    );
    class.update_from(long.clone(), long, &[]);
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
    check(
        json!({"nodeName": "", "perDeviceNodeSelection": false, "allNodes": false}),
        &[
            "spec.nodeName: Invalid value: \"\": must be either unset or set to a non-empty string",
            "spec.allNodes: Invalid value: false: must be either unset or set to true",
            "spec.perDeviceNodeSelection: Invalid value: false: must be either unset or set to true",
            &format!("spec: Required value: {one}"),
        ],
    );
    let term = json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]});
    let shown = "{\"MatchExpressions\":[{\"Key\":\"a\",\"Operator\":\"Exists\",\"Values\":null}],\"MatchFields\":null}";
    check(
        json!({"nodeName": null, "nodeSelector": {"nodeSelectorTerms": [term, term]}}),
        &[&format!(
            "spec.nodeSelector.nodeSelectorTerms: Invalid value: [{shown},{shown}]: must have exactly one node selector term"
        )],
    );
    check(
        json!({"sharedCounters": [{"name": "", "counters": {}}]}),
        &[
            "spec: Invalid value: \"\": only one of `sharedCounters` or `devices` is allowed",
            "spec.sharedCounters[0].name: Required value",
            "spec.sharedCounters[0].counters: Required value",
        ],
    );
    let many: Vec<Value> = (0..129)
        .map(|at| json!({"name": format!("d{at}")}))
        .collect();
    check(
        json!({"devices": many}),
        &["spec.devices: Too many: 129: must have at most 128 items"],
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
    check(
        json!({"name": "a", "bindingFailureConditions": ["x", "x"]}),
        &[
            "spec.devices[0].bindingFailureConditions[1]: Duplicate value: \"x\"",
            "spec.devices[0].bindingConditions: Invalid value: null: bindingConditions are required to use bindingFailureConditions",
        ],
    );
    check(
        json!({"name": "a", "bindingConditions": ["x", "x"], "bindingFailureConditions": ["x"]}),
        &[
            "spec.devices[0].bindingConditions[1]: Duplicate value: \"x\"",
            "spec.devices[0].bindingFailureConditions[0]: Invalid value: \"x\": bindingFailureConditions must not overlap with bindingConditions",
        ],
    );
    check(
        json!({"name": "a", "attributes": {"/a": {"bool": true}, "d.example.com/": {"bools": []}}}),
        &[
            "spec.devices[0].attributes: Invalid value: \"\": the domain must not be empty",
            "spec.devices[0].attributes: Invalid value: \"\": the name must not be empty",
            "spec.devices[0].attributes[d.example.com/].bools: Invalid value: []: must not be empty if specified",
        ],
    );
    let facts: serde_json::Map<String, Value> = (0..33)
        .map(|at| (format!("a{at}"), json!({"bool": true})))
        .collect();
    check(
        json!({"name": "a", "attributes": facts}),
        &[
            "spec.devices[0]: Invalid value: 33: the total number of attributes and capacities must not exceed 32",
        ],
    );
    check(
        json!({"name": "a", "attributes": {"a": {"ints": (0..49).collect::<Vec<_>>()}}}),
        &[
            "spec.devices[0]: Invalid value: 49: the total number of attribute values must not exceed 48",
        ],
    );
    let one = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    slice().create(
        json!({"spec": {"nodeName": null, "perDeviceNodeSelection": true, "devices": [
            {"name": "a", "nodeName": "", "allNodes": false},
            {"name": "b", "nodeName": "n", "allNodes": true},
        ]}}),
        &[
            "spec.devices[0].nodeName: Invalid value: \"\": must not be empty",
            "spec.devices[0].allNodes: Invalid value: false: must be either unset or set to true",
            &format!("spec.devices[0]: Required value: {one}"),
            &format!("spec.devices[1]: Invalid value: \"{{`nodeName`, `allNodes`}}\": {one}"),
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
        json!({"default": "1", "validValues": ["1"], "validRange": {"min": "1"}}),
        &[&format!(
            "{at}: Forbidden: exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time"
        )],
    );
    check(
        true,
        json!({"default": "1", "validRange": {"min": "11", "max": "9"}}),
        &[
            &format!(
                "{at}.validRange.min: Invalid value: \"11\": min is larger than capacity value: 10"
            ),
            &format!("{at}.validRange.min: Invalid value: \"1\": default is less than min: 11"),
            &format!("{at}.validRange.max: Invalid value: \"11\": min is larger than max: 9"),
        ],
    );
    check(
        true,
        json!({"default": "10", "validRange": {"min": "1", "max": "9", "step": "10"}}),
        &[
            &format!("{at}.validRange.max: Invalid value: \"10\": default is more than max: 9"),
            &format!(
                "{at}.validRange.step: Invalid value: \"10\": one step 11 is larger than capacity value: 10"
            ),
            &format!(
                "{at}.validRange.step: Invalid value: \"10\": value is not a multiple of a given step (10) from (1)"
            ),
            &format!(
                "{at}.validRange.step: Invalid value: \"9\": value is not a multiple of a given step (10) from (1)"
            ),
        ],
    );
    check(
        true,
        json!({"default": "1", "validRange": {}}),
        &[&format!(
            "{at}.validRange.min: Required value: required when validRange is defined"
        )],
    );
    check(
        true,
        json!({"default": "1", "validRange": {"min": "1", "step": "0"}}),
        &[&format!(
            "{at}.validRange.step: Invalid value: \"0\": must be greater than zero"
        )],
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
