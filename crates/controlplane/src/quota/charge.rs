//! What a request would use, against the quotas of its namespace.

use std::collections::BTreeSet;

use pintle_api::core::v1::ResourceQuota;
use pintle_endpoints::admission::{Attributes, Operation};
use pintle_runtime::quantity::Quantity;
use pintle_runtime::status::ApiError;
use pintle_runtime::time::Time;
use pintle_runtime::value::Record;

use super::{Evaluator, Scope};
use crate::admission::amounts::{Amounts, add, amounts};

/// A quota as it counts: what its status says, not its spec.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub hard: Amounts,
    pub used: Amounts,
}

impl Quota {
    /// Of an object.
    pub(crate) fn of(object: &Record) -> Self {
        let quota = ResourceQuota::from_record(object);
        Self {
            name: quota.metadata().name().to_owned(),
            scopes: Scope::of_quota(quota.spec()),
            hard: amounts(quota.status().hard()),
            used: amounts(quota.status().used()),
        }
    }

    fn measured_by(&self, evaluator: &Evaluator) -> Vec<String> {
        let names = self.hard.keys();
        names
            .filter(|name| evaluator.measures(name))
            .cloned()
            .collect()
    }

    fn is_about(&self, evaluator: &Evaluator, object: &Record) -> bool {
        !self.measured_by(evaluator).is_empty()
            && self
                .scopes
                .iter()
                .all(|scope| evaluator.is_in(scope, object))
    }
}

/// A resource of which nothing is to be had without a quota: from the settings of the plug-in.
#[derive(Clone, Debug)]
pub(crate) struct Limited {
    pub group: String,
    pub resource: String,
    pub contains: Vec<String>,
    pub scopes: Vec<Scope>,
}

/// What a request adds to one quota.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    /// Which quota.
    pub quota: String,
    /// How much more of what.
    pub more: Amounts,
}

fn without_zeros(mut amounts: Amounts) -> Amounts {
    amounts.retain(|_, amount| !amount.is_zero());
    amounts
}

/// What is more in `new` than in `old`; nothing is less than none.
fn growth(new: &Amounts, old: &Amounts) -> Amounts {
    let more = |(name, amount): (&String, &Quantity)| {
        let more = *amount - old.get(name).copied().unwrap_or_default();
        (name.clone(), more.max(Quantity::ZERO))
    };
    new.iter().map(more).collect()
}

fn shown<'a>(amounts: impl IntoIterator<Item = (&'a String, &'a Quantity)>) -> String {
    let parts = amounts
        .into_iter()
        .map(|(name, amount)| format!("{name}={amount}"));
    parts.collect::<Vec<_>>().join(",")
}

impl Charge {
    /// What a request adds to which of the quotas. Nothing is written.
    ///
    /// # Errors
    /// 403 where it is too much, where a quota has not been counted yet, and where the object does not say what has to
    /// be counted.
    pub(crate) fn of_request(
        quotas: &[Quota],
        evaluator: &Evaluator,
        limited: &[Limited],
        attributes: &Attributes<'_>,
        object: &Record,
        now: Time,
    ) -> Result<Vec<Self>, ApiError> {
        let usage = evaluator.usage(object, now);
        let row = attributes.resource;
        let mut limited_names = BTreeSet::new();
        for limit in limited {
            if row.group == limit.group && row.name == limit.resource {
                let used = usage.iter().filter(|(_, amount)| amount.signum() > 0);
                let names = used.map(|(name, _)| name);
                limited_names
                    .extend(names.filter(|name| limit.contains.iter().any(|it| name.contains(it))));
            }
        }
        let mut covered_names = BTreeSet::new();
        let mut covered_scopes = Vec::new();
        let mut interesting = Vec::new();
        for quota in quotas {
            let in_scope = |scope: &&Scope| evaluator.is_in(scope, object);
            covered_scopes.extend(quota.scopes.iter().filter(in_scope).map(|it| &it.name));
            if !quota.is_about(evaluator, object) {
                continue;
            }
            let names = quota.measured_by(evaluator);
            if let Some(unsaid) = evaluator.unsaid(&names, object) {
                return Err(attributes.forbid(format!("failed quota: {}: {unsaid}", quota.name)));
            }
            if names.iter().any(|name| !quota.used.contains_key(name)) {
                let why = format!(
                    "status unknown for quota: {}, resources: {}",
                    quota.name,
                    names.join(",")
                );
                return Err(attributes.forbid(why));
            }
            covered_names.extend(names);
            interesting.push(quota);
        }
        let negative: Vec<_> = usage
            .iter()
            .filter(|(_, amount)| amount.signum() < 0)
            .collect();
        if !negative.is_empty() {
            let names: Vec<_> = negative.iter().map(|(name, _)| name.as_str()).collect();
            let names = names.join(",");
            return Err(
                attributes.forbid(format!("quota usage is negative for resource(s): {names}"))
            );
        }
        let old = attributes
            .old
            .filter(|_| attributes.operation == Operation::Update);
        let grown = old.map(|old| growth(&usage, &evaluator.usage(old, now)));
        let delta_of = |quota: Option<&Quota>| {
            let was_there =
                old.is_some_and(|old| quota.is_none_or(|it| it.is_about(evaluator, old)));
            match &grown {
                Some(grown) if was_there => without_zeros(grown.clone()),
                _ => without_zeros(usage.clone()),
            }
        };
        let deltas: Vec<_> = interesting
            .iter()
            .map(|quota| (*quota, delta_of(Some(quota))))
            .collect();
        let changes_nothing = if deltas.is_empty() {
            delta_of(None).is_empty()
        } else {
            deltas.iter().all(|(_, delta)| delta.is_empty())
        };
        if changes_nothing {
            return Ok(Vec::new());
        }
        let uncovered: Vec<_> = limited_names
            .into_iter()
            .filter(|name| !covered_names.contains(*name))
            .map(String::as_str)
            .collect();
        if !uncovered.is_empty() {
            let names = uncovered.join(",");
            return Err(attributes.forbid(format!("insufficient quota to consume: {names}")));
        }
        let scopes = limited.iter().flat_map(|limit| &limit.scopes);
        let uncovered: Vec<_> = scopes
            .filter(|scope| {
                evaluator.is_in(scope, object) && !covered_scopes.contains(&&scope.name)
            })
            .map(ToString::to_string)
            .collect();
        if !uncovered.is_empty() {
            return Err(ApiError::unknown(format!(
                "insufficient quota to match these scopes: [{}]",
                uncovered.join(" ")
            )));
        }
        let charges = deltas.into_iter().filter(|(_, delta)| !delta.is_empty());
        charges
            .map(|(quota, mut more)| {
                more.retain(|name, _| quota.hard.contains_key(name));
                let charge = Self {
                    quota: quota.name.clone(),
                    more,
                };
                charge.added_to(quota, attributes).map(|_| charge)
            })
            .collect()
    }

    /// What is used of a quota with this added.
    ///
    /// # Errors
    /// 403 if that is too much.
    pub(crate) fn added_to(
        &self,
        quota: &Quota,
        attributes: &Attributes<'_>,
    ) -> Result<Amounts, ApiError> {
        let mut used = quota.used.clone();
        add(&mut used, &self.more);
        let exceeded = |name: &String| {
            let limit = quota.hard.get(name);
            self.more.contains_key(name)
                && limit.is_some_and(|limit| used.get(name).is_some_and(|used| used > limit))
        };
        let of = |amounts: &Amounts| shown(amounts.iter().filter(|(name, _)| exceeded(name)));
        // What a controller observed is true, whatever it exceeds.
        if attributes.subresource != "status" && used.keys().any(exceeded) {
            return Err(attributes.forbid(format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                quota.name,
                of(&self.more),
                of(&quota.used),
                of(&quota.hard)
            )));
        }
        Ok(used)
    }
}
