//! `NetworkPolicy`.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::ip::{self, Cidr};
use pintle_runtime::name::{port_name, port_number};
use pintle_runtime::value::Record;
use pintle_runtime::view::{IntOrString, List};

use crate::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use crate::validation::Rules;
use crate::validation::labels::{Values, selector};

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

/// What a policy may keep that it has had.
struct Kept<'a> {
    values: Values,
    cidrs: Vec<&'a str>,
}

fn create(new: &Record, errors: &mut ErrorList) {
    let kept = Kept {
        values: Values::Checked,
        cidrs: Vec::new(),
    };
    validate(NetworkPolicy::from_record(new).spec(), &kept, errors);
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let old = NetworkPolicy::from_record(old).spec();
    let kept = Kept {
        // Upstream looks at the selector of the policy's own pods alone.
        values: Values::as_before(Some(old.pod_selector())),
        cidrs: peers(old)
            .filter_map(|peer| peer.ip_block())
            .flat_map(|block| std::iter::once(block.cidr()).chain(block.except().iter()))
            .collect(),
    };
    validate(NetworkPolicy::from_record(new).spec(), &kept, errors);
}

/// All peers that a policy names.
fn peers<'a>(spec: NetworkPolicySpec<'a>) -> impl Iterator<Item = NetworkPolicyPeer<'a>> {
    let from = spec.ingress().into_iter().flat_map(|rule| rule.from());
    let to = spec.egress().into_iter().flat_map(|rule| rule.to());
    from.chain(to)
}

fn validate(spec: NetworkPolicySpec<'_>, kept: &Kept<'_>, errors: &mut ErrorList) {
    let path = Path::new("spec");
    let pods = path.child("podSelector");
    selector(Some(spec.pod_selector()), kept.values, &pods, errors);
    for (at, rule) in spec.ingress().iter().enumerate() {
        let rules = path.child("ingress");
        let path = rules.index(at);
        validate_ports(rule.ports(), &path.child("ports"), errors);
        validate_peers(rule.from(), kept, &path.child("from"), errors);
    }
    for (at, rule) in spec.egress().iter().enumerate() {
        let rules = path.child("egress");
        let path = rules.index(at);
        validate_ports(rule.ports(), &path.child("ports"), errors);
        validate_peers(rule.to(), kept, &path.child("to"), errors);
    }
    let (types, path) = (spec.policy_types(), path.child("policyTypes"));
    if types.len() > 2 {
        let shown = BadValue::strings(types.iter());
        return errors.invalid(&path, shown, "may not specify more than two policyTypes");
    }
    for (at, ty) in types.iter().enumerate() {
        let known = ["Ingress", "Egress"];
        if !known.contains(&ty) {
            errors.not_supported(&path.index(at), BadValue::json_string(ty), known);
        }
    }
}

fn validate_ports(ports: List<'_, NetworkPolicyPort<'_>>, path: &Path<'_>, errors: &mut ErrorList) {
    for (at, port) in ports.iter().enumerate() {
        validate_port(port, &path.index(at), errors);
    }
}

fn validate_port(port: NetworkPolicyPort<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let known = ["TCP", "UDP", "SCTP"];
    if let Some(protocol) = port.protocol()
        && !known.contains(&protocol)
    {
        let path = path.child("protocol");
        errors.not_supported(&path, BadValue::json_string(protocol), known);
    }
    let (at, end_at) = (path.child("port"), path.child("endPort"));
    let number = |number: i32, path: &Path<'_>, errors: &mut ErrorList| {
        for why in port_number(number.into()) {
            errors.invalid(path, number, why);
        }
    };
    match (port.port(), port.end_port()) {
        (Some(IntOrString::Int(first)), end) => {
            number(first, &at, errors);
            if let Some(end) = end {
                if end < first {
                    // Upstream shows the first port.
                    errors.invalid(&end_at, first, "must be greater than or equal to `port`");
                }
                number(end, &end_at, errors);
            }
        }
        (Some(IntOrString::String(name)), end) => {
            if let Some(end) = end {
                let why = "may not be specified when `port` is non-numeric";
                errors.invalid(&end_at, end, why);
            }
            errors.invalid_each(&at, name, port_name(name));
        }
        (None, Some(end)) => {
            let why = "may not be specified when `port` is not specified";
            errors.invalid(&end_at, end, why);
        }
        (None, None) => {}
    }
}

fn validate_peers(
    peers: List<'_, NetworkPolicyPeer<'_>>,
    kept: &Kept<'_>,
    path: &Path<'_>,
    errors: &mut ErrorList,
) {
    for (at, peer) in peers.iter().enumerate() {
        let path = path.index(at);
        let (pods, namespaces) = (peer.pod_selector(), peer.namespace_selector());
        selector(pods, kept.values, &path.child("podSelector"), errors);
        let at = path.child("namespaceSelector");
        selector(namespaces, kept.values, &at, errors);
        let selects = pods.is_some() || namespaces.is_some();
        match peer.ip_block() {
            Some(block) => {
                validate_block(block, kept, &path.child("ipBlock"), errors);
                if selects {
                    errors.forbidden(&path, "may not specify both ipBlock and another peer");
                }
            }
            None if !selects => errors.required(&path, "must specify a peer"),
            None => {}
        }
    }
}

fn validate_block(block: IPBlock<'_>, kept: &Kept<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let at = path.child("cidr");
    if block.cidr().is_empty() {
        return errors.required(&at, "");
    }
    ip::validate_legacy_cidr(block.cidr(), &kept.cidrs, &at, errors);
    let Some(cidr) = Cidr::parse(block.cidr()) else {
        return;
    };
    for (at, text) in block.except().iter().enumerate() {
        let list = path.child("except");
        let path = list.index(at);
        ip::validate_legacy_cidr(text, &kept.cidrs, &path, errors);
        if let Some(except) = Cidr::parse(text)
            && !(cidr.contains(except.network()) && cidr.bits() < except.bits())
        {
            errors.invalid(&path, text, "must be a strict subset of `cidr`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{check_create, check_update};

    const GROUP: &str = "networking.k8s.io";

    #[track_caller]
    fn check(spec: &str, expected: &str) {
        let body = format!(r#"{{"spec":{{"podSelector":{{}}{spec}}}}}"#);
        check_create(GROUP, "NetworkPolicy", &body, expected);
    }

    #[test]
    fn peers_are_selected_or_blocks() {
        check("", "");
        check(
            r#","ingress":[{"from":[{}]}]"#,
            "spec.ingress[0].from[0]: Required value: must specify a peer",
        );
        check(
            r#","egress":[{"to":[{"podSelector":{},"ipBlock":{"cidr":"10.0.0.0/8"}}]}]"#,
            "spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer",
        );
        check(
            r#","egress":[{"to":[{"ipBlock":{"cidr":""}}]}]"#,
            "spec.egress[0].to[0].ipBlock.cidr: Required value",
        );
        check(
            r#","egress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["11.0.0.0/16","10.0.0.0/8"]}}]}]"#,
            "spec.egress[0].to[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`; \
             spec.egress[0].to[0].ipBlock.except[1]: Invalid value: \"10.0.0.0/8\": must be a strict subset of `cidr`",
        );
    }

    #[test]
    fn ports_are_numbers_names_or_ranges() {
        check(
            r#","ingress":[{"ports":[{"port":80,"endPort":90},{"port":"web"},{}]}]"#,
            "",
        );
        check(
            r#","ingress":[{"ports":[{"port":80,"endPort":70,"protocol":"ICMP"}]}]"#,
            "spec.ingress[0].ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"TCP\", \"UDP\", \"SCTP\"; \
             spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`",
        );
        check(
            r#","ingress":[{"ports":[{"port":"Web","endPort":70},{"port":0}]}]"#,
            "spec.ingress[0].ports[0].endPort: Invalid value: 70: may not be specified when `port` is non-numeric; \
             spec.ingress[0].ports[0].port: Invalid value: \"Web\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-); \
             spec.ingress[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        );
        check(
            r#","ingress":[{"ports":[{"endPort":70}]}]"#,
            "spec.ingress[0].ports[0].endPort: Invalid value: 70: may not be specified when `port` is not specified",
        );
    }

    #[test]
    fn types_are_of_two() {
        check(
            r#","policyTypes":["Ingress","Egress","Ingress"]"#,
            r#"spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes"#,
        );
        check(
            r#","policyTypes":["Odd"]"#,
            r#"spec.policyTypes[0]: Unsupported value: "Odd": supported values: "Ingress", "Egress""#,
        );
    }

    #[test]
    fn a_block_that_was_there_may_stay() {
        let body = |cidr: &str| {
            format!(
                r#"{{"spec":{{"podSelector":{{}},"egress":[{{"to":[{{"ipBlock":{{"cidr":"{cidr}"}}}}]}}]}}}}"#
            )
        };
        check_update(
            GROUP,
            "NetworkPolicy",
            &body("10.0.0.1/8"),
            &body("10.0.0.1/8"),
            "",
        );
        check_update(
            GROUP,
            "NetworkPolicy",
            &body("10.0.0.1/8"),
            &body("10.0.0.2/8"),
            "spec.egress[0].to[0].ipBlock.cidr: Invalid value: \"10.0.0.2/8\": must not have bits set beyond the prefix \
             length",
        );
    }
}
