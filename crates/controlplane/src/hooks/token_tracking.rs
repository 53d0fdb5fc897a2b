//! Since when it is recorded that tokens of the old kind are used: a `ConfigMap`.

use pintle_api::core::v1::{ConfigMap, ConfigMapMut};
use pintle_runtime::status::ApiError;
use pintle_runtime::view::View;

use super::{MANAGER, Ours, found};

const NAME: &str = "kube-apiserver-legacy-service-account-token-tracking";
const NAMESPACE: &str = "kube-system";

pub(super) async fn make(ours: &Ours) -> Result<(), ApiError> {
    let store = ours.store("", "configmaps")?;
    let today = ours.environment.clock.now().to_string();
    let today = today.split('T').next().unwrap_or_default().to_owned();
    let Some(record) = found(&store, &format!("{NAMESPACE}/{NAME}"))? else {
        let mut object = <ConfigMap<'_> as View>::new_record();
        let mut map = ConfigMapMut::from_record(&mut object);
        map.metadata_mut().set_name(NAME);
        map.data_mut().insert("since", today);
        return ours.create(&store, NAMESPACE, MANAGER, object).await;
    };
    let since = ConfigMap::from_record(&record).data().get("since");
    if since.is_some_and(is_day) {
        return Ok(());
    }
    let change = |record: &mut _| {
        let mut map = ConfigMapMut::from_record(record);
        map.data_mut().insert("since", today.clone());
    };
    ours.update(&store, NAMESPACE, MANAGER, NAME, change)
        .await?;
    Ok(())
}

/// Whether a text looks like `2026-01-31`.
fn is_day(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}
