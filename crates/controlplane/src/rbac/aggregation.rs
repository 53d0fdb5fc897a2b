//! Fills cluster roles that gather the rules of others: a controller's work, done here where there is no controller
//! manager.

use std::sync::Arc;
use std::time::Duration;

use pintle_api::rbac::v1::{ClusterRole, ClusterRoleMut};
use pintle_authz::rbac::Rule;
use pintle_endpoints::cache::Snapshot;
use pintle_endpoints::context::{Environment, RequestContext};
use pintle_endpoints::permit::Permit;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::store::Store;
use pintle_endpoints::watch::follow;
use pintle_runtime::selector::{Expression, LabelSelector};
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::view::View;
use tokio::sync::Notify;
use tracing::warn;

use super::{GROUP, convert};
use crate::hooks::server_user;

const MANAGER: &str = "clusterrole-aggregation-controller";

/// How long until what failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps the rules of gathering roles what they gather. Runs until it is dropped.
pub async fn keep_aggregated(registry: Arc<Registry>, environment: Environment) {
    let Some(store) = registry.store(GROUP, "v1", "clusterroles") else {
        return;
    };
    let changed = Notify::new();
    let storage = Arc::clone(store.storage());
    let following = follow(Arc::clone(store.cache()), storage, |_| changed.notify_one());
    let filling = async {
        loop {
            changed.notified().await;
            if let Err(error) = fill_all(&store, &environment).await {
                warn!(%error, "cannot fill the roles that gather others; trying again");
                tokio::time::sleep(RETRY).await;
                changed.notify_one();
            }
        }
    };
    tokio::join!(following, filling);
}

async fn fill_all(store: &Store, environment: &Environment) -> Result<(), ApiError> {
    // Of roles that can not be read nobody knows what they give.
    store.cache().all(None)?;
    let (snapshot, _) = store.cache().newest();
    for entry in snapshot.iter() {
        let object = entry.record()?;
        let role = ClusterRole::from_record(&object);
        if role.aggregation_rule().is_none() {
            continue;
        }
        let Some(gathered) = gather(&snapshot, entry.name(), role)? else {
            continue;
        };
        if gathered == convert::rules_in(role.rules()) {
            continue;
        }
        let mut cx = RequestContext::new(Arc::new(server_user()), "", environment.clone());
        cx.field_manager = MANAGER.into();
        let permit = Permit::of_the_server_itself(MANAGER);
        let mut config = <ClusterRole<'_> as View>::new_record();
        let mut role = ClusterRoleMut::from_record(&mut config);
        role.metadata_mut().set_name(entry.name().to_owned());
        for rule in &gathered {
            convert::write_rule(rule, &mut role.rules_mut().push_new());
        }
        // Applied, so that it is told whose the rules are.
        match store.apply(&permit, &cx, entry.name(), &config).await {
            Ok(_) | Err(ApiError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The rules of all roles that a role's selectors mean, each once; `None` where a selector is not valid.
fn gather(
    snapshot: &Snapshot,
    own_name: &str,
    role: ClusterRole<'_>,
) -> Result<Option<Vec<Rule>>, ApiError> {
    let mut gathered: Vec<Rule> = Vec::new();
    let selectors = role
        .aggregation_rule()
        .map(|rule| rule.cluster_role_selectors());
    for selector in selectors.into_iter().flatten() {
        let expressions: Vec<_> = selector.match_expressions().iter().collect();
        let expressions = expressions.iter().map(|expression| Expression {
            key: expression.key(),
            operator: expression.operator(),
            values: expression.values().iter().collect(),
        });
        let Ok(selector) = LabelSelector::from_object(selector.match_labels().iter(), expressions)
        else {
            return Ok(None);
        };
        // In the order of names, as the snapshot is.
        for entry in snapshot.iter() {
            if entry.name() == own_name || !selector.matches(|key| entry.label(key)) {
                continue;
            }
            for rule in convert::rules_of(&entry.record()?) {
                if !gathered.iter().any(|known| is_same(known, &rule)) {
                    gathered.push(rule);
                }
            }
        }
    }
    Ok(Some(gathered))
}

/// Whether two rules say the same, whatever the order of their words.
fn is_same(a: &Rule, b: &Rule) -> bool {
    let sorted = |words: &[Text]| {
        let mut words = words.to_vec();
        words.sort_unstable();
        words
    };
    let parts = |rule: &Rule| {
        [
            sorted(&rule.verbs),
            sorted(&rule.api_groups),
            sorted(&rule.resources),
            sorted(&rule.resource_names),
            sorted(&rule.non_resource_urls),
        ]
    };
    a == b || parts(a) == parts(b)
}
