//! `discovery`.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, FieldError, Path};
use pintle_runtime::ip;
use pintle_runtime::name::{
    dns1123_label, dns1123_subdomain, fully_qualified_domain_name, label_key, label_value,
    port_number,
};
use pintle_runtime::object_meta::validate_labels;
use pintle_runtime::value::Record;

use super::Rules;
use super::core::service::one_of;
use super::immutable::immutable;
use crate::discovery::v1::{Endpoint, EndpointHints, EndpointSlice};

const MOST_ENDPOINTS: usize = 1_000;
const MOST_ADDRESSES: usize = 100;
const MOST_PORTS: usize = 20_000;
const MOST_LABELS: usize = 16;
const MOST_HINTS: usize = 8;

/// The rules of a kind of this group.
pub(super) fn rules(kind: &str) -> Option<Rules> {
    Some(match kind {
        "EndpointSlice" => Rules {
            create,
            update,
            subresources: &[],
        },
        _ => return None,
    })
}

fn create(new: &Record, errors: &mut ErrorList) {
    validate(EndpointSlice::from_record(new), &[], errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (
        EndpointSlice::from_record(new),
        EndpointSlice::from_record(old),
    );
    let had: Vec<&str> = old
        .endpoints()
        .into_iter()
        .flat_map(|endpoint| endpoint.addresses().iter())
        .collect();
    validate(new, &had, errors);
    let path = Path::new("addressType");
    if new.address_type() != old.address_type() {
        immutable(new.address_type(), old.address_type(), &path, errors);
    }
}

fn validate(slice: EndpointSlice<'_>, had: &[&str], errors: &mut ErrorList) {
    let known = ["FQDN", "IPv4", "IPv6"];
    one_of(
        slice.address_type(),
        &known,
        &Path::new("addressType"),
        errors,
    );
    let path = Path::new("endpoints");
    if slice.endpoints().len() > MOST_ENDPOINTS {
        too_many(slice.endpoints().len(), MOST_ENDPOINTS, &path, errors);
    } else {
        for (at, endpoint) in slice.endpoints().iter().enumerate() {
            validate_endpoint(endpoint, slice.address_type(), had, &path.index(at), errors);
        }
    }
    validate_ports(slice, errors);
}

fn too_many(count: usize, most: usize, path: &Path<'_>, errors: &mut ErrorList) {
    errors.push(FieldError::too_many(path, count, most));
}

fn validate_endpoint(
    endpoint: Endpoint<'_>,
    ty: &str,
    had: &[&str],
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    let addresses = path.child("addresses");
    let count = endpoint.addresses().len();
    if count == 0 {
        errors.required(&addresses, "must contain at least 1 address");
    } else if count > MOST_ADDRESSES {
        too_many(count, MOST_ADDRESSES, &addresses, errors);
    }
    for (at, address) in endpoint.addresses().iter().enumerate() {
        let at = addresses.index(at);
        match ty {
            "FQDN" => fully_qualified_domain_name(&at, address, errors),
            "IPv4" | "IPv6" => {
                let before = errors.len();
                ip::validate_legacy(address, had, &at, errors);
                if errors.len() > before {
                    continue;
                }
                if ip::is_ipv6(address) != (ty == "IPv6") {
                    errors.invalid(&addresses, address, format!("must be an {ty} address"));
                }
                ip::validate_reachable(address, &at, errors);
            }
            _ => {}
        }
    }
    if let Some(node) = endpoint.node_name() {
        errors.invalid_each(&path.child("nodeName"), node, dns1123_subdomain(node));
    }
    let topology = path.child("deprecatedTopology");
    if endpoint.deprecated_topology().len() > MOST_LABELS {
        let count = endpoint.deprecated_topology().len();
        too_many(count, MOST_LABELS, &topology, errors);
    }
    validate_labels(endpoint.deprecated_topology(), &topology, errors);
    if let Some(name) = endpoint.hostname() {
        errors.invalid_each(&path.child("hostname"), name, dns1123_label(name));
    }
    if let Some(hints) = endpoint.hints() {
        validate_hints(hints, &path.child("hints"), errors);
    }
}

fn validate_hints(hints: EndpointHints<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let zones: Vec<&str> = hints.for_zones().iter().map(|zone| zone.name()).collect();
    let nodes: Vec<&str> = hints.for_nodes().iter().map(|node| node.name()).collect();
    let rules: [(_, _, fn(&str) -> _); 2] = [
        ("forZones", zones, label_value),
        ("forNodes", nodes, dns1123_subdomain),
    ];
    for (field, names, rule) in rules {
        let path = path.child(field);
        if names.len() > MOST_HINTS {
            return too_many(names.len(), MOST_HINTS, &path, errors);
        }
        let mut seen = HashSet::new();
        for (at, name) in names.into_iter().enumerate() {
            let item = path.index(at);
            let path = item.child("name");
            if !seen.insert(name) {
                errors.duplicate(&path, name);
            }
            errors.invalid_each(&path, name, rule(name));
        }
    }
}

fn validate_ports(slice: EndpointSlice<'_>, errors: &mut ErrorList) {
    let path = Path::new("ports");
    if slice.ports().len() > MOST_PORTS {
        return too_many(slice.ports().len(), MOST_PORTS, &path, errors);
    }
    let mut names = HashSet::new();
    for (at, port) in slice.ports().iter().enumerate() {
        let path = path.index(at);
        let name = port.name().unwrap_or_default();
        if !name.is_empty() {
            errors.invalid_each(&path.child("name"), name, dns1123_label(name));
        }
        if !names.insert(name) {
            errors.duplicate(&path.child("name"), BadValue::json_string(name));
        }
        if let Some(number) = port.port() {
            for why in port_number(number.into()) {
                errors.invalid(&path.child("port"), number, why);
            }
        }
        let protocol = port.protocol().unwrap_or_default();
        let known = ["SCTP", "TCP", "UDP"];
        one_of(protocol, &known, &path.child("protocol"), errors);
        if let Some(protocol) = port.app_protocol() {
            errors.invalid_each(&path.child("appProtocol"), protocol, label_key(protocol));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_create;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        check_create("discovery.k8s.io", "EndpointSlice", body, expected);
    }

    /// A slice of IPv4 addresses with these `endpoints` and `ports`.
    fn slice(endpoints: &str, ports: &str) -> String {
        format!(r#"{{"addressType":"IPv4","endpoints":[{endpoints}],"ports":[{ports}]}}"#)
    }

    #[test]
    fn addresses_are_of_the_type() {
        check(r#"{"endpoints":[]}"#, "addressType: Required value");
        check(
            r#"{"addressType":"IPX"}"#,
            r#"addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6""#,
        );
        check(&slice(r#"{"addresses":["10.0.0.1"]}"#, ""), "");
        check(
            &slice(r#"{"addresses":[]}"#, ""),
            "endpoints[0].addresses: Required value: must contain at least 1 address",
        );
        check(
            &slice(r#"{"addresses":["2001:db8::1"]}"#, ""),
            r#"endpoints[0].addresses: Invalid value: "2001:db8::1": must be an IPv4 address"#,
        );
        check(
            &slice(r#"{"addresses":["x"]}"#, ""),
            r#"endpoints[0].addresses[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"#,
        );
        check(
            r#"{"addressType":"FQDN","endpoints":[{"addresses":["a"]}]}"#,
            r#"endpoints[0].addresses[0]: Invalid value: "a": should be a domain with at least two segments separated by dots"#,
        );
        let many = r#"{"addresses":["10.0.0.1"]}"#;
        check(
            &slice(&vec![many; 1_001].join(","), ""),
            "endpoints: Too many: 1001: must have at most 1000 items",
        );
    }

    #[test]
    fn hints_and_ports_are_distinct() {
        check(
            &slice(
                r#"{"addresses":["10.0.0.1"],"hints":{"forZones":[{"name":"a"},{"name":"a"}]}}"#,
                "",
            ),
            r#"endpoints[0].hints.forZones[1].name: Duplicate value: "a""#,
        );
        check(
            &slice("", r#"{"port":1},{"port":2}"#),
            r#"ports[1].name: Duplicate value: """#,
        );
        check(
            &slice("", r#"{"port":0,"protocol":"ICMP"}"#),
            "ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive; \
             ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
        );
    }
}
