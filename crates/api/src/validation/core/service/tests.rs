use bytes::Bytes;
use pintle_runtime::codec::{Problems, json};
use pintle_runtime::value::Record;

use crate::validation;
use crate::validation::check::Good;

#[track_caller]
fn service(body: &str) -> Record {
    let ty = crate::type_by_kind("", "v1", "Service").expect("a kind");
    let body = Bytes::from(body.to_owned());
    let mut record = json::decode(&ty, &body, &mut Problems::ignored()).expect("an object");
    crate::defaults::apply(&mut record);
    record
}

fn shown(errors: &pintle_runtime::field_path::ErrorList) -> String {
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// `spec` with a port unless it says something of ports.
fn body(spec: &str) -> String {
    let ports = if spec.contains("\"ports\"") {
        ""
    } else {
        r#""ports":[{"port":80}]"#
    };
    let comma = if spec.is_empty() || ports.is_empty() {
        ""
    } else {
        ","
    };
    format!(r#"{{"metadata":{{"name":"a"}},"spec":{{{spec}{comma}{ports}}}}}"#)
}

#[track_caller]
fn check(spec: &str, expected: &str) {
    assert_eq!(
        shown(&validation::create(&service(&body(spec)))),
        expected,
        "{spec}"
    );
}

#[track_caller]
fn check_update(old: &str, new: &str, expected: &str) {
    let errors = validation::update(&service(&body(new)), &service(&body(old)));
    assert_eq!(shown(&errors), expected, "{old} to {new}");
}

#[test]
fn a_plain_service_is_fine() {
    check("", "");
    check(
        r#""type":"NodePort","ports":[{"port":80,"nodePort":30000}]"#,
        "",
    );
    check(r#""clusterIP":"None","clusterIPs":["None"],"ports":[]"#, "");
    check(
        r#""type":"ExternalName","externalName":"a.example.com.""#,
        "",
    );
}

#[test]
fn types_want_and_refuse_fields() {
    check(r#""ports":[]"#, "spec.ports: Required value");
    check(
        r#""type":"LoadBalancer","clusterIP":"None","clusterIPs":["None"]"#,
        r#"spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for LoadBalancer services"#,
    );
    check(
        r#""type":"ExternalName","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack""#,
        "spec.clusterIPs: Forbidden: may not be set for ExternalName services; \
         spec.ipFamilies: Forbidden: may not be set for ExternalName services; \
         spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services; \
         spec.externalName: Required value",
    );
    check(
        r#""type":"Magic""#,
        r#"spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort""#,
    );
    check(
        r#""allocateLoadBalancerNodePorts":true"#,
        "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
    );
    check(
        r#""loadBalancerClass":"a/b""#,
        "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    );
}

#[test]
fn ports_are_named_and_distinct() {
    check(
        r#""ports":[{"port":1},{"port":2}]"#,
        "spec.ports[0].name: Required value; spec.ports[1].name: Required value",
    );
    check(
        r#""ports":[{"name":"a","port":1},{"name":"a","port":2}]"#,
        r#"spec.ports[1].name: Duplicate value: "a""#,
    );
    check(
        r#""ports":[{"name":"a","port":1},{"name":"b","port":1}]"#,
        r#"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}"#,
    );
    check(
        r#""ports":[{"name":"a","port":1},{"name":"b","port":1,"protocol":"UDP"}]"#,
        "",
    );
    check(
        r#""type":"NodePort","ports":[{"name":"a","port":1,"nodePort":3},{"name":"b","port":2,"nodePort":3}]"#,
        "spec.ports[1].nodePort: Duplicate value: 3",
    );
    check(
        r#""ports":[{"port":1,"nodePort":3}]"#,
        "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    );
    check(
        r#""ports":[{"port":1,"targetPort":"A"}]"#,
        "spec.ports[0].targetPort: Invalid value: \"A\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-); \
         spec.ports[0].targetPort: Invalid value: \"A\": must contain at least one letter (a-z)",
    );
}

#[test]
fn affinity_is_configured_if_it_is_by_client() {
    check(
        r#""sessionAffinity":"Sticky""#,
        r#"spec.sessionAffinity: Unsupported value: "Sticky": supported values: "ClientIP", "None""#,
    );
    check(r#""sessionAffinity":"ClientIP""#, "");
    check(
        r#""sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":0}}"#,
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400",
    );
}

#[test]
fn addresses_and_families_agree() {
    check(
        r#""clusterIP":"10.0.0.1","clusterIPs":["10.0.0.2"]"#,
        r#"spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`"#,
    );
    check(
        r#""clusterIPs":["10.0.0.2"]"#,
        r#"spec.clusterIPs: Invalid value: ["10.0.0.2"]: must be empty when `clusterIP` is not specified"#,
    );
    check(
        r#""clusterIP":"10.0.0.2""#,
        "spec.clusterIPs: Required value",
    );
    check(
        r#""clusterIP":"None","clusterIPs":["None","10.0.0.1"]"#,
        r#"spec.clusterIPs: Invalid value: ["None","10.0.0.1"]: 'None' must be the first and only value"#,
    );
    check(
        r#""clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","10.0.0.2"]"#,
        r#"spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family"#,
    );
    check(
        r#""clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv6"]"#,
        r#"spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`"#,
    );
    check(
        r#""ipFamilies":["IPv4","IPv4"]"#,
        r#"spec.ipFamilies[1]: Duplicate value: "IPv4""#,
    );
    check(
        r#""ipFamilyPolicy":"Any""#,
        r#"spec.ipFamilyPolicy: Unsupported value: "Any": supported values: "PreferDualStack", "RequireDualStack", "SingleStack""#,
    );
    check(
        r#""externalIPs":["127.0.0.1"]"#,
        r#"spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"#,
    );
}

#[test]
fn traffic_goes_where_it_can() {
    check(
        r#""externalTrafficPolicy":"Local""#,
        r#"spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services"#,
    );
    check(
        r#""type":"LoadBalancer","externalTrafficPolicy":"Local""#,
        "spec.healthCheckNodePort: Required value",
    );
    check(
        r#""healthCheckNodePort":30000"#,
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and \
         `externalTrafficPolicy` is 'Local'",
    );
    check(
        r#""internalTrafficPolicy":"Far""#,
        r#"spec.internalTrafficPolicy: Unsupported value: "Far": supported values: "Cluster", "Local""#,
    );
    check(
        r#""trafficDistribution":"Far""#,
        r#"spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameZone", "PreferSameNode""#,
    );
    check(
        r#""type":"LoadBalancer","loadBalancerSourceRanges":[" 10.0.0.0/8 ","10.0.0.1/8"]"#,
        r#"spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length"#,
    );
}

#[test]
fn the_first_address_and_family_stay() {
    let one = r#""clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack""#;
    let two = r#""clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","fd00::1"],"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack""#;
    check_update(one, one, "");
    check_update(one, two, "");
    check_update(two, one, "");
    check_update(
        one,
        r#""clusterIP":"10.0.0.2","clusterIPs":["10.0.0.2"],"ipFamilies":["IPv4"]"#,
        r#"spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set"#,
    );
    check_update(
        two,
        r#""clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"PreferDualStack""#,
        "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to 'SingleStack' when releasing the secondary clusterIP; \
         spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to 'SingleStack' when releasing the secondary ipFamily",
    );
    check_update(
        one,
        "",
        "spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset; \
         spec.ipFamilies[0]: Invalid value: null: primary ipFamily can not be unset",
    );
    check_update(one, r#""type":"ExternalName","externalName":"a.b""#, "");
}

#[test]
fn what_a_load_balancer_says_has_a_form() {
    let old = body(r#""type":"LoadBalancer""#);
    let check = |ingress: &str, expected: &str| {
        let new = old.replacen(
            '{',
            &format!(r#"{{"status":{{"loadBalancer":{{"ingress":[{ingress}]}}}},"#),
            1,
        );
        let errors = validation::update_subresource("status", &service(&new), &service(&old));
        assert_eq!(shown(&errors), expected, "{ingress}");
    };
    check(r#"{"ip":"10.0.0.1"}"#, "");
    check(
        r#"{"ip":"x"}"#,
        r#"status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
    );
    check(
        r#"{"hostname":"10.0.0.1","ipMode":"VIP"}"#,
        "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set; \
         status.loadBalancer.ingress[0].hostname: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address",
    );
}

const SERVICE: Good = Good {
    group: "",
    version: "v1",
    kind: "Service",
    object: r#"{"metadata":{"name":"a"},"spec":{"clusterIPs":["10.0.0.1"],"clusterIP":"10.0.0.1","ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack","ports":[{"port":80}]}}"#,
};

#[test]
fn every_field_has_its_form() {
    let spec = |fields: &str| format!(r#"{{"spec":{{{fields}}}}}"#);
    let balanced = |fields: &str| spec(&format!(r#""type":"LoadBalancer",{fields}"#));
    let cases: &[(String, &[&str])] = &[
        (
            spec(r#""ports":[{"port":70000,"protocol":"X","targetPort":0,"appProtocol":"a b"}]"#),
            &[
                "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "spec.ports[0].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
                "spec.ports[0].targetPort: Invalid value: 70000: must be between",
                "spec.ports[0].appProtocol: Invalid value: \"a b\": name part",
            ],
        ),
        (
            balanced(r#""loadBalancerClass":"a b","allocateLoadBalancerNodePorts":true"#),
            &["spec.loadBalancerClass: Invalid value: \"a b\": name part"],
        ),
        (
            spec(r#""loadBalancerSourceRanges":["10.0.0.0/8"]"#),
            &[
                "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
            ],
        ),
        (
            balanced(r#""loadBalancerSourceRanges":[" 10.0.0.0/8","x"]"#),
            &["spec.LoadBalancerSourceRanges[1]: Invalid value: \"x\": must be a valid CIDR value"],
        ),
        (
            balanced(r#""externalTrafficPolicy":"Local","healthCheckNodePort":70000"#),
            &["spec.healthCheckNodePort: Invalid value: 70000: must be between"],
        ),
        (
            spec(
                r#""clusterIPs":["10.0.0.1","::1","10.0.0.2"],"ipFamilyPolicy":"RequireDualStack","ipFamilies":["IPv4","IPv6"]"#,
            ),
            &[
                "spec.clusterIPs: Invalid value: [\"10.0.0.1\",\"::1\",\"10.0.0.2\"]: may only hold up to 2 values",
            ],
        ),
        (
            spec(r#""ipFamilies":["IPv5"]"#),
            &[
                "spec.ipFamilies[0]: Unsupported value: \"IPv5\": supported values: \"IPv4\", \"IPv6\"",
            ],
        ),
    ];
    for (patch, expected) in cases {
        SERVICE.created(patch, expected);
    }
    let annotated = |more: &str, annotations: &str| {
        format!(r#"{{"metadata":{{"annotations":{{{annotations}}}}},"spec":{{{more}}}}}"#)
    };
    SERVICE.created(
        &annotated("", r#""service.kubernetes.io/topology-mode":"Auto","service.kubernetes.io/topology-aware-hints":"Disabled""#),
        &["metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: \"Auto\": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified"],
    );
    let ranges = annotated(
        "",
        r#""service.beta.kubernetes.io/load-balancer-source-ranges":"10.0.0.0/8, x""#,
    );
    let at = "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: ";
    let forbidden = format!("{at}Forbidden: may only be used when `type` is 'LoadBalancer'");
    SERVICE.created(&ranges, &[&forbidden, &format!("{at}Invalid value: \"x\"")]);
    SERVICE.updated(&ranges, &ranges, &[&forbidden]);
}

#[test]
fn what_is_set_up_outside_stays() {
    let families = |families: &str, policy: &str| {
        format!(r#"{{"spec":{{"ipFamilies":[{families}],"ipFamilyPolicy":"{policy}"}}}}"#)
    };
    SERVICE.updated(
        "{}",
        &families(r#""IPv6""#, "SingleStack"),
        &[
            "spec.ipFamilies[0]: Invalid value: [\"IPv6\"]: may not change once set",
            "spec.clusterIPs[0]: Invalid value: \"10.0.0.1\": expected an IPv6 value",
        ],
    );
    SERVICE.updated(
        "{}",
        &families(r#""IPv6","IPv4""#, "PreferDualStack"),
        &[
            "spec.ipFamilies[0]: Invalid value: [\"10.0.0.1\"]: may not change once set",
            "spec.clusterIPs[0]: Invalid value: \"10.0.0.1\": expected an IPv6 value",
        ],
    );
    let balanced = |fields: &str| format!(r#"{{"spec":{{"type":"LoadBalancer"{fields}}}}}"#);
    SERVICE.updated(
        &balanced(r#","loadBalancerClass":"a/b""#),
        &balanced(r#","loadBalancerClass":"a/c""#),
        &["spec.loadBalancerClass: Invalid value: \"a/c\": may not change once set"],
    );
    let checked = |port: &str| {
        balanced(&format!(
            r#","externalTrafficPolicy":"Local","healthCheckNodePort":{port}"#
        ))
    };
    SERVICE.updated(
        &checked("30000"),
        &checked("30001"),
        &["spec.healthCheckNodePort: Forbidden: field is immutable"],
    );
    let with = |fields: &str, ingress: &str| {
        format!(r#"{{"spec":{{{fields}}},"status":{{"loadBalancer":{{"ingress":[{ingress}]}}}}}}"#)
    };
    SERVICE.updated_in(
        "status",
        "{}",
        &with("", r#"{"ip":"10.0.0.1"}"#),
        &["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
    );
    SERVICE.updated_in(
        "status",
        &balanced(""),
        &with(r#""type":"LoadBalancer""#, r#"{"ip":"10.0.0.1","ipMode":"Odd"}"#),
        &["status.loadBalancer.ingress[0].ipMode: Unsupported value: \"Odd\": supported values: \"Proxy\", \"VIP\""],
    );
}
