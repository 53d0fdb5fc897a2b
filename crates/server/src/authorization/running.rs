//! Who decides while the server runs: [`Running`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pintle_authz::webhook::{AccessReviewer, Matching, Reviewed, WebhookOptions};
use pintle_authz::{
    AlwaysAllow, AlwaysDeny, Authorizer, NodeAuthorizer, Rbac, Replaceable, SystemMasters, Union,
    Webhook,
};
use pintle_endpoints::client::{self, Retries};
use tracing::{info, warn};

use super::{AuthorizationConfig, AuthorizationMode, AuthorizerConfig, Counting, file, policy};
use crate::files::Watched;
use crate::metrics::{AccessReviews, Reloads};
use crate::peer;

/// Those who decide, which can be replaced.
pub(crate) struct Running {
    /// All of them.
    pub(crate) authorizer: Arc<Replaceable>,
    roles: Arc<Rbac>,
    nodes: Arc<NodeAuthorizer>,
    counting: Counting,
}

impl Running {
    /// As configured.
    ///
    /// # Errors
    /// All that is wrong with the files of those who decide.
    pub(crate) fn start(
        config: &AuthorizationConfig,
        roles: &Arc<Rbac>,
        nodes: &Arc<NodeAuthorizer>,
        counting: &Counting,
    ) -> Result<Self, Vec<String>> {
        let union = union(config, &config.authorizers, roles, nodes, counting)?;
        Ok(Self {
            authorizer: Arc::new(Replaceable::new(union)),
            roles: Arc::clone(roles),
            nodes: Arc::clone(nodes),
            counting: counting.clone(),
        })
    }

    /// Reads the file again whenever it changes. What cannot be used changes nothing.
    pub(crate) async fn follow(&self, config: &AuthorizationConfig, reloads: &Reloads) {
        let Some(path) = &config.file else {
            return std::future::pending().await;
        };
        let mut watched = Watched::new(vec![path.clone()]);
        reloads.first(path);
        loop {
            watched.changed().await;
            let made = file::read(path).and_then(|authorizers| {
                same_local(config, &authorizers)?;
                union(
                    config,
                    &authorizers,
                    &self.roles,
                    &self.nodes,
                    &self.counting,
                )
            });
            watched.used(made.is_ok());
            reloads.done(path, made.is_ok());
            match made {
                Ok(union) => {
                    self.authorizer.replace(union);
                    info!(file = %path.display(), "the authorization configuration has changed");
                }
                Err(faults) => warn!(
                    error = faults.join("; "),
                    "the new authorization configuration cannot be used; the old one stays"
                ),
            }
        }
    }
}

/// What feeds Node and RBAC runs from the start or not at all, so they neither come nor go.
fn same_local(config: &AuthorizationConfig, new: &[AuthorizerConfig]) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    for mode in [AuthorizationMode::Node, AuthorizationMode::Rbac] {
        let name = mode.name();
        let is_there = new.iter().any(|authorizer| authorizer.mode.name() == name);
        if is_there && !config.has(&mode) {
            faults.push(format!(
                "{name} was not there when the server started: start it again to add it"
            ));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// Members of `system:masters` first, then those that were asked for, in that order.
fn union(
    config: &AuthorizationConfig,
    authorizers: &[AuthorizerConfig],
    roles: &Arc<Rbac>,
    nodes: &Arc<NodeAuthorizer>,
    counting: &Counting,
) -> Result<Union, Vec<String>> {
    let mut members: Vec<Arc<dyn Authorizer>> = vec![Arc::new(SystemMasters)];
    for AuthorizerConfig { name, mode } in authorizers {
        let member: Arc<dyn Authorizer> = match mode {
            AuthorizationMode::AlwaysAllow => Arc::new(AlwaysAllow),
            AuthorizationMode::AlwaysDeny => Arc::new(AlwaysDeny),
            AuthorizationMode::Abac => {
                let file = config.policy_file.clone().unwrap_or_default();
                Arc::new(policy(&file).map_err(|fault| vec![fault])?)
            }
            AuthorizationMode::Node => Arc::clone(nodes) as Arc<dyn Authorizer>,
            AuthorizationMode::Rbac => Arc::clone(roles) as Arc<dyn Authorizer>,
            AuthorizationMode::Webhook(config) => {
                let webhook = peer::read_for("authorization-webhook-config-file", &config.file)?
                    .webhook(config.timeout, Retries::default())
                    .map_err(|fault| vec![fault])?;
                let reviewer = Reviewer {
                    name: name.clone(),
                    webhook,
                    reviews: Arc::clone(&counting.reviews),
                    last: Mutex::new("error"),
                };
                let options = WebhookOptions {
                    name: name.clone(),
                    version: config.version,
                    authorized: config.authorized_ttl,
                    unauthorized: config.unauthorized_ttl,
                    on_failure: config.on_failure,
                    conditions: config.conditions.clone(),
                };
                Arc::new(Webhook::new(Arc::new(reviewer), options))
            }
        };
        members.push(counting.of(member, mode.name(), name));
    }
    Ok(Union::new(members))
}

/// Takes access reviews to a webhook.
struct Reviewer {
    name: String,
    webhook: client::Webhook,
    reviews: Arc<AccessReviews>,
    /// How the last attempt ended.
    last: Mutex<&'static str>,
}

impl AccessReviewer for Reviewer {
    fn review(&self, review: Vec<u8>) -> Reviewed<'_> {
        Box::pin(async move {
            let began = Instant::now();
            let seen = |outcome: Result<_, &_>| {
                let result = self.reviews.asked(&self.name, began.elapsed(), outcome);
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = result;
            };
            let answer = self.webhook.post(review.into(), seen).await;
            answer.map(|body| body.to_vec()).map_err(|error| {
                warn!(name = self.name, error, "access cannot be reviewed");
                // What a client may read says nothing of where and how.
                "webhook authorizer failed".to_owned()
            })
        })
    }

    fn failed_open(&self) {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.reviews.failed_open(&self.name, last);
    }

    fn matched(&self, matching: Matching) {
        self.reviews.matched(&self.name, matching);
    }
}
