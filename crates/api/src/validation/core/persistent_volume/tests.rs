//! Every rule of volumes and claims is broken once.

use crate::validation::check::Good;

const VOLUME: Good = Good {
    group: "",
    version: "v1",
    kind: "PersistentVolume",
    object: r#"{"metadata":{"name":"a"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/x"}}}"#,
};

const CLAIM: Good = Good {
    group: "",
    version: "v1",
    kind: "PersistentVolumeClaim",
    object: r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}"#,
};

const ATTACHMENT: Good = Good {
    group: "storage.k8s.io",
    version: "v1",
    kind: "VolumeAttachment",
    object: r#"{"metadata":{"name":"a"},"spec":{"attacher":"example.com","nodeName":"n","source":{"inlineVolumeSpec":{"accessModes":["ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Retain","csi":{"driver":"example.com","volumeHandle":"h"}}}}}"#,
};

#[test]
fn a_volume_has_capacity_and_modes() {
    VOLUME.created("{}", &[]);
    VOLUME.created(
        r#"{"spec":{"capacity":null,"accessModes":null}}"#,
        &[
            "spec.accessModes: Required value",
            "spec.capacity: Required value",
            "spec.capacity: Unsupported value: null: supported values: \"storage\"",
        ],
    );
    VOLUME.created(
        r#"{"spec":{"capacity":{"storage":"-1","cpu":"1"},"accessModes":["Odd","ReadWriteOncePod","ReadOnlyMany"],"persistentVolumeReclaimPolicy":"Odd","volumeMode":"Odd"}}"#,
        &[
            "spec.accessModes: Unsupported value: \"Odd\": supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"",
            "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
            r#"spec.capacity: Unsupported value: {"cpu":"1","storage":"-1"}: supported values: "storage""#,
            "spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
            "spec.capacity[storage]: Invalid value: \"-1\": must be greater than zero",
            "spec.persistentVolumeReclaimPolicy: Unsupported value: \"Odd\"",
            "spec.volumeMode: Unsupported value: \"Odd\"",
        ],
    );
    VOLUME.created(
        r#"{"spec":{"storageClassName":"A","volumeAttributesClassName":"","hostPath":{"path":"/./"},"persistentVolumeReclaimPolicy":"Recycle"}}"#,
        &[
            "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
            "spec.storageClassName: Invalid value: \"A\"",
            "spec.volumeAttributesClassName: Required value: an empty string is disallowed",
            "spec.csi: Required value: has to be specified when using volumeAttributesClassName",
        ],
    );
}

/// A volume with another source.
fn source(json: &str) -> String {
    format!(r#"{{"spec":{{"hostPath":null,{json}}}}}"#)
}

#[test]
fn every_source_says_what_it_needs() {
    let cases: &[(&str, &[&str])] = &[
        (
            r#""hostPath":{"path":""}"#,
            &["spec.hostPath.path: Required value"],
        ),
        (
            r#""hostPath":{"path":"/../x","type":"Odd"}"#,
            &[
                "spec.hostPath.path: Invalid value: \"/../x\": must not contain '..'",
                "spec.hostPath.type: Unsupported value: \"Odd\"",
            ],
        ),
        (
            r#""gcePersistentDisk":{"pdName":"","partition":256}"#,
            &[
                "spec.persistentDisk.pdName: Required value",
                "spec.persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive",
            ],
        ),
        (
            r#""awsElasticBlockStore":{"volumeID":"","partition":-1}"#,
            &[
                "spec.awsElasticBlockStore.volumeID: Required value",
                "spec.awsElasticBlockStore.partition: Invalid value: -1",
            ],
        ),
        (
            r#""glusterfs":{"endpoints":"","path":"","endpointsNamespace":""}"#,
            &[
                "spec.glusterfs.endpoints: Required value",
                "spec.glusterfs.path: Required value",
                "spec.glusterfs.endpointsNamespace: Invalid value: \"\": if the endpointnamespace is set",
            ],
        ),
        (
            r#""flocker":{}"#,
            &["spec.flocker: Required value: one of datasetName and datasetUUID is required"],
        ),
        (
            r#""flocker":{"datasetName":"a/b","datasetUUID":"u"}"#,
            &[
                "spec.flocker: Invalid value: \"resource\": datasetName and datasetUUID",
                "spec.flocker.datasetName: Invalid value: \"a/b\": must not contain '/'",
            ],
        ),
        (
            r#""nfs":{"server":"","path":"x"}"#,
            &[
                "spec.nfs.server: Required value",
                "spec.nfs.path: Invalid value: \"x\": must be an absolute path",
            ],
        ),
        (
            r#""rbd":{"monitors":[],"image":""}"#,
            &[
                "spec.rbd.monitors: Required value",
                "spec.rbd.image: Required value",
            ],
        ),
        (
            r#""quobyte":{"registry":"a","volume":""}"#,
            &[
                "spec.quobyte.registry: Invalid value: \"a\": must be a host:port pair",
                "spec.quobyte.volume: Required value",
            ],
        ),
        (r#""quobyte":{"registry":"a:1,[::1]:2","volume":"v"}"#, &[]),
        (
            r#""cephfs":{"monitors":[]}"#,
            &["spec.cephfs.monitors: Required value"],
        ),
        (
            r#""iscsi":{"targetPortal":"","iqn":"odd","lun":256,"chapAuthSession":true,"initiatorName":"iqn.x"}"#,
            &[
                "spec.iscsi.targetPortal: Required value",
                "spec.iscsi.iqn: Invalid value: \"odd\": must be valid format",
                "spec.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive",
                "spec.iscsi.secretRef: Required value",
                "spec.iscsi.initiatorname: Invalid value: \"iqn.x\": must be valid format",
            ],
        ),
        (
            r#""iscsi":{"targetPortal":"p","iqn":"iqn.2001-04.com.example:storage","lun":1}"#,
            &[],
        ),
        (
            r#""iscsi":{"targetPortal":"p","iqn":"eui.0123456789abcdef","lun":1}"#,
            &[],
        ),
        (
            r#""iscsi":{"targetPortal":"p","iqn":"naa.1","lun":1}"#,
            &["spec.iscsi.iqn: Invalid value"],
        ),
        (
            r#""iscsi":{"targetPortal":"ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp","iqn":"","lun":1,"secretRef":{},"initiatorName":"x"}"#,
            &[
                "spec.iscsi.targetportal: Invalid value: \"ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp\": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters",
                "spec.iscsi.iqn: Required value",
                "spec.iscsi.secretRef.name: Required value",
                // Not a word of what names begin with, as pods have it.
                "spec.iscsi.initiatorname: Invalid value: \"x\": must be valid format",
            ],
        ),
        (
            r#""glusterfs":{"endpoints":"e","path":"p","endpointsNamespace":"N"}"#,
            &[
                "spec.glusterfs.endpointsNamespace: Invalid value: \"N\": a lowercase RFC 1123 label",
            ],
        ),
        (
            r#""quobyte":{"registry":"[::1:1","volume":"v"}"#,
            &["spec.quobyte.registry: Invalid value: \"[::1:1\": must be a host:port pair"],
        ),
        (
            r#""fc":{"targetWWNs":["a"],"lun":256}"#,
            &["spec.fc.lun: Invalid value: 256: must be between 0 and 255, inclusive"],
        ),
        (
            r#""storageos":{}"#,
            &["spec.storageos.volumeName: Required value"],
        ),
        (
            r#""nfs":{"server":"s","path":"/"},"local":{"path":"/a"}"#,
            &["spec.local: Forbidden: may not specify more than 1 volume type"],
        ),
        (
            r#""cinder":{"volumeID":"","secretRef":{}}"#,
            &[
                "spec.cinder.volumeID: Required value",
                "spec.cinder.secretRef.name: Required value",
                "spec.cinder.secretRef.namespace: Required value",
            ],
        ),
        (
            r#""fc":{}"#,
            &["spec.fc.targetWWNs: Required value: must specify either"],
        ),
        (
            r#""fc":{"targetWWNs":["a"],"wwids":["b"]}"#,
            &[
                r#"spec.fc.targetWWNs: Invalid value: ["a"]: targetWWNs and wwids can not"#,
                "spec.fc.lun: Required value: lun is required",
            ],
        ),
        (
            r#""flexVolume":{"driver":"","options":{"x.kubernetes.io/a":"b"}}"#,
            &[
                "spec.flexVolume.driver: Required value",
                "spec.flexVolume.options[x.kubernetes.io/a]: Invalid value",
            ],
        ),
        (
            r#""azureFile":{"secretName":"","shareName":"","secretNamespace":""}"#,
            &[
                "spec.azureFile.secretName: Required value",
                "spec.azureFile.shareName: Required value",
                "spec.azureFile.secretNamespace: Required value",
            ],
        ),
        (
            r#""vsphereVolume":{"volumePath":""}"#,
            &["spec.vsphereVolume.volumePath: Required value"],
        ),
        (
            r#""photonPersistentDisk":{"pdID":""}"#,
            &["spec.photonPersistentDisk.pdID: Required value"],
        ),
        (
            r#""portworxVolume":{"volumeID":""}"#,
            &["spec.portworxVolume.volumeID: Required value"],
        ),
        (
            r#""azureDisk":{"diskName":"","diskURI":"x","cachingMode":"Odd","kind":"Managed"}"#,
            &[
                "spec.azureDisk.diskName: Required value",
                "spec.azureDisk.cachingMode: Unsupported value: \"Odd\": supported values: \"None\", \"ReadOnly\", \"ReadWrite\"",
                "spec.azureDisk.diskURI: Unsupported value: \"x\": supported values: \"/subscriptions/",
            ],
        ),
        (
            r#""scaleIO":{"gateway":"","system":"","volumeName":""}"#,
            &[
                "spec.scaleIO.gateway: Required value",
                "spec.scaleIO.system: Required value",
                "spec.scaleIO.volumeName: Required value",
            ],
        ),
        (
            r#""local":{"path":"a/../b"}"#,
            &[
                "spec.local.path: Invalid value: \"a/../b\": must not contain '..'",
                "spec.nodeAffinity: Required value: Local volume requires node affinity",
            ],
        ),
        (
            r#""storageos":{"volumeName":"A","volumeNamespace":"B","secretRef":{}}"#,
            &[
                "spec.storageos.volumeName: Invalid value: \"A\"",
                "spec.storageos.volumeNamespace: Invalid value: \"B\"",
                "spec.storageos.secretRef.name: Required value",
                "spec.storageos.secretRef.namespace: Required value",
            ],
        ),
        (
            r#""csi":{"driver":"","volumeHandle":"","nodePublishSecretRef":{"name":"A"}}"#,
            &[
                "spec.csi.driver: Required value",
                "spec.csi.volumeHandle: Required value",
                "spec.csi.nodePublishSecretRef.name: Invalid value: \"A\"",
                "spec.csi.nodePublishSecretRef.namespace: Required value",
            ],
        ),
        (
            r#""nfs":{"server":"s","path":"/"},"cephfs":{"monitors":["m"]}"#,
            &["spec.cephFS: Forbidden: may not specify more than 1 volume type"],
        ),
        (
            r#""csi":null"#,
            &["spec: Required value: must specify a volume type"],
        ),
    ];
    for (json, expected) in cases {
        VOLUME.created(&source(json), expected);
    }
}

#[test]
fn affinity_to_nodes_is_a_selector() {
    let affinity = |json: &str| format!(r#"{{"spec":{{"nodeAffinity":{json}}}}}"#);
    VOLUME.created(
        &affinity("{}"),
        &["spec.nodeAffinity.required: Required value: must specify required node constraints"],
    );
    VOLUME.created(
        &affinity(r#"{"required":{"nodeSelectorTerms":[]}}"#),
        &["spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at least one node selector term"],
    );
    VOLUME.created(
        &affinity(
            r#"{"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a b","operator":"In"},{"key":"k","operator":"Exists","values":["v"]},{"key":"k","operator":"Gt","values":["1","2"]},{"key":"k","operator":"Odd","values":["a b"]}],"matchFields":[{"key":"metadata.uid","operator":"Gt"},{"key":"metadata.name","operator":"In","values":["A"]},{"key":"metadata.name","operator":"In"}]}]}}"#,
        ),
        &[
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values: Required value",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: Invalid value: \"a b\"",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[1].values: Forbidden",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[2].values: Required value: must be specified single value",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[3].operator: Invalid value: \"Odd\": not a valid selector operator",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[3].values[0]: Invalid value: \"a b\"",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[0].operator: Invalid value: \"Gt\"",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[0].key: Invalid value: \"metadata.uid\": not a valid field selector key",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[1].values[0]: Invalid value: \"A\"",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[2].values: Required value: must be only one value",
        ],
    );
}

#[test]
fn a_volume_stays_where_it_is() {
    let with_labels = |key: &str| {
        format!(
            r#"{{"spec":{{"nodeAffinity":{{"required":{{"nodeSelectorTerms":[{{"matchExpressions":[{{"key":"{key}","operator":"In","values":["a"]}}]}}]}}}}}}}}"#
        )
    };
    VOLUME.updated("{}", &with_labels("k"), &[]);
    VOLUME.updated(
        &with_labels("beta.kubernetes.io/arch"),
        &with_labels("kubernetes.io/arch"),
        &[],
    );
    VOLUME.updated(
        &with_labels("k"),
        &with_labels("l"),
        &[r#"nodeAffinity: Invalid value: {"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"l","Operator":"In","Values":["a"]}],"MatchFields":null}]}}: field is immutable, except for updating from beta label to GA"#],
    );
    let classed = |class: &str| {
        source(&format!(
            r#""csi":{{"driver":"example.com","volumeHandle":"h"}},"volumeAttributesClassName":{class}"#
        ))
    };
    VOLUME.updated(&classed("\"a\""), &classed("\"b\""), &[]);
    VOLUME.updated(
        &classed("\"a\""),
        &classed("null"),
        &["spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden"],
    );
    VOLUME.updated(
        "{}",
        r#"{"spec":{"volumeMode":"Block","hostPath":{"path":"/y"}}}"#,
        &[
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n@@ -2,7 +2,7 @@\n  \"GCEPersistentDisk\": null,\n  \"AWSElasticBlockStore\": null,\n  \"HostPath\": {\n-  \"Path\": \"/x\",\n+  \"Path\": \"/y\",\n",
            "volumeMode: Invalid value: \"Block\": field is immutable",
        ],
    );
    let csi = |more: &str| {
        source(&format!(
            r#""csi":{{"driver":"example.com","volumeHandle":"h"{more}}}"#
        ))
    };
    let secret = r#","controllerExpandSecretRef":{"name":"s","namespace":"n"}"#;
    VOLUME.updated(&csi(""), &csi(secret), &[]);
    VOLUME.updated(
        &csi(secret),
        &csi(""),
        &["spec.persistentvolumesource: Forbidden"],
    );
}

#[test]
fn a_claim_asks_for_storage() {
    CLAIM.created("{}", &[]);
    CLAIM.created(
        r#"{"spec":{"accessModes":null,"resources":null,"selector":{"matchLabels":{"a":"b c"}},"storageClassName":"A","volumeMode":"Odd","volumeAttributesClassName":"B"}}"#,
        &[
            "spec.accessModes: Required value: at least 1 access mode is required",
            "spec.selector.matchLabels: Invalid value: \"b c\"",
            "spec.resources[storage]: Required value",
            "spec.storageClassName: Invalid value: \"A\"",
            "spec.volumeMode: Unsupported value: \"Odd\": supported values: \"Block\", \"Filesystem\"",
            "spec.volumeAttributesClassName: Invalid value: \"B\"",
        ],
    );
    CLAIM.created(
        r#"{"spec":{"dataSource":{"apiGroup":"A","kind":"","name":""},"dataSourceRef":{"kind":"Odd","name":"n","namespace":"N"}}}"#,
        &[
            "spec.dataSource.name: Required value",
            "spec.dataSource.kind: Required value",
            "spec.dataSource.apiGroup: Invalid value: \"A\"",
            "spec.dataSourceRef: Invalid value: \"Odd\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
            "spec.dataSourceRef.namespace: Invalid value: \"N\"",
            "spec: Invalid value: {}: may not be specified when dataSourceRef.namespace is specified",
        ],
    );
    CLAIM.created(
        r#"{"spec":{"dataSource":{"kind":"PersistentVolumeClaim","name":"a"},"dataSourceRef":{"kind":"PersistentVolumeClaim","name":"b"}}}"#,
        &["spec: Invalid value: {}: must match dataSourceRef"],
    );
}

#[test]
fn a_claim_changes_only_where_it_may() {
    CLAIM.updated_in(
        "status",
        "{}",
        r#"{"spec":{"accessModes":null}}"#,
        &["Spec.accessModes: Required value"],
    );
    let bound = r#""status":{"phase":"Bound","capacity":{"storage":"1Gi"}}"#;
    let sized = |size: &str| {
        format!(r#"{{"spec":{{"resources":{{"requests":{{"storage":"{size}"}}}}}},{bound}}}"#)
    };
    CLAIM.updated(
        "{}",
        r#"{"spec":{"volumeName":"v","storageClassName":"c"}}"#,
        &[],
    );
    CLAIM.updated(&sized("1Gi"), &sized("2Gi"), &[]);
    CLAIM.updated(&sized("3Gi"), &sized("2Gi"), &[]);
    CLAIM.updated(
        &sized("2Gi"),
        &sized("1Gi"),
        &["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"],
    );
    CLAIM.updated(
        "{}",
        r#"{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}"#,
        &["spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n@@ -6,7 +6,7 @@\n  \"Resources\": {\n   \"Limits\": null,\n   \"Requests\": {\n-   \"storage\": \"1Gi\"\n+   \"storage\": \"2Gi\"\n"],
    );
    CLAIM.updated(
        r#"{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"c"}}}"#,
        r#"{"spec":{"storageClassName":"c"}}"#,
        &[],
    );
    CLAIM.updated(
        r#"{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"c"}}}"#,
        r#"{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"d"}}}"#,
        &["metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: \"d\": field is immutable"],
    );
    let classed =
        |class: &str| format!(r#"{{"spec":{{"volumeAttributesClassName":{class}}},{bound}}}"#);
    CLAIM.updated(&classed("\"a\""), &classed("\"b\""), &[]);
    // Until a volume has got it, a class can be given up.
    CLAIM.updated(&classed("\"a\""), &classed("null"), &[]);
    let applied = classed("\"a\"").replace(
        "Bound\"",
        "Bound\",\"currentVolumeAttributesClassName\":\"a\"",
    );
    CLAIM.updated(
        &applied,
        &classed("null"),
        &["spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when status.currentVolumeAttributesClassName is not nil"],
    );
    CLAIM.updated(
        &applied,
        &classed("\"\""),
        &["spec.volumeAttributesClassName: Forbidden: update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil"],
    );
    CLAIM.updated(
        "{}",
        r#"{"spec":{"volumeMode":"Block"}}"#,
        &[
            "spec: Forbidden",
            "volumeMode: Invalid value: \"Block\": field is immutable",
        ],
    );
}

#[test]
fn a_claims_status_speaks_of_storage() {
    CLAIM.updated_in(
        "status",
        "{}",
        r#"{"status":{"capacity":{"storage":"-1"},"allocatedResourceStatuses":{"storage":"Odd","cpu":"NodeResizePending"},"allocatedResources":{"storage":"-2","a b":"1"}}}"#,
        &[
            "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
            "status.allocatedResourceStatuses: Unsupported value: \"cpu\": supported values: \"storage\"",
            "status.allocatedResourceStatuses: Unsupported value: \"storage\": supported values: \"ControllerResizeInProgress\", \"ControllerResizeInfeasible\", \"NodeResizeInProgress\", \"NodeResizeInfeasible\", \"NodeResizePending\"",
            "status.allocatedResources: Invalid value: \"a b\"",
            "status.allocatedResources[storage]: Invalid value: -2: must be a valid resource quantity",
        ],
    );
}

#[test]
fn an_inline_volume_is_little_more_than_its_source() {
    ATTACHMENT.created("{}", &[]);
    ATTACHMENT.created(
        r#"{"spec":{"source":{"inlineVolumeSpec":{"capacity":{"storage":"1"},"claimRef":{},"csi":null,"persistentVolumeReclaimPolicy":"Delete","nodeAffinity":{},"storageClassName":"c","volumeMode":"Block","nfs":{"server":"s","path":"/"}}}}}"#,
        &[
            "spec.source.inlineVolumeSpec.claimRef: Forbidden: may not be specified in the context of inline volumes",
            "spec.source.inlineVolumeSpec.capacity: Forbidden",
            "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes",
            "spec.source.inlineVolumeSpec.persistentVolumeReclaimPolicy: Forbidden: may only be Retain in the context of inline volumes",
            "spec.source.inlineVolumeSpec.nodeAffinity: Forbidden",
            "spec.source.inlineVolumeSpec.storageClassName: Forbidden",
            "spec.source.inlineVolumeSpec.volumeMode: Forbidden: may not specify volumeMode other than Filesystem in the context of inline volumes",
        ],
    );
}
