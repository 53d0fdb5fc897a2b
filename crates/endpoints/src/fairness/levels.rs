//! Priority levels, and what makes them of a plan.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use http::HeaderValue;
use pintle_runtime::text::Text;

use super::measure::Measures;
use super::overload::Refusals;
use super::plan::{CATCH_ALL, EXEMPT, FlowSchema, Plan, PriorityLevel};
use super::present::Present;
use super::queues::{Handling, Queues};
use super::shares::{self, Bounds, Claim, Need};
use super::{Flow, Flows, lock};

/// Part of a level's seats that one request gets at most.
const LARGEST_PART: f64 = 0.15;

/// Priority levels by name.
pub(super) struct Levels {
    pub(super) seats: u32,
    pub(super) by_name: BTreeMap<Text, Arc<Level>>,
}

/// A priority level at work.
pub(super) struct Level {
    pub(super) name: Text,
    pub(super) queues: Mutex<Queues>,
    pub(super) division: Mutex<Division>,
    pub(super) refusals: Mutex<Refusals>,
    pub(super) present: Mutex<Present>,
}

/// A level's part in the division of seats.
#[derive(Debug, Clone, Default)]
pub(super) struct Division {
    pub(super) bounds: Bounds,
    pub(super) need: Need,
    /// Nothing refers to it any more.
    pub(super) is_leaving: bool,
}

impl Levels {
    pub(super) fn arrange(
        &mut self,
        plan: Plan,
        measures: &Measures,
        hasher: &RandomState,
    ) -> Flows {
        let Plan {
            mut schemas,
            levels: mut specs,
        } = plan;
        for name in [EXEMPT, CATCH_ALL] {
            if !specs.iter().any(|level| level.name == name) {
                specs.push(PriorityLevel::mandatory(name));
            }
        }
        if !schemas.iter().any(|schema| schema.name == EXEMPT) {
            schemas.push(FlowSchema::mandatory(EXEMPT));
        }
        schemas.sort_by(|one, other| {
            (one.precedence, &one.name).cmp(&(other.precedence, &other.name))
        });
        let now = Instant::now();
        self.by_name.retain(|name, level| {
            if specs.iter().any(|spec| spec.name == *name) {
                return true;
            }
            lock(&level.division).is_leaving = true;
            !lock(&level.queues).is_idle()
        });
        let all_shares = specs.iter().map(|spec| spec.shares).sum();
        for spec in &specs {
            let level = self
                .by_name
                .entry(spec.name.clone())
                .or_insert_with(|| Arc::new(Level::new(spec, now)));
            level.take(spec, self.seats, all_shares, now);
        }
        self.divide(now);
        let flow = |schema: FlowSchema| {
            let spec = specs.iter().find(|spec| spec.name == schema.level)?;
            let level = self.by_name.get(&spec.name)?;
            Some(Arc::new(Flow {
                schema_uid: header(&schema.uid),
                level_uid: header(&spec.uid),
                is_exempt: spec.handling == Handling::Exempt,
                largest: largest(spec.handling, lock(&level.division).bounds.nominal),
                series: measures.series(&level.name, &schema.name),
                seed: hasher.hash_one(&*schema.name),
                level: Arc::clone(level),
                schema,
            }))
        };
        let mut list: Vec<Arc<Flow>> = schemas.into_iter().filter_map(flow).collect();
        let catch_all = list
            .iter()
            .find(|flow| flow.schema.name == CATCH_ALL)
            .cloned();
        let catch_all = catch_all.unwrap_or_else(|| {
            let schema = FlowSchema::mandatory(CATCH_ALL);
            let flow = flow(schema).expect("its level is always there");
            list.push(Arc::clone(&flow));
            flow
        });
        Flows { list, catch_all }
    }

    /// Divides the seats by what each level needed of late.
    pub(super) fn divide(&self, now: Instant) {
        let (mut limited, mut claims) = (Vec::new(), Vec::new());
        let (mut seats, mut taken) = (0, 0);
        for level in self.by_name.values() {
            let mut division = lock(&level.division);
            let mut queues = lock(&level.queues);
            let period = queues.take_demand(now);
            division.need.learn(period);
            seats += division.bounds.nominal;
            if queues.handling() == Handling::Exempt {
                let limit = division.bounds.least.max(period.peak.round() as u32);
                queues.set_limit(now, limit);
                taken += limit;
            } else {
                limited.push(level);
                claims.push(Claim {
                    bounds: division.bounds,
                    need: division.need,
                });
            }
        }
        let limits = shares::divide(seats.saturating_sub(taken), &claims);
        for (level, limit) in limited.into_iter().zip(limits) {
            lock(&level.queues).set_limit(now, limit);
        }
    }
}

impl Level {
    fn new(spec: &PriorityLevel, now: Instant) -> Self {
        Self {
            name: spec.name.clone(),
            queues: Mutex::new(Queues::new(spec.handling, 0, now)),
            division: Mutex::default(),
            refusals: Mutex::default(),
            present: Mutex::default(),
        }
    }

    fn take(&self, spec: &PriorityLevel, seats: u32, all_shares: u32, now: Instant) {
        let mut division = lock(&self.division);
        division.is_leaving = false;
        division.bounds = Bounds::new(
            seats,
            spec.shares,
            all_shares,
            spec.lendable_percent,
            spec.borrowing_percent,
        );
        lock(&self.queues).shape(now, spec.handling);
    }
}

/// The seats that one request gets at most, where requests wait.
fn largest(handling: Handling, nominal: u32) -> Option<u32> {
    let Handling::Queue { hand, .. } = handling else {
        return None;
    };
    let part = (f64::from(nominal) * LARGEST_PART).ceil() as u32;
    Some(part.min(nominal / hand.max(1)).max(1))
}

fn header(uid: &str) -> HeaderValue {
    HeaderValue::from_str(uid).unwrap_or(HeaderValue::from_static(""))
}
