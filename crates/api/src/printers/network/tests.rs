use crate::printers::tests::check;

#[track_caller]
fn check_service(spec: &str, status: &str, expected: [&str; 4]) {
    let [ty, cluster_ip, external_ip, ports] = expected;
    check(
        &format!(
            r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"aaa"}},"spec":{{"selector":{{"app":"golden"}},{spec}}},"status":{{{status}}}}}"#
        ),
        &format!(
            r#"["aaa","{ty}","{cluster_ip}","{external_ip}","{ports}","<unknown>","app=golden"]"#
        ),
    );
}

#[test]
fn a_service_shows_its_addresses_and_ports() {
    check_service(
        r#""type":"ClusterIP","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","fd00::1"],"ports":[{"port":80,"protocol":"TCP"}]"#,
        "",
        ["ClusterIP", "10.0.0.1", "<none>", "80/TCP"],
    );
    check_service(
        r#""type":"NodePort","clusterIPs":["10.0.0.1"],"externalIPs":["198.51.100.1","198.51.100.2"],"ports":[{"port":80,"nodePort":30080,"protocol":"TCP"},{"port":53,"protocol":"UDP"}]"#,
        "",
        [
            "NodePort",
            "10.0.0.1",
            "198.51.100.1,198.51.100.2",
            "80:30080/TCP,53/UDP",
        ],
    );
    check_service(
        r#""type":"ExternalName","externalName":"example.com""#,
        "",
        ["ExternalName", "<none>", "example.com", "<none>"],
    );
    check_service(
        r#""clusterIP":"None""#,
        "",
        ["", "None", "<unknown>", "<none>"],
    );
}

#[test]
fn a_load_balancer_is_pending_until_it_has_an_address() {
    let spec = r#""type":"LoadBalancer","clusterIPs":["10.0.0.1"]"#;
    check_service(
        spec,
        "",
        ["LoadBalancer", "10.0.0.1", "<pending>", "<none>"],
    );
    let status = r#""loadBalancer":{"ingress":[{"ip":"203.0.113.9"},{"hostname":"lb.example.com"},{"ip":"203.0.113.10","hostname":"x"},{"ip":"203.0.113.9"}]}"#;
    check_service(
        spec,
        status,
        [
            "LoadBalancer",
            "10.0.0.1",
            "203.0.113.10,203.0.113.9,lb.example.com",
            "<none>",
        ],
    );
    let external = format!(r#"{spec},"externalIPs":["198.51.100.1"]"#);
    check_service(
        &external,
        "",
        ["LoadBalancer", "10.0.0.1", "198.51.100.1", "<none>"],
    );
    let status = r#""loadBalancer":{"ingress":[{"ip":"203.0.113.9"}]}"#;
    check_service(
        &external,
        status,
        [
            "LoadBalancer",
            "10.0.0.1",
            "203.0.113.9,198.51.100.1",
            "<none>",
        ],
    );
}

#[track_caller]
fn check_endpoints(subsets: &str, expected: &str) {
    check(
        &format!(
            r#"{{"apiVersion":"v1","kind":"Endpoints","metadata":{{"name":"aaa"}},"subsets":[{subsets}]}}"#
        ),
        &format!(r#"["aaa","{expected}","<unknown>"]"#),
    );
}

#[test]
fn three_endpoints_are_shown_and_the_others_counted() {
    check_endpoints("", "<none>");
    check_endpoints(
        r#"{"notReadyAddresses":[{"ip":"192.0.2.1"}],"ports":[{"port":80}]}"#,
        "",
    );
    check_endpoints(
        r#"{"addresses":[{"ip":"192.0.2.10"}],"ports":[{"port":80}]}"#,
        "192.0.2.10:80",
    );
    check_endpoints(
        r#"{"addresses":[{"ip":"192.0.2.10"}]},{"addresses":[{"ip":"fd00::1"}],"ports":[{"port":80}]}"#,
        "192.0.2.10,[fd00::1]:80",
    );
    check_endpoints(
        r#"{"addresses":[{"ip":"192.0.2.1"},{"ip":"192.0.2.2"}],"ports":[{"port":80},{"port":443},{"port":8080}]}"#,
        "192.0.2.1:80,192.0.2.2:80,192.0.2.1:443 + 3 more...",
    );
}

#[track_caller]
fn check_slice(fields: &str, ports: &str, endpoints: &str) {
    check(
        &format!(
            r#"{{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{{"name":"aaa"}},"addressType":"IPv4"{fields}}}"#
        ),
        &format!(r#"["aaa","IPv4","{ports}","{endpoints}","<unknown>"]"#),
    );
}

#[test]
fn a_slice_shows_three_ports_and_three_addresses() {
    check_slice("", "<unset>", "<unset>");
    check_slice(
        r#","ports":[{"port":80}],"endpoints":[{"addresses":["192.0.2.60"]}]"#,
        "80",
        "192.0.2.60",
    );
    check_slice(
        r#","ports":[{"name":"http","port":80},{"name":"any"},{},{"port":1},{"port":2}],
        "endpoints":[{"addresses":["192.0.2.1","192.0.2.2"]},{"addresses":["192.0.2.3"]},{"addresses":["192.0.2.4"]}]"#,
        "80,any,* + 2 more...",
        "192.0.2.1,192.0.2.2,192.0.2.3 + 1 more...",
    );
}

#[track_caller]
fn check_ingress(spec: &str, status: &str, expected: [&str; 4]) {
    let [class, hosts, address, ports] = expected;
    check(
        &format!(
            r#"{{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{{"name":"aaa"}},"spec":{{{spec}}},"status":{{{status}}}}}"#
        ),
        &format!(r#"["aaa","{class}","{hosts}","{address}","{ports}","<unknown>"]"#),
    );
}

#[test]
fn an_ingress_shows_its_hosts() {
    check_ingress("", "", ["<none>", "*", "", "80"]);
    check_ingress(
        r#""ingressClassName":"c","tls":[{}],"rules":[{"host":"a.example.com"},{},{"host":"b.example.com"}]"#,
        r#""loadBalancer":{"ingress":[{"hostname":"lb.example.com"},{"ip":"203.0.113.9"}]}"#,
        [
            "c",
            "a.example.com,b.example.com",
            "203.0.113.9,lb.example.com",
            "80, 443",
        ],
    );
    check_ingress(
        r#""rules":[{"host":"a"},{"host":"b"},{"host":"c"},{},{"host":"d"}]"#,
        "",
        ["<none>", "a,b,c + 2 more...", "", "80"],
    );
}

#[track_caller]
fn check_class(meta: &str, spec: &str, name: &str, parameters: &str) {
    check(
        &format!(
            r#"{{"apiVersion":"networking.k8s.io/v1","kind":"IngressClass","metadata":{{"name":"a"{meta}}},"spec":{{"controller":"example.com/golden"{spec}}}}}"#
        ),
        &format!(r#"["{name}","example.com/golden","{parameters}","<unknown>"]"#),
    );
}

#[test]
fn the_default_ingress_class_is_marked() {
    check_class("", "", "a", "<none>");
    let default = r#","annotations":{"ingressclass.kubernetes.io/is-default-class":"true"}"#;
    check_class(
        default,
        r#","parameters":{"kind":"ConfigMap","name":"c"}"#,
        "a (default)",
        "ConfigMap/c",
    );
    let parameters = r#","parameters":{"apiGroup":"k8s.example.com","kind":"P","name":"c"}"#;
    check_class("", parameters, "a", "P.k8s.example.com/c");
}

#[test]
fn a_network_policy_shows_whom_it_is_about() {
    let policy = |selector: &str| {
        format!(
            r#"{{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{{"name":"aaa"}},"spec":{{"podSelector":{selector}}}}}"#
        )
    };
    check(&policy("{}"), r#"["aaa","<none>","<unknown>"]"#);
    check(
        &policy(r#"{"matchLabels":{"b":"2","a":"1"}}"#),
        r#"["aaa","a=1,b=2","<unknown>"]"#,
    );
}

#[test]
fn an_address_names_what_it_belongs_to() {
    let address = |spec: &str| {
        format!(
            r#"{{"apiVersion":"networking.k8s.io/v1","kind":"IPAddress","metadata":{{"name":"192.168.77.5"}},"spec":{{{spec}}}}}"#
        )
    };
    check(&address(""), r#"["192.168.77.5","<none>","<unknown>"]"#);
    check(
        &address(r#""parentRef":{"resource":"services","namespace":"blue","name":"none"}"#),
        r#"["192.168.77.5","services/blue/none","<unknown>"]"#,
    );
    check(
        &address(r#""parentRef":{"group":"Example.com","resource":"Things","name":"X"}"#),
        r#"["192.168.77.5","things.example.com/X","<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","metadata":{"name":"a"},"spec":{"cidrs":["192.168.80.0/24","fd00::/64"]}}"#,
        r#"["a","192.168.80.0/24,fd00::/64","<unknown>"]"#,
    );
}
