//! The namespaces that every cluster has. One that was deleted comes back within a minute.

use futures_util::future::try_join_all;
use pintle_api::core::v1::{Namespace, NamespaceMut};
use pintle_runtime::status::ApiError;
use pintle_runtime::view::View;

use super::{MANAGER, Ours};
use crate::namespaces::SYSTEM_NAMESPACES;

pub(super) async fn make(ours: &Ours) -> Result<(), ApiError> {
    let store = ours.store("", "namespaces")?;
    let missing = SYSTEM_NAMESPACES
        .into_iter()
        .filter(|name| store.cache().get(name).is_none());
    let made = missing.map(|name| {
        let mut object = <Namespace<'_> as View>::new_record();
        NamespaceMut::from_record(&mut object)
            .metadata_mut()
            .set_name(name);
        ours.create(&store, "", MANAGER, object)
    });
    try_join_all(made).await.map(drop)
}
