//! Where a request gets its place among those under way, waits for it, or is turned away: [`Gate`].

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pintle_authz::Attributes;
use pintle_runtime::status::RetryAfter;

use crate::fairness::{self, Fairness, Flow, Refused, Seat};
use crate::inflight::{Inflight, Slot};
use crate::per_client::{ClientPlace, Clients, TooMuch};
use crate::query::Query;
use crate::registry::Registry;

/// Nobody waits longer for a seat.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Lets requests in.
pub(crate) struct Gate {
    pub(crate) inflight: Inflight,
    /// Who goes first; without it, first come, first served.
    pub(crate) fairness: Option<Arc<Fairness>>,
    /// How much a single client may ask.
    pub(crate) clients: Option<Clients>,
}

/// What a request occupies: it is counted among those under way, and has its seats.
pub(crate) struct Place {
    _slot: Slot,
    seat: Option<Seat>,
    _client: Option<ClientPlace>,
}

/// A request before the gate.
#[derive(Clone, Copy)]
pub(crate) struct Comer<'a> {
    pub(crate) attributes: &'a Arc<Attributes>,
    /// Where it comes from.
    pub(crate) source: IpAddr,
    pub(crate) query: Query<'a>,
    pub(crate) is_long_running: bool,
    pub(crate) received: Instant,
    /// When it came to the gate.
    pub(crate) now: Instant,
    /// The time that it has in all.
    pub(crate) time: Duration,
    /// Where it is noted which flow it is of.
    pub(crate) flow: &'a OnceLock<Arc<Flow>>,
}

impl Place {
    /// Waits from `now` on for the request's turn, if requests of its kind take turns.
    pub(crate) async fn take_turn(&mut self, now: Instant) {
        if let Some(seat) = &mut self.seat {
            seat.take_turn(now).await;
        }
    }
}

impl Gate {
    /// A place for a request; nothing for one that needs none. It waits for a quarter of its time at most.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) async fn enter(
        &self,
        registry: &Registry,
        comer: Comer<'_>,
    ) -> Result<Option<Place>, Refused> {
        let Comer {
            attributes, query, ..
        } = comer;
        let is_mutating = !attributes.is_read_only();
        let own = match &self.clients {
            Some(clients) => {
                let own = clients.enter(attributes, comer.source, comer.is_long_running);
                Some(own.await.map_err(|TooMuch(wait)| Refused {
                    stay_away: wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
                })?)
            }
            None => None,
        };
        let Some(fairness) = &self.fairness else {
            if comer.is_long_running {
                return Ok(None);
            }
            let slot = self.inflight.enter(is_mutating, &attributes.user);
            let slot = slot.ok_or(Refused::for_now(RetryAfter::SOON))?;
            return Ok(Some(Place {
                _slot: slot,
                seat: None,
                _client: own,
            }));
        };
        let is_watch = attributes.verb == "watch";
        if comer.is_long_running && !is_watch {
            return Ok(None);
        }
        let found = fairness.classify(attributes);
        let flow = comer.flow.get_or_init(|| found);
        let work = fairness::estimate(registry, flow, attributes, query);
        let deadline = comer.received + (comer.time / 4).min(LONGEST_WAIT);
        let stage = if is_watch { "watch" } else { "regular" };
        let seat = fairness
            .enter(flow, attributes, work, comer.now, deadline, stage)
            .await?;
        Ok(Some(Place {
            _slot: self.inflight.count(is_mutating),
            seat: Some(seat),
            _client: own,
        }))
    }
}
