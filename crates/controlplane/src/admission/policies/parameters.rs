//! What bindings give policies to go by.

use std::sync::Arc;

use pintle_api::admissionregistration::v1::{ParamKind, ParamRef};
use pintle_endpoints::metadata::Metadata;
use pintle_endpoints::store::Store;
use pintle_runtime::selector::LabelSelector;
use pintle_runtime::value::Record;

use crate::admission::lookup::Lookup;

/// The kind of parameters.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    group: String,
    version: String,
    kind: String,
}

impl Kind {
    pub(super) fn new(kind: ParamKind<'_>) -> Self {
        let version = kind.api_version();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.kind().to_owned(),
        }
    }

    /// Where they are kept.
    ///
    /// # Errors
    /// Where they are not served, in upstream's words.
    pub(super) fn store(&self, lookup: &Lookup) -> Result<Arc<Store>, String> {
        let registry = lookup.registry().map_err(|error| error.to_string())?;
        let stores = registry.stores();
        let found = stores.iter().find(|store| {
            let row = store.row();
            row.group == self.group && row.version == self.version && row.kind == self.kind
        });
        found.cloned().ok_or_else(|| {
            let Self {
                group,
                version,
                kind,
            } = self;
            let slash = if group.is_empty() { "" } else { "/" };
            format!("failed to find resource referenced by paramKind: '{group}{slash}{version}, Kind={kind}'")
        })
    }
}

/// Which parameters a binding means.
#[derive(Debug)]
pub(super) struct Reference {
    name: String,
    namespace: String,
    selector: Option<LabelSelector>,
    /// Whether a request is refused where there are none.
    deny: bool,
}

impl Reference {
    pub(super) fn new(reference: ParamRef<'_>) -> Self {
        let selector = reference.selector().map(|selector| {
            LabelSelector::try_from(Some(selector)).unwrap_or_else(|_| LabelSelector::nothing())
        });
        Self {
            name: reference.name().to_owned(),
            namespace: reference.namespace().to_owned(),
            selector,
            deny: reference.parameter_not_found_action() == Some("Deny"),
        }
    }

    /// The parameters for a request in `namespace`.
    ///
    /// # Errors
    /// Where there are none and have to be, or none can be found, in upstream's words.
    pub(super) fn find(&self, store: &Store, namespace: &str) -> Result<Vec<Record>, String> {
        let namespaced = store.row().namespaced;
        let namespace = match (namespaced, self.namespace.as_str()) {
            (false, "") => "",
            (false, _) => {
                return Err(
                    "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
                        .to_owned(),
                );
            }
            (true, "") => namespace,
            (true, said) => said,
        };
        if namespaced && namespace.is_empty() {
            let why = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
            return Err(why.to_owned());
        }
        let found = self
            .found(store, namespace)
            .map_err(|error| error.to_string())?;
        if found.is_empty() && self.deny {
            let why = "no params found for policy binding with `Deny` parameterNotFoundAction";
            return Err(why.to_owned());
        }
        Ok(found)
    }

    fn found(
        &self,
        store: &Store,
        namespace: &str,
    ) -> Result<Vec<Record>, pintle_runtime::status::ApiError> {
        let cache = store.cache();
        if !self.name.is_empty() {
            let key = match namespace {
                "" => self.name.clone(),
                namespace => format!("{namespace}/{}", self.name),
            };
            return cache
                .find(&key)?
                .map(|entry| entry.record())
                .into_iter()
                .collect();
        }
        let mut records = Vec::new();
        for entry in cache.all(Some(namespace).filter(|namespace| !namespace.is_empty()))? {
            let record = entry.record()?;
            let metadata = Metadata::of(&record);
            let label = |key: &str| {
                metadata
                    .labels()
                    .find(|(found, _)| *found == key)
                    .map(|(_, value)| value)
            };
            if self
                .selector
                .as_ref()
                .is_none_or(|selector| selector.matches(label))
            {
                records.push(record);
            }
        }
        Ok(records)
    }
}
