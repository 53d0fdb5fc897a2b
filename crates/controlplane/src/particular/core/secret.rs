//! Secrets.

use pintle_api::core::v1::Secret;
use pintle_runtime::value::{Map, Record, Value};

use crate::particular::Particular;

/// Secrets: a key should be that of its certificate.
pub(super) struct Secrets;

impl Particular for Secrets {
    fn warnings(&self, new: &Record, _: Option<&Record>) -> Vec<String> {
        let secret = Secret::from_record(new);
        if secret.type_() != "kubernetes.io/tls" {
            return Vec::new();
        }
        let bytes = |data: &Map, key: &str| match data.get(key) {
            Some(Value::Bytes(bytes)) => bytes.clone(),
            _ => bytes::Bytes::new(),
        };
        let data = secret.data();
        let problem =
            pintle_authn::key_pair_problem(&bytes(data, "tls.crt"), &bytes(data, "tls.key"));
        problem.into_iter().collect()
    }
}
