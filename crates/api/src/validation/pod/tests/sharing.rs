//! What pods share with their host, who their processes are, and what goes with their system.

use super::{POD, check_each, container, spec};

/// A container with this security context.
fn context(fields: &str) -> String {
    container(&format!(r#""securityContext":{{{fields}}}"#))
}

/// A pod with these options of Windows.
fn windows(fields: &str) -> String {
    spec(&format!(
        r#""securityContext":{{"windowsOptions":{{{fields}}}}}"#
    ))
}

#[test]
fn namespaces_and_sysctls_are_shared_or_not() {
    let sysctls = |names: &[&str], fields: &str| {
        let names: Vec<String> = names
            .iter()
            .map(|name| format!(r#"{{"name":"{name}","value":"1"}}"#))
            .collect();
        let names = names.join(",");
        spec(&format!(
            r#"{fields}"securityContext":{{"sysctls":[{names}]}}"#
        ))
    };
    POD.created(
        &spec(r#""hostPID":true,"shareProcessNamespace":true"#),
        &["spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled"],
    );
    POD.created(
        &sysctls(&["", "kernel.x", "kernel.x"], ""),
        &[
            "spec.securityContext.sysctls[0].name: Required value",
            "spec.securityContext.sysctls[2].name: Duplicate value: \"kernel.x\"",
        ],
    );
    let shared = sysctls(
        &["net.a.b", "net/a/b.c", "fs.mqueue.x", "kernel.sem"],
        r#""hostNetwork":true,"hostIPC":true,"#,
    );
    POD.created(
        &shared,
        &[
            "spec.securityContext.sysctls[0].name: Invalid value: \"net.a.b\": may not be specified when 'hostNetwork' is true",
            "spec.securityContext.sysctls[1].name: Invalid value: \"net/a/b.c\": may not be specified when 'hostNetwork' is true",
            "spec.securityContext.sysctls[2].name: Invalid value: \"fs.mqueue.x\": may not be specified when 'hostIPC' is true",
            "spec.securityContext.sysctls[3].name: Invalid value: \"kernel.sem\": may not be specified when 'hostIPC' is true",
        ],
    );
    POD.updated(&shared, &shared, &[]);
}

#[test]
fn processes_are_of_users_and_may_do_some_things() {
    POD.created(
        &spec(r#""securityContext":{"runAsUser":-1,"runAsGroup":2147483648,"seLinuxChangePolicy":"x"}"#),
        &[
            "spec.securityContext.runAsUser: Invalid value: -1: must be between",
            "spec.securityContext.runAsGroup: Invalid value: 2147483648: must be between",
            "spec.securityContext.seLinuxChangePolicy: Unsupported value: \"x\"",
        ],
    );
    let mounted = spec(r#""securityContext":{"seLinuxChangePolicy":"MountOption"}"#);
    POD.created(
        &mounted,
        &["spec.securityContext.seLinuxChangePolicy: Unsupported value: \"MountOption\": supported values: \"Recursive\""],
    );
    POD.updated(&mounted, &mounted, &[]);
    check_each(
        context,
        "spec.containers[0].securityContext",
        &[
            (
                r#""runAsGroup":-1"#,
                &["@.runAsGroup: Invalid value: -1: must be between"],
            ),
            (
                r#""procMount":"Unmasked""#,
                &[
                    "@.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`",
                ],
            ),
            (
                r#""allowPrivilegeEscalation":false,"capabilities":{"add":["CAP_SYS_ADMIN"]}"#,
                &["@: Invalid value: "],
            ),
            (
                r#""allowPrivilegeEscalation":false,"capabilities":{"add":["SYS_ADMIN"]}"#,
                &[],
            ),
        ],
    );
}

#[test]
fn profiles_have_a_type_and_one_type_a_name() {
    let cases: &[(&str, &[&str])] = &[
        (
            r#""seccompProfile":{"type":""}"#,
            &["@.seccompProfile.type: Required value: type is required when seccompProfile is set"],
        ),
        (
            r#""seccompProfile":{"type":"x","localhostProfile":"y"}"#,
            &[
                "@.seccompProfile.type: Unsupported value: \"x\": supported values: \"Localhost\", \"RuntimeDefault\", \"Unconfined\"",
                "@.seccompProfile.localhostProfile: Invalid value: {\"Type\":\"x\",\"LocalhostProfile\":\"y\"}: can only be set when seccomp type is Localhost",
            ],
        ),
        (
            r#""seccompProfile":{"type":"Localhost","localhostProfile":"/x"}"#,
            &["@.seccompProfile.localhostProfile: Invalid value: \"/x\": must be a relative path"],
        ),
        (
            r#""appArmorProfile":{"type":""}"#,
            &[
                "@.appArmorProfile.type: Required value: type is required when appArmorProfile is set",
            ],
        ),
        (
            r#""appArmorProfile":{"type":"x"}"#,
            &["@.appArmorProfile.type: Unsupported value: \"x\""],
        ),
        (
            r#""appArmorProfile":{"type":"Localhost"}"#,
            &[
                "@.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost",
            ],
        ),
        (
            r#""appArmorProfile":{"type":"Localhost","localhostProfile":""}"#,
            &[
                "@.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost",
            ],
        ),
        (
            r#""appArmorProfile":{"type":"Localhost","localhostProfile":" x"}"#,
            &[
                "@.appArmorProfile.localhostProfile: Invalid value: \" x\": must not be padded with whitespace",
            ],
        ),
    ];
    check_each(context, "spec.containers[0].securityContext", cases);
    let long = format!(
        r#""appArmorProfile":{{"type":"Localhost","localhostProfile":"{}"}}"#,
        "x".repeat(4096)
    );
    POD.created(
        &context(&long),
        &["spec.containers[0].securityContext.appArmorProfile.localhostProfile: Too long: may not be more than 4095 bytes"],
    );
}

#[test]
fn windows_has_accounts_of_its_own() {
    let at = "spec.securityContext.windowsOptions";
    check_each(
        windows,
        at,
        &[
            (
                r#""gmsaCredentialSpecName":"A","gmsaCredentialSpec":"""#,
                &[
                    "@.gmsaCredentialSpecName: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
                    "@.gmsaCredentialSpec: Invalid value: \"\": gmsaCredentialSpec cannot be an empty string",
                ],
            ),
            (r#""runAsUserName":"Example Domain\\user""#, &[]),
            (r#""runAsUserName":"sub.example.com\\user""#, &[]),
            (
                r#""runAsUserName":"""#,
                &["@.runAsUserName: Invalid value: \"\": runAsUserName cannot be an empty string"],
            ),
            (
                r#""runAsUserName":"a\nb""#,
                &[
                    "@.runAsUserName: Invalid value: \"a\\nb\": runAsUserName cannot contain control characters",
                ],
            ),
            (
                r#""runAsUserName":"a\\b\\c""#,
                &[
                    "@.runAsUserName: Invalid value: \"a\\\\b\\\\c\": runAsUserName cannot contain more than one backslash",
                ],
            ),
            (
                r#""runAsUserName":".a\\""#,
                &[
                    "@.runAsUserName: Invalid value: \".a\\\\\": runAsUserName's Domain doesn't match the NetBios nor the DNS format",
                    "@.runAsUserName: Invalid value: \".a\\\\\": runAsUserName's User cannot be empty",
                ],
            ),
            (
                r#""runAsUserName":". .""#,
                &[
                    "@.runAsUserName: Invalid value: \". .\": runAsUserName's User cannot contain only periods or spaces",
                ],
            ),
            (
                r#""runAsUserName":"a:b""#,
                &[
                    "@.runAsUserName: Invalid value: \"a:b\": runAsUserName's User cannot contain the following characters: ",
                ],
            ),
        ],
    );
    let long = windows(&format!(
        r#""gmsaCredentialSpec":"{}","runAsUserName":"{}\\{}""#,
        "x".repeat((64 << 10) + 1),
        format!("{}.", "x".repeat(50)).repeat(6) + "x",
        "x".repeat(105)
    ));
    let at_name = format!("{at}.runAsUserName: Invalid value: ");
    POD.created(
        &long,
        &[
            &format!("{at}.gmsaCredentialSpec: Invalid value: "),
            &at_name,
            &at_name,
        ],
    );
}

#[test]
fn processes_of_the_host_are_all_of_a_pod_or_none() {
    let host = r#"{"windowsOptions":{"hostProcess":true}}"#;
    let of_pod = |rest: &str| spec(&format!(r#""securityContext":{host},{rest}"#));
    POD.created(&of_pod(r#""hostNetwork":true"#), &[]);
    POD.created(
        &of_pod(r#""hostNetwork":false"#),
        &["spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers"],
    );
    POD.created(
        &of_pod(
            r#""hostNetwork":true,"containers":[{"name":"c","image":"i","securityContext":{"windowsOptions":{"hostProcess":false}}}]"#,
        ),
        &["spec.containers[0].securityContext.windowsOptions.hostProcess: Invalid value: false: pod hostProcess value must be identical if both are specified, was true"],
    );
    POD.created(
        &spec(&format!(
            r#""hostNetwork":true,"containers":[{{"name":"c","image":"i","securityContext":{host}}},{{"name":"d","image":"i"}}]"#
        )),
        &["spec: Invalid value: \"\": If pod contains any hostProcess containers then all containers must be HostProcess containers"],
    );
}

#[test]
fn a_system_has_what_it_has() {
    POD.created(
        &spec(r#""os":{"name":""}"#),
        &["spec.os.name: Required value"],
    );
    POD.created(
        &spec(r#""os":{"name":"linux"},"securityContext":{"windowsOptions":{}},"containers":[{"name":"c","image":"i","securityContext":{"windowsOptions":{}}}]"#),
        &[
            "spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
            "spec.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
        ],
    );
    let both = r#""appArmorProfile":{"type":"Unconfined"},"seLinuxOptions":{},"seccompProfile":{"type":"Unconfined"},"runAsUser":1,"runAsGroup":1"#;
    let pod = format!(
        r#""os":{{"name":"windows"}},"hostUsers":true,"hostPID":true,"hostIPC":true,"shareProcessNamespace":false,"securityContext":{{{both},"fsGroup":1,"fsGroupChangePolicy":"Always","sysctls":[{{"name":"a","value":"b"}}],"supplementalGroups":[1],"supplementalGroupsPolicy":"Merge","seLinuxChangePolicy":"Recursive"}},"containers":[{{"name":"c","image":"i","securityContext":{{{both},"capabilities":{{}},"readOnlyRootFilesystem":true,"privileged":false,"allowPrivilegeEscalation":true,"procMount":"Default"}}}}]"#
    );
    let refused = |at: &str, fields: &str| -> Vec<String> {
        fields
            .split_whitespace()
            .map(|field| format!("{at}.{field}: Forbidden: cannot be set for a windows pod"))
            .collect()
    };
    let of_pod = "appArmorProfile seLinuxOptions";
    let expected = [
        refused("spec.securityContext", of_pod),
        refused("spec", "hostUsers hostPID hostIPC"),
        refused(
            "spec.securityContext",
            "seccompProfile fsGroup fsGroupChangePolicy sysctls",
        ),
        refused("spec", "shareProcessNamespace"),
        refused(
            "spec.securityContext",
            "runAsUser runAsGroup supplementalGroups supplementalGroupsPolicy seLinuxChangePolicy",
        ),
        refused(
            "spec.containers[0].securityContext",
            "appArmorProfile seLinuxOptions seccompProfile capabilities readOnlyRootFilesystem privileged allowPrivilegeEscalation procMount runAsUser runAsGroup",
        ),
    ]
    .concat();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    POD.created(&spec(&pod), &expected);
}

#[test]
fn a_pod_with_users_of_its_own_shares_little() {
    let own = r#""hostUsers":false,"#;
    POD.created(
        &spec(&format!(
            r#"{own}"hostNetwork":true,"hostPID":true,"hostIPC":true"#
        )),
        &[
            "spec.hostNetwork: Forbidden: when `hostUsers` is false",
            "spec.HostPID: Forbidden: when `hostUsers` is false",
            "spec.HostIPC: Forbidden: when `hostUsers` is false",
        ],
    );
    let device = spec(&format!(
        r#"{own}"volumes":[{{"name":"v","persistentVolumeClaim":{{"claimName":"x"}}}}],"containers":[{{"name":"c","image":"i","volumeDevices":[{{"name":"v","devicePath":"/d"}}]}}]"#
    ));
    POD.created(
        &device,
        &["spec.containers[0].volumeDevices: Forbidden: when `hostUsers` is false"],
    );
    POD.updated(&device, &device, &[]);
}

#[test]
fn a_signal_to_stop_is_of_the_system() {
    let stopped = |system: &str, signal: &str| {
        spec(&format!(
            r#"{system}"containers":[{{"name":"c","image":"i","lifecycle":{{"stopSignal":"{signal}"}}}}]"#
        ))
    };
    let (linux, windows) = (r#""os":{"name":"linux"},"#, r#""os":{"name":"windows"},"#);
    let at = "spec.containers[0].lifecycle.stopSignal";
    for (system, good) in [
        (linux, "SIGUSR1"),
        (linux, "SIGRTMIN+15"),
        (linux, "SIGRTMAX-14"),
        (windows, "SIGTERM"),
    ] {
        POD.created(&stopped(system, good), &[]);
    }
    POD.created(
        &stopped("", "SIGTERM"),
        &[&format!(
            "{at}: Forbidden: may not be set for containers with empty `spec.os.name`"
        )],
    );
    for (system, bad) in [
        (linux, "SIGRTMIN+16"),
        (linux, "TERM"),
        (windows, "SIGUSR1"),
    ] {
        let said = format!("{at}: Unsupported value: \"{bad}\": supported values: \"SIG");
        POD.created(&stopped(system, bad), &[&said]);
    }
}
