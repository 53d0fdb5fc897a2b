use bytes::Bytes;
use pintle_api::core::v1::Pod;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::value::Record;

use super::checks::{details, evaluate, reasons};
use super::policy::{Level, LevelVersion, Policy, Version};

fn pod(text: &str) -> Record {
    let ty = pintle_api::type_by_kind("", "v1", "Pod").unwrap();
    let body = Bytes::copy_from_slice(text.as_bytes());
    json::decode(&ty, &body, &mut Problems::ignored()).unwrap()
}

/// What a level as of a minor release, or the newest, says of a pod's `spec`.
fn said(level: Level, minor: Option<u32>, text: &str) -> String {
    let record = pod(text);
    let pod = Pod::from_record(&record);
    let version = minor.map_or(Version::Latest, Version::Minor);
    let level = LevelVersion { level, version };
    details(&evaluate(level, pod.metadata().annotations(), pod.spec()))
}

#[track_caller]
fn baseline(spec: &str, expected: &str) {
    let text = format!(r#"{{"spec":{spec}}}"#);
    assert_eq!(said(Level::Baseline, None, &text), expected, "{spec}");
}

/// A container that keeps to the restricted level, with more in its security context.
fn hardened(more: &str) -> String {
    format!(
        r#"{{"spec":{{"containers":[{{"name":"a","securityContext":{{"allowPrivilegeEscalation":false,"runAsNonRoot":true,"capabilities":{{"drop":["ALL"]}},"seccompProfile":{{"type":"RuntimeDefault"}}{more}}}}}]}}}}"#
    )
}

#[test]
fn nothing_is_forbidden_of_a_privileged_pod() {
    let text = r#"{"spec":{"hostNetwork":true,"containers":[{"name":"a","securityContext":{"privileged":true}}]}}"#;
    assert_eq!(said(Level::Privileged, None, text), "");
}

#[test]
fn the_baseline_forbids_what_reaches_the_host() {
    for (spec, expected) in [
        (r#"{"containers":[{"name":"a"}]}"#, ""),
        (
            r#"{"hostNetwork":true,"hostPID":true,"hostIPC":true}"#,
            "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)",
        ),
        (
            r#"{"volumes":[{"name":"v","hostPath":{"path":"/"}},{"name":"w","hostPath":{"path":"/"}}]}"#,
            r#"hostPath volumes (volumes "v", "w")"#,
        ),
        (
            r#"{"containers":[{"name":"a","ports":[{"hostPort":80},{"hostPort":443}]},{"name":"b","ports":[{"hostPort":8080}]}]}"#,
            r#"hostPort (containers "a", "b" use hostPorts 443, 80, 8080)"#,
        ),
        (
            r#"{"initContainers":[{"name":"i","securityContext":{"privileged":true}}],"containers":[{"name":"a"}]}"#,
            r#"privileged (container "i" must not set securityContext.privileged=true)"#,
        ),
        (
            r#"{"containers":[{"name":"a","securityContext":{"procMount":"Unmasked"}}]}"#,
            r#"procMount (container "a" must not set securityContext.procMount to "Unmasked")"#,
        ),
        (
            r#"{"containers":[{"name":"a","securityContext":{"capabilities":{"add":["SYS_ADMIN","CHOWN"]}}}]}"#,
            r#"non-default capabilities (container "a" must not include "SYS_ADMIN" in securityContext.capabilities.add)"#,
        ),
        (
            r#"{"containers":[{"name":"a","livenessProbe":{"httpGet":{"host":"h"}}}]}"#,
            r#"probe or lifecycle host (container "a" uses probe or lifecycle host "h")"#,
        ),
        (
            r#"{"securityContext":{"seLinuxOptions":{"type":"x","user":"u","role":"r"}}}"#,
            r#"seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "x"; user may not be set; role may not be set)"#,
        ),
        (
            r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}},"containers":[{"name":"a","securityContext":{"seccompProfile":{"type":"Unconfined"}}}]}"#,
            r#"seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")"#,
        ),
        (
            r#"{"securityContext":{"sysctls":[{"name":"kernel.msgmax"},{"name":"net.ipv4.tcp_syncookies"}]}}"#,
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            r#"{"securityContext":{"windowsOptions":{"hostProcess":true}}}"#,
            "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
        ),
        (
            r#"{"securityContext":{"appArmorProfile":{"type":"Unconfined"}}}"#,
            r#"forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")"#,
        ),
    ] {
        baseline(spec, expected);
    }
}

#[test]
fn an_app_armor_annotation_counts_as_the_field_does() {
    let text = r#"{"metadata":{"annotations":{"container.apparmor.security.beta.kubernetes.io/a":"unconfined"}},"spec":{"containers":[{"name":"a"}]}}"#;
    assert_eq!(
        said(Level::Baseline, None, text),
        r#"forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a="unconfined"")"#
    );
}

#[test]
fn the_restricted_level_wants_things_said() {
    let plain = r#"{"spec":{"containers":[{"name":"a"}]}}"#;
    assert_eq!(
        said(Level::Restricted, None, plain),
        "allowPrivilegeEscalation != false (container \"a\" must set securityContext.allowPrivilegeEscalation=false), \
         unrestricted capabilities (container \"a\" must set securityContext.capabilities.drop=[\"ALL\"]), \
         runAsNonRoot != true (pod or container \"a\" must set securityContext.runAsNonRoot=true), \
         seccompProfile (pod or container \"a\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \
         \"Localhost\")"
    );
    assert_eq!(said(Level::Restricted, None, &hardened("")), "");
    assert_eq!(
        said(Level::Restricted, None, &hardened(r#","runAsUser":0"#)),
        r#"runAsUser=0 (container "a" must not set runAsUser=0)"#
    );
}

#[test]
fn restricted_pods_have_volumes_of_few_types() {
    let volumes = r#"{"spec":{"volumes":[{"name":"h","hostPath":{"path":"/"}},{"name":"n","nfs":{"server":"s","path":"/"}},{"name":"e","emptyDir":{}}]}}"#;
    assert_eq!(
        said(Level::Restricted, None, volumes),
        r#"restricted volume types (volumes "h", "n" use restricted volume types "hostPath", "nfs")"#
    );
}

#[test]
fn restricted_pods_may_have_images_as_volumes() {
    let volumes = r#"{"spec":{"volumes":[{"name":"i","image":{"reference":"r"}}]}}"#;
    assert_eq!(said(Level::Restricted, None, volumes), "");
}

#[test]
fn the_restricted_level_masks_proc_for_users_of_their_own_too() {
    let own = r#"{"spec":{"hostUsers":false,"volumes":[{"name":"h","hostPath":{"path":"/"}}],"containers":[{"name":"a","securityContext":{"procMount":"Unmasked","allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}}]}}"#;
    let mount = r#"procMount (container "a" must not set securityContext.procMount to "Unmasked")"#;
    let volume = r#"restricted volume types (volume "h" uses restricted volume type "hostPath")"#;
    assert_eq!(
        said(Level::Restricted, None, own),
        format!("{mount}, {volume}")
    );
    let before = said(Level::Restricted, Some(34), own);
    assert!(before.starts_with(&format!("{mount}, {volume}, runAsNonRoot")));
    assert_eq!(
        said(Level::Baseline, None, own),
        r#"hostPath volumes (volume "h")"#
    );
}

#[test]
fn rules_count_since_their_release() {
    let sysctl = r#"{"spec":{"securityContext":{"sysctls":[{"name":"net.ipv4.tcp_rmem"}]}}}"#;
    assert_eq!(
        said(Level::Baseline, Some(31), sysctl),
        "forbidden sysctls (net.ipv4.tcp_rmem)"
    );
    assert_eq!(said(Level::Baseline, Some(32), sysctl), "");
    let engine = r#"{"spec":{"securityContext":{"seLinuxOptions":{"type":"container_engine_t"}}}}"#;
    assert_ne!(said(Level::Baseline, Some(30), engine), "");
    assert_eq!(said(Level::Baseline, Some(31), engine), "");
    let root = hardened(r#","runAsUser":0"#);
    assert_eq!(said(Level::Restricted, Some(22), &root), "");
    let windows = r#"{"spec":{"os":{"name":"windows"},"securityContext":{"runAsNonRoot":true},"containers":[{"name":"a"}]}}"#;
    assert_ne!(said(Level::Restricted, Some(24), windows), "");
    assert_eq!(said(Level::Restricted, Some(25), windows), "");
}

#[test]
fn reasons_stand_without_their_details() {
    let record =
        pod(r#"{"spec":{"hostPID":true,"volumes":[{"name":"v","hostPath":{"path":"/"}}]}}"#);
    let pod = Pod::from_record(&record);
    let level = LevelVersion {
        level: Level::Baseline,
        version: Version::Latest,
    };
    let found = evaluate(level, pod.metadata().annotations(), pod.spec());
    assert_eq!(reasons(&found), "host namespaces, hostPath volumes");
}

#[track_caller]
fn check_labels(labels: &[(&str, &str)], expected: [&str; 3], errors: &[&str]) {
    let (policy, found) = Policy::of_labels(Policy::default(), |key| {
        let key = key.strip_prefix("pod-security.kubernetes.io/")?;
        labels
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| *value)
    });
    let Policy {
        enforce,
        audit,
        warn,
    } = policy;
    let shown = [enforce, audit, warn].map(|level| level.to_string());
    assert_eq!(shown, expected, "{labels:?}");
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, errors, "{labels:?}");
}

#[test]
fn labels_choose_levels_and_versions() {
    let nothing = ["privileged:latest"; 3];
    check_labels(&[], nothing, &[]);
    check_labels(
        &[("enforce", "baseline"), ("enforce-version", "v1.30")],
        ["baseline:v1.30", "privileged:latest", "baseline:v1.30"],
        &[],
    );
    check_labels(
        &[
            ("enforce", "baseline"),
            ("warn", "restricted"),
            ("audit", "restricted"),
        ],
        ["baseline:latest", "restricted:latest", "restricted:latest"],
        &[],
    );
}

#[test]
fn labels_that_can_not_be_read_are_told() {
    check_labels(
        &[
            ("enforce", "x"),
            ("enforce-version", "w"),
            ("audit", "y"),
            ("warn-version", "v1.01"),
        ],
        [
            "restricted:latest",
            "privileged:latest",
            "privileged:latest",
        ],
        &[
            "metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"x\": must be one of privileged, \
             baseline, restricted",
            "metadata.labels[pod-security.kubernetes.io/enforce-version]: Invalid value: \"w\": must be \"latest\" \
             or \"v1.x\"",
            "metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: \"y\": must be one of privileged, \
             baseline, restricted",
            "metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"v1.01\": must be \"latest\" \
             or \"v1.x\"",
        ],
    );
}

#[test]
fn a_warning_that_can_not_be_read_is_none() {
    check_labels(
        &[("enforce", "baseline"), ("warn", "x")],
        ["baseline:latest", "privileged:latest", "privileged:latest"],
        &[
            "metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: \"x\": must be one of privileged, \
             baseline, restricted",
        ],
    );
}

#[test]
fn what_is_wrong_with_settings_is_told() {
    let policy = |text: &str| Policy::of_settings(&serde_json::from_str(text).unwrap());
    let audit = policy(r#"{"audit":"baseline","audit-version":"v1.2","warn":""}"#).unwrap();
    assert_eq!(audit.audit.to_string(), "baseline:v1.2");
    assert_eq!(
        policy(r#"{"enforce":"x","warn-version":"1.2"}"#).unwrap_err(),
        [
            "enforce: must be one of privileged, baseline, restricted",
            "warn-version: must be \"latest\" or \"v1.x\"",
        ]
    );
}

#[test]
fn a_policy_is_named_in_short() {
    let labels = [
        ("enforce", "baseline"),
        ("audit-version", "v1.3"),
        ("warn", "restricted"),
    ];
    let label = |key: &str| {
        let key = key.strip_prefix("pod-security.kubernetes.io/")?;
        let found = labels.iter().find(|(known, _)| *known == key);
        found.map(|(_, value)| *value)
    };
    let (policy, _) = Policy::of_labels(Policy::default(), label);
    assert_eq!(
        policy.asked_for(label),
        "enforce=baseline:latest, warn=restricted:latest"
    );
    assert!(!policy.is_like(Policy::default()));
    let versions = |key: &str| key.ends_with("enforce-version").then_some("v1.20");
    let (policy, _) = Policy::of_labels(Policy::default(), versions);
    assert!(policy.is_like(Policy::default()));
}
