//! How much a single client may ask: [`ClientLimits`]. Off unless an operator wants it.
//!
//! Priority and fairness shares the server among clients as they come. This is for servers where one client must not
//! take more than so much even if nobody else wants it. A client is a user, or an address; what it asks over all its
//! connections counts. Members of `system:masters` and health checks are not limited.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use pintle_authz::Attributes;
use pintle_runtime::user::MASTERS;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Clients that are remembered at once, unless all of them are busy.
const REMEMBERED: usize = 4096;
/// A client that was silent for so long begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// Who asks these wants to know how the server is.
const HEALTH: [&str; 3] = ["/healthz", "/livez", "/readyz"];

/// Who is one client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientIs {
    /// A user, from wherever.
    #[default]
    User,
    /// An address, whoever asks from there.
    Source,
}

/// How much a single client may ask.
#[derive(Debug, Clone, Default)]
pub struct ClientLimits {
    /// Who is one client.
    pub client: ClientIs,
    /// Requests in a second, in the long run; no limit if `None`.
    pub per_second: Option<NonZeroU32>,
    /// Requests at once before that counts; twice as many as in a second if `None`.
    pub burst: Option<NonZeroU32>,
    /// Requests under way that are not long-running; zero is no limit.
    pub inflight: usize,
    /// How long a request waits for its turn before it is refused; zero refuses at once.
    pub wait: Duration,
}

/// Clients, and what they may still ask.
pub(crate) struct Clients {
    limits: ClientLimits,
    quota: Option<Quota>,
    start: Since,
    known: Mutex<HashMap<Name, Known>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    User(String),
    Source(IpAddr),
}

struct Known {
    client: Arc<Client>,
    last: Instant,
}

struct Client {
    bucket: Option<RateLimiter<NotKeyed, InMemoryState, Since>>,
    places: Arc<Semaphore>,
}

/// Time as buckets look at it.
#[derive(Debug, Clone, Copy)]
struct Since(Instant);

impl Clock for Since {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

/// A client's own place for a request; free again when it is dropped.
pub(crate) struct ClientPlace {
    _permit: Option<OwnedSemaphorePermit>,
}

/// A client asks too much. It may come again after this time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMuch(pub(crate) Duration);

impl Clients {
    /// Limits, if there are any.
    pub(crate) fn new(limits: ClientLimits) -> Option<Self> {
        if limits.per_second.is_none() && limits.inflight == 0 {
            return None;
        }
        let quota = limits.per_second.map(|rate| {
            let burst = limits.burst.unwrap_or(rate.saturating_add(rate.get()));
            Quota::per_second(rate).allow_burst(burst)
        });
        Some(Self {
            limits,
            quota,
            start: Since(Instant::now()),
            known: Mutex::default(),
        })
    }

    /// Lets a request in, perhaps after a while.
    ///
    /// # Errors
    /// [`TooMuch`] if its turn does not come in time.
    pub(crate) async fn enter(
        &self,
        attributes: &Attributes,
        source: IpAddr,
        is_long_running: bool,
    ) -> Result<ClientPlace, TooMuch> {
        if attributes.user.is_in(MASTERS) || asks_health(attributes) {
            return Ok(ClientPlace { _permit: None });
        }
        let name = match self.limits.client {
            ClientIs::User => Name::User(attributes.user.name.to_string()),
            ClientIs::Source => Name::Source(source),
        };
        let client = self.client(name);
        let begin = Instant::now();
        self.turn(&client, begin).await?;
        if self.limits.inflight == 0 || is_long_running {
            return Ok(ClientPlace { _permit: None });
        }
        let left = self.limits.wait.saturating_sub(begin.elapsed());
        let permit = match Arc::clone(&client.places).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) if left.is_zero() => None,
            Err(_) => {
                let place = Arc::clone(&client.places).acquire_owned();
                let place = tokio::time::timeout(left, place).await;
                place.ok().and_then(Result::ok)
            }
        };
        match permit {
            Some(permit) => Ok(ClientPlace {
                _permit: Some(permit),
            }),
            None => Err(TooMuch(Duration::from_secs(1))),
        }
    }

    /// Waits until the client's rate allows one more.
    async fn turn(&self, client: &Client, begin: Instant) -> Result<(), TooMuch> {
        let Some(bucket) = &client.bucket else {
            return Ok(());
        };
        while let Err(early) = bucket.check() {
            let wait = early.wait_time_from(self.start.now());
            if begin.elapsed() + wait > self.limits.wait {
                return Err(TooMuch(wait));
            }
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    fn client(&self, name: Name) -> Arc<Client> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED && !known.contains_key(&name) {
            forget(&mut known);
        }
        let found = known.entry(name).or_insert_with(|| Known {
            client: Arc::new(Client {
                bucket: self
                    .quota
                    .map(|quota| RateLimiter::direct_with_clock(quota, self.start)),
                places: Arc::new(Semaphore::new(
                    self.limits.inflight.min(Semaphore::MAX_PERMITS),
                )),
            }),
            last: Instant::now(),
        });
        found.last = Instant::now();
        Arc::clone(&found.client)
    }
}

/// Forgets who was silent for long; if nobody was, who was silent longest.
fn forget(known: &mut HashMap<Name, Known>) {
    known.retain(|_, known| known.last.elapsed() < FORGOTTEN_AFTER);
    if known.len() >= REMEMBERED {
        let silent = known.iter().min_by_key(|(_, known)| known.last);
        if let Some(name) = silent.map(|(name, _)| name.clone()) {
            known.remove(&name);
        }
    }
}

fn asks_health(attributes: &Attributes) -> bool {
    attributes.resource.is_none()
        && HEALTH.iter().any(|check| {
            let rest = attributes.path.as_str().strip_prefix(check);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

#[cfg(test)]
mod tests {
    use pintle_authz::ResourceAttributes;
    use pintle_runtime::user::UserInfo;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn asks(user: &'static str, path: &'static str) -> Attributes {
        let mut user = UserInfo::named(user);
        if user.name == "root" {
            user.groups = vec![MASTERS.into()];
        }
        Attributes {
            user: Arc::new(user),
            verb: "get".into(),
            path: path.into(),
            resource: path.starts_with("/api").then(ResourceAttributes::default),
        }
    }

    fn clients(limits: ClientLimits) -> Clients {
        Clients::new(limits).expect("there are limits")
    }

    #[tokio::test]
    async fn a_client_that_asks_too_often_is_told_when_to_come_again() {
        let clients = clients(ClientLimits {
            per_second: NonZeroU32::new(1),
            burst: NonZeroU32::new(3),
            ..ClientLimits::default()
        });
        let enter = |user, path| {
            let (clients, attributes) = (&clients, asks(user, path));
            async move { clients.enter(&attributes, HERE, false).await.map(|_| ()) }
        };
        for _ in 0..3 {
            assert_eq!(enter("bob", "/api").await, Ok(()));
        }
        let TooMuch(wait) = enter("bob", "/api").await.expect_err("it is too much");
        assert!(
            wait <= Duration::from_secs(1) && !wait.is_zero(),
            "{wait:?}"
        );
        for (user, path) in [("alice", "/api"), ("root", "/api"), ("bob", "/livez/ping")] {
            assert_eq!(enter(user, path).await, Ok(()), "{user} {path}");
        }
        assert!(enter("bob", "/livezzz").await.is_err());
    }

    #[tokio::test]
    async fn a_client_has_so_many_requests_under_way_wherever_it_asks() {
        for (client, other) in [(ClientIs::User, "bob"), (ClientIs::Source, "alice")] {
            let clients = clients(ClientLimits {
                client,
                inflight: 1,
                ..ClientLimits::default()
            });
            let bob = asks("bob", "/api");
            let first = clients
                .enter(&bob, HERE, false)
                .await
                .expect("it is the first");
            let source = if client == ClientIs::User {
                THERE
            } else {
                HERE
            };
            let again = clients.enter(&asks(other, "/api"), source, false).await;
            assert!(again.is_err(), "{client:?}");
            assert!(clients.enter(&bob, HERE, true).await.is_ok(), "a watch");
            drop(first);
            assert!(clients.enter(&bob, HERE, false).await.is_ok());
        }
    }

    #[tokio::test]
    async fn who_may_wait_gets_its_turn() {
        let clients = clients(ClientLimits {
            per_second: NonZeroU32::new(100),
            burst: NonZeroU32::new(1),
            inflight: 1,
            wait: Duration::from_secs(30),
            ..ClientLimits::default()
        });
        let bob = asks("bob", "/api");
        for _ in 0..5 {
            let place = clients.enter(&bob, HERE, false).await;
            assert!(place.is_ok());
        }
    }
}
