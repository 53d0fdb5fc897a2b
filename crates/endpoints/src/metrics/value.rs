//! Numbers that many threads count in.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Relaxed);
    }

    /// The number.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// One more.
    pub fn inc(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less.
    pub fn dec(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// So many more, or fewer.
    pub fn add(&self, count: i64) {
        self.0.fetch_add(count, Relaxed);
    }

    /// Sets the number.
    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    /// The number.
    pub fn value(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// How often values fell below each of some bounds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// How many values fell into each bucket, not added up; the last is beyond all bounds.
    counts: Box<[AtomicU64]>,
    /// The sum of all values, as the bits of an `f64`.
    sum: AtomicU64,
}

impl Histogram {
    /// Nothing observed yet. `bounds` grow.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::default()).collect(),
            sum: AtomicU64::default(),
        }
    }

    /// Counts a value.
    pub fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Relaxed);
        let add = |sum| Some((f64::from_bits(sum) + value).to_bits());
        // Never refused, so there is nothing to see in the answer.
        let _ = self.sum.fetch_update(Relaxed, Relaxed, add);
    }

    /// The bounds with how many values are not above each, then the count of all, and their sum.
    pub fn snapshot(&self) -> (Vec<(f64, u64)>, u64, f64) {
        let mut total = 0;
        let mut buckets = Vec::with_capacity(self.bounds.len());
        for (count, bound) in self.counts.iter().zip(self.bounds) {
            total += count.load(Relaxed);
            buckets.push((*bound, total));
        }
        total += self.counts[self.bounds.len()].load(Relaxed);
        (buckets, total, f64::from_bits(self.sum.load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_is_within_it() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.0, 3.0] {
            histogram.observe(value);
        }
        assert_eq!(histogram.snapshot(), (vec![(1.0, 2), (2.0, 4)], 5, 8.0));
    }
}
