//! The requests of a priority level that wait or are served, for people who look: [`Present`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use pintle_authz::Attributes;
use pintle_runtime::duration;
use pintle_runtime::text::Text;
use pintle_runtime::time::Time;

use super::queues::{Ticket, Work};

/// Requests by the number of their ticket, which is in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Present(BTreeMap<u64, Request>);

/// A request as it is shown.
#[derive(Debug)]
struct Request {
    attributes: Arc<Attributes>,
    schema: Text,
    distinguisher: Text,
    queue: Option<usize>,
    work: Work,
    arrived: Instant,
    started: Option<Instant>,
}

impl Present {
    /// A request arrives. It waits unless it is `started`.
    pub(super) fn arrive(
        &mut self,
        ticket: &Ticket,
        attributes: &Arc<Attributes>,
        schema: &Text,
        distinguisher: Text,
        arrived: Instant,
        started: Option<Instant>,
    ) {
        let request = Request {
            attributes: Arc::clone(attributes),
            schema: schema.clone(),
            distinguisher,
            queue: ticket.queue,
            work: ticket.work,
            arrived,
            started,
        };
        self.0.insert(ticket.id, request);
    }

    /// It waits no longer.
    pub(super) fn start(&mut self, ticket: &Ticket, at: Instant) {
        if let Some(request) = self.0.get_mut(&ticket.id) {
            request.started = Some(at);
        }
    }

    /// It is gone.
    pub(super) fn leave(&mut self, ticket: &Ticket) {
        self.0.remove(&ticket.id);
    }

    /// A row for each: who waits in a queue before who is served from it, and last who needs no queue.
    pub(super) fn rows(&self, level: &str, with_details: bool) -> Vec<Vec<String>> {
        let mut all: Vec<(&u64, &Request)> = self.0.iter().collect();
        all.sort_by_key(|(id, request)| {
            let queue = request.queue.unwrap_or(usize::MAX);
            (queue, request.started.is_some(), **id)
        });
        let (mut queue, mut index) = (None, 0);
        let mut rows = Vec::with_capacity(all.len());
        for (_, request) in all {
            if request.queue != queue {
                (queue, index) = (request.queue, 0);
            }
            let place = if request.started.is_none() { index } else { -1 };
            index += 1;
            rows.push(request.row(level, place, with_details));
        }
        rows
    }
}

impl Request {
    /// Its cells; `place` is that in its queue.
    fn row(&self, level: &str, place: i64, with_details: bool) -> Vec<String> {
        let linger = i64::try_from(self.work.linger.as_nanos()).unwrap_or(i64::MAX);
        let mut row = vec![
            level.to_owned(),
            self.schema.to_string(),
            self.queue
                .map_or_else(|| "-1".to_owned(), |queue| queue.to_string()),
            place.to_string(),
            self.distinguisher.to_string(),
            time(self.arrived),
            self.work.seats.to_string(),
            self.work.last_seats.to_string(),
            duration::format(linger),
            self.started.map_or_else(|| Time::ZERO.to_string(), time),
        ];
        if with_details {
            row.extend(self.details());
        }
        row
    }

    fn details(&self) -> [String; 8] {
        let Attributes {
            user, verb, path, ..
        } = &*self.attributes;
        let of = self.attributes.resource.clone().unwrap_or_default();
        let version = if of.group.is_empty() {
            of.version.to_string()
        } else {
            format!("{}/{}", of.group, of.version)
        };
        [
            user.name.to_string(),
            verb.to_string(),
            path.to_string(),
            of.namespace.to_string(),
            of.name.to_string(),
            version,
            of.resource.to_string(),
            of.subresource.to_string(),
        ]
    }
}

/// The time of day that it was, with as much of a fraction as there is.
fn time(at: Instant) -> String {
    let mut text = Vec::new();
    Time::from(SystemTime::now() - at.elapsed()).write_micros(&mut text);
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_end_matches('Z').trim_end_matches('0');
    format!("{}Z", text.trim_end_matches('.'))
}
