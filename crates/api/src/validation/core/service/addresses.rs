//! `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`, which depend on each other.

use std::collections::HashSet;

use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::ip;
use pintle_runtime::value::Record;
use pintle_runtime::view::Strings;

use super::is_headless;
use crate::core::v1::{Service, ServiceSpec};
use crate::validation::immutable::Content;

const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
const POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const UNCHANGEABLE: &str = "may not change once set";

/// What is wrong with the addresses of a Service and their families, before any are allocated
/// (`ValidateServiceClusterIPsRelatedFields`).
pub fn cluster_ips(new: &Record, old: Option<&Record>) -> ErrorList {
    let mut errors = ErrorList::new();
    let old = old.map(|old| Service::from_record(old).spec());
    validate(Service::from_record(new).spec(), old, &mut errors);
    errors
}

pub(super) fn validate(
    spec: ServiceSpec<'_>,
    old: Option<ServiceSpec<'_>>,
    errors: &mut ErrorList,
) {
    if spec.type_() == "ExternalName" {
        return;
    }
    let path = Path::new("spec");
    let (ips_path, ips) = (path.child("clusterIPs"), spec.cluster_ips());
    match (spec.cluster_ip(), ips.first()) {
        ("", None) => {}
        ("", Some(_)) => errors.invalid(
            &ips_path,
            ips.shown(),
            "must be empty when `clusterIP` is not specified",
        ),
        (_, None) => errors.required(&ips_path, ""),
        (ip, Some(first)) if ip != first => {
            errors.invalid(&ips_path, ips.shown(), "first value must match `clusterIP`");
        }
        _ => {}
    }
    validate_families(spec, &path, errors);
    let before = errors.len();
    let had: Vec<&str> = old.map_or_else(Vec::new, |old| old.cluster_ips().iter().collect());
    for (at, address) in ips.iter().enumerate() {
        if at == 0 && address == "None" {
            if ips.len() > 1 {
                let why = "'None' must be the first and only value";
                errors.invalid(&ips_path, ips.shown(), why);
            }
        } else {
            ip::validate_legacy(address, &had, &ips_path.index(at), errors);
        }
    }
    let malformed = errors.len() > before;
    if ips.len() > 2 {
        errors.invalid(&ips_path, ips.shown(), "may only hold up to 2 values");
    }
    if malformed {
        return;
    }
    let is_dual = ips.iter().any(ip::is_ipv4) && ips.iter().any(ip::is_ipv6);
    if ips.len() > 1 && !is_dual {
        let why = "may specify no more than one IP for each IP family";
        errors.invalid(&ips_path, ips.shown(), why);
    }
    if is_headless(spec) {
        return;
    }
    for (at, (address, family)) in ips.iter().zip(spec.ip_families().iter()).enumerate() {
        if (family == "IPv4" && ip::is_ipv6(address)) || (family == "IPv6" && !ip::is_ipv6(address))
        {
            let why = format!("expected an {family} value as indicated by `ipFamilies[{at}]`");
            errors.invalid(&ips_path.index(at), address, why);
        }
    }
}

fn validate_families(spec: ServiceSpec<'_>, path: &Path<'_>, errors: &mut ErrorList) {
    let families = path.child("ipFamilies");
    let mut seen = HashSet::new();
    for (at, family) in spec.ip_families().iter().enumerate() {
        if !FAMILIES.contains(&family) {
            errors.not_supported(&families.index(at), BadValue::json_string(family), FAMILIES);
        }
        if !seen.insert(family) {
            errors.duplicate(&families.index(at), BadValue::json_string(family));
        }
    }
    if let Some(policy) = spec.ip_family_policy()
        && !POLICIES.contains(&policy)
    {
        let path = path.child("ipFamilyPolicy");
        errors.not_supported(&path, BadValue::json_string(policy), POLICIES);
    }
}

/// The first address and family stay; a second one may come and go.
pub(super) fn validate_update(new: ServiceSpec<'_>, old: ServiceSpec<'_>, errors: &mut ErrorList) {
    if new.type_() == "ExternalName" || old.type_() == "ExternalName" {
        return;
    }
    let (headless, was_headless) = (is_headless(new), is_headless(old));
    if !(headless && was_headless) {
        validate_ips_update(new, old, errors);
    }
    // Who has no addresses may have any family.
    if !headless && !was_headless {
        validate_families_update(new, old, errors);
    }
}

fn release_needs_policy(new: ServiceSpec<'_>, what: &str, errors: &mut ErrorList) {
    let policy = new.ip_family_policy();
    if policy != Some("SingleStack") {
        let why = format!("must be set to 'SingleStack' when releasing the secondary {what}");
        errors.invalid(&Path::new("spec.ipFamilyPolicy"), policy.shown(), why);
    }
}

fn validate_ips_update(new: ServiceSpec<'_>, old: ServiceSpec<'_>, errors: &mut ErrorList) {
    let path = Path::new("spec.clusterIPs");
    let (ips, had) = (new.cluster_ips(), old.cluster_ips());
    let changed = |at: usize, errors: &mut ErrorList| {
        errors.invalid(&path.index(at), ips.shown(), UNCHANGEABLE);
    };
    if ips.len() == had.len() {
        for at in differing(ips, had) {
            changed(at, errors);
        }
        return;
    }
    if ips.is_empty() {
        let why = "primary clusterIP can not be unset";
        errors.invalid(&path.index(0), ips.shown(), why);
    } else if !had.is_empty() && ips.first() != had.first() {
        changed(0, errors);
    }
    if ips.len() == 1 && had.len() > 1 {
        release_needs_policy(new, "clusterIP", errors);
    }
}

fn validate_families_update(new: ServiceSpec<'_>, old: ServiceSpec<'_>, errors: &mut ErrorList) {
    let path = Path::new("spec.ipFamilies");
    let (families, had) = (new.ip_families(), old.ip_families());
    // Upstream points at the first of them, whichever it is.
    let path = path.index(0);
    if families.len() == had.len() {
        for _ in differing(families, had) {
            errors.invalid(&path, families.shown(), UNCHANGEABLE);
        }
        return;
    }
    let released = had.len() > families.len();
    if released && new.cluster_ips().is_empty() {
        let why = "primary ipFamily can not be unset";
        errors.invalid(&path, families.shown(), why);
    }
    if !families.is_empty() && !had.is_empty() && families.first() != had.first() {
        // Upstream shows the addresses.
        errors.invalid(&path, new.cluster_ips().shown(), UNCHANGEABLE);
    }
    if released && families.len() == 1 {
        release_needs_policy(new, "ipFamily", errors);
    }
}

/// Where two lists of one length differ.
fn differing<'a>(new: Strings<'a>, old: Strings<'a>) -> impl Iterator<Item = usize> + use<'a> {
    let pairs = new.iter().zip(old.iter()).enumerate();
    pairs.filter(|(_, (new, old))| new != old).map(|(at, _)| at)
}
