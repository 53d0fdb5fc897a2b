//! Service accounts.

use pintle_api::core::v1::{ObjectReferenceMut, ServiceAccount, ServiceAccountMut};
use pintle_endpoints::context::RequestContext;
use pintle_runtime::value::Record;

use crate::particular::Particular;

/// Service accounts: their secrets are named and nothing else.
pub(super) struct ServiceAccounts;

const MOUNTABLE_ONLY: &str = "kubernetes.io/enforce-mountable-secrets";

impl Particular for ServiceAccounts {
    fn prepare_for_create(&self, _: &RequestContext, new: &mut Record) {
        keep_names(new);
    }

    fn prepare_for_update(&self, _: &RequestContext, new: &mut Record, _: &Record) {
        keep_names(new);
    }

    fn warnings(&self, new: &Record, old: Option<&Record>) -> Vec<String> {
        let has = |record: &Record| {
            let metadata = ServiceAccount::from_record(record).metadata();
            metadata.annotations().contains_key(MOUNTABLE_ONLY)
        };
        if !has(new) || old.is_some_and(has) {
            return Vec::new();
        }
        vec![format!(
            "metadata.annotations[{MOUNTABLE_ONLY}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        )]
    }
}

fn keep_names(object: &mut Record) {
    let mut account = ServiceAccountMut::from_record(object);
    for mut secret in account.secrets_mut().iter_mut() {
        forget_all_but_name(&mut secret);
    }
}

fn forget_all_but_name(secret: &mut ObjectReferenceMut<'_>) {
    secret.clear_kind();
    secret.clear_namespace();
    secret.clear_uid();
    secret.clear_api_version();
    secret.clear_resource_version();
    secret.clear_field_path();
}
