//! From changes to those who watch.
//!
//! # Who waits for whom
//!
//! The thread that fills the cache appends changes to a [`Hub`]'s queue and goes on; it never waits
//! for a watcher, nor for the task below, save for the moment that a queue is swapped.
//!
//! One task per resource, the *dispatcher*, takes what is queued, in order, and puts each change into
//! the [`Inbox`]es of those who want it. It waits for nobody: a full inbox is closed, and its watcher
//! is told when it comes for the rest. So a slow watcher costs the others nothing.
//!
//! A watcher takes everything in its inbox at once. It is woken only when its inbox was empty, so
//! changes that come faster than it reads cost no further wake-ups. What costs is a wake-up and a write
//! to the network, not a change: after the dispatcher has woken many, it lets changes gather for twice as long
//! as those take to write, some milliseconds, and then has each watcher write once for all of them. A
//! change that comes alone never waits.
//!
//! # In which order
//!
//! Changes are queued in the order of revisions, by one thread at a time, and dispatched by one task;
//! every inbox is filled in that order. A watcher is filed first, then looks at the cache's state, and
//! then says with [`Inbox::begin`] up to which revision it knows everything from there: what the inbox
//! got of that is dropped, and what it still gets of that is not taken. So each change reaches it once,
//! and filing never waits for who fills the cache, nor the other way round.
//!
//! # Who is visited
//!
//! A watcher is filed under the narrowest thing that a change can be looked up by: its one object, an
//! indexed field's value, its namespace, or nothing. A change visits only what it is filed under.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pintle_storage::Revision;
use tokio::sync::Notify;

use crate::cache::{Event, EventType, Selection};

/// The watchers of a resource.
pub(crate) struct Hub {
    queue: Mutex<Queue>,
    wake: Notify,
    watchers: Mutex<Watchers>,
    closed: AtomicBool,
    /// The revision up to which every change is in the inboxes.
    delivered: AtomicU64,
    /// How many watchers were cut off because they were slow.
    terminated: AtomicU64,
    /// How many changes were passed on, to however many watchers.
    dispatched: AtomicU64,
    /// How many events an inbox holds.
    capacity: usize,
}

#[derive(Default)]
struct Queue {
    events: Vec<Arc<Event>>,
    /// The dispatcher has taken events that are not all in the inboxes yet.
    dispatching: bool,
}

/// Watchers by what a change can be looked up by.
#[derive(Default)]
struct Watchers {
    all: Vec<Arc<Inbox>>,
    by_namespace: HashMap<Box<str>, Vec<Arc<Inbox>>>,
    by_key: HashMap<Arc<str>, Vec<Arc<Inbox>>>,
    by_field: HashMap<usize, HashMap<Box<str>, Vec<Arc<Inbox>>>>,
    count: usize,
}

/// What is on its way to one watcher.
pub(crate) struct Inbox {
    selection: Selection,
    capacity: usize,
    state: Mutex<State>,
}

/// What came of putting an event into an inbox.
enum Put {
    /// Its watcher has something to do now.
    Woken,
    /// Its watcher does not want it, or has something to do already.
    Quiet,
    /// That was once too often.
    TooMany,
}

struct State {
    /// What is not after this the watcher knows from elsewhere.
    after: Revision,
    events: Vec<(EventType, Arc<Event>)>,
    closed: bool,
    waker: Option<Waker>,
}

impl Hub {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            queue: Mutex::default(),
            wake: Notify::new(),
            watchers: Mutex::default(),
            closed: AtomicBool::new(false),
            delivered: AtomicU64::new(0),
            terminated: AtomicU64::new(0),
            dispatched: AtomicU64::new(0),
            capacity,
        }
    }

    /// Files a watcher. It gets everything from now on; see [`Inbox::begin`].
    pub(crate) fn register(&self, selection: Selection) -> Arc<Inbox> {
        let state = State {
            after: Revision::ZERO,
            events: Vec::new(),
            closed: false,
            waker: None,
        };
        let inbox = Arc::new(Inbox {
            selection,
            capacity: self.capacity,
            state: Mutex::new(state),
        });
        let mut watchers = lock(&self.watchers);
        watchers.count += 1;
        watchers.files(&inbox.selection).push(Arc::clone(&inbox));
        if self.closed.load(Ordering::Acquire) {
            inbox.close();
        }
        inbox
    }

    /// Takes a watcher out.
    pub(crate) fn unregister(&self, inbox: &Arc<Inbox>) {
        let mut watchers = lock(&self.watchers);
        let files = watchers.files(&inbox.selection);
        let before = files.len();
        files.retain(|found| !Arc::ptr_eq(found, inbox));
        let removed = before - files.len();
        watchers.count -= removed;
        watchers.prune(&inbox.selection);
    }

    /// How many watchers there are.
    pub(crate) fn watchers(&self) -> usize {
        lock(&self.watchers).count
    }

    /// How many watchers a change at `namespace` and `name` would visit. Of those filed by a field's value, which is not
    /// known here, one stands for all.
    pub(crate) fn interested(&self, namespace: &str, name: &str) -> usize {
        let watchers = lock(&self.watchers);
        let key = if namespace.is_empty() || name.is_empty() {
            name.to_owned()
        } else {
            format!("{namespace}/{name}")
        };
        watchers.all.len()
            + watchers.by_namespace.get(namespace).map_or(0, Vec::len)
            + watchers.by_key.get(&*key).map_or(0, Vec::len)
            + usize::from(!watchers.by_field.is_empty())
    }

    /// How many watchers were cut off because they were slow.
    pub(crate) fn terminated(&self) -> u64 {
        self.terminated.load(Ordering::Relaxed)
    }

    /// Queues changes, in order. Called by the thread that fills the cache.
    pub(crate) fn enqueue(&self, events: &[Arc<Event>]) {
        lock(&self.queue).events.extend_from_slice(events);
        self.wake.notify_one();
    }

    /// Whether every change that was queued is in the inboxes.
    pub(crate) fn is_idle(&self) -> bool {
        let queue = lock(&self.queue);
        queue.events.is_empty() && !queue.dispatching
    }

    /// The revision up to which every change that was queued is in the inboxes.
    pub(crate) fn delivered(&self) -> Revision {
        Revision(self.delivered.load(Ordering::Acquire))
    }

    /// Ends all watches, now and to come.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake.notify_one();
        lock(&self.watchers).each(|inbox| inbox.close());
    }

    /// Ends the watches that there are; others may begin.
    pub(crate) fn end_watches(&self) {
        lock(&self.queue).events.clear();
        lock(&self.watchers).each(|inbox| inbox.close());
    }

    /// The dispatcher: runs until the hub is closed.
    pub(crate) async fn dispatch(self: Arc<Self>) {
        let mut events = Vec::new();
        while !self.closed.load(Ordering::Acquire) {
            self.wake.notified().await;
            loop {
                {
                    let mut queue = lock(&self.queue);
                    queue.dispatching = !queue.events.is_empty();
                    std::mem::swap(&mut queue.events, &mut events);
                }
                if events.is_empty() {
                    break;
                }
                let woken = self.deliver(&events);
                if let Some(last) = events.drain(..).next_back() {
                    self.delivered.store(last.revision().0, Ordering::Release);
                }
                lock(&self.queue).dispatching = false;
                // Others get their turn; above all those who were just woken.
                match gathering(woken) {
                    Duration::ZERO => tokio::task::yield_now().await,
                    pause => tokio::time::sleep(pause).await,
                }
            }
        }
    }

    /// How many changes were passed on.
    pub(crate) fn dispatched(&self) -> u64 {
        self.dispatched.load(Ordering::Relaxed)
    }

    /// Puts events into the inboxes; says how many watchers that woke.
    fn deliver(&self, events: &[Arc<Event>]) -> u32 {
        self.dispatched
            .fetch_add(events.len() as u64, Ordering::Relaxed);
        let mut woken = 0;
        for event in events {
            // Taken anew for each, so that who comes and goes waits for one event at most.
            let watchers = lock(&self.watchers);
            if watchers.count == 0 {
                break;
            }
            watchers.visit(event, |inbox| match inbox.put(event) {
                Put::Woken => woken += 1,
                Put::Quiet => {}
                Put::TooMany => {
                    self.terminated.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        woken
    }
}

impl Watchers {
    /// Where watchers of a selection are filed.
    fn files(&mut self, selection: &Selection) -> &mut Vec<Arc<Inbox>> {
        if let Some(key) = selection.key() {
            return self.by_key.entry(key).or_default();
        }
        if let Some((field, value)) = selection.indexed() {
            return self
                .by_field
                .entry(field)
                .or_default()
                .entry(value.into())
                .or_default();
        }
        match selection.namespace() {
            Some(namespace) => self.by_namespace.entry(namespace.into()).or_default(),
            None => &mut self.all,
        }
    }

    /// Forgets the place of a selection when nobody is filed there any more.
    fn prune(&mut self, selection: &Selection) {
        if !self.files(selection).is_empty() {
            return;
        }
        if let Some(key) = selection.key() {
            self.by_key.remove(&key);
        } else if let Some((field, value)) = selection.indexed() {
            if let Some(values) = self.by_field.get_mut(&field) {
                values.remove(value);
            }
        } else if let Some(namespace) = selection.namespace() {
            self.by_namespace.remove(namespace);
        }
    }

    fn visit(&self, event: &Event, mut visit: impl FnMut(&Inbox)) {
        let mut visit_all = |files: Option<&Vec<Arc<Inbox>>>| {
            for inbox in files.into_iter().flatten() {
                visit(inbox);
            }
        };
        visit_all(Some(&self.all));
        if event.unreadable().is_some() {
            // What it says is not known, so it may be anyone's who does not ask for another place.
            let files = self.by_namespace.values().chain(self.by_key.values());
            let fields = self.by_field.values().flat_map(HashMap::values);
            files.chain(fields).for_each(|files| visit_all(Some(files)));
            return;
        }
        let (old, new) = (event.old_entry(), event.new_entry());
        if let Some(entry) = new.or(old) {
            if !self.by_namespace.is_empty() {
                visit_all(self.by_namespace.get(entry.namespace()));
            }
            if !self.by_key.is_empty() {
                visit_all(self.by_key.get(entry.key()));
            }
        }
        for (&field, values) in &self.by_field {
            let (old, new) = (
                old.map(|entry| entry.value(field)),
                new.map(|entry| entry.value(field)),
            );
            visit_all(new.and_then(|value| values.get(value)));
            if old != new {
                visit_all(old.and_then(|value| values.get(value)));
            }
        }
    }

    fn each(&self, mut visit: impl FnMut(&Inbox)) {
        let fields = self.by_field.values().flat_map(HashMap::values);
        let files = self
            .by_namespace
            .values()
            .chain(self.by_key.values())
            .chain(fields);
        for inbox in files.flatten().chain(&self.all) {
            visit(inbox);
        }
    }
}

impl Inbox {
    /// Puts an event in, if it is wanted.
    fn put(&self, event: &Arc<Event>) -> Put {
        let Some(what) = self.selection.classify_filed(event) else {
            return Put::Quiet;
        };
        let mut state = lock(&self.state);
        if state.closed || event.revision() <= state.after {
            return Put::Quiet;
        }
        if state.events.len() >= self.capacity {
            state.close();
            return Put::TooMany;
        }
        state.events.push((what, Arc::clone(event)));
        let waker = state.waker.take();
        drop(state);
        let Some(waker) = waker else {
            return Put::Quiet;
        };
        waker.wake();
        Put::Woken
    }

    /// The watcher knows everything up to `after` from elsewhere.
    pub(crate) fn begin(&self, after: Revision) {
        let mut state = lock(&self.state);
        state.after = after;
        state.events.retain(|(_, event)| event.revision() > after);
    }

    fn close(&self) {
        lock(&self.state).close();
    }

    /// Takes everything that is there; `Ready(false)` after the last, when it was closed.
    pub(crate) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        into: &mut Vec<(EventType, Arc<Event>)>,
    ) -> Poll<bool> {
        let mut state = lock(&self.state);
        if !state.events.is_empty() {
            if into.is_empty() {
                std::mem::swap(into, &mut state.events);
            } else {
                into.append(&mut state.events);
            }
            return Poll::Ready(true);
        }
        if state.closed {
            return Poll::Ready(false);
        }
        if state
            .waker
            .as_ref()
            .is_none_or(|waker| !waker.will_wake(cx.waker()))
        {
            state.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.state).events.is_empty()
    }
}

impl State {
    fn close(&mut self) {
        self.closed = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// How long changes gather after so many watchers were woken: twice what their writes take.
fn gathering(woken: u32) -> Duration {
    let pause = (WRITE * woken).min(LONGEST_GATHERING);
    // Timers are no finer than that.
    if pause < Duration::from_millis(1) {
        Duration::ZERO
    } else {
        pause
    }
}

/// Twice the time that one write to one watcher takes on both sides, whatever is written. No server is busy with that
/// alone, and others get their turn: among them those whose changes are the next to be told.
const WRITE: Duration = Duration::from_micros(100);
/// Longer, and who looks at it would see changes come late.
const LONGEST_GATHERING: Duration = Duration::from_millis(60);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
