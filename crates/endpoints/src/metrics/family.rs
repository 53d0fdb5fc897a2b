//! Metrics of one name that differ in labels: [`Family`].

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::text::{Kind, Samples};
use super::value::{Counter, Gauge, Histogram};

/// Metrics of one name that differ in the values of their labels.
///
/// Whoever counts often asks once and keeps the metric.
#[derive(Debug)]
pub struct Family<M> {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    make: fn() -> M,
    members: RwLock<HashMap<Values, Arc<M>>>,
}

/// The values of the labels, in their order.
type Values = Box<[Box<str>]>;

impl<M: Member> Family<M> {
    /// No metrics yet. `make` makes one.
    pub fn new(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        make: fn() -> M,
    ) -> Self {
        Self {
            name,
            help,
            labels,
            make,
            members: RwLock::default(),
        }
    }

    /// The metric with these values of the labels.
    pub fn with(&self, values: &[&str]) -> Arc<M> {
        debug_assert_eq!(values.len(), self.labels.len(), "{}", self.name);
        let key: Values = values.iter().map(|value| Box::from(*value)).collect();
        if let Some(member) = self
            .members
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return Arc::clone(member);
        }
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            members
                .entry(key)
                .or_insert_with(|| Arc::new((self.make)())),
        )
    }

    /// Forgets all of them, for a family whose labels tell of what is now.
    pub fn clear(&self) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        members.clear();
    }

    /// Writes all of them, in order of the labels.
    pub fn collect(&self, samples: &mut Samples<'_>) {
        self.collect_those(samples, |_| true);
    }

    /// Writes those that `wanted` says, in order of the labels.
    pub fn collect_those(&self, samples: &mut Samples<'_>, wanted: impl Fn(&M) -> bool) {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let mut members: Vec<_> = members.iter().filter(|(_, it)| wanted(it)).collect();
        if members.is_empty() {
            return;
        }
        members.sort_unstable_by_key(|(values, _)| *values);
        samples.family(self.name, self.help, M::KIND);
        for (values, member) in members {
            let labels: Vec<(&str, &str)> = self
                .labels
                .iter()
                .copied()
                .zip(values.iter().map(|value| &**value))
                .collect();
            member.write(&labels, samples);
        }
    }
}

/// A kind of metric that a family can be of.
pub trait Member {
    /// As the type line names it.
    const KIND: Kind;

    /// Writes its samples.
    fn write(&self, labels: &[(&str, &str)], samples: &mut Samples<'_>);
}

impl Member for Counter {
    const KIND: Kind = Kind::Counter;

    fn write(&self, labels: &[(&str, &str)], samples: &mut Samples<'_>) {
        samples.sample(labels, self.value() as f64);
    }
}

impl Member for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn write(&self, labels: &[(&str, &str)], samples: &mut Samples<'_>) {
        samples.sample(labels, self.value() as f64);
    }
}

impl Member for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn write(&self, labels: &[(&str, &str)], samples: &mut Samples<'_>) {
        samples.histogram(labels, self);
    }
}
