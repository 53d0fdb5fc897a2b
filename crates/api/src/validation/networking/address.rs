//! `IPAddress` and `ServiceCIDR`.

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::ip::{self, Cidr};
use pintle_runtime::name::{dns1123_subdomain, path_segment_name};
use pintle_runtime::object_meta::IMMUTABLE;
use pintle_runtime::value::Record;

use crate::networking::v1::{IPAddress, ServiceCIDR};
use crate::validation::Rules;
use crate::validation::immutable::immutable;

pub(super) const RULES: Rules = Rules {
    create,
    update,
    subresources: &[],
};

pub(super) const NETWORK_RULES: Rules = Rules {
    create: create_network,
    update: update_network,
    subresources: &[],
};

fn create(new: &Record, errors: &mut ErrorList) {
    let path = Path::new("spec.parentRef");
    let Some(parent) = IPAddress::from_record(new).spec().parent_ref() else {
        return errors.required(&path, "");
    };
    if !parent.group().is_empty() {
        let group = parent.group();
        errors.invalid_each(&path.child("group"), group, dns1123_subdomain(group));
    }
    for (field, value, wanted) in [
        ("resource", parent.resource(), true),
        ("name", parent.name(), true),
        ("namespace", parent.namespace(), false),
    ] {
        let path = path.child(field);
        if !value.is_empty() {
            errors.invalid_each(&path, value, path_segment_name(value));
        } else if wanted {
            errors.required(&path, "");
        }
    }
}

fn update(new: &Record, old: &Record, errors: &mut ErrorList) {
    let parent = |record| IPAddress::from_record(record).spec().parent_ref();
    let record = |record| parent(record).map(crate::networking::v1::ParentReference::record);
    immutable(
        record(new),
        record(old),
        &Path::new("spec.parentRef"),
        errors,
    );
}

fn create_network(new: &Record, errors: &mut ErrorList) {
    let path = Path::new("spec.cidrs");
    let cidrs: Vec<&str> = ServiceCIDR::from_record(new)
        .spec()
        .cidrs()
        .iter()
        .collect();
    if cidrs.is_empty() {
        return errors.required(&path, "at least one CIDR required");
    }
    if cidrs.len() > 2 {
        let shown = BadValue::Json(format!(r#"{{"CIDRs":{}}}"#, BadValue::strings(&cidrs)));
        return errors.invalid(&path, shown, "may only hold up to 2 values");
    }
    for (at, cidr) in cidrs.iter().enumerate() {
        ip::validate_cidr(cidr, &path.index(at), errors);
    }
    if let [first, second] = cidrs[..]
        && let (Some(first), Some(second)) = (Cidr::parse(first), Cidr::parse(second))
        && first.is_ipv6() == second.is_ipv6()
    {
        errors.invalid(&path, BadValue::strings(&cidrs), ONE_OF_EACH);
    }
}

const ONE_OF_EACH: &str =
    "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";

/// A second family may be added, nothing else changes.
fn update_network(new: &Record, old: &Record, errors: &mut ErrorList) {
    let path = Path::new("spec.cidrs");
    let cidrs = ServiceCIDR::from_record(new).spec().cidrs();
    let had = ServiceCIDR::from_record(old).spec().cidrs();
    if cidrs.len() != had.len() && (had.len(), cidrs.len()) != (1, 2) {
        let cidrs: Vec<&str> = cidrs.iter().collect();
        return errors.invalid(&path, BadValue::strings(cidrs), IMMUTABLE);
    }
    for (at, (new, old)) in cidrs.iter().zip(had.iter()).enumerate() {
        if new != old {
            errors.invalid(&path.index(at), new, IMMUTABLE);
        }
    }
    if cidrs.len() > had.len() {
        create_network(new, errors);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{check_create, check_update};

    const GROUP: &str = "networking.k8s.io";

    #[test]
    fn an_address_has_a_parent_that_stays() {
        let check = |body: &str, expected: &str| check_create(GROUP, "IPAddress", body, expected);
        check("{}", "spec.parentRef: Required value");
        check(
            r#"{"spec":{"parentRef":{"group":"A"}}}"#,
            "spec.parentRef.group: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case \
             alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. \
             'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'); \
             spec.parentRef.resource: Required value; spec.parentRef.name: Required value",
        );
        let old = r#"{"spec":{"parentRef":{"resource":"services","name":"a"}}}"#;
        check_update(GROUP, "IPAddress", old, old, "");
        check_update(
            GROUP,
            "IPAddress",
            old,
            &old.replace("\"a\"", "\"b\""),
            r#"spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"","Name":"b"}: field is immutable"#,
        );
    }

    #[test]
    fn a_range_has_one_network_of_each_family() {
        let body = |cidrs: &str| format!(r#"{{"spec":{{"cidrs":[{cidrs}]}}}}"#);
        let check = |cidrs: &str, expected: &str| {
            check_create(GROUP, "ServiceCIDR", &body(cidrs), expected);
        };
        check(r#""10.0.0.0/16""#, "");
        check(r#""10.0.0.0/16","fd00::/112""#, "");
        check("", "spec.cidrs: Required value: at least one CIDR required");
        check(
            r#""10.0.0.0/16","10.1.0.0/16""#,
            "spec.cidrs: Invalid value: [\"10.0.0.0/16\",\"10.1.0.0/16\"]: may specify no more than one IP for \
             each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
        );
        check(
            r#""10.0.0.0/16","x""#,
            r#"spec.cidrs[1]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"#,
        );
        check(
            r#""10.0.0.0/16","fd00::/112","fd01::/112""#,
            r#"spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/16","fd00::/112","fd01::/112"]}: may only hold up to 2 values"#,
        );
        check(
            r#""10.0.0.1/16""#,
            r#"spec.cidrs[0]: Invalid value: "10.0.0.1/16": must not have bits set beyond the prefix length"#,
        );
        let update = |old: &str, new: &str, expected: &str| {
            check_update(GROUP, "ServiceCIDR", &body(old), &body(new), expected);
        };
        update(r#""10.0.0.0/16""#, r#""10.0.0.0/16","fd00::/112""#, "");
        update(
            r#""10.0.0.0/16""#,
            r#""10.1.0.0/16""#,
            r#"spec.cidrs[0]: Invalid value: "10.1.0.0/16": field is immutable"#,
        );
        update(
            r#""10.0.0.0/16","fd00::/112""#,
            r#""10.0.0.0/16""#,
            r#"spec.cidrs: Invalid value: ["10.0.0.0/16"]: field is immutable"#,
        );
    }
}
