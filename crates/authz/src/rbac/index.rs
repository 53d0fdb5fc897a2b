//! Roles and bindings, compiled to who holds what: [`Index`].
//!
//! A request looks up its user and each of its groups, and sees only the bindings that name them: cluster-wide ones
//! and those of its namespace. What a change costs does not depend on how many others there are, and a reader holds a
//! state of its own, as all parts are persistent maps.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use imbl::{HashMap, OrdMap};
use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

use super::binding::{Binding, NoSuchRole, Part, RoleKind, RoleRef, Subject};
use super::rule::Rule;
use crate::attributes::Attributes;

/// Roles and bindings as they are at one time.
#[derive(Clone, Default)]
pub struct Index {
    /// By namespace, empty for cluster roles, and name.
    roles: HashMap<Text, HashMap<Text, Arc<[Rule]>>>,
    /// Service accounts are here under their user names.
    users: HashMap<Text, Held>,
    groups: HashMap<Text, Held>,
    /// By namespace, empty for cluster-wide ones, and name.
    bindings: HashMap<Text, OrdMap<Text, Arc<Granted>>>,
}

/// The bindings that name a user or group: by namespace and name.
type Held = HashMap<Text, OrdMap<Text, Arc<Granted>>>;

/// A binding with what is said of a request that it allows.
struct Granted {
    binding: Binding,
    /// For each subject.
    reasons: Vec<Text>,
}

impl Granted {
    fn new(binding: Binding) -> Self {
        let (kind, name) = if binding.namespace.is_empty() {
            ("ClusterRoleBinding", binding.name.to_string())
        } else {
            let name = format!("{}/{}", binding.name, binding.namespace);
            ("RoleBinding", name)
        };
        let role = &binding.role;
        let reason = |subject: &Subject| {
            format!(
                "RBAC: allowed by {kind} {} of {} {} to {subject}",
                Quoted(&name),
                role.kind,
                Quoted(&role.name)
            )
        };
        let reasons = binding
            .subjects
            .iter()
            .map(|subject| reason(subject).into())
            .collect();
        Self { binding, reasons }
    }

    fn reason(&self, user: &UserInfo) -> Text {
        let means = |subject: &Subject| match subject {
            Subject::User(name) => user.name == *name,
            Subject::Group(name) => user.is_in(name),
            Subject::ServiceAccount { .. } => {
                subject.key().is_some_and(|(_, key)| user.name == key)
            }
        };
        let first = self.binding.subjects.iter().position(means);
        first
            .and_then(|at| self.reasons.get(at).cloned())
            .unwrap_or_default()
    }
}

/// What somebody holds somewhere, and what could not be found out.
#[derive(Debug, Default)]
pub struct Holding {
    /// The rules, cluster-wide bindings' first, by the names of the bindings.
    pub rules: Vec<Rule>,
    /// Roles that are granted and not there.
    pub unresolved: Vec<NoSuchRole>,
}

impl Index {
    /// Why `attributes` are allowed, or why not.
    pub(super) fn decide(&self, attributes: &Attributes) -> Result<Text, Vec<NoSuchRole>> {
        let user = &*attributes.user;
        let namespace = attributes
            .resource
            .as_ref()
            .map_or("", |target| target.namespace.as_str());
        let mut incomplete = false;
        for scope in scopes(namespace) {
            for held in self.held_by(user) {
                for granted in held.get(scope).into_iter().flat_map(OrdMap::values) {
                    match self.rules(&granted.binding.role, scope) {
                        Some(rules) if rules.iter().any(|rule| rule.allows(attributes)) => {
                            return Ok(granted.reason(user));
                        }
                        Some(_) => {}
                        None => incomplete = true,
                    }
                }
            }
        }
        Err(if incomplete {
            self.holding(user, namespace).unresolved
        } else {
            Vec::new()
        })
    }

    /// What `user` holds in `namespace`; the empty one is the cluster scope.
    pub fn holding(&self, user: &UserInfo, namespace: &str) -> Holding {
        let mut holding = Holding::default();
        for scope in scopes(namespace) {
            let granted: BTreeMap<&Text, &Arc<Granted>> = self
                .held_by(user)
                .filter_map(|held| held.get(scope))
                .flat_map(OrdMap::iter)
                .collect();
            for granted in granted.into_values() {
                let role = &granted.binding.role;
                match self.rules(role, scope) {
                    Some(rules) => holding.rules.extend(rules.iter().cloned()),
                    None => holding.unresolved.push(NoSuchRole(role.clone())),
                }
            }
        }
        holding
    }

    /// The rules of the role that a binding in `namespace` grants.
    pub fn rules(&self, role: &RoleRef, namespace: &str) -> Option<&Arc<[Rule]>> {
        let namespace = match role.kind {
            RoleKind::ClusterRole => "",
            // Without a namespace there is no such role, whatever cluster role has its name.
            RoleKind::Role if namespace.is_empty() => return None,
            RoleKind::Role => namespace,
        };
        self.roles.get(namespace)?.get(role.name.as_str())
    }

    fn held_by<'a>(&'a self, user: &'a UserInfo) -> impl Iterator<Item = &'a Held> {
        let own = self.users.get(user.name.as_str());
        let groups = user.groups.iter();
        own.into_iter()
            .chain(groups.filter_map(|group| self.groups.get(group.as_str())))
    }

    /// Whether there is a role; one without a namespace is of the cluster.
    pub fn has_role(&self, namespace: &str, name: &str) -> bool {
        let roles = self.roles.get(namespace);
        roles.is_some_and(|roles| roles.contains_key(name))
    }

    /// Whether there is a binding; one without a namespace is of the cluster.
    pub fn has_binding(&self, namespace: &str, name: &str) -> bool {
        let bindings = self.bindings.get(namespace);
        bindings.is_some_and(|bindings| bindings.contains_key(name))
    }

    /// There is a role with these rules; it is a cluster role if `namespace` is empty.
    pub fn put_role(&mut self, namespace: &Text, name: &Text, rules: Vec<Rule>) {
        self.roles
            .entry(namespace.clone())
            .or_default()
            .insert(name.clone(), rules.into());
    }

    /// There is no such role any more.
    pub fn remove_role(&mut self, namespace: &str, name: &str) {
        if let Some(roles) = self.roles.get_mut(namespace) {
            roles.remove(name);
            if roles.is_empty() {
                self.roles.remove(namespace);
            }
        }
    }

    /// There is this binding, instead of another of its name.
    pub fn put_binding(&mut self, binding: Binding) {
        self.remove_binding(&binding.namespace, &binding.name);
        let granted = Arc::new(Granted::new(binding));
        let Binding {
            namespace,
            name,
            subjects,
            ..
        } = &granted.binding;
        for (part, key) in subjects.iter().filter_map(Subject::key) {
            self.part(part)
                .entry(key)
                .or_default()
                .entry(namespace.clone())
                .or_default()
                .insert(name.clone(), Arc::clone(&granted));
        }
        self.bindings
            .entry(namespace.clone())
            .or_default()
            .insert(name.clone(), Arc::clone(&granted));
    }

    /// There is no such binding any more.
    pub fn remove_binding(&mut self, namespace: &str, name: &str) {
        let Some(bindings) = self.bindings.get_mut(namespace) else {
            return;
        };
        let Some(granted) = bindings.remove(name) else {
            return;
        };
        if bindings.is_empty() {
            self.bindings.remove(namespace);
        }
        for (part, key) in granted.binding.subjects.iter().filter_map(Subject::key) {
            let part = self.part(part);
            let Some(held) = part.get_mut(&key) else {
                continue;
            };
            if let Some(scope) = held.get_mut(namespace) {
                scope.remove(name);
                if scope.is_empty() {
                    held.remove(namespace);
                }
            }
            if held.is_empty() {
                part.remove(&key);
            }
        }
    }

    /// Forgets all roles of namespaces, or all cluster roles.
    pub fn clear_roles(&mut self, of_namespaces: bool) {
        self.roles
            .retain(|namespace, _| namespace.is_empty() == of_namespaces);
    }

    /// Forgets all bindings of namespaces, or all cluster-wide ones.
    pub fn clear_bindings(&mut self, of_namespaces: bool) {
        let gone: Vec<(Text, Text)> = self
            .bindings
            .iter()
            .filter(|(namespace, _)| namespace.is_empty() != of_namespaces)
            .flat_map(|(namespace, named)| {
                named.keys().map(|name| (namespace.clone(), name.clone()))
            })
            .collect();
        for (namespace, name) in gone {
            self.remove_binding(&namespace, &name);
        }
    }

    fn part(&mut self, part: Part) -> &mut HashMap<Text, Held> {
        match part {
            Part::Users => &mut self.users,
            Part::Groups => &mut self.groups,
        }
    }
}

/// The scopes whose bindings count in a namespace: the cluster, and it.
fn scopes(namespace: &str) -> impl Iterator<Item = &str> {
    std::iter::once("").chain((!namespace.is_empty()).then_some(namespace))
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |maps: usize| maps;
        f.debug_struct("Index")
            .field("users", &count(self.users.len()))
            .field("groups", &count(self.groups.len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::tests::{asked, rule};
    use super::*;

    fn binding(
        namespace: &'static str,
        name: &'static str,
        role: &'static str,
        subjects: Vec<Subject>,
    ) -> Binding {
        let (kind, name_of) = match role.strip_prefix("cluster:") {
            Some(name) => (RoleKind::ClusterRole, name),
            None => (RoleKind::Role, role),
        };
        Binding {
            namespace: namespace.into(),
            name: name.into(),
            role: RoleRef {
                kind,
                name: name_of.into(),
            },
            subjects,
        }
    }

    fn index() -> Index {
        let mut index = Index::default();
        let none = Text::default();
        index.put_role(&none, &"reader".into(), vec![rule("get core pods")]);
        index.put_role(
            &"blue".into(),
            &"writer".into(),
            vec![rule("create core pods")],
        );
        index.put_role(&none, &"writer".into(), vec![rule("* * *")]);
        index.put_binding(binding(
            "",
            "all",
            "cluster:reader",
            vec![Subject::Group("devs".into())],
        ));
        index.put_binding(binding(
            "blue",
            "own",
            "writer",
            vec![Subject::User("alice".into())],
        ));
        index.put_binding(binding(
            "red",
            "read",
            "cluster:reader",
            vec![
                Subject::User("alice".into()),
                Subject::ServiceAccount {
                    namespace: "red".into(),
                    name: "bot".into(),
                },
            ],
        ));
        index
    }

    #[track_caller]
    fn check(index: &Index, user: &str, wanted: &str, expected: Result<&str, &[&str]>) {
        let (user, group) = user.split_once('@').unwrap_or((user, ""));
        let mut asked = asked(user, wanted);
        if !group.is_empty() {
            let groups = vec![Text::from(group.to_owned())];
            asked.user = Arc::new(UserInfo {
                groups,
                ..(*asked.user).clone()
            });
        }
        let found = index.decide(&asked);
        let found = found
            .as_ref()
            .map(Text::as_str)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>());
        let expected = expected.map_err(|errors| errors.iter().map(|e| (*e).to_owned()).collect());
        assert_eq!(found, expected, "{user} {wanted}");
    }

    #[test]
    fn a_binding_grants_its_role_where_it_is() {
        let index = index();
        check(
            &index,
            "alice",
            "create core pods blue",
            Ok(r#"RBAC: allowed by RoleBinding "own/blue" of Role "writer" to User "alice""#),
        );
        check(&index, "alice", "create core pods red", Err(&[]));
        check(&index, "alice", "create core pods", Err(&[]));
        check(&index, "bob", "create core pods blue", Err(&[]));
    }

    #[test]
    fn a_cluster_role_counts_everywhere_or_in_one_namespace() {
        let index = index();
        check(
            &index,
            "x@devs",
            "get core pods:a green",
            Ok(
                r#"RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "reader" to Group "devs""#,
            ),
        );
        check(
            &index,
            "alice",
            "get core pods:a red",
            Ok(
                r#"RBAC: allowed by RoleBinding "read/red" of ClusterRole "reader" to User "alice""#,
            ),
        );
        check(&index, "alice", "get core pods:a green", Err(&[]));
        check(&index, "devs", "get core pods:a green", Err(&[]));
    }

    #[test]
    fn a_service_account_is_known_by_its_user_name() {
        check(
            &index(),
            "system:serviceaccount:red:bot",
            "get core pods:a red",
            Ok(
                r#"RBAC: allowed by RoleBinding "read/red" of ClusterRole "reader" to ServiceAccount "bot/red""#,
            ),
        );
    }

    #[test]
    fn a_role_that_is_not_there_is_named() {
        let mut index = index();
        index.remove_role("", "reader");
        index.remove_role("blue", "writer");
        check(
            &index,
            "alice@devs",
            "get core pods:a blue",
            Err(&[
                r#"clusterrole.rbac.authorization.k8s.io "reader" not found"#,
                r#"role.rbac.authorization.k8s.io "writer" not found"#,
            ]),
        );
    }

    #[test]
    fn what_is_taken_away_is_no_longer_granted() {
        let mut index = index();
        index.remove_binding("blue", "own");
        check(&index, "alice", "create core pods blue", Err(&[]));
        index.put_binding(binding(
            "",
            "all",
            "cluster:reader",
            vec![Subject::Group("ops".into())],
        ));
        check(&index, "x@devs", "get core pods:a green", Err(&[]));
        index.clear_bindings(false);
        check(&index, "x@ops", "get core pods:a green", Err(&[]));
        check(
            &index,
            "alice",
            "get core pods:a red",
            Ok(
                r#"RBAC: allowed by RoleBinding "read/red" of ClusterRole "reader" to User "alice""#,
            ),
        );
        index.clear_roles(false);
        check(
            &index,
            "alice",
            "get core pods:a red",
            Err(&[r#"clusterrole.rbac.authorization.k8s.io "reader" not found"#]),
        );
    }
}
