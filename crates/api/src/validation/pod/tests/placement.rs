//! Where pods may run.

use super::{POD, check, spec};

#[test]
fn tolerations_are_of_a_key_an_operator_and_an_effect() {
    check(
        r#""tolerations":[{"operator":"Is"}]"#,
        r#"spec.tolerations[0].operator: Invalid value: "Is": operator must be Exists when `key` is empty, which means "match all values and all keys"; spec.tolerations[0].operator: Unsupported value: "Is": supported values: "Equal", "Exists""#,
    );
    check(
        r#""tolerations":[{"key":"a b","operator":"Exists","value":"v"}]"#,
        r#"spec.tolerations[0].key: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'); spec.tolerations[0].operator: Invalid value: "v": value must be empty when `operator` is 'Exists'"#,
    );
    check(
        r#""tolerations":[{"operator":"Equal"}]"#,
        r#"spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys""#,
    );
    check(
        r#""tolerations":[{"key":"a","effect":"Never"}]"#,
        r#"spec.tolerations[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute""#,
    );
    check(
        r#""tolerations":[{"key":"a","effect":"NoSchedule","tolerationSeconds":1}]"#,
        r#"spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be 'NoExecute' when `tolerationSeconds` is set"#,
    );
}

#[test]
fn affinity_to_nodes_selects_by_labels_and_fields() {
    check(
        r#""affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[]}}}"#,
        r#"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term"#,
    );
    check(
        r#""affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In"},{"key":"a","operator":"Gt","values":["x","y"]},{"key":"a","operator":"Exists","values":["x"]},{"key":"a","operator":"Like"}]}]}}}"#,
        r#"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'; spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[1].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'; spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[2].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'; spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[3].operator: Invalid value: "Like": not a valid selector operator"#,
    );
    check(
        r#""affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"x","operator":"In","values":["a","b"]},{"key":"metadata.name","operator":"Exists","values":["a"]}]}]}}}"#,
        r#"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector; spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key: Invalid value: "x": not a valid field selector key; spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[1].operator: Invalid value: "Exists": not a valid selector operator"#,
    );
    check(
        r#""affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":0,"preference":{}}]}}"#,
        r#"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100"#,
    );
}

#[test]
fn affinity_to_pods_names_a_topology() {
    check(
        r#""affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{}]}}"#,
        r#"spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty; spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must be non-empty; spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"#,
    );
    check(
        r#""affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":101,"podAffinityTerm":{"topologyKey":"a b","namespaces":["A"]}}]}}"#,
        r#"spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100; spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.namespace: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'); spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"#,
    );
    check(
        r#""affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"a","matchLabelKeys":["x"]}]}}"#,
        r#"spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"#,
    );
}

#[test]
fn spreading_is_over_one_topology_at_a_time() {
    check(
        r#""topologySpreadConstraints":[{}]"#,
        r#"spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero; spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty; spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "": supported values: "DoNotSchedule", "ScheduleAnyway""#,
    );
    check(
        r#""topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"a","whenUnsatisfiable":"DoNotSchedule"},{"maxSkew":2,"topologyKey":"a","whenUnsatisfiable":"DoNotSchedule"}]"#,
        r#"spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{a, DoNotSchedule}""#,
    );
    check(
        r#""topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"a","whenUnsatisfiable":"Never","minDomains":0,"nodeAffinityPolicy":"x","nodeTaintsPolicy":"y"}]"#,
        r#"spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Never": supported values: "DoNotSchedule", "ScheduleAnyway"; spec.topologySpreadConstraints[0].minDomains: Invalid value: 0: must be greater than zero; spec.topologySpreadConstraints[0].minDomains: Invalid value: 0: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not Never; spec.topologySpreadConstraints[0].nodeAffinityPolicy: Unsupported value: "x": supported values: "Honor", "Ignore"; spec.topologySpreadConstraints[0].nodeTaintsPolicy: Unsupported value: "y": supported values: "Honor", "Ignore""#,
    );
    check(
        r#""topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"a","whenUnsatisfiable":"ScheduleAnyway","minDomains":1}]"#,
        r#"spec.topologySpreadConstraints[0].minDomains: Invalid value: 1: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"#,
    );
}

#[test]
fn a_toleration_that_compares_has_a_number() {
    let tolerations = |json: &str| spec(&format!(r#""tolerations":[{json}]"#));
    POD.created(
        &tolerations(r#"{"key":"a","operator":"Equal","value":"b c"}"#),
        &["spec.tolerations[0].operator: Invalid value: \"b c\": a valid label must be"],
    );
    let compared = |value: &str| {
        tolerations(&format!(
            r#"{{"key":"a","operator":"Lt","value":"{value}"}}"#
        ))
    };
    POD.created(
        &compared("1"),
        &["spec.tolerations[0].operator: Unsupported value: \"Lt\""],
    );
    // One that is there already is looked at.
    for good in ["0", "-5", "9223372036854775807"] {
        POD.updated(&compared(good), &compared(good), &[]);
    }
    let at = "spec.tolerations[0].value: Invalid value: ";
    for bad in ["01", "x", ""] {
        let canonical = format!("{at}\"{bad}\": must be a valid decimal integer in canonical form");
        let parsed = format!("{at}\"{bad}\": strconv.ParseInt: parsing \"{bad}\": invalid syntax");
        let said: &[&str] = if bad == "01" {
            &[&canonical]
        } else {
            &[&canonical, &parsed]
        };
        POD.updated(&compared(bad), &compared(bad), &[said, said].concat());
    }
    let big = "9223372036854775808";
    let said = format!("{at}\"{big}\": strconv.ParseInt: parsing \"{big}\": value out of range");
    POD.updated(&compared(big), &compared(big), &[&said, &said]);
}

#[test]
fn keys_of_labels_are_not_selected_twice() {
    let terms = |json: &str| {
        spec(&format!(
            r#""affinity":{{"podAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":[{{"topologyKey":"a",{json}}}]}}}}"#
        ))
    };
    let at = "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";
    POD.created(
        &terms(
            r#""labelSelector":{"matchLabels":{"x":"y"},"matchExpressions":[{"key":"x","operator":"Exists"}]},"matchLabelKeys":["x","a b"],"mismatchLabelKeys":["x"]"#,
        ),
        &[
            &format!("{at}.matchLabelKeys[1]: Invalid value: \"a b\": name part"),
            &format!("{at}[0]: Invalid value: \"x\": exists in both matchLabelKeys and labelSelector"),
            &format!("{at}.matchLabelKeys[0]: Invalid value: \"x\": exists in both matchLabelKeys and mismatchLabelKeys"),
        ],
    );
    POD.created(
        &terms(r#""labelSelector":{"matchExpressions":[{"key":"x","operator":"In"}]}"#),
        &[&format!("{at}.labelSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'")],
    );
    let spread = |json: &str| {
        spec(&format!(
            r#""topologySpreadConstraints":[{{"maxSkew":1,"topologyKey":"a","whenUnsatisfiable":"DoNotSchedule",{json}}}]"#
        ))
    };
    let at = "spec.topologySpreadConstraints[0]";
    let malformed = spread(r#""labelSelector":{"matchLabels":{"a b":"c"}}"#);
    POD.created(
        &malformed,
        &[&format!(
            "{at}.labelSelector.matchLabels: Invalid value: \"a b\": name part"
        )],
    );
    POD.updated(&malformed, &malformed, &[]);
    // The older rule holds where the newer finds fault with what is there.
    let old = spread(
        r#""labelSelector":{"matchLabels":{"x":"y"},"matchExpressions":[{"key":"x","operator":"Exists"}]},"matchLabelKeys":["x","a b"]"#,
    );
    POD.updated(
        &old,
        &old,
        &[
            &format!("{at}.matchLabelKeys[0]: Invalid value: \"x\": exists in both matchLabelKeys and labelSelector"),
            &format!("{at}.matchLabelKeys[1]: Invalid value: \"a b\": name part"),
        ],
    );
    let alone = spread(r#""matchLabelKeys":["x"]"#);
    POD.updated(
        &alone,
        &alone,
        &[&format!(
            "{at}.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"
        )],
    );
    let node = spec(
        r#""affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In","values":["b c"]}]}]}}}"#,
    );
    POD.updated(&node, &node, &[]);
}
