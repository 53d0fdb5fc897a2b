//! What is served without being kept: rows without storage, and subresources that are not the object itself.
//!
//! A stored resource has a [`Store`] and a [`Strategy`](crate::strategy::Strategy). What is here has code instead:
//!
//! - an [`Action`] takes a body and answers: `tokenreviews`, `subjectaccessreviews`, `bindings`, and below objects
//!   `pods/eviction`, `pods/binding`, `serviceaccounts/token`;
//! - a [`View`] makes objects up when it is asked for them: `componentstatuses`.
//!
//! Either is registered for a row: [`Registry::register`] takes a row without storage, and
//! [`Registration::with_action`](crate::registry::Registration::with_action) an action below a stored object. From
//! then on discovery and OpenAPI show it, and the chain, negotiation and metrics treat it as any other resource.
//!
//! The verb does for an action what upstream's create handler does before it calls the storage: it negotiates, reads
//! options (so [`RequestContext::dry_run`] and [`RequestContext::field_manager`] are there), decodes the body as the
//! row's type with `fieldValidation`, has [`Action::default`] fill it in, takes system fields away, has the namespace
//! be that of the request, and keeps the books of who set what. The answer is a 201.
//!
//! ```
//! use pintle_endpoints::unkept::{Action, Answer, Asked, Outcome};
//! use pintle_runtime::status::ApiError;
//! use pintle_runtime::value::Record;
//!
//! /// Answers with what it is asked.
//! struct Echo;
//!
//! impl Action for Echo {
//!     fn create<'a>(&'a self, asked: Asked<'a>, body: Record) -> Answer<'a, Outcome> {
//!         Box::pin(async move {
//!             if asked.cx.user.name.is_empty() {
//!                 return Err(ApiError::bad_request("nobody asks"));
//!             }
//!             Ok(Outcome::Object(body))
//!         })
//!     }
//! }
//! ```

mod endpoint;

use std::pin::Pin;
use std::sync::Arc;

use pintle_runtime::status::{ApiError, Status};
use pintle_runtime::value::Record;

pub use endpoint::{ActionEndpoint, Kind, Unkept};

use crate::context::RequestContext;
use crate::list_options::ListOptions;
use crate::permit::Permit;
use crate::registry::Registry;
use crate::store::Store;

/// What will be answered.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// Takes a body and answers, instead of keeping an object.
pub trait Action: Send + Sync + 'static {
    /// Fills in what the client left out, as a strategy does for objects.
    fn default(&self, _body: &mut Record) {}

    /// Whether `uid`, `resourceVersion`, `creationTimestamp` and the like in the body's metadata are left as the client
    /// sent them: they are preconditions then. For subresources only, as upstream's
    /// `SubresourceObjectMetaPreserver` is.
    fn keeps_system_fields(&self) -> bool {
        false
    }

    /// Does it. `body` is of the type that the row, or the subresource's row, gives for input.
    ///
    /// With [`RequestContext::dry_run`] nothing is changed, and the answer is what it would be.
    ///
    /// # Errors
    /// Whatever the client is to be told.
    fn create<'a>(&'a self, asked: Asked<'a>, body: Record) -> Answer<'a, Outcome>;
}

/// Makes objects up when it is asked for them.
pub trait View: Send + Sync + 'static {
    /// All objects, in the order in which they are listed. Selecting is done by the verb.
    ///
    /// # Errors
    /// Whatever the client is to be told.
    fn list<'a>(&'a self, asked: Asked<'a>, options: &'a ListOptions) -> Answer<'a, Vec<Record>>;

    /// The object called [`Asked::name`].
    ///
    /// # Errors
    /// 404 in the kind's own words, and whatever the client is to be told.
    fn get<'a>(&'a self, asked: Asked<'a>) -> Answer<'a, Record>;
}

/// What an action or a view is asked, beside a body.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Who asks, in which namespace, when; whether it is a dry run; where warnings go.
    pub cx: &'a RequestContext,
    /// That they may. It is for this request, and passed on to what is done for it.
    pub permit: &'a Permit,
    /// The name in the path: of the object above a subresource, or of what a view is to get. Without one in the path it
    /// is the name in the body, which may be empty.
    pub name: &'a str,
    /// The object's store, above a subresource. [`Store::get`] and [`Store::update_with`] find the object by
    /// [`Asked::name`].
    pub parent: Option<&'a Store>,
    /// All stores, for what concerns other objects.
    pub registry: &'a Registry,
}

impl<'a> Asked<'a> {
    /// The store of the object above a subresource.
    ///
    /// # Errors
    /// 500 if this is no subresource, which is a mistake in how the action was registered.
    pub fn parent(&self) -> Result<&'a Store, ApiError> {
        self.parent
            .ok_or_else(|| ApiError::internal("an action below objects was asked for without one"))
    }

    /// The store of another resource.
    ///
    /// # Errors
    /// 500 if that is not served.
    pub fn store(
        &self,
        group: &str,
        version: &str,
        resource: &str,
    ) -> Result<Arc<Store>, ApiError> {
        self.registry
            .store(group, version, resource)
            .ok_or_else(|| ApiError::internal(format!("{resource} are not served")))
    }
}

/// What an action answers.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one exists at a time, and briefly"
)]
pub enum Outcome {
    /// An object of the type that came in.
    Object(Record),
    /// A `Status`; one without a code gets that of the response, 201.
    Status(Status),
}
