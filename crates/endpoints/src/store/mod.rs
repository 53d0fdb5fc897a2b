//! The verbs of one resource.
//!
//! A [`Store`] is the same for every resource; what is particular is its [`Strategy`]. Reads come
//! from the [`Cache`] and never decode. A write decodes the old object once, computes the new one,
//! encodes it once, and hands it to the storage together with the revision that it was computed
//! from; where someone else was faster it computes again, unless the client named a revision.
//!
//! The order of a create and of an update stands in [`create`] and [`update`].

mod apply;
mod books;
mod create;
mod delete;
mod delete_collection;
pub mod finalizers;
mod fresh;
mod list;
pub(crate) mod metadata;
mod rewrite;
mod unreadable;
mod update;

use std::sync::{Arc, OnceLock};

use pintle_runtime::fields::Set;
use pintle_runtime::gvk::{GroupKind, GroupResource};
use pintle_runtime::name::Part;
use pintle_runtime::quote::Quoted;
use pintle_runtime::resource::{Name, Resource};
use pintle_runtime::status::{ApiError, Status};
use pintle_runtime::text::Text;
use pintle_storage::{Storage, StorageError};

pub use delete::Deleted;
pub use list::List;
pub use update::{Change, Duty, Existing, Written};

use crate::admission::{Chain, Interested};
use crate::cache::{Cache, Forms, Object, Selection, Version};
use crate::connect::{Connect, ConnectEndpoint};
use crate::context::RequestContext;
use crate::facet::{Facet, FacetEndpoint};
use crate::list_options::{ListOptions, canonical_fields, parse_resource_version};
use crate::permit::Permit;
use crate::server::Deprecation;
use crate::strategy::{NameRule, Strategy};
use crate::unkept::{Action, ActionEndpoint};
use crate::watch::{Watch, WatchFrom, WatchOptions};

/// The verbs of one resource in one version. Several share a cache when they share what is stored.
#[derive(Clone)]
pub struct Store {
    row: Arc<Resource>,
    resource: GroupResource,
    kind: GroupKind,
    version: Version,
    cache: Arc<Cache>,
    strategy: Arc<dyn Strategy>,
    storage: Arc<dyn Storage>,
    /// By name: the same objects under the rules of a subresource.
    subresources: Vec<(Name, Arc<Store>)>,
    /// By name: subresources that take something else than the object.
    actions: Vec<(Name, Arc<ActionEndpoint>)>,
    /// By name: subresources that show the objects as another kind.
    facets: Vec<(Name, Arc<FacetEndpoint>)>,
    connects: Vec<(Name, Arc<ConnectEndpoint>)>,
    /// Which subresource this is; empty for the object itself.
    subresource: Text,
    /// What the strategy resets, as a set; made at first use.
    reset: OnceLock<Set>,
    /// Every plug-in of the server, once they are there.
    admission: Arc<OnceLock<Chain>>,
    /// Those that care about this resource; found at first use.
    interested: OnceLock<Interested>,
    /// That its version is on its way out; found at first use.
    deprecation: OnceLock<Option<Deprecation>>,
}

impl Store {
    /// The verbs of `row`, whose objects are in `cache` and are served in its form `version`.
    pub fn new(
        row: Arc<Resource>,
        version: Version,
        cache: Arc<Cache>,
        strategy: Arc<dyn Strategy>,
        storage: Arc<dyn Storage>,
        admission: Arc<OnceLock<Chain>>,
    ) -> Self {
        let (resource, kind) = (GroupResource::from(&*row), GroupKind::from(&*row));
        Self {
            row,
            resource,
            kind,
            version,
            cache,
            strategy,
            storage,
            subresources: Vec::new(),
            actions: Vec::new(),
            facets: Vec::new(),
            connects: Vec::new(),
            subresource: Text::default(),
            reset: OnceLock::new(),
            admission,
            interested: OnceLock::new(),
            deprecation: OnceLock::new(),
        }
    }

    /// What is said to who uses its version, which `find` knows.
    pub(crate) fn deprecation(
        &self,
        find: fn(&Resource) -> Option<Deprecation>,
    ) -> Option<&Deprecation> {
        self.deprecation.get_or_init(|| find(&self.row)).as_ref()
    }

    /// The same objects under other rules: how a subresource such as `status` updates them.
    #[must_use]
    pub fn with_strategy(&self, strategy: Arc<dyn Strategy>) -> Self {
        Self {
            strategy,
            reset: OnceLock::new(),
            interested: OnceLock::new(),
            ..self.clone()
        }
    }

    /// The store with a subresource: the same objects, got and updated under other rules.
    #[must_use]
    pub fn with_subresource(mut self, name: impl Into<Name>, strategy: Arc<dyn Strategy>) -> Self {
        let name = name.into();
        let subresource = Text::from(name.to_string());
        let below = Arc::new(Self {
            subresources: Vec::new(),
            actions: Vec::new(),
            facets: Vec::new(),
            connects: Vec::new(),
            subresource,
            ..self.with_strategy(strategy)
        });
        self.subresources.push((name, below));
        self
    }

    /// The store of a subresource such as `status`, if it is served.
    pub fn subresource(&self, name: &str) -> Option<&Arc<Self>> {
        self.subresources
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, store)| store)
    }

    /// The store with an action below its objects, if the row has such a subresource.
    #[must_use]
    pub fn with_action(mut self, name: impl Into<Name>, action: Arc<dyn Action>) -> Self {
        let name = name.into();
        if let Some(row) = self.row.subresource(&name) {
            let endpoint = ActionEndpoint::of_subresource(&self.row, row, action);
            self.actions.push((name, Arc::new(endpoint)));
        }
        self
    }

    /// The store with a facet of its objects, if the row has such a subresource.
    #[must_use]
    pub fn with_facet(mut self, name: impl Into<Name>, facet: Arc<dyn Facet>) -> Self {
        let name = name.into();
        if let Some(row) = self.row.subresource(&name) {
            let endpoint = FacetEndpoint::new(&self.row, row, facet);
            self.facets.push((name, Arc::new(endpoint)));
        }
        self
    }

    /// The store with a subresource that leads out of the API, if the row has it.
    #[must_use]
    pub fn with_connect(mut self, name: impl Into<Name>, connect: Arc<dyn Connect>) -> Self {
        let name = name.into();
        if let Some(row) = self.row.subresource(&name) {
            let endpoint = ConnectEndpoint::new(row, connect);
            self.connects.push((name, Arc::new(endpoint)));
        }
        self
    }

    /// Where a subresource such as `exec` leads, if it is served.
    pub fn connect(&self, name: &str) -> Option<&Arc<ConnectEndpoint>> {
        self.connects
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, endpoint)| endpoint)
    }

    /// What a subresource such as `scale` shows of objects, if it is served.
    pub fn facet(&self, name: &str) -> Option<&Arc<FacetEndpoint>> {
        self.facets
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, facet)| facet)
    }

    /// Which subresource this is; empty for the object itself.
    pub fn subresource_name(&self) -> &str {
        &self.subresource
    }

    /// The action of a subresource such as `eviction`, if it is served.
    pub fn action(&self, name: &str) -> Option<&Arc<ActionEndpoint>> {
        self.actions
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, action)| action)
    }

    /// All its actions.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &ActionEndpoint> {
        self.actions.iter().map(|(_, action)| &**action)
    }

    /// The resource's row.
    pub fn row(&self) -> &Resource {
        &self.row
    }

    /// The rules.
    pub fn strategy(&self) -> &dyn Strategy {
        &*self.strategy
    }

    /// What keeps them.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Its objects.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The form in which it serves them.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The plug-ins that care about this resource; none as long as the server has none.
    pub fn interested(&self) -> &Interested {
        static NONE: OnceLock<Interested> = OnceLock::new();
        match self.admission.get() {
            Some(chain) => self
                .interested
                .get_or_init(|| chain.interested(&self.row, &self.subresource)),
            None => NONE.get_or_init(Interested::default),
        }
    }

    /// What is known of the kind.
    pub fn forms(&self) -> &Arc<Forms> {
        self.cache.forms()
    }

    /// One object.
    ///
    /// Without a revision it is the newest state; with one it is that or a later one.
    ///
    /// # Errors
    /// 404; 504 for a revision that does not come; 500 for one that is no number, as upstream says.
    pub async fn get(
        &self,
        _permit: &Permit,
        cx: &RequestContext,
        name: &str,
        resource_version: &str,
    ) -> Result<Object, ApiError> {
        let revision = parse_resource_version(resource_version).map_err(ApiError::unknown)?;
        if revision > 0 {
            self.cache
                .progress()
                .reach(pintle_storage::Revision(revision))
                .await?;
        }
        let key = self.key(cx, name)?;
        let entry = if resource_version.is_empty() {
            self.find_newest(&key).await?
        } else {
            self.cache.get(&key)
        };
        let entry = entry.ok_or_else(|| self.not_found(name))?;
        Ok(Object::new(entry, self.version))
    }

    /// Whether there is an object of this name.
    pub fn has(&self, cx: &RequestContext, name: &str) -> bool {
        self.key(cx, name)
            .is_ok_and(|key| self.cache.get(&key).is_some())
    }

    /// What happens to the selected objects. `min_request_timeout` is how long a watch runs at least
    /// that does not say.
    ///
    /// # Errors
    /// 400 for an unknown field label, 504 for a revision that does not come, 500 for one that is no
    /// number. A revision that is too old is an item of the watch.
    pub async fn watch(
        &self,
        _permit: &Permit,
        cx: &RequestContext,
        options: &ListOptions,
        min_request_timeout: std::time::Duration,
    ) -> Result<Watch, ApiError> {
        let selection = self.selection(cx, options)?;
        let revision =
            parse_resource_version(&options.resource_version).map_err(ApiError::unknown)?;
        let from = match (options.send_initial_events, revision) {
            (Some(true), _) if options.allow_watch_bookmarks => WatchFrom::InitialAndBookmark,
            (Some(true), _) | (None, 0) => WatchFrom::Initial,
            (Some(false), 0) => WatchFrom::Now,
            (Some(false) | None, revision) => WatchFrom::After(pintle_storage::Revision(revision)),
        };
        if from != WatchFrom::After(pintle_storage::Revision(revision))
            && options.resource_version.is_empty()
        {
            self.be_newest().await?;
        }
        if options.send_initial_events == Some(true) {
            self.cache
                .progress()
                .reach(pintle_storage::Revision(revision))
                .await?;
        }
        let timeout = match options.timeout_seconds {
            Some(seconds @ 1..) => {
                std::time::Duration::from_secs(seconds.unsigned_abs().min(LONGEST_WATCH))
            }
            _ => min_request_timeout.mul_f64(1.0 + cx.environment.random.fraction()),
        };
        let options = WatchOptions {
            from,
            bookmarks: options.allow_watch_bookmarks,
            timeout,
        };
        Ok(Watch::start(
            Arc::clone(&self.cache),
            Arc::clone(&self.storage),
            selection,
            self.version,
            options,
        ))
    }

    /// The objects that a list, a watch or a deletion of many is about.
    ///
    /// # Errors
    /// 400 for an unknown field label.
    pub fn selection(
        &self,
        cx: &RequestContext,
        options: &ListOptions,
    ) -> Result<Selection, ApiError> {
        let fields = canonical_fields(&self.row, &*self.strategy, &options.fields)?;
        Ok(Selection::new(
            self.forms(),
            Some(&cx.namespace),
            options.labels.clone(),
            &fields,
        ))
    }

    /// Below the resource's prefix.
    ///
    /// # Errors
    /// 400 for a name that is no element of a path, so that no key leads out of the prefix.
    fn key(&self, cx: &RequestContext, name: &str) -> Result<Arc<str>, ApiError> {
        if matches!(name, "." | "..") || name.contains(['/', '%']) {
            let why = NameRule::PathSegment.check(name, Part::Whole).join(";");
            let name = Quoted(name);
            return Err(ApiError::bad_request(format!(
                "Name parameter invalid: {name}: {why}"
            )));
        }
        let namespace = self.row.namespaced.then_some(cx.namespace.as_str());
        Ok(crate::cache::key(namespace, name).0)
    }

    /// 404 for an object of this resource.
    pub fn not_found(&self, name: &str) -> ApiError {
        ApiError::not_found(&self.resource, name)
    }

    /// 409 for an object that is not there, though its uid was given.
    pub fn uid_mismatch(&self, name: &str, uid: &str) -> ApiError {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        ApiError::conflict(&self.resource, name, why)
    }

    /// What clients read of a storage's error that means nothing particular to the verb.
    fn storage_error(&self, error: StorageError) -> ApiError {
        match error {
            // Upstream passes on what etcd says, and clients look for these words.
            StorageError::TooLarge { .. } => ApiError::unknown("etcdserver: request is too large"),
            StorageError::Remote { .. } => {
                tracing::error!(resource = %self.resource, error = ?error, "the storage failed");
                crate::cache::unavailable(&error)
            }
            error => {
                tracing::error!(resource = %self.resource, %error, "the storage failed");
                ApiError::internal_from("the store can not serve the request", error)
            }
        }
    }
}

/// A year, in seconds: clocks can not count further than some centuries.
const LONGEST_WATCH: u64 = 365 * 86_400;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store of {}", self.resource)
    }
}

/// Shorthand for the status of something gone.
fn gone(resource: &GroupResource, name: &str, uid: &str) -> Status {
    Status::deleted(pintle_runtime::status::StatusDetails {
        name: name.to_owned().into(),
        group: resource.group.clone(),
        kind: resource.resource.clone(),
        uid: uid.to_owned().into(),
        ..Default::default()
    })
}
