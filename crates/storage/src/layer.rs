//! A store around a store: [`Layer`].

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    Answer, At, Event, EventStream, Expect, Key, KeyRange, Listing, Observer, Page, Record,
    Revision, Storage, Subscription,
};

/// Declares the trait and makes a storage of whoever has it, from one list of questions.
macro_rules! layer {
    ($life:lifetime: $(fn $question:ident($($given:ident: $type:ty),*) -> $answer:ty;)*) => {
        /// A storage that stands before another, and states only what it changes: a question that it does not answer
        /// itself is handed to the [`inner`](Self::inner) one as it is.
        ///
        /// Whoever has this trait is a [`Storage`], with the same promises to keep.
        ///
        /// ```
        /// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
        /// use pintle_storage::{Answer, Key, Layer, Revision, Storage};
        ///
        /// /// Counts deletes.
        /// struct Counting(Arc<dyn Storage>, AtomicU64);
        ///
        /// impl Layer for Counting {
        ///     fn inner(&self) -> &dyn Storage {
        ///         &*self.0
        ///     }
        ///
        ///     fn delete<'a>(&'a self, key: &'a Key, expect: Revision) -> Answer<'a, Revision> {
        ///         self.1.fetch_add(1, Ordering::Relaxed);
        ///         self.inner().delete(key, expect)
        ///     }
        /// }
        ///
        /// fn counted(storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
        ///     Arc::new(Counting(storage, AtomicU64::new(0)))
        /// }
        /// ```
        pub trait Layer: Send + Sync + 'static {
            /// The storage behind this one.
            fn inner(&self) -> &dyn Storage;

            $(
                #[doc = concat!("See [`Storage::", stringify!($question), "`].")]
                fn $question<$life>(&$life self, $($given: $type),*) -> $answer {
                    self.inner().$question($($given),*)
                }
            )*
        }

        impl<L: Layer> Storage for L {
            $(
                fn $question<$life>(&$life self, $($given: $type),*) -> $answer {
                    Layer::$question(self, $($given),*)
                }
            )*
        }
    };
}

layer! { 'a:
    fn get(key: &'a Key, not_before: Revision) -> Answer<'a, At<Option<Record>>>;
    fn list(range: &'a KeyRange, page: Page) -> Answer<'a, At<Listing>>;
    fn put(key: &'a Key, expect: Expect, value: Bytes, lease: Option<Duration>) -> Answer<'a, Revision>;
    fn delete(key: &'a Key, expect: Revision) -> Answer<'a, Revision>;
    fn watch(range: &'a KeyRange, from: Revision) -> Answer<'a, EventStream>;
    fn history(range: &'a KeyRange, after: Revision, up_to: Revision) -> Answer<'a, At<Vec<Event>>>;
    fn subscribe(range: &'a KeyRange, observer: Arc<dyn Observer>) -> Answer<'a, Subscription>;
    fn current() -> Answer<'a, Revision>;
    fn tells_at_once() -> bool;
    fn is_stale(key: &'a Key) -> Answer<'a, bool>;
    fn compact(revision: Revision) -> Answer<'a, ()>;
    fn size_on_disk() -> Answer<'a, u64>;
}
