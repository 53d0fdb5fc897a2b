//! `Endpoints`.

use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::ip;
use pintle_runtime::name::{dns1123_label, dns1123_subdomain, label_key, port_number};
use pintle_runtime::value::Record;

use super::service::one_of;
use crate::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints};
use crate::validation::Rules;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

fn create(new: &Record, errors: &mut ErrorList) {
    validate(Endpoints::from_record(new), errors);
}

/// What does not change is not looked at: there are endpoints from before the rules.
fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let (new, old) = (Endpoints::from_record(new), Endpoints::from_record(old));
    if new.subsets().values() == old.subsets().values() {
        return;
    }
    validate(new, errors);
}

fn validate(new: Endpoints<'_>, errors: &mut ErrorList) {
    let path = Path::new("subsets");
    for (at, subset) in new.subsets().iter().enumerate() {
        validate_subset(subset, &path.index(at), errors);
    }
}

fn validate_subset(subset: EndpointSubset<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (ready, not_ready) = (subset.addresses(), subset.not_ready_addresses());
    if ready.is_empty() && not_ready.is_empty() {
        errors.required(path, "must specify `addresses` or `notReadyAddresses`");
    }
    for (name, addresses) in [("addresses", ready), ("notReadyAddresses", not_ready)] {
        for (at, address) in addresses.iter().enumerate() {
            validate_address(address, &path.child(name).index(at), errors);
        }
    }
    let named = subset.ports().len() > 1;
    for (at, port) in subset.ports().iter().enumerate() {
        validate_port(port, named, &path.child("ports").index(at), errors);
    }
}

fn validate_address(address: EndpointAddress<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let (ip, at) = (address.ip(), path.child("ip"));
    ip::validate_legacy(ip, &[], &at, errors);
    if !address.hostname().is_empty() {
        let name = address.hostname();
        errors.invalid_each(&path.child("hostname"), name, dns1123_label(name));
    }
    if let Some(node) = address.node_name() {
        errors.invalid_each(&path.child("nodeName"), node, dns1123_subdomain(node));
    }
    ip::validate_reachable(ip, &at, errors);
}

fn validate_port(port: EndpointPort<'_>, named: bool, path: &Path<'_>, errors: &mut ErrorList) {
    let name = path.child("name");
    if !port.name().is_empty() {
        errors.invalid_each(&name, port.name(), dns1123_label(port.name()));
    } else if named {
        errors.required(&name, "");
    }
    for why in port_number(port.port().into()) {
        errors.invalid(&path.child("port"), port.port(), why);
    }
    let known = ["SCTP", "TCP", "UDP"];
    one_of(port.protocol(), &known, &path.child("protocol"), errors);
    if let Some(protocol) = port.app_protocol() {
        errors.invalid_each(&path.child("appProtocol"), protocol, label_key(protocol));
    }
}

#[cfg(test)]
mod tests {
    use crate::validation::check::Good;
    use crate::validation::tests::{check_create, check_update};

    #[track_caller]
    fn check(subset: &str, expected: &str) {
        check_create("", "Endpoints", &body(subset), expected);
    }

    fn body(subset: &str) -> String {
        format!(r#"{{"subsets":[{{{subset}}}]}}"#)
    }

    #[test]
    fn subsets_have_reachable_addresses() {
        check(r#""addresses":[{"ip":"10.0.0.1"}]"#, "");
        check(
            "",
            "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
        );
        check(
            r#""notReadyAddresses":[{"ip":"x","hostname":"A"}]"#,
            "subsets[0].notReadyAddresses[0].ip: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or \
             2001:db8::ffff); subsets[0].notReadyAddresses[0].hostname: Invalid value: \"A\": a lowercase RFC 1123 label \
             must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric \
             character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'); \
             subsets[0].notReadyAddresses[0].ip: Invalid value: \"x\": must be a valid IP address",
        );
    }

    #[test]
    fn nodes_and_protocols_have_names() {
        let good = Good {
            group: "",
            version: "v1",
            kind: "Endpoints",
            object: r#"{"metadata":{"name":"e"}}"#,
        };
        good.created(
            &body(r#""addresses":[{"ip":"10.0.0.1","nodeName":"A"}],"ports":[{"port":1,"protocol":"X","appProtocol":"a b"}]"#),
            &[
                "subsets[0].addresses[0].nodeName: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
                "subsets[0].ports[0].protocol: Unsupported value: \"X\"",
                "subsets[0].ports[0].appProtocol: Invalid value: \"a b\": name part",
            ],
        );
    }

    #[test]
    fn several_ports_have_names() {
        check(
            r#""addresses":[{"ip":"10.0.0.1"}],"ports":[{"port":1},{"name":"b","port":0}]"#,
            "subsets[0].ports[0].name: Required value; \
             subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        );
    }

    #[test]
    fn what_does_not_change_is_not_looked_at() {
        let old = body(r#""addresses":[{"ip":"127.0.0.1"}]"#);
        check_update("", "Endpoints", &old, &old, "");
        check_update(
            "",
            "Endpoints",
            &old,
            &body(r#""addresses":[{"ip":"127.0.0.2"}]"#),
            "subsets[0].addresses[0].ip: Invalid value: \"127.0.0.2\": may not be in the loopback range (127.0.0.0/8, \
             ::1/128)",
        );
    }
}
