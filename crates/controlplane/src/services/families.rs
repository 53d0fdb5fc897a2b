//! One family of addresses, or both: what a Service gets when it does not say all of it.

use std::fmt;

use pintle_api::core::v1::{Service, ServiceMut, ServiceSpec};
use pintle_api::validation::service::cluster_ips;
use pintle_runtime::field_path::{BadValue, ErrorList, Path};
use pintle_runtime::ip::{self, Cidr};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Record, Value};
use pintle_runtime::view::Strings;

use super::invalid;

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `IPv4`
    V4,
    /// `IPv6`
    V6,
}

impl Family {
    /// Of a network's addresses.
    pub const fn of(network: Cidr) -> Self {
        if network.is_ipv6() {
            Self::V6
        } else {
            Self::V4
        }
    }

    /// As objects name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// What objects call so.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::V4, Self::V6]
            .into_iter()
            .find(|family| family.name() == name)
    }

    const fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const SINGLE: &str = "SingleStack";
const PREFER: &str = "PreferDualStack";
const REQUIRE: &str = "RequireDualStack";

/// Whether neither addresses nor families nor the policy change of a Service that takes what it gets.
/// Then nothing is added or taken away because the cluster changed.
pub(super) fn prefers_what_it_has(new: ServiceSpec<'_>, old: ServiceSpec<'_>) -> bool {
    new.type_() == old.type_()
        && matches!(new.type_(), "ClusterIP" | "NodePort" | "LoadBalancer")
        && new.ip_family_policy() == Some(PREFER)
        && old.ip_family_policy().is_none_or(|policy| policy == PREFER)
        && is_same(new.cluster_ips(), old.cluster_ips())
        && is_same(new.ip_families(), old.ip_families())
}

pub(super) fn is_same(new: Strings<'_>, old: Strings<'_>) -> bool {
    new.iter().eq(old.iter())
}

/// Fills in the policy and the families, as far as the cluster has them.
///
/// # Errors
/// 422 for what does not go together, or is not to be had in this cluster.
pub(super) fn initialize(
    configured: &[Family],
    new: &mut Record,
    old: Option<&Record>,
) -> Result<(), ApiError> {
    let before = old.map(|old| Service::from_record(old).spec());
    let spec = Service::from_record(new).spec();
    if spec.type_() == "ExternalName" || before.is_some_and(|old| prefers_what_it_has(spec, old)) {
        return Ok(());
    }
    let free = spec.cluster_ip() == "None" && spec.selector().is_empty();
    if spec.ip_family_policy().is_none() {
        let had = before.and_then(|old| old.ip_family_policy());
        // Who has neither addresses nor pods of its own has endpoints of any family.
        let policy = had
            .unwrap_or(if free { REQUIRE } else { SINGLE })
            .to_owned();
        ServiceMut::from_record(new)
            .spec_mut()
            .set_ip_family_policy(policy);
    }
    refuse(new, &cluster_ips(new, old))?;
    let errors = reconcile(configured, new, before);
    refuse(new, &errors)?;
    let policy = policy(new);
    let mut families = families(new);
    if !free {
        refuse(new, &unconfigured(configured, new))?;
    }
    if families.is_empty() {
        families.extend(configured.first());
    }
    let both = free || configured.len() == 2;
    if let [only] = families.as_slice()
        && policy != SINGLE
        && both
    {
        families.push(only.other());
    }
    set_families(new, &families);
    Ok(())
}

fn refuse(new: &Record, errors: &ErrorList) -> Result<(), ApiError> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(invalid(Service::from_record(new), errors))
    }
}

fn policy(new: &Record) -> String {
    let policy = Service::from_record(new).spec().ip_family_policy();
    policy.unwrap_or_default().to_owned()
}

fn families(new: &Record) -> Vec<Family> {
    let families = Service::from_record(new).spec().ip_families();
    families.iter().filter_map(Family::parse).collect()
}

fn set_families(new: &mut Record, families: &[Family]) {
    let names = families
        .iter()
        .map(|family| Value::String(family.name().into()));
    ServiceMut::from_record(new)
        .spec_mut()
        .set_ip_families(names.collect());
}

/// Brings what was given of policy, addresses and families together; what is not given of families
/// follows from the addresses.
fn reconcile(configured: &[Family], new: &mut Record, old: Option<ServiceSpec<'_>>) -> ErrorList {
    let mut errors = ErrorList::new();
    let policy = policy(new);
    let wrong = |why: &str, errors: &mut ErrorList| {
        let path = Path::new("spec.ipFamilyPolicy");
        errors.invalid(&path, BadValue::json_string(&policy), why);
    };
    if let Some(old) = old {
        if policy == SINGLE {
            keep_first(new, old);
        } else {
            let spec = Service::from_record(new).spec();
            let fewer =
                |new: Strings<'_>, old: Strings<'_>| !new.is_empty() && new.len() < old.len();
            if fewer(spec.cluster_ips(), old.cluster_ips()) {
                wrong(
                    "must be 'SingleStack' to release the secondary cluster IP",
                    &mut errors,
                );
            }
            if fewer(spec.ip_families(), old.ip_families()) {
                wrong(
                    "must be 'SingleStack' to release the secondary IP family",
                    &mut errors,
                );
            }
        }
    }
    let spec = Service::from_record(new).spec();
    if policy == SINGLE {
        for (what, list) in [
            ("cluster IPs", spec.cluster_ips()),
            ("IP families", spec.ip_families()),
        ] {
            if list.len() == 2 {
                let why = format!(
                    "must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
                );
                wrong(&why, &mut errors);
            }
        }
    }
    let mut found = families(new);
    let ips: Vec<&str> = spec.cluster_ips().iter().collect();
    for (at, address) in ips.iter().enumerate().skip(found.len()) {
        let Some(ip) = ip::parse(address) else { break };
        let family = Family::of(Cidr::single(ip));
        if configured.contains(&family) {
            found.push(family);
        } else {
            errors.invalid(
                &Path::new("spec.clusterIPs").index(at),
                BadValue::strings(&ips),
                format!("{family} is not configured on this cluster"),
            );
        }
    }
    set_families(new, &found);
    errors
}

/// Who asks for one family and leaves the lists as they were means the first of each.
fn keep_first(new: &mut Record, old: ServiceSpec<'_>) {
    let spec = Service::from_record(new).spec();
    let same = |new: Strings<'_>, old: Strings<'_>| is_same(new, old) && new.len() > 1;
    let ips = same(spec.cluster_ips(), old.cluster_ips());
    let families = same(spec.ip_families(), old.ip_families());
    let mut service = ServiceMut::from_record(new);
    let mut spec = service.spec_mut();
    if ips {
        spec.cluster_ips_mut().values_mut().truncate(1);
    }
    if families {
        spec.ip_families_mut().values_mut().truncate(1);
    }
}

/// What was asked for and is not to be had.
fn unconfigured(configured: &[Family], new: &Record) -> ErrorList {
    let mut errors = ErrorList::new();
    if policy(new) == REQUIRE && configured.len() < 2 {
        errors.invalid(
            &Path::new("spec.ipFamilyPolicy"),
            REQUIRE,
            "this cluster is not configured for dual-stack services",
        );
    }
    for (at, family) in families(new).into_iter().enumerate() {
        if !configured.contains(&family) {
            let path = Path::new("spec.ipFamilies");
            errors.invalid(
                &path.index(at),
                family.name(),
                "not configured on this cluster",
            );
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::super::fields::tests::service;
    use super::*;

    #[track_caller]
    fn check(configured: &[Family], new: &str, old: Option<&str>, expected: &str) {
        let (mut record, old) = (service(new), old.map(service));
        let result = initialize(configured, &mut record, old.as_ref());
        let spec = Service::from_record(&record).spec();
        let found = match result {
            Ok(()) => {
                let families: Vec<_> = spec.ip_families().iter().collect();
                format!("{} {}", policy(&record), families.join(","))
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{new}");
    }

    const ONE: &[Family] = &[Family::V4];
    const BOTH: &[Family] = &[Family::V4, Family::V6];

    #[test]
    fn what_is_not_said_is_filled_in() {
        check(ONE, "{}", None, "SingleStack IPv4");
        check(BOTH, "{}", None, "SingleStack IPv4");
        check(
            ONE,
            r#"{"ipFamilyPolicy":"PreferDualStack"}"#,
            None,
            "PreferDualStack IPv4",
        );
        check(
            BOTH,
            r#"{"ipFamilyPolicy":"PreferDualStack"}"#,
            None,
            "PreferDualStack IPv4,IPv6",
        );
        check(
            BOTH,
            r#"{"ipFamilyPolicy":"RequireDualStack","ipFamilies":["IPv6"]}"#,
            None,
            "RequireDualStack IPv6,IPv4",
        );
        check(
            ONE,
            r#"{"clusterIP":"None","clusterIPs":["None"]}"#,
            None,
            "RequireDualStack IPv4,IPv6",
        );
        check(
            ONE,
            r#"{"clusterIP":"None","clusterIPs":["None"],"selector":{"a":"b"}}"#,
            None,
            "SingleStack IPv4",
        );
        check(
            BOTH,
            r#"{"clusterIP":"fd00::1","clusterIPs":["fd00::1"]}"#,
            None,
            "SingleStack IPv6",
        );
    }

    #[test]
    fn what_the_cluster_has_not_is_refused() {
        check(
            ONE,
            r#"{"ipFamilyPolicy":"RequireDualStack"}"#,
            None,
            "Service \"a\" is invalid: spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not \
             configured for dual-stack services",
        );
        check(
            ONE,
            r#"{"ipFamilies":["IPv6"]}"#,
            None,
            "Service \"a\" is invalid: spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
        );
        check(
            ONE,
            r#"{"clusterIP":"fd00::1","clusterIPs":["fd00::1"]}"#,
            None,
            "Service \"a\" is invalid: spec.clusterIPs[0]: Invalid value: [\"fd00::1\"]: IPv6 is not configured on this \
             cluster",
        );
        check(
            BOTH,
            r#"{"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv6","IPv4"]}"#,
            None,
            "Service \"a\" is invalid: spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or \
             'PreferDualStack' when multiple IP families are specified",
        );
    }

    #[test]
    fn the_second_family_goes_when_one_is_asked_for() {
        let two = r#"{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","fd00::1"],"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack"}"#;
        check(
            BOTH,
            &two.replace(REQUIRE, SINGLE),
            Some(two),
            "SingleStack IPv4",
        );
        check(
            BOTH,
            r#"{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv4","IPv6"]}"#,
            Some(two),
            "Service \"a\" is invalid: spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be 'SingleStack' to \
             release the secondary cluster IP",
        );
    }
}
