//! The verbs over HTTP: each reads its parameters and body, asks a [`Store`], and answers in the
//! representation that the client takes. None of them knows a resource.
//!
//! | file | verbs |
//! | --- | --- |
//! | [`get`] | get |
//! | [`list`] | list, and the answer to deletecollection |
//! | [`watch`] | watch |
//! | [`write`] | create, update |
//! | [`connect`] | every method, where the way leads out of the API |
//! | [`action`] | create, where nothing is kept |
//! | [`view`] | get and list, where nothing is kept |
//! | [`patch`] | patch: by [`patched`], or by [`apply`] where it is an apply |
//! | [`facet`] | get, update and patch of what an object is shown as |
//! | [`delete`] | delete, deletecollection |

mod action;
mod apply;
mod connect;
mod decode;
mod delete;
mod facet;
mod get;
mod list;
mod operations;
mod options;
mod patch;
mod patched;
mod reply;
mod view;
mod watch;
mod write;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, Response};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use pintle_authz::{Authorizer, ResourceAttributes};
use pintle_runtime::resource::Resource;
use pintle_runtime::status::ApiError;
use pintle_runtime::text::Text;
use pintle_runtime::user::UserInfo;

use crate::audit::Recording;
use crate::body::Body;
use crate::connect::ConnectEndpoint;
use crate::context::{Environment, RequestContext};
use crate::discovery::Offer;
use crate::facet::FacetEndpoint;
use crate::metrics::{Metrics, RequestSeries};
use crate::negotiate::{error_representation, method_not_allowed, no_such_resource};
use crate::permit::Permit;
use crate::query::Query;
use crate::registry::Registry;
use crate::request_info::{RequestInfo, Shape};
use crate::respond;
use crate::serve::Draining;
use crate::server::Deprecation;
use crate::store::Store;
use crate::table::Tables;
use crate::unkept::{ActionEndpoint, Unkept};

/// An authorized request for a resource.
pub(crate) struct Call<'a> {
    /// Method.
    pub method: &'a Method,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// Query.
    pub query: Query<'a>,
    /// What the path says.
    pub info: &'a RequestInfo,
    /// What the path says of the resource.
    pub target: &'a ResourceAttributes,
    /// Who asks.
    pub user: &'a Arc<UserInfo>,
    /// That they may.
    pub permit: Permit,
    /// The body, to be read by who needs it.
    pub body: Incoming,
    /// The connection, if the client may speak something else on it.
    pub upgrade: Option<OnUpgrade>,
    /// What the audit records of the request.
    pub recording: Option<&'a Arc<Recording>>,
    /// Where the request is counted.
    pub series: &'a RequestSeries,
    /// When it came.
    pub received: Instant,
    /// What the server does for all.
    pub server: &'a Serving,
}

/// What handlers use of the server.
pub(crate) struct Serving {
    /// All resources.
    pub registry: Arc<Registry>,
    /// Time and randomness.
    pub environment: Environment,
    /// Where watches are counted.
    pub metrics: Arc<Metrics>,
    /// When watches are to end.
    pub draining: Draining,
    /// How long a watch runs at least that does not say.
    pub min_request_timeout: Duration,
    /// The largest body of a request, in bytes.
    pub body_limit: usize,
    /// Rows of tables, if there are tables.
    pub tables: Option<Arc<dyn Tables>>,
    /// Who may do what: here, whether who updates may also create.
    pub authorizer: Arc<dyn Authorizer>,
    /// Whether what can not be read may be deleted all the same.
    pub unsafe_deletion: bool,
    /// What is said to who uses a resource in a version on its way out.
    pub deprecation: fn(&Resource) -> Option<Deprecation>,
}

impl Call<'_> {
    /// What a store needs to know of the request.
    fn context(&self) -> RequestContext {
        // A namespace does not live in itself.
        let namespace = if self.info.shape.in_namespace {
            self.target.namespace.clone()
        } else {
            Text::default()
        };
        let mut cx = RequestContext::new(
            Arc::clone(self.user),
            namespace,
            self.server.environment.clone(),
        );
        cx.verb = self.info.verb.clone();
        cx.recording = self.recording.cloned();
        cx
    }

    /// The pairs of the query, decoded.
    fn pairs(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        self.query.pairs().collect()
    }
}

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A resource as a whole.
    Collection,
    /// A resource of all namespaces: only for reading.
    AllNamespaces,
    /// An object.
    Object,
    /// A subresource of an object.
    Subresource,
}

/// Answers a request for a resource; 404 and 405 where there is no such thing.
pub(crate) async fn handle(call: Call<'_>) -> Response<Body> {
    let mut cx = call.context();
    let (headers, query) = (call.headers, call.query);
    let result = match route(&call) {
        Ok(target) => {
            if let Some(deprecation) = target.deprecation(call.server.deprecation) {
                let requests = &call.server.metrics.requests;
                requests.deprecated(call.target, &deprecation.removed);
                cx.annotate("k8s.io/deprecated", "true");
                if !deprecation.removed.is_empty() {
                    cx.annotate("k8s.io/removed-release", deprecation.removed);
                }
                cx.warn(deprecation.warning);
            }
            answer(call, target, &mut cx).await
        }
        Err(error) => Err(error),
    };
    if let Some(recording) = &cx.recording {
        for (key, value) in cx.take_annotations() {
            recording.annotate(key, value);
        }
        if let Err(error) = &result {
            recording.error(error);
        }
    }
    let mut response =
        result.unwrap_or_else(|error| respond::error(error_representation(headers, query), &error));
    let warnings = cx.take_warnings();
    if !warnings.is_empty() {
        respond::warn(&mut response, &warnings);
    }
    response
}

async fn answer(
    call: Call<'_>,
    target: Target,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    match target {
        Target::Store(store, "get") => get::get(&call, &store, cx).await,
        Target::Store(store, "list") => list::list(&call, &store, cx).await,
        // The room for these is theirs: whoever reads would pay for it, too.
        Target::Store(store, verb) => Box::pin(write(call, store, verb, cx)).await,
        target => Box::pin(beside(call, target, cx)).await,
    }
}

/// The verbs of a store but for get and list.
async fn write(
    call: Call<'_>,
    store: Arc<Store>,
    verb: &'static str,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    match verb {
        "watch" => watch::watch(&call, &store, cx).await,
        "create" => write::create(call, &store, cx).await,
        "update" => write::update(call, &store, cx).await,
        "patch" => patch::patch(call, &store, cx).await,
        "delete" => delete::delete(call, &store, cx).await,
        "deletecollection" => delete::delete_collection(call, &store, cx).await,
        _ => Err(method_not_allowed()),
    }
}

/// What is not a verb of a store.
async fn beside(
    call: Call<'_>,
    target: Target,
    cx: &mut RequestContext,
) -> Result<Response<Body>, ApiError> {
    match target {
        Target::Store(..) => Err(method_not_allowed()),
        Target::Facet(store, endpoint, verb) => match verb {
            "get" => facet::get(&call, &store, &endpoint, cx).await,
            "update" => facet::update(call, &store, &endpoint, cx).await,
            "patch" => facet::patch(call, &store, &endpoint, cx).await,
            _ => Err(method_not_allowed()),
        },
        Target::Out(store, endpoint) => connect::connect(call, &endpoint, &store, cx).await,
        Target::Below(store, endpoint) => action::create(call, &endpoint, Some(&store), cx).await,
        Target::Unkept(resource, verb) => match (&*resource, verb) {
            (Unkept::Action(endpoint), "create") => action::create(call, endpoint, None, cx).await,
            (Unkept::View(kind, view), "get") => view::get(&call, kind, &**view, cx).await,
            (Unkept::View(kind, view), "list") => view::list(&call, kind, &**view, cx).await,
            _ => Err(method_not_allowed()),
        },
    }
}

/// Whether a verb of a resource is really served: what discovery may list.
pub fn is_served(registry: &Registry, offer: Offer<'_>) -> bool {
    let row = offer.resource;
    let Some(store) = registry.store(&row.group, &row.version, &row.name) else {
        let unkept = registry.unkept(&row.group, &row.version, &row.name);
        return offer.subresource.is_none() && unkept.is_some_and(|found| found.serves(offer.verb));
    };
    match offer.subresource {
        None => matches!(
            offer.verb,
            "get"
                | "list"
                | "watch"
                | "create"
                | "update"
                | "patch"
                | "delete"
                | "deletecollection"
        ),
        Some(subresource) => {
            let name = &subresource.name;
            ((store.subresource(name).is_some() || store.facet(name).is_some())
                && matches!(offer.verb, "get" | "update" | "patch"))
                || (store.action(name).is_some() && offer.verb == "create")
                || store.connect(name).is_some()
        }
    }
}

/// What a request is for.
enum Target {
    /// A verb of a stored resource, or of a subresource that is the object itself.
    Store(Arc<Store>, &'static str),
    /// A verb of what the objects of a store are shown as.
    Facet(Arc<Store>, Arc<FacetEndpoint>, &'static str),
    /// A way out of the API below the objects of a store.
    Out(Arc<Store>, Arc<ConnectEndpoint>),
    /// An action below the objects of a store.
    Below(Arc<Store>, Arc<ActionEndpoint>),
    /// A verb of a resource that keeps nothing.
    Unkept(Arc<Unkept>, &'static str),
}

impl Target {
    /// What is said to who uses the version of the kind that it is about, which `find` knows.
    fn deprecation(&self, find: fn(&Resource) -> Option<Deprecation>) -> Option<Deprecation> {
        match self {
            Self::Store(store, _) | Self::Facet(store, ..) | Self::Out(store, _) => {
                store.deprecation(find).cloned()
            }
            Self::Below(_, endpoint) => find(endpoint.kind.row()),
            Self::Unkept(resource, _) => find(resource.row()),
        }
    }
}

/// What a request is for, if there is such a thing.
fn route(call: &Call<'_>) -> Result<Target, ApiError> {
    let (shape, target) = (&call.info.shape, call.target);
    let registry = &call.server.registry;
    let (group, version, resource) = (&target.group, &target.version, &target.resource);
    if shape.gap || call.info.verb == "proxy" {
        return Err(no_such_resource());
    }
    let Some(store) = registry.store(group, version, resource) else {
        let found = registry
            .unkept(group, version, resource)
            .ok_or_else(no_such_resource)?;
        let place = place(found.row(), shape, target)
            .filter(|place| *place != Place::Subresource)
            .ok_or_else(no_such_resource)?;
        let verb = verb(call, place).filter(|verb| found.row().has_verb(verb));
        return Ok(Target::Unkept(found, verb.ok_or_else(method_not_allowed)?));
    };
    let place = place(store.row(), shape, target).ok_or_else(no_such_resource)?;
    if place != Place::Subresource {
        let verb = verb(call, place)
            .filter(|verb| store.row().has_verb(verb))
            .ok_or_else(method_not_allowed)?;
        return Ok(Target::Store(store, verb));
    }
    let row = store
        .row()
        .subresource(&target.subresource)
        .filter(|row| (row.subpath || shape.subpath.is_none()) && !shape.prefixed)
        .ok_or_else(no_such_resource)?;
    if let Some(connect) = store.connect(&row.name).cloned() {
        if !connect.takes(call.method) {
            return Err(method_not_allowed());
        }
        return Ok(Target::Out(store, connect));
    }
    if let Some(action) = store.action(&row.name).cloned() {
        if call.method != Method::POST {
            return Err(method_not_allowed());
        }
        return Ok(Target::Below(store, action));
    }
    let verb = verb(call, place)
        .filter(|verb| row.verbs.iter().any(|known| known == verb))
        .ok_or_else(method_not_allowed);
    if let Some(facet) = store.facet(&row.name).cloned() {
        return Ok(Target::Facet(store, facet, verb?));
    }
    let below = store.subresource(&row.name).ok_or_else(no_such_resource)?;
    Ok(Target::Store(Arc::clone(below), verb?))
}

fn place(row: &Resource, shape: &Shape, target: &ResourceAttributes) -> Option<Place> {
    if shape.in_namespace && !row.namespaced {
        return None;
    }
    if row.namespaced && !shape.in_namespace {
        return (!shape.named).then_some(Place::AllNamespaces);
    }
    Some(match (shape.named, target.subresource.is_empty()) {
        (false, _) => Place::Collection,
        (true, true) => Place::Object,
        (true, false) => Place::Subresource,
    })
}

fn verb(call: &Call<'_>, place: Place) -> Option<&'static str> {
    let watches = call.info.verb == "watch";
    Some(match (place, call.method) {
        (Place::Collection | Place::AllNamespaces, &Method::GET) if watches => "watch",
        (_, &Method::GET) if call.info.shape.prefixed => "watch",
        (Place::Collection | Place::AllNamespaces, &Method::GET) => "list",
        (_, &Method::GET) => "get",
        _ if call.info.shape.prefixed => return None,
        (Place::Collection, &Method::POST) => "create",
        (Place::Collection, &Method::DELETE) => "deletecollection",
        (Place::Object, &Method::DELETE) => "delete",
        (Place::Object | Place::Subresource, &Method::PUT) => "update",
        (Place::Object | Place::Subresource, &Method::PATCH) => "patch",
        _ => return None,
    })
}
