//! Sources of volumes and of variables in detail, and what containers use of them.

use super::{POD, check_each, container, spec};

#[test]
fn variables_tell_what_pods_and_containers_have() {
    let from = |json: &str| container(&format!(r#""env":[{{"name":"a","valueFrom":{json}}}]"#));
    let at = "spec.containers[0].env[0].valueFrom";
    let divided = |resource: &str, divisor: &str| {
        from(&format!(
            r#"{{"resourceFieldRef":{{"resource":"{resource}","divisor":"{divisor}"}}}}"#
        ))
    };
    let cases: &[(&str, &[&str])] = &[
        (
            r#"{"fieldRef":{"fieldPath":""}}"#,
            &["@.fieldRef.fieldPath: Required value"],
        ),
        (
            r#"{"fieldRef":{"apiVersion":"v2","fieldPath":"metadata.name"}}"#,
            &[
                "@.fieldRef.fieldPath: Invalid value: \"metadata.name\": error converting fieldPath: unsupported pod version: v2",
            ],
        ),
        (
            r#"{"fieldRef":{"fieldPath":"metadata.labels"}}"#,
            &[
                "@.fieldRef.fieldPath: Unsupported value: \"metadata.labels\": supported values: \"metadata.name\", \"metadata.namespace\", \"metadata.uid\", \"spec.nodeName\"",
            ],
        ),
        (
            r#"{"fieldRef":{"fieldPath":"spec.x['a']"}}"#,
            &[
                "@.fieldRef.fieldPath: Invalid value: \"spec.x['a']\": error converting fieldPath: field label does not support subscript: spec.x['a']",
            ],
        ),
        (
            r#"{"fieldRef":{"fieldPath":"metadata.labels['A b']"}}"#,
            &["@.fieldRef: Invalid value: \"A b\": name part must consist"],
        ),
        (
            r#"{"fieldRef":{"fieldPath":"metadata.annotations['A b']"}}"#,
            &["@.fieldRef: Invalid value: \"a b\": name part must consist"],
        ),
        (r#"{"fieldRef":{"fieldPath":"spec.host"}}"#, &[]),
        (
            r#"{"resourceFieldRef":{"resource":""}}"#,
            &["@.resourceFieldRef.resource: Required value"],
        ),
        (
            r#"{"fieldRef":{"fieldPath":"metadata.name"},"secretKeyRef":{"name":"s","key":"k"}}"#,
            &["@: Invalid value: \"\": may not have more than one field specified at a time"],
        ),
        (
            r#"{"fileKeyRef":{"key":"","volumeName":"","path":""}}"#,
            &[
                "@.fileKeyRef.key: Required value",
                "@.fileKeyRef.volumeName: Required value",
                "@.fileKeyRef.path: Required value",
                "@.fileKeyRef.volumeName: Not found: \"\"",
            ],
        ),
        (
            r#"{"fileKeyRef":{"key":"a=b","volumeName":"A","path":"a/../b"}}"#,
            &[
                "@.fileKeyRef.key: Invalid value: \"a=b\": a valid environment variable name",
                "@.fileKeyRef.volumeName: Invalid value: \"A\": a lowercase RFC 1123 label",
                "@.fileKeyRef.path: Invalid value: \"a/../b\": must not contain '..'",
                "@.fileKeyRef.volumeName: Not found: \"A\"",
            ],
        ),
    ];
    for (json, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|it| it.replacen('@', at, 1)).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        POD.created(&from(json), &expected);
    }
    for (resource, good, what) in [
        ("limits.cpu", "1m", "1m and 1 are supported with the cpu"),
        ("requests.memory", "1Ki", "are supported with the memory"),
        (
            "limits.ephemeral-storage",
            "1k",
            "are supported with the local ephemeral storage",
        ),
        (
            "requests.hugepages-2Mi",
            "1",
            "are supported with the hugepages",
        ),
    ] {
        POD.created(&divided(resource, good), &[]);
        POD.created(&divided(resource, "0"), &[]);
        let all = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei ";
        let all = if resource == "limits.cpu" { "" } else { all };
        let said = format!(
            "{at}.resourceFieldRef.divisor: Invalid value: \"{resource}\": only divisor's values {all}{what} resource"
        );
        POD.created(&divided(resource, "3"), &[&said]);
    }
    POD.created(
        &container(r#""envFrom":[{"secretRef":{"name":"A"}}]"#),
        &["spec.containers[0].envFrom[0].secretRef.name: Invalid value: \"A\""],
    );
    let file = r#"{"name":"c","image":"i","env":[{"name":"a","valueFrom":{"fileKeyRef":{"key":"k","volumeName":"v","path":"p"}}}]}"#;
    let volume = |source: &str| {
        spec(&format!(
            r#""containers":[{file}],"volumes":[{{"name":"v",{source}}}]"#
        ))
    };
    POD.created(&volume(r#""emptyDir":{}"#), &[]);
    POD.created(
        &volume(r#""hostPath":{"path":"/"}"#),
        &["spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: \"v\": referenced volume must be of type emptyDir"],
    );
}

/// A container with these fields and with volumes: `e` is an `emptyDir`, `p` and `q` are claims.
fn using(fields: &str) -> String {
    spec(&format!(
        r#""containers":[{{"name":"c","image":"i",{fields}}}],"volumes":[{{"name":"e","emptyDir":{{}}}},{{"name":"p","persistentVolumeClaim":{{"claimName":"p"}}}},{{"name":"q","persistentVolumeClaim":{{"claimName":"q"}}}}]"#
    ))
}

#[test]
fn mounts_and_devices_do_not_meet() {
    check_each(
        using,
        "spec.containers[0].volume",
        &[
            (
                r#""volumeMounts":[{"name":"","mountPath":"/a"}]"#,
                &[
                    "@Mounts[0].name: Required value",
                    "@Mounts[0].name: Not found: \"\"",
                ],
            ),
            (
                r#""volumeMounts":[{"name":"p","mountPath":"/a"}],"volumeDevices":[{"name":"p","devicePath":"/a"}]"#,
                &[
                    "@Mounts[0].name: Invalid value: \"p\": must not already exist in volumeDevices",
                    "@Mounts[0].mountPath: Invalid value: \"/a\": must not already exist as a path in volumeDevices",
                    "@Devices[0].name: Invalid value: \"p\": must not already exist in volumeMounts",
                    "@Devices[0].devicePath: Invalid value: \"/a\": must not already exist as a path in volumeMounts",
                ],
            ),
            (
                r#""volumeMounts":[{"name":"e","mountPath":"/a","subPathExpr":"/../x","mountPropagation":"Odd"}]"#,
                &[
                    "@Mounts.subPathExpr: Invalid value: \"/../x\": must be a relative path",
                    "@Mounts.subPathExpr: Invalid value: \"/../x\": must not contain '..'",
                    "@Mounts.mountPropagation: Unsupported value: \"Odd\": supported values: \"Bidirectional\", \"HostToContainer\", \"None\"",
                ],
            ),
            (
                r#""volumeMounts":[{"name":"e","mountPath":"/a","recursiveReadOnly":"Enabled","mountPropagation":"HostToContainer"}]"#,
                &[
                    "@Mounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
                    "@Mounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified",
                ],
            ),
            (
                r#""volumeMounts":[{"name":"e","mountPath":"/a","readOnly":true,"recursiveReadOnly":"IfPossible"}]"#,
                &[],
            ),
            (
                r#""volumeDevices":[{"name":"","devicePath":"/a"},{"name":"p","devicePath":"/d/../e"},{"name":"q","devicePath":"/a"}]"#,
                &[
                    "@Devices[0].name: Required value",
                    "@Devices[0].name: Not found: \"\"",
                    "@Devices[1].devicePath: Invalid value: \"/d/../e\": can not contain backsteps ('..')",
                    "@Devices[2].devicePath: Invalid value: \"/a\": must be unique",
                ],
            ),
        ],
    );
}

fn volume(source: &str) -> String {
    spec(&format!(
        r#""serviceAccountName":"s","volumes":[{{"name":"v",{source}}}]"#
    ))
}

#[test]
fn a_second_source_is_one_too_many() {
    let first = r#""emptyDir":{}"#;
    for (name, source, said) in [
        (
            "gcePersistentDisk",
            r#"{"pdName":"a"}"#,
            "gcePersistentDisk",
        ),
        ("cephfs", r#"{"monitors":["a"]}"#, "cephFS"),
        ("downwardAPI", "{}", "downwarAPI"),
        ("image", r#"{"reference":"a"}"#, "image"),
    ] {
        let said =
            format!("spec.volumes[0].{said}: Forbidden: may not specify more than 1 volume type");
        POD.created(&volume(&format!(r#"{first},"{name}":{source}"#)), &[&said]);
    }
}

#[test]
fn sources_of_volumes_name_secrets_and_paths() {
    check_each(
        volume,
        "spec.volumes[0]",
        &[
            (
                r#""gitRepo":{"repository":"r","directory":"/a"}"#,
                &["@.gitRepo.directory: Invalid value: \"/a\": must be a relative path"],
            ),
            (
                r#""iscsi":{"targetPortal":"p","iqn":"","lun":1,"chapAuthDiscovery":true,"initiatorName":"x"}"#,
                &[
                    "@.iscsi.iqn: Required value",
                    "@.iscsi.secretRef: Required value",
                    "@.iscsi.initiatorname: Invalid value: \"x\": must be valid format starting with iqn, eui, or naa",
                ],
            ),
            (
                r#""iscsi":{"targetPortal":"ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp","iqn":"iqn.2001-04.com.example:a","lun":1,"initiatorName":"iqn.2001-04.com.example:b"}"#,
                &[
                    "@.name: Invalid value: \"v\": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters",
                ],
            ),
            (
                r#""storageos":{"volumeName":"A","volumeNamespace":"B","secretRef":{}}"#,
                &[
                    "@.storageos.volumeName: Invalid value: \"A\"",
                    "@.storageos.volumeNamespace: Invalid value: \"B\"",
                    "@.storageos.secretRef.name: Required value",
                ],
            ),
            (
                r#""cinder":{"volumeID":"a","secretRef":{}}"#,
                &["@.cinder.secretRef.name: Required value"],
            ),
            (
                r#""csi":{"driver":"a","nodePublishSecretRef":{}}"#,
                &["@.csi.nodePublishSecretRef.name: Required value"],
            ),
            (
                r#""csi":{"driver":"A_","nodePublishSecretRef":{"name":"B"}}"#,
                &[
                    "@.csi.driver: Invalid value: \"A_\"",
                    "@.csi.name: Invalid value: \"B\"",
                ],
            ),
            (
                r#""configMap":{"name":"c","items":[{"key":"k","path":"..x"}]}"#,
                &["@.configMap.items[0].path: Invalid value: \"..x\": must not start with '..'"],
            ),
            (
                r#""flexVolume":{"driver":"d","options":{"a.K8s.io/b":"c"}}"#,
                &[
                    "@.flexVolume.options[a.K8s.io/b]: Invalid value: \"a.K8s.io/b\": kubernetes.io and k8s.io namespaces are reserved",
                ],
            ),
            (
                r#""quobyte":{"registry":"a:1","volume":"v","tenant":"ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"}"#,
                &[
                    "@.quobyte.tenant: Required value: must be a UUID and may not exceed a length of 64 characters",
                ],
            ),
            (
                r#""ephemeral":{"volumeClaimTemplate":{"metadata":{"name":"n","uid":"u","labels":{"a b":""},"annotations":{"a b":""},"finalizers":["f"]},"spec":{}}}"#,
                &[
                    "@.ephemeral.volumeClaimTemplate.metadata.annotations: Invalid value: \"a b\"",
                    "@.ephemeral.volumeClaimTemplate.metadata.labels: Invalid value: \"a b\"",
                    "@.ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set",
                    "@.ephemeral.volumeClaimTemplate.metadata.uID: Forbidden: cannot be set",
                    "@.ephemeral.volumeClaimTemplate.metadata.finalizers: Forbidden: cannot be set",
                    "@.ephemeral.volumeClaimTemplate.spec.accessModes: Required value",
                    "@.ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value",
                ],
            ),
        ],
    );
    let claim = r#""ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1"}}}}}"#;
    POD.created(&volume(claim), &[]);
    let long = "p".repeat(252);
    POD.created(
        &format!(
            r#"{{"metadata":{{"name":"{long}"}},"spec":{{"volumes":[{{"name":"v",{claim}}}]}}}}"#
        ),
        &[&format!(
            "spec.volumes[0].name: Invalid value: \"v\": PVC name \"{long}-v\": must be no more than 253 characters"
        )],
    );
    POD.created(
        &spec(&format!(
            r#""volumes":[{{"name":"v",{claim}}},{{"name":"w","persistentVolumeClaim":{{"claimName":"p-v"}}}}]"#
        )),
        &["spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: \"p-v\": must not reference a PVC that gets created for an ephemeral volume"],
    );
}

fn projected(source: &str) -> String {
    volume(&format!(r#""projected":{{"sources":[{source}]}}"#))
}

#[test]
fn every_sort_of_projection_has_its_rules() {
    check_each(
        projected,
        "spec.volumes[0].projected.sources[0]",
        &[
            (
                r#"{"configMap":{"name":"c"},"secret":{"name":"s"}}"#,
                &["@: Forbidden: may not specify more than 1 volume type per source"],
            ),
            (
                r#"{"serviceAccountToken":{"path":"p","expirationSeconds":4294967297}}"#,
                &[
                    "@.serviceAccountToken.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds",
                ],
            ),
            (
                r#"{"downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.name"},"mode":512}]}}"#,
                &["@.downwardAPI.mode: Invalid value: 512: must be a number between 0 and 0777"],
            ),
            (
                r#"{"clusterTrustBundle":{"path":""}}"#,
                &[
                    "@.clusterTrustBundle: Required value: either name or signerName must be specified",
                    "@.clusterTrustBundle.path: Required value",
                ],
            ),
            (
                r#"{"clusterTrustBundle":{"name":"","labelSelector":{},"path":"p"}}"#,
                &[
                    "@.clusterTrustBundle.name: Required value: must be a valid object name",
                    "@.clusterTrustBundle.name: Invalid value: \"\": not a valid clustertrustbundlename: ",
                    "@.clusterTrustBundle.labelSelector: Invalid value: {",
                ],
            ),
            (
                r#"{"clusterTrustBundle":{"signerName":"","labelSelector":{"matchLabels":{"a b":""}},"path":"p"}}"#,
                &[
                    "@.clusterTrustBundle.signerName: Required value: must be a valid signer name",
                    "@.clusterTrustBundle.signerName: Required value",
                    "@.clusterTrustBundle.labelSelector.matchLabels: Invalid value: \"a b\"",
                ],
            ),
            (
                r#"{"clusterTrustBundle":{"signerName":"x","name":"y","path":"p"}}"#,
                &["@.clusterTrustBundle: Invalid value: {"],
            ),
            (
                r#"{"podCertificate":{"signerName":"x","keyType":"Odd"}}"#,
                &[
                    "@.podCertificate.signerName: Invalid value: \"x\": must be a fully qualified domain and path",
                    "@.podCertificate.keyType: Unsupported value: \"Odd\": supported values: \"RSA3072\"",
                    "@.podCertificate: Required value: specify at least one of credentialBundlePath, keyPath, and certificateChainPath",
                ],
            ),
            (
                r#"{"podCertificate":{"signerName":"a.kubernetes.io/B_","keyType":"ED25519","maxExpirationSeconds":86401,"keyPath":"../k","certificateChainPath":"../k"}}"#,
                &[
                    "@.podCertificate.signerName: Invalid value: \"B_\": validating label \"B_\"",
                    "@.podCertificate.maxExpirationSeconds: Invalid value: 86401: if provided, maxExpirationSeconds must be <= 86400",
                    "@.podCertificate.keyPath: Invalid value: \"../k\": must not contain '..'",
                    "@.podCertificate.certificateChainPath: Invalid value: \"../k\": must not contain '..'",
                    "spec.volumes[0].projected: Invalid value: \"../k\": conflicting duplicate paths",
                ],
            ),
            (
                r#"{"podCertificate":{"signerName":"A/b","keyType":"ED25519","maxExpirationSeconds":3599,"keyPath":"k"}}"#,
                &[
                    "@.podCertificate.signerName: Invalid value: \"A\": validating label \"A\"",
                    "@.podCertificate.signerName: Invalid value: \"A\": should be a domain with at least two segments",
                    "@.podCertificate.maxExpirationSeconds: Invalid value: 3599: if provided, maxExpirationSeconds must be >= 3600",
                ],
            ),
        ],
    );
    let signed = |signer: &str| {
        projected(&format!(
            r#"{{"podCertificate":{{"signerName":"{signer}","keyType":"ED25519","keyPath":"k"}}}}"#
        ))
    };
    let at = "spec.volumes[0].projected.sources[0].podCertificate.signerName: ";
    let (domain, label) = (vec!["a"; 128].join("."), vec!["a"; 300].join("."));
    POD.created(
        &signed(&format!("{domain}/b")),
        &[&format!("{at}Too long: may not be more than 253 bytes")],
    );
    POD.created(
        &signed(&format!("a.b/{label}")),
        &[&format!("{at}Too long: may not be more than 571 bytes")],
    );
    POD.created(
        &spec(
            r#""volumes":[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"p"}}]}}]"#,
        ),
        &["spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set"],
    );
}
