//! Who may do what by default: every resource and verb, for everybody whom the policy knows.
//!
//! The answers stand in `matrix.txt`, which was compared with the roles that kube-apiserver makes at its start. To
//! write it anew after a change, and to review what changed, run the test with `UPDATE_EXPECT=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use pintle_authz::rbac::{Binding, RoleKind, RoleRef, Rule, Subject};
use pintle_authz::{Attributes, Authorizer, Rbac, ResourceAttributes, Verdict};
use pintle_endpoints::metadata::Metadata;
use pintle_runtime::text::Text;
use pintle_runtime::user::{AUTHENTICATED, UNAUTHENTICATED, UserInfo};

use super::convert;
use super::policy::{CLUSTER_ROLES, CONTROLLER_ROLES};
use super::wanted::policy;
use crate::rows::Switches;

const VERBS: [&str; 10] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "impersonate",
    "escalate",
];
/// Paths that are no resources'.
const PATHS: [&str; 12] = [
    "/",
    "/api",
    "/apis/apps",
    "/healthz",
    "/livez/ping",
    "/version",
    "/metrics",
    "/openapi/v3",
    "/openid/v1/jwks",
    "/.well-known/openid-configuration/",
    "/flagz",
    "/logs",
];
/// Where people with a role in a namespace have it.
const HERE: &str = "here";

/// The index with the default policy, and three people who have a role in a namespace.
fn rbac() -> Rbac {
    let switches = Switches::default();
    let rbac = Rbac::default();
    rbac.change(|index| {
        for wanted in policy(&switches) {
            let object = &wanted.object;
            let (namespace, name) = (
                Text::from(wanted.namespace),
                Text::from(Metadata::of(object).name().to_owned()),
            );
            match wanted.resource {
                "clusterroles" => {
                    let mut rules = convert::rules_of(object);
                    rules.extend(gathered(&name, &switches));
                    index.put_role(&namespace, &name, rules);
                }
                "roles" => index.put_role(&namespace, &name, convert::rules_of(object)),
                _ => index.put_binding(convert::binding_of(object).expect("a binding")),
            }
        }
        for role in ["admin", "edit", "view"] {
            index.put_binding(Binding {
                namespace: HERE.into(),
                name: role.into(),
                role: RoleRef {
                    kind: RoleKind::ClusterRole,
                    name: role.into(),
                },
                subjects: vec![Subject::User(role.into())],
            });
        }
    });
    rbac
}

/// What a role gathers from those that are part of it, as the controller for that does.
fn gathered(name: &str, switches: &Switches) -> Vec<Rule> {
    let parts = CLUSTER_ROLES.iter().filter(|row| row.part_of == name);
    parts
        .flat_map(|row| {
            let mut rules: Vec<Rule> = row.rules(switches).collect();
            rules.extend(gathered(row.name, switches));
            rules
        })
        .collect()
}

fn people() -> Vec<(String, UserInfo)> {
    let user = |name: &str, groups: &[&'static str]| UserInfo {
        groups: groups.iter().map(|group| Text::from(*group)).collect(),
        ..UserInfo::named(name.to_owned())
    };
    let mut people = vec![
        (
            "anonymous".to_owned(),
            user("system:anonymous", &[UNAUTHENTICATED]),
        ),
        ("authenticated".to_owned(), user("bob", &[AUTHENTICATED])),
    ];
    for role in ["view", "edit", "admin"] {
        people.push((format!("{role} in its namespace"), user(role, &[])));
    }
    let components = [
        "system:kube-controller-manager",
        "system:kube-scheduler",
        "system:kube-proxy",
    ];
    people.push((
        "cluster-admin".to_owned(),
        user("root", &["system:masters"]),
    ));
    people.push(("node".to_owned(), user("system:node:n1", &["system:nodes"])));
    people.push(("monitoring".to_owned(), user("m", &["system:monitoring"])));
    people.push((
        "any account".to_owned(),
        user("a", &["system:serviceaccounts"]),
    ));
    people.extend(components.map(|name| (name.to_owned(), user(name, &[]))));
    let switches = Switches::default();
    let on = CONTROLLER_ROLES
        .iter()
        .filter(|row| row.gate.is_none_or(|gate| switches.gate(gate)));
    people.extend(on.map(|row| {
        let name = format!("system:serviceaccount:kube-system:{}", row.name);
        (row.name.to_owned(), user(&name, &[]))
    }));
    people
}

/// `(group, resource, subresource, namespaced)` of everything that is served by default.
fn resources() -> BTreeSet<(String, String, String, bool)> {
    let mut found = BTreeSet::new();
    for group in pintle_api::groups() {
        let versions = group.versions.iter().filter(|version| version.default);
        let resources = versions.flat_map(|version| version.resources.iter());
        for resource in resources.filter(|resource| resource.default) {
            let mut add = |subresource: &str| {
                found.insert((
                    resource.group.to_string(),
                    resource.name.to_string(),
                    subresource.to_owned(),
                    resource.namespaced,
                ));
            };
            add("");
            let subresources = resource.subresources.iter();
            let served = subresources.filter(|subresource| subresource.default);
            served.for_each(|subresource| add(&subresource.name));
        }
    }
    found
}

fn may(
    rbac: &Rbac,
    user: &Arc<UserInfo>,
    verb: &'static str,
    resource: Option<ResourceAttributes>,
    path: &'static str,
) -> bool {
    let attributes = Attributes {
        user: Arc::clone(user),
        verb: verb.into(),
        path: path.into(),
        resource,
    };
    let verdict = rbac.authorize(&attributes);
    matches!(verdict, Verdict::Now(decision) if decision.is_allow())
}

/// For each person: what they may do, verbs first, then the resources. What is in all namespaces is told apart from
/// what is in one.
fn matrix() -> String {
    let rbac = rbac();
    let resources = resources();
    let mut text = String::new();
    for (who, user) in people() {
        let user = Arc::new(user);
        let mut allowed: BTreeMap<(String, &str), Vec<String>> = BTreeMap::new();
        for (group, resource, subresource, namespaced) in &resources {
            let verbs = |namespace: &'static str| -> Vec<&str> {
                let target = || ResourceAttributes {
                    group: group.clone().into(),
                    version: "v1".into(),
                    resource: resource.clone().into(),
                    subresource: subresource.clone().into(),
                    namespace: namespace.into(),
                    ..ResourceAttributes::default()
                };
                VERBS
                    .into_iter()
                    .filter(|verb| may(&rbac, &user, verb, Some(target()), ""))
                    .collect()
            };
            let everywhere = verbs("");
            let here = if *namespaced { verbs(HERE) } else { Vec::new() };
            let (verbs, place) = if everywhere.is_empty() && !here.is_empty() {
                (here, " here")
            } else {
                (everywhere, "")
            };
            if verbs.is_empty() {
                continue;
            }
            let verbs = if verbs.len() == VERBS.len() {
                "*".to_owned()
            } else {
                verbs.join(",")
            };
            let slash = if subresource.is_empty() { "" } else { "/" };
            let dot = if group.is_empty() { "" } else { "." };
            let name = format!("{resource}{slash}{subresource}{dot}{group}");
            allowed.entry((verbs, place)).or_default().push(name);
        }
        let _ = writeln!(text, "{who}");
        for ((verbs, place), names) in allowed {
            let all = if names.len() == resources.len() {
                "everything".to_owned()
            } else {
                names.join(" ")
            };
            let _ = writeln!(text, "  {verbs}{place}: {all}");
        }
        let paths: Vec<&str> = PATHS
            .into_iter()
            .filter(|path| may(&rbac, &user, "get", None, path))
            .collect();
        if !paths.is_empty() {
            let _ = writeln!(text, "  get: {}", paths.join(" "));
        }
    }
    text
}

#[test]
fn everybody_may_do_what_upstream_lets_them_and_nothing_else() {
    // Relative to the package, where cargo runs tests.
    let file = "src/rbac/matrix.txt";
    let found = matrix();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(file, &found).expect("the matrix can be written");
    }
    let expected = std::fs::read_to_string(file).expect("the matrix is there");
    for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {}", line + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}
