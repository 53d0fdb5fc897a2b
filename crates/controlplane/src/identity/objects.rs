//! What tokens are bound to, looked up in the caches: [`StoredObjects`].

use std::sync::{Arc, OnceLock};

use pintle_api::core::v1::{Secret, SecretMut};
use pintle_authn::bootstrap::{BootstrapSecret, BootstrapSecrets};
use pintle_authn::service_account::{Bound, KeptToken, Objects};
use pintle_endpoints::cache::{Entry, Version};
use pintle_endpoints::context::{Environment, RequestContext};
use pintle_endpoints::metadata::Metadata;
use pintle_endpoints::permit::Permit;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::store::Change;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::value::{Record, Value};
use tracing::warn;

use crate::hooks::server_user;

/// Looks into the stores, as soon as there are any. Made before them, because who asks is made before them too.
#[derive(Debug, Default)]
pub struct StoredObjects(OnceLock<Arc<Registry>>);

/// The label of a secret whose token counts no more.
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";
/// The label with the day on which a secret's token was last used.
const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";
/// Who is in the books as the writer of that.
const MANAGER: &str = "kube-apiserver";

impl StoredObjects {
    /// Looks into `registry` from now on.
    pub fn look_into(&self, registry: Arc<Registry>) {
        // A second registry would be a mistake of the caller; the first one stays.
        let _ = self.0.set(registry);
    }

    fn entry(&self, resource: &str, key: &str) -> Option<Arc<Entry>> {
        let store = self.0.get()?.store("", "v1", resource)?;
        store.cache().get(key)
    }

    fn bound(&self, resource: &str, key: &str) -> Option<Bound> {
        let entry = self.entry(resource, key)?;
        Some(Bound {
            uid: Text::from(entry.uid().to_owned()),
            deleted: deleted(&entry),
        })
    }
}

/// When the deletion of an object began. Most are not being deleted, and their bytes say so without being decoded.
fn deleted(entry: &Entry) -> Option<i64> {
    const WORD: &str = "\"deletionTimestamp\"";
    let json = entry.json(Version::HUB).ok()?;
    let may_be = json
        .windows(WORD.len())
        .any(|found| found == WORD.as_bytes());
    if !may_be {
        return None;
    }
    let object = entry.record().ok()?;
    Metadata::of(&object)
        .deletion_timestamp()
        .map(|time| time.seconds)
}

/// The data of a secret that a machine joins with.
struct JoinSecret(Vec<(Text, String)>);

impl BootstrapSecret for JoinSecret {
    fn text(&self, key: &str) -> &str {
        let found = self.0.iter().find(|(found, _)| *found == key);
        found.map_or("", |(_, value)| value)
    }
}

impl BootstrapSecrets for StoredObjects {
    fn look_at(&self, id: &str, with: &mut dyn FnMut(&dyn BootstrapSecret)) {
        let Some(entry) = self.entry("secrets", &format!("kube-system/bootstrap-token-{id}"))
        else {
            return;
        };
        let Ok(object) = entry.record() else { return };
        let secret = Secret::from_record(&object);
        let is_going = Metadata::of(&object).deletion_timestamp().is_some();
        if is_going || secret.type_() != "bootstrap.kubernetes.io/token" {
            return;
        }
        let text = |value: &Value| match value {
            Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
            _ => None,
        };
        let data = secret
            .data()
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), text(value)?)))
            .collect();
        with(&JoinSecret(data));
    }
}

impl Objects for StoredObjects {
    fn account(&self, namespace: &str, name: &str) -> Option<Bound> {
        self.bound("serviceaccounts", &format!("{namespace}/{name}"))
    }

    fn pod(&self, namespace: &str, name: &str) -> Option<Bound> {
        self.bound("pods", &format!("{namespace}/{name}"))
    }

    fn secret(&self, namespace: &str, name: &str) -> Option<Bound> {
        self.bound("secrets", &format!("{namespace}/{name}"))
    }

    fn node(&self, name: &str) -> Option<Bound> {
        self.bound("nodes", name)
    }

    fn kept_token(&self, namespace: &str, name: &str) -> Option<KeptToken> {
        let entry = self.entry("secrets", &format!("{namespace}/{name}"))?;
        let object = entry.record().ok()?;
        let token = match Secret::from_record(&object).data().get("token")? {
            Value::Bytes(token) => token.to_vec(),
            _ => return None,
        };
        let invalid = entry
            .label(INVALID_SINCE)
            .is_some_and(|since| !since.is_empty());
        Some(KeptToken {
            token,
            invalid,
            last_used: entry.label(LAST_USED).unwrap_or_default().to_owned(),
        })
    }

    fn note_use(&self, namespace: &str, name: &str, day: &str) {
        let Some(registry) = self.0.get() else { return };
        let registry = Arc::clone(registry);
        let [namespace, name, day] = [namespace, name, day].map(str::to_owned);
        tokio::spawn(async move {
            if let Err(error) = label(&registry, &namespace, &name, &day).await {
                warn!(namespace, name, %error, "the use of a token cannot be noted");
            }
        });
    }
}

/// Notes on a secret when its token was last used.
async fn label(
    registry: &Registry,
    namespace: &str,
    name: &str,
    day: &str,
) -> Result<(), ApiError> {
    let Some(store) = registry.store("", "v1", "secrets") else {
        return Ok(());
    };
    let mut cx = RequestContext::new(
        Arc::new(server_user()),
        namespace.to_owned(),
        Environment::default(),
    );
    cx.field_manager = MANAGER.into();
    let permit = Permit::of_the_server_itself("legacy-token-tracking");
    let make = |old: Option<&Record>| {
        let Some(old) = old else {
            return Err(ApiError::internal("the secret is gone"));
        };
        let mut new = old.clone();
        let mut secret = SecretMut::from_record(&mut new);
        let mut metadata = secret.metadata_mut();
        metadata
            .labels_mut()
            .insert(LAST_USED, Text::from(day.to_owned()));
        Ok(new)
    };
    match store
        .update_with(&permit, &cx, name, &Change::default(), make)
        .await
    {
        Ok(_) | Err(ApiError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
