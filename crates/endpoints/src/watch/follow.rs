//! Following a resource from inside the server: [`follow`].

use std::sync::Arc;
use std::time::Duration;

use pintle_storage::Storage;
use tracing::debug;

use super::{Watch, WatchFrom, WatchItem, WatchOptions};
use crate::cache::{Cache, Entry, EventType, Selection, Snapshot, Version};

/// What a follower is told.
#[derive(Debug)]
pub enum Told<'a> {
    /// These objects are there, and no others: the first word, and again where changes may have been missed.
    All(&'a Snapshot),
    /// An object is new or changed.
    Put(&'a Arc<Entry>),
    /// An object is gone; this was its last state.
    Gone(&'a Arc<Entry>),
}

/// How long a stretch of following is.
const STRETCH: Duration = Duration::from_secs(24 * 3600);

/// Tells of all objects before it returns; the answer tells of every change after that, in order, until it is
/// dropped. `tell` must not block: it is called between the deliveries to other watchers' queues.
pub fn follow(
    cache: Arc<Cache>,
    storage: Arc<dyn Storage>,
    mut tell: impl FnMut(Told<'_>) + Send,
) -> impl Future<Output = ()> + Send {
    let begin = move |tell: &mut dyn FnMut(Told<'_>)| {
        let (snapshot, revision) = cache.newest();
        tell(Told::All(&snapshot));
        let options = WatchOptions {
            from: WatchFrom::After(revision),
            bookmarks: false,
            timeout: STRETCH,
        };
        Watch::start(
            Arc::clone(&cache),
            Arc::clone(&storage),
            Selection::everything(cache.forms(), None),
            Version::HUB,
            options,
        )
    };
    let mut watch = begin(&mut tell);
    async move {
        let mut items = Vec::new();
        loop {
            while watch.next(&mut items).await {
                for item in items.drain(..) {
                    match item {
                        WatchItem::Event(event) => {
                            let Ok(object) = event.object() else { continue };
                            match event.event_type() {
                                EventType::Deleted => tell(Told::Gone(object.entry())),
                                EventType::Added | EventType::Modified => {
                                    tell(Told::Put(object.entry()));
                                }
                                EventType::Error => {}
                            }
                        }
                        WatchItem::Bookmark(_) => {}
                        // What was told of an object that can not be read any more holds no longer.
                        WatchItem::Error(error) => debug!(%error, "following begins again"),
                    }
                }
            }
            watch = begin(&mut tell);
        }
    }
}
