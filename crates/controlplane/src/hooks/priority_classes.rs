//! The two priorities of what a cluster cannot do without.

use futures_util::future::try_join_all;
use pintle_api::scheduling::v1::{PriorityClass, PriorityClassMut};
use pintle_runtime::status::ApiError;
use pintle_runtime::view::View;

use super::{MANAGER, Ours};

const CLASSES: [(&str, i32, &str); 2] = [
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];

pub(super) async fn make(ours: &Ours) -> Result<(), ApiError> {
    let store = ours.store("scheduling.k8s.io", "priorityclasses")?;
    let missing = CLASSES
        .into_iter()
        .filter(|(name, ..)| store.cache().get(name).is_none());
    let made = missing.map(|(name, value, description)| {
        let mut object = <PriorityClass<'_> as View>::new_record();
        let mut class = PriorityClassMut::from_record(&mut object);
        class.metadata_mut().set_name(name);
        class.set_value(value);
        class.set_description(description);
        ours.create(&store, "", MANAGER, object)
    });
    try_join_all(made).await.map(drop)
}
