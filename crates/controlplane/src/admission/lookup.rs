//! What plug-ins look up: other objects, from the caches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use pintle_endpoints::cache::Entry;
use pintle_endpoints::registry::Registry;
use pintle_endpoints::store::Store;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;
use pintle_storage::Revision;

/// Reads other objects from the caches, which upstream's informers are. The registry holds the plug-ins, so they hold
/// it only loosely.
#[derive(Clone)]
pub(crate) struct Lookup {
    registry: Weak<Registry>,
    /// What was decoded last: most pods have the service account of the one before.
    decoded: Arc<Mutex<VecDeque<Decoded>>>,
}

/// An object of a cache, and what it says.
type Decoded = (Arc<Entry>, Arc<Record>);

/// How many objects are kept decoded.
const DECODED: usize = 16;

/// A resource that is looked up: group, version and plural name.
pub(crate) type Place = (&'static str, &'static str, &'static str);

impl Lookup {
    pub(crate) fn new(registry: &Arc<Registry>) -> Self {
        Self {
            registry: Arc::downgrade(registry),
            decoded: Arc::default(),
        }
    }

    /// All stores.
    ///
    /// # Errors
    /// 500 when the server is about to end.
    pub(crate) fn registry(&self) -> Result<Arc<Registry>, ApiError> {
        self.registry
            .upgrade()
            .ok_or_else(|| ApiError::internal("the server is shutting down"))
    }

    /// The store of a resource.
    ///
    /// # Errors
    /// 500 if it is not served.
    pub(crate) fn store(&self, place: Place) -> Result<Arc<Store>, ApiError> {
        let (group, version, resource) = place;
        self.registry()?
            .store(group, version, resource)
            .ok_or_else(|| ApiError::internal(format!("{resource} are not served")))
    }

    /// An object, as it is cached. In the namespace that is not empty.
    ///
    /// # Errors
    /// 500 if the resource is not served, or the object can not be read.
    pub(crate) fn entry(
        &self,
        place: Place,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<Entry>>, ApiError> {
        let store = self.store(place)?;
        if namespace.is_empty() {
            store.cache().find(name)
        } else {
            store.cache().find(&format!("{namespace}/{name}"))
        }
    }

    /// An object to read.
    ///
    /// # Errors
    /// 500 if the resource is not served, or the object can not be read.
    pub(crate) fn object(
        &self,
        place: Place,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<Record>>, ApiError> {
        let Some(entry) = self.entry(place, namespace, name)? else {
            return Ok(None);
        };
        let decoded = || self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(known, _): &&Decoded| Arc::ptr_eq(known, &entry);
        if let Some((_, record)) = decoded().iter().find(is_it) {
            return Ok(Some(Arc::clone(record)));
        }
        let record = Arc::new(entry.record()?);
        let mut decoded = decoded();
        if decoded.len() == DECODED {
            decoded.pop_front();
        }
        decoded.push_back((entry, Arc::clone(&record)));
        Ok(Some(record))
    }

    /// Every object in a namespace, or of all of them, in the order of keys.
    ///
    /// # Errors
    /// 500 if the resource is not served.
    pub(crate) fn all(
        &self,
        place: Place,
        namespace: Option<&str>,
    ) -> Result<Vec<Arc<Entry>>, ApiError> {
        self.store(place)?.cache().all(namespace)
    }
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookup")
    }
}

/// What strategies look up, which are made before the stores are: nothing until these are there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Elsewhere(Arc<OnceLock<Lookup>>);

impl Elsewhere {
    /// Looks into `registry` from now on.
    pub(crate) fn look_into(&self, registry: &Arc<Registry>) {
        self.0.get_or_init(|| Lookup::new(registry));
    }

    /// The lookup.
    ///
    /// # Errors
    /// 500 as long as there is none.
    pub(crate) fn lookup(&self) -> Result<&Lookup, ApiError> {
        let lookup = self.0.get();
        lookup.ok_or_else(|| ApiError::internal("the server is starting"))
    }

    /// A namespace.
    ///
    /// # Errors
    /// 500 as long as there are none.
    pub(crate) fn namespace(&self, name: &str) -> Result<Option<Arc<Entry>>, ApiError> {
        self.lookup()?.entry(("", "v1", "namespaces"), "", name)
    }
}

/// Something that is computed from all objects of a resource, and kept until one of them changes.
#[derive(Debug)]
pub(crate) struct Computed<T>(Mutex<Option<(Revision, Arc<T>)>>);

impl<T> Default for Computed<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Computed<T> {
    /// What `compute` makes of the objects, or made of these very objects before.
    ///
    /// # Errors
    /// Those of `compute`, and 500 if the resource is not served.
    pub(crate) fn get(
        &self,
        lookup: &Lookup,
        place: Place,
        compute: impl FnOnce(&[Arc<Entry>]) -> Result<T, ApiError>,
    ) -> Result<Arc<T>, ApiError> {
        let store = lookup.store(place)?;
        let revision = store.cache().newest().0.revision();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, value)) = &*kept
            && *of == revision
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(compute(&store.cache().all(None)?)?);
        *kept = Some((revision, Arc::clone(&value)));
        Ok(value)
    }
}
