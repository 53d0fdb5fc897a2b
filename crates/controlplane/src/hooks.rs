//! What a server does once it has started.

use std::sync::Arc;
use std::time::Duration;

use pintle_api::core::v1::{Namespace, NamespaceMut};
use pintle_endpoints::context::{Environment, RequestContext};
use pintle_endpoints::health::Milestone;
use pintle_endpoints::permit::Permit;
use pintle_endpoints::registry::Registry;
use pintle_runtime::status::ApiError;
use pintle_runtime::user::UserInfo;
use pintle_runtime::view::View;
use tracing::{debug, warn};

use crate::namespaces::SYSTEM_NAMESPACES;

/// How long a system namespace that was deleted stays away at most.
const NAMESPACE_PERIOD: Duration = Duration::from_secs(60);

/// Sees to it that the system namespaces are there: once before the first ready, then every minute.
/// Reaches `done` after the first pass that made or found them all. Runs until it is dropped.
pub async fn keep_system_namespaces(
    registry: Arc<Registry>,
    environment: Environment,
    done: Milestone,
) {
    loop {
        match make_system_namespaces(&registry, &environment).await {
            Ok(()) => done.reach(),
            Err(error) => warn!(%error, "cannot make the system namespaces; trying again"),
        }
        let pause = if done.is_reached() {
            NAMESPACE_PERIOD
        } else {
            Duration::from_millis(100)
        };
        tokio::time::sleep(pause).await;
    }
}

async fn make_system_namespaces(
    registry: &Registry,
    environment: &Environment,
) -> Result<(), ApiError> {
    let Some(store) = registry.store("", "v1", "namespaces") else {
        return Err(ApiError::internal("namespaces are not served"));
    };
    let permit = Permit::of_the_server_itself("start-system-namespaces-controller");
    for name in SYSTEM_NAMESPACES {
        if store.cache().get(name).is_some() {
            continue;
        }
        let mut object = <Namespace<'_> as View>::new_record();
        NamespaceMut::from_record(&mut object)
            .metadata_mut()
            .set_name(name);
        let cx = RequestContext::new(Arc::new(server_user()), "", environment.clone());
        match store.create(&permit, &cx, object).await {
            Ok(_) => debug!(name, "made a system namespace"),
            // Another instance was faster.
            Err(ApiError::AlreadyExists(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whom the server's own writes are by.
pub(crate) fn server_user() -> UserInfo {
    UserInfo {
        name: "system:apiserver".into(),
        uid: "".into(),
        groups: vec!["system:authenticated".into(), "system:masters".into()],
        extra: Vec::new(),
    }
}
