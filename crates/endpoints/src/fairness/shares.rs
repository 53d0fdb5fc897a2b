//! How many seats each priority level gets: in proportion to its shares, less what it lends and more
//! what it borrows.

use std::time::{Duration, Instant};

/// How much of an old peak of demand is left after one period: half of it after five minutes.
const MEMORY: f64 = 0.977;
/// A demand below this counts as this much, so that everyone's can be scaled.
const LEAST_DEMAND: f64 = 0.001;

/// What a priority level may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    /// What its shares give it.
    pub(super) nominal: u32,
    /// What it keeps whatever others need.
    pub(super) least: u32,
    /// What it gets at most when others need less.
    pub(super) most: u32,
}

impl Bounds {
    /// The bounds of a level that has `shares` of a server with so many seats.
    pub(super) fn new(
        seats: u32,
        shares: u32,
        all_shares: u32,
        lendable_percent: u32,
        borrowing_percent: Option<u32>,
    ) -> Self {
        let nominal = if all_shares == 0 {
            0
        } else {
            (u64::from(seats) * u64::from(shares)).div_ceil(u64::from(all_shares)) as u32
        };
        let percent =
            |percent: u32| (f64::from(nominal) * f64::from(percent) / 100.0).round() as u32;
        Self {
            nominal,
            least: nominal - percent(lendable_percent).min(nominal),
            most: nominal + borrowing_percent.map_or(seats, percent),
        }
    }
}

/// How many seats a level could use, over time.
#[derive(Debug)]
pub(super) struct Demand {
    value: f64,
    peak: f64,
    since: Instant,
    begun: Instant,
    /// Integrals of the value and of its square.
    sums: (f64, f64),
}

/// What a period's demand was.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Period {
    pub(super) peak: f64,
    pub(super) average: f64,
    pub(super) deviation: f64,
}

impl Demand {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            value: 0.0,
            peak: 0.0,
            since: now,
            begun: now,
            sums: (0.0, 0.0),
        }
    }

    /// So many seats are in use or waited for from now on.
    pub(super) fn set(&mut self, now: Instant, seats: u32) {
        let lasted = now.saturating_duration_since(self.since).as_secs_f64();
        self.sums.0 += self.value * lasted;
        self.sums.1 += self.value * self.value * lasted;
        self.since = now;
        self.value = f64::from(seats);
        self.peak = self.peak.max(self.value);
    }

    /// What the demand was since this was last asked.
    pub(super) fn take(&mut self, now: Instant) -> Period {
        self.set(now, self.value as u32);
        let lasted = now.saturating_duration_since(self.begun);
        let period = if lasted == Duration::ZERO {
            Period {
                peak: self.peak,
                ..Period::default()
            }
        } else {
            let average = self.sums.0 / lasted.as_secs_f64();
            let variance = self.sums.1 / lasted.as_secs_f64() - average * average;
            Period {
                peak: self.peak,
                average,
                deviation: variance.max(0.0).sqrt(),
            }
        };
        self.peak = self.value;
        self.begun = now;
        self.sums = (0.0, 0.0);
        period
    }
}

/// What a level is going to need, from what it needed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Need {
    pub(super) last: Period,
    pub(super) smoothed: f64,
}

impl Need {
    /// Takes in one more period: up at once, down slowly.
    pub(super) fn learn(&mut self, period: Period) {
        let envelope = period.average + period.deviation;
        let faded = MEMORY * self.smoothed + (1.0 - MEMORY) * envelope;
        self.smoothed = envelope.max(faded);
        self.last = period;
    }
}

/// A level in the division of seats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) bounds: Bounds,
    pub(super) need: Need,
}

impl Claim {
    /// It is not pressed below what it used at its peak, as far as that is its own.
    fn floor(&self) -> u32 {
        let peak = self.need.last.peak.round() as u32;
        self.bounds.least.max(self.bounds.nominal.min(peak))
    }

    /// What it would like to have.
    pub(super) fn target(&self) -> f64 {
        f64::from(self.floor()).max(self.need.smoothed)
    }
}

/// Divides `seats` among levels: each gets the same multiple of its target, within its bounds.
pub(super) fn divide(seats: u32, claims: &[Claim]) -> Vec<u32> {
    let sum = |of: fn(&Claim) -> u32| claims.iter().map(of).sum::<u32>();
    let (least, floors) = (sum(|claim| claim.bounds.least), sum(Claim::floor));
    if seats <= least {
        return claims.iter().map(|claim| claim.bounds.least).collect();
    }
    if seats <= floors {
        let part = f64::from(seats - least) / f64::from(floors - least);
        let share = |claim: &Claim| {
            let wanted = f64::from(claim.floor() - claim.bounds.least);
            claim.bounds.least + (wanted * part).round() as u32
        };
        return claims.iter().map(share).collect();
    }
    let multiple = multiple(f64::from(seats), claims);
    claims
        .iter()
        .map(|claim| allotted(claim, multiple).round() as u32)
        .collect()
}

/// What a level gets where everyone gets so many times the target.
fn allotted(claim: &Claim, multiple: f64) -> f64 {
    let wanted = claim.target().max(LEAST_DEMAND) * multiple;
    wanted
        .max(f64::from(claim.floor()))
        .min(f64::from(claim.bounds.most))
}

/// The multiple of everyone's target that uses up all seats. What is used grows with it in straight
/// pieces, from where one level leaves its floor to where one meets its ceiling.
fn multiple(seats: f64, claims: &[Claim]) -> f64 {
    let used = |multiple| {
        claims
            .iter()
            .map(|claim| allotted(claim, multiple))
            .sum::<f64>()
    };
    let bends = claims.iter().flat_map(|claim| {
        let target = claim.target().max(LEAST_DEMAND);
        [claim.floor(), claim.bounds.most].map(|bound| f64::from(bound) / target)
    });
    let mut bends: Vec<f64> = bends.collect();
    bends.sort_by(f64::total_cmp);
    let mut before = (0.0, used(0.0));
    for bend in bends {
        let here = (bend, used(bend));
        if here.1 >= seats {
            let rise = here.1 - before.1;
            let part = if rise > 0.0 {
                (seats - before.1) / rise
            } else {
                1.0
            };
            return before.0 + (here.0 - before.0) * part;
        }
        before = here;
    }
    before.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(least: u32, nominal: u32, most: u32, peak: f64, smoothed: f64) -> Claim {
        Claim {
            bounds: Bounds {
                nominal,
                least,
                most,
            },
            need: Need {
                last: Period {
                    peak,
                    ..Period::default()
                },
                smoothed,
            },
        }
    }

    #[test]
    fn bounds_follow_from_shares() {
        let bounds =
            |shares, lendable, borrowing| Bounds::new(600, shares, 245, lendable, borrowing);
        let expected = Bounds {
            nominal: 74,
            least: 50,
            most: 674,
        };
        assert_eq!(bounds(30, 33, None), expected);
        let expected = Bounds {
            nominal: 13,
            least: 13,
            most: 13,
        };
        assert_eq!(bounds(5, 0, Some(0)), expected);
    }

    #[test]
    fn who_needs_more_borrows_from_who_needs_less() {
        let busy = claim(50, 100, 700, 100.0, 300.0);
        let idle = claim(50, 100, 700, 0.0, 0.0);
        assert_eq!(divide(200, &[busy, idle]), [150, 50]);
        assert_eq!(divide(200, &[busy, busy]), [100, 100]);
    }

    #[test]
    fn nobody_gets_more_than_may_be_borrowed() {
        let busy = claim(50, 100, 120, 100.0, 300.0);
        let other = claim(50, 100, 700, 0.0, 10.0);
        assert_eq!(divide(200, &[busy, other]), [120, 80]);
    }

    #[test]
    fn too_few_seats_are_divided_between_least_and_peak() {
        let one = claim(10, 100, 700, 30.0, 30.0);
        let two = claim(10, 100, 700, 50.0, 50.0);
        assert_eq!(divide(15, &[one, two]), [10, 10]);
        assert_eq!(divide(50, &[one, two]), [20, 30]);
    }

    #[test]
    fn demand_is_averaged_over_time() {
        let start = Instant::now();
        let mut demand = Demand::new(start);
        demand.set(start, 4);
        demand.set(start + Duration::from_secs(5), 0);
        let period = demand.take(start + Duration::from_secs(10));
        let expected = Period {
            peak: 4.0,
            average: 2.0,
            deviation: 2.0,
        };
        assert_eq!(period, expected);
        let rest = demand.take(start + Duration::from_secs(20));
        assert_eq!(rest, Period::default());
    }

    #[test]
    fn needs_rise_at_once_and_fade_slowly() {
        let mut need = Need::default();
        let busy = Period {
            peak: 10.0,
            average: 8.0,
            deviation: 2.0,
        };
        need.learn(busy);
        assert!((need.smoothed - 10.0).abs() < 1e-9);
        need.learn(Period::default());
        assert!((need.smoothed - 9.77).abs() < 1e-9);
    }
}
