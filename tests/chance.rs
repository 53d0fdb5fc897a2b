//! How long a suite goes on, and what chances it takes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time that a suite has: a short one, or what `cargo xtask soak` gives it in `$PINTLE_SOAK_SECONDS`.
#[must_use]
pub fn time(short: Duration) -> Duration {
    let given = std::env::var("PINTLE_SOAK_SECONDS").ok();
    let given = given.and_then(|seconds| seconds.parse().ok());
    given.map_or(short, Duration::from_secs)
}

/// Chances that can be taken again: the seed is told, and `$PINTLE_SEED` sets it.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Says what its seed is, so that a failure can be looked for again.
    #[must_use]
    pub fn of(suite: &str) -> Self {
        let given = std::env::var("PINTLE_SEED").ok();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seed = given
            .and_then(|seed| seed.parse().ok())
            .unwrap_or_else(|| u64::from(now.unwrap_or_default().subsec_nanos()));
        println!("{suite}: PINTLE_SEED={seed}");
        Self(seed)
    }

    /// One for somebody else, who takes them at a pace of their own.
    #[must_use]
    pub fn another(&mut self) -> Self {
        Self(self.number())
    }

    /// Any number: the generator `splitmix64`.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; zero if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.number() % end).unwrap_or_default()
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// So many milliseconds, from the first to before the second.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.number() % to.saturating_sub(from).max(1))
    }
}
