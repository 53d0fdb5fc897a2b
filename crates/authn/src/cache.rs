//! Answers about tokens, remembered for a while: [`CachedTokens`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac::{self, Context, HMAC_SHA256, Key};
use aws_lc_rs::rand::SystemRandom;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use pintle_runtime::text::Text;

use crate::authenticator::Outcome;
use crate::token_authenticator::{Checked, TokenAuthenticator};

/// How long answers are remembered; zero is not at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lifetimes {
    /// That a token is somebody's.
    pub success: Duration,
    /// That it is nobody's.
    pub failure: Duration,
}

impl Lifetimes {
    /// Of tokens that are verified here.
    pub const SHORT: Self = Self {
        success: Duration::from_secs(10),
        failure: Duration::ZERO,
    };
}

/// What happens in a cache of tokens, for who counts it.
pub trait TokenCacheEvents: Send + Sync + 'static {
    /// Somebody has an answer about a token: one that was remembered, or one that took so long.
    fn answered(&self, was_known: bool, took: Duration);
    /// Somebody waits for an answer, or does so no longer.
    fn waits(&self, begins: bool);
    /// Another begins to look at a token.
    fn asks(&self);
    /// It has an answer, or failed.
    fn asked(&self, has_answer: bool);
}

/// Nobody counts.
impl TokenCacheEvents for () {
    fn answered(&self, _: bool, _: Duration) {}
    fn waits(&self, _: bool) {}
    fn asks(&self) {}
    fn asked(&self, _: bool) {}
}

/// Remembers what another says of tokens. Errors are not remembered. Those who ask about the same token at once wait
/// for one answer.
///
/// Tokens are kept as digests with a key of this process, so that neither a look at memory nor the time of a lookup
/// tells anything about them.
pub struct CachedTokens {
    inner: Arc<dyn TokenAuthenticator>,
    lifetimes: Lifetimes,
    events: Arc<dyn TokenCacheEvents>,
    key: Key,
    parts: [Mutex<Part>; PARTS],
}

type Tag = [u8; 32];
type Asking = Shared<BoxFuture<'static, Checked>>;

#[derive(Default)]
struct Part {
    known: HashMap<Tag, (Instant, Checked)>,
    asking: HashMap<Tag, Asking>,
}

const PARTS: usize = 32;
/// Answers remembered per part.
const CAPACITY: usize = 1024;

impl CachedTokens {
    /// Remembers what `inner` says.
    ///
    /// # Panics
    /// Where the machine has no randomness, without which nothing here is safe.
    pub fn new(inner: Arc<dyn TokenAuthenticator>, lifetimes: Lifetimes) -> Self {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new());
        Self {
            inner,
            lifetimes,
            events: Arc::new(()),
            key: key.expect("the machine has randomness"),
            parts: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// The same, with `events` told of what happens.
    #[must_use]
    pub fn telling(self, events: Arc<dyn TokenCacheEvents>) -> Self {
        Self { events, ..self }
    }

    fn tag(&self, token: &str, audiences: &[Text]) -> Tag {
        let mut context = Context::with_key(&self.key);
        let mut text = |text: &str| {
            context.update(&text.len().to_be_bytes());
            context.update(text.as_bytes());
        };
        text(token);
        audiences.iter().for_each(|audience| text(audience));
        let tag: hmac::Tag = context.sign();
        let mut bytes = Tag::default();
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }

    fn part(&self, tag: &Tag) -> &Mutex<Part> {
        &self.parts[usize::from(tag[0]) % PARTS]
    }

    /// Asks, or waits with those who have asked.
    async fn ask(&self, tag: Tag, token: &str, audiences: &[Text]) -> Checked {
        let began = Instant::now();
        let asking = {
            let mut part = lock(self.part(&tag));
            let asking = part.asking.entry(tag).or_insert_with(|| {
                let inner = Arc::clone(&self.inner);
                let (token, audiences) = (token.to_owned(), audiences.to_vec());
                let question = Question::begin(Arc::clone(&self.events));
                async move {
                    let checked = inner.check(&token, &audiences).wait().await;
                    question.end(checked.is_ok());
                    checked
                }
                .boxed()
                .shared()
            });
            asking.clone()
        };
        let waiting = Waiting {
            part: self.part(&tag),
            tag,
            asking,
            events: &*self.events,
        };
        self.events.waits(true);
        let checked = waiting.asking.clone().await;
        let lifetime = match &checked {
            Ok(Some(_)) => self.lifetimes.success,
            Ok(None) => self.lifetimes.failure,
            Err(_) => Duration::ZERO,
        };
        if !lifetime.is_zero() {
            lock(waiting.part).remember(tag, Instant::now() + lifetime, checked.clone());
        }
        self.events.answered(false, began.elapsed());
        checked
    }
}

/// Another is asked about a token. Whose answer nobody waits for any more has failed.
struct Question {
    events: Arc<dyn TokenCacheEvents>,
    has_answer: bool,
}

impl Question {
    fn begin(events: Arc<dyn TokenCacheEvents>) -> Self {
        events.asks();
        Self {
            events,
            has_answer: false,
        }
    }

    fn end(mut self, has_answer: bool) {
        self.has_answer = has_answer;
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.events.asked(self.has_answer);
    }
}

/// Somebody who waits for an answer. The last one who goes, with or without it, takes the question away.
struct Waiting<'a> {
    part: &'a Mutex<Part>,
    tag: Tag,
    asking: Asking,
    events: &'a dyn TokenCacheEvents,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.events.waits(false);
        let mut part = lock(self.part);
        let Some(found) = part.asking.get(&self.tag) else {
            return;
        };
        // One is in the map, and one is here.
        if found.ptr_eq(&self.asking) && found.strong_count().is_none_or(|count| count <= 2) {
            part.asking.remove(&self.tag);
        }
    }
}

impl Part {
    fn remember(&mut self, tag: Tag, until: Instant, checked: Checked) {
        if self.known.len() >= CAPACITY {
            let now = Instant::now();
            self.known.retain(|_, (until, _)| *until > now);
        }
        if self.known.len() >= CAPACITY {
            self.known.clear();
        }
        self.known.insert(tag, (until, checked));
    }
}

fn lock(part: &Mutex<Part>) -> std::sync::MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TokenAuthenticator for CachedTokens {
    fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
        let tag = self.tag(token, audiences);
        if let Some((until, checked)) = lock(self.part(&tag)).known.get(&tag)
            && *until > Instant::now()
        {
            self.events.answered(true, Duration::ZERO);
            return Outcome::Now(checked.clone());
        }
        Outcome::Later(Box::pin(self.ask(tag, token, audiences)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use futures_util::future::join_all;
    use pintle_runtime::user::UserInfo;

    use super::*;
    use crate::authenticator::AuthenticationError;
    use crate::token_authenticator::Accepted;

    /// Counts how often it is asked, and answers late.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl TokenAuthenticator for Counting {
        fn check<'a>(&'a self, token: &'a str, audiences: &'a [Text]) -> Outcome<'a, Checked> {
            self.0.fetch_add(1, Relaxed);
            let checked = match token {
                "bad" => Err(AuthenticationError::new("bad")),
                "nobody" => Ok(None),
                name => Ok(Some(Accepted {
                    user: Arc::new(UserInfo::named(name.to_owned())),
                    audiences: audiences.into(),
                })),
            };
            Outcome::Later(Box::pin(async {
                let mut waited = false;
                std::future::poll_fn(|cx| {
                    if std::mem::replace(&mut waited, true) {
                        return std::task::Poll::Ready(());
                    }
                    cx.waker().wake_by_ref();
                    std::task::Poll::Pending
                })
                .await;
                checked
            }))
        }
    }

    /// Asks about a token three times, twice at once, and says how often the one inside was asked.
    #[track_caller]
    fn check(token: &str, lifetimes: Lifetimes, expected: usize) {
        let inner = Arc::new(Counting::default());
        let cache = CachedTokens::new(inner.clone(), lifetimes);
        let ask = || cache.check(token, &[]).wait();
        // Nothing here waits for anything but itself.
        let mut asked = Box::pin(async {
            join_all([ask(), ask()]).await;
            ask().await
        });
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        while asked.as_mut().poll(&mut cx).is_pending() {}
        assert_eq!(inner.0.load(Relaxed), expected, "{token}");
    }

    #[test]
    fn a_good_token_is_asked_about_once() {
        let long = Lifetimes {
            success: Duration::from_secs(60),
            failure: Duration::from_secs(60),
        };
        check("alice", long, 1);
        check("nobody", long, 1);
        check("alice", Lifetimes::default(), 2);
    }

    #[test]
    fn an_error_is_not_remembered() {
        let long = Lifetimes {
            success: Duration::from_secs(60),
            failure: Duration::from_secs(60),
        };
        check("bad", long, 2);
    }

    #[test]
    fn audiences_tell_answers_apart() {
        let cache = CachedTokens::new(Arc::new(Counting::default()), Lifetimes::SHORT);
        let tag = |audiences: &[&'static str]| {
            let audiences: Vec<Text> = audiences.iter().map(|text| Text::from(*text)).collect();
            cache.tag("token", &audiences)
        };
        assert_ne!(tag(&["a", "b"]), tag(&["ab"]));
        assert_ne!(tag(&[]), tag(&[""]));
        assert_eq!(tag(&["a"]), tag(&["a"]));
    }
}
