//! All stores of a server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use arc_swap::ArcSwap;
use bytes::Bytes;
use pintle_runtime::resource::{Conversion, FieldLabel, Name, Resource};
use pintle_storage::{Revision, Storage, StorageError, Subscription};

use crate::admission::Chain;
use crate::cache::{Cache, CacheOptions, Feeder, Forms, FormsOptions, Progress, Version};
use crate::connect::Connect;
use crate::convert::{Converter, Form, SameFields};
use crate::facet::Facet;
use crate::metrics::{Asked, StorageMetrics, Timed};
use crate::scheme::{Known, Scheme};
use crate::store::Store;
use crate::strategy::Strategy;
use crate::unkept::{Action, Unkept};

/// All stores of a server, by where they are in the API.
///
/// Versions of one kind that are kept under one prefix share a cache, so what is written in one is
/// there in the others.
pub struct Registry {
    /// Where everything is kept that has no storage of its own.
    main: Arc<Source>,
    /// What else there is.
    others: Mutex<Vec<Arc<Source>>>,
    root: Bytes,
    options: CacheOptions,
    /// Ordered by group, version and resource.
    stores: ArcSwap<Vec<Arc<Store>>>,
    /// Ordered likewise: what has no store.
    unkept: ArcSwap<Vec<Arc<Unkept>>>,
    /// Shared with every store: plug-ins look into the registry, so they come after it.
    admission: Arc<OnceLock<Chain>>,
    scheme: OnceLock<Scheme>,
    asked: Arc<StorageMetrics>,
}

/// A storage, and what fills caches from it.
struct Source {
    storage: Arc<dyn Storage>,
    feeder: Arc<Feeder>,
    progress: Arc<Progress>,
    subscription: Arc<Mutex<Option<Subscription>>>,
}

/// Between attempts to read everything again.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
/// How often what can not be read is looked at again.
const HEAL_EVERY: std::time::Duration = std::time::Duration::from_secs(5);

/// What a resource is registered with.
pub struct Registration {
    /// Its row, one version of it.
    pub row: Arc<Resource>,
    /// Its rules.
    pub strategy: Arc<dyn Strategy>,
    /// Rules of the subresources that are got and updated as the object itself is, such as `status`.
    pub subresources: Vec<(Name, Arc<dyn Strategy>)>,
    /// Subresources that take something else than the object, such as `eviction`.
    pub actions: Vec<(Name, Arc<dyn Action>)>,
    /// Subresources that show the objects as another kind, such as `scale`.
    pub facets: Vec<(Name, Arc<dyn Facet>)>,
    /// Subresources that lead out of the API, such as `exec`.
    pub connects: Vec<(Name, Arc<dyn Connect>)>,
    /// Between its versions; the row says which if this is absent.
    pub converter: Option<Arc<dyn Converter>>,
    /// What keeps it, if not what keeps the others.
    pub storage: Option<Arc<dyn Storage>>,
}

impl Registration {
    /// A resource with these rules, whose versions differ in their names at most.
    pub fn new(row: impl Into<Arc<Resource>>, strategy: Arc<dyn Strategy>) -> Self {
        Self {
            row: row.into(),
            strategy,
            subresources: Vec::new(),
            actions: Vec::new(),
            facets: Vec::new(),
            connects: Vec::new(),
            converter: None,
            storage: None,
        }
    }

    /// The same with a subresource.
    #[must_use]
    pub fn with_subresource(mut self, name: impl Into<Name>, strategy: Arc<dyn Strategy>) -> Self {
        self.subresources.push((name.into(), strategy));
        self
    }

    /// The same with an action below its objects; the row says what that takes.
    #[must_use]
    pub fn with_action(mut self, name: impl Into<Name>, action: Arc<dyn Action>) -> Self {
        self.actions.push((name.into(), action));
        self
    }

    /// The same with a facet of its objects; the row says as which kind they are shown.
    #[must_use]
    pub fn with_facet(mut self, name: impl Into<Name>, facet: Arc<dyn Facet>) -> Self {
        self.facets.push((name.into(), facet));
        self
    }

    /// The same with a subresource that leads out of the API; the row says by which methods.
    #[must_use]
    pub fn with_connect(mut self, name: impl Into<Name>, connect: Arc<dyn Connect>) -> Self {
        self.connects.push((name.into(), connect));
        self
    }

    /// The same in a storage of its own, which is below the same root there.
    #[must_use]
    pub fn with_storage(self, storage: Arc<dyn Storage>) -> Self {
        Self {
            storage: Some(storage),
            ..self
        }
    }

    /// The same with a converter.
    #[must_use]
    pub fn with_converter(self, converter: Arc<dyn Converter>) -> Self {
        Self {
            converter: Some(converter),
            ..self
        }
    }
}

impl Registry {
    /// Loads everything that is kept of `resources` below `root`, such as `/registry`, and follows
    /// the storage from then on. Rows that are not persisted are left out.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn start(
        storage: Arc<dyn Storage>,
        root: &str,
        options: CacheOptions,
        resources: Vec<Registration>,
    ) -> Result<Self, StorageError> {
        let root = Bytes::from(format!("{}/", root.trim_end_matches('/')));
        let registry = Self {
            main: Arc::new(Source::new(storage, root.clone())),
            others: Mutex::default(),
            root,
            options,
            stores: ArcSwap::default(),
            unkept: ArcSwap::default(),
            admission: Arc::default(),
            scheme: OnceLock::new(),
            asked: Arc::default(),
        };
        let stores = registry.make(resources);
        let mut caches = caches(&stores);
        for source in registry.sources() {
            let own = |cache: &mut Arc<Cache>| Arc::ptr_eq(cache.progress(), &source.progress);
            source.start(caches.extract_if(.., own).collect()).await?;
        }
        registry.publish(&stores);
        Ok(registry)
    }

    /// Follows the storage no more, which may be closed then. Nothing is read from the registry after that.
    pub fn stop(&self) {
        for source in self.sources() {
            drop(lock(&source.subscription).take());
        }
    }

    /// The main one first.
    fn sources(&self) -> Vec<Arc<Source>> {
        let mut sources = vec![Arc::clone(&self.main)];
        sources.extend(lock(&self.others).iter().cloned());
        sources
    }

    /// What fills caches from `storage`.
    fn source(&self, storage: &Arc<dyn Storage>) -> Arc<Source> {
        let mut others = lock(&self.others);
        let known = others
            .iter()
            .find(|known| Arc::ptr_eq(&known.storage, storage));
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let source = Arc::new(Source::new(Arc::clone(storage), self.root.clone()));
        others.push(Arc::clone(&source));
        source
    }

    /// Adds resources while the server runs, as a custom resource definition does.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn add(&self, resources: Vec<Registration>) -> Result<(), StorageError> {
        let stores = self.make(resources);
        let main = &self.main;
        main.feeder.add(&main.storage, &caches(&stores)).await?;
        self.publish(&stores);
        Ok(())
    }

    /// The store of a resource. Costs no allocation.
    pub fn store(&self, group: &str, version: &str, resource: &str) -> Option<Arc<Store>> {
        let stores = self.stores.load();
        let at = stores
            .binary_search_by(|store| place(store).cmp(&(group, version, resource)))
            .ok()?;
        Some(Arc::clone(&stores[at]))
    }

    /// Adds a resource that keeps nothing, or replaces it.
    pub fn register(&self, resource: Unkept) {
        let resource = Arc::new(resource);
        self.unkept.rcu(|all| {
            let mut all: Vec<_> = Vec::clone(all);
            all.retain(|known| place_of(known.row()) != place_of(resource.row()));
            all.push(Arc::clone(&resource));
            all.sort_by(|a, b| place_of(a.row()).cmp(&place_of(b.row())));
            all
        });
    }

    /// A resource that keeps nothing.
    pub fn unkept(&self, group: &str, version: &str, resource: &str) -> Option<Arc<Unkept>> {
        let all = self.unkept.load();
        let at = all
            .binary_search_by(|found| place_of(found.row()).cmp(&(group, version, resource)))
            .ok()?;
        Some(Arc::clone(&all[at]))
    }

    /// Knows these kinds, too; a second scheme is ignored.
    pub fn know(&self, scheme: Scheme) {
        let _ = self.scheme.set(scheme);
    }

    /// What the kinds of a group are listed in.
    pub(crate) fn scheme_name(&self, group: &str) -> &'static str {
        (self.scheme().name)(group)
    }

    fn scheme(&self) -> Scheme {
        self.scheme.get().copied().unwrap_or_default()
    }

    /// What who serves the group `among` knows of a kind, be it that of objects or of their lists.
    pub(crate) fn known(
        &self,
        among: &str,
        (group, version, kind): (&str, &str, &str),
    ) -> Option<Known> {
        if self.scheme_name(among) != self.scheme_name(group) {
            return None;
        }
        let item = kind.strip_suffix("List").unwrap_or_default();
        let table = |row: &Resource| {
            let is_it =
                |kind: &str| row.group == group && row.version == version && row.kind == kind;
            let list = || row.list.clone().filter(|_| is_it(item));
            is_it(kind).then(|| row.object.clone()).or_else(list)
        };
        let unkept = self.unkept.load();
        let of_stores = self.stores.load().iter().find_map(|store| {
            let mut actions = store.actions();
            table(store.row()).or_else(|| actions.find_map(|action| table(action.kind.row())))
        });
        let served = of_stores.or_else(|| unkept.iter().find_map(|found| table(found.row())));
        served
            .map(Known::As)
            .or_else(|| (self.scheme().find)(group, version, kind))
    }

    /// The stores of two kinds, each given as group, version and kind, if both serve the same objects.
    pub(crate) fn same_objects(
        &self,
        one: (&str, &str, &str),
        other: (&str, &str, &str),
    ) -> Option<(Arc<Store>, Arc<Store>)> {
        let stores = self.stores.load();
        let serving = |(group, version, kind): (&str, &str, &str)| {
            let found = stores.iter().find(|store| {
                let row = store.row();
                row.group == group && row.version == version && row.kind == kind
            });
            found.map(Arc::clone)
        };
        let (one, other) = (serving(one)?, serving(other)?);
        Arc::ptr_eq(one.forms(), other.forms()).then_some((one, other))
    }

    /// All stores, ordered by group, version and resource.
    pub fn stores(&self) -> Arc<Vec<Arc<Store>>> {
        self.stores.load_full()
    }

    /// What everything is kept in that has no storage of its own.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.main.storage
    }

    /// Has every write, of resources added later too, be admitted by `chain`. A second chain is not taken; until there
    /// is one, everything is admitted.
    pub fn admit_by(&self, chain: Chain) {
        let _ = self.admission.set(chain);
    }

    /// Who admits writes.
    pub fn admission(&self) -> Option<&Chain> {
        self.admission.get()
    }

    /// What is asked of the storage.
    pub(crate) fn asked(&self) -> &Arc<StorageMetrics> {
        &self.asked
    }

    /// How far the store has come.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.main.progress
    }

    fn publish(&self, new: &[Arc<Store>]) {
        self.stores.rcu(|stores| {
            let mut stores: Vec<_> = Vec::clone(stores);
            stores.retain(|store| new.iter().all(|new| place(new) != place(store)));
            stores.extend(new.iter().cloned());
            stores.sort_by(|a, b| place(a).cmp(&place(b)));
            stores
        });
    }

    /// Stores, with a cache for each prefix.
    fn make(&self, resources: Vec<Registration>) -> Vec<Arc<Store>> {
        let mut by_prefix: BTreeMap<String, Vec<Registration>> = BTreeMap::new();
        for resource in resources {
            if let Some(storage) = &resource.row.storage {
                by_prefix
                    .entry(storage.prefix.to_string())
                    .or_default()
                    .push(resource);
            }
        }
        by_prefix
            .into_iter()
            .flat_map(|(prefix, versions)| self.make_kind(&prefix, versions))
            .collect()
    }

    /// The stores of one kind, which share a cache.
    fn make_kind(&self, prefix: &str, mut versions: Vec<Registration>) -> Vec<Arc<Store>> {
        // The hub is the version that is nearest to what is stored.
        versions.sort_by_key(distance);
        let Some(hub) = versions.first() else {
            return Vec::new();
        };
        let Some(storage) = &hub.row.storage else {
            return Vec::new();
        };
        let own = versions.iter().find_map(|version| version.storage.as_ref());
        let source = own.map_or_else(|| Arc::clone(&self.main), |own| self.source(own));
        let custom = versions
            .iter()
            .find_map(|version| version.converter.clone());
        let farthest = versions.last().map_or(Conversion::None, conversion);
        let field_labels: Vec<FieldLabel> = versions
            .iter()
            .flat_map(|version| version.row.field_labels.iter().cloned())
            .collect();
        let forms = Arc::new(Forms::new(FormsOptions {
            served: versions
                .iter()
                .map(|version| Form::served(&version.row))
                .collect(),
            stored: Form::stored(&hub.row, storage),
            stored_as_json: storage.json,
            namespaced: hub.row.namespaced,
            field_labels,
            converter: custom.unwrap_or_else(|| Arc::new(SameFields(farthest))),
            strategy: Arc::clone(&hub.strategy),
        }));
        let prefix = [&self.root, prefix.as_bytes(), b"/"].concat();
        let metrics = Arc::clone(&self.asked);
        let asked = Arc::new(Asked::new(metrics, &storage.group, &hub.row.name));
        let cache = Arc::new(Cache::new(
            prefix,
            forms,
            Arc::clone(&source.progress),
            Arc::clone(&asked),
            self.options,
        ));
        let timed: Arc<dyn Storage> = Arc::new(Timed::new(Arc::clone(&source.storage), asked));
        let store = |(at, version): (usize, Registration)| {
            let at = Version(u8::try_from(at).unwrap_or(u8::MAX));
            let store = Store::new(
                version.row,
                at,
                Arc::clone(&cache),
                version.strategy,
                Arc::clone(&timed),
                Arc::clone(&self.admission),
            );
            let add = |store: Store, (name, strategy)| store.with_subresource(name, strategy);
            let store = version.subresources.into_iter().fold(store, add);
            let add = |store: Store, (name, action)| store.with_action(name, action);
            let store = version.actions.into_iter().fold(store, add);
            let add = |store: Store, (name, facet)| store.with_facet(name, facet);
            let store = version.facets.into_iter().fold(store, add);
            let add = |store: Store, (name, connect)| store.with_connect(name, connect);
            Arc::new(version.connects.into_iter().fold(store, add))
        };
        versions.into_iter().enumerate().map(store).collect()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.stores.load().iter()).finish()
    }
}

impl Source {
    fn new(storage: Arc<dyn Storage>, root: Bytes) -> Self {
        let progress = Arc::new(Progress::new(Revision::ZERO));
        progress.follows(&storage);
        Self {
            storage,
            feeder: Arc::new(Feeder::new(root, Arc::clone(&progress))),
            progress,
            subscription: Arc::default(),
        }
    }

    /// Loads the caches, and keeps them up to date.
    async fn start(&self, caches: Vec<Arc<Cache>>) -> Result<(), StorageError> {
        let subscription = self.feeder.start(&self.storage, caches).await?;
        *lock(&self.subscription) = Some(subscription);
        tokio::spawn(follow_on(
            Arc::clone(&self.feeder),
            Arc::clone(&self.storage),
            Arc::downgrade(&self.subscription),
        ));
        Ok(())
    }
}

/// Reads everything again whenever changes were missed, and now and then what could not be read, as long as there
/// is a registry.
async fn follow_on(
    feeder: Arc<Feeder>,
    storage: Arc<dyn Storage>,
    place: Weak<Mutex<Option<Subscription>>>,
) {
    loop {
        if tokio::time::timeout(HEAL_EVERY, feeder.lost())
            .await
            .is_err()
        {
            if place.strong_count() == 0 {
                return;
            }
            feeder.heal(&storage).await;
            continue;
        }
        let subscription = loop {
            match feeder.restart(&storage).await {
                Ok(subscription) => break subscription,
                Err(error) => {
                    tracing::warn!(%error, "everything can not be read again; trying on");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        let Some(place) = place.upgrade() else {
            return;
        };
        *lock(&place) = Some(subscription);
    }
}

fn place(store: &Store) -> (&str, &str, &str) {
    place_of(store.row())
}

fn place_of(row: &Resource) -> (&str, &str, &str) {
    (&row.group, &row.version, &row.name)
}

fn conversion(registration: &Registration) -> Conversion {
    registration
        .row
        .storage
        .as_ref()
        .map_or(Conversion::None, |storage| storage.conversion)
}

/// How much it takes from a served version to the stored one.
fn distance(registration: &Registration) -> u8 {
    match conversion(registration) {
        Conversion::None => 0,
        Conversion::Identity => 1,
        Conversion::Json => 2,
        Conversion::Custom => 3,
    }
}

/// The caches of stores, each once.
fn caches(stores: &[Arc<Store>]) -> Vec<Arc<Cache>> {
    let mut caches: Vec<Arc<Cache>> = Vec::new();
    for store in stores {
        if !caches.iter().any(|cache| Arc::ptr_eq(cache, store.cache())) {
            caches.push(Arc::clone(store.cache()));
        }
    }
    caches
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
