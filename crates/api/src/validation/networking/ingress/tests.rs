use super::super::super::tests::{check_create, check_subresource, check_update};

const GROUP: &str = "networking.k8s.io";
const BACKEND: &str = r#""backend":{"service":{"name":"s","port":{"number":80}}}"#;

#[track_caller]
fn check(spec: &str, expected: &str) {
    check_create(
        GROUP,
        "Ingress",
        &format!(r#"{{"spec":{{{spec}}}}}"#),
        expected,
    );
}

/// A rule for `a.example.com` with one path.
#[track_caller]
fn check_path(path: &str, expected: &str) {
    let spec = format!(r#""rules":[{{"host":"a.example.com","http":{{"paths":[{{{path}}}]}}}}]"#);
    check(&spec, expected);
}

#[test]
fn an_ingress_leads_somewhere() {
    check(
        "",
        "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified",
    );
    check(
        r#""defaultBackend":{"service":{"name":"s","port":{"name":"web"}}}"#,
        "",
    );
    check(
        r#""defaultBackend":{}"#,
        r#"spec.defaultBackend: Invalid value: "": resource or service backend is required"#,
    );
    check(
        r#""defaultBackend":{"service":{"name":"","port":{}}}"#,
        "spec.defaultBackend.service.name: Required value; spec.defaultBackend: Required value: port name or number is required",
    );
    check(
        r#""defaultBackend":{"resource":{"kind":"","name":"a/b"}}"#,
        "spec.defaultBackend.resource.kind: Required value; \
         spec.defaultBackend.resource.name: Invalid value: \"a/b\": may not contain '/'",
    );
    check(
        r#""defaultBackend":{"service":{"name":"s","port":{"number":70000}}}"#,
        "spec.defaultBackend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive",
    );
}

#[test]
fn paths_have_a_type_and_its_form() {
    check_path(&format!(r#""path":"/","pathType":"Prefix",{BACKEND}"#), "");
    check_path(
        &format!(r#""path":"/",{BACKEND}"#),
        "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
    );
    check_path(
        &format!(r#""path":"/","pathType":"Regex",{BACKEND}"#),
        "spec.rules[0].http.paths[0].pathType: Unsupported value: \"Regex\": supported values: \"Exact\", \
         \"ImplementationSpecific\", \"Prefix\"",
    );
    check_path(
        &format!(r#""path":"/a//b/..","pathType":"Exact",{BACKEND}"#),
        "spec.rules[0].http.paths[0].path: Invalid value: \"/a//b/..\": must not contain '//'; \
         spec.rules[0].http.paths[0].path: Invalid value: \"/a//b/..\": cannot end with '/..'",
    );
    check_path(
        &format!(r#""pathType":"ImplementationSpecific",{BACKEND}"#),
        "",
    );
    check(
        r#""rules":[{"http":{"paths":[]}}]"#,
        "spec.rules[0].http.paths: Required value",
    );
    check(
        r#""rules":[{"host":"1.2.3.4"}]"#,
        r#"spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address"#,
    );
}

#[test]
fn what_an_ingress_had_it_may_keep() {
    let body = |secret: &str| {
        format!(
            r#"{{"spec":{{"defaultBackend":{{"service":{{"name":"s","port":{{"number":1}}}}}},"tls":[{{"secretName":"{secret}"}}]}}}}"#
        )
    };
    check_update(GROUP, "Ingress", &body("A_"), &body("B_"), "");
    check_update(
        GROUP,
        "Ingress",
        &body("a"),
        &body("B_"),
        "spec.tls[0].secretName: Invalid value: \"B_\": a lowercase RFC 1123 subdomain must consist of lower case \
         alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', \
         regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    );
}

#[test]
fn what_a_load_balancer_says_has_a_form() {
    check_subresource(
        GROUP,
        "Ingress",
        "status",
        "{}",
        r#"{"status":{"loadBalancer":{"ingress":[{"ip":"x"},{"hostname":"1.2.3.4"}]}}}"#,
        "status.loadBalancer.ingress[0].ip: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or \
         2001:db8::ffff); status.loadBalancer.ingress[1].hostname: Invalid value: \"1.2.3.4\": must be a DNS name, not an \
         IP address",
    );
}

#[test]
fn a_class_names_its_controller_for_good() {
    let check = |spec: &str, expected: &str| {
        check_create(
            GROUP,
            "IngressClass",
            &format!(r#"{{"spec":{{{spec}}}}}"#),
            expected,
        );
    };
    check(r#""controller":"example.com/a""#, "");
    check(r#""controller":"""#, "spec.controller: Required value");
    check(
        r#""controller":"example.com/a","parameters":{"kind":"K","name":"n","scope":"Namespace"}"#,
        "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    );
    check(
        r#""controller":"example.com/a","parameters":{"kind":"K","name":"n","namespace":"a"}"#,
        "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
    );
    check(
        r#""controller":"example.com/a","parameters":{"kind":"K","name":"n","scope":"Galaxy"}"#,
        r#"spec.parameters.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespace""#,
    );
    check_update(
        GROUP,
        "IngressClass",
        r#"{"spec":{"controller":"example.com/a"}}"#,
        r#"{"spec":{"controller":"example.com/b"}}"#,
        r#"spec.controller: Invalid value: "example.com/b": field is immutable"#,
    );
}
