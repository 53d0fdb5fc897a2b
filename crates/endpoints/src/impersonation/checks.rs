//! What somebody is checked for who wants to be somebody else: [`Checks`].

use std::sync::Arc;

use pintle_authn::service_account::username;
use pintle_authz::{Attributes, Authorizer, Decision, Reason, ResourceAttributes};
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::name::domain_prefixed_path;
use pintle_runtime::quote::Quoted;
use pintle_runtime::text::Text;
use pintle_runtime::user::{MASTERS, UserInfo};

use super::Refused;
use super::mode::{Mode, node_name};

pub(super) const AUTHENTICATION: &str = "authentication.k8s.io";
const NODES: &str = "system:nodes";

/// So many checks of one sort are tried with one check of all, first.
const MANY: usize = 4;

/// The checks of one mode.
pub(super) struct Checks<'a> {
    pub(super) mode: Mode,
    pub(super) authorizer: &'a dyn Authorizer,
    pub(super) asking: Arc<UserInfo>,
}

impl Checks<'_> {
    /// The group of users and groups.
    fn group(&self) -> &'static str {
        if self.mode == Mode::Legacy {
            ""
        } else {
            AUTHENTICATION
        }
    }

    fn attributes(&self, group: &'static str, resource: &'static str) -> Attributes {
        Attributes {
            user: Arc::clone(&self.asking),
            verb: Text::from_static(self.mode.verb()),
            path: Text::default(),
            resource: Some(ResourceAttributes {
                group: group.into(),
                version: "v1".into(),
                resource: resource.into(),
                ..Default::default()
            }),
        }
    }

    /// One thing, by its name.
    pub(super) async fn one(
        &self,
        group: &'static str,
        resource: &'static str,
        subresource: &str,
        name: &str,
    ) -> Result<(), Refused> {
        let mut attributes = self.attributes(group, resource);
        if let Some(target) = &mut attributes.resource {
            target.subresource = Text::from(subresource.to_owned());
            target.name = Text::from(name.to_owned());
        }
        ask(self.authorizer, attributes).await
    }

    /// Whether somebody may have the wanted name; writes the groups that go with it to `user`.
    pub(super) async fn name(&self, wanted: &UserInfo, user: &mut UserInfo) -> Result<(), Refused> {
        if self.mode != Mode::Legacy
            && let Some(node) = node_name(&wanted.name)
        {
            user.groups = vec![Text::from_static(NODES)];
            let name = if self.mode == Mode::AssociatedNode {
                "*"
            } else {
                node
            };
            return self.one(self.group(), "nodes", "", name).await;
        }
        if let Some((namespace, name)) = username::split(&wanted.name) {
            if wanted.groups.is_empty() {
                user.groups = username::groups(namespace);
            }
            let mut attributes = self.attributes(self.group(), "serviceaccounts");
            if let Some(target) = &mut attributes.resource {
                target.namespace = Text::from(namespace.to_owned());
                target.name = Text::from(name.to_owned());
            }
            return ask(self.authorizer, attributes).await;
        }
        self.one(self.group(), "users", "", &wanted.name).await
    }

    pub(super) async fn groups(&self, groups: &[Text]) -> Result<(), Refused> {
        let constrained = self.mode != Mode::Legacy;
        if constrained && groups.iter().any(Text::is_empty) {
            let why = "impersonating the empty string group is not allowed";
            return Err(refused(self.attributes(self.group(), "groups"), why));
        }
        if constrained && groups.iter().any(|group| *group == MASTERS) {
            let mut attributes = self.attributes(self.group(), "groups");
            if let Some(target) = &mut attributes.resource {
                target.name = MASTERS.into();
            }
            let why = "impersonating the system:masters group is not allowed";
            return Err(refused(attributes, why));
        }
        if constrained
            && groups.len() >= MANY
            && self.one(self.group(), "groups", "", "*").await.is_ok()
        {
            return Ok(());
        }
        for group in groups {
            self.one(self.group(), "groups", "", group).await?;
        }
        Ok(())
    }

    pub(super) async fn extra(&self, extra: &[(Text, Vec<Text>)]) -> Result<(), Refused> {
        if self.mode != Mode::Legacy {
            if let Some(why) = extra
                .iter()
                .find_map(|(key, values)| wrong_with(key, values))
            {
                return Err(refused(self.attributes(AUTHENTICATION, "userextras"), why));
            }
            let many = extra.len() >= MANY
                || extra.iter().map(|(_, values)| values.len()).sum::<usize>() >= MANY;
            if many
                && self
                    .one(AUTHENTICATION, "userextras", "*", "*")
                    .await
                    .is_ok()
            {
                return Ok(());
            }
        }
        for (key, values) in extra {
            for value in values {
                self.one(AUTHENTICATION, "userextras", key, value).await?;
            }
        }
        Ok(())
    }
}

/// Why a key of extra and its values cannot be asked for.
fn wrong_with(key: &str, values: &[Text]) -> Option<String> {
    if key.is_empty() {
        return Some("impersonating the empty string key in extra is not allowed".to_owned());
    }
    let mut faults = ErrorList::new();
    domain_prefixed_path(&Path::new("extra.key"), key, &mut faults);
    if !faults.is_empty() {
        return Some(format!(
            "impersonating an invalid key in extra is not allowed: {faults}"
        ));
    }
    if key != key.to_lowercase() {
        return Some(format!(
            "impersonating a non-lowercase key in extra is not allowed: {}",
            Quoted(key)
        ));
    }
    values
        .iter()
        .any(Text::is_empty)
        .then(|| "impersonating the empty string value in extra is not allowed".to_owned())
}

/// Whether something is allowed, and else who says so.
pub(super) async fn ask(
    authorizer: &dyn Authorizer,
    attributes: Attributes,
) -> Result<(), Refused> {
    match authorizer.authorize(&attributes).wait().await {
        Decision::Allow(_) => Ok(()),
        Decision::Deny(reason) | Decision::NoOpinion(reason) => Err(Refused {
            attributes: Box::new(attributes),
            reason: Reason::new(reason.in_full().into_owned()),
        }),
    }
}

fn refused(attributes: Attributes, why: impl Into<Text>) -> Refused {
    Refused {
        attributes: Box::new(attributes),
        reason: Reason::new(why),
    }
}
