//! Containers.

use super::check;

#[test]
fn ports_are_named_and_numbered_once() {
    check(
        r#""containers":[{"name":"c","image":"i","ports":[{"containerPort":0}]}]"#,
        r#"spec.containers[0].ports[0].containerPort: Required value"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","ports":[{"containerPort":1,"name":"-"},{"containerPort":2,"protocol":"X","hostPort":70000,"hostIP":"h"}]}]"#,
        r#"spec.containers[0].ports[0].name: Invalid value: "-": must contain at least one letter (a-z); spec.containers[0].ports[0].name: Invalid value: "-": must not begin or end with a hyphen; spec.containers[0].ports[1].hostPort: Invalid value: 70000: must be between 1 and 65535, inclusive; spec.containers[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP""#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","ports":[{"containerPort":1,"name":"a"},{"containerPort":2,"name":"a"}]}]"#,
        r#"spec.containers[0].ports[1].name: Duplicate value: "a""#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","ports":[{"containerPort":1,"hostPort":2}]}],"hostNetwork":true"#,
        r#"spec.containers[0].ports[0].hostPort: Invalid value: 2: must match `containerPort` when `hostNetwork` is true"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","ports":[{"containerPort":1,"hostPort":3}]},{"name":"d","image":"i","ports":[{"containerPort":2,"hostPort":3}]}]"#,
        r#"spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//3""#,
    );
}

#[test]
fn variables_have_one_source() {
    check(
        r#""containers":[{"name":"c","image":"i","env":[{"name":""},{"name":"a=b"}]}]"#,
        r#"spec.containers[0].env[0].name: Required value; spec.containers[0].env[1].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","env":[{"name":"a","value":"v","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}]"#,
        r#"spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","env":[{"name":"a","valueFrom":{}}]}]"#,
        r#"spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"spec.x"}}},{"name":"b","valueFrom":{"resourceFieldRef":{"resource":"x"}}},{"name":"d","valueFrom":{"configMapKeyRef":{"name":"A","key":""}}},{"name":"e","valueFrom":{"secretKeyRef":{"name":"","key":"k/"}}}]}]"#,
        r#"spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x; spec.containers[0].env[1].valueFrom.resourceFieldRef.resource: Unsupported value: "x": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"; spec.containers[0].env[2].valueFrom.configMapKeyRef.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'); spec.containers[0].env[2].valueFrom.configMapKeyRef.key: Required value; spec.containers[0].env[3].valueFrom.secretKeyRef.name: Invalid value: "": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'); spec.containers[0].env[3].valueFrom.secretKeyRef.key: Invalid value: "k/": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","envFrom":[{},{"configMapRef":{"name":"a"},"secretRef":{"name":"b"}},{"prefix":"a=","configMapRef":{"name":""}}]}]"#,
        r#"spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`; spec.containers[0].envFrom: Invalid value: "": may not have more than one field specified at a time; spec.containers[0].envFrom[2].prefix: Invalid value: "a=": a valid environment variable name must consist only of printable ASCII characters other than '='; spec.containers[0].envFrom[2].configMapRef.name: Required value"#,
    );
}

#[test]
fn resources_asked_for_are_within_what_is_allowed() {
    check(
        r#""containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}]"#,
        r#"spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","resources":{"requests":{"x":"1","memory":"-1"}}}]"#,
        r#"spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0; spec.containers[0].resources.requests[x]: Invalid value: "x": must be a standard resource type or fully qualified; spec.containers[0].resources.requests[x]: Invalid value: "x": must be a standard resource for containers"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","resources":{"requests":{"example.com/gpu":"1500m"}}}]"#,
        r#"spec.containers[0].resources.requests[example.com/gpu]: Invalid value: "1500m": must be an integer; spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","resources":{"limits":{"hugepages-2Mi":"2Mi"}}}]"#,
        r#"spec.containers[0].resources: Forbidden: HugePages require cpu or memory"#,
    );
}

#[test]
fn probes_do_one_thing() {
    check(
        r#""containers":[{"name":"c","image":"i","livenessProbe":{}}]"#,
        r#"spec.containers[0].livenessProbe: Required value: must specify a handler type"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","livenessProbe":{"exec":{},"tcpSocket":{"port":0}}}]"#,
        r#"spec.containers[0].livenessProbe.exec.command: Required value; spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","livenessProbe":{"exec":{"command":["a"]},"successThreshold":2,"periodSeconds":-1}}]"#,
        r#"spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0; spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","readinessProbe":{"httpGet":{"port":"a_","scheme":"FTP","path":""},"terminationGracePeriodSeconds":1}}]"#,
        r#"spec.containers[0].readinessProbe.httpGet.port: Invalid value: "a_": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-); spec.containers[0].readinessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"; spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","lifecycle":{"preStop":{"sleep":{"seconds":31}},"postStart":{}}}]"#,
        r#"spec.containers[0].lifecycle.postStart: Required value: must specify a handler type; spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)"#,
    );
}

#[test]
fn mounts_are_of_volumes_at_paths_of_their_own() {
    check(
        r#""containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":""}]}]"#,
        r#"spec.containers[0].volumeMounts[0].name: Not found: "v"; spec.containers[0].volumeMounts[0].mountPath: Required value"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/a"},{"name":"v","mountPath":"/a","subPath":"../x","subPathExpr":"y","mountPropagation":"Bidirectional","recursiveReadOnly":"x"}]}],"volumes":[{"name":"v","emptyDir":{}}]"#,
        r#"spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique; spec.containers[0].volumeMounts.subPath: Invalid value: "../x": must not contain '..'; spec.containers[0].volumeMounts[1].subPathExpr: Invalid value: "y": subPathExpr and subPath are mutually exclusive; spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers; spec.containers[0].volumeMounts.recursiveReadOnly: Unsupported value: "x": supported values: "Disabled", "Enabled", "IfPossible""#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","volumeDevices":[{"name":"v","devicePath":""},{"name":"v","devicePath":"/d"}]}],"volumes":[{"name":"v","emptyDir":{}}]"#,
        r#"spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode; spec.containers[0].volumeDevices[0].devicePath: Required value; spec.containers[0].volumeDevices[1].name: Invalid value: "v": must be unique; spec.containers[0].volumeDevices[1].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"#,
    );
}

#[test]
fn a_security_context_agrees_with_itself() {
    check(
        r#""containers":[{"name":"c","image":"i","securityContext":{"privileged":true,"allowPrivilegeEscalation":false}}]"#,
        r#"spec.containers[0].securityContext: Invalid value: {"Capabilities":null,"Privileged":true,"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true"#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","securityContext":{"procMount":"x","runAsUser":-1}}]"#,
        r#"spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive; spec.containers[0].securityContext.procMount: Unsupported value: "x": supported values: "Default", "Unmasked""#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","securityContext":{"seccompProfile":{"type":"Localhost"},"appArmorProfile":{"type":"RuntimeDefault","localhostProfile":"x"}}}]"#,
        r#"spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost; spec.containers[0].securityContext.appArmorProfile.localhostProfile: Invalid value: "x": can only be set when AppArmor type is Localhost"#,
    );
    check(
        r#""securityContext":{"sysctls":[{"name":"a b"},{"name":"kernel.x"},{"name":"kernel/x"}],"fsGroup":-1,"supplementalGroups":[-1],"fsGroupChangePolicy":"x","supplementalGroupsPolicy":"x"}"#,
        r#"spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive; spec.securityContext.supplementalGroups[0]: Invalid value: -1: must be between 0 and 2147483647, inclusive; spec.securityContext.sysctls[0].name: Invalid value: "a b": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$; spec.securityContext.fsGroupChangePolicy: Unsupported value: "x": supported values: "Always", "OnRootMismatch"; spec.securityContext.supplementalGroupsPolicy: Unsupported value: "x": supported values: "Merge", "Strict""#,
    );
}

#[test]
fn containers_restart_by_rules_of_their_own() {
    check(
        r#""containers":[{"name":"c","image":"i","restartPolicy":"Sometimes"}]"#,
        r#"spec.containers[0].restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure""#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","restartPolicyRules":[{"action":"Restart"}]}]"#,
        r#"spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used; spec.containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified"#,
    );
    check(
        r#""initContainers":[{"name":"d","image":"i","livenessProbe":{"exec":{"command":["a"]}},"lifecycle":{"preStop":{"exec":{"command":["a"]}}}}]"#,
        r#"spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always; spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"#,
    );
}

#[test]
fn the_rest_of_a_container_is_of_what_there_is() {
    check(
        r#""containers":[{"name":"c","image":"i","imagePullPolicy":"Often","terminationMessagePolicy":"x"}]"#,
        r#"spec.containers[0].terminationMessagePolicy: Unsupported value: "x": supported values: "File", "FallbackToLogsOnError"; spec.containers[0].imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never""#,
    );
    check(
        r#""containers":[{"name":"c","image":"i","resizePolicy":[{"resourceName":"x","restartPolicy":"y"},{"resourceName":"cpu","restartPolicy":"NotRequired"},{"resourceName":"cpu","restartPolicy":"NotRequired"}]}]"#,
        r#"spec.containers[0].resizePolicy: Unsupported value: "x": supported values: "cpu", "memory"; spec.containers[0].resizePolicy: Unsupported value: "y": supported values: "NotRequired", "RestartContainer"; spec.containers[0].resizePolicy[2]: Duplicate value: "cpu""#,
    );
    check(
        r#""containers":[{"name":"c","image":" i"}]"#,
        r#"spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace"#,
    );
}

#[test]
fn debuggers_come_later() {
    check(
        r#""ephemeralContainers":[{"name":"d","image":"i","targetContainerName":"x"}]"#,
        r#"spec.ephemeralContainers[0].targetContainerName: Not found: "x"; spec.ephemeralContainers: Forbidden: cannot be set on create"#,
    );
    check(
        r#""ephemeralContainers":[{"name":"c","image":"i"}]"#,
        r#"spec.ephemeralContainers[0].name: Duplicate value: "c"; spec.ephemeralContainers: Forbidden: cannot be set on create"#,
    );
}
