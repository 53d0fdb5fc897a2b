//! Plug-ins about the namespace that something is made in.

use pintle_api::core::v1::{Namespace, NamespaceMut};
use pintle_endpoints::admission::{Answer, Attributes, Interest, Operation, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::permit::Permit;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::{ApiError, CauseReason, StatusCause};
use pintle_runtime::value::Record;
use pintle_runtime::view::View;

use super::Lookup;
use super::lookup::Place;

/// Namespaces.
pub(super) const NAMESPACES: Place = ("", "v1", "namespaces");

/// Namespaces that may not be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// `NamespaceLifecycle`: what is made in a namespace needs one that is there and not on its way out; some namespaces
/// are there forever.
pub(super) struct Lifecycle(pub Lookup);

impl Plugin for Lifecycle {
    fn name(&self) -> &'static str {
        "NamespaceLifecycle"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        let is_review = target.resource.name == "localsubjectaccessreviews";
        Interest::MUTATES.when(if is_namespace(target) {
            target.operation == Operation::Delete
        } else {
            target.writes() && target.resource.namespaced && !is_review
        })
    }

    fn mutate<'a>(
        &'a self,
        _: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        _: Option<&'a mut Record>,
    ) -> Answer<'a> {
        if attributes.operation == Operation::Delete {
            return check_deletion(attributes).into();
        }
        self.check_namespace(attributes).into()
    }
}

impl Lifecycle {
    fn check_namespace(&self, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        let namespace = attributes.namespace;
        let Some(entry) = self.0.entry(NAMESPACES, "", namespace)? else {
            return Err(absent(namespace));
        };
        let is_terminating = entry.field("status.phase") == "Terminating";
        if attributes.operation != Operation::Create || !is_terminating {
            return Ok(());
        }
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let cause = StatusCause::new(
            CauseReason::NamespaceTerminating,
            format!("namespace {namespace} is being terminated"),
            "metadata.namespace",
        );
        Err(attributes.forbid(why).with_cause(cause))
    }
}

fn check_deletion(attributes: &Attributes<'_>) -> Result<(), ApiError> {
    if IMMORTAL.contains(&attributes.name.as_str()) {
        return Err(attributes.forbid("this namespace may not be deleted"));
    }
    Ok(())
}

fn is_namespace(target: Target<'_>) -> bool {
    target.resource.group.is_empty() && target.resource.name == "namespaces"
}

fn absent(namespace: &str) -> ApiError {
    ApiError::not_found(&GroupResource::new("", "namespaces"), namespace)
}

/// `NamespaceExists`: everything in a namespace needs one that is there.
pub(super) struct Exists(pub Lookup);

impl Plugin for Exists {
    fn name(&self) -> &'static str {
        "NamespaceExists"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        let asks = target.operation != Operation::Connect && target.resource.namespaced;
        Interest::VALIDATES.when(asks)
    }

    fn validate<'a>(
        &'a self,
        _: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        _: Option<&'a Record>,
    ) -> Answer<'a> {
        let namespace = attributes.namespace;
        self.0
            .entry(NAMESPACES, "", namespace)
            .and_then(|found| found.map(drop).ok_or_else(|| absent(namespace)))
            .into()
    }
}

/// `NamespaceAutoProvision`: what is made in a namespace that is not there makes it.
pub(super) struct AutoProvision(pub Lookup);

impl Plugin for AutoProvision {
    fn name(&self) -> &'static str {
        "NamespaceAutoProvision"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        Interest::MUTATES.when(target.creates() && target.resource.namespaced)
    }

    fn mutate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        _: Option<&'a mut Record>,
    ) -> Answer<'a> {
        // A dry run makes nothing, not even this.
        match self.0.entry(NAMESPACES, "", attributes.namespace) {
            Ok(Some(_)) => Answer::YES,
            Ok(None) if cx.dry_run => Answer::YES,
            Ok(None) => Answer::later(self.make(cx, attributes)),
            Err(error) => Answer::Now(Err(error)),
        }
    }
}

impl AutoProvision {
    async fn make(&self, cx: &RequestContext, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        let namespace = attributes.namespace;
        let mut object = <Namespace<'_> as View>::new_record();
        let mut view = NamespaceMut::from_record(&mut object);
        view.metadata_mut().set_name(namespace.to_owned());
        let store = self.0.store(NAMESPACES)?;
        let permit = Permit::of_the_server_itself(self.name());
        let user = std::sync::Arc::new(crate::hooks::server_user());
        let cx = RequestContext::new(user, "", cx.environment.clone());
        match store.create(&permit, &cx, object).await {
            Ok(_) | Err(ApiError::AlreadyExists(_)) => Ok(()),
            // Why not is told in the name of what was to be made.
            Err(error @ ApiError::Forbidden(_)) => Err(error),
            Err(error) => Err(attributes.forbid(error)),
        }
    }
}
