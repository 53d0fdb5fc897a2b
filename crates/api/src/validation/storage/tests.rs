//! Every rule of storage is broken once; inline volumes are with persistent volumes.

use crate::validation::check::Good;

const fn good(kind: &'static str, object: &'static str) -> Good {
    Good {
        group: "storage.k8s.io",
        version: "v1",
        kind,
        object,
    }
}

const CLASS: Good = good(
    "StorageClass",
    r#"{"metadata":{"name":"a"},"provisioner":"example.com/P","parameters":{"a":"b"},"allowedTopologies":[{"matchLabelExpressions":[{"key":"k","values":["v"]}]}]}"#,
);
const ATTRIBUTES: Good = good(
    "VolumeAttributesClass",
    r#"{"metadata":{"name":"a"},"driverName":"example.com","parameters":{"a":"b"}}"#,
);
const ATTACHMENT: Good = good(
    "VolumeAttachment",
    r#"{"metadata":{"name":"a"},"spec":{"attacher":"example.com","nodeName":"n","source":{"persistentVolumeName":"v"}}}"#,
);
const DRIVER: Good = good("CSIDriver", r#"{"metadata":{"name":"a"},"spec":{}}"#);
const NODE: Good = good(
    "CSINode",
    r#"{"metadata":{"name":"a"},"spec":{"drivers":[{"name":"d","nodeID":"i","topologyKeys":["k"],"allocatable":{"count":1}}]}}"#,
);
const CAPACITY: Good = good(
    "CSIStorageCapacity",
    r#"{"metadata":{"name":"a","namespace":"n"},"storageClassName":"c","capacity":"1Gi","nodeTopology":{"matchLabels":{"a":"b"}}}"#,
);

#[test]
fn a_class_says_who_makes_volumes_and_how() {
    CLASS.created("{}", &[]);
    CLASS.created(
        r#"{"provisioner":"","parameters":{"":"x"},"reclaimPolicy":"Recycle","volumeBindingMode":"Odd","allowedTopologies":[{"matchLabelExpressions":[{"key":"a b"},{"key":"k","values":["x","x"]},{"key":"k","values":["y"]}]}]}"#,
        &[
            "provisioner: Required value",
            "parameters: Invalid value: \"\": field can not be empty.",
            "reclaimPolicy: Unsupported value: \"Recycle\": supported values: \"Delete\", \"Retain\"",
            "volumeBindingMode: Unsupported value: \"Odd\": supported values: \"Immediate\", \"WaitForFirstConsumer\"",
            "allowedTopologies[0].matchLabelExpressions[0].values: Required value",
            "allowedTopologies[0].matchLabelExpressions[0].key: Invalid value: \"a b\"",
            "allowedTopologies[0].matchLabelExpressions[1].values[1]: Duplicate value: \"x\"",
            "allowedTopologies[0].matchLabelExpressions[2].key: Duplicate value: \"k\"",
        ],
    );
    CLASS.created(
        r#"{"provisioner":"A B"}"#,
        &["provisioner: Invalid value: \"a b\": name part"],
    );
    CLASS.created(
        r#"{"allowedTopologies":[{"matchLabelExpressions":[{"key":"k","values":["v"]}]},{"matchLabelExpressions":[{"key":"k","values":["v"]}]}]}"#,
        &["allowedTopologies[1].matchLabelExpressions: Duplicate value: \"\""],
    );
    let many: Vec<String> = (0..513)
        .map(|number| format!("\"k{number}\":\"\""))
        .collect();
    CLASS.created(
        &format!(r#"{{"parameters":{{{}}}}}"#, many.join(",")),
        &["parameters: Too long: may not be more than 512 bytes"],
    );
    CLASS.created(
        &format!(r#"{{"parameters":{{"k":"{}"}}}}"#, "x".repeat(256 << 10)),
        &["parameters: Too long: may not be more than 262144 bytes"],
    );
}

#[test]
fn a_class_stays_what_it_is() {
    CLASS.updated("{}", r#"{"allowVolumeExpansion":true}"#, &[]);
    CLASS.updated(
        "{}",
        r#"{"parameters":null,"provisioner":"p","reclaimPolicy":"Retain","volumeBindingMode":"WaitForFirstConsumer"}"#,
        &[
            "parameters: Invalid value: null: field is immutable",
            "provisioner: Invalid value: \"p\": field is immutable",
            "reclaimPolicy: Invalid value: \"Retain\": field is immutable",
            "volumeBindingMode: Invalid value: \"WaitForFirstConsumer\": field is immutable",
        ],
    );
    ATTRIBUTES.created(
        r#"{"driverName":"","parameters":null}"#,
        &[
            "driverName: Required value",
            "parameters: Required value: must contain at least one key/value pair",
        ],
    );
    ATTRIBUTES.updated(
        "{}",
        r#"{"driverName":"other","parameters":{"a":"c"}}"#,
        &[
            "driverName: Forbidden: updates to driverName are forbidden.",
            "parameters: Forbidden: updates to parameters are forbidden.",
        ],
    );
}

#[test]
fn an_attachment_names_a_volume_a_node_and_who_attaches() {
    ATTACHMENT.created("{}", &[]);
    ATTACHMENT.created(
        r#"{"spec":{"attacher":"","nodeName":"A","source":{"persistentVolumeName":"B"}}}"#,
        &[
            "spec.attacher: Required value",
            "spec.nodeName: Invalid value: \"A\"",
            "spec.attacher: Required value",
            "spec.source.persistentVolumeName: Invalid value: \"B\"",
        ],
    );
    let one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    ATTACHMENT.created(
        r#"{"spec":{"source":{"persistentVolumeName":null}}}"#,
        &[&format!("spec.source: Required value: {one}")],
    );
    ATTACHMENT.created(
        r#"{"spec":{"source":{"inlineVolumeSpec":{}}}}"#,
        &[&format!("spec.source: Forbidden: {one}")],
    );
    ATTACHMENT.created(
        r#"{"spec":{"source":{"persistentVolumeName":""}}}"#,
        &[
            "spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName",
            "spec.source.persistentVolumeName: Invalid value: \"\"",
        ],
    );
    ATTACHMENT.updated(
        "{}",
        r#"{"spec":{"nodeName":"m"}}"#,
        &[r#"spec: Invalid value: {"Attacher":"example.com","Source":{"PersistentVolumeName":"v","InlineVolumeSpec":null},"NodeName":"m"}: field is immutable"#],
    );
    let long = "x".repeat(1025);
    ATTACHMENT.updated_in(
        "status",
        "{}",
        &format!(
            r#"{{"status":{{"attachmentMetadata":{{"k":"{}"}},"attachError":{{"message":"{long}"}},"detachError":{{"errorCode":-1}}}}}}"#,
            "x".repeat(256 << 10)
        ),
        &[
            "status.attachmentMetadata: Too long: may not be more than 262144 bytes",
            "status.attachError.message: Too long",
            "status.detachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            "status.attachmentMetadata: Too long: may not be more than 262144 bytes",
            "status.attachError.message: Too long",
            "status.detachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
        ],
    );
}

#[test]
fn a_driver_says_what_it_can_do() {
    DRIVER.created("{}", &[]);
    DRIVER.created(
        r#"{"spec":{"fsGroupPolicy":"Odd","tokenRequests":[{"audience":"a","expirationSeconds":5},{"audience":"a"},{"audience":"b","expirationSeconds":4294967297}],"volumeLifecycleModes":["Odd"],"nodeAllocatableUpdatePeriodSeconds":9}}"#,
        &[
            "spec.fsGroupPolicy: Unsupported value: \"Odd\": supported values: \"File\", \"None\", \"ReadWriteOnceWithFSType\"",
            "spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
            "spec.tokenRequests[1].audience: Duplicate value: \"a\"",
            "spec.tokenRequests[2].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds",
            "spec.volumeLifecycleModes: Unsupported value: \"Odd\": supported values: \"Persistent\", \"Ephemeral\"",
            "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds",
        ],
    );
    DRIVER.created(
        r#"{"spec":{"serviceAccountTokenInSecrets":true}}"#,
        &["spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified"],
    );
    DRIVER.updated(
        "{}",
        r#"{"spec":{"attachRequired":false,"volumeLifecycleModes":["Ephemeral"]}}"#,
        &[
            "spec.attachedRequired: Invalid value: false: field is immutable",
            "spec.volumeLifecycleModes: Invalid value: [\"Ephemeral\"]: field is immutable",
        ],
    );
}

#[test]
fn a_node_lists_each_driver_once() {
    NODE.created("{}", &[]);
    NODE.created(
        r#"{"spec":{"drivers":[{"name":"","nodeID":"","topologyKeys":["","k","k"],"allocatable":{"count":-1}},{"name":"d","nodeID":"i"},{"name":"d","nodeID":"i"}]}}"#,
        &[
            "spec.drivers[0].name: Required value",
            "spec.drivers[0].nodeID: Required value",
            "spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
            "spec.drivers[0]: Required value",
            "spec.drivers[0]: Invalid value: \"\": name part must be non-empty",
            "spec.drivers[0]: Invalid value: \"\": name part must consist",
            "spec.drivers[0]: Duplicate value: \"k\"",
            "spec.drivers[2].name: Duplicate value: \"d\"",
        ],
    );
    let long = "x".repeat(257);
    NODE.created(
        &format!(
            r#"{{"spec":{{"drivers":[{{"name":"{}","nodeID":"{long}"}}]}}}}"#,
            "n".repeat(64)
        ),
        &[
            "spec.drivers[0].name: Too long: may not be more than 63 bytes",
            &format!(
                "spec.drivers[0].nodeID: Invalid value: \"{long}\": must be 256 characters or less"
            ),
        ],
    );
    NODE.updated(
        "{}",
        r#"{"spec":{"drivers":[{"name":"d","nodeID":"i","topologyKeys":["k"],"allocatable":{"count":2}}]}}"#,
        &[],
    );
    NODE.updated(
        "{}",
        r#"{"spec":{"drivers":[{"name":"d","nodeID":"i","topologyKeys":["k"]},{"name":"e","nodeID":""}]}}"#,
        &[
            "spec.drivers[1].nodeID: Required value",
            "spec.drivers[1].nodeID: Required value",
        ],
    );
    NODE.updated(
        "{}",
        r#"{"spec":{"drivers":[{"name":"d","nodeID":"j"}]}}"#,
        &[r#"spec.drivers: Invalid value: {"Name":"d","NodeID":"j","TopologyKeys":null,"Allocatable":null}: field is immutable"#],
    );
}

#[test]
fn capacity_is_that_of_a_class_somewhere() {
    CAPACITY.created("{}", &[]);
    CAPACITY.created(
        r#"{"storageClassName":"A","capacity":"-1","nodeTopology":{"matchExpressions":[{"key":"k","operator":"Near"}]}}"#,
        &[
            "nodeTopology.matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator",
            "storageClassName: Invalid value: \"A\"",
            "capacity: Invalid value: \"-1\": must be greater than or equal to 0",
        ],
    );
    CAPACITY.updated("{}", r#"{"capacity":"2Gi"}"#, &[]);
    CAPACITY.updated(
        "{}",
        r#"{"storageClassName":"d","nodeTopology":null}"#,
        &[
            "nodeTopology: Invalid value: null: field is immutable",
            "storageClassName: Invalid value: \"d\": field is immutable",
        ],
    );
}
