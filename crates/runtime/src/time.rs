//! Points in time as Kubernetes writes them.

/// A point in time: seconds since 1970 and nanoseconds within the second, always in UTC.
///
/// `metav1.Time` is written to whole seconds, `metav1.MicroTime` to microseconds; both read any
/// RFC 3339 offset and fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    pub seconds: i64,
    /// Nanoseconds within the second, 0..1_000_000_000.
    pub nanos: u32,
}
