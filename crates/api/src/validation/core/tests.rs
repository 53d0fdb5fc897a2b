//! Every rule of the core kinds that are no pods and no services is broken once.

use crate::validation::check::Good;

const CONFIG_MAP: Good = Good {
    group: "",
    version: "v1",
    kind: "ConfigMap",
    object: r#"{"metadata":{"name":"a"},"data":{"k":"v"},"binaryData":{"b":"AA=="}}"#,
};

const SECRET: Good = Good {
    group: "",
    version: "v1",
    kind: "Secret",
    object: r#"{"metadata":{"name":"a"},"data":{"k":"AA=="}}"#,
};

const NAMESPACE: Good = Good {
    group: "",
    version: "v1",
    kind: "Namespace",
    object: r#"{"metadata":{"name":"a"},"spec":{"finalizers":["kubernetes","example.com/x"]}}"#,
};

const NODE: Good = Good {
    group: "",
    version: "v1",
    kind: "Node",
    object: r#"{"metadata":{"name":"a"},"spec":{"podCIDRs":["10.0.0.0/24","2001:db8::/64"],"providerID":"p","taints":[{"key":"k","effect":"NoSchedule"}]},"status":{"capacity":{"cpu":"2"},"addresses":[{"type":"Hostname","address":"a"}]}}"#,
};

const LIMIT_RANGE: Good = Good {
    group: "",
    version: "v1",
    kind: "LimitRange",
    object: r#"{"metadata":{"name":"a"},"spec":{"limits":[{"type":"Container","min":{"cpu":"1"},"max":{"cpu":"4"},"default":{"cpu":"2"},"defaultRequest":{"cpu":"1"},"maxLimitRequestRatio":{"cpu":"4"}}]}}"#,
};

const RESOURCE_QUOTA: Good = Good {
    group: "",
    version: "v1",
    kind: "ResourceQuota",
    object: r#"{"metadata":{"name":"a"},"spec":{"hard":{"pods":"3"},"scopes":["NotTerminating"]}}"#,
};

const EVENT: Good = Good {
    group: "",
    version: "v1",
    kind: "Event",
    object: r#"{"metadata":{"name":"a","namespace":"n"},"involvedObject":{"namespace":"n"}}"#,
};

#[test]
fn config_map_keys_are_file_names_and_stand_once() {
    CONFIG_MAP.created("{}", &[]);
    CONFIG_MAP.created(
        r#"{"data":{"a/b":"x"},"binaryData":{"..":"AA=="}}"#,
        &[
            "data[a/b]: Invalid value: \"a/b\": a valid config key",
            "binaryData[..]: Invalid value: \"..\": must not be '..'",
        ],
    );
    CONFIG_MAP.created(
        r#"{"data":{"b":"x"}}"#,
        &["data[b]: Invalid value: \"b\": duplicate of key present in binaryData"],
    );
    let big = format!(r#"{{"data":{{"big":"{}"}}}}"#, "x".repeat(1 << 20));
    CONFIG_MAP.created(&big, &["[]: Too long: may not be more than 1048576 bytes"]);
}

#[test]
fn what_is_locked_stays() {
    let locked = r#"{"immutable":true}"#;
    CONFIG_MAP.updated(locked, locked, &[]);
    CONFIG_MAP.updated("{}", r#"{"data":{"k":"w"}}"#, &[]);
    CONFIG_MAP.updated(
        locked,
        r#"{"data":{"k":"w"},"binaryData":null}"#,
        &[
            "immutable: Forbidden: field is immutable when `immutable` is set",
            "data: Forbidden: field is immutable when `immutable` is set",
            "binaryData: Forbidden: field is immutable when `immutable` is set",
        ],
    );
    SECRET.updated(
        locked,
        r#"{"data":{"k":"Ag=="}}"#,
        &[
            "immutable: Forbidden: field is immutable when `immutable` is set",
            "data: Forbidden: field is immutable when `immutable` is set",
        ],
    );
}

#[test]
fn a_secret_has_what_its_type_asks_for() {
    SECRET.created("{}", &[]);
    SECRET.created(r#"{"stringData":{"a":"b"}}"#, &[]);
    SECRET.created(r#"{"data":{"a b":""}}"#, &["data[a b]: Invalid value"]);
    SECRET.created(
        &format!(
            r#"{{"data":{{"a":"{}"}}}}"#,
            "AAAA".repeat((1 << 20) / 3 + 1)
        ),
        &["data: Too long: may not be more than 1048576 bytes"],
    );
    let typed =
        |name: &str, data: &str| format!(r#"{{"type":"kubernetes.io/{name}","data":{data}}}"#);
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "service-account-token",
            "{}",
            &["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        ),
        ("dockercfg", "{}", &["data[.dockercfg]: Required value"]),
        ("dockercfg", r#"{".dockercfg":"e30="}"#, &[]),
        (
            "dockerconfigjson",
            r#"{".dockerconfigjson":"eA=="}"#,
            &[
                "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid character 'x' looking for beginning of value",
            ],
        ),
        (
            "dockerconfigjson",
            r#"{".dockerconfigjson":"W10="}"#,
            &[
                "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": json: cannot unmarshal array into Go value of type map[string]interface {}",
            ],
        ),
        (
            "basic-auth",
            "{}",
            &[
                "data[username]: Required value",
                "data[password]: Required value",
            ],
        ),
        ("basic-auth", r#"{"username":""}"#, &[]),
        (
            "ssh-auth",
            r#"{"ssh-privatekey":""}"#,
            &["data[ssh-privatekey]: Required value"],
        ),
        (
            "tls",
            "{}",
            &[
                "data[tls.crt]: Required value",
                "data[tls.key]: Required value",
            ],
        ),
        ("other", "{}", &[]),
    ];
    for (name, data, expected) in cases {
        SECRET.created(&typed(name, data), expected);
    }
    SECRET.updated(
        "{}",
        r#"{"type":"other"}"#,
        &["type: Invalid value: \"other\": field is immutable"],
    );
}

#[test]
fn finalizers_of_a_namespace_are_known_or_have_a_domain() {
    const FINALIZERS: &str = r#"{"spec":{"finalizers":["plain","a b/c"]}}"#;
    NAMESPACE.created("{}", &[]);
    NAMESPACE.created(
        FINALIZERS,
        &[
            "spec.finalizers: Invalid value: \"plain\": name is neither a standard finalizer name nor is it fully qualified",
            "spec.finalizers: Invalid value: \"a b/c\": prefix part",
        ],
    );
    NAMESPACE.updated_in(
        "finalize",
        "{}",
        FINALIZERS,
        &[
            "spec.finalizers[0]: Invalid value: \"plain\"",
            "spec.finalizers[1]: Invalid value: \"a b/c\"",
        ],
    );
    NAMESPACE.updated_in(
        "status",
        "{}",
        r#"{"status":{"phase":"Terminating"}}"#,
        &["status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"],
    );
    NAMESPACE.updated_in(
        "status",
        "{}",
        r#"{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"phase":"Active"}}"#,
        &["status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty"],
    );
}

#[test]
fn a_node_has_taints_networks_and_amounts_in_order() {
    NODE.created("{}", &[]);
    NODE.created(
        r#"{"spec":{"taints":[{"key":"a b","value":"c d","effect":""},{"key":"k","effect":"Go"},{"key":"k","effect":"Go"}]}}"#,
        &[
            "metadata.taints[0].key: Invalid value: \"a b\"",
            "metadata.taints[0].value: Invalid value: \"c d\"",
            "metadata.taints[0].effect: Required value",
            "metadata.taints[1].effect: Unsupported value: \"Go\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"",
            "metadata.taints[2].effect: Unsupported value",
            r#"metadata.taints[2]: Duplicate value: {"Key":"k","Value":"","Effect":"Go","TimeAdded":null}: taints must be unique by key and effect pair"#,
        ],
    );
    NODE.created(
        r#"{"spec":{"podCIDRs":["10.0.0.0/24","10.0.0.0/24"]}}"#,
        &[
            r#"spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.0.0/24"]: may specify no more than one CIDR for each IP family"#,
        ],
    );
    NODE.created(
        r#"{"spec":{"podCIDRs":["10.0.0.1/24"]}}"#,
        &["spec.podCIDRs[0]: Invalid value: \"10.0.0.1/24\": must not have bits set beyond the prefix length"],
    );
    NODE.created(
        r#"{"status":{"capacity":{"pods":"1500m"},"allocatable":{"cpu":"-1"}}}"#,
        &[
            "status.capacity.pods: Invalid value: \"1500m\": must be an integer",
            "status.allocatable.cpu: Invalid value: \"-1\": must be greater than or equal to 0",
        ],
    );
}

#[test]
fn annotations_of_a_node_say_what_fields_say_now() {
    let annotated = |key: &str, value: &str| {
        let value = serde_json::Value::from(value);
        format!(
            r#"{{"metadata":{{"annotations":{{"scheduler.alpha.kubernetes.io/{key}":{value}}}}}}}"#
        )
    };
    let check = |key: &str, value: &str, expected: &[&str]| {
        let patch = annotated(key, value);
        NODE.created(&patch, expected);
        NODE.updated_in("status", "{}", &patch, expected);
    };
    check("taints", "", &[]);
    check("taints", r#"[{"key":"k","effect":"NoSchedule"}]"#, &[]);
    check(
        "taints",
        "x",
        &["metadata.annotations: Invalid value: \"scheduler.alpha.kubernetes.io/taints\": "],
    );
    check(
        "taints",
        r#"[{"key":"k","effect":""}]"#,
        &["metadata.annotations.scheduler.alpha.kubernetes.io/taints[0].effect: Required value"],
    );
    let avoided = |owner: &str| {
        format!(r#"{{"preferAvoidPods":[{{"podSignature":{{"podController":{owner}}}}}]}}"#)
    };
    let owner = r#"{"apiVersion":"v1","kind":"ReplicationController","name":"r","uid":"u""#;
    check("preferAvoidPods", "", &[]);
    check(
        "preferAvoidPods",
        &avoided(&format!(r#"{owner},"controller":true}}"#)),
        &[],
    );
    check(
        "preferAvoidPods",
        "x",
        &[
            "metadata.annotations.AvoidPods: Invalid value: \"scheduler.alpha.kubernetes.io/preferAvoidPods\": ",
        ],
    );
    let at = "metadata.annotations.scheduler.alpha.kubernetes.io/preferAvoidPods[0].PodSignature";
    check(
        "preferAvoidPods",
        &avoided("null"),
        &[&format!("{at}: Required value")],
    );
    check(
        "preferAvoidPods",
        &avoided(&format!("{owner}}}")),
        &[&format!(
            "{at}.PodController.Controller: Invalid value: false: must point to a controller"
        )],
    );
}

#[test]
fn a_node_declares_features_in_order() {
    let status = |status: &str| format!(r#"{{"status":{status}}}"#);
    let good = status(r#"{"declaredFeatures":["A","A/b","B9/c/D"]}"#);
    NODE.created(&good, &[]);
    let bad = status(r#"{"declaredFeatures":["B","A","A","a","A/","A/9"]}"#);
    let unordered = "list must be sorted alphabetically";
    let odd = "must start with an UpperCamelCase segment, with subsequent segments";
    let texts = [
        format!("status.declaredFeatures[1]: Invalid value: \"A\": {unordered}"),
        "status.declaredFeatures[2]: Duplicate value: \"A\"".to_owned(),
        format!(
            "status.declaredFeatures[3]: Invalid value: \"a\": invalid feature name \"a\": {odd}"
        ),
        format!("status.declaredFeatures[4]: Invalid value: \"A/\": {unordered}"),
        format!(
            "status.declaredFeatures[4]: Invalid value: \"A/\": invalid feature name \"A/\": {odd}"
        ),
        format!(
            "status.declaredFeatures[5]: Invalid value: \"A/9\": invalid feature name \"A/9\": {odd}"
        ),
    ];
    let expected: Vec<&str> = texts.iter().map(String::as_str).collect();
    NODE.created(&bad, &expected);
    NODE.updated_in("status", "{}", &bad, &expected);
    NODE.created(
        &status(r#"{"nodeInfo":{"swap":{"capacity":0}}}"#),
        &["metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero"],
    );
}

#[test]
fn what_a_node_has_once_it_keeps() {
    NODE.updated("{}", "{}", &[]);
    let change =
        "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid";
    NODE.updated("{}", r#"{"spec":{"podCIDRs":["10.0.0.0/24"]}}"#, &[change]);
    NODE.created(
        r#"{"spec":{"podCIDRs":["x","10.0.0.0/24"]}}"#,
        &[
            "spec.podCIDRs[0]: Invalid value: \"x\": must be a valid CIDR value",
            "spec.podCIDRs: Internal error: invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[0]: <nil> (invalid CIDR address: x)",
            "spec.podCIDRs: Invalid value: [\"x\",\"10.0.0.0/24\"]: may specify no more than one CIDR for each IP family",
        ],
    );
    NODE.updated(
        "{}",
        r#"{"spec":{"podCIDRs":["10.0.1.0/24","2001:db8::/64"],"providerID":"q","externalID":"x"}}"#,
        &[
            "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid",
            "spec.providerID: Forbidden: node updates may not change providerID except from \"\" to valid",
            "spec.externalID: Forbidden: may not be updated",
        ],
    );
    NODE.updated_in(
        "status",
        "{}",
        r#"{"status":{"addresses":[{"type":"Hostname","address":"a"},{"type":"Hostname","address":"a"}],"config":{"assigned":{},"active":{"configMap":{"name":"A"}}}}}"#,
        &[
            r#"status.addresses[1]: Duplicate value: {"Type":"Hostname","Address":"a"}"#,
            r#"status.config.assigned: Invalid value: {"ConfigMap":null}: exactly one reference subfield must be non-nil"#,
            "status.config.active.configMap.uid: Required value: uid must be set in status",
            "status.config.active.configMap.resourceVersion: Required value: resourceVersion must be set in status",
            "status.config.active.configMap.namespace: Required value: namespace must be set",
            "status.config.active.configMap.name: Invalid value: \"A\"",
            "status.config.active.configMap.kubeletConfigKey: Required value: kubeletConfigKey must be set",
        ],
    );
    NODE.updated(
        "{}",
        r#"{"spec":{"configSource":{"configMap":{"namespace":"n","name":"m","kubeletConfigKey":"k","uid":"u"}}}}"#,
        &["spec.configSource.configMap.uid: Forbidden: uid must not be set in spec"],
    );
}

fn limit(item: &str) -> String {
    format!(r#"{{"spec":{{"limits":[{item}]}}}}"#)
}

#[test]
fn limits_have_known_types_and_resources() {
    LIMIT_RANGE.created("{}", &[]);
    LIMIT_RANGE.created(
        &limit(r#"{"type":"Odd"},{"type":"Odd"}"#),
        &[
            "spec.limits[0].type: Invalid value: \"Odd\": must be a standard limit type or fully qualified",
            "spec.limits[1].type: Invalid value: \"Odd\"",
            "spec.limits[1].type: Duplicate value: \"Odd\"",
        ],
    );
    LIMIT_RANGE.created(
        &limit(r#"{"type":"Container","max":{"magic":"1","storage":"1","requests.example.com/x":"1"}}"#),
        &[
            "spec.limits[0].max[magic]: Invalid value: \"magic\": must be a standard resource type or fully qualified",
            "spec.limits[0].max[magic]: Invalid value: \"magic\": must be a standard resource for containers",
            "spec.limits[0].max[requests.example.com/x]: Invalid value: \"requests.example.com/x\": doesn't follow extended resource name standard",
            "spec.limits[0].max[storage]: Invalid value: \"storage\": must be a standard resource for containers",
            "spec.limits[0].default[magic]: Invalid",
            "spec.limits[0].default[magic]: Invalid",
            "spec.limits[0].default[requests.example.com/x]: Invalid",
            "spec.limits[0].default[storage]: Invalid",
            "spec.limits[0].defaultRequest[magic]: Invalid",
            "spec.limits[0].defaultRequest[magic]: Invalid",
            "spec.limits[0].defaultRequest[requests.example.com/x]: Invalid",
            "spec.limits[0].defaultRequest[storage]: Invalid",
        ],
    );
    LIMIT_RANGE.created(
        &limit(r#"{"type":"Pod","default":{"cpu":"1"},"defaultRequest":{"cpu":"1"}}"#),
        &[
            "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
            "spec.limits[0].defaultRequest: Forbidden: may not be specified when `type` is 'Pod'",
        ],
    );
    let malformed = limit(r#"{"type":"a b"}"#);
    let said = ["spec.limits[0].type: Invalid value: \"a b\": name part"];
    LIMIT_RANGE.created(&malformed, &said);
    LIMIT_RANGE.updated("{}", &malformed, &said);
    LIMIT_RANGE.created(
        &limit(r#"{"type":"PersistentVolumeClaim"}"#),
        &["spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided"],
    );
}

#[test]
fn bounds_of_a_limit_fit_together() {
    LIMIT_RANGE.created(
        &limit(r#"{"type":"Container","min":{"cpu":"3"},"max":{"cpu":"1"},"default":{"cpu":"2"},"defaultRequest":{"cpu":"2500m"},"maxLimitRequestRatio":{"cpu":"500m"}}"#),
        &[
            "spec.limits[0].min[cpu]: Invalid value: \"3\": min value 3 is greater than max value 1",
            "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2500m\": min value 3 is greater than default request value 2500m",
            "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2500m\": default request value 2500m is greater than max value 1",
            "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2500m\": default request value 2500m is greater than default limit value 2",
            "spec.limits[0].default[cpu]: Invalid value: \"3\": min value 3 is greater than default value 2",
            "spec.limits[0].default[cpu]: Invalid value: \"1\": default value 2 is greater than max value 1",
            "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is less than 1",
            "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio 500m is greater than max/min = 0.333333",
        ],
    );
    LIMIT_RANGE.created(
        &limit(r#"{"type":"Container","default":{"example.com/gpu":"2"},"defaultRequest":{"example.com/gpu":"1"}}"#),
        &["spec.limits[0].defaultRequest[example.com/gpu]: Invalid value: \"1\": default value 2 must equal to defaultRequest value 1 in example.com/gpu"],
    );
}

#[test]
fn a_quota_limits_what_its_scopes_are_about() {
    RESOURCE_QUOTA.created("{}", &[]);
    RESOURCE_QUOTA.created(
        r#"{"spec":{"scopes":null,"hard":{"a b":"1","magic":"1","pods":"-1","services":"500m"}}}"#,
        &[
            "spec.hard[a b]: Invalid value: \"a b\": name part",
            "spec.hard[a b]: Invalid value: \"a b\": must be a standard resource for quota",
            "spec.hard[magic]: Invalid value: \"magic\": must be a standard resource type or fully qualified",
            "spec.hard[magic]: Invalid value: \"magic\": must be a standard resource for quota",
            "spec.hard[pods]: Invalid value: \"-1\": must be greater than or equal to 0",
            "spec.hard[services]: Invalid value: \"500m\": must be an integer",
        ],
    );
    RESOURCE_QUOTA.created(
        r#"{"spec":{"scopes":["Odd","BestEffort","NotBestEffort"],"hard":{"pods":"1","cpu":"1"}}}"#,
        &[
            r#"spec.scopes: Invalid value: ["Odd","BestEffort","NotBestEffort"]: unsupported scope"#,
            r#"spec.scopes: Invalid value: ["Odd","BestEffort","NotBestEffort"]: unsupported scope applied to resource"#,
            r#"spec.scopes: Invalid value: ["Odd","BestEffort","NotBestEffort"]: conflicting scopes"#,
        ],
    );
    RESOURCE_QUOTA.updated(
        "{}",
        r#"{"spec":{"scopes":["Terminating"]}}"#,
        &[r#"spec.scopes: Invalid value: ["Terminating"]: field is immutable"#],
    );
    RESOURCE_QUOTA.updated_in(
        "status",
        "{}",
        r#"{"status":{"hard":{"magic/x":"1","pods":"-1"},"used":{"odd":"1"}}}"#,
        &[
            "status.hard[pods]: Invalid value: \"-1\"",
            "status.used[odd]: Invalid value: \"odd\": must be a standard resource type or fully qualified",
            "status.used[odd]: Invalid value: \"odd\": must be a standard resource for quota",
        ],
    );
}

#[test]
fn a_quotas_selector_has_operators_that_go_with_its_scopes() {
    let selector = |items: &str| {
        format!(r#"{{"spec":{{"scopes":null,"scopeSelector":{{"matchExpressions":[{items}]}}}}}}"#)
    };
    RESOURCE_QUOTA.created(
        &selector(r#"{"scopeName":"PriorityClass","operator":"In","values":["high"]}"#),
        &[],
    );
    RESOURCE_QUOTA.created(
        &selector(
            r#"{"scopeName":"Odd","operator":"Near"},{"scopeName":"BestEffort","operator":"In"},{"scopeName":"NotBestEffort","operator":"Exists","values":["x"]}"#,
        ),
        &[
            "spec.scopeSelector.matchExpressions.scopeName: Invalid value: \"Odd\": unsupported scope",
            "spec.scopeSelector.matchExpressions.operator: Invalid value: \"Near\": not a valid selector operator",
            "spec.scopeSelector.matchExpressions.operator: Invalid value: \"In\": must be 'Exists' when scope is any of",
            "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            r#"spec.scopeSelector.matchExpressions.values: Invalid value: ["x"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"#,
            "spec.scopeSelector.matchExpressions: Invalid value: null: conflicting scopes",
        ],
    );
    RESOURCE_QUOTA.created(
        r#"{"spec":{"hard":{"services":"1"},"scopes":null,"scopeSelector":{"matchExpressions":[{"scopeName":"Terminating","operator":"Exists"}]}}}"#,
        &[r#"spec.scopeSelector.matchExpressions: Invalid value: {"MatchExpressions":[{"ScopeName":"Terminating","Operator":"Exists","Values":null}]}: unsupported scope applied to resource"#],
    );
}

#[test]
fn an_event_is_where_its_object_is() {
    EVENT.created("{}", &[]);
    EVENT.created(
        r#"{"involvedObject":{"namespace":"other"}}"#,
        &["involvedObject.namespace: Invalid value: \"other\": does not match event.namespace"],
    );
    EVENT.created(
        r#"{"involvedObject":null}"#,
        &["involvedObject.namespace: Invalid value: \"\": does not match event.namespace"],
    );
    EVENT.created(
        r#"{"metadata":{"namespace":"default"},"involvedObject":null}"#,
        &[],
    );
    let long = "x".repeat(129);
    EVENT.created(
        &format!(
            r#"{{"eventTime":"2026-01-01T00:00:00.000000Z","reportingInstance":"{long}","reason":"{long}","message":"{}"}}"#,
            "x".repeat(1025)
        ),
        &[
            "reportingComponent: Required value",
            "reportingComponent: Invalid value: \"\": name part must be non-empty",
            "reportingComponent: Invalid value: \"\": name part must consist",
            "reportingInstance: Invalid value: \"\": can have at most 128 characters",
            "action: Required value",
            "reason: Invalid value: \"\": can have at most 128 characters",
            "message: Invalid value: \"\": can have at most 1024 characters",
        ],
    );
}

#[test]
fn an_event_of_the_new_kind_has_nothing_of_the_old() {
    let errors = |patch: &str| -> Vec<String> {
        let errors = crate::validation::create_event(&EVENT.with(patch));
        errors.iter().map(ToString::to_string).collect()
    };
    let new = r#"{"eventTime":"2026-01-01T00:00:00.000000Z","type":"Normal","reportingComponent":"example.com/c","reportingInstance":"i","action":"a","reason":"r"}"#;
    assert!(errors(new).is_empty());
    assert_eq!(
        errors(
            r#"{"type":"Odd","firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:00:00Z","count":1,"source":{"host":"h"},"series":{"count":1}}"#
        ),
        [
            "series.count: Invalid value: \"\": should be at least 2",
            "series.lastObservedTime: Required value",
            "eventTime: Required value",
            "type: Invalid value: \"\": has invalid value: Odd",
            "firstTimestamp: Invalid value: \"\": needs to be unset",
            "lastTimestamp: Invalid value: \"\": needs to be unset",
            "count: Invalid value: \"\": needs to be unset",
            "source: Invalid value: \"\": needs to be unset",
        ]
    );
}

#[test]
fn only_the_series_of_an_event_goes_on() {
    let old = EVENT.with(r#"{"reason":"r","reportingInstance":"i"}"#);
    let new = EVENT.with(
        r#"{"reason":"s","message":"m","count":2,"type":"Normal","action":"a","related":{"name":"x"},"eventTime":null,"lastTimestamp":"2026-01-01T00:00:00Z","series":{"count":1}}"#,
    );
    let errors = crate::validation::update_event(&new, &old);
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "series.count",
            "series.lastObservedTime",
            "reason",
            "message",
            "lastTimestamp",
            "count",
            "reason",
            "type",
            "action",
            "related",
            "reportingInstance",
        ]
    );
}
