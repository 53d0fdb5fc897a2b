//! `ResourceQuota`: what is used in a namespace stays within its quotas, also when many create at once.

use std::sync::Arc;

use pintle_api::core::v1::ResourceQuotaMut;
use pintle_endpoints::admission::{Answer, Attributes, Interest, Operation, Plugin, Target};
use pintle_endpoints::context::RequestContext;
use pintle_endpoints::permit::Permit;
use pintle_endpoints::store::Change;
use pintle_runtime::field_path::{ErrorList, Path};
use pintle_runtime::status::ApiError;
use pintle_runtime::value::{Map, Record, Value};

use super::configuration::{ConfigurationError, check_kind};
use super::limits::together;
use super::lookup::{Lookup, Place};
use crate::hooks::server_user;
use crate::quota::{Charge, Evaluator, Limited, Quota, Scope};

pub(crate) const QUOTAS: Place = ("", "v1", "resourcequotas");
const CLASSES: Place = ("resource.k8s.io", "v1", "deviceclasses");

/// The plug-in.
pub(super) struct Quotas {
    lookup: Lookup,
    limited: Vec<Limited>,
}

impl Quotas {
    /// From the settings, a `ResourceQuotaConfiguration`.
    pub(super) fn new(
        lookup: Lookup,
        settings: Option<&serde_json::Value>,
    ) -> Result<Self, ConfigurationError> {
        if let Some(settings) = settings {
            let versions = [
                "apiserver.config.k8s.io/v1",
                "resourcequota.admission.k8s.io/v1beta1",
                "resourcequota.admission.k8s.io/v1alpha1",
            ];
            let kinds = ["ResourceQuotaConfiguration", "Configuration"];
            check_kind(settings, &versions, &kinds)?;
        }
        let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().to_owned();
        let list = settings.and_then(|it| it["limitedResources"].as_array());
        let limited = list.into_iter().flatten().map(|limit| Limited {
            group: text(&limit["apiGroup"]),
            resource: text(&limit["resource"]),
            contains: limit["matchContains"]
                .as_array()
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
            scopes: limit["matchScopes"]
                .as_array()
                .into_iter()
                .flatten()
                .map(Scope::of_settings)
                .collect(),
        });
        let limited: Vec<Limited> = limited.collect();
        let mut errors = ErrorList::new();
        for (at, limit) in limited.iter().enumerate() {
            if limit.resource.is_empty() {
                let path = Path::new("limitedResources");
                errors.required(&path.index(at).child("resource"), "");
            }
        }
        match together(errors.iter().map(ToString::to_string).collect()) {
            None => Ok(Self { lookup, limited }),
            Some(faults) => Err(ConfigurationError(faults)),
        }
    }

    /// What a request adds to the quotas of its namespace.
    fn charges(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        object: &Record,
    ) -> Result<Vec<Charge>, ApiError> {
        let entries = self.lookup.all(QUOTAS, Some(attributes.namespace))?;
        if entries.is_empty() && self.limited.is_empty() {
            return Ok(Vec::new());
        }
        let row = attributes.resource;
        let Some(mut evaluator) = Evaluator::of(&row.group, &row.name) else {
            return Ok(Vec::new());
        };
        let old = attributes.old.filter(|_| {
            attributes.subresource.is_empty() && attributes.operation == Operation::Update
        });
        if old.is_some_and(|old| !evaluator.is_moved(object, old)) {
            return Ok(Vec::new());
        }
        if evaluator.asks_for_classes() {
            evaluator = evaluator.knowing(&self.lookup.all(CLASSES, None)?)?;
        }
        let quotas: Vec<Quota> = entries
            .iter()
            .map(|entry| Ok(Quota::of(&entry.record()?)))
            .collect::<Result<_, ApiError>>()?;
        Charge::of_request(
            &quotas,
            &evaluator,
            &self.limited,
            attributes,
            object,
            cx.now(),
        )
    }

    /// Writes what is used from now on. Whoever else charges meanwhile, no quota goes beyond its limit.
    async fn charge(
        &self,
        cx: &RequestContext,
        attributes: &Attributes<'_>,
        charges: Vec<Charge>,
    ) -> Result<(), ApiError> {
        let store = self.lookup.store(QUOTAS)?;
        let Some(status) = store.subresource("status") else {
            return Err(ApiError::internal("quotas have no status"));
        };
        let permit = Permit::of_the_server_itself("ResourceQuota");
        let user = Arc::new(server_user());
        let mut own = RequestContext::new(
            user,
            attributes.namespace.to_owned(),
            cx.environment.clone(),
        );
        own.field_manager = "kube-apiserver".into();
        for charge in charges {
            let make = |old: Option<&Record>| {
                let mut object = old
                    .cloned()
                    .ok_or_else(|| ApiError::internal("a quota can not be made by charging it"))?;
                let used = charge.added_to(&Quota::of(&object), attributes)?;
                let used = used
                    .into_iter()
                    .map(|(name, amount)| (name.into(), Value::String(amount.to_string().into())));
                let mut quota = ResourceQuotaMut::from_record(&mut object);
                quota
                    .status_mut()
                    .set_used(Map::from_entries(used.collect()));
                Ok(object)
            };
            let change = Change::default();
            match status
                .update_with(&permit, &own, &charge.quota, &change, make)
                .await
            {
                // A quota that is gone limits nothing.
                Ok(_) | Err(ApiError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Plugin for Quotas {
    fn name(&self) -> &'static str {
        "ResourceQuota"
    }

    fn interest(&self, target: Target<'_>) -> Interest {
        let row = target.resource;
        let counted = row.namespaced
            && matches!(target.operation, Operation::Create | Operation::Update)
            && Evaluator::of(&row.group, &row.name)
                .is_some_and(|it| it.handles(target.operation, target.subresource));
        Interest::VALIDATES.when(counted)
    }

    fn validate<'a>(
        &'a self,
        cx: &'a RequestContext,
        attributes: &'a Attributes<'a>,
        object: Option<&'a Record>,
    ) -> Answer<'a> {
        let Some(object) = object else {
            return Answer::YES;
        };
        match self.charges(cx, attributes, object) {
            Ok(charges) if charges.is_empty() || cx.dry_run => Answer::YES,
            Ok(charges) => Answer::later(self.charge(cx, attributes, charges)),
            Err(error) => Answer::Now(Err(error)),
        }
    }
}
