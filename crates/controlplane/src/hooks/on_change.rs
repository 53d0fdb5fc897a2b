//! Hooks that look again whenever something has changed, and not by the clock.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use pintle_endpoints::health::Milestone;
use pintle_endpoints::store::Store;
use pintle_endpoints::watch::follow;
use pintle_runtime::status::ApiError;
use tokio::sync::Notify;
use tracing::warn;

/// How long until what failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Makes a pass at first and whenever an object of `stores` is not what it was; again where it failed. Runs until it is
/// dropped.
pub(super) async fn keep<F: Future<Output = Result<(), ApiError>>>(
    name: &'static str,
    stores: Vec<Arc<Store>>,
    done: Milestone,
    mut pass: impl FnMut() -> F,
) {
    let changed = Notify::new();
    let following = join_all(stores.iter().map(|store| {
        let storage = Arc::clone(store.storage());
        follow(Arc::clone(store.cache()), storage, |_| changed.notify_one())
    }));
    let passes = async {
        loop {
            match pass().await {
                Ok(()) => done.reach(),
                Err(error) => {
                    warn!(name, %error, "a hook fails; trying again");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            }
            changed.notified().await;
        }
    };
    tokio::join!(following, passes);
}
